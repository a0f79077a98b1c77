# SPDX-License-Identifier: Apache-2.0
"""Frames that went down are gathered for the log: nobody waits for it, and it never grows without end."""

from openmains.app.command.sent_frames import SENT, sent_frames
from openmains.app.fleet.identities import Identity
from openmains.app.ingest.uplink import Uplink
from openmains.app.link import down_log
from openmains.app.link.down_log import AGAIN_S, BUNDLE, GATHER_S, DownLog
from openmains.domain.ids import MeterId, ProductId, TenantId
from tests.support.link import EPOCH_US, IMEI, RecordingStream, VirtualClock


class World:
    def __init__(self) -> None:
        self.clock, self.stream = VirtualClock(), RecordingStream()
        self.log = DownLog(
            clock=self.clock,
            who=lambda imei: Identity(MeterId(7), TenantId(1), ProductId(3)) if imei == IMEI else None,
            publish=self.stream.publish,
        )

    def answer(self, meter: int = 7, tenant: int = 1) -> None:
        report = Uplink(MeterId(meter), TenantId(tenant), ProductId(3), "coaps", "r", 5, b"up")
        self.log.answered(report, "2.04", SENT, b"down")


def test_a_second_of_answers_is_one_uplink_a_utility() -> None:
    world = World()
    for meter in range(5):
        world.answer(meter)
        world.answer(meter, tenant=2)
    assert world.stream.uplinks == []
    world.clock.run(GATHER_S)
    assert [(uplink.channel, uplink.path, uplink.tenant_id) for uplink, _ in world.stream.uplinks] == [
        ("link", "sent", 1), ("link", "sent", 2),
    ]  # fmt: skip
    frames = sent_frames(world.stream.uplinks[0][0])
    assert [frame.meter_id for frame in frames] == [0, 1, 2, 3, 4]
    assert {(frame.channel, frame.path, frame.outcome, frame.payload) for frame in frames} == {
        ("coaps", "2.04;answer", SENT, b"down")
    }
    assert frames[0].sent_us == EPOCH_US + 1_000_000_000
    assert len({frame.number for frame in frames}) == 5, "two in one microsecond are two rows"
    world.clock.run(100)
    assert len(world.stream.uplinks) == 2


def test_many_do_not_wait_for_the_second() -> None:
    world = World()
    for _ in range(BUNDLE):
        world.answer()
    assert [len(sent_frames(uplink)) for uplink, _ in world.stream.uplinks] == [BUNDLE]


def test_what_the_stream_did_not_take_goes_again_and_memory_is_bounded() -> None:
    world = World()
    for _ in range(down_log.WAITING + 5):
        world.answer()
    assert world.log.counters["down_log.forgotten"] == 5
    bundles = len(world.stream.uplinks)
    world.stream.uplinks[0][1](False)
    world.clock.run(AGAIN_S)
    assert len(world.stream.uplinks) == bundles + 1
    assert world.stream.uplinks[-1][0] == world.stream.uplinks[0][0]
    world.stream.uplinks[-1][1](True)
    assert world.log.counters["down_log.noted"] == BUNDLE
    world.answer()
    assert world.log.counters["down_log.forgotten"] == 5


def test_an_operators_frames_belong_to_the_meter_with_this_module() -> None:
    world = World()
    world.log.operated(IMEI, "lwm2m", "3/0/14", "write", "delivered", b"+08:00")
    world.log.operated(1, "lwm2m", "3/0/14", "write", "delivered", b"+08:00")  # nobody's
    world.log.flush()
    ((uplink, _),) = world.stream.uplinks
    assert [(frame.meter_id, frame.path) for frame in sent_frames(uplink)] == [(7, "3/0/14;write")]
