# SPDX-License-Identifier: Apache-2.0
"""Composition of the pipeline: all shards in this process, from the stream to both stores."""

import asyncio
import logging
import os
from contextlib import AsyncExitStack

from openmains.app.ingest.pipeline.worker import ShardWorker
from openmains.drivers import catalog as driver_catalog
from openmains.edges.clickhouse.ingest import ClickHouseReadingSink
from openmains.edges.nats.commands import CommittedPublisher
from openmains.edges.nats.pace import tell_pace
from openmains.edges.nats.stream import Bus, UplinkStream, connect
from openmains.edges.postgres.ingest.pipeline_store import PostgresPipelineStore
from openmains.run.roles.access import judge_of
from openmains.run.roles.counters import publish_counters
from openmains.run.roles.process import Core, check_shards, now_us, retry, while_connected
from openmains.run.settings import Settings

log = logging.getLogger("openmains.run")


async def run_pipeline(settings: Settings, stop: asyncio.Event, core: Core) -> None:
    """All shards of the pipeline in this process."""
    clickhouse, pool = core.clickhouse, core.pool
    async with AsyncExitStack() as stack:
        urls = settings.urls()
        client = await retry("stream", lambda: connect(urls.nats_of("pipeline"), name="pipeline"), stop)
        stack.push_async_callback(client.close)
        stream = UplinkStream(client, max_bytes=settings.stream_max_mb << 20)
        await retry("stream", stream.ensure, stop)
        await check_shards(PostgresPipelineStore(pool), settings)
        bus = Bus(client)
        drivers = driver_catalog.load()
        publisher = CommittedPublisher(client)
        workers = [
            ShardWorker(
                shard,
                stream,
                PostgresPipelineStore(pool, judge_of(settings)),
                ClickHouseReadingSink(clickhouse),
                drivers,
                tell=bus.publish,
                now_us=now_us,
                committed=publisher.committed,
                gate=core.gate,
            )
            for shard in range(settings.shards)
        ]

        def counters() -> dict[str, int]:
            total: dict[str, int] = {}
            for shard, worker in enumerate(workers):
                said = {
                    "uplinks": worker.counters.uplinks,
                    "batches": worker.counters.batches,
                    "restarts": worker.counters.restarts,
                    f"position.{shard}": worker.counters.position,
                    **worker.counters.by_reason,
                    **{f"ms.{step}": round(value * 1000) for step, value in worker.counters.seconds.items()},
                }
                for name, value in said.items():
                    total[name] = total.get(name, 0) + value
            return total

        def positions() -> dict[int, int]:
            return {shard: position for shard, worker in enumerate(workers) if (position := worker.pace) is not None}

        log.info("pipeline ready: %d shards", settings.shards)
        await asyncio.gather(
            *(worker.run(stop) for worker in workers),
            while_connected(client, stop),
            tell_pace(client, positions, stop),
            publish_counters(bus, f"pipeline-{os.getpid()}", counters, stop, process=core.process),
        )
