# SPDX-License-Identifier: Apache-2.0
"""``openmains bench billing``: a month's bill run over many accounts, as the worker does it, over a real database.

``accounts``, ``seconds``, ``accounts_per_s``   the run, from the first account to the last, each with 31 days of one meter and a tiered tariff
``cpu_us_per_account``                            processor time of all processes for one account, whoever else wants the cores
``rss_mb``                                      the most memory this process and the one that decides held
``again_seconds``                               the same run once more, which makes nothing
``growth_mb``                                   what this process's peak grew by in the second half of the run
"""

import argparse
import asyncio
import os
import resource
import sys
import time
from collections.abc import Awaitable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import asyncpg
import msgspec

from openmains.app.billing.decide import AccountMonth, Plans, Refused
from openmains.app.billing.decide_many import PlainMonth, decide_many
from openmains.app.billing.rows import BillRow
from openmains.app.billing.run import Running
from openmains.app.job.ports import ClaimedJob
from openmains.bench import calibration
from openmains.bench.figures import tell_table
from openmains.bench.machine import processor_seconds
from openmains.bench.registry import BenchRegistry, register
from openmains.domain.ids import TenantId
from openmains.domain.period import date_to_day
from openmains.drivers import catalog
from openmains.edges.clickhouse.billed_days import BilledDays
from openmains.edges.clickhouse.client import ClickHouse
from openmains.edges.clickhouse.migrate import migrate as migrate_clickhouse
from openmains.edges.jobs.processes import Elsewhere
from openmains.edges.postgres.db import API_ROLE, create_pool
from openmains.edges.postgres.migrate import migrate
from openmains.edges.postgres.unit_of_work import PostgresStore
from openmains.run.engines.engines import EngineOptions, Engines, EngineUrls
from openmains.run.roles.core import YOUNG_OF_BATCHES
from openmains.run.roles.process import calm_collector

FIRST, END = date_to_day(date(2026, 10, 1)), date_to_day(date(2026, 11, 1))
CHUNK = 100_000
DOCUMENT = {
    "bounds_m3": ["180", "260"],
    "components": [
        {"name": "water", "prices": ["2.07", "4.07", "6.07"]},
        {"name": "resource", "prices": ["1.57", "1.57", "1.57"]},
        {"name": "sewage", "prices": ["1.36", "1.36", "1.36"]},
    ],
}
_TARIFF = """
WITH made AS (INSERT INTO tariff (tenant_id, code, name, medium, customer_class, created_us)
              VALUES ($1, 'bench', 'bench', 'water', 'resident', 1) RETURNING tariff_id)
INSERT INTO tariff_plan (tenant_id, tariff_id, number, from_day, document, reason, state, author_id, made_us, decided_by, decided_us)
SELECT $1, tariff_id, 1, 18262, $2::text::jsonb, 'bench', 'approved', 1, 1, 2, 1 FROM made RETURNING tariff_id
"""
_MEMBERS = """
INSERT INTO tariff_member (tenant_id, tariff_id, account_id, meter_id, persons, households, began, from_day, added_by, added_us)
SELECT $1, $2, meter_id, meter_id, 3, 1, 0, 18300, 1, 1 FROM meter WHERE tenant_id = $1 ORDER BY meter_id
"""
_DAYS = """
INSERT INTO meter_day (tenant_id, meter_id, day, area_id, product_id, base, interval_s, increments, quality, total, flags, slots, measured,
                       received_s, version)
SELECT {tenant:UInt32}, {first:UInt64} + intDiv(number, 31), toDate({day:UInt16} + number % 31), 1, 1,
       toInt64(1000000 + (number % 31) * 400), 86400, [toInt32(200 + cityHash64(number) % 400)], [], 200 + cityHash64(number) % 400, 0, 1, 1,
       1790000000, 1 + number % 31
  FROM numbers({rows:UInt64})
"""


class _Context:
    """``JobContext`` that prints how far it is."""

    def __init__(self, tenant_id: TenantId, run_id: int) -> None:
        self.job = ClaimedJob(0, tenant_id, "bill_run", {"run_id": run_id}, "", 0.0)
        self.half_mb = 0

    def progress(self, done: int, total: int) -> None:
        if not self.half_mb and done * 2 >= total:
            self.half_mb = _peak_mb(resource.RUSAGE_SELF)

    def should_stop(self) -> bool:
        return False


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("--accounts", type=int, default=250_000)
    parser.add_argument("--json", action="store_true", help="only the JSON line on standard output")


def main(args: argparse.Namespace) -> int:
    """Build, run, print; the last line is JSON."""
    var = Path(args.var or "bench-billing-var").absolute()
    var.mkdir(parents=True, exist_ok=True, mode=0o711)
    machine = calibration.say(quiet=args.json)
    figures = asyncio.run(_bench(args.accounts, var)) | {"machine": machine}
    tell_table(figures, only_json=args.json)
    return 0


