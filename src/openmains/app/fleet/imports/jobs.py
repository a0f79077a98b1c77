# SPDX-License-Identifier: Apache-2.0
"""The job kinds ``meter_import``, ``import_undo`` and ``area_import``. They are repeatable: a file imported again changes nothing, and what was
undone is not undone again. An import of meters is done when they have their premises and accounts; how many still wait for these is told
(``to_hang``)."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from openmains.app.fleet.imports.import_areas import TreeImport, import_areas
from openmains.app.fleet.imports.import_meters import ImportCancelled, import_meters
from openmains.app.fleet.imports.ports import RegistryImport
from openmains.app.fleet.imports.undo import IMPORT, UNDO, ImportUndo, undo_import
from openmains.app.fleet.sync_dims import ChangeSource, DimStore, sync_dims
from openmains.app.job.ports import Handler, JobCancelled, JobContext
from openmains.app.spreadsheet import write_error_reports
from openmains.domain.ids import TenantId
from openmains.domain.period import Zone, utc

TREE_IMPORT = "area_import"


def import_handlers(
    open_import: Callable[[], AbstractAsyncContextManager[RegistryImport]],
    changes: ChangeSource,
    dims: DimStore,
    zone_of: Callable[[TenantId], Awaitable[Zone]],
    open_tree: Callable[[TenantId], AbstractAsyncContextManager[TreeImport]],
    open_undo: Callable[[], AbstractAsyncContextManager[ImportUndo]],
    hang: Callable[[TenantId, Callable[[], bool]], Awaitable[int]],
) -> dict[str, Handler]:
    """Handler by job kind. ``zone_of`` a tenant id: its day of the claim is the newest date of installation a row may have.
    ``hang``: gives meters that came by a door that knows no accounts one, until none waits or it is told to stop; how many of the utility's
    still wait."""

    async def run_import(context: JobContext) -> Mapping[str, Any]:
        job = context.job
        zone = await zone_of(job.tenant_id)
        path = Path(job.file_path)
        try:
            async with open_import() as store:
                result = await import_meters(
                    path, job.tenant_id, store,
                    today=utc(job.claim).astimezone(ZoneInfo(zone.key)).date(),
                    partial=bool(job.params.get("partial")), create_areas=bool(job.params.get("create_areas")),
                    preview=bool(job.params.get("preview")), job_id=None if job.params.get("preview") else job.job_id,
                    progress=context.progress, should_stop=context.should_stop,
                )  # fmt: skip
        except ImportCancelled as error:
            raise JobCancelled from error
        told: dict[str, Any] = result.summary()
        told |= write_error_reports(path, result.errors, result.error_count)
        if result.applied and (result.inserted or result.updated):
            await sync_dims(changes, dims)
        if result.applied:
            told["to_hang"] = await hang(job.tenant_id, context.should_stop)
        return told

    async def run_undo(context: JobContext) -> Mapping[str, Any]:
        job = context.job
        import_id = int(job.params["import_id"])
        async with open_undo() as store:
            result = await undo_import(
                job.tenant_id, import_id, job.job_id, store,
                partial=bool(job.params.get("partial")), preview=bool(job.params.get("preview")), now_s=int(job.claim),
            )  # fmt: skip
        context.progress(result.rows, result.rows)
        if result.applied:
            await sync_dims(changes, dims)
        base = Path(job.file_path)
        return result.summary() | write_error_reports(base, result.errors, result.rejected)

    async def run_tree(context: JobContext) -> Mapping[str, Any]:
        job = context.job
        path = Path(job.file_path)
        found = await import_areas(
            path,
            lambda: open_tree(job.tenant_id),
            job_id=job.job_id,
            reason=str(job.params.get("reason", "")),
            progress=context.progress,
        )
        return found.summary() | write_error_reports(path, found.errors, found.error_count)

    return {IMPORT: run_import, UNDO: run_undo, TREE_IMPORT: run_tree}
