# SPDX-License-Identifier: Apache-2.0
"""What waits for a meter's proof goes to an address that it has shown, and to no other (RFC 9146 section 6, R13.4)."""

import pytest

from openmains.app.link.proofs import AGAIN_S, MOST_WAITING, PROOF_S, Proofs
from tests.support.link import RecordingLink, Seat, VirtualClock

HOME, NEW, NEWER = ("192.0.2.1", 1), ("192.0.2.2", 2), ("192.0.2.3", 3)


class World:
    """Proofs over one session whose addresses the test moves."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.seat = Seat(address=HOME)
        self.link = RecordingLink([self.seat])
        self.pinged: list[object] = []
        self.sent: list[object] = []
        self.given_up = 0
        self.proofs = Proofs(self.link, self.clock, lambda cid: self.pinged.append(self.seat.address))

    def move(self, address: object) -> None:
        self.seat.address, self.seat.proven = address, False

    def ask(self) -> None:
        self.proofs.ask(self.seat, lambda terminal, now: self.sent.append(terminal.address), self.give_up)

    def give_up(self) -> None:
        self.given_up += 1


@pytest.fixture
def world() -> World:
    return World()


def test_a_confirmed_address_is_not_asked(world: World) -> None:
    world.ask()
    assert (world.sent, world.pinged) == ([HOME], [])


def test_a_new_address_is_asked_first_and_once(world: World) -> None:
    world.move(NEW)
    world.ask()
    world.ask()
    assert (world.sent, world.pinged) == ([], [NEW])
    world.proofs.proved(world.seat, 1.0)
    assert world.sent == [NEW, NEW]


def test_a_proof_for_one_address_says_nothing_of_a_newer_one(world: World) -> None:
    world.move(NEW)
    world.ask()
    world.move(NEWER)  # a thief repeats the meter's newest record from elsewhere
    world.proofs.proved(world.seat, 1.0)
    assert (world.sent, world.pinged) == ([], [NEW, NEWER])
    world.proofs.proved(world.seat, 2.0)
    assert world.sent == [NEWER]
    assert world.link.confirmed == [NEW, NEWER]


def test_no_answer_gives_up(world: World) -> None:
    world.move(NEW)
    world.ask()
    world.clock.run(PROOF_S)
    assert (world.sent, world.given_up) == ([], 1)


def test_a_lost_ping_is_sent_once_more(world: World) -> None:
    world.move(NEW)
    world.ask()
    said = world.link.wanted
    world.clock.run(AGAIN_S)
    assert world.pinged == [NEW, NEW]
    assert world.link.wanted > said
    world.proofs.proved(world.seat, 1.0)
    world.clock.run(PROOF_S)
    assert (world.pinged, world.sent, world.given_up) == ([NEW, NEW], [NEW], 0)


def test_so_many_may_wait_and_no_more() -> None:
    world = World()
    for number in range(MOST_WAITING):
        world.proofs.ask(Seat(imei=number, proven=False), lambda terminal, now: None, lambda: None)
    world.move(NEW)
    world.ask()
    assert (world.given_up, world.sent) == (1, [])
