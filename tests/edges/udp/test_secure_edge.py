# SPDX-License-Identifier: Apache-2.0
"""The DTLS edge as a ``Link``: what it tells its user of a session, and where what is sent goes."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import pytest

from openmains.app.ingest.edge.limiter import AddressLimiter, Verdict
from openmains.app.ingest.edge.pace import Pace
from openmains.app.ingest.edge.shedding import Shedding
from openmains.app.link.ports import Terminal
from openmains.app.security.key_lookup import KeyLookup
from openmains.app.security.keys.ports import KeyName, TerminalKeys, ValidKey
from openmains.app.security.refusals import RefusalStage
from openmains.domain.ids import TenantId
from openmains.edges.udp.secure_edge import SecureEdge
from openmains.edges.udp.shell import open_socket
from openmains.wire.dtls.client import Client
from openmains.wire.dtls.events import Connected, Failed, Received, Weakness
from tests.support.link import EPOCH_US, IMEI, SessionRows

PSK = bytes(range(16))
KEY = KeyName(IMEI, TenantId(1), 1, False)
PEER, MOVED = ("192.0.2.1", 4711), ("192.0.2.9", 4712)


class Keys:
    def __init__(self, allows: frozenset[Weakness] = frozenset()) -> None:
        self._allows = allows

    async def keys(self, imeis: Sequence[int]) -> Mapping[int, TerminalKeys]:
        return {imei: TerminalKeys((ValidKey(KEY, PSK),), self._allows) for imei in imeis if imei == IMEI}


class Watch:
    """Lets everybody in; ``blocked`` is heard no more."""

    blocked = False

    def __init__(self) -> None:
        self.sims: list[tuple[int, str]] = []
        self.refusals: list[tuple[str, int | None, str, str]] = []
        self.suspects: list[tuple[str, int, bool]] = []

    def named_sim(self, imei: int, imsi: str, iccid: str, host: str) -> None:
        self.sims.append((imei, imsi))

    def may_try(self, imei: int, host: str, now: float) -> bool:
        return True

    def established(self, imei: int, host: str, now: float) -> None: ...

    def used(self, key: KeyName) -> None: ...

    def seen(self, imei: int, cid: bytes, host: str, now: float) -> bool:
        return not self.blocked

    def refused(self, name: str, imei: int | None, stage: RefusalStage, reason: str, detail: str, host: str) -> None:
        self.refusals.append((name, imei, reason, host))

    def suspicious(self, kind: str, imei: int, host: str, now: float, *, keyed: bool = True) -> None:
        self.suspects.append((kind, imei, keyed))


class Bridge:
    def __init__(self) -> None:
        self.answered: list[tuple[int, tuple[str, int], bytes]] = []

    def forward(self, node: int, address: tuple[str, int], datagram: bytes) -> None: ...

    def answer(self, node: int, address: tuple[str, int], datagram: bytes) -> None:
        self.answered.append((node, address, datagram))


class User:
    """``LinkUser``: says again what it hears."""

    def __init__(self, edge: SecureEdge) -> None:
        self._edge = edge
        self._said: list[tuple[bytes, bytes]] = []
        self.told: list[object] = []

    def session_up(self, terminal: Terminal, registration: bytes | None, now: float) -> None:
        self.told.append(("up", terminal.imei, registration))

    def message_received(self, terminal: Terminal, message: bytes, now: float) -> None:
        self.told.append(message)
        self._said.append((terminal.cid, message))

    def session_down(self, terminal: Terminal, now: float) -> None:
        self.told.append(("down", terminal.imei))

    def transmit(self, now: float) -> None:
        said, self._said = self._said, []
        for cid, message in said:
            self._edge.send(cid, message, now)

    def next_timer(self) -> float | None:
        return None

    def handle_timer(self, now: float) -> None: ...


class World:
    """An edge whose datagrams the test carries, and one device."""

    def __init__(
        self, identity: bytes = str(IMEI).encode(), *, allows: frozenset[Weakness] = frozenset(), **options: Any
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.store, self.watch, self.bridge = SessionRows(), Watch(), Bridge()
        self._allows = allows
        self._run()
        chosen = {"psk": PSK, "identity": identity, "random": os.urandom, "cid": b"dev1"} | options
        self.device = Client("server", **chosen)
        self.felt: list[object] = []
        self.nonces: list[bytes] = []  # of the records without Connection ID that the edge sent

    def _run(self) -> None:
        self.edge = SecureEdge(
            open_socket("127.0.0.1", 0, 1 << 16), node=1, secret=b"s" * 32, random=os.urandom, store=self.store,
            desk=KeyLookup(Keys(self._allows)), limiter=AddressLimiter(1000, [], 1000), shedding=Shedding(Pace()),
            watch=self.watch, cache=10, now_us=lambda: EPOCH_US,
        )  # fmt: skip
        self.user = User(self.edge)

    def restart(self, device: Client | None = None) -> None:
        """The edge is killed and another one runs; the store is there, and the device, or another one in its place."""
        self.edge._shell.close()
        self._run()
        self.edge.start(self.user, self.bridge)
        self.edge.stop_reading()
        if device is not None:
            self.device, self.felt = device, []

    def carry(self, peer: tuple[str, int] = PEER) -> None:
        """What the device says, and what it is answered."""
        now = self.loop.time()
        for _, datagram in self.device.datagrams():
            self.edge.datagram_received(datagram, peer, Verdict.PASS, now)
        for address, datagram in self.edge.datagrams_to_send(now):
            assert address == peer
            if datagram[:1] in b"\x16\x17" and datagram[3:5] == b"\x00\x01":
                self.nonces.append(datagram[5:21])
            self.felt += self.device.receive(datagram, "server", now)

    async def connected(self) -> Terminal:
        """After a handshake."""
        self.edge.start(self.user, self.bridge)
        self.edge.stop_reading()
        self.device.start(self.loop.time())
        for _ in range(20):
            self.carry()
            if any(isinstance(event, Connected) for event in self.felt):
                break
            await asyncio.sleep(0)  # the key is looked up
        terminal = self.edge.terminal(IMEI)
        assert terminal is not None
        return terminal

    def say(self, message: bytes) -> None:
        self.device.send(message, self.loop.time())

    def heard(self) -> list[bytes]:
        return [event.data for event in self.felt if isinstance(event, Received)]


def evict(world: World) -> None:
    """As when more meters speak than memory has room for."""
    terminals = world.edge._terminals
    for terminal in terminals:
        terminals.evict(terminal)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    yield made
    made.edge.close()


async def test_a_session_is_told_and_its_messages_go_both_ways(world: World) -> None:
    terminal = await world.connected()
    assert world.user.told == [("up", IMEI, None)]
    assert (terminal.text, terminal.host, terminal.proven) == (str(IMEI), PEER[0], True)
    assert list(world.store.rows) == [terminal.cid]
    world.say(b"report")
    world.carry()
    assert world.user.told[1:] == [b"report"]
    assert world.heard() == [b"report"]


@pytest.mark.parametrize(
    ("identity", "imsi"),
    [
        (f"urn:imei:{IMEI}", ""),
        (f"URN:IMEI:{IMEI}\0", ""),
        (f" {IMEI} ", ""),
        (f"{IMEI};460001234567890", "460001234567890"),
        (f"urn:imei-imsi:{IMEI}-460001234567890\0", "460001234567890"),
    ],
)
async def test_a_meter_comes_in_by_each_form_of_its_identity(identity: str, imsi: str) -> None:
    world = World(identity.encode())
    terminal = await world.connected()
    assert (terminal.imei, terminal.text) == (IMEI, str(IMEI))
    assert world.watch.sims == ([(IMEI, imsi)] if imsi else [])
    world.say(b"report")
    world.carry()
    assert world.heard() == [b"report"]
    world.edge.close()


@pytest.mark.parametrize(
    ("identity", "counter"),
    [
        (b"", "identity_empty"),
        (b"meter-17", "identity_form"),
        (str(IMEI)[:14].encode(), "identity_form"),
        (str(IMEI + 1).encode(), "identity_check_digit"),
        (str(IMEI + 4).encode(), "no_key"),
    ],
)
async def test_an_identity_without_a_key_is_counted_by_its_reason(identity: bytes, counter: str) -> None:
    world = World(identity)
    world.edge.start(world.user, world.bridge)
    world.edge.stop_reading()
    world.device.start(world.loop.time())
    for _ in range(20):
        world.carry()
        await asyncio.sleep(0)
    assert world.user.told == []
    refused = {name: n for name, n in world.edge.counters.items() if name.startswith("handshake.refused.")}
    assert refused == {f"handshake.refused.{counter}": 1}
    imei = int(identity) if counter in ("no_key", "identity_check_digit") else None
    assert world.watch.refusals == [(identity.decode(), imei, counter, PEER[0])]
    world.edge.close()


async def tried(world: World) -> None:
    """As far as the device comes."""
    world.edge.start(world.user, world.bridge)
    world.edge.stop_reading()
    world.device.start(world.loop.time())
    for _ in range(20):
        world.carry()
        await asyncio.sleep(0)


WEAK = [
    ({"suites": (0x00AE,)}, {Weakness.CBC}),
    ({"ems": False}, {Weakness.NO_EMS}),
    ({"suites": (0x00AE,), "ems": False, "etm": False}, {Weakness.CBC, Weakness.NO_EMS}),
]


@pytest.mark.parametrize(("options", "needs"), WEAK)
async def test_a_weak_module_comes_in_where_its_product_allows_it(
    options: dict[str, Any], needs: set[Weakness]
) -> None:
    world = World(allows=frozenset(needs), **options)
    terminal = await world.connected()
    world.say(b"report")
    world.carry()
    assert world.heard() == [b"report"]
    assert world.watch.refusals == []
    # Out of memory and back from the store, in which the suite is.
    evict(world)
    world.say(b"again")
    world.carry()
    assert world.heard() == [b"report", b"again"]
    assert world.store.rows[terminal.cid].secrets[2:4] == (b"\x00\xae" if Weakness.CBC in needs else b"\xc0\xa8")
    world.edge.close()


@pytest.mark.parametrize(("options", "needs"), WEAK)
async def test_else_it_is_refused_by_name_and_not_taken_for_a_guesser(
    options: dict[str, Any], needs: set[Weakness]
) -> None:
    world = World(**options)
    await tried(world)
    assert world.user.told == [] and world.store.rows == {}
    assert world.watch.refusals == [(str(IMEI), IMEI, f"{weakness}_not_allowed", PEER[0]) for weakness in sorted(needs)]
    assert world.watch.suspects == []
    assert world.edge.counters[f"handshake.refused.{min(needs)}_not_allowed"] == 1
    assert [type(event) for event in world.felt] == [Failed]
    world.edge.close()


async def test_a_hello_that_nobody_can_go_on_with_is_listed_without_a_name() -> None:
    world = World(suites=(0xC0A9,))
    await tried(world)
    assert world.watch.refusals == [("", None, "no_suite", PEER[0])]
    assert world.edge.counters["handshake.refused.no_suite"] == 1
    world.edge.close()


async def test_a_wrong_key_is_told_of_a_terminal_that_has_one() -> None:
    for identity, keyed in ((str(IMEI), True), (str(IMEI + 4), False)):
        world = World(identity.encode(), psk=bytes(16))
        await tried(world)
        assert world.watch.suspects == [("wrong_key", int(identity), keyed)]
        world.edge.close()


async def test_a_blocked_terminal_is_not_heard(world: World) -> None:
    await world.connected()
    world.watch.blocked = True
    world.say(b"report")
    world.carry()
    assert (world.user.told[1:], world.heard()) == ([], [])


async def test_a_new_address_is_not_proven_until_it_is_confirmed(world: World) -> None:
    terminal = await world.connected()
    world.say(b"from elsewhere")
    world.carry(MOVED)
    assert (terminal.host, terminal.address, terminal.proven) == (MOVED[0], MOVED, False)
    world.edge.confirm(terminal, ("198.51.100.1", 1))
    assert not terminal.proven
    world.edge.confirm(terminal, MOVED)
    assert terminal.proven


async def test_what_came_over_another_node_is_answered_from_there(world: World) -> None:
    await world.connected()
    world.say(b"forwarded")
    ((_, record),) = world.device.datagrams()
    world.edge.take_forwarded(2, PEER, record)
    assert world.edge.datagrams_to_send(world.loop.time()) == []
    ((node, address, answer),) = world.bridge.answered
    assert (node, address) == (2, PEER)
    world.felt += world.device.receive(answer, "server", world.loop.time())
    assert world.heard() == [b"forwarded"]


async def test_a_closed_session_is_told_and_forgotten(world: World) -> None:
    terminal = await world.connected()
    world.edge.close_session(IMEI)
    assert world.user.told[1:] == [("down", IMEI)]
    assert (world.store.rows, world.edge.terminal_of(terminal.cid), world.edge.terminal(IMEI)) == ({}, None, None)
    world.edge.send(terminal.cid, b"too late", world.loop.time())


async def test_a_session_that_left_memory_comes_back_with_its_registration(world: World) -> None:
    terminal = await world.connected()
    world.store.register(terminal.cid, b"registration")
    evict(world)
    world.say(b"again")
    world.carry()
    assert world.user.told[1:] == [("down", IMEI), ("up", IMEI, b"registration"), b"again"]
    assert world.heard() == [b"again"]


async def test_a_meter_without_connection_id_outlives_the_edge() -> None:
    """Killed, started again over the same store: no handshake, its registration, no number used twice."""
    world = World(cid=None)
    terminal = await world.connected()
    world.store.register(terminal.cid, b"registration")
    world.say(b"before")
    world.carry()
    world.restart()
    for message in (b"after", b"and after"):
        world.say(message)
        world.carry()
    assert world.user.told == [("up", IMEI, b"registration"), b"after", b"and after"]
    assert world.heard() == [b"before", b"after", b"and after"]
    assert world.edge.counters["dtls.handshakes_started"] == 0
    assert len(world.nonces) == len(set(world.nonces)) == 3  # of the answers
    found = world.edge.terminal(IMEI)
    assert found is not None and found.cid == terminal.cid
    world.edge.close()


async def test_one_that_left_memory_is_asked_for_a_command_and_speaks_itself() -> None:
    world = World(cid=None)
    terminal = await world.connected()
    evict(world)
    found = world.edge.terminal(IMEI)
    assert found is not None and (found.cid, found.proven) == (terminal.cid, True)
    world.say(b"again")
    world.carry()
    assert world.user.told[1:] == [("down", IMEI), ("up", IMEI, None), b"again"]
    assert world.edge.terminal(IMEI) is found
    world.edge.close()


async def test_its_next_handshake_ends_the_session_before_and_keeps_the_registration() -> None:
    world = World(cid=None)
    terminal = await world.connected()
    world.store.register(terminal.cid, b"registration")
    world.restart(Client("server", psk=PSK, identity=str(IMEI).encode(), random=os.urandom, cid=None))
    again = await world.connected()
    assert again.cid != terminal.cid and list(world.store.rows) == [again.cid]
    assert world.user.told == [("up", IMEI, b"registration")]
    world.say(b"report")
    world.carry()
    assert world.heard() == [b"report"]
    world.edge.close()


class SlowRows(SessionRows):
    """The row is in the file, and word of it is still on its way."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[tuple[bool, Any]] = []

    def add(
        self,
        cid: bytes,
        imei: int,
        secrets: bytes,
        reserved: int,
        peer: str,
        now_us: int,
        done: Any,
        *,
        by_address: bool,
    ) -> None:
        super().add(
            cid,
            imei,
            secrets,
            reserved,
            peer,
            now_us,
            lambda right: self.told.append((right, done)),
            by_address=by_address,
        )


@pytest.mark.parametrize("cid", [b"dev1", None], ids=["Connection ID", "none"])
async def test_who_asks_for_a_meter_while_its_session_is_being_stored_makes_no_second_copy(cid: bytes | None) -> None:
    """Its row can be read before the handshake is told of it: by a command's look-up, or by any record from its address."""
    world = World(cid=cid)
    rows = world.store = SlowRows()
    world.edge._shell.close()
    world._run()
    world.edge.start(world.user, world.bridge)
    world.edge.stop_reading()
    world.device.start(world.loop.time())
    for _ in range(20):
        world.carry()
        await asyncio.sleep(0)
    assert len(rows.rows) == len(rows.told) == 1
    assert world.edge.terminal(IMEI) is None
    for kind in (21, 23):
        stray = bytes((kind,)) + b"\xfe\xfd\x00\x01\x00\x00\x00\x00\x00\x63\x00\x20" + bytes(32)
        world.edge.datagram_received(stray, PEER, Verdict.PASS, world.loop.time())
    ((right, done),) = rows.told
    done(right)
    world.carry()
    assert world.user.told == [("up", IMEI, None)] and len(rows.rows) == 1
    world.say(b"report")
    world.carry()
    assert world.heard() == [b"report"]
    world.edge.close()
