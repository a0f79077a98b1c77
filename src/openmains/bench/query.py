# SPDX-License-Identifier: Apache-2.0
"""``openmains bench query``: how fast a city's registry and readings answer. Builds its data once in a directory of its own."""

import argparse
import asyncio
import random
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from openmains.app.fleet.model import MeterFilter
from openmains.app.fleet.sync_dims import sync_dims
from openmains.app.fleet.wording import Wording
from openmains.app.reach import NONE, Limits, limit_to
from openmains.app.readings.report.answers import Reports
from openmains.app.readings.report.build import day_report
from openmains.bench import bulk, calibration
from openmains.bench import query_data as data
from openmains.bench.changes import exported
from openmains.bench.figures import tell_table
from openmains.domain.identity.reach import Reach
from openmains.domain.ids import AreaId, MeterId, TenantId
from openmains.domain.period import date_to_day
from openmains.drivers import catalog
from openmains.edges.clickhouse.client import ClickHouse
from openmains.edges.clickhouse.fleet import MeterDims
from openmains.edges.clickhouse.migrate import migrate as migrate_clickhouse
from openmains.edges.clickhouse.readings import ClickHouseReadings
from openmains.edges.clickhouse.report import DayReports
from openmains.edges.postgres.db import API_ROLE, Pool, create_pool, tenant_transaction
from openmains.edges.postgres.fleet.imports import ChangedMeters
from openmains.edges.postgres.fleet.meters import Meters
from openmains.edges.postgres.fleet.places import Areas
from openmains.edges.postgres.fleet.search import search
from openmains.edges.postgres.migrate import migrate
from openmains.edges.postgres.readings.due import KeptReports
from openmains.edges.postgres.readings.report import ReportLabels
from openmains.edges.postgres.unit_of_work import PostgresStore
from openmains.run.engines.engines import EngineOptions, Engines, EngineUrls

_MONTH = 30


class Built(msgspec.Struct):
    """What the directory holds; written when it is complete."""

    meters: int
    meter_days: int
    tenant_id: TenantId
    areas: int = 200


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("--meters", type=int, default=10_000_000)
    parser.add_argument("--meter-days", type=int, default=50_000_000)
    parser.add_argument("--areas", type=int, default=200_000, help="of the tree, twelve below each")
    parser.add_argument("--queries", type=int, default=200, help="of each kind")
    parser.add_argument("--points", type=int, default=2_000, help="meters that have a month of pressures")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="only the JSON line on standard output")


def main(args: argparse.Namespace) -> int:
    """Build or reuse, measure, print; the last line is JSON."""
    var = Path(args.var or "bench-query-var").absolute()
    var.mkdir(parents=True, exist_ok=True, mode=0o711)
    machine = calibration.say(quiet=args.json)
    figures = asyncio.run(_bench(args, var)) | {"machine": machine}
    tell_table(figures, only_json=args.json)
    return 0


