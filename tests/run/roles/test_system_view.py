# SPDX-License-Identifier: Apache-2.0
"""The system page's facts, asked of real engines."""

import asyncio
import contextlib
import os
import re
from collections.abc import AsyncIterator

from openmains.edges.clickhouse.client import ClickHouse
from openmains.edges.nats.live import LiveHub
from openmains.edges.nats.stream import Bus, UplinkStream, connect
from openmains.edges.postgres.db import create_pool
from openmains.edges.postgres.identity.tables import create_tenant_admin
from openmains.run.care.faults import FaultFolder
from openmains.run.engines.engines import Engines
from openmains.run.roles.counters import publish_counters
from openmains.run.roles.engine_watch import DiskWatch, EngineWatch
from openmains.run.roles.file_watch import FileWatch
from openmains.run.roles.system_view import RunningSystem
from tests.support.engines import migrate_postgres
from tests.support.patience import PATIENCE_S


@contextlib.asynccontextmanager
async def viewed(engines: Engines, clickhouse: ClickHouse) -> AsyncIterator[tuple[RunningSystem, LiveHub, Bus]]:
    pool = await create_pool(engines.urls.postgres_pipeline, max_size=2)
    client = await connect(engines.urls.nats, name="test")
    try:
        stream = UplinkStream(client, max_bytes=64 << 20)
        await stream.ensure()
        bus = Bus(client)
        hub = LiveHub(bus)
        await hub.start()
        watch = EngineWatch({"postgresql": lambda: pool.fetchval("SELECT 1"), "jetstream": stream.state})
        files = FileWatch(FaultFolder(engines._var))
        yield RunningSystem(hub, stream, pool, clickhouse, 2, watch, DiskWatch({}, 1), files), hub, bus
    finally:
        with contextlib.suppress(OSError):  # the server may be gone by then
            await client.close()
        await pool.close()


async def speak(hub: LiveHub, bus: Bus, node: str, counters: dict[str, int], process: str = "") -> None:
    """One process tells its counters once and the hub has heard them."""
    stop = asyncio.Event()
    stop.set()
    await publish_counters(bus, node, lambda: counters, stop, process=process)
    async with asyncio.timeout(PATIENCE_S):
        while node not in hub.nodes:
            await asyncio.sleep(0.01)


async def test_processes_counters_and_engines(engines: Engines, clickhouse: ClickHouse) -> None:
    async with viewed(engines, clickhouse) as (system, hub, bus):
        assert await system.not_ready() == ["edge", "pipeline", "dispatch"]
        await speak(hub, bus, "pipeline-17", {"ok": 3}, process="core")
        await speak(hub, bus, "dispatch-17", {"command.sent": 2})
        await speak(hub, bus, "edge-18", {"received": 5})
        await speak(hub, bus, "edge-19", {"received": 6})
        system._host = 1
        snapshot = await system.snapshot(1)
        assert sorted(process.name for process in snapshot.processes) == ["core", "dispatch", "edge", "edge"]
        assert {process.pid for process in snapshot.processes} == {os.getpid()}
        assert all(process.rss_bytes > 1 << 20 for process in snapshot.processes)
        assert snapshot.counters == {"pipeline.ok": 3, "dispatch.command.sent": 2, "edge.received": 11}
        for number in range(3):  # nobody processes here: what is published waits, in its own shard
            await system._stream.publish(1, b"waiting %d" % number)
        after = (await system.snapshot(1)).stream_lag
        grown = {shard: after[shard] - before for shard, before in snapshot.stream_lag.items()}
        # Sequence numbers run over all shards: what another one stored since counts as a bound, never below the truth.
        assert [shard for shard, lag in grown.items() if lag] == ["1"] and grown["1"] >= 3
        assert "0" in grown
        assert set(snapshot.engines) == {"postgresql", "jetstream", "clickhouse"}
        for name, version in snapshot.engines.items():
            assert re.fullmatch(r"\d+(\.\d+)+", version), (name, version)
        assert snapshot.storage["postgresql"] > 0
        for _ in range(2):  # the first of an hour is kept
            await system.sample_storage()
        (sample,) = (await system.snapshot(1)).growth
        assert sample.bytes >= snapshot.storage["postgresql"] and (sample.at.minute, sample.at.second) == (0, 0)
        assert await system.not_ready() == []
        names = {(metric.name, *metric.labels.values()) for metric in await system.metrics(1)}
        assert {("openmains_events_total", "edge.received"), ("openmains_resident_bytes", "core")} <= names


async def test_a_guest_tenant_sees_only_its_own_figures(engines: Engines, clickhouse: ClickHouse) -> None:
    async with viewed(engines, clickhouse) as (system, hub, bus):
        await speak(hub, bus, "edge-20", {"received": 5})
        made = [
            (await create_tenant_admin(engines.urls.postgres_owner, tenant_code=code, tenant_name=code))[0]
            for code in (f"sys{os.getpid()}a", f"sys{os.getpid()}b")
        ]
        guest = await system.snapshot(made[1])
        assert (guest.scope, guest.processes, guest.engines, guest.storage, guest.stream_lag) == (
            "tenant",
            [],
            {},
            {},
            {},
        )
        assert guest.counters == dict.fromkeys(
            (
                "meters",
                "monitors",
                "meters.set_aside",
                "alarms.open",
                "exceptions.open",
                "dead_letters.open",
                "balance_differences.open",
                "mirrored_meters.in_doubt",
                "jobs.waiting",
            ),
            0,
        )
        assert not await system.runs_platform(made[1])


async def test_an_engine_that_is_away_is_named(own_engines: Engines, clickhouse: ClickHouse) -> None:
    async with viewed(own_engines, clickhouse) as (system, _, _):
        await migrate_postgres(own_engines.urls)
        assert await system.runs_platform(1), "no tenant yet: who asks is the first"
        await own_engines.stop()
        missing = await system.not_ready()
        assert {"postgresql", "jetstream"} <= set(missing)
        assert "clickhouse" not in missing
        system._host = 1
        snapshot = await system.snapshot(1)
        assert snapshot.engines["postgresql"].startswith("unreachable")
        assert snapshot.stream_lag == {}
