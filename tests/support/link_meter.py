# SPDX-License-Identifier: Apache-2.0
"""A whole link in one process: our LwM2M device on a session, and everything of ``app.link`` above it. No socket, no DTLS.

``InProcessLink`` is a channel as TCP or MQTT would be one: it does what ``app.link.ports.Link`` asks for, tells what
``LinkUser`` wants to hear, and nothing else.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from openmains.app.fleet.identities import Identities, Identity
from openmains.app.ingest.edge.admission import Admission
from openmains.app.ingest.edge.batcher import Batcher
from openmains.app.ingest.edge.pace import Pace
from openmains.app.ingest.edge.shedding import Shedding
from openmains.app.ingest.uplink import Uplink, decode_batch
from openmains.app.link.down_log import DownLog
from openmains.app.link.downlinks import Downlinks
from openmains.app.link.lwm2m.bootstrapping import Bootstrapping
from openmains.app.link.lwm2m.clock_setting import ClockSetting
from openmains.app.link.lwm2m.operations import Operations
from openmains.app.link.lwm2m.pipe import FramePipe
from openmains.app.link.lwm2m.reporting import Reporting
from openmains.app.link.lwm2m.traffic import Parts, Traffic
from openmains.app.link.ports import Clock, Link, LinkUser, NewKeys, Registrar, RegistrationStore
from openmains.app.link.proofs import Proofs
from openmains.app.link.reports import Reports
from openmains.app.security.refusals import RefusalStage
from openmains.domain.fleet.endpoint_name import EndpointName
from openmains.drivers import catalog
from openmains.wire.lwm2m.client import Client
from openmains.wire.lwm2m.client_events import Sent
from openmains.wire.lwm2m.server import Server
from tests.support.link import IMEI, RecordingLink, Seat, VirtualClock
from tests.support.lwm2m_pair import SERVER, meter_tree

METER, TENANT, PRODUCT, NODE = 7, 1, 3, 2
URI = "coaps://edge.example:5684"


@dataclass
class Disk:
    """The stream's writing side; ``broken``: it does not confirm."""

    uplinks: list[Uplink] = field(default_factory=list)
    broken: bool = False

    async def publish(self, shard: int, data: bytes) -> int:
        if self.broken:
            raise OSError("no space left on device")
        self.uplinks += decode_batch(data)
        return len(self.uplinks)


@dataclass
class Registrations:
    """``RegistrationStore``."""

    kept: dict[bytes, bytes | None] = field(default_factory=dict)

    def register(self, cid: bytes, registration: bytes | None) -> None:
        self.kept[cid] = registration


@dataclass
class Gate:
    """``Registrar``: everybody may register after ``wait_s``."""

    wait_s: int = 0
    names: list[EndpointName] = field(default_factory=list)
    refusals: list[tuple[int, str, str, str]] = field(default_factory=list)

    def register(self, imei: int, host: str, name: EndpointName, now: float) -> int:
        self.names.append(name)
        return self.wait_s

    def refused(self, imei: int, host: str, stage: RefusalStage, reason: str, detail: str) -> None:
        self.refusals.append((imei, stage.value, reason, detail))


@dataclass
class Keys:
    """``NewKeys``: a key by IMEI; it waits until the test takes it out of ``unused``."""

    keys: dict[int, bytes] = field(default_factory=dict)
    unused: set[int] = field(default_factory=set)
    down: bool = False

    async def newest(self, imeis: Sequence[int]) -> Mapping[int, bytes]:
        if self.down:
            raise OSError("the database is away")
        return {imei: self.keys[imei] for imei in imeis if imei in self.keys}

    async def waiting(self, imeis: Sequence[int]) -> set[int]:
        if self.down:
            raise OSError("the database is away")
        return self.unused & set(imeis)


