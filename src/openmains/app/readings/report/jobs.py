# SPDX-License-Identifier: Apache-2.0
"""The job kinds ``collection_report`` (counts into the result) and ``report_file`` (CSV or XLSX beside it).

Both are repeatable: a report is computed anew, and its file appears when it is complete.
"""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from openmains.app.fleet.sync_dims import ChangeSource, DimStore, sync_dims
from openmains.app.job.ports import Handler, JobContext
from openmains.app.readings.report.build import day_report, missing_pages, write_csv, write_xlsx
from openmains.app.readings.report.ports import DayStore, DueStore, LabelStore
from openmains.app.readings.report.schedule import REPORT
from openmains.domain.period import date_to_day

REPORT_FILE = "report_file"


def report_handlers(
    changes: ChangeSource, dims: DimStore, days: DayStore, names: LabelStore, due: DueStore
) -> dict[str, Handler]:
    """Handler by job kind."""

    async def run_report(context: JobContext) -> Mapping[str, Any]:
        day = date_to_day(date.fromisoformat(context.job.params["day"]))
        await sync_dims(changes, dims)
        report = await day_report(context.job.tenant_id, day, days, names, due, int(context.job.claim))
        return report.as_json()

    async def run_report_file(context: JobContext) -> Mapping[str, Any]:
        job = context.job
        day = date_to_day(date.fromisoformat(job.params["day"]))
        await sync_dims(changes, dims)
        now_s = int(job.claim)
        report = await day_report(job.tenant_id, day, days, names, due, now_s)
        write = write_xlsx if job.file_path.endswith(".xlsx") else write_csv
        missing = missing_pages(job.tenant_id, day, days, names, now_s) if job.params.get("missing", True) else None
        await write(Path(job.file_path), report, job.params.get("locale", "zh"), missing)
        return {**report.as_json(), "file": job.file_path}

    return {REPORT: run_report, REPORT_FILE: run_report_file}
