# SPDX-License-Identifier: Apache-2.0
"""A main station in memory: concentrators, their meters, and the stream's writing side, for sessions with and without sockets."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from openmains.app.fleet.identities import Identities, Identity
from openmains.app.ingest.edge.admission import Admission
from openmains.app.ingest.edge.batcher import Batcher
from openmains.app.ingest.edge.pace import Pace
from openmains.app.ingest.edge.shedding import Shedding
from openmains.app.link.ports import Clock
from openmains.app.link.station.directory import Concentrator, LinePlace, line_place
from openmains.app.link.station.main_station import MainStation
from openmains.domain.fleet.frame_number import wire_number
from openmains.domain.ids import MeterId, ProductId, TenantId
from openmains.drivers import catalog
from openmains.drivers.model import Kind as MessageKind
from tests.support.link_meter import Disk

TENANT = TenantId(1)
GAS, WATER_LINE, GAS_LINE = ProductId(1), ProductId(2), ProductId(3)
DRIVERS = {GAS: "station/gas-1", WATER_LINE: "cjt188/water-2004", GAS_LINE: "cjt188/gas-2004"}
AT = 1_767_288_600


class LoopTime:
    """The loop's seconds; at 0 it is ``AT``. ``later``: what becomes of calls that are for later."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self.later: Callable[[float, Callable[[], None]], object] = self._loop.call_later

    def time(self) -> float:
        return self._loop.time()

    def unix_us(self) -> int:
        return AT * 1_000_000 + int((self._loop.time() - self._began) * 1e6)

    def call_later(self, seconds: float, call: Callable[[], None], /) -> object:
        return self.later(seconds, call)


@dataclass
class Town:
    """``main`` serves ``known``; ``disk`` has what is durable; ``refused`` what an operator sees."""

    disk: Disk = field(default_factory=Disk)
    known: dict[str, Concentrator] = field(default_factory=dict)
    refused: list[tuple[str, str, str]] = field(default_factory=list)
    meters: int = 0
    pace: Pace = field(default_factory=Pace)
    clock: Clock = field(default_factory=lambda: LoopTime())

    def __post_init__(self) -> None:
        admission = Admission(Identities(), catalog.load())
        admission.set_products(DRIVERS, {})
        self.batcher = Batcher(self.disk, 2)
        self.main = MainStation(
            node=1, directory=self, admission=admission, batcher=self.batcher, shedding=Shedding(self.pace), clock=self.clock,
            note=lambda name, reason, host, tenant_id, detail: self.refused.append((name, reason, host)),
        )  # fmt: skip

    def find(self, number: str) -> Concentrator | None:
        return self.known.get(number)

    def add(self, number: str, meters: dict[str, ProductId], poll_s: int = 3600) -> None:
        """A concentrator with its meters, by registered number."""
        found: dict[str, Identity] = {}
        line: dict[str, LinePlace] = {}
        for each, product in meters.items():
            self.meters += 1
            identity = found[wire_number(each)] = Identity(MeterId(self.meters), TENANT, product)
            if (place := line_place(each, catalog.load().driver(DRIVERS[product]), identity)) is not None:
                line[place.meter.address] = place
        self.known[number] = Concentrator(number, TENANT, found, line, poll_s)


def readings(number: int, register: int, at: int = AT, *, closure: bool = False, extended: bool = False) -> bytes:
    """A meter's message as its driver writes it: function and content."""
    driver = catalog.load().driver("station/gas-1")
    values: dict[str, object] = {
        "meter_number": number,
        "device_at": at,
        "register": register,
        "valve": 0,
        "events": [],
    }
    if closure:
        return driver.encode(MessageKind.ALARM, values | {"raised_at": at, "valve": 1, "events": ["under_voltage"]})
    if extended:
        values |= {"register_raw": register, "pressure_now": 10_325, "temperature": 180}
    return driver.encode(MessageKind.REPORT, values | {"history": [register], "history_at": [at - at % 86400]})
