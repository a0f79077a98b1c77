# SPDX-License-Identifier: Apache-2.0
"""``openmains quantities replay``: asked of the running system as a job, because the frame log has one owner."""

import argparse
import asyncio
import json
import time
from typing import Any

import asyncpg

from openmains.app.ingest.pipeline.replay import DAYS, REPLAY
from openmains.edges.postgres.db import PIPELINE_ROLE, create_pool
from openmains.edges.postgres.job.queue import PostgresJobs
from openmains.run import messages
from openmains.run.admin.imports import away, find_tenant, pipeline_dsn
from openmains.run.engines.child import StartError
from openmains.run.settings import Loaded

_POLL_S = 0.5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    text = messages.text
    parser.add_argument(
        "--tenant",
        metavar="CODE",
        help=text("租户代码（只有一个时可省略）", "tenant (may be left out if there is one)"),
    )
    parser.add_argument(
        "--days", type=int, default=DAYS, metavar="N", help=text("回溯天数（默认 366）", "so many days back (366)")
    )
    parser.add_argument(
        "--again",
        action="store_true",
        help=text("从头开始，不续上次的进度", "from the first meter on, whatever was done before"),
    )


def main(args: argparse.Namespace, loaded: Loaded) -> int:
    """Prints what was read; 0 when all frames were looked at."""
    if not 1 <= args.days <= 36_600:
        raise StartError("--days 须在 1 到 36600 之间。", "--days is a number from 1 to 36600.")
    print(json.dumps(asyncio.run(_ask(args, pipeline_dsn(loaded)))))
    return 0


async def _ask(args: argparse.Namespace, dsn: str) -> dict[str, Any]:
    try:
        pool = await create_pool(dsn, role=PIPELINE_ROLE, max_size=2, application="openmains-quantities")
    except (OSError, asyncpg.PostgresError) as error:
        raise away(error) from error
    try:
        tenant_id, _ = await find_tenant(pool, args.tenant)
        jobs = PostgresJobs(pool)
        job_id = await jobs.enqueue(tenant_id, REPLAY, {"days": args.days, "again": args.again}, now=time.time())
        while job_id is not None:
            status, _, _, result, fault = await jobs.status(job_id)
            if status == "done":
                return dict(result)
            if status in ("failed", "cancelled"):
                raise StartError(
                    f"回放中止：{fault or status}。再次执行将从中断处继续。",
                    f"the replay ended: {fault or status}. The same command goes on from there.",
                )
            await asyncio.sleep(_POLL_S)
        raise StartError("系统没有接受该任务。", "the system did not take up the job.")
    finally:
        await pool.close()
