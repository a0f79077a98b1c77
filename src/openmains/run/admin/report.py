# SPDX-License-Identifier: Apache-2.0
"""``openmains report --day DAY``: asked of the running system as a job, because the readings have one owner."""

import argparse
import asyncio
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg

from openmains.app.readings.report.build import GROUP, HEAD
from openmains.app.readings.report.jobs import REPORT_FILE
from openmains.edges.postgres.db import PIPELINE_ROLE, create_pool
from openmains.edges.postgres.job.queue import PostgresJobs
from openmains.run import messages
from openmains.run.admin.imports import away, find_tenant, pipeline_dsn
from openmains.run.engines.child import StartError
from openmains.run.settings import Loaded

_LIMIT_S = 600.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    text = messages.text
    parser.add_argument(
        "--day", type=date.fromisoformat, metavar="YYYY-MM-DD", help=text("默认昨天", "default: yesterday")
    )
    parser.add_argument(
        "--tenant",
        metavar="CODE",
        help=text("租户代码（只有一个时可省略）", "tenant (may be left out if there is one)"),
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--csv", type=Path, metavar="FILE", help=text("写入 CSV", "write CSV"))
    form.add_argument("--xlsx", type=Path, metavar="FILE", help=text("写入 XLSX", "write XLSX"))


def main(args: argparse.Namespace, loaded: Loaded) -> int:
    """Prints the totals; 0 when the report is made."""
    result = asyncio.run(_ask(args, pipeline_dsn(loaded), Path(loaded.settings.var)))
    locale = messages.text("zh", "en")
    print("", "", *HEAD[locale][4:], sep="\t")
    for group, lines in {"total": [result["total"]], **result["groups"]}.items():
        for line in lines:
            rate = f"{line['rate_ppm'] / 10_000:.2f}"
            rest = (line[key] for key in ("on_time", "late", "estimated", "partial", "missing", "not_due"))
            code = line.get("key", "")
            then = line["as_due"]
            as_due = (
                ()
                if then is None
                else (then["expected"], then["received"], f"{then['rate_ppm'] / 10_000:.2f}", then["missing"])
            )
            print(GROUP[locale][group], code, line["expected"], line["received"], rate, *rest, *as_due, sep="\t")
    return 0


async def _ask(args: argparse.Namespace, dsn: str, var: Path) -> dict[str, Any]:
    try:
        pool = await create_pool(dsn, role=PIPELINE_ROLE, max_size=2, application="openmains-report")
    except (OSError, asyncpg.PostgresError) as error:
        raise away(error) from error
    try:
        tenant_id, zone = await find_tenant(pool, args.tenant)
        today = datetime.now(UTC).astimezone(ZoneInfo(zone)).date()
        day = args.day or today - timedelta(days=1)
        if day > today:
            raise StartError(f"{day} 尚未到来。", f"{day} is yet to come.")
        target: Path | None = args.csv or args.xlsx
        file = target or var / "run" / f"report-{tenant_id}-{day}.csv"
        jobs = PostgresJobs(pool)
        job_id = await jobs.enqueue(
            tenant_id, REPORT_FILE,
            {"day": day.isoformat(), "locale": messages.text("zh", "en"), "missing": target is not None},
            now=time.time(), file_path=str(file.absolute()),
        )  # fmt: skip
        until = time.monotonic() + _LIMIT_S
        while job_id is not None and time.monotonic() < until:
            status, _, _, result, fault = await jobs.status(job_id)
            if status == "done":
                return dict(result)
            if status in ("failed", "cancelled"):
                raise StartError(f"报表失败：{fault}", f"the report failed: {fault}")
            await asyncio.sleep(0.2)
        raise StartError("系统没有处理该报表任务。", "the system did not take up the report.")
    finally:
        await pool.close()
