# SPDX-License-Identifier: Apache-2.0
"""``openmains bench series``: what the values of other quantities than volume cost (ADR 0019).

``bytes_per_value``: on disk, of half-hour pressures of a town for a month, a row a day and meter, after everything was merged. The
pressures are the emulator's – they fall with the flow of the half hour – with a gauge's noise. ``bytes_per_spot``: of values that
stand alone, a day of flow each. ``values_per_s``: inserted by batches as the pipeline writes them. ``meter_month_p95_ms``: a month
of one meter's pressures asked for and put together. ``codecs``: the same with other codecs of the values, to see that the one chosen
is right.
"""

import argparse
import asyncio
import json
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from openmains.app.ingest.pipeline.quantities import SERIES_COLUMNS
from openmains.app.ingest.pipeline.rows import columns_of
from openmains.bench import calibration
from openmains.domain.ids import MeterId, TenantId
from openmains.domain.period import DAY_S, HOUR_S
from openmains.domain.readings.quantities import MOST_SPAN_S, samples
from openmains.drivers.points import vocabulary
from openmains.edges.clickhouse.client import ClickHouse
from openmains.edges.clickhouse.migrate import migrate
from openmains.edges.clickhouse.quantities import ClickHouseQuantities
from openmains.emulator.meter.body import QMAX_L_H
from openmains.emulator.meter.consumption import Consumption, Medium
from openmains.emulator.meter.surroundings import pressure

SLOT_S = 1800
SLOTS = 48
FIRST_S = 1_777_564_800  # 2026-05-01 00:00 in Shanghai
OFFSET_S = 8 * HOUR_S
NOISE = 2  # 0.1 kPa, standard deviation of a gauge of class 0.5 between two looks
BATCH = 3_000
CODECS = (
    "ZSTD(1)",
    "Delta, ZSTD(1)",
    "Delta, ZSTD(3)",
    "DoubleDelta, ZSTD(1)",
    "T64, ZSTD(1)",
)  # the engine refuses Gorilla for integers
PRESSURE, FLOW = (vocabulary().quantities[name].number for name in ("pressure", "flow"))
TENANT = TenantId(1)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("--meters", type=int, default=500)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--queries", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="only the JSON line on standard output")


def main(args: argparse.Namespace) -> int:
    """Fill a directory of its own, measure, print; the last line is JSON."""
    var = Path(args.var or "bench-series-var").absolute()
    shutil.rmtree(var / "clickhouse", ignore_errors=True)
    var.mkdir(parents=True, exist_ok=True)
    machine = calibration.say(quiet=args.json)
    figures = asyncio.run(measure(args, var)) | {"machine": machine}
    if not args.json:
        for key, value in figures.items():
            print(f"{key:>20}  {value}")
    print(json.dumps(figures))
    return 0


def pressures(meters: int, days: int, seed: int) -> list[list[list[int]]]:
    """By day and meter 48 pressures in 0.1 kPa."""
    numbers = np.arange(1, meters + 1, dtype=np.int64)
    media = np.full(meters, int(Medium.WATER), dtype=np.int64)
    instants = FIRST_S + SLOT_S * np.arange(days * SLOTS + 1, dtype=np.int64)
    used = np.diff(Consumption(seed).grid(numbers, media, instants), axis=1) * HOUR_S // SLOT_S
    noise = np.random.default_rng(seed).normal(0, NOISE, used.shape).round().astype(np.int64)
    local, most = (instants[:-1] + OFFSET_S).tolist(), QMAX_L_H[Medium.WATER]
    felt = [
        [
            pressure(Medium.WATER, number, at, flow, most) + wobble
            for at, flow, wobble in zip(local, flows, wobbles, strict=True)
        ]
        for number, flows, wobbles in zip(numbers.tolist(), used.tolist(), noise.tolist(), strict=True)
    ]
    return [[values[day * SLOTS : (day + 1) * SLOTS] for values in felt] for day in range(days)]


