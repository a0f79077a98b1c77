# SPDX-License-Identifier: Apache-2.0
"""Two pipelines on one stream: every message once, whoever of them works on its shard."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from openmains.app.ingest.pipeline.leases import LEASE_S
from openmains.app.ingest.uplink import Uplink, encode_batch
from openmains.domain.ids import MeterId, ProductId, TenantId
from openmains.edges.clickhouse.client import ClickHouse
from openmains.edges.nats.live import LiveHub
from openmains.edges.nats.stream import Bus, UplinkStream, connect
from openmains.edges.postgres.db import create_pool
from openmains.run.engines.child import StartError
from openmains.run.engines.engines import Engines
from openmains.run.preflight import check_pipelines
from openmains.run.roles.holder import holder_of
from openmains.run.roles.pipeline import run_pipeline
from openmains.run.roles.process import Core
from openmains.run.settings import Settings
from tests.edges.postgres.fleet.registry_files import make_tenant
from tests.support.patience import PATIENCE_S

STREAM_MB = 64
NOBODYS = 9_000_000_000  # no meter of another test has such a number


@pytest.fixture
async def owner(engines: Engines) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(engines.urls.postgres_owner)
    yield connection
    await connection.close()


@pytest.fixture
async def settings(engines: Engines, owner: asyncpg.Connection) -> Settings:
    """Of the common engines, with an empty stream and nobody at work."""
    await owner.execute("DELETE FROM pipeline_lease; DELETE FROM pipeline_process; DELETE FROM pipeline_position")
    shards = await owner.fetchval("SELECT value::int FROM platform_choice WHERE name = 'shards'") or 4
    async with AsyncExitStack() as stack:
        client = await connect(engines.urls.nats, name="test")
        stack.push_async_callback(client.close)
        stream = UplinkStream(client, max_bytes=STREAM_MB << 20)
        await stream.ensure()
        await client.jetstream().purge_stream("UPLINK")
    return replace(Settings(), var=str(engines._var), shards=shards, stream_max_mb=STREAM_MB)


class Pipelines:
    """Pipelines as processes are made of them, and the stream before them."""

    def __init__(self, settings: Settings, engines: Engines, clickhouse: ClickHouse, stack: AsyncExitStack) -> None:
        self._settings, self._engines, self._clickhouse, self._stack = settings, engines, clickhouse, stack
        self._ends: dict[str, tuple[asyncio.Event, asyncio.Task[None]]] = {}

    async def start(self, name: str) -> None:
        pool = await create_pool(self._engines.urls.postgres_pipeline, max_size=6, reset=False)
        client = await connect(self._engines.urls.nats, name=name)
        self._stack.push_async_callback(pool.close)
        self._stack.push_async_callback(client.close)
        stop = asyncio.Event()
        core = Core(name, self._clickhouse, pool, client, LiveHub(Bus(client)))
        self._ends[name] = stop, asyncio.create_task(run_pipeline(self._settings, stop, core))

    async def end(self, name: str) -> None:
        stop, task = self._ends.pop(name)
        stop.set()
        await task

    async def end_all(self) -> None:
        for name in list(self._ends):
            await self.end(name)


@pytest.fixture
async def pipelines(settings: Settings, engines: Engines, clickhouse: ClickHouse) -> AsyncIterator[Pipelines]:
    async with AsyncExitStack() as stack:
        running = Pipelines(settings, engines, clickhouse, stack)
        yield running
        await running.end_all()


class Post:
    """Messages that become one dead letter each, so that what was done with them can be counted."""

    def __init__(self, settings: Settings, owner: asyncpg.Connection, stream: UplinkStream, tenant: int) -> None:
        self._settings, self._owner, self._stream, self._tenant = settings, owner, stream, tenant
        self.sent = 0

    async def send(self, count: int) -> None:
        """So many to each shard."""
        for shard in range(self._settings.shards):
            for _ in range(count):
                self.sent += 1
                uplink = Uplink(
                    MeterId(NOBODYS + self.sent), TenantId(self._tenant), ProductId(1), "coap", "up", 1_700_000_000_000_000,
                    b"x%d" % self.sent, "crc",
                )  # fmt: skip
                await self._stream.publish(shard, encode_batch([uplink]))

    async def arrived(self) -> None:
        """Until all are booked; each once."""
        counted = "SELECT count(*) AS rows, count(DISTINCT payload) AS messages FROM dead_letter WHERE tenant_id = $1"
        async with asyncio.timeout(PATIENCE_S):
            while (row := await self._owner.fetchrow(counted, self._tenant))["messages"] < self.sent:
                await asyncio.sleep(0.1)
        assert (row["rows"], row["messages"]) == (self.sent, self.sent)


@pytest.fixture
async def post(
    settings: Settings, engines: Engines, owner: asyncpg.Connection, request: pytest.FixtureRequest
) -> AsyncIterator[Post]:
    tenant = await make_tenant(owner, f"pipelines-{abs(hash(request.node.name)) % 10**9}")
    client = await connect(engines.urls.nats, name="post")
    yield Post(settings, owner, UplinkStream(client, max_bytes=STREAM_MB << 20), tenant)
    await client.close()


async def holders(owner: asyncpg.Connection, want: int) -> dict[str, int]:
    """Who holds how many shards, once ``want`` processes hold some."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            rows = await owner.fetch("SELECT holder, count(*) FROM pipeline_lease GROUP BY holder")
            if len(rows) == want and len({row["count"] for row in rows}) == 1:
                return {row["holder"].partition("-")[0]: row["count"] for row in rows}
            await asyncio.sleep(0.1)


