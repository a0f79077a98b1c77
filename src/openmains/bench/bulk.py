# SPDX-License-Identifier: Apache-2.0
"""The part of ``openmains bench query`` that asks of many meters at once (R14.7), through the code that answers the API.

``registers_at_s``          registers at the start of a day of all meters, written as CSV
``registers_at_cpu_s``      processor time of this process for that; of a machine that others use too, the wall clock tells more of them
``zone_month_p95_ms``       a month of half-hour pressures of a zone's 200 points, as the Arrow file that ``/bulk/values`` answers
``zone_month_cpu_ms``       processor time of this process for that, the middle of all
``bytes_per_value``         of these pressures on disk, merged
``values_per_s``            values of all points over the month, part after part
``values_growth_mb``        what the peak of this process's memory grew by from the first part to the last, which hold the same
"""

import resource
import time
from collections.abc import Callable
from statistics import median
from typing import Any

from openmains.app.fleet.choice import MeterChoice
from openmains.app.readings.bulk.export import PIECE, wanted_values
from openmains.app.readings.bulk.ports import BulkMeter
from openmains.app.readings.bulk.registers import register_csv, register_pages
from openmains.app.unit_of_work import Store
from openmains.domain.ids import MeterId, TenantId
from openmains.domain.period import day_text, zone
from openmains.drivers.points import vocabulary
from openmains.edges.clickhouse.bulk import ClickHouseBulk
from openmains.edges.clickhouse.client import ClickHouse

POINTS_OF_ZONE = 200
DAYS = 30
_SLOTS = 48
_PLACE = "Asia/Shanghai"
_PRESSURE = vocabulary().quantities["pressure"].number
_SERIES = """
INSERT INTO series (tenant_id, meter_id, point, start_s, version, interval_s, values, quality, received_us)
SELECT {tenant:UInt32}, number + 1, {point:UInt16}, {start:UInt32}, {version:UInt64}, 1800,
  arrayMap(k -> toInt64(2800 + (number * 37) % 900 - if(k BETWEEN 12 AND 18 OR k > 36, 120, 20) + rand(k) % 9 - 4),
           materialize(range(48))), [], ({start:UInt64} + 90000) * 1000000
FROM numbers({count:UInt64})
"""


async def build_series(clickhouse: ClickHouse, tenant_id: TenantId, meters: int, last_day: int) -> None:
    """Pressures of meters 1 to ``meters`` on the ``DAYS`` days up to ``last_day``; the same rows where they are there already."""
    for back in range(DAYS):
        start = zone(_PLACE).start_of(last_day - back)
        values = {"tenant": tenant_id, "point": _PRESSURE, "start": start, "version": last_day - back, "count": meters}
        await clickhouse.command(_SERIES, values)


async def measure(
    store: Store, clickhouse: ClickHouse, tenant_id: TenantId, points: int, last_day: int, queries: int
) -> dict[str, Any]:
    """Figures by key; ``points``: meters that have pressures."""
    bulk, place = ClickHouseBulk(clickhouse), zone(_PLACE)
    started, spent, lines, at_s = time.perf_counter(), time.process_time(), 0, place.start_of(last_day)
    pages = register_pages(store, bulk, tenant_id, MeterChoice(kind="any"), at_s, place, time.time_ns() // 1000)
    async for chunk in register_csv(pages, place.iso(at_s), lambda _driver: -3, "en"):
        lines += chunk.count(b"\n")
    figures: dict[str, Any] = {
        "registers_at_s": round(time.perf_counter() - started, 2),
        "registers_at_cpu_s": round(time.process_time() - spent, 2),
        "registers_at_meters": lines - 1,
    }
    left, right = place.start_of(last_day - DAYS + 1), place.start_of(last_day + 1)
    wanted = wanted_values(["pressure"], left, right, _PLACE)

    def meters(first: int, count: int) -> list[BulkMeter]:
        return [BulkMeter(MeterId(number), f"{number:012d}", -3, 0) for number in range(first, first + count)]

    zone_size = min(POINTS_OF_ZONE, points)
    times, prices = [], []
    for turn in range(queries + queries // 10):
        first = 1 + turn * 97 % max(1, points - zone_size)
        began, spent = time.perf_counter(), time.process_time()
        await bulk.values(tenant_id, meters(first, zone_size), wanted, "arrow")
        times.append((time.perf_counter() - began) * 1000)
        prices.append((time.process_time() - spent) * 1000)
    times = sorted(times[queries // 10 :])
    figures["zone_month_p95_ms"] = round(times[min(len(times) - 1, len(times) * 95 // 100)], 1)
    figures["zone_month_cpu_ms"] = round(median(prices[queries // 10 :]), 1)
    figures |= await _export(bulk, tenant_id, meters, points, wanted)
    await clickhouse.command("OPTIMIZE TABLE series FINAL")
    size = await clickhouse.query(
        "SELECT sum(bytes_on_disk), sum(rows) FROM system.parts WHERE active AND database = currentDatabase() AND table = 'series'"
    )
    figures["bytes_per_value"] = round(int(size[0][0]) / max(1, int(size[0][1]) * _SLOTS), 2)
    figures["last_day"] = day_text(last_day)
    return figures


async def _export(
    bulk: ClickHouseBulk, tenant_id: TenantId, meters: Callable[[int, int], list[BulkMeter]], points: int, wanted: Any
) -> dict[str, Any]:
    at_once = max(1, PIECE // (DAYS * _SLOTS))
    began, rows, first_peak = time.perf_counter(), 0, 0
    for first in range(1, points + 1, at_once):
        count = min(at_once, points + 1 - first)
        await bulk.values(tenant_id, meters(first, count), wanted, "arrow")
        rows += count * DAYS * _SLOTS
        first_peak = first_peak or _peak_mb()
    seconds = max(1e-9, time.perf_counter() - began)
    return {
        "values_exported": rows,
        "values_per_s": round(rows / seconds),
        "values_growth_mb": round(_peak_mb() - first_peak),
    }


def _peak_mb() -> int:
    """Most memory this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
