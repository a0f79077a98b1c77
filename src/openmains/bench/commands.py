# SPDX-License-Identifier: Apache-2.0
"""``openmains bench commands``: how soon a command follows its meter's words, how many a second, and what that costs the ingest.

A whole system of its own, N registered meters in many radio cells, sessions over DTLS for some of them. Three loads of reports:

    before   nobody waits for anything
    with     200,000 commands wait, one for each meter that will speak, and each report is followed by one: how many a second, and
             by how much slower the reports are visible than before
    calm     as many wait, at a rate that leaves the two cores room: how soon a command follows its report

Measured at the generator's socket: from the first sending of a report to the arrival of the record with the frame.
The meters acknowledge the write; their own result, an ordinary report to the platform, is not part of it.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import asyncpg

from openmains.bench import calibration
from openmains.bench.load.command import CommandLoad
from openmains.bench.load.frames import DailyReports
from openmains.bench.load.secure import Handshakes, open_sockets, sockets_for
from openmains.bench.machine import may_profile, processor_seconds, start_profilers
from openmains.bench.outcome import pipeline_steps, wait_applied, wait_known
from openmains.bench.registry import BenchRegistry, register, remember
from openmains.bench.secure import SOCKETS, STEP, add_keys, key_of
from openmains.bench.system import engine_urls, free_port, system, temporary_var
from openmains.domain.period import DAY_S
from openmains.run import messages
from openmains.run.settings import Loaded

CELLS = 5000  # 200 meters a cell in a utility of a million
KEYS = ("p95_ms", "commands_per_s", "ingest_slowdown", "p95_ms_full_load")
VALIDITY_S = 2 * DAY_S
CALM_S = 30
ENGINES = "large"  # what a utility of a million meters sets

# As many as asked for, to the meters with sessions first. Written as the dispatcher leaves them: queued, numbered, waiting.
WAIT = """
WITH given AS (
  INSERT INTO command (tenant_id, meter_id, kind, params, lane, priority, slot, unique_key, content, not_after, created_us,
                       state, serial)
  SELECT $1, $2::bigint + i, 'set_parameters', '{"values": {"low_battery": 3400}}', 2, 3, 'low_battery', 'bench-' || i,
         '\\x00', $4, $5, 'queued', $6
    FROM generate_series(0, $3::int - 1) AS i
  RETURNING command_id, tenant_id, meter_id, serial, lane, priority, not_after, kind)
