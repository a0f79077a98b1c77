# SPDX-License-Identifier: Apache-2.0
"""The port is enough: over a link in this process, without UDP and DTLS, a report goes up and is acknowledged, a command goes
down and its answer comes up."""

import pytest

from openmains.app.command.device_management.messages import Answer, Kind, OperationRequest, Outcome
from openmains.app.command.downlink import DownFrame
from openmains.app.command.sent_frames import sent_frames
from openmains.app.link.down_log import GATHER_S
from openmains.app.link.lwm2m.pipe import OPAQUE_DOWNLINK, OPAQUE_UPLINK
from openmains.drivers import catalog
from openmains.wire.coap import options as opt
from openmains.wire.coap.message import CON, Code, Message, Method, decode, encode
from openmains.wire.lwm2m.client_events import Notified, Sent
from tests.support.link import IMEI
from tests.support.link_meter import METER, NODE, PRODUCT, TENANT, World

FRAME = catalog.load().driver("openmains/water-1").vectors[0].frame
COMMAND = DownFrame(5, TENANT, METER, PRODUCT, IMEI, "valve_close", b"\x68\x01\x02")


async def test_a_report_is_acknowledged_when_it_is_on_disk() -> None:
    world = World().registered()
    world.device.post(OPAQUE_UPLINK, FRAME, world.clock.now)
    world.link.run()
    assert world.codes() == []
    await world.stored()
    assert world.codes() == [Code.CHANGED]
    (uplink,) = world.disk.uplinks
    assert (uplink.meter_id, uplink.node, uplink.channel, uplink.path) == (METER, NODE, "lwm2m", "19/0/0")
    assert uplink.payload == FRAME
    (sent,) = [event for event in world.link.felt if isinstance(event, Sent)]
    assert sent.payload  # the platform's time


async def test_a_report_by_post_r_is_the_same() -> None:
    world = World().registered()
    world.device.post(("r",), FRAME, world.clock.now)
    world.link.run()
    await world.stored()
    assert world.codes() == [Code.CHANGED]
    assert [(each.channel, each.path, each.payload) for each in world.disk.uplinks] == [("coaps", "r", FRAME)]


async def test_a_report_in_another_name_is_not_taken() -> None:
    world = World().registered()
    for path in (("r", str(IMEI + 1)), ("r", str(IMEI)), ("s",)):
        world.device.post(path, FRAME, world.clock.now)
        world.link.run()
        await world.stored()
    assert world.codes() == [Code.FORBIDDEN, Code.CHANGED, Code.NOT_FOUND]
    assert world.traffic.counters["refused.other_name"] == 1


async def test_an_empty_segment_at_the_end_is_none() -> None:
    world = World().registered()
    world.device.post(("r", ""), FRAME, world.clock.now)
    world.link.run()
    await world.stored()
    assert world.codes() == [Code.CHANGED]


@pytest.mark.parametrize("path", [("r",), ("19", "0", "0")])
@pytest.mark.parametrize(("accept", "code"), [(50, Code.NOT_ACCEPTABLE), (42, Code.CHANGED), (None, Code.CHANGED)])
async def test_an_answer_in_a_format_that_there_is_not(path: tuple[str, ...], accept: int | None, code: Code) -> None:
    world = World().registered()
    options = [(opt.URI_PATH, part.encode()) for part in path]
    options += [] if accept is None else [(opt.ACCEPT, opt.uint(accept))]
    asked = Message(CON, Method.POST, 77, b"tok", options, FRAME)
    world.traffic.message_received(world.seat, encode(asked), world.clock.now)
    await world.stored()
    world.traffic.transmit(world.clock.now)
    answers = [decode(message) for _, message in world.link.sent]
    assert [answer.code for answer in answers if answer.token == b"tok"] == [code]
    assert len(world.disk.uplinks) == (code == Code.CHANGED)


async def test_a_notification_is_acknowledged_and_its_answer_goes_down_beside_it() -> None:
    world = World().registered()
    world.device.set(OPAQUE_UPLINK, FRAME, world.clock.now)
    world.link.run()
    assert not [event for event in world.link.felt if isinstance(event, Notified)]
    await world.stored()
    assert [event for event in world.link.felt if isinstance(event, Notified)]
    assert [each.payload for each in world.disk.uplinks] == [FRAME]
    assert world.device.tree.get(OPAQUE_DOWNLINK) not in (b"", None)


