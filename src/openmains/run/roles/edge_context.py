# SPDX-License-Identifier: Apache-2.0
"""What the parts of an edge are put together from, made once for both of its sockets."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from nats.aio.client import Client

from openmains.app.fleet.identities import Identities
from openmains.app.ingest.edge.admission import Admission
from openmains.app.ingest.edge.batcher import Batcher
from openmains.app.ingest.edge.limiter import AddressLimiter
from openmains.app.ingest.edge.shedding import Shedding
from openmains.app.link.down_log import DownLog
from openmains.app.link.ports import Clock
from openmains.run.roles.access import EdgeAccess
from openmains.run.roles.process import now_us
from openmains.run.settings import Settings


class LoopClock:
    """The loop's seconds and timers, and the machine's date; bound once, for each report asks for both."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.time: Callable[[], float] = loop.time
        self.unix_us: Callable[[], int] = now_us
        self.call_later: Callable[[float, Callable[[], None]], object] = loop.call_later


@dataclass(slots=True)
class EdgeContext:
    """What all of an edge is put together from."""

    settings: Settings
    client: Client
    identities: Identities
    admission: Admission
    batcher: Batcher
    limiter: AddressLimiter
    shedding: Shedding
    access: EdgeAccess
    clock: Clock
    down_log: DownLog