async def test_messages_are_booked_once_while_processes_come_and_go(
    pipelines: Pipelines, post: Post, owner: asyncpg.Connection, settings: Settings
) -> None:
    await pipelines.start("core")
    await post.send(5)
    await post.arrived()
    await pipelines.start("pipeline")
    await post.send(20)
    assert await holders(owner, 2) == {"core": settings.shards // 2, "pipeline": settings.shards // 2}
    await post.send(20)
    await post.arrived()
    await pipelines.end("core")
    await post.send(5)
    await post.arrived()
    assert await holders(owner, 1) == {"pipeline": settings.shards}


async def test_a_killed_processs_shards_go_on_when_its_leases_have_run_out(
    pipelines: Pipelines, post: Post, owner: asyncpg.Connection
) -> None:
    await owner.execute("INSERT INTO pipeline_process VALUES ('dead-1', now())")
    await owner.execute("INSERT INTO pipeline_lease VALUES (0, 'dead-1', now() + $1 * interval '1 s')", LEASE_S)
    await pipelines.start("core")
    await post.send(3)
    await owner.execute("UPDATE pipeline_lease SET expires_at = now() WHERE holder = 'dead-1'")
    await owner.execute("UPDATE pipeline_process SET seen_at = now() - interval '1 h' WHERE holder = 'dead-1'")
    await post.arrived()


def test_a_process_keeps_its_name_and_a_damaged_one_is_made_anew(tmp_path: Path) -> None:
    first = holder_of(tmp_path, "pipeline-2")
    assert first.startswith("pipeline-2-") and holder_of(tmp_path, "pipeline-2") == first
    assert holder_of(tmp_path, "core") != first
    for damage in (b"", b"\xff\x00", b"../../x"):
        (tmp_path / "run" / "pipeline-2.holder").write_bytes(damage)
        assert len(holder_of(tmp_path, "pipeline-2")) == len(first)


def test_more_pipelines_than_can_share_are_refused_with_what_to_do() -> None:
    with pytest.raises(StartError, match="needs clickhouse_url"):
        check_pipelines(Settings(pipelines=2))
    with pytest.raises(StartError, match="2 shards"):
        check_pipelines(Settings(pipelines=3, clickhouse_url="http://ch:8123"))
    check_pipelines(Settings(pipelines=2, clickhouse_url="http://ch:8123"))
