# SPDX-License-Identifier: Apache-2.0
"""A new key on its way to a meter with two accounts, one at the bootstrap server (us as well) and one at the server.

The module opens both connections by itself, 0 to 10 s apart, in either order, while datagrams take their time and key look-ups
take theirs, so that handshakes of one meter overlap. Whatever the order, no handshake with a key that the module was given may
be refused, one bootstrap is enough, and afterwards the former key is over. Time is virtual; everything of the edge is the real one.
"""

import asyncio
import socket
from collections import Counter
from random import Random
from typing import Any

import pytest

from openmains.app.fleet.identities import Identities, Identity
from openmains.app.ingest.edge.limiter import AddressLimiter, Verdict
from openmains.app.ingest.edge.pace import Pace
from openmains.app.ingest.edge.shedding import Shedding
from openmains.app.ingest.uplink import Uplink
from openmains.app.security.access_cache import AccessCache
from openmains.app.security.key_lookup import KeyLookup
from openmains.app.security.refusals import Refusals
from openmains.app.security.unknown import UnknownTerminals
from openmains.app.security.watch import AccessWatch
from openmains.domain.ids import MeterId, ProductId, TenantId
from openmains.domain.security.guard import AccessGuard
from openmains.edges.udp.secure_edge import SecureEdge
from openmains.wire.dtls.client import Client as DtlsClient
from openmains.wire.dtls.client import Timing
from openmains.wire.dtls.events import Connected, Failed, Received
from openmains.wire.lwm2m.client import Client
from openmains.wire.lwm2m.client_events import BootstrapDone, Registered
from openmains.wire.lwm2m.definitions import definitions
from openmains.wire.lwm2m.tree import Tree
from tests.edges.udp.test_secure_edge import Bridge
from tests.support.key_rows import KeyRows
from tests.support.link import EPOCH_US, IMEI, SessionRows
from tests.support.link_meter import Disk, Gate, Stack, assemble
from tests.support.lwm2m_pair import METER, SERVER
from tests.support.virtual_loop import run_virtually

OLD, NEW = bytes(range(16)), bytes(range(16, 32))
BOOTSTRAP, SERVICE = 0, 1  # instances of object 0
FEW, SEEDS = range(60), range(1000)
SETTLED_S = 400.0


class Wires(socket.socket):
    """The edge's socket: what it sends goes to the module that sits at the address, after a while."""

    place: "Place"

    def sendto(self, data: Any, address: Any) -> int:  # type: ignore[override]
        self.place.down(address, bytes(data))
        return len(data)


class Place:
    """The edge and the network before it."""

    def __init__(self, random: Random, *, delay_s: float, lookup_s: float) -> None:
        self.random, self.delay_s = random, delay_s
        self.loop = asyncio.get_running_loop()
        self.rows = KeyRows(lambda: random.uniform(0, lookup_s))
        self.keys = self.rows.cache()
        self.refusals = Refusals()
        identities = Identities()
        identities.change(IMEI, Identity(MeterId(7), TenantId(1), ProductId(3)))
        self.told: list[Uplink] = []
        self.watch = AccessWatch(
            AccessGuard(), AccessCache(), self.keys, identities, UnknownTerminals(), self.refusals, self.told.append,
            self.unix_us,
        )  # fmt: skip
        wires = Wires(socket.AF_INET, socket.SOCK_DGRAM)
        wires.setblocking(False)
        wires.place = self
        store = SessionRows()
        self.edge = SecureEdge(
            wires, node=1, secret=b"s" * 32, random=random.randbytes, store=store, desk=KeyLookup(self.keys),
            limiter=AddressLimiter(1000, [], 1000), watch=self.watch, cache=10, now_us=self.unix_us,
            shedding=Shedding(Pace()),
        )  # fmt: skip
        self.stack: Stack = assemble(self.edge, self, keys=self.keys, store=store, gate=Gate(), disk=Disk())
        self.edge.start(self.stack.traffic, Bridge())
        self.edge.stop_reading()
        self.peers: dict[Any, Connection] = {}

    def time(self) -> float:
        return self.loop.time()

    def unix_us(self) -> int:
        return EPOCH_US + round(self.loop.time() * 1e6)

    def call_later(self, seconds: float, call: Any, /) -> object:
        return self.loop.call_later(seconds, call)

    def down(self, address: Any, datagram: bytes) -> None:
        peer = self.peers.get(address)
        if peer is not None:
            self.loop.call_later(self.random.uniform(0, self.delay_s), peer.hear, datagram)

    def up(self, address: Any, datagram: bytes) -> None:
        self.loop.call_later(self.random.uniform(0, self.delay_s), self._arrive, address, datagram)

    def _arrive(self, address: Any, datagram: bytes) -> None:
        self.edge.datagram_received(datagram, address, Verdict.PASS, self.loop.time())
        self.edge.transmit_soon()

    async def note_keys(self) -> None:
        """As the edge does every second."""
        while True:
            await self.keys.used(self.watch.take_used())
            await asyncio.sleep(1.0)