async def _bench(accounts: int, var: Path) -> dict[str, Any]:
    engines = Engines(var, EngineOptions(size="large"))
    urls = await engines.start()
    clickhouse = ClickHouse(urls.clickhouse)
    try:
        await migrate(urls.postgres_owner)
        await migrate_clickhouse(clickhouse)
        return await measure(urls, clickhouse, accounts)
    finally:
        clickhouse.close()
        await engines.stop()


async def measure(urls: EngineUrls, clickhouse: ClickHouse, accounts: int) -> dict[str, Any]:
    """Figures by key, over engines that are migrated and hold no such tenant yet."""
    registry = await _build(urls, clickhouse, accounts)
    pool = await create_pool(urls.postgres_owner, role=API_ROLE, max_size=3, command_timeout_s=None)
    elsewhere = Elsewhere()

    def decide(
        months: Sequence[AccountMonth | PlainMonth], plans: Plans, month: int, end_day: int
    ) -> Awaitable[list[BillRow | Refused | None]]:
        return elsewhere.call(decide_many, months, plans, month, end_day)

    units = {driver.name: driver.unit_exponent for driver in catalog.load()}
    store = PostgresStore(pool)

    async def once() -> tuple[float, dict[str, Any], int]:
        run_id = await _start(urls.postgres_owner, registry.tenant_id)
        context = _Context(registry.tenant_id, run_id)
        running = Running(
            store,
            BilledDays(clickhouse),
            decide,
            units.__getitem__,
            lambda: time.time_ns() // 1000,
            registry.tenant_id,
            run_id,
        )
        began = time.perf_counter()
        told = await running.run(context)
        return time.perf_counter() - began, dict(told), context.half_mb

    try:
        calm_collector(YOUNG_OF_BATCHES)  # as the worker's process does
        before = processor_seconds(os.getpid())
        seconds, told, half_mb = await once()
        after = processor_seconds(os.getpid())
        parts = {name: round((spent - before.get(name, 0)) * 1e6 / accounts, 1) for name, spent in after.items()}
        used = sum(after.values()) - sum(before.values())
        peak = _peak_mb(resource.RUSAGE_SELF)
        again_s, again, _ = await once()
    finally:
        elsewhere.close()
        await pool.close()
    if told["bills"] != accounts or again["bills"]:
        raise RuntimeError(f"{told} and then {again} where {accounts} accounts have one bill each")
    return {
        "accounts": accounts,
        "seconds": round(seconds, 1),
        "accounts_per_s": round(accounts / seconds),
        "cpu_us_per_account": round(used * 1e6 / accounts, 1),
        "cpu_us_by_process": parts,
        "rss_mb": peak + _peak_mb(resource.RUSAGE_CHILDREN),
        "growth_mb": peak - half_mb,
        "again_seconds": round(again_s, 1),
        "total_fen": told["total_fen"],
        "cores": os.cpu_count(),
    }


async def _build(urls: EngineUrls, clickhouse: ClickHouse, accounts: int) -> BenchRegistry:
    registry = await register(urls.postgres_owner, accounts, code="bench-billing")
    owner = await asyncpg.connect(urls.postgres_owner)
    try:
        tariff_id = await owner.fetchval(_TARIFF, registry.tenant_id, msgspec.json.encode(DOCUMENT).decode())
        await owner.execute(_MEMBERS, registry.tenant_id, tariff_id, timeout=900)
        await owner.execute("ANALYZE tariff_member", timeout=300)
    finally:
        await owner.close()
    for first in range(0, accounts, CHUNK):
        rows = min(CHUNK, accounts - first) * 31
        asked = {"tenant": registry.tenant_id, "first": registry.first_meter_id + first, "day": FIRST, "rows": rows}
        await clickhouse.command(_DAYS, asked)
        print(f"{time.strftime('%H:%M:%S')} days of {first + rows // 31} meters", file=sys.stderr, flush=True)
    return registry


async def _start(dsn: str, tenant_id: TenantId) -> int:
    owner = await asyncpg.connect(dsn)
    try:
        run_id: int = await owner.fetchval(
            "INSERT INTO bill_run (tenant_id, month, end_day, book_day, due_day, asked_by, asked_us) VALUES ($1, $2, $3, $3 - 1, $3 + 20, 1, 1)"
            " RETURNING run_id",
            tenant_id, FIRST, END,
        )  # fmt: skip
    finally:
        await owner.close()
    return run_id


def _peak_mb(who: int) -> int:
    return resource.getrusage(who).ru_maxrss // 1024
