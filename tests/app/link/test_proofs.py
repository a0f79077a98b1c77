# SPDX-License-Identifier: Apache-2.0
"""What waits for a meter's proof goes to an address that it has shown, and to no other (RFC 9146 section 6, R13.4)."""

from collections.abc import Callable

import pytest

from openmains.app.link.proofs import Proofs
from openmains.app.link.terminals import CachedTerminal
from openmains.bench.load.secure import session_pair

HOME, NEW, NEWER = ("192.0.2.1", 1), ("192.0.2.2", 2), ("192.0.2.3", 3)


class World:
    """Proofs over one session whose addresses the test moves."""

    def __init__(self) -> None:
        _, session = session_pair(860_000_000_000_001, b"\x01" + bytes(7), 0, HOME)
        self.terminal = CachedTerminal(
            860_000_000_000_001, "860000000000001", session.cid, session, HOME, "192.0.2.1 1"
        )
        self.pinged: list[object] = []
        self.sent: list[object] = []
        self.given_up = 0
        self.timers: list[Callable[[], None]] = []
        self.proofs = Proofs(
            ping=lambda cid: self.pinged.append(session.address),
            confirm=self.confirm,
            later=lambda seconds, what: self.timers.append(what),
            flush=lambda: None,
            clock=lambda: 0.0,
        )

    def confirm(self, terminal: CachedTerminal, address: object) -> None:
        session = terminal.session
        if session.candidate == address:
            session.peer, session.candidate = session.candidate, None

    def ask(self) -> None:
        self.proofs.ask(self.terminal, lambda terminal, now: self.sent.append(terminal.session.address), self.give_up)

    def give_up(self) -> None:
        self.given_up += 1


@pytest.fixture
def world() -> World:
    return World()


def test_a_confirmed_address_is_not_asked(world: World) -> None:
    world.ask()
    assert (world.sent, world.pinged) == ([HOME], [])


def test_a_new_address_is_asked_first_and_once(world: World) -> None:
    world.terminal.session.candidate = NEW
    world.ask()
    world.ask()
    assert (world.sent, world.pinged) == ([], [NEW])
    world.proofs.proved(world.terminal, 1.0)
    assert world.sent == [NEW, NEW]


def test_a_proof_for_one_address_says_nothing_of_a_newer_one(world: World) -> None:
    world.terminal.session.candidate = NEW
    world.ask()
    world.terminal.session.candidate = NEWER  # a thief repeats the meter's newest record from elsewhere
    world.proofs.proved(world.terminal, 1.0)
    assert (world.sent, world.pinged) == ([], [NEW, NEWER])
    world.proofs.proved(world.terminal, 2.0)
    assert world.sent == [NEWER]


def test_no_answer_gives_up(world: World) -> None:
    world.terminal.session.candidate = NEW
    world.ask()
    for timer in world.timers:
        timer()
    assert (world.sent, world.given_up) == ([], 1)
