# SPDX-License-Identifier: Apache-2.0
"""Commands on their last leg: each ends once, as delivered or lost, whatever the link does to it."""

import pytest

from openmains.app.command.downlink import DownFrame
from openmains.app.command.sent_frames import sent_frames
from openmains.app.link.downlinks import Downlinks
from openmains.app.link.link_reports import AGAIN_S
from openmains.app.link.proofs import PROOF_S, Proofs
from tests.support.link import EPOCH_US, IMEI, RecordingLink, RecordingSender, RecordingStream, Seat, VirtualClock


def frame(command_id: int, imei: int = IMEI) -> DownFrame:
    return DownFrame(command_id, 1, 7, 3, imei, "valve_close", b"\x01\x02")


class World:
    """One meter, and the dispatcher's frames for it."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.seat = Seat()
        self.link = RecordingLink([self.seat])
        self.sender = RecordingSender()
        self.stream = RecordingStream()
        self.pinged: list[bytes] = []
        self.allowed = True
        self.stopped: set[int] = set()
        self.proofs = Proofs(self.link, self.clock, self.pinged.append)
        self.downlinks = Downlinks(
            node=2,
            link=self.link,
            clock=self.clock,
            proofs=self.proofs,
            sender=self.sender,
            may_command=lambda imei: self.allowed,
            stopped=lambda tenant_id: tenant_id in self.stopped,
            publish=self.stream.publish,
        )


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.parametrize(("delivered", "word"), [(True, "delivered/5"), (False, "lost/5")])
def test_what_was_sent_ends_as_delivered_or_lost(world: World, delivered: bool, word: str) -> None:
    world.downlinks.handle([frame(5)])
    assert (world.sender.sent, world.stream.uplinks) == ([(5, world.seat.cid)], [])
    assert world.link.wanted == 1
    world.downlinks.ended(frame(5), delivered=delivered)
    world.downlinks.ended(frame(5), delivered=delivered)  # a late answer after all: it was told already
    ((uplink, _),) = world.stream.uplinks
    assert (uplink.channel, uplink.path, uplink.meter_id, uplink.tenant_id, uplink.node) == ("link", word, 7, 1, 2)
    assert uplink.received_us == EPOCH_US + 1_000_000_000


@pytest.mark.parametrize(("delivered", "outcome"), [(True, "delivered"), (False, "lost")])
def test_its_bytes_are_in_the_frame_log(world: World, delivered: bool, outcome: str) -> None:
    world.downlinks.handle([frame(5)])
    world.clock.run(3)
    world.downlinks.ended(frame(5), delivered=delivered)
    ((uplink, _),) = world.stream.uplinks
    (sent,) = sent_frames(uplink)
    assert (sent.meter_id, sent.tenant_id, sent.number, sent.channel, sent.path) == (
        7,
        1,
        5,
        "test",
        f"down;command={frame(5).kind}",
    )
    assert (sent.outcome, sent.payload) == (outcome, frame(5).frame)
    assert sent.sent_us == EPOCH_US + 1_000_000_000, "when it was handed to the radio, not when that was known"
    assert uplink.received_us == sent.sent_us + 3_000_000


def test_what_never_left_is_said_to_be_so(world: World) -> None:
    world.allowed = False
    world.downlinks.handle([frame(5)])
    ((uplink, _),) = world.stream.uplinks
    assert [sent.outcome for sent in sent_frames(uplink)] == ["not_sent"]


def test_a_meter_whose_session_is_elsewhere_is_left_to_that_node(world: World) -> None:
    world.downlinks.handle([frame(5, imei=1)])
    assert (world.sender.sent, world.stream.uplinks) == ([], [])
    assert world.downlinks.counters == {"downlink.not_here": 1}


def test_the_same_command_is_not_sent_twice_at_a_time(world: World) -> None:
    world.downlinks.handle([frame(5), frame(5)])
    assert world.sender.sent == [(5, world.seat.cid)]
    world.downlinks.ended(frame(5), delivered=False)
    world.downlinks.handle([frame(5)])
    assert world.sender.sent == [(5, world.seat.cid)] * 2


def test_a_terminal_that_is_held_is_sent_nothing(world: World) -> None:
    world.allowed = False
    world.downlinks.handle([frame(5)])
    assert (world.sender.sent, world.stream.paths()) == ([], ["lost/5"])


def test_without_a_proof_of_address_it_is_lost(world: World) -> None:
    world.seat.proven = False
    world.downlinks.handle([frame(5)])
    assert (world.sender.sent, world.pinged) == ([], [world.seat.cid])
    world.clock.run(PROOF_S)
    assert (world.sender.sent, world.stream.paths()) == ([], ["lost/5"])


def test_a_stop_holds_for_what_waited_for_a_proof(world: World) -> None:
    world.seat.proven = False
    world.downlinks.handle([frame(5)])
    world.stopped.add(1)
    world.proofs.proved(world.seat, world.clock.now)
    assert (world.sender.sent, world.stream.paths()) == ([], ["lost/5"])
    assert world.downlinks.counters["downlink.stopped"] == 1


def test_what_the_stream_did_not_take_is_told_again(world: World) -> None:
    world.downlinks.handle([frame(5)])
    world.downlinks.ended(frame(5), delivered=True)
    world.stream.uplinks[0][1](False)
    assert world.stream.paths() == ["delivered/5"]
    world.clock.run(AGAIN_S)
    assert world.stream.paths() == ["delivered/5"] * 2
    world.stream.uplinks[1][1](True)
    world.clock.run(AGAIN_S)
    assert world.stream.paths() == ["delivered/5"] * 2
