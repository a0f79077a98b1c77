# SPDX-License-Identifier: Apache-2.0
"""``openmains bench bulk``: all readings of a month of N meters leave through the bulk API and are summed where they arrive (R14.7).

A whole system of its own; while it is down a month of meter-days is written into its store and merged, as a month that is over is. Then one
reader asks ``GET /api/v1/bulk/values`` for the registers as Arrow, part after part by ``Link``, and takes them apart as they come.

``rows``               readings that arrived: one a meter and slot of its day (``--slots``; one: a meter that is read daily)
``rows_per_s``         of them, planning of parts, sending and the reader's own work included; ``seconds`` for all
``first_byte_s``       until the first part begins: what a person waits
``rss_mb_begin``, ``_middle``, ``_end``  proportional memory of all processes of the system, before, half way, and with the last part
``core_growth_mb``     what the process that answers grew by between the second part and the end: parts hold the same, so does it
``checksum_equal``     whether count, sum, and sum of values times (meter + instant), modulo 2^64, are those of the store, counted there by
                       another statement than the export's
``cpu_us_per_row``     processor time of the system and, beside it, of the reader (``reader_cpu_us_per_row``)
"""

import argparse
import asyncio
import re
import time
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from openmains.bench import calibration
from openmains.bench.alarms import sign_in
from openmains.bench.figures import tell_keys
from openmains.bench.machine import memory_mb, processor_seconds, tree
from openmains.bench.outcome import wait_idle
from openmains.bench.registry import BenchRegistry, register
from openmains.bench.system import engine_urls, system, temporary_var
from openmains.domain.period import day_to_date, zone
from openmains.edges.clickhouse.client import ClickHouse
from openmains.run import messages
from openmains.run.settings import Loaded

KEYS = ("meters", "days", "slots", "rows", "seconds", "rows_per_s", "first_byte_s", "parts", "megabytes", "rss_mb_begin", "rss_mb_middle",
        "rss_mb_end", "core_growth_mb", "checksum_equal", "cpu_us_per_row", "reader_cpu_us_per_row")  # fmt: skip
FIRST_DAY, DAYS = 20_605, 31  # 2026-06-01 in epoch days is 20,605; a month without a change of the clock
_PLACE = "Asia/Shanghai"
_PATIENCE_S = 900
_LINK = re.compile(r'<([^>]+)>; rel="next"')
_FILL = """
INSERT INTO meter_day (tenant_id, meter_id, day, area_id, product_id, base, interval_s, increments, quality, total, flags, slots, measured,
                       received_s, version)
SELECT {tenant:UInt32}, {first:UInt64} + number AS m, {day:Date}, 1, {product:UInt32},
  1000000 + m * 37 % 9000000 + ({nth:Int64} * (100 + m % 400)), intDiv(86400, {slots:UInt32}),
  arrayMap(k -> toInt32((100 + m % 400) * (k + 1) % 97), materialize(range({slots:UInt32}))) AS inc, [], arraySum(inc), 0, {slots:UInt16},
  {slots:UInt16}, toUInt32(toDateTime({day:Date}, 'Asia/Shanghai')) + 90000, toUInt64(toUInt16({day:Date}))
FROM numbers({count:UInt64})
"""
_TOLD = """
SELECT count(), toUInt64(sum(register)), sum(toUInt64(register) * (meter_id + at_s)) FROM (
  SELECT meter_id, toUInt64(toUnixTimestamp(toDateTime(day, 'Asia/Shanghai')) + interval_s * (nth - 1)) AS at_s,
         (base + arraySum(arraySlice(increments, 1, nth - 1))) % 99999999 AS register
    FROM meter_day FINAL ARRAY JOIN arrayEnumerate(increments) AS nth WHERE tenant_id = {tenant:UInt32})
"""


