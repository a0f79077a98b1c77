# SPDX-License-Identifier: Apache-2.0
"""What time asks of commands, put together: turns of the dispatcher's process beside its sending."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Sequence

from openmains.app.command.work import CommandWork
from openmains.app.ingest.model import AlarmChange
from openmains.app.ingest.pipeline.alarms import alarms_for_screens
from openmains.edges.nats.stream import Bus
from openmains.edges.postgres.command.flow import PostgresCommandFlow
from openmains.edges.postgres.db import Pool
from openmains.edges.signer.client import SocketSigner
from openmains.edges.signer.switch import FileSwitch
from openmains.run.settings import Settings

log = logging.getLogger("openmains.command")
TURN_S = 0.3  # a command to a meter that listens now should not wait longer to be taken in


async def run_command_work(settings: Settings, stop: asyncio.Event, pool: Pool, bus: Bus) -> None:
    """Take in, end by time, lead batches, until ``stop``; alarms of safety closings are told on ``bus``."""

    async def announce(alarms: Sequence[AlarmChange]) -> None:
        for topic, changed in alarms_for_screens(alarms):
            await bus.publish(topic, changed)

    signer = SocketSigner(settings.signer_path)
    flow = PostgresCommandFlow(pool, announce=announce)
    work = CommandWork(flow, signer, FileSwitch(settings.stop_folder))
    try:
        while not stop.is_set():
            try:
                await work(time.time())
            except Exception as error:  # the database may be away; the next turn must come
                log.warning("commands: %s: %s", type(error).__name__, error)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), TURN_S)
    finally:
        await signer.close()
