# SPDX-License-Identifier: Apache-2.0
"""Import a file of the tree of areas: read and check rows (a child process) → hold the tree → plan against all of it → write, all or
nothing. Others may change the tree while the file is read.

The same file twice changes nothing. A row that would move an area is an error unless the import was asked for with a reason;
each branch that moves has its line in the trail, as the act of whoever asked.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from openmains.app.fleet.imports.area_reader import MOST_ROWS, AreaOrders, reading
from openmains.app.fleet.imports.import_meters import MOST_ERRORS, Progress
from openmains.domain.fleet.area_rows import AreaChangeRow, KnownArea, TreePlan, plan_tree
from openmains.domain.fleet.cells import RowError


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
    rejected: int = 0  # rows with at least one error
    error_count: int = 0
    errors: list[RowError] = field(default_factory=list)  # the first MOST_ERRORS
    ignored: list[str] = field(default_factory=list)

    def summary(self) -> dict[str, Any]:
        """Counts for a job's result."""
        return {
            "rows": self.rows, "inserted": self.added, "updated": self.changed, "moved": self.moved,
            "unchanged": self.unchanged, "rejected": self.rejected, "errors": self.error_count,
            "applied": self.applied, "ignored": self.ignored,
        }  # fmt: skip


Rows = list[tuple[int, dict[str, str]]]


async def read_rows(
    path: Path, result: TreeResult, progress: Progress, most_rows: int = MOST_ROWS
) -> tuple[Rows, dict[str, str]]:
    """Sound rows, and the file's header of each column; what is wrong with others goes into ``result``. Raises ``HeaderError``."""
    rows: Rows = []
    headers: dict[str, str] = {}
    async with reading(AreaOrders(str(path), most_rows)) as chunks:
        async for chunk in chunks:
            headers = chunk.headers
            rows += chunk.rows
            result.rows += chunk.read
            result.rejected += chunk.rejected
            result.error_count += chunk.error_count
            result.errors += chunk.errors
            result.ignored += chunk.ignored
            progress(0, max(chunk.total, result.rows))
    return rows, headers


async def import_areas(
    path: Path,
    open_tree: Callable[[], AbstractAsyncContextManager[TreeImport]],
    *,
    job_id: int,
    reason: str,
    progress: Progress,
) -> TreeResult:
    """Raises ``HeaderError``; whatever else is raised leaves the tree as it was."""
    result = TreeResult()
    rows, headers = await read_rows(path, result, progress)
    async with open_tree() as store:
        known, kinds = await store.areas(), await store.kinds()
        plan = await asyncio.to_thread(  # seconds for a tree of a million
            plan_tree, rows, known, kinds, headers, may_move=bool(reason.strip()), most_errors=MOST_ERRORS
        )
        result.rejected += plan.rejected
        result.error_count += plan.error_count
        result.errors = sorted(result.errors + plan.errors, key=lambda error: error.row)[:MOST_ERRORS]
        if not result.error_count:
            await _write(plan, store, job_id, reason, result)
            progress(result.rows, result.rows)
    return result


async def _write(plan: TreePlan, store: TreeImport, job_id: int, reason: str, result: TreeResult) -> None:
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
