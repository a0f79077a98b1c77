# SPDX-License-Identifier: Apache-2.0
"""The dispatcher beside the pipeline: hears who spoke, sends what waits, learns each cell's load from the committed uplinks."""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Sequence

from nats.aio.client import Client

from openmains.app.command.dispatch import Dispatcher, Spoke
from openmains.app.command.driver import CatalogCommands
from openmains.app.pipeline.ports import Effects
from openmains.domain.command.flow import CellFlow
from openmains.drivers.catalog import Catalog
from openmains.edges.nats.commands import CommandBus, HeardBatch
from openmains.edges.postgres.command_flow import PostgresCommandFlow
from openmains.edges.postgres.db import Pool
from openmains.edges.signer.client import SocketSigner
from openmains.edges.signer.switch import FileSwitch
from openmains.run.settings import Settings
from openmains.run.wiring import now_us

log = logging.getLogger("openmains.command")
GATHER_S = 0.01  # small against the 200 ms in which a command follows its meter's words, large against a query
TURN_S = 0.25
LEARN_S = 5.0
MOST = 5000
IMEIS = "SELECT meter_id, imei, product_id FROM meter WHERE meter_id = ANY($1::bigint[]) AND imei IS NOT NULL"


class DispatchDesk:
    """Gathers who spoke for a moment and hands it to the dispatcher, one round at a time."""

    def __init__(self, settings: Settings, client: Client, pool: Pool, drivers: Catalog) -> None:
        self._pool = pool
        self._signer = SocketSigner(settings.signer_path)
        self._flow = PostgresCommandFlow(pool)
        self._bus = CommandBus(client, self._imeis)
        self._dispatcher = Dispatcher(
            self._flow,
            CatalogCommands(drivers),
            self._signer,
            self._bus,
            FileSwitch(settings.stop_folder),
            CellFlow(),
            clock_us=now_us,
        )
        self._waiting: dict[int, Spoke] = {}
        self._wake = asyncio.Event()

    @property
    def counters(self) -> dict[str, int]:
        """By name."""
        counted = self._dispatcher.counters
        return {
            "command.spoke": counted.spoke,
            "command.sent": counted.sent,
            "command.deferred": counted.deferred,
            "command.stopped": counted.stopped,
            "command.refused": counted.refused,
            "command.signer_away": counted.signer_away,
        }

    def committed(self, effects: Effects) -> None:
        """A batch of the pipeline: cells' loads, and meters whose answer makes way for their next command."""
        if effects.meters:
            self._dispatcher.heard(Counter(cell for record in effects.meters if (cell := record.latest.get("cell"))))
        answers = [word for word in effects.words if not word.link]
        for word in answers:
            self._waiting[word.meter_id] = Spoke(word.meter_id, word.tenant_id)
        if answers:
            self._wake.set()

    def _spoke(self, batch: HeardBatch) -> None:
        for meter_id, tenant_id in zip(batch.meters, batch.tenants, strict=True):
            self._waiting[meter_id] = Spoke(meter_id, tenant_id)
        self._wake.set()

    async def _imeis(self, meter_ids: Sequence[int]) -> dict[int, tuple[int, int]]:
        return {row[0]: (row[1], row[2]) for row in await self._pool.fetch(IMEIS, meter_ids)}

    async def run(self, stop: asyncio.Event) -> None:
        """Until ``stop``. While PostgreSQL is away nothing goes down; meters are heard again."""
        await self._bus.listen(self._spoke)
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
                        await self._dispatcher.spoke(taken)
                    if loop.time() - turned > TURN_S:
                        turned = loop.time()
                        await self._dispatcher.turn()
                except Exception as error:  # whatever a dying engine's client raises, the next round must come
                    log.warning("commands are not going out: %s: %s", type(error).__name__, error)
                    self._waiting.clear()
                    await asyncio.sleep(TURN_S)
        finally:
            await self._signer.close()
