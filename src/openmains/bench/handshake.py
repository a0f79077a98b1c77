# SPDX-License-Identifier: Apache-2.0
"""``openmains bench handshake``: full DTLS handshakes a second, each stored before it is answered, keys from the database.

The clients are a process on the same cores; each handshake is of another meter: cookie, key look-up, key exchange, session
on disk, Finished. Nothing is resumed.
"""

import argparse
import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openmains.bench import calibration
from openmains.bench.machine import may_profile, memory_mb, processor_seconds, start_profilers
from openmains.bench.outcome import wait_known
from openmains.bench.registry import BenchRegistry, register
from openmains.bench.secure import STEP, add_keys, connect_meters
from openmains.bench.system import engine_urls, free_port, system, temporary_var
from openmains.run import messages
from openmains.run.settings import Loaded


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``openmains bench handshake``."""
    text = messages.text
    parser.add_argument("--meters", type=int, default=2 * STEP, help=text("握手的表数", "meters that handshake"))
    parser.add_argument("--profile", type=Path, help=text("py-spy 火焰图目录", "directory for py-spy profiles"))
    parser.add_argument("--json", action="store_true", help=text("末行输出 JSON", "last line is JSON"))


def main(args: argparse.Namespace, loaded: Loaded) -> int:
    """Run it; exit code 1 when a handshake failed."""
    del loaded
    if not may_profile(args.profile):
        return 2
    machine = calibration.say()
    figures = asyncio.run(run(args))
    print(
        f"{figures['handshakes_per_s']:,.0f} handshakes/s: {figures['handshakes']:,} in {figures['seconds']:.1f} s,"
        f" {figures['failed']} failed"
    )
    print(
        "processor seconds: "
        + ", ".join(f"{name} {value:.1f}" for name, value in figures["cpu"].items())
        + f", clients {figures['client_cpu']:.1f}"
    )
    print(f"memory of all processes {figures['rss_mb']} MB (clients not counted)")
    if args.json:
        keys = ("handshakes_per_s", "handshakes", "failed", "seconds")
        print(json.dumps({key: figures[key] for key in keys} | {"machine": machine}))
    return 0 if not figures["failed"] else 1


@dataclass(frozen=True, slots=True)
class Keyed:
    """A running system whose meters have keys. ``supervisor``: its process; ``port``: of DTLS."""

    supervisor: int
    var: Path
    port: int
    registry: BenchRegistry


@asynccontextmanager
async def keyed_system(count: int) -> AsyncIterator[Keyed]:
    """A whole system of its own in a temporary directory; its edge knows all of the ``count`` meters."""
    with temporary_var() as var:
        port = free_port(socket.SOCK_DGRAM)
        with system(var, dtls=port) as (supervisor, coap, _):
            urls = engine_urls(var)
            print(f"registering {count:,} meters with keys …", flush=True)
            registry = await register(urls["postgres_owner"], count)
            await add_keys(urls, var, registry)
            await wait_known(coap, registry)
            yield Keyed(supervisor.pid, var, port, registry)


async def run(args: argparse.Namespace) -> dict[str, Any]:
    """Register, add keys, connect all."""
    count = max(STEP, args.meters // STEP * STEP)
    async with keyed_system(count) as keyed:
        before = processor_seconds(keyed.supervisor)
        profilers = start_profilers(args.profile, keyed.supervisor, 20)
        print(f"{count:,} handshakes …", flush=True)
        made = await asyncio.to_thread(connect_meters, keyed.registry, keyed.port, count)
        after = processor_seconds(keyed.supervisor)
        for profiler in profilers:
            profiler.wait()
        memory = memory_mb(keyed.supervisor)
        made.end()
    return {
        "handshakes_per_s": round(made.per_second, 1),
        "handshakes": made.handshakes,
        "failed": made.failed,
        "seconds": round(made.seconds, 2),
        "cpu": {name: after.get(name, 0.0) - before.get(name, 0.0) for name in after},
        "client_cpu": made.share * made.seconds,
        "rss_mb": memory,
    }
