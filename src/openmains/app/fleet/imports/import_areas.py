# SPDX-License-Identifier: Apache-2.0
"""Import a file of the tree of areas: read → check rows → plan against the whole tree → write, all or nothing.

The same file twice changes nothing. A row that would move an area is an error unless the import was asked for with a reason;
each branch that moves has its line in the trail, as the act of whoever asked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from openmains.app.fleet.imports.import_meters import MOST_ERRORS, Progress
from openmains.app.fleet.imports.table import open_table
from openmains.app.spreadsheet import csv_bytes
from openmains.domain.csv_rows import Broken
from openmains.domain.fleet.area_rows import AREA_COLUMNS, AREA_TABLE, AreaChangeRow, KnownArea, TreePlan, plan_tree
from openmains.domain.fleet.cells import RowError
from openmains.domain.fleet.table_rows import TableRows


class TreeImport(Protocol):
    """One import's transaction; nobody else changes the tree meanwhile. Left by an exception, nothing of it is kept."""

    async def areas(self) -> dict[str, KnownArea]:
        """The tree by code."""

    async def kinds(self) -> list[str]:
        """Codes of kinds."""

    async def add(self, areas: Sequence[tuple[str, KnownArea]]) -> None:
        """Areas of which none is above another of them."""

    async def change(self, changes: Sequence[AreaChangeRow]) -> None:
        """Names and kinds."""

    async def move(self, moves: Sequence[tuple[str, str]], job_id: int, reason: str) -> None:
        """(code, code above), with a line in the trail each."""


@dataclass(slots=True)
class TreeResult:
    """What was done, or what was wrong with the file and nothing done."""

    rows: int = 0
    added: int = 0
    changed: int = 0
    moved: int = 0
    unchanged: int = 0
    applied: bool = False
    errors: list[RowError] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)

    def summary(self) -> dict[str, Any]:
        """Counts for a job's result."""
        return {
            "rows": self.rows, "inserted": self.added, "updated": self.changed, "moved": self.moved,
            "unchanged": self.unchanged, "rejected": len({error.row for error in self.errors}), "errors": len(self.errors),
            "applied": self.applied, "ignored": self.ignored,
        }  # fmt: skip


def read_tree(
    path: Path, known: Mapping[str, KnownArea], kinds: Sequence[str], *, may_move: bool
) -> tuple[TreePlan, TreeResult]:
    """Raises ``HeaderError`` for a file that cannot be read."""
    table = open_table(path)
    rows = TableRows(AREA_TABLE, table.header)
    result, sound = TreeResult(ignored=rows.ignored), []
    for item in table.rows:
        result.rows += 1
        if isinstance(item, Broken):
            result.errors.append(RowError(item.line, "", item.text, item.reason))
            continue
        found = rows.check(*item)
        if isinstance(found, list):
            result.errors += found
        else:
            sound.append((item[0], found))
    headers = {name: rows.header_of(name) for name in AREA_COLUMNS}
    plan = plan_tree(sound, known, kinds, headers, may_move=may_move)
    result.errors += plan.errors
    result.errors.sort(key=lambda error: error.row)
    return plan, result


async def import_areas(path: Path, store: TreeImport, *, job_id: int, reason: str, progress: Progress) -> TreeResult:
    """Raises ``HeaderError``; whatever else is raised leaves the tree as it was."""
    plan, result = read_tree(path, await store.areas(), await store.kinds(), may_move=bool(reason.strip()))
    progress(0, result.rows)
    if result.errors:
        return result
    level: list[tuple[str, KnownArea]] = []
    known: set[str] = set()
    for code, area in plan.added:  # in order of depth: a level ends where one is below another of it
        if area.parent in known:
            await store.add(level)
            level, known = [], set()
        level.append((code, area))
        known.add(code)
    if level:
        await store.add(level)
    named = [row for row in plan.changed if row.name is not None or row.kind is not None]
    if named:
        await store.change(named)
    moves = [(row.code, row.parent) for row in plan.changed if row.parent is not None]
    if moves:
        await store.move(moves, job_id, " ".join(reason.split()))
    result.added, result.changed, result.moved = len(plan.added), len(plan.changed), len(moves)
    result.unchanged, result.applied = plan.unchanged, True
    progress(result.rows, result.rows)
    return result


def tree_errors(result: TreeResult, locale: str) -> bytes:
    """The errors as CSV: row, column, value, reason in ``zh`` or ``en``, and its code."""
    heads = ["行", "列", "值", "原因", "代码"] if locale == "zh" else ["row", "column", "value", "reason", "code"]
    rows: list[list[object]] = [
        [error.row, error.column, error.value, error.text(locale), error.reason]
        for error in result.errors[:MOST_ERRORS]
    ]
    if left := len(result.errors) - len(rows):
        rows.append(
            [
                "",
                "",
                "",
                f"另有 {left} 条错误未列出" if locale == "zh" else f"{left} more errors are not listed",
                "more",
            ]
        )
    return b"".join(csv_bytes([heads, *rows]))
