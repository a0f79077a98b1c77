# SPDX-License-Identifier: Apache-2.0
"""The only composition root: makes adapters, hands them to use cases, runs a role until it is told to stop."""

import asyncio
import contextlib
import gc
import logging
import os
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, TypeVar

import asyncpg
import nats.errors
from nats.aio.client import Client

from openmains.app.pipeline.worker import ShardWorker
from openmains.drivers import catalog as driver_catalog
from openmains.edges.clickhouse import migrate as clickhouse_migrate
from openmains.edges.clickhouse.client import ClickHouse
from openmains.edges.clickhouse.sink import ClickHouseReadingSink
from openmains.edges.nats.commands import CommittedTeller
from openmains.edges.nats.live import LiveHub
from openmains.edges.nats.stream import Bus, StreamUnavailableError, UplinkStream, connect, given_up
from openmains.edges.postgres import migrate as postgres_migrate
from openmains.edges.postgres.db import create_pool
from openmains.edges.postgres.pipeline_store import PostgresPipelineStore
from openmains.run.access_wiring import judge_of
from openmains.run.child import StartError
from openmains.run.counters import tell_counters
from openmains.run.roles import check_alone
from openmains.run.settings import Settings

log = logging.getLogger("openmains.run")
T = TypeVar("T")
YOUNG_OF_BATCHES = 400_000
PATIENCE_S = 60.0  # how long a role waits for its engines at start; the supervisor starts it again after that


def calm_collector(young: int = 20_000) -> None:
    """Look for reference cycles rarely: a full pass over a registry in memory stops everything for a tenth of a second.

    ``young`` objects are looked at in one go: few where somebody waits for an answer meanwhile, more than a batch has where
    batches come and go, so that nothing of them is looked at.
    """
    gc.freeze()
    gc.set_threshold(young, 2_000_000 // young, 50)


def now_us() -> int:
    """Wall clock in µs since 1970 UTC."""
    return time.time_ns() // 1000


async def patiently(what: str, make: Callable[[], Awaitable[T]], stop: asyncio.Event) -> T:
    """Try until it works: at start the engines and the schema may still be on their way."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            return await make()
        except (
            OSError,
            asyncpg.PostgresError,
            asyncpg.InterfaceError,
            nats.errors.Error,
            StreamUnavailableError,
        ) as error:
            if time.monotonic() > deadline or stop.is_set():
                raise
            log.info("waiting for %s: %s", what, type(error).__name__)
            await asyncio.sleep(0.2)


async def check_shards(store: PostgresPipelineStore, settings: Settings) -> None:
    """A meter's shard follows from their number: with another one, messages would wait unread or overtake each other."""
    chosen = await store.chosen("shards", str(settings.shards))
    if chosen != str(settings.shards):
        raise StartError(
            f"分片数在首次启动时定为 {chosen},现设置为 {settings.shards}:请改回 shards = {chosen}。",
            f"the number of shards was fixed at {chosen} by the first start, the settings say {settings.shards}:"
            f" set shards = {chosen}.",
        )


async def every(seconds: float, what: str, work: Callable[[], Coroutine[Any, Any, None]], stop: asyncio.Event) -> None:
    """Repeat ``work`` until stopped; a failure is said and tried again at the next turn."""
    while not stop.is_set():
        try:
            await work()
        except Exception as error:  # whatever a dying server's client raises, the next turn must come
            log.warning("%s: %s: %s", what, type(error).__name__, error)
        try:
            await asyncio.wait_for(stop.wait(), seconds)
        except TimeoutError:
            continue


async def while_connected(client: Client, stop: asyncio.Event) -> None:
    """Until ``stop``; raises ``StreamUnavailableError`` when the client has given up, so that the role starts anew."""
    while not stop.is_set():
        if given_up(client):
            raise StreamUnavailableError("the connection was closed for good")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), 1.0)


