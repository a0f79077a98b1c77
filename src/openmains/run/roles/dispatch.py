# SPDX-License-Identifier: Apache-2.0
"""The dispatcher's process: takes commands in, hears who spoke, sends what waits, learns each cell's load from committed uplinks.

Apart from the pipeline, whose batches would hold a frame up for longer than the 200 ms in which it follows its meter's words.
"""

import asyncio
import contextlib
import logging
import os
from contextlib import AsyncExitStack

from nats.aio.client import Client

from openmains.app.command.dispatch import Dispatcher, WakeUp
from openmains.app.command.driver import CatalogCommands
from openmains.app.command.signing_ports import SignerAwayError
from openmains.domain.command.flow import CellFlow
from openmains.domain.ids import MeterId, TenantId
from openmains.domain.network.capacity import DEFAULT_CAPACITY
from openmains.drivers import catalog as driver_catalog
from openmains.drivers.catalog import Catalog
from openmains.edges.nats.commands import CommandBus, CommittedBatch, HeardBatch
from openmains.edges.nats.stream import Bus, connect
from openmains.edges.postgres.command.flow import PostgresCommandFlow
from openmains.edges.postgres.db import Pool, create_pool
from openmains.edges.postgres.fleet.driver_pages import DriverPageFollower
from openmains.edges.postgres.ingest.pipeline_store import PostgresPipelineStore
from openmains.edges.signer.client import SocketSigner
from openmains.edges.signer.switch import FileSwitch
from openmains.run.care.ledger import KEY_NAME
from openmains.run.roles.command_work import run_command_work
from openmains.run.roles.counters import publish_counters
from openmains.run.roles.process import calm_collector, every, now_us, retry, until_first_ends, while_connected
from openmains.run.settings import Settings

log = logging.getLogger("openmains.command")
GATHER_S = 0.025  # small against the 200 ms in which a command follows its meter's words, large against a query
TURN_S = 0.25
LEARN_S = 5.0
MOST = 5000
KEY_EVERY_S = 5.0


class DispatchLoop:
    """Gathers who spoke for a moment and hands it to the dispatcher, one round at a time."""

    def __init__(self, settings: Settings, client: Client, pool: Pool, drivers: Catalog) -> None:
        self._signer = SocketSigner(settings.signer_path)
        self._flow = PostgresCommandFlow(pool)
        self._bus = CommandBus(client)
        self._dispatcher = Dispatcher(
            self._flow,
            CatalogCommands(drivers),
            self._signer,
            self._bus,
            FileSwitch(settings.stop_folder),
            CellFlow(DEFAULT_CAPACITY.ce0_per_min),
            clock_us=now_us,
        )
        self._waiting: dict[int, WakeUp] = {}
        self._wake = asyncio.Event()

    @property
    def counters(self) -> dict[str, int]:
        """By name."""
        counted = self._dispatcher.counters
        return {
            "command.spoke": counted.wake_ups,
            "command.sent": counted.sent,
            "command.deferred": counted.deferred,
            "command.stopped": counted.stopped,
            "command.refused": counted.refused,
            "command.signer_away": counted.signer_away,
        }

    def _committed(self, batch: CommittedBatch) -> None:
        self._dispatcher.learn_load(batch.cells)
        self._spoke(batch)

    def _spoke(self, batch: HeardBatch | CommittedBatch) -> None:
        """It is these meters' turn."""
        for meter_id, tenant_id in zip(batch.meters, batch.tenants, strict=True):
            self._waiting[meter_id] = WakeUp(MeterId(meter_id), TenantId(tenant_id))
        if batch.meters:
            self._wake.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Until ``stop``. While PostgreSQL is away nothing goes down; meters are heard again."""
        await self._bus.listen(self._spoke, self._committed)
        loop = asyncio.get_running_loop()
        turned = learned = float("-inf")
        try:
            while not stop.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), TURN_S)
                self._wake.clear()
                await asyncio.sleep(GATHER_S)
                try:
                    if loop.time() - learned > LEARN_S:
                        learned = loop.time()
                        self._dispatcher.learn(await self._flow.times())
                    while self._waiting:
                        taken = [self._waiting.pop(key) for key in list(self._waiting)[:MOST]]
                        await self._dispatcher.wake_up(taken)
                    if loop.time() - turned > TURN_S:
                        turned = loop.time()
                        await self._dispatcher.turn()
                except Exception as error:  # whatever a dying engine's client raises, the next round must come
                    log.warning("commands are not going out: %s: %s", type(error).__name__, error)
                    self._waiting.clear()
                    await asyncio.sleep(TURN_S)
        finally:
            await self._signer.close()


async def _note_key(signer: SocketSigner, store: PostgresPipelineStore, stop: asyncio.Event) -> None:
    """Once: note in the database which command key its commands are signed with, so that a signer that lost key and ledger can tell
    that it is not new (care/ledger.py)."""
    noted = asyncio.Event()

    async def note() -> None:
        with contextlib.suppress(SignerAwayError):
            await store.chosen(KEY_NAME, await signer.key_name())
            noted.set()

    until = asyncio.create_task(every(KEY_EVERY_S, "name of the command key", note, stop))
    try:
        await noted.wait()
    finally:
        until.cancel()
        await signer.close()


async def run_dispatch(settings: Settings, stop: asyncio.Event) -> None:
    """The role until ``stop``."""
    async with AsyncExitStack() as stack:
        urls = settings.urls()
        client = await retry("stream", lambda: connect(urls.nats_of("dispatch"), name="dispatch"), stop)
        stack.push_async_callback(client.close)
        pool = await retry("PostgreSQL", lambda: create_pool(urls.postgres_pipeline, max_size=4, reset=False), stop)
        stack.push_async_callback(pool.close)
        pages = DriverPageFollower(pool, driver_catalog.load())
        await retry("driver pages", pages.follow, stop)
        desk = DispatchLoop(settings, client, pool, driver_catalog.load())
        noting = asyncio.create_task(_note_key(SocketSigner(settings.signer_path), PostgresPipelineStore(pool), stop))
        stack.callback(noting.cancel)
        calm_collector()
        log.info("dispatcher ready")
        await until_first_ends(
            stop,
            while_connected(client, stop),
            desk.run(stop),
            every(1.0, "driver pages", pages.keep_up, stop),
            run_command_work(settings, stop, pool, Bus(client)),
            publish_counters(Bus(client), f"dispatch-{os.getpid()}", lambda: desk.counters | pages.counters, stop),
        )
