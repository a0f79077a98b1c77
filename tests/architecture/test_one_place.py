# SPDX-License-Identifier: Apache-2.0
"""What is told in one place only: how an instant becomes a ``datetime``, how long a day is (``domain/period.py``),
and how an IMEI is written (``domain/fleet/identifiers.py``).

``wire`` knows no domain and keeps its own.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.support.source_tree import parsed

SOURCE = Path(__file__).resolve().parents[2] / "src" / "openmains"
PERIOD = "domain/period.py"
LENGTHS = {"MINUTE_S", "HOUR_S", "DAY_S"}


def _pages() -> Iterator[tuple[str, ast.Module]]:
    """Path and syntax of every module but those of ``wire``."""
    for page in sorted(SOURCE.rglob("*.py")):
        name = page.relative_to(SOURCE).as_posix()
        if not name.startswith("wire/"):
            yield name, parsed(page)


def _targets(node: ast.AST) -> Iterator[str]:
    """Names that an assignment binds."""
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    for target in targets:
        yield from (part.id for part in ast.walk(target) if isinstance(part, ast.Name))


def _second_homes(module: ast.Module) -> Iterator[str]:
    for node in ast.walk(module):
        if isinstance(node, ast.Attribute) and node.attr == "fromtimestamp" and ast.unparse(node.value) == "datetime":
            yield f"{node.lineno}: datetime.fromtimestamp"
        yield from (f"{getattr(node, 'lineno', 0)}: {name}" for name in _targets(node) if name in LENGTHS)


def test_time_has_one_place() -> None:
    pages = dict(_pages())
    assert len(list(_second_homes(pages.pop(PERIOD)))) >= 2 + len(LENGTHS), "the rule finds what it looks for"
    assert [f"{name}:{what}" for name, page in pages.items() for what in _second_homes(page)] == []


def test_an_imei_is_written_in_one_way() -> None:
    pages = {name: (SOURCE / name).read_text("utf-8") for name, _ in _pages()}
    assert [name for name, text in pages.items() if re.search(r":015d|%015d|:0\{IMEI_DIGITS\}d", text)] == [
        "domain/fleet/identifiers.py"
    ]


def test_a_second_home_is_found() -> None:
    page = ast.parse("HOUR, DAY_S = 3600, 86_400\nMINUTE_S: int = 60\nat = datetime.fromtimestamp(0, UTC)\n")
    assert list(_second_homes(page)) == ["1: DAY_S", "2: MINUTE_S", "3: datetime.fromtimestamp"]