async def run_pipeline(settings: Settings, stop: asyncio.Event, core: "Core") -> None:
    """All shards of the pipeline in this process."""
    clickhouse, pool = core.clickhouse, core.pool
    async with AsyncExitStack() as stack:
        urls = settings.urls()
        client = await patiently("stream", lambda: connect(urls.nats_of("pipeline"), name="pipeline"), stop)
        stack.push_async_callback(client.close)
        stream = UplinkStream(client, max_bytes=settings.stream_max_mb << 20)
        await patiently("stream", stream.ensure, stop)
        await check_shards(PostgresPipelineStore(pool), settings)
        bus = Bus(client)
        drivers = driver_catalog.load()
        teller = CommittedTeller(client)
        workers = [
            ShardWorker(
                shard,
                stream,
                PostgresPipelineStore(pool, judge_of(settings)),
                ClickHouseReadingSink(clickhouse),
                drivers,
                tell=bus.tell,
                now_us=now_us,
                committed=teller.committed,
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

        log.info("pipeline ready: %d shards", settings.shards)
        await asyncio.gather(
            *(worker.run(stop) for worker in workers),
            while_connected(client, stop),
            tell_counters(bus, f"pipeline-{os.getpid()}", counters, stop, process=core.process),
        )


@dataclass(frozen=True, slots=True)
class Core:
    """What pipeline, API and worker share within a process."""

    process: str  # name of the process to people: core, or the one part it runs
    clickhouse: ClickHouse
    pool: asyncpg.Pool
    client: Client
    hub: LiveHub


async def run_core(settings: Settings, stop: asyncio.Event) -> None:
    """Pipeline, API and worker in one process: in embedded mode it owns ClickHouse."""
    await run_in_core(settings, stop, "pipeline", "api", "worker")


async def run_in_core(settings: Settings, stop: asyncio.Event, *parts: str) -> None:
    """Some of the parts of the core; all of them where ClickHouse is embedded, for it belongs to one process."""
    from openmains.run.api_wiring import run_api, run_worker

    runners = {"pipeline": run_pipeline, "api": run_api, "worker": run_worker}
    urls = settings.urls()
    if len(parts) < len(runners):
        check_alone(parts[0], settings)
    async with AsyncExitStack() as stack:
        await patiently("PostgreSQL", lambda: postgres_migrate.migrate(urls.postgres_owner), stop)
        clickhouse = ClickHouse(urls.clickhouse)
        stack.callback(clickhouse.close)
        await clickhouse_migrate.migrate(clickhouse)
        pool = await create_pool(urls.postgres_pipeline, max_size=6, reset=False)
        stack.push_async_callback(pool.close)
        client = await patiently(
            "stream", lambda: connect(urls.nats_of("core" if len(parts) > 1 else parts[0]), name="-".join(parts)), stop
        )
        stack.push_async_callback(client.close)
        hub = LiveHub(Bus(client))
        await hub.start()
        core = Core("core" if len(parts) > 1 else parts[0], clickhouse, pool, client, hub)
        calm_collector(YOUNG_OF_BATCHES)
        works = (runners[part](settings, stop, core) for part in parts)
        await until_first_ends(stop, while_connected(client, stop), *works)


async def until_first_ends(stop: asyncio.Event, *works: Coroutine[Any, Any, None]) -> None:
    """Run together; when one fails the others are told to stop and its error is raised."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        stop.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result


ROLES = ("edge", "core", "dispatch", "pipeline", "api", "worker")


async def run_role(name: str, settings: Settings, stop: asyncio.Event) -> None:
    """Run one role until ``stop`` is set; raises ``KeyError`` for an unknown name."""
    if name not in ROLES:
        raise KeyError(name)
    if name == "edge":
        from openmains.run.edge_wiring import run_edge

        await run_edge(settings, stop)
    elif name == "dispatch":
        from openmains.run.dispatch_wiring import run_dispatch

        await run_dispatch(settings, stop)
    elif name == "core":
        await run_core(settings, stop)
    else:
        await run_in_core(settings, stop, name)
