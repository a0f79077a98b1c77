# SPDX-License-Identifier: Apache-2.0
"""No file imports itself by way of others. Imports for the type checker and within functions count: a reader follows them too."""

import ast
import graphlib
from pathlib import Path

import pytest

from tests.support.source_tree import parsed

SOURCE = Path(__file__).resolve().parents[2] / "src"


def imports_of(source: Path) -> dict[str, set[str]]:
    """Module → modules it names in an import, of all Python files below a folder. ``from p import m`` names p.m if it is a file."""
    files = {}
    for path in source.rglob("*.py"):
        parts = path.relative_to(source).with_suffix("").parts
        files[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    graph: dict[str, set[str]] = {}
    for module, path in files.items():
        named = set()
        for node in ast.walk(parsed(path) if source == SOURCE else ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                named |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                inner = {f"{node.module}.{alias.name}" for alias in node.names}
                named |= {name if name in files else node.module for name in inner}
        graph[module] = {name for name in named if name in files}
    return graph


def circle_in(graph: dict[str, set[str]]) -> list[str]:
    """One circle as a way from a module to itself; empty: there is none."""
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return [str(module) for module in reversed(error.args[1])]
    return []


def test_no_circle_of_files() -> None:
    graph = imports_of(SOURCE)
    assert "openmains.run.cli" in graph
    assert circle_in(graph) == []


@pytest.mark.parametrize(
    "line",
    [
        "from openmains.b import thing",
        "from openmains import b",
        "import openmains.b",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from openmains.b import Thing",
        "def late():\n    from openmains import b",
    ],
)
def test_a_circle_is_found(tmp_path: Path, line: str) -> None:
    package = tmp_path / "openmains"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "a.py").write_text(line)
    (package / "b.py").write_text("import openmains.c")
    (package / "c.py").write_text("import openmains.a")
    circle = circle_in(imports_of(tmp_path))
    assert circle[0] == circle[-1]
    assert set(circle) == {"openmains.a", "openmains.b", "openmains.c"}
    (package / "c.py").write_text("import json")
    assert circle_in(imports_of(tmp_path)) == []
