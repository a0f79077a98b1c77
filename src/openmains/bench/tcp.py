# SPDX-License-Identifier: Apache-2.0
"""``openmains bench tcp``: concentrators over TCP – frames a second that are stored and acknowledged, and all of them coming back at once.

A whole system; the concentrators are connections of this process, on the same cores. Each has ``WINDOW`` pushes under way, of meters of its
own, no two alike. Beside them one connection that says nothing and one that never reads what it is told. Then every connection is
reset at once, and all come back.
"""

import argparse
import asyncio
import json
import resource
import socket
import struct
import tempfile
import time
from binascii import crc_hqx
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import asyncpg

from openmains.bench import calibration
from openmains.bench.machine import memory_mb, processor_seconds
from openmains.bench.outcome import wait_known
from openmains.bench.registry import BenchRegistry, register
from openmains.bench.system import engine_urls, free_port, system
from openmains.emulator.station.terminal import StationTerminal
from openmains.run.messages import text
from openmains.run.settings import Loaded
from openmains.wire.station.content import Verdict

WINDOW = 3
METERS = 10  # behind each
AT_ONCE = 200  # connections on their way
RECONNECT_LIMIT_S = 60.0
FIRST_NUMBER = 2_026_000_000_000_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``openmains bench tcp``."""
    parser.add_argument(
        "--connections", type=int, default=5000, help=text("集中器数,默认 5000", "concentrators; default 5000")
    )
    parser.add_argument(
        "--seconds", type=int, default=30, help=text("上报时长,默认 30 秒", "seconds of pushing; default 30")
    )
    parser.add_argument("--json", action="store_true", help=text("末行输出 JSON", "last line is JSON"))


def main(args: argparse.Namespace, loaded: Loaded) -> int:
    """Run it; exit code 1 when not all came back in a minute, or another was harmed."""
    del loaded
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = args.connections + 1000
    if hard != resource.RLIM_INFINITY and hard < wanted:
        print(text(f"打开文件数上限 {hard} 不足 {wanted}", f"the limit of open files is {hard}, {wanted} are needed"))
        return 2
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    machine = calibration.say()
    figures = asyncio.run(run(args.connections, args.seconds))
    print(
        f"{figures['connections']:,} connections; {figures['stored_per_s']:,.0f} frames/s stored and acknowledged"
        f" ({figures['stored']:,} in {figures['seconds']:.1f} s), {figures['refused']:,} refused as busy"
    )
    print(f"all reset at once: all registered again after {figures['reconnect_s']:.1f} s")
    print("processor seconds: " + ", ".join(f"{name} {value:.1f}" for name, value in figures["cpu"].items()))
    print(f"memory of all processes {figures['rss_mb']} MB (clients not counted)")
    if args.json:
        print(json.dumps({key: value for key, value in figures.items() if key != "cpu"} | {"machine": machine}))
    return 0 if figures["reconnect_s"] <= RECONNECT_LIMIT_S and not figures["lost"] else 1


class _Connection(asyncio.Protocol):
    """A concentrator's end: pushes as long as ``running`` says so."""

    def __init__(self, index: int, running: Callable[[], bool]) -> None:
        self.terminal = StationTerminal(f"{FIRST_NUMBER + index:016d}")
        self.transport: asyncio.Transport | None = None
        self.resets = 0
        self._first, self._count, self._running = index * METERS, 0, running

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.terminal.connected()
        self._flush()

    def data_received(self, data: bytes) -> None:
        self.terminal.receive(data)
        self.push()

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        self.resets += 1

    def push(self) -> None:
        """Fill the window."""
        while self._running() and self.terminal.is_registered and len(self.terminal.holds) < WINDOW:
            meter = self._first + self._count % METERS
            self._count += 1
            self.terminal.hold(_message(meter, int(time.time()), 1_000_000 + 10 * self._count))
        self._flush()

    def _flush(self) -> None:
        if self.transport is not None and (out := self.terminal.to_send()):
            self.transport.write(out)


def _message(number: int, at: int, liters: int) -> bytes:
    """3043 of one day, as ``drivers/station`` reads it."""
    midnight = at - at % 86_400
    body = b"\x30\x43" + bytes.fromhex(f"{number:016d}") + struct.pack(">I", at) + liters.to_bytes(6, "big")
    body += (
        struct.pack(">BIHh", 0, 0, 3500, -900) + struct.pack(">I", midnight) + (liters - 5).to_bytes(6, "big") + b"\0"
    )
    return body + crc_hqx(body, 0).to_bytes(2, "big")