async def test_answers_are_in_the_frame_log_with_what_is_known_of_them() -> None:
    """One rides in an acknowledgement, which nobody confirms; one goes down as a write, which the meter acknowledges."""
    world = World().registered()
    world.device.post(OPAQUE_UPLINK, FRAME, world.clock.now)
    world.link.run()
    await world.stored()
    world.device.set(
        OPAQUE_UPLINK, FRAME[:-1] + bytes([FRAME[-1] ^ 1]), world.clock.now
    )  # malformed: no answer of the driver
    world.link.run()
    await world.stored()
    world.clock.run(60)
    world.device.set(OPAQUE_UPLINK, FRAME, world.clock.now)
    world.link.run()
    await world.stored()
    world.clock.run(GATHER_S)
    await world.batcher.drain()
    told = [each for each in world.disk.uplinks if each.channel == "link"]
    assert {(each.path, each.tenant_id) for each in told} == {("sent", TENANT)}
    noted = [frame for each in told for frame in sent_frames(each)]
    assert [(frame.meter_id, frame.channel, frame.path, frame.outcome) for frame in noted] == [
        (METER, "lwm2m", "2.04;answer", "sent"), (METER, "lwm2m", "19/1/0;answer", "delivered"),
    ]  # fmt: skip
    (sent,) = [event for event in world.link.felt if isinstance(event, Sent)]
    assert noted[0].payload == sent.payload
    assert noted[1].payload == world.device.tree.get(OPAQUE_DOWNLINK)
    assert world.traffic.counters["down_log.noted"] == 2


async def test_what_is_not_on_disk_is_not_acknowledged() -> None:
    world = World().registered()
    world.disk.broken = True
    world.device.post(OPAQUE_UPLINK, FRAME, world.clock.now)
    world.link.run()
    await world.stored()
    assert world.codes() == [Code.SERVICE_UNAVAILABLE]
    world.device.set(OPAQUE_UPLINK, FRAME, world.clock.now)
    world.link.run()
    await world.stored()
    assert not [event for event in world.link.felt if isinstance(event, Notified)]


async def test_a_command_goes_down_and_its_answer_comes_up() -> None:
    world = World().registered()
    world.downlinks.handle([COMMAND])
    world.link.run()
    assert world.device.tree.get(OPAQUE_DOWNLINK) == COMMAND.frame
    await world.stored()
    assert [(each.channel, each.path, each.meter_id) for each in world.disk.uplinks] == [("link", "delivered/5", METER)]
    world.device.post(OPAQUE_UPLINK, FRAME, world.clock.now)  # the meter's own result is a report like any other
    world.link.run()
    await world.stored()
    assert world.codes() == [Code.CHANGED]


async def test_a_command_waits_for_the_proof_of_a_new_address() -> None:
    world = World().registered()
    world.seat.address, world.seat.proven = ("203.0.113.5", 1), False
    sent = len(world.link.sent)
    world.downlinks.handle([COMMAND])
    world.traffic.transmit(world.clock.now)
    assert [len(message) for _, message in world.link.sent[sent:]] == [4]  # a ping, in which nothing is to be read
    world.link.run()
    assert world.link.confirmed == [("203.0.113.5", 1)]
    assert world.device.tree.get(OPAQUE_DOWNLINK) == COMMAND.frame


async def test_a_command_to_a_session_that_is_gone_is_lost() -> None:
    world = World().registered()
    world.downlinks.handle([COMMAND])
    world.link.disconnect(world.seat)
    world.link.run()
    await world.stored()
    assert [each.path for each in world.disk.uplinks] == ["lost/5"]


async def test_an_operator_reads_a_value_and_observes_it() -> None:
    world = World().registered()
    said: list[Answer] = []
    operations = world.parts.operations
    operations.handle(OperationRequest(Kind.OBSERVE, IMEI, (3, 0, 9)), said.append)
    world.link.run()
    assert [(answer.outcome, answer.values[0].text) for answer in said] == [(Outcome.ANSWERED, "87")]
    world.device.set((3, 0, 9), 55, world.clock.now)
    world.link.run()
    operations.handle(OperationRequest(Kind.REGISTERED, IMEI), said.append)
    assert said[1].registered is not None
    watched = {one.path: [value.text for value in one.values] for one in said[1].registered.observed}
    assert watched[(3, 0, 9)] == ["55"]
    assert world.disk.uplinks == []  # a view of now, no reading