class InProcessLink(RecordingLink):
    """``Link`` to devices in this process: a message arrives with the next ``run``."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__()
        self._clock = clock
        self._devices: dict[bytes, Client] = {}
        self._on_the_way: list[tuple[bytes, bytes]] = []
        self.user: LinkUser
        self.felt: list[Any] = []  # what the devices' engines told

    def connect(self, seat: Seat, device: Client, registration: bytes | None = None) -> None:
        """A session begins, or comes back with what the store has of it."""
        self.seats.append(seat)
        self._devices[seat.cid] = device
        self.user.session_up(seat, registration, self._clock.now)

    def disconnect(self, seat: Seat) -> None:
        """It leaves memory."""
        self.user.session_down(seat, self._clock.now)
        self.seats.remove(seat)
        del self._devices[seat.cid]

    def send(self, cid: bytes, message: bytes, now: float) -> None:
        super().send(cid, message, now)
        self._on_the_way.append((cid, message))

    def run(self) -> None:
        """Carry messages until nobody has anything to say."""
        for _ in range(200):
            now = self._clock.now
            due = self.user.next_timer()
            if due is not None and due <= now:
                self.user.handle_timer(now)
            self.user.transmit(now)
            moved, self._on_the_way = self._on_the_way, []
            for cid, message in moved:
                if cid in self._devices:
                    self.felt += self._devices[cid].receive(message, SERVER, now)
            said = [(cid, message) for cid, device in self._devices.items() for _, message in device.datagrams()]
            for cid, message in said:
                seat = self.terminal_of(cid)
                assert seat is not None
                seat.heard_us = self._clock.unix_us()
                self.user.message_received(seat, message, now)
            if not moved and not said:
                return
        raise AssertionError("they never stop talking")


@dataclass
class Stack:
    """Everything of ``app.link`` over one link."""

    admission: Admission
    batcher: Batcher
    server: Server
    reports: Reports
    parts: Parts
    traffic: Traffic


def assemble(
    link: Link,
    clock: Clock,
    *,
    keys: NewKeys,
    store: RegistrationStore,
    gate: Registrar,
    disk: Disk,
    driver: str = "openmains/water-1",
    waiting: int = 1000,
    unknown: Callable[[str, str], object] = lambda imei, host: None,
    allowed: Callable[[int], bool] = lambda imei: True,
) -> Stack:
    """For one meter, ``IMEI``."""
    identities = Identities()
    identities.change(IMEI, Identity(METER, TENANT, PRODUCT))
    admission = Admission(identities, catalog.load())
    admission.set_products({PRODUCT: driver}, {})
    batcher = Batcher(disk, 1, waiting=waiting)
    server = Server(seed=7)
    proofs = Proofs(link, clock, server.ping)
    reports = Reports(
        node=NODE, admission=admission, batcher=batcher, shedding=Shedding(Pace()), unknown=unknown, clock=clock
    )
    downlinks = Downlinks(
        node=NODE,
        link=link,
        clock=clock,
        proofs=proofs,
        sender=FramePipe(server),
        may_command=allowed,
        stopped=lambda tenant_id: False,
        publish=batcher.add,
    )
    shared: dict[str, Any] = {"server": server, "link": link, "clock": clock}
    guarded: dict[str, Any] = {**shared, "proofs": proofs, "may_command": allowed}
    down_log = DownLog(clock=clock, who=identities.find, publish=batcher.add)
    clocks = ClockSetting(**guarded, driver_of=admission.driver_for)
    parts = Parts(
        Reporting(**shared, reports=reports, down_log=down_log, clocks=clocks),
        proofs,
        downlinks,
        Operations(**guarded, node=NODE, down_log=down_log),
        Bootstrapping(
            **guarded,
            uri=URI,
            keys=keys,
            refused=lambda one, reason, detail: gate.refused(
                one.imei, one.host, RefusalStage.BOOTSTRAP, reason, detail
            ),
        ),
        down_log,
        clocks,
    )
    traffic = Traffic(server, parts, link=link, store=store, registrar=gate, driver_of=admission.driver_of)
    return Stack(admission, batcher, server, reports, parts, traffic)


class World:
    """One meter, ``seat``, whose module is ``device``; ``connect`` it and let it speak."""

    def __init__(self, *, driver: str = "openmains/water-1", endpoint: str = f"urn:imei:{IMEI}", waiting: int = 1000):
        self.clock = VirtualClock()
        self.link = InProcessLink(self.clock)
        self.seat = Seat()
        self.device = Client(meter_tree(), endpoint=endpoint, seed=11)
        self.disk = Disk()
        self.store = Registrations()
        self.gate = Gate()
        self.keys = Keys()
        self.unknown: list[tuple[str, str]] = []
        self.allowed = True
        stack = assemble(
            self.link, self.clock, keys=self.keys, store=self.store, gate=self.gate, disk=self.disk, driver=driver, waiting=waiting,
            unknown=lambda imei, host: self.unknown.append((imei, host)), allowed=lambda imei: self.allowed,
        )  # fmt: skip
        self.admission, self.batcher, self.server = stack.admission, stack.batcher, stack.server
        self.reports, self.parts, self.traffic = stack.reports, stack.parts, stack.traffic
        self.proofs, self.downlinks = stack.parts.proofs, stack.parts.downlinks
        self.link.user = self.traffic

    def registered(self) -> "World":
        """On a session, with a registration."""
        self.link.connect(self.seat, self.device)
        self.device.register(SERVER, self.clock.now)
        self.link.run()
        return self

    async def stored(self) -> None:
        """The stream says of all that waits whether it is on disk, and the answers go out."""
        await self.batcher.drain()
        self.link.run()

    def codes(self) -> list[int]:
        """What the device heard of its reports, in order."""
        return [event.code for event in self.link.felt if isinstance(event, Sent)]