class Connection:
    """One of the module's two: a handshake with the key that its account has now, and LwM2M above it."""

    def __init__(self, module: "Module", account: int, port: int) -> None:
        self.module, self.account, self.address = module, account, ("192.0.2.1", port)
        self.place = module.place
        key = module.tree.get((0, account, 5))
        assert isinstance(key, bytes)
        self.dtls = DtlsClient(
            "edge", psk=key, identity=str(IMEI).encode(), random=module.place.random.randbytes, cid=port.to_bytes(4, "big"),
            timing=Timing(first_wait_s=9.0),
        )  # fmt: skip
        self.lwm2m = Client(module.tree, endpoint=f"urn:imei:{IMEI}", seed=port, renew=False)
        self.open = True
        self.place.peers[self.address] = self
        self.dtls.start(self.place.time())
        self.flush()

    def close(self) -> None:
        self.open = False
        del self.place.peers[self.address]

    def hear(self, datagram: bytes) -> None:
        if not self.open:
            return
        now = self.place.time()
        self._take(self.dtls.receive(datagram, "edge", now))

    def _take(self, events: Any) -> None:
        now = self.place.time()
        for event in events:
            if isinstance(event, Connected):
                if self.account == BOOTSTRAP:
                    self.module.bootstraps += 1
                    self.lwm2m.bootstrap(SERVER, now)
                else:
                    self.lwm2m.register(SERVER, now)
            elif isinstance(event, Received):
                for told in self.lwm2m.receive(event.data, SERVER, now):
                    self.module.told(self, told)
            elif isinstance(event, Failed):
                self.module.refused += 1
        self.flush()

    def flush(self) -> None:
        if not self.open:
            return
        now = self.place.time()
        for _, data in self.lwm2m.datagrams():
            self.dtls.send(data, now)
        for _, datagram in self.dtls.datagrams():
            self.place.up(self.address, datagram)
        dues = [due for due in (self.dtls.next_timer(), self.lwm2m.next_timer()) if due is not None]
        if dues:
            self.place.loop.call_at(max(min(dues), now + 0.001), self._timer)

    def _timer(self) -> None:
        if self.open:
            now = self.place.time()
            self._take(self.dtls.handle_timer(now))
            for told in self.lwm2m.handle_timer(now):
                self.module.told(self, told)
            self.flush()


class Module:
    """As Anjay or Wakaama: opens what accounts it has; bootstraps where its bootstrap account is; begins anew with new accounts."""

    def __init__(self, place: Place, keys: tuple[bytes, bytes], gap_s: float, first: int) -> None:
        self.place, self.gap_s, self.first = place, gap_s, first
        accounts: dict[Any, Any] = {}
        for instance, key in zip((BOOTSTRAP, SERVICE), keys, strict=True):
            row = {0: "coaps://factory.example", 1: instance == BOOTSTRAP, 2: 0, 3: str(IMEI).encode(), 4: b"", 5: key}
            accounts |= {(0, instance, resource): value for resource, value in row.items()}
        self.tree = Tree(definitions(), {**METER, **accounts, (0, SERVICE, 10): 101})
        self.refused = self.bootstraps = self.rounds = 0
        self.registered_with: list[bytes] = []
        self.connections: list[Connection] = []
        self._port = 40_000

    def power_on(self, *, bootstrap: bool = True) -> None:
        """Both connections, or that of the server alone."""
        second = 1 - self.first
        order = [self.first, second] if bootstrap else [SERVICE]
        for place, account in enumerate(order):
            self.place.loop.call_later(place * self.gap_s, self._connect, account, self.rounds)

    def _connect(self, account: int, round_: int) -> None:
        if round_ == self.rounds:
            self._port += 1
            self.connections.append(Connection(self, account, self._port))

    def told(self, connection: Connection, event: object) -> None:
        if isinstance(event, Registered):
            self.registered_with.append(connection.dtls._psk)
        elif isinstance(event, BootstrapDone):
            self.rounds += 1
            for one in self.connections:
                one.close()
            self.connections = []
            self.power_on(bootstrap=False)  # it has accounts: nothing to ask for


