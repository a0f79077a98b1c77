# SPDX-License-Identifier: Apache-2.0
"""Take an import of meters back: meters that were there are as they were before it, meters it made are in the registry no more ([ADR 0052]).

Nothing that anybody relies on is taken away: a row whose meter was changed, heard, told something, read, charged, hung or ordered to since
stays and is named. Unless ``partial``, one such row keeps the whole import; a ``preview`` does all of it and keeps nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from openmains.app.identity.model import Actor
from openmains.app.identity.reason import stated
from openmains.app.job.model import Job
from openmains.app.job.ports import JobStore
from openmains.app.job.request import ask_for_job
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store
from openmains.domain.fleet.cells import RowError
from openmains.domain.ids import TenantId

IMPORT, UNDO = "meter_import", "import_undo"
NUMBER = "表号 / meter number"  # the column a kept row is named by
MOST_ERRORS = 10_000


@dataclass(frozen=True, slots=True)
class UndoCounts:
    """What went besides meters: ``kept_customers`` stay as the file has them, for somebody changed or needs them."""

    customers: int
    kept_customers: int
    areas: int


class ImportUndo(Protocol):
    """One undo's transaction; nobody sees anything of it before ``commit``."""

    async def begin(self, tenant_id: TenantId, import_id: int) -> int:
        """Open the transaction and hold the import's meters; how many there are. Waits for an import of this tenant."""

    async def kept(self) -> Sequence[tuple[int, str, str]]:
        """Rows that cannot go back: line, meter's number, why (a key of the row reasons). One for each line."""

    async def meters(self, kept_lines: Sequence[int]) -> tuple[int, int]:
        """Put back and withdraw all others; how many of each."""

    async def rest(self) -> UndoCounts:
        """Customers, accounts and areas that came with the import and that nobody needs."""

    async def commit(self, undo_id: int, kept_lines: Sequence[int], now_s: int) -> None:
        """Keep it, with a note at the import's own job."""

    async def rollback(self) -> None:
        """Keep nothing."""


class ImportChanges(Protocol):
    """What is known of imports that may be undone."""

    async def is_left(self, job_id: int) -> bool:
        """Whether anything of it can still be undone."""


@dataclass(slots=True)
class UndoResult:
    """``rows``: meters of the import; ``rejected`` of them stay, for the reasons of ``errors``."""

    rows: int = 0
    withdrawn: int = 0
    put_back: int = 0
    rejected: int = 0
    customers: int = 0
    kept_customers: int = 0
    areas: int = 0
    applied: bool = False
    errors: list[RowError] = field(default_factory=list)

    def summary(self) -> dict[str, Any]:
        """Counts for a job's result."""
        return {
            "rows": self.rows, "withdrawn": self.withdrawn, "put_back": self.put_back, "rejected": self.rejected,
            "errors": self.rejected, "customers": self.customers, "kept_customers": self.kept_customers, "areas_removed": self.areas,
            "applied": self.applied,
        }  # fmt: skip


async def ask_for_undo(
    store: Store, actor: Actor, import_id: int, reason: str, *, partial: bool, preview: bool, folder: Path
) -> Job:
    """Queue it; ``folder``: where its list of kept rows goes.

    Raises ``not-found``, ``reason-needed``, ``nothing-to-undo``: of an import that wrote nothing, is undone, or is too old."""
    reason = reason.strip() if preview else stated(reason)
    async with store.tenant(actor.tenant_id) as work:
        job = await work[JobStore].get(import_id)
        if job is None or job.kind != IMPORT:
            raise Problem("not-found")
        if not await work[ImportChanges].is_left(import_id):
            raise Problem("nothing-to-undo")
    params = {
        "import_id": import_id,
        "file_name": job.params.get("file_name", ""),
        "partial": partial,
        "preview": preview,
    }
    key = f"import_undo:{import_id}:{int(partial)}{int(preview)}"
    base = folder / f"undo-{import_id}.csv"
    return await ask_for_job(store, actor, UNDO, params, file_path=str(base), unique_key=key, reason=reason)


async def undo_import(
    tenant_id: TenantId, import_id: int, undo_id: int, store: ImportUndo, *, partial: bool, preview: bool, now_s: int
) -> UndoResult:
    """Do it. What the store raises leaves the registry as it was."""
    result = UndoResult()
    try:
        result.rows = await store.begin(tenant_id, import_id)
        kept = await store.kept()
        result.rejected = len(kept)
        result.errors = [RowError(line, NUMBER, number, reason) for line, number, reason in kept[:MOST_ERRORS]]
        if kept and not partial and not preview:
            await store.rollback()
            return result
        lines = [line for line, _, _ in kept]
        result.put_back, result.withdrawn = await store.meters(lines)
        rest = await store.rest()
        result.customers, result.kept_customers, result.areas = rest.customers, rest.kept_customers, rest.areas
        if preview:
            await store.rollback()
        else:
            await store.commit(undo_id, lines, now_s)
            result.applied = True
    except BaseException:
        await store.rollback()
        raise
    return result
