# SPDX-License-Identifier: Apache-2.0
"""The job kinds: ``meter_import``, ``collection_report`` (counts into the result), ``report_file`` (CSV or XLSX beside it).

All are repeatable: an import by content, a report because it is computed anew and its file appears when complete.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from openmains.app.fleet.imports.import_meters import ImportCancelled, error_report, import_meters
from openmains.app.fleet.imports.ports import RegistryImport
from openmains.app.fleet.sync_dims import ChangeSource, DimStore, sync_dims
from openmains.app.job.ports import Handler, JobCancelled, JobContext
from openmains.app.job.schedule import REPORT
from openmains.app.readings.report.build import day_report, missing_pages, write_csv, write_xlsx
from openmains.app.readings.report.ports import DayStore, LabelStore
from openmains.domain.period import date_to_day

IMPORT = "meter_import"
REPORT_FILE = "report_file"


def handlers(
    open_import: Callable[[], AbstractAsyncContextManager[RegistryImport]],
    changes: ChangeSource,
    dims: DimStore,
    days: DayStore,
    names: LabelStore,
) -> dict[str, Handler]:
    """Handler by job kind."""

    async def run_import(context: JobContext) -> Mapping[str, Any]:
        job = context.job
        zone = (await names.labels(job.tenant_id)).zone
        path = Path(job.file_path)
        try:
            async with open_import() as store:
                result = await import_meters(
                    path, job.tenant_id, store,
                    today=datetime.fromtimestamp(job.claim, UTC).astimezone(ZoneInfo(zone.key)).date(),
                    partial=bool(job.params.get("partial")), create_areas=bool(job.params.get("create_areas")),
                    progress=context.progress, should_stop=context.should_stop,
                )  # fmt: skip
        except ImportCancelled as error:
            raise JobCancelled from error
        told: dict[str, Any] = result.summary()
        if result.error_count:
            for locale in ("zh", "en"):
                name = path.with_name(f"{path.name}.errors.{locale}.csv")
                name.write_bytes(b"".join(error_report(result, locale)))
                told[f"error_file_{locale}"] = str(name)
        if result.inserted or result.updated:
            await sync_dims(changes, dims)
        return told

    async def run_report(context: JobContext) -> Mapping[str, Any]:
        day = date_to_day(date.fromisoformat(context.job.params["day"]))
        await sync_dims(changes, dims)
        return (await day_report(context.job.tenant_id, day, days, names)).as_json()

    async def run_report_file(context: JobContext) -> Mapping[str, Any]:
        job = context.job
        day = date_to_day(date.fromisoformat(job.params["day"]))
        await sync_dims(changes, dims)
        report = await day_report(job.tenant_id, day, days, names)
        write = write_xlsx if job.file_path.endswith(".xlsx") else write_csv
        missing = missing_pages(job.tenant_id, day, days, names) if job.params.get("missing", True) else None
        await write(Path(job.file_path), report, job.params.get("locale", "zh"), missing)
        return {**report.as_json(), "file": job.file_path}

    return {IMPORT: run_import, REPORT: run_report, REPORT_FILE: run_report_file}