async def run(connections: int, seconds: int) -> dict[str, Any]:
    """A system in a folder of its own."""
    port = free_port(socket.SOCK_STREAM)
    with tempfile.TemporaryDirectory(prefix="openmains-bench-") as folder:
        var = Path(folder) / "var"
        settings = {"tcp_port": str(port), "tcp_connections": str(connections + 100), "meter_rate_per_min": "100000"}
        with system(var, settings=settings) as (process, coap, _):
            owner = engine_urls(var)["postgres_owner"]
            await _product(owner)
            registry = await register(owner, connections * METERS)
            await wait_known(coap, registry)
            await _concentrators(owner, registry, connections)
            return await _measure(process.pid, port, connections, seconds)


async def _product(owner: str) -> None:
    """The bench's product with the main station's driver, before ``register`` would make it with another one."""
    connection = await asyncpg.connect(owner)
    try:
        await connection.execute(
            """WITH made AS (INSERT INTO tenant (code, name) VALUES ('bench', 'bench') RETURNING tenant_id)
               INSERT INTO product (tenant_id, code, name, maker, model, medium, driver, dial)
               SELECT tenant_id, 'bench-water', 'bench', 'OpenMains', 'station', 'water', 'station/water-1', 99999999 FROM made"""
        )
    finally:
        await connection.close()


async def _concentrators(owner: str, registry: BenchRegistry, connections: int) -> None:
    """One for each connection, each with its meters; and one more, for who never reads."""
    connection = await asyncpg.connect(owner)
    try:
        async with connection.transaction():
            await connection.execute(
                "INSERT INTO concentrator (tenant_id, number, poll_s)"
                " SELECT $1, lpad(($2::bigint + i)::text, 16, '0'), 3600 FROM generate_series(-1, $3::int - 1) AS i",
                registry.tenant_id, FIRST_NUMBER, connections,
            )  # fmt: skip
            await connection.execute(
                "INSERT INTO concentrator_meter (meter_id, concentrator_id, tenant_id)"
                " SELECT m.meter_id, c.concentrator_id, m.tenant_id FROM meter m JOIN concentrator c"
                " ON c.number = lpad(($1::bigint + m.number::bigint / $2::int)::text, 16, '0')",
                FIRST_NUMBER, METERS,
            )  # fmt: skip
    finally:
        await connection.close()


async def _measure(pid: int, port: int, connections: int, seconds: int) -> dict[str, Any]:
    loop = asyncio.get_running_loop()
    pushing = False
    clients = [_Connection(index, lambda: pushing) for index in range(connections)]
    await _connect(clients, port)
    silent = await asyncio.open_connection("127.0.0.1", port)
    deaf = await asyncio.open_connection("127.0.0.1", port, limit=1024)
    deaf[1].write(_flood())
    before, began, cpu = _stored(clients), loop.time(), processor_seconds(pid)
    resets = sum(client.resets for client in clients)  # until the edge knew them
    pushing = True
    for client in clients:
        client.push()
    await asyncio.sleep(seconds)
    stored, spent = _stored(clients) - before, loop.time() - began
    used = {name: value - cpu.get(name, 0.0) for name, value in processor_seconds(pid).items()}
    pushing = False
    lost = sum(client.resets for client in clients) - resets
    rss = memory_mb(pid)
    for client in clients:
        if client.transport is not None:
            client.transport.abort()
    silent[1].close()
    deaf[1].close()
    began = loop.time()
    await _connect(clients, port)
    return {
        "connections": connections, "stored": stored, "seconds": spent, "stored_per_s": stored / spent,
        "refused": sum(client.terminal.verdicts[Verdict.BUSY] for client in clients), "lost": lost,
        "reconnect_s": loop.time() - began, "cpu": used, "rss_mb": rss,
    }  # fmt: skip


def _flood() -> bytes:
    """More heartbeats of a registered terminal than anybody would send; it reads no answer."""
    terminal = StationTerminal(f"{FIRST_NUMBER - 1:016d}")
    terminal.connected()
    for _ in range(20_000):
        terminal.beat(0)
    return terminal.to_send()


def _stored(clients: list[_Connection]) -> int:
    return sum(client.terminal.verdicts[Verdict.STORED] for client in clients)


async def _connect(clients: list[_Connection], port: int) -> None:
    """All, until the last one is registered."""
    loop, gate = asyncio.get_running_loop(), asyncio.Semaphore(AT_ONCE)

    async def one(client: _Connection) -> None:
        client.terminal.is_registered = False
        while not client.terminal.is_registered:
            async with gate:
                try:
                    await loop.create_connection(lambda: client, "127.0.0.1", port)
                except OSError:
                    await asyncio.sleep(0.2)
                    continue
                for _ in range(2_000):
                    if client.terminal.is_registered or client.transport is None:
                        break
                    await asyncio.sleep(0.01)

    await asyncio.gather(*(one(client) for client in clients))
