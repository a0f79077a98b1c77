# SPDX-License-Identifier: Apache-2.0
"""A file of areas is read in pieces, with an end to its rows and to what is told of its errors; the tree is held only to plan and write."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from openmains.app.fleet.imports import area_reader
from openmains.app.fleet.imports.area_reader import AreaOrders, chunks
from openmains.app.fleet.imports.import_areas import import_areas
from openmains.app.spreadsheet import error_report
from openmains.domain.fleet.area_rows import AreaChangeRow, KnownArea, plan_tree


def a_file(path: Path, lines: Sequence[str]) -> Path:
    path.write_text("\n".join(["code,name,parent", *lines]), "utf-8")
    return path


def test_rows_have_an_end_and_errors_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(area_reader, "MOST_ERRORS", 2)
    monkeypatch.setattr(area_reader, "CHUNK_ROWS", 3)
    path = a_file(tmp_path / "t.csv", ["a,A,", ",no code,", ",nor here,", ",and here,", "b,B,a"])
    found = list(chunks(AreaOrders(str(path))))
    assert [(one.read, one.rejected, one.error_count, len(one.errors)) for one in found] == [(3, 2, 2, 2), (2, 1, 1, 0)]
    assert [row for one in found for row in one.rows] == [
        (2, {"code": "a", "name": "A"}),
        (6, {"code": "b", "name": "B", "parent": "a"}),
    ]
    *_, last = chunks(AreaOrders(str(path), most_rows=4))
    assert "4" in last.failure and "divide it" in last.failure
    assert next(iter(chunks(AreaOrders(str(tmp_path / "none.csv"))))).failure


def test_a_plan_tells_some_errors_and_counts_all() -> None:
    rows = [(n, {"code": f"c{n}", "parent": "nowhere", "kind": "unheard"}) for n in range(2, 7)]
    plan = plan_tree(
        [*rows, (9, {"code": "c2"})],
        {},
        [],
        {"code": "code", "parent": "parent", "kind": "kind"},
        may_move=False,
        most_errors=4,
    )
    assert (len(plan.errors), plan.error_count, plan.rejected) == (4, 11, 6)


class Tree:
    """A tree in memory, and how often it was held."""

    def __init__(self) -> None:
        self.held, self.added = 0, list[str]()

    async def areas(self) -> dict[str, KnownArea]:
        return {}

    async def kinds(self) -> list[str]:
        return []

    async def add(self, areas: Sequence[tuple[str, KnownArea]]) -> None:
        self.added += [code for code, _ in areas]

    async def change(self, changes: Sequence[AreaChangeRow]) -> None:
        raise AssertionError

    async def move(self, moves: Sequence[tuple[str, str]], job_id: int, reason: str) -> None:
        raise AssertionError

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Tree"]:
        self.held += 1
        yield self


async def test_the_tree_is_held_after_the_file_was_read(tmp_path: Path) -> None:
    tree, seen = Tree(), list[int]()
    path = a_file(tmp_path / "t.csv", ["b,B,a", "a,A,"])
    told = await import_areas(path, tree.open, job_id=1, reason="", progress=lambda done, total: seen.append(tree.held))
    assert (tree.added, told.added, told.applied, seen) == (["a", "b"], 2, True, [0, 1])
    wrong = await import_areas(
        a_file(tmp_path / "w.csv", ["x,X,nowhere", ",Y,"]),
        tree.open,
        job_id=1,
        reason="",
        progress=lambda done, total: None,
    )
    assert wrong.summary() | {"ignored": []} == {
        "rows": 2, "inserted": 0, "updated": 0, "moved": 0, "unchanged": 0, "rejected": 2, "errors": 2, "applied": False, "ignored": [],
    }  # fmt: skip
    assert b"".join(error_report(wrong.errors, wrong.error_count, "en")).count(b"\n") == 3
    assert tree.added == ["a", "b"]
