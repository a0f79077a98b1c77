# SPDX-License-Identifier: Apache-2.0
"""Composition of the pipeline: this process's share of the shards, from the stream to both stores."""

import asyncio
import logging
import os
import time
from contextlib import AsyncExitStack

from openmains.app.ingest.pipeline.fast_lane import FastLane
from openmains.app.ingest.pipeline.leases import TURN_S, ShardLeases
from openmains.app.ingest.pipeline.worker import ShardWorker
from openmains.app.ingest.uplink import Uplink
from openmains.drivers import catalog as driver_catalog
from openmains.edges.clickhouse.ingest import ClickHouseReadingSink
from openmains.edges.clickhouse.shared_inserts import SharedInserts
from openmains.edges.nats.commands import CommittedPublisher
from openmains.edges.nats.pace import tell_pace
from openmains.edges.nats.stream import Bus, UplinkStream, connect
from openmains.edges.nats.urgent import listen_urgent
from openmains.edges.postgres.ingest.leases import PostgresLeaseStore
from openmains.edges.postgres.ingest.pipeline_store import PostgresPipelineStore
from openmains.edges.postgres.system.running import RunningDatabase
from openmains.run.care.faults import FaultFolder
from openmains.run.care.stream import EVERY_S, compare_stream, note_end
from openmains.run.roles.access import judge_of
from openmains.run.roles.counters import publish_counters
from openmains.run.roles.holder import holder_of
from openmains.run.roles.process import Core, check_shards, every, now_us, retry, while_connected
from openmains.run.settings import Settings

log = logging.getLogger("openmains.run")
LANE_EVERY_S = 1.0


async def run_pipeline(settings: Settings, stop: asyncio.Event, core: Core) -> None:
    """The shards whose leases this process holds: all of them where no other pipeline runs."""
    clickhouse, pool = core.clickhouse, core.pool
    async with AsyncExitStack() as stack:
        urls = settings.urls()
        client = await retry("stream", lambda: connect(urls.nats_of("pipeline"), name="pipeline"), stop)
        stack.push_async_callback(client.close)
        stream = UplinkStream(client, max_bytes=settings.stream_max_mb << 20)
        await retry("stream", stream.ensure, stop)
        await check_shards(PostgresPipelineStore(pool), settings)
        book = FaultFolder(settings.var_path)
        positions = await RunningDatabase(pool).positions()
        await retry("stream", lambda: compare_stream(stream, positions, settings.var_path, book), stop)
        bus = Bus(client)
        drivers = driver_catalog.load()
        publisher = CommittedPublisher(client)
        inserts = SharedInserts(clickhouse, settings.shards)
        workers = [
            ShardWorker(
                shard,
                stream,
                PostgresPipelineStore(pool, judge_of(settings)),
                ClickHouseReadingSink(clickhouse, inserts),
                drivers,
                tell=bus.publish,
                now_us=now_us,
                committed=publisher.committed,
                gate=core.gate,
            )
            for shard in range(settings.shards)
        ]
        lanes = [FastLane(worker.position, worker.raise_early, time.monotonic) for worker in workers]

        def hear(shard: int, sequence: int, uplinks: list[Uplink]) -> None:
            if shard in leases.running:
                lanes[shard].hear(sequence, uplinks)

        async def hurry() -> None:
            for shard in leases.running:
                if shard < len(lanes):
                    await lanes[shard].turn()

        async def work(shard: int, ended: asyncio.Event) -> None:
            lanes[shard].forget()
            await workers[shard].run(ended)

        leases = ShardLeases(
            holder_of(settings.var_path, core.process),
            settings.shards,
            PostgresLeaseStore(pool),
            work,
        )

        def counters() -> dict[str, int]:
            total: dict[str, int] = {}
            for shard, worker in enumerate(workers):
                here = shard in leases.running
                said = {
                    "uplinks": worker.counters.uplinks,
                    "batches": worker.counters.batches,
                    "restarts": worker.counters.restarts,
                    **({f"position.{shard}": worker.counters.position} if here else {}),
                    **worker.counters.by_reason,
                    **{f"ms.{step}": round(value * 1000) for step, value in worker.counters.seconds.items()},
                }
                for name, value in said.items():
                    total[name] = total.get(name, 0) + value
            pages = {} if core.pages is None else core.pages.counters
            return total | pages | {"alarms_early": sum(lane.early for lane in lanes)}

        def paces() -> dict[int, int]:
            return {shard: position for shard in leases.running if (position := workers[shard].pace) is not None}

        await listen_urgent(client, hear)
        log.info("pipeline ready: %d shards", settings.shards)
        await asyncio.gather(
            _hold(leases, stop),
            while_connected(client, stop),
            every(EVERY_S, "the stream's end", lambda: note_end(stream, settings.var_path), stop),
            tell_pace(client, paces, stop),
            every(LANE_EVERY_S, "alarms before their turn", hurry, stop),
            publish_counters(bus, f"pipeline-{os.getpid()}", counters, stop, process=core.process),
        )
        await note_end(stream, settings.var_path)


async def _hold(leases: ShardLeases, stop: asyncio.Event) -> None:
    try:
        await every(TURN_S, "leases of shards", leases.turn, stop)
    finally:
        await leases.close()
