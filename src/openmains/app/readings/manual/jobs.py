# SPDX-License-Identifier: Apache-2.0
"""The job kind ``reading_import``. It is repeatable: a reading that is in the ledger is not entered again."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from openmains.app.fleet.imports.import_meters import ImportCancelled
from openmains.app.ingest.ports import UplinkReplay
from openmains.app.job.ports import Handler, JobCancelled, JobContext
from openmains.app.readings.manual.import_readings import (
    IMPORT,
    ReadingRequest,
    import_readings,
    send_readings,
)
from openmains.app.readings.manual.ports import KnownRegisters, ManualImport
from openmains.app.spreadsheet import write_error_reports
from openmains.domain.ids import TenantId, UserId
from openmains.domain.period import Zone


def reading_handlers(
    open_import: Callable[[], AbstractAsyncContextManager[ManualImport]],
    registers: KnownRegisters,
    stream: UplinkReplay,
    exponents: Mapping[str, int],
    zone_of: Callable[[TenantId], Awaitable[Zone]],
    now_us: Callable[[], int],
) -> dict[str, Handler]:
    """Handler by job kind."""

    async def run_import(context: JobContext) -> Mapping[str, Any]:
        job, params = context.job, context.job.params
        task = ReadingRequest(
            Path(job.file_path), job.tenant_id, UserId(int(params["author_id"])), job.job_id, (await zone_of(job.tenant_id)).key,
            str(params.get("time") or ""), now_us(), bool(params.get("partial")), bool(params.get("preview")),
        )  # fmt: skip
        try:
            async with open_import() as store:
                result = await import_readings(
                    task, store, registers, exponents, progress=context.progress, should_stop=context.should_stop
                )
                if result.applied:
                    await send_readings(job.job_id, store, stream, now_us, should_stop=context.should_stop)
        except ImportCancelled as error:
            raise JobCancelled from error
        told: dict[str, Any] = result.summary()
        base = task.path.with_name(f"{task.path.name}.{job.job_id}")
        return told | write_error_reports(base, result.errors, result.error_count)

    return {IMPORT: run_import}
