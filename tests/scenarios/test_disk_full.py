# SPDX-License-Identifier: Apache-2.0
"""Engines that stand still, a stream at its limit, a full disk: nothing acknowledged is lost, all goes on by itself.

Clock jumps are not made here: setting the machine's clock needs rights that a test should not have and would disturb
everything else. What depends on the wall clock is small and said in docs/runbooks/failures.md; all waiting, retrying and
timing out uses the monotonic clock.
"""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest
from nats.js.api import StreamConfig

from openmains.bench.system import engine_urls
from openmains.edges.nats.stream import STREAM, UplinkStream, connect
from openmains.wire.coap.message import code_text, is_success
from tests.support.chaos import BUSY, Crowd, Probe, applied, caught_up, count, ended, flowing, halted, pids, settle
from tests.support.engines import new_var, remove_var
from tests.support.engines import small_disk as a_small_disk
from tests.support.patience import PATIENCE_S
from tests.support.system import System, Systems, until, until_async

METERS = 24_000
RATE = 200.0
ENOUGH = 600  # messages applied before and after: work enough for something to go missing, however fast the machine is
DISK_MB = 900


@pytest.fixture
def var() -> Iterator[Path]:
    """A place for one run of the system."""
    place = new_var()
    yield place
    remove_var(place)


@pytest.fixture
def small_disk() -> Iterator[Path]:
    with a_small_disk(DISK_MB) as place:
        yield place


async def test_engines_that_stand_still(systems: Systems, var: Path) -> None:
    """JetStream stopped, PostgreSQL stopped, the stream at its byte limit: one system, one load, one count."""
    with systems(var) as system:
        crowd = await settle(system, METERS)
        probe = Probe(system, crowd)
        with crowd.reporting(system, RATE):
            await flowing(system, crowd)
            await _jetstream_stands_still(system, crowd, probe)
            await _postgresql_stands_still(system, crowd, probe)
            await _stream_is_full(system, crowd, probe)
        print(f"load: {crowd.summary}")
        versions = await caught_up(system, crowd)
        urls = engine_urls(var)
    found = count(urls, crowd, versions)
    print(found)
    assert found.acknowledged > 1000
    assert found.exact, found


async def _jetstream_stands_still(system: System, crowd: Crowd, probe: Probe) -> None:
    probe.fresh()
    with halted(system, "jetstream"):
        heard = await asyncio.to_thread(probe.send, PATIENCE_S, lambda code: code == BUSY)
        print(f"\nJetStream stopped: 5.03 after {heard.seconds:.1f} s, answers {_names(heard.codes)}")
        assert set(heard.codes) == {BUSY}
        # long enough for the clients to give up their connections: what the server then sends into them is gone
        heard = await asyncio.to_thread(probe.send, PATIENCE_S, lambda code: code == BUSY)
        assert set(heard.codes) == {BUSY}
    began = time.monotonic()
    acked, visible = await probe.recovery(began)
    print(f"JetStream goes on: acknowledged {acked:.2f} s, visible {visible:.2f} s")
    await flowing(system, crowd)


async def _postgresql_stands_still(system: System, crowd: Crowd, probe: Probe) -> None:
    probe.fresh()
    with halted(system, "postgresql"):
        first = await asyncio.to_thread(probe.send, PATIENCE_S)
        probe.fresh()
        second = await asyncio.to_thread(probe.send, PATIENCE_S)
        began = time.monotonic()
        grown = await _stream_grows(system, 300)
        print(
            f"PostgreSQL stopped: acknowledged after {first.seconds:.2f} s and {second.seconds:.2f} s;"
            f" the stream took {grown} batches in {time.monotonic() - began:.1f} s more"
        )
        assert first.seconds >= 0 and second.seconds >= 0
    began = time.monotonic()
    await until(probe.visible)
    print(f"PostgreSQL goes on: visible {time.monotonic() - began:.2f} s")
    await flowing(system, crowd)


async def _stream_grows(system: System, messages: int) -> int:
    """Until it holds that many more; how many more it holds."""
    client = await connect(engine_urls(system.var)["nats"], name="test")
    try:
        stream = UplinkStream(client, max_bytes=1)
        before = (await stream.state()).last_sequence

        async def grown() -> int:
            more = (await stream.state()).last_sequence - before
            return more if more >= messages else 0

        return await until_async(grown)
    finally:
        await client.close()