INSERT INTO command_waiting (command_id, tenant_id, meter_id, serial, lane, priority, not_after, kind, state)
SELECT command_id, tenant_id, meter_id, serial, lane, priority, not_after, kind, 'queued' FROM given
"""
SHADOWS = """
INSERT INTO meter_shadow (meter_id, tenant_id, last_serial, desired)
SELECT $2::bigint + i, $1, $4, '{"low_battery": 3400}' FROM generate_series(0, $3::int - 1) AS i
ON CONFLICT (meter_id) DO UPDATE SET last_serial = excluded.last_serial
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``openmains bench commands``."""
    text = messages.text
    parser.add_argument("--meters", type=int, default=1_000_000, help=text("注册表数", "registered meters"))
    parser.add_argument("--waiting", type=int, default=200_000, help=text("等待中的命令数", "commands that wait"))
    parser.add_argument(
        "--sessions", type=int, default=2 * STEP, help=text("有会话的表数", f"meters with sessions, in {STEP}s")
    )
    parser.add_argument("--rate", type=float, default=3_100.0, help=text("每秒上报数", "reports a second"))
    parser.add_argument(
        "--calm-rate", type=float, default=1_000.0, help=text("平稳时每秒上报数", "reports a second when calm")
    )
    parser.add_argument("--profile", type=Path, help=text("py-spy 火焰图目录", "directory for py-spy profiles"))
    parser.add_argument("--json", action="store_true", help=text("末行输出 JSON", "last line is JSON"))


def main(args: argparse.Namespace, loaded: Loaded) -> int:
    """Run it; exit code 1 when a meter that spoke did not get its command."""
    del loaded
    if not may_profile(args.profile):
        return 2
    machine = calibration.say()
    figures = asyncio.run(run(args))
    for line in report(figures):
        print(line, flush=True)
    if args.json:
        print(json.dumps({key: figures[key] for key in KEYS} | {"machine": machine}), flush=True)
    return 0 if figures["missing"] == 0 else 1


def report(figures: dict[str, Any]) -> Iterator[str]:
    """Human lines."""
    for name in ("calm", "with"):
        found = figures[name]
        yield (
            f"{name}: {found['commands']:,.0f} commands at {found['commands_per_s']:,.0f}/s, report to command"
            f" p50 {found['p50_ms']:.0f} ms, p95 {found['p95_ms']:.0f} ms, p99 {found['p99_ms']:.0f} ms;"
            f" missing {found['missing']}, repeated {found['repeated']}, records that did not open {found['bad_answers']}"
        )
    yield (
        f"reports/s until visible: {figures['before']['ingest']:,.0f} while nobody waits, {figures['with']['ingest']:,.0f}"
        f" with commands: slowdown {figures['ingest_slowdown']:.1%}"
    )
    for name in ("before", "with", "calm"):
        found = figures[name]
        yield f"processor seconds {name}: " + ", ".join(f"{key} {value:.1f}" for key, value in found["cpu"].items())
        yield f"load average {found['load']:.1f}; acknowledgement p99 {found['ack_p99_ms']:.0f} ms"
    yield "pipeline, wall seconds per step: " + ", ".join(f"{k} {v:.1f}" for k, v in figures["steps"].items())


async def run(args: argparse.Namespace) -> dict[str, Any]:
    """Build, load without and with commands."""
    count = max(STEP, min(args.sessions, args.waiting, args.meters) // STEP * STEP)
    loads = (
        ("before", args.rate, count, 0),
        ("with", args.rate, count, count),
        ("calm", args.calm_rate, *[min(count, int(args.calm_rate * CALM_S))] * 2),
    )
    figures: dict[str, Any] = {}
    with temporary_var() as var:
        dtls = free_port(socket.SOCK_DGRAM)
        with system(var, dtls=dtls, settings={"engine_size": ENGINES}) as (supervisor, coap, _):
            print(f"registering {args.meters:,} meters …", flush=True)
            urls = engine_urls(var)
            registry = await register(urls["postgres_owner"], args.meters)
            first_day = int(time.time()) // DAY_S - 1 - len(loads)
            await remember(urls["postgres_owner"], registry, first_day)
            await wait_known(coap, registry)
            await add_keys(urls, var, registry)
            print(f"{time.strftime('%X')} {count:,} handshakes …", flush=True)
            generator = await asyncio.to_thread(_Generator, registry, dtls, count)
            applied = 0
            for turn, (name, rate, reports, commands) in enumerate(loads):
                if commands:
                    await add_commands(urls["postgres_owner"], registry, args.waiting, serial=turn)
                await asyncio.to_thread(generator.ready, Order(first_day + turn, rate, reports, commands))
                before = processor_seconds(supervisor.pid)
                profilers = start_profilers(args.profile if name == "with" else None, supervisor.pid, reports / rate)
                print(f"{time.strftime('%X')} {name}: {rate:,.0f} reports/s for {reports / rate:.0f} s …", flush=True)
                began = time.time()
                sent = await asyncio.to_thread(generator.go)
                applied += sent["acked"]
                visible_at = await wait_applied(urls["postgres_pipeline"], registry, applied)
                after = processor_seconds(supervisor.pid)
                for profiler in profilers:
                    profiler.wait()
                figures[name] = {
                    **{key: round(value, 1) for key, value in sent["figures"].items()},
                    "missing": commands - int(sent["figures"]["commands"]),
                    "repeated": sent["repeated"],
                    "bad_answers": sent["bad_answers"],
                    "ingest": sent["acked"] / (visible_at - began),
                    "cpu": {key: after[key] - before.get(key, 0.0) for key in after} | {"load generator": sent["cpu"]},
                    "load": os.getloadavg()[0],
                    "ack_p99_ms": sent["summary"]["p99_ack_ms"],
                }
            generator.end()
            figures["steps"] = await pipeline_steps(urls["nats"])
    return figures | {
        "p95_ms": figures["calm"]["p95_ms"],
        "p95_ms_full_load": figures["with"]["p95_ms"],
        "commands_per_s": figures["with"]["commands_per_s"],
        "ingest_slowdown": round(max(1 - figures["with"]["ingest"] / figures["before"]["ingest"], 0.0), 4),
        "missing": figures["with"]["missing"] + figures["calm"]["missing"],
    }


async def add_commands(dsn: str, registry: BenchRegistry, count: int, *, serial: int) -> None:
    """So many commands wait, one a meter, and none from before: as if they had waited for hours, the tables are at rest."""
    owner = await asyncpg.connect(dsn)
    try:
        now, first = int(time.time()), registry.first_meter_id
        await owner.execute("TRUNCATE command, command_event CASCADE", timeout=600)
        await owner.execute(
            WAIT, registry.tenant_id, first, count, now + VALIDITY_S, now * 1_000_000, serial, timeout=600
        )
        await owner.execute(SHADOWS, registry.tenant_id, first, count, serial, timeout=600)
        for table in ("command", "command_waiting", "meter_shadow"):
            await owner.execute(f"VACUUM (ANALYZE) {table}", timeout=300)
        await asyncio.to_thread(os.sync)  # what lies there for hours is on the disk
    finally:
        await owner.close()


@dataclass(frozen=True, slots=True)
class Order:
    """One load: the day that is reported, reports a second and in all, commands to wait for."""

    day: int
    rate: float
    reports: int
    commands: int


class _Generator:
    """The load generator's process; its meters connect when it is made."""

    def __init__(self, registry: BenchRegistry, port: int, count: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_child, args=(theirs, ("127.0.0.1", port), registry.first_imei, count))
        self._process.start()
        theirs.close()
        failed = self._connection.recv()
        if failed:
            raise RuntimeError(f"{failed} of {count} handshakes failed")

    def ready(self, order: Order) -> None:
        """Seal ahead."""
        self._connection.send(order)
        self._connection.recv()

    def go(self) -> dict[str, Any]:
        """Send; what was acknowledged and what came down."""
        self._connection.send("go")
        found: dict[str, Any] = self._connection.recv()
        return found

    def end(self) -> None:
        """No more."""
        self._connection.send(None)
        self._process.join()


def _child(connection: Connection, target: tuple[str, int], first_imei: int, count: int) -> None:
    opened = open_sockets(target, sockets_for(count, SOCKETS))
    made = Handshakes(opened, first_imei, count, key_of).run()
    connection.send(made.failed)
    sessions = [session for session in made.sessions if session is not None]
    while (order := connection.recv()) is not None:
        load = CommandLoad(
            target, first_imei, sessions, order.day, order.rate, opened=[each.dup() for each in opened], limit=order.reports,
            sealed_ahead=order.reports, frames=DailyReports(cells=CELLS), commands=order.commands,
            seed=order.day,  # other message ids than the load before
        )  # fmt: skip
        connection.send("ready")
        connection.recv()
        before = time.process_time()
        result = load.run(order.reports / order.rate + 2)
        meters, _ = result.acked_pairs()
        connection.send(
            {
                "summary": result.summary(),
                "acked": len(meters),
                "figures": load.figures(),
                "repeated": load.repeated,
                "bad_answers": load.bad_answers,
                "cpu": time.process_time() - before,
            }
        )
    connection.close()
