# SPDX-License-Identifier: Apache-2.0
"""Memory is a cache of the store: who leaves, what is written of it, and with which numbers it comes back (ADR 0009)."""

import pytest

from openmains.app.link.terminals import CachedTerminal, Terminals
from openmains.bench.load.secure import session_pair
from openmains.wire.dtls.session import RESERVE, Session
from tests.support.link import SessionRows

FIRST = 861_234_567_890_000
PEER = ("192.0.2.1", 4711)


class World:
    """A cache for ``most`` sessions in its run ``run``."""

    def __init__(self, most: int = 2, run: int = 41, store: SessionRows | None = None) -> None:
        self.store = store or SessionRows()
        self.left: list[int] = []
        self.terminals = Terminals(self.store, run, most, lambda terminal: self.left.append(terminal.imei))

    def connect(self, number: int, cid: bytes | None = None) -> CachedTerminal:
        session = made(number, cid)
        self.store.add(
            session.cid, FIRST + number, session.dump(), session.reserved, "192.0.2.1 4711", 1, lambda done: None,
            by_address=False,
        )  # fmt: skip
        return self.terminals.add(session, FIRST + number)


def made(number: int, cid: bytes | None = None) -> Session:
    _, session = session_pair(FIRST + number, cid or bytes((1, *(6 * [0]), number)), number, PEER)
    return session


def test_the_least_recently_heard_leaves_with_its_last_number() -> None:
    world = World(most=2)
    one, two = world.connect(1), world.connect(2)
    world.terminals.seen(one, 5_000_000)
    two.session.send_seq = 17
    world.connect(3)
    assert world.left == [two.imei]
    assert (len(world.terminals), world.terminals.get(two.cid), world.terminals.of_imei(two.imei)) == (2, None, None)
    row = world.store.rows[two.cid]
    assert (row.sent, row.run) == (17, 41)


def test_it_comes_back_where_it_was_within_the_same_run() -> None:
    world = World()
    one = world.connect(1)
    one.session.send_seq, one.session.newest = 17, 30
    world.terminals.seen(one, 5_000_000)
    world.store.register(one.cid, b"registration")
    world.terminals.evict(one)
    found = world.terminals.load(one.cid)
    assert found is not None
    session, registration = found
    assert (session.send_seq, session.newest, registration) == (17, 30, b"registration")
    terminal = world.terminals.get(one.cid)
    assert terminal is not None
    assert (terminal.imei, terminal.heard_us, session.owner) == (one.imei, 5_000_000, terminal)


@pytest.mark.parametrize("graceful", [True, False])
def test_in_another_run_no_number_is_used_twice(graceful: bool) -> None:
    before = World(run=41)
    one = before.connect(1)
    one.session.send_seq = 17
    before.terminals.seen(one, 5_000_000)
    if graceful:
        before.terminals.evict(one)
    after = World(run=43, store=before.store)
    found = after.terminals.load(one.cid)
    assert found is not None
    assert found[0].send_seq == RESERVE  # all that may have been used is passed over
    assert found[0].exhausted


def test_what_cannot_be_read_is_counted_and_is_no_session() -> None:
    world = World()
    world.store.add(b"\x01broken!", FIRST, b"\x00\x01", 256, "", 1, lambda done: None, by_address=False)
    assert world.terminals.load(b"\x01broken!") is None
    assert world.terminals.load(b"\x01no-such") is None
    assert (world.terminals.unreadable, len(world.terminals)) == (1, 0)


def test_of_two_sessions_the_one_that_speaks_is_the_meters() -> None:
    world = World()
    old, new = world.connect(1, b"\x01old----"), world.connect(1, b"\x01new----")
    assert world.terminals.of_imei(old.imei) is new
    world.terminals.seen(old, 5_000_000)
    assert world.terminals.of_imei(old.imei) is old
    world.terminals.drop(new)
    assert world.terminals.of_imei(old.imei) is old
    world.terminals.drop(old)
    assert world.terminals.of_imei(old.imei) is None


def test_a_new_address_is_noted_and_is_not_yet_proven() -> None:
    world = World()
    one = world.connect(1)
    assert (one.host, one.proven, one.text) == ("192.0.2.1", True, str(FIRST + 1))
    one.session.candidate = ("192.0.2.9", 1)
    world.terminals.seen(one, 5_000_000)
    assert (one.host, one.address, one.proven) == ("192.0.2.9", ("192.0.2.9", 1), False)
    assert world.store.rows[one.cid].peer == "192.0.2.9 1"
