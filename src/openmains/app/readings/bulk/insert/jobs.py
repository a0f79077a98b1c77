# SPDX-License-Identifier: Apache-2.0
"""The job kind ``value_import``. It is repeatable: what is stored already is not inserted again."""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from openmains.app.fleet.imports.import_meters import ImportCancelled
from openmains.app.ingest.ports import UplinkReplay
from openmains.app.job.ports import Handler, JobCancelled, JobContext
from openmains.app.readings.bulk.insert.insert import INSERT, BulkInsert, InsertRequest
from openmains.app.readings.bulk.insert.ports import InsertMeters, InsertStore
from openmains.app.spreadsheet import write_error_reports
from openmains.domain.ids import TenantId, UserId
from openmains.domain.period import Zone


def insert_handlers(
    meters: InsertMeters,
    store: InsertStore,
    stream: UplinkReplay,
    exponents: Mapping[str, int],
    zone_of: Callable[[TenantId], Awaitable[Zone]],
    now_us: Callable[[], int],
) -> dict[str, Handler]:
    """Handler by job kind."""

    async def run_insert(context: JobContext) -> Mapping[str, Any]:
        job, params = context.job, context.job.params
        task = InsertRequest(
            Path(job.file_path), str(params.get("file_name") or ""), job.tenant_id, UserId(int(params["author_id"])), job.job_id,
            (await zone_of(job.tenant_id)).key, bool(params.get("partial")), bool(params.get("preview")),
        )  # fmt: skip
        insertion = BulkInsert(
            task, meters, store, stream, exponents, now_us, progress=context.progress, should_stop=context.should_stop
        )
        try:
            result = await insertion.run()
        except ImportCancelled as error:
            raise JobCancelled from error
        base = task.path.with_name(f"{task.path.name}.{job.job_id}")
        return result.summary() | write_error_reports(base, result.faults, result.rejected)

    return {INSERT: run_insert}