@dataclass(slots=True)
class Sums:
    """Of readings: how many, their sum, and the sum of each times (meter + instant); the latter modulo 2^64."""

    rows: int = 0
    total: int = 0
    mixed: int = 0

    def add(self, batch: pa.RecordBatch) -> None:
        """Readings that arrived; one that is not known stops the count, for a month that is whole has none."""
        values = batch.column("value")
        if values.null_count:
            raise RuntimeError("a reading without a value arrived")
        found = values.to_numpy(zero_copy_only=False).astype(np.uint64)
        meters = batch.column("meter_id").to_numpy(zero_copy_only=False).astype(np.uint64)
        at = batch.column("at").cast(pa.timestamp("s", "UTC")).cast(pa.int64()).to_numpy(zero_copy_only=False)
        with np.errstate(over="ignore"):
            self.mixed = (self.mixed + int(np.sum(found * (meters + at.astype(np.uint64)), dtype=np.uint64))) % 2**64
        self.total += int(found.sum(dtype=np.uint64))
        self.rows += batch.num_rows


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``openmains bench bulk``."""
    text = messages.text
    parser.add_argument("--meters", type=int, default=1_000_000, help=text("表数", "meters"))
    parser.add_argument(
        "--slots", type=int, default=1, help=text("每表每日读数个数(1、24、48)", "readings of a meter's day: 1, 24, 48")
    )
    parser.add_argument(
        "--part-rows", type=int, default=1_000_000, help=text("每个分段的读数个数", "readings of a part")
    )
    parser.add_argument("--json", action="store_true", help=text("末行输出 JSON", "last line is JSON"))


def main(args: argparse.Namespace, loaded: Loaded) -> int:
    """Run it; exit code 1 when what arrived is not what is stored."""
    del loaded
    machine = calibration.say()
    figures = asyncio.run(run(args))
    tell_keys(figures, KEYS, machine, as_json=args.json)
    return 0 if figures["checksum_equal"] else 1


async def run(args: argparse.Namespace) -> dict[str, Any]:
    """Build, read, compare."""
    with temporary_var() as var:
        with system(var) as (supervisor, _, http):
            urls = engine_urls(var)
            print(f"registering {args.meters:,} meters …", flush=True)
            registry = await register(urls["postgres_owner"], args.meters)
            token = await sign_in(urls["postgres_owner"], http)
            await wait_idle(supervisor.pid)
        stored = await asyncio.to_thread(build, urls["clickhouse"], registry, args.slots)  # the store is nobody's now
        with system(var) as (supervisor, _, http):
            await wait_idle(supervisor.pid)
            print(f"reading {stored.rows:,} readings …", flush=True)
            return await asyncio.to_thread(read, http, token, supervisor.pid, args, stored)


def build(dsn: str, registry: BenchRegistry, slots: int) -> Sums:
    """A month of days of all meters, merged; what the store holds of it, by a statement of its own."""
    clickhouse = ClickHouse(dsn)
    try:
        for nth in range(DAYS):
            values = {"tenant": registry.tenant_id, "first": registry.first_meter_id, "product": registry.product_id, "nth": nth,
                      "day": day_to_date(FIRST_DAY + nth), "slots": slots, "count": registry.count}  # fmt: skip
            clickhouse.command_now(_FILL, values)
        clickhouse.command_now("OPTIMIZE TABLE meter_day FINAL")
        return Sums(*clickhouse.query_now(_TOLD, {"tenant": registry.tenant_id})[0])
    finally:
        clickhouse.close()


def read(http: int, token: str, root: int, args: argparse.Namespace, stored: Sums) -> dict[str, Any]:
    """Every part, as it comes."""
    place, found = zone(_PLACE), Sums()
    left, right = place.start_of(FIRST_DAY), place.start_of(FIRST_DAY + DAYS)
    path = f"/api/v1/bulk/values?points=register&from={_instant(left)}&to={_instant(right)}&form=arrow&rows={args.part_rows}"
    memory, core = [memory_mb(root)], []
    began, spent, own = time.perf_counter(), sum(processor_seconds(root).values()), time.process_time()
    first_byte, parts, taken = 0.0, 0, 0
    connection = HTTPConnection("127.0.0.1", http, timeout=_PATIENCE_S)
    while path:
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        if answer.status != 200:
            raise RuntimeError(f"{answer.status}: {answer.read(2000)!r}")
        first_byte = first_byte or time.perf_counter() - began
        following = _LINK.search(answer.headers.get("Link", ""))
        path = "" if following is None else following[1]
        if len(memory) == 1 and found.rows * 2 >= stored.rows:
            memory.append(memory_mb(root))
        taken += _take(answer, found)
        parts += 1
        core.append(_core_mb(root))
    seconds = time.perf_counter() - began
    memory.append(memory_mb(root))
    connection.close()
    rows = max(1, found.rows)
    return {
        "meters": args.meters,
        "days": DAYS,
        "slots": args.slots,
        "rows": found.rows,
        "seconds": round(seconds, 1),
        "rows_per_s": round(found.rows / seconds),
        "first_byte_s": round(first_byte, 2),
        "parts": parts,
        "megabytes": round(taken / 1e6),
        "rss_mb_begin": memory[0],
        "rss_mb_middle": memory[len(memory) // 2],
        "rss_mb_end": memory[-1],
        "core_growth_mb": core[-1] - core[min(1, len(core) - 1)],
        "checksum_equal": (found.rows, found.total % 2**64, found.mixed) == (stored.rows, stored.total, stored.mixed),
        "cpu_us_per_row": round((sum(processor_seconds(root).values()) - spent) / rows * 1e6, 2),
        "reader_cpu_us_per_row": round((time.process_time() - own) / rows * 1e6, 2),
    }


def _take(answer: HTTPResponse, found: Sums) -> int:
    """One part, batch by batch; how many bytes it was."""
    counted = _Counted(answer)
    with pa.ipc.open_stream(counted) as batches:
        for batch in batches:
            found.add(batch)
    answer.read()  # to its end: the connection is used again
    return counted.taken


class _Counted:
    """A file of what arrives; ``taken``: bytes."""

    def __init__(self, answer: HTTPResponse) -> None:
        self._answer = answer
        self.taken = 0
        self.closed = False

    def read(self, size: int = -1) -> bytes:
        data = self._answer.read(None if size < 0 else size)
        self.taken += len(data)
        return data


def _instant(at_s: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at_s))


def _core_mb(root: int) -> int:
    """Resident memory of the process that answers."""
    total = 0
    for pid, name in tree(root).items():
        if name == "core":
            try:
                lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
            except OSError:
                continue
            total += sum(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))
    return round(total / 1024)
