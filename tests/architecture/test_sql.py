# SPDX-License-Identifier: Apache-2.0
"""SQL is source: it stands in ``.sql`` files, and what it gives is read by name."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.support.source_tree import parsed

ROOT = Path(__file__).resolve().parents[2] / "src" / "openmains"
SQL = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH|ALTER|CREATE)\s+[A-Za-z(*]")
EXCEPTIONS = {
    # file: why its statements stand in Python
    "edges/clickhouse/client.py": "makes the database before there is anything to ask",
    "edges/clickhouse/frozen.py": "ALTER TABLE takes no values",
    "edges/clickhouse/migrate.py": "its own history, before any migration",
    "edges/clickhouse/parts.py": "the same: ALTER TABLE takes no values",
    "edges/clickhouse/retention.py": "ALTER TABLE takes no values",
    "edges/postgres/migrate.py": "its own history, before any migration",
    "edges/postgres/db.py": "the tenant of a transaction, for every context",
    "edges/signer/ledger.py": "a file of one process: its tables and what is asked of them are one page",
    "edges/signer/ledger_facts.py": "the same",
    "edges/signer/row_sums.py": "the same: sums over its tables",
    "edges/sqlite/sessions.py": "the same",
    "edges/sqlite/gateway_store.py": "the same",
    "run/backup/postgres.py": "a table's name is no value",
    "run/engines/postgres_files.py": "asked of the catalogue, by the superuser, before there is a schema",
    "run/engines/postgres_server.py": "makes database and roles before there is anything to ask",
}


def modules(*places: str) -> Iterator[tuple[str, ast.Module]]:
    for place in places:
        for path in sorted((ROOT / place).rglob("*.py")):
            yield path.relative_to(ROOT).as_posix(), parsed(path)


def _texts(tree: ast.Module) -> Iterator[str]:
    """String constants but docstrings; of an f-string its parts."""
    said = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said:
            yield node.value


def test_no_statement_stands_in_python() -> None:
    found = {name: text for name, tree in modules("edges", "run") for text in _texts(tree) if SQL.match(text)}
    assert {name: text for name, text in found.items() if name not in EXCEPTIONS} == {}
    assert [name for name in EXCEPTIONS if name not in found] == []


def test_rows_are_read_by_name() -> None:
    found = []
    for name, tree in modules("edges/postgres"):
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Subscript)
                and isinstance(node.value, ast.Name)
                and node.value.id in {"row", "r", "found"}
                and isinstance(node.slice, ast.Constant | ast.Slice)
                and not (isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str))
            ):
                found.append(f"{name}:{node.lineno}")
    assert found == []
