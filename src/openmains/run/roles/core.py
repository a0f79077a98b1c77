# SPDX-License-Identifier: Apache-2.0
"""The core: pipeline, API and worker in one process, because in embedded mode it owns ClickHouse; or one of them alone."""

import asyncio
from contextlib import AsyncExitStack

from openmains.drivers import catalog as driver_catalog
from openmains.edges.clickhouse.client import ClickHouse
from openmains.edges.clickhouse.frozen import unfreeze_all
from openmains.edges.nats.backup_moment import MomentKeeper
from openmains.edges.nats.live import LiveHub
from openmains.edges.nats.stream import Bus, connect
from openmains.edges.postgres import migrate as postgres_migrate
from openmains.edges.postgres.db import create_pool
from openmains.edges.postgres.fleet.driver_pages import DriverPageFollower
from openmains.edges.postgres.ingest.pipeline_store import PostgresPipelineStore
from openmains.edges.postgres.security.keys import PostgresKeys
from openmains.edges.postgres.system.running import RunningDatabase
from openmains.run.care.faults import FaultFolder
from openmains.run.master_key import ready_master_key
from openmains.run.roles.api import run_api
from openmains.run.roles.file_care import care_of, open_readings
from openmains.run.roles.freezer import EmbeddedFreezer
from openmains.run.roles.parts import check_alone, part_of
from openmains.run.roles.pipeline import run_pipeline
from openmains.run.roles.process import (
    Core,
    calm_collector,
    every,
    retry,
    until_first_ends,
    while_connected,
)
from openmains.run.roles.tidy import tidy_while_idle
from openmains.run.roles.worker import run_worker
from openmains.run.settings import Settings

YOUNG_OF_BATCHES = 400_000
PAGES_EVERY_S = 1.0
RUNNERS = {"pipeline": run_pipeline, "api": run_api, "worker": run_worker}


async def run_core(settings: Settings, stop: asyncio.Event) -> None:
    """Pipeline, API and worker in one process: in embedded mode it owns ClickHouse."""
    await run_in_core(settings, stop, "pipeline", "api", "worker")


async def run_in_core(settings: Settings, stop: asyncio.Event, *parts: str) -> None:
    """Some of the parts of the core; all of them where ClickHouse is embedded, for it belongs to one process. ``pipeline-2``: one more."""
    urls = settings.urls()
    if len(parts) < len(RUNNERS):
        check_alone(parts[0], settings)
    async with AsyncExitStack() as stack:
        await retry("PostgreSQL", lambda: postgres_migrate.migrate(urls.postgres_owner), stop)
        folder = settings.var_path / "clickhouse"
        if urls.clickhouse.startswith("chdb:"):
            unfreeze_all(folder)
        clickhouse = ClickHouse(urls.clickhouse, size=settings.engine_size)
        stack.callback(clickhouse.close)
        pool = await create_pool(urls.postgres_pipeline, max_size=8, reset=False)
        stack.push_async_callback(pool.close)
        book = FaultFolder(settings.var_path)
        await open_readings(settings, clickhouse, PostgresPipelineStore(pool), RunningDatabase(pool), book)
        await retry("keys", lambda: ready_master_key(settings.var_path, PostgresKeys(pool)), stop)
        client = await retry(
            "stream",
            lambda: connect(urls.nats_of("core" if len(parts) > 1 else part_of(parts[0])), name="-".join(parts)),
            stop,
        )
        stack.push_async_callback(client.close)
        hub = LiveHub(Bus(client))
        await hub.start()
        pages = DriverPageFollower(pool, driver_catalog.load())
        await retry("driver pages", pages.follow, stop)
        core = Core("core" if len(parts) > 1 else parts[0], clickhouse, pool, client, hub, pages=pages)
        if clickhouse.embedded and "pipeline" in parts:
            keeper = MomentKeeper(client, core.gate, EmbeddedFreezer(clickhouse, folder))
            await keeper.start()
            stack.push_async_callback(keeper.close)
        calm_collector(YOUNG_OF_BATCHES)
        works = [RUNNERS[part_of(part)](settings, stop, core) for part in parts]
        works.append(every(PAGES_EVERY_S, "driver pages", pages.keep_up, stop))
        if "worker" in parts:
            works += care_of(settings, stop, core, book)
        await until_first_ends(stop, while_connected(client, stop), tidy_while_idle(stop), *works)