async def measure(args: argparse.Namespace, var: Path) -> dict[str, Any]:
    """All figures; ``args`` as of the command line."""
    clickhouse = ClickHouse(f"chdb://{var / 'clickhouse'}")
    try:
        await migrate(clickhouse)
        print("pressures", file=sys.stderr, flush=True)
        table = pressures(args.meters, args.days, args.seed)
        started, rows = time.perf_counter(), 0
        for day, meters in enumerate(table):
            start = FIRST_S + day * DAY_S
            whole: list[tuple[Any, ...]] = [
                (
                    TENANT,
                    meter + 1,
                    PRESSURE,
                    start,
                    day + 1,
                    SLOT_S,
                    values,
                    [],
                    (start + DAY_S + 60 + meter) * 1_000_000,
                )
                for meter, values in enumerate(meters)
            ]
            for first in range(0, len(whole), BATCH):
                await clickhouse.insert("series", columns_of(SERIES_COLUMNS, whole[first : first + BATCH]))
            rows += len(whole)
        seconds = time.perf_counter() - started
        values = rows * SLOTS
        size = await _merged_bytes(clickhouse, "series")
        codecs = {codec: round(await _with_codec(clickhouse, codec) / values, 3) for codec in CODECS}
        month = await _meter_month(clickhouse, args)
        spot_bytes = await _spots(clickhouse, args)
        return {
            "values": values,
            "bytes_per_value": round(size / values, 3),
            "bytes_per_spot": round(spot_bytes, 2),
            "rows_per_s": round(rows / seconds),
            "values_per_s": round(values / seconds),
            "meter_month_p95_ms": round(month, 1),
            "codecs": codecs,
        }
    finally:
        clickhouse.close()


async def _merged_bytes(clickhouse: ClickHouse, table: str) -> int:
    await clickhouse.command(f"OPTIMIZE TABLE {table} FINAL")
    ((size,),) = await clickhouse.query(
        "SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND database = currentDatabase() AND table = {table:String}",
        {"table": table},
    )
    return int(size)


async def _with_codec(clickhouse: ClickHouse, codec: str) -> int:
    await clickhouse.command("CREATE TABLE series_trial AS series")
    try:
        await clickhouse.command(f"ALTER TABLE series_trial MODIFY COLUMN values Array(Int64) CODEC({codec})")
        await clickhouse.command("INSERT INTO series_trial SELECT * FROM series")
        return await _merged_bytes(clickhouse, "series_trial")
    finally:
        await clickhouse.command("DROP TABLE series_trial SYNC")


async def _meter_month(clickhouse: ClickHouse, args: argparse.Namespace) -> float:
    store, times = ClickHouseQuantities(clickhouse), []
    asked = np.random.default_rng(args.seed).integers(1, args.meters + 1, args.queries + args.queries // 10)
    left, right = FIRST_S, FIRST_S + args.days * DAY_S
    for meter in map(MeterId, asked.tolist()):
        started = time.perf_counter()
        runs = await store.runs(TENANT, meter, [PRESSURE], left - MOST_SPAN_S, left, right, 20_001)
        found = samples([stored.run for stored in runs], left, right)
        times.append((time.perf_counter() - started) * 1000)
        if len(found) != args.days * SLOTS:
            raise RuntimeError(f"meter {meter}: {len(found)} values instead of {args.days * SLOTS}")
    times = sorted(times[args.queries // 10 :])
    return times[int(len(times) * 0.95)]


async def _spots(clickhouse: ClickHouse, args: argparse.Namespace) -> float:
    said = np.random.default_rng(args.seed).integers(0, 900, (args.days, args.meters)).tolist()
    await clickhouse.command("CREATE TABLE spot_trial AS series")
    try:
        for day in range(args.days):
            at = FIRST_S + day * DAY_S
            rows: list[tuple[Any, ...]] = [
                (TENANT, meter + 1, FLOW, at + meter % 18_000, day + 1, 0, [said[day][meter]], [], (at + meter % 18_000 + 2) * 1_000_000)
                for meter in range(args.meters)
            ]  # fmt: skip
            await clickhouse.insert("spot_trial", columns_of(SERIES_COLUMNS, rows))
        size: int = await _merged_bytes(clickhouse, "spot_trial")
        return size / int(args.days * args.meters)
    finally:
        await clickhouse.command("DROP TABLE spot_trial SYNC")