async def rotated(
    seed: int, *, has: tuple[bytes, bytes] = (OLD, OLD), bootstrap: bool = True, gap_s: float | None = None
) -> Any:
    """One meter whose new key waits, powered on, and what came of it within SETTLED_S."""
    random = Random(seed)  # noqa: S311 - repeatable is the point
    place = Place(random, delay_s=random.choice((0.002, 0.3, 2.0)), lookup_s=random.choice((0.0, 0.05, 1.0)))
    noting = asyncio.create_task(place.note_keys())
    place.rows.put(IMEI, OLD)
    place.rows.put(IMEI, NEW, rotate=True)
    gap = random.choice((0.0, 0.003, random.uniform(0, 0.1), random.uniform(0, 10))) if gap_s is None else gap_s
    module = Module(place, has, gap, random.choice((BOOTSTRAP, SERVICE)))
    module.power_on(bootstrap=bootstrap)
    await asyncio.sleep(SETTLED_S)
    noting.cancel()
    place.edge.close()
    return place, module


def nobody_is_refused(seeds: range) -> Counter[str]:
    seen: Counter[str] = Counter()

    async def one(seed: int) -> None:
        # A module that was cut off between the two writes has the new key at its bootstrap account only.
        has = (NEW, OLD) if seed % 5 == 4 else (OLD, OLD)
        place, module = await rotated(seed, has=has)
        counters = place.edge.counters
        assert module.refused == 0, seed
        assert counters["dtls.wrong_key"] == 0 and place.refusals.drain() == [], seed
        assert module.bootstraps == module.rounds == 1, (seed, module.bootstraps, module.rounds)
        assert module.registered_with[-1] == NEW, seed
        assert place.rows.ended == [IMEI] and place.rows.rows[IMEI].previous is None, seed
        assert not [uplink for uplink in place.told if b"wrong_key" in uplink.payload], seed
        seen["registered first with the old key"] += module.registered_with[0] == OLD
        seen["registered only with the new one"] += set(module.registered_with) == {NEW}

    for seed in seeds:
        run_virtually(one(seed))
    return seen


@pytest.mark.usefixtures("takes_seconds")
def test_two_connections_at_once_and_no_valid_key_is_refused() -> None:
    seen = nobody_is_refused(FEW)
    assert min(seen.values()) > 0, "both orders must have been met"


@pytest.mark.usefixtures("takes_minutes")
def test_thousand_orders_of_two_connections() -> None:
    seen = nobody_is_refused(SEEDS)
    assert min(seen.values()) > 0


def test_a_meter_that_was_away_is_served_at_once_with_its_old_key() -> None:
    """It has no bootstrap account to ask at: one handshake, one registration, and it is asked to come for its new key."""

    async def one() -> None:
        place, module = await rotated(3, bootstrap=False)
        assert (module.refused, module.registered_with[0]) == (0, OLD)
        assert place.edge.counters["dtls.handshakes_started"] == place.edge.counters["dtls.handshakes_done"] == 1
        assert place.stack.traffic.counters["bootstrap.triggered"] == 1

    run_virtually(one())


def test_both_keys_in_turn_for_ever_as_long_as_the_new_one_is_not_in_service() -> None:
    """Handshakes alone end nothing: whoever knows the new key and only asks for bootstrap leaves the old one as it is."""

    async def one() -> None:
        random = Random(1)  # noqa: S311
        place = Place(random, delay_s=0.01, lookup_s=0.1)
        place.rows.put(IMEI, OLD)
        place.rows.put(IMEI, NEW, rotate=True)
        for number in range(20):
            key = (OLD, NEW)[number % 2]
            client = DtlsClient("edge", psk=key, identity=str(IMEI).encode(), random=random.randbytes, cid=b"cid!")
            address = ("192.0.2.5", 5000 + number)
            heard: list[object] = []

            class Ear:
                def hear(
                    self, datagram: bytes, client: DtlsClient = client, heard: list[object] = heard, at: Any = address
                ) -> None:
                    heard += client.receive(datagram, "edge", place.time())
                    for _, out in client.datagrams():
                        place.up(at, out)

            place.peers[address] = Ear()  # type: ignore[assignment]
            client.start(place.time())
            for _, out in client.datagrams():
                place.up(address, out)
            await asyncio.sleep(5.0)
            assert [type(event) for event in heard] == [Connected], number
        assert place.watch.take_used() == [] and place.rows.ended == []
        place.edge.close()

    run_virtually(one())
