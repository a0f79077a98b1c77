# SPDX-License-Identifier: Apache-2.0
"""Handlers hold no rules and write nothing: what changes something is a use case of ``app``, with its audit."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.support.source_tree import parsed

SOURCE = Path(__file__).resolve().parents[2] / "src" / "openmains"


def _writes() -> dict[str, set[str]]:
    """Port → its methods that answer nothing, so that all they can do is to change something."""
    found: dict[str, set[str]] = {}
    for path in SOURCE.glob("app/**/*ports.py"):
        for port in parsed(path).body:
            if isinstance(port, ast.ClassDef):
                methods = [item for item in port.body if isinstance(item, ast.AsyncFunctionDef | ast.FunctionDef)]
                found[port.name] = {
                    item.name for item in methods if ast.unparse(item.returns or ast.Name("")) == "None"
                }
    return found


def _asked() -> Iterator[tuple[str, str, str]]:
    """(place, port, method) of every ``work[Port].method`` in a handler."""
    for path in sorted((SOURCE / "edges" / "http").rglob("*.py")):
        for node in ast.walk(parsed(path)):
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Subscript)
                and isinstance(node.value.slice, ast.Name)
            ):
                yield f"{path.name}:{node.lineno}", node.value.slice.id, node.attr


def test_handlers_write_nothing() -> None:
    writes = _writes()
    assert "record" in writes["AuditTrail"] and "extend_session" in writes["CredentialStore"]
    asked = list(_asked())
    assert len(asked) > 20  # the form in which handlers ask is the one looked for
    assert [place for place, port, method in asked if method in writes.get(port, ())] == []


def test_handlers_are_given_the_time() -> None:
    found = []
    for path in sorted((SOURCE / "edges" / "http").rglob("*.py")):
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in (
                "time.time", "time.time_ns", "datetime.now", "datetime.utcnow", "date.today",
            ):  # fmt: skip
                found.append(f"{path.name}:{node.lineno}")
    assert found == []