def _say(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {line}", file=sys.stderr, flush=True)


async def _bench(args: argparse.Namespace, var: Path) -> dict[str, Any]:
    engines = Engines(var, EngineOptions(size="large"))
    urls = await engines.start()
    clickhouse = ClickHouse(urls.clickhouse)
    owner = await create_pool(urls.postgres_owner, max_size=4, command_timeout_s=None)
    api = await create_pool(urls.postgres_owner, role=API_ROLE, max_size=4)
    try:
        built = await _build(args, var, urls.postgres_owner, owner, clickhouse)
        return await _measure(args, built, owner, api, clickhouse)
    finally:
        await owner.close()
        await api.close()
        clickhouse.close()
        await engines.stop()


class Sizes(msgspec.Struct):
    """How large a data set is."""

    meters: int
    meter_days: int
    areas: int = 200


async def build_in(sizes: Sizes, var: Path, urls: EngineUrls) -> int:
    """Build the data set over running engines, or find it there; returns its tenant."""
    clickhouse = ClickHouse(urls.clickhouse)
    owner = await create_pool(urls.postgres_owner, max_size=4, command_timeout_s=None)
    try:
        return (await _build(sizes, var, urls.postgres_owner, owner, clickhouse)).tenant_id
    finally:
        await owner.close()
        clickhouse.close()


async def _build(args: Sizes | argparse.Namespace, var: Path, dsn: str, owner: Pool, clickhouse: ClickHouse) -> Built:
    page = var / "bench-query.json"
    if page.exists():
        built = msgspec.json.decode(page.read_bytes(), type=Built)
        if (built.meters, built.meter_days, built.areas) == (args.meters, args.meter_days, args.areas):
            _say("data present, reused")
            return built
    await migrate(dsn)
    await migrate_clickhouse(clickhouse)
    if await owner.fetchval("SELECT EXISTS (SELECT 1 FROM tenant WHERE code = 'bench')"):
        raise SystemExit(f"{var} holds an unfinished or a different data set: remove it or name another with --var")
    started = time.monotonic()
    tenant_id = await data.build_registry(dsn, args.meters, args.areas, _say)
    _say(f"registry: {time.monotonic() - started:.0f} s")
    started = time.monotonic()
    area, product = (
        await owner.fetchval("SELECT min(area_id) FROM area"),
        await owner.fetchval("SELECT min(product_id) FROM product"),
    )
    await data.build_days(clickhouse, tenant_id, area, args.areas, product, args.meters, args.meter_days, _say)
    _say(f"meter-days: {time.monotonic() - started:.0f} s")
    _say(f"dimensions: {await sync_dims(ChangedMeters(owner), MeterDims(clickhouse))}")
    built = Built(args.meters, args.meter_days, tenant_id, args.areas)
    page.write_bytes(msgspec.json.encode(built))
    return built


async def _p95(calls: Sequence[Callable[[], Awaitable[object]]]) -> float:
    """Milliseconds of the 95th of a hundred; the first tenth warms up and does not count."""
    times = []
    for call in calls:
        started = time.perf_counter()
        await call()
        times.append((time.perf_counter() - started) * 1000)
    times = sorted(times[len(times) // 10 :])
    return round(times[min(len(times) - 1, len(times) * 95 // 100)], 1)


async def _best_s(call: Callable[[], Awaitable[object]]) -> float:
    """Seconds, the middle of three."""
    times = []
    for _ in range(3):
        started = time.perf_counter()
        await call()
        times.append(time.perf_counter() - started)
    return round(sorted(times)[1], 2)


async def _measure(
    args: argparse.Namespace, built: Built, owner: Pool, api: Pool, clickhouse: ClickHouse
) -> dict[str, Any]:
    chance = random.Random(args.seed)  # noqa: S311 - repeatable queries
    tenant, last = built.tenant_id, date_to_day(data.LAST_DAY)
    full, long = data.shape(built.meters, built.meter_days)
    month_last = last - full if long else last
    month_meters = long or built.meters

    readings = ClickHouseReadings(clickhouse)

    def point(meter_id: MeterId, first: int, end: int) -> Callable[[], Awaitable[object]]:
        return lambda: readings.days(tenant, meter_id, first, end)

    days = [point(MeterId(chance.randint(1, built.meters)), last, last) for _ in range(args.queries)]
    months = [
        point(MeterId(chance.randint(1, month_meters)), month_last - _MONTH, month_last) for _ in range(args.queries)
    ]
    figures: dict[str, Any] = {"meters": built.meters, "meter_days": built.meter_days}
    figures["point_day_p95_ms"] = await _p95(days)
    figures["point_month_p95_ms"] = await _p95(months)
    _say("points measured")

    async def fuzzy(query: str) -> None:
        async with tenant_transaction(api, tenant) as connection:
            await search(connection, tenant, query, 50)

    kinds = await _queries(owner, chance, built.meters, args.queries)
    by_kind = {}
    for kind, queries in kinds.items():
        by_kind[kind] = await _p95([lambda q=query: fuzzy(q) for query in queries])  # type: ignore[misc]
        _say(f"fuzzy {kind} ({queries[0]}): p95 {by_kind[kind]} ms")
    mixed = [query for queries in kinds.values() for query in queries]
    chance.shuffle(mixed)
    figures["fuzzy_p95_ms"] = await _p95([lambda q=query: fuzzy(q) for query in mixed])  # type: ignore[misc]
    reports, names, kept = DayReports(clickhouse), ReportLabels(owner), KeptReports(owner)
    now_s = int(time.time())
    figures["report_s"] = await _best_s(lambda: day_report(tenant, last, reports, names, kept, now_s))
    figures["area_s"] = await _best_s(lambda: reports.area_sums(tenant, last, last))
    figures |= await exported(clickhouse, api, tenant)
    figures |= {"areas": built.areas} | await _branches(owner, api, tenant, last, chance, args.queries, reports)
    size = await clickhouse.query(
        "SELECT sum(bytes_on_disk), sumIf(rows, table = 'meter_day') FROM system.parts "
        "WHERE active AND database = currentDatabase() AND table IN ('meter_day', 'day_total')"
    )
    figures["bytes_per_meter_day"] = round(int(size[0][0]) / max(1, int(size[0][1])), 1)
    _say("pressures of a month")
    points = min(args.points, built.meters)
    if not await clickhouse.query("SELECT 1 FROM series LIMIT 1"):
        await bulk.build_series(clickhouse, tenant, points, last)
    return figures | await bulk.measure(PostgresStore(api), clickhouse, tenant, points, last, args.queries)


async def _branches(
    owner: Pool, api: Pool, tenant: TenantId, day: int, chance: random.Random, count: int, reports: DayReports
) -> dict[str, Any]:
    """A list, a count and a sum of a branch, as the role that obeys row-level security: half of them of the two upper levels."""
    ids = [
        row["area_id"]
        for row in await owner.fetch("SELECT area_id FROM area WHERE tenant_id = $1 ORDER BY path", tenant)
    ]
    upper = [
        row["area_id"]
        for row in await owner.fetch(
            "SELECT area_id FROM area WHERE tenant_id = $1 AND length(path) <= 16 ORDER BY path", tenant
        )
    ]
    chosen = [AreaId(chance.choice(upper if place % 2 else ids)) for place in range(count)]

    async def listed(area_id: AreaId) -> None:
        async with tenant_transaction(api, tenant) as connection:
            await Meters(connection, tenant, Wording()).page(MeterFilter(area_id, limit=51))

    async def counted(area_id: AreaId) -> None:
        async with tenant_transaction(api, tenant) as connection:
            await Areas(connection, tenant).sums(area_id)

    names = ReportLabels(owner)
    answers, exponents = Reports(reports, names, KeptReports(owner)), catalog.load().exponents

    async def summed(area_id: AreaId) -> None:
        async with tenant_transaction(api, tenant) as connection:
            areas = await Areas(connection, tenant).below(area_id)
            areas = [] if len(areas) == await Areas(connection, tenant).count() else areas
        await answers.volumes(tenant, areas, day, day, exponents.__getitem__)

    figures = {}
    for name, ask in (("list", listed), ("count", counted), ("sum", summed)):
        figures[f"branch_{name}_p95_ms"] = await _p95([lambda ask=ask, one=one: ask(one) for one in chosen])  # type: ignore[misc]
        figures[f"branch_{name}_whole_s"] = await _best_s(lambda ask=ask: ask(AreaId(upper[0])))  # type: ignore[misc]
        _say(f"branch {name}: p95 {figures[f'branch_{name}_p95_ms']} ms, of all {figures[f'branch_{name}_whole_s']} s")
        figures[f"limited_{name}_p95_ms"] = await _p95([partial(_limited, ask, one) for one in chosen])
        _say(f"branch {name} by who may see no other: p95 {figures[f'limited_{name}_p95_ms']} ms")
    return figures


async def _limited(ask: Callable[[AreaId], Awaitable[None]], area_id: AreaId) -> None:
    """By a person whose rights hold for this branch alone: with the narrowest role of the database."""
    limit_to(Limits(Reach(places=(area_id,)), 1))
    try:
        await ask(area_id)
    finally:
        limit_to(NONE)


async def _queries(owner: Pool, chance: random.Random, meters: int, count: int) -> dict[str, list[str]]:
    """Random parts of what random meters carry."""
    ids = [chance.randint(1, meters) for _ in range(count)]
    rows = await owner.fetch(
        "SELECT m.number, m.imei::text, c.name, m.address FROM meter m JOIN customer c USING (customer_id) "
        "WHERE m.meter_id = ANY ($1::bigint[])", ids,
    )  # fmt: skip

    def part(text: str, least: int, most: int) -> str:
        size = min(len(text), chance.randint(least, most))
        start = chance.randint(0, len(text) - size)
        return text[start : start + size]

    return {
        "number": [part(row[0], 5, 8) for row in rows], "imei": [row[1] for row in rows], "name": [row[2] for row in rows],
        "address": [part(row[3], 6, 14) for row in rows],
        "two": [f"{row[2][:2]} {part(row[3], 5, 8)}" for row in rows], "short": [row[0][:2] for row in rows],
    }  # fmt: skip
