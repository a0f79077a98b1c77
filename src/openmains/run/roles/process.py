# SPDX-License-Identifier: Apache-2.0
"""What every role's process needs: wait for its engines, repeat timed work, end in order, and the parts the core shares."""

import asyncio
import contextlib
import gc
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

import asyncpg
import nats.errors
from nats.aio.client import Client

from openmains.app.ingest.pipeline.gate import PipelineGate
from openmains.edges.clickhouse.client import ClickHouse
from openmains.edges.nats.live import LiveHub
from openmains.edges.nats.stream import StreamUnavailableError, given_up
from openmains.edges.postgres.fleet.driver_pages import DriverPageFollower
from openmains.edges.postgres.ingest.pipeline_store import PostgresPipelineStore
from openmains.run.engines.child import StartError
from openmains.run.settings import Settings

log = logging.getLogger("openmains.run")
T = TypeVar("T")
PATIENCE_S = 60.0  # how long a role waits for its engines at start; the supervisor starts it again after that


@dataclass(frozen=True, slots=True)
class Core:
    """What pipeline, API and worker share within a process."""

    process: str  # name of the process to people: core, or the one part it runs
    clickhouse: ClickHouse
    pool: asyncpg.Pool
    client: Client
    hub: LiveHub
    gate: PipelineGate = field(default_factory=PipelineGate)
    pages: DriverPageFollower | None = None  # None: the packaged ones only


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


async def retry(what: str, make: Callable[[], Awaitable[T]], stop: asyncio.Event) -> T:
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