async def _stream_is_full(system: System, crowd: Crowd, probe: Probe) -> None:
    """The pipeline is stopped and the stream's limit is lowered, as an operator could."""
    client = await connect(engine_urls(system.var)["nats"], name="test")
    try:
        manager = client.jetstream()
        before: StreamConfig = (await manager.stream_info(STREAM)).config
        limit = before.max_bytes
        probe.fresh()
        with halted(system, "core"):
            before.max_bytes = (await manager.stream_info(STREAM)).state.bytes + (1 << 17)
            await manager.update_stream(before)
            began = time.monotonic()
            heard = await asyncio.to_thread(probe.send, PATIENCE_S, lambda code: code == BUSY)
            print(f"stream full after {time.monotonic() - began:.1f} s: answers {_names(heard.codes)}")
            assert heard.codes[-1] == BUSY
        began = time.monotonic()
        acked, visible = await probe.recovery(began)
        print(f"pipeline goes on: acknowledged {acked:.2f} s, visible {visible:.2f} s")
        before.max_bytes = limit
        await manager.update_stream(before)
    finally:
        await client.close()
    await flowing(system, crowd)


async def test_disk_really_full(systems: Systems, small_disk: Path) -> None:
    """Everything stands on a small file system; a file takes all of it under load, and is removed again."""
    with systems(small_disk, stream_max_mb=64, min_free_mb=16) as system:
        assert not (small_disk / "postgres").is_symlink(), "the database stands on another disk"
        crowd = await settle(system, METERS)
        probe = Probe(system, crowd)
        with crowd.reporting(system, RATE):
            await flowing(system, crowd, ENOUGH)
            servers = {
                name: psutil.Process(pids(system, name)[0]) for name in ("postmaster", "jetstream", "core", "edge")
            }
            filler = small_disk / "filler"
            began = time.monotonic()
            _fill(filler)
            probe.fresh()
            heard = await asyncio.to_thread(_until_refused, probe, filler)
            print(f"\ndisk full: no acknowledgement {time.monotonic() - began:.1f} s later, answers {_names(heard)}")
            await _write_until_postgresql_dies(system)
            died = [name for name, process in servers.items() if ended(process)]
            print(f"processes that ended while the disk was full: {died}")
            assert "edge" not in died
            filler.unlink()
            began = time.monotonic()
            acked, visible = await probe.recovery(began)
            print(f"space freed: acknowledged {acked:.1f} s, visible {visible:.1f} s")

            async def working() -> bool:
                return await applied(system, crowd) > 0

            await until_async(working)
            await flowing(system, crowd, ENOUGH)
        print(f"load: {crowd.summary}")
        versions = await caught_up(system, crowd)
        urls = engine_urls(small_disk)
    found = count(urls, crowd, versions)
    print(found)
    assert found.acknowledged > ENOUGH
    assert found.exact, found


async def _write_until_postgresql_dies(system: System) -> None:
    """Its log finds no room for a new segment: it can not go on and says PANIC. What runs may have brought it there before us."""
    connection: asyncpg.Connection | None = None
    try:
        connection = await asyncpg.connect(engine_urls(system.var)["postgres_owner"])
        while True:
            _fill(system.var / "filler")
            await connection.execute("SELECT pg_logical_emit_message(true, 'fill', repeat('x', 8 << 20), true)")
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        print(f"PostgreSQL: {type(error).__name__}")
    finally:
        if connection is not None:
            connection.terminate()
    await until(lambda: not pids(system, "backend"))


def _fill(filler: Path) -> None:
    """Take every byte that is left."""
    with filler.open("ab", buffering=0) as file:
        for size in (1 << 20, 4096, 1):
            chunk = bytes(size)
            try:
                while file.write(chunk) == size:
                    pass
            except OSError:
                continue


def _until_refused(probe: Probe, filler: Path) -> list[int]:
    """Keep the disk full until a report is refused, or not answered at all; all answers heard."""
    codes: list[int] = []
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        _fill(filler)  # what was freed meanwhile (an old log segment) is taken too
        heard = probe.send(15, lambda code: True)
        codes += heard.codes
        if not any(is_success(code) for code in heard.codes):
            return codes
    raise AssertionError(f"the full disk was never felt: {_names(codes)}")


def _names(codes: list[int]) -> dict[str, int]:
    """How often each code came."""
    return {code_text(code): codes.count(code) for code in sorted(set(codes))}
