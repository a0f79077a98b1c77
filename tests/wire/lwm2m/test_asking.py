# SPDX-License-Identifier: Apache-2.0
"""Operations: one at a time, in order, and every way in which one can fail."""

from typing import Any

from openmains.wire.coap import options as opt
from openmains.wire.coap.message import ACK, CON, RST, Code, Message, Method, encode
from openmains.wire.lwm2m import content, operation
from openmains.wire.lwm2m.events import Done, Failed, Limits
from openmains.wire.lwm2m.server import Server
from tests.support.lwm2m_device import RawDevice


def test_one_operation_at_a_time_in_order() -> None:
    device = RawDevice()
    device.register()
    first = device.server.submit("link", operation.read((3, 0, 0)), device.now)
    second = device.server.submit("link", operation.write((19, 1, 0), b"frame", content.OPAQUE), device.now)
    (asked,) = device.got()
    assert asked.code == Method.GET
    (done,) = device.answer(asked, Code.CONTENT, b"OpenMains")
    assert (done.operation, done.payload) == (first, b"OpenMains")
    (asked,) = device.got()
    assert (asked.code, asked.payload) == (Method.PUT, b"frame")
    (done,) = device.answer(asked, Code.CHANGED)
    assert done.operation is second and device.got() == []


def test_a_device_that_sleeps_costs_one_attempt_not_a_queue_of_them() -> None:
    device = RawDevice()
    device.register()
    operations = [device.server.submit("link", operation.read((3, 0, one)), device.now) for one in range(3)]
    device.got()
    events: list[Any] = []
    while len(events) < 3:
        timer = device.server.next_timer()
        assert timer is not None and timer < 200
        events += device.server.handle_timer(timer)
        sent = device.got()
        assert all(one.options[-1][1] == b"0" for one in sent)
    assert [(event.operation, event.reason) for event in events] == [
        (operations[0], "timeout"),
        (operations[1], "unreachable"),
        (operations[2], "unreachable"),
    ]


def test_operations_that_cannot_be_sent_fail_by_name() -> None:
    device = RawDevice(Server(Limits(max_waiting_per_link=1, max_observations_per_link=1), seed=3))
    device.server.submit("link", operation.observe((3, 0, 9)), device.now)
    assert [event.reason for event in device.server.handle_timer(device.now)] == ["not registered"]
    assert device.server.sizes()["links"] == 0
    device.register()
    device.server.submit("link", operation.cancel((3, 0, 9)), device.now)
    assert [event.reason for event in device.server.handle_timer(device.now)] == ["not observed"]
    device.observed((3, 0, 9))
    device.server.submit("link", operation.observe((3, 0, 13)), device.now)
    assert [event.reason for event in device.server.handle_timer(device.now)] == ["too many observations"]
    for _ in range(3):
        device.server.submit("link", operation.read((3, 0, 9)), device.now)
    assert [event.reason for event in device.server.handle_timer(device.now)] == ["queue full"]


def test_a_reset_fails_one_operation_only() -> None:
    device = RawDevice()
    device.register()
    for path in ((3, 0, 0), (3, 0, 1)):
        device.server.submit("link", operation.read(path), device.now)
    (asked,) = device.got()
    (event,) = device.raw(encode(Message(RST, 0, asked.mid)))
    assert isinstance(event, Failed) and event.reason == "reset"
    assert len(device.got()) == 1


def test_withdrawing() -> None:
    device = RawDevice()
    device.register()
    first, second, third = (device.server.submit("link", operation.read((3, 0, n)), device.now) for n in range(3))
    assert device.server.withdraw(second, device.now) and device.server.withdraw(first, device.now)
    assert not device.server.withdraw(first, device.now)
    asked = device.got()[-1]
    assert asked.options[-1][1] == b"2"
    (done,) = device.answer(asked, Code.CONTENT, b"x")
    assert done.operation is third


def test_an_acknowledgement_first_and_the_answer_later() -> None:
    device = RawDevice()
    device.register()
    device.server.submit("link", operation.execute((3, 0, 4)), device.now)
    (asked,) = device.got()
    assert device.raw(encode(Message(ACK, 0, asked.mid))) == []
    (done,) = device.raw(encode(Message(CON, Code.CHANGED, 77, asked.token)))
    assert isinstance(done, Done)
    assert [(one.kind, one.mid) for one in device.got()] == [(ACK, 77)]


def test_objects_below_another_root() -> None:
    device = RawDevice()
    objects = b'</lwm2m>;rt="oma.lwm2m",</lwm2m/3/0>'
    (wanted,) = device.request(Method.POST, "rd", objects, content.LINK_FORMAT, "ep=m&lwm2m=1.1")
    registration = device.server.accept(wanted, device.now)
    device.got()
    device.server.submit("link", operation.read((3, 0, 9)), device.now)
    (asked,) = device.got()
    assert [value for number, value in asked.options if number == opt.URI_PATH] == [b"lwm2m", b"3", b"0", b"9"]
    device.answer(asked, Code.CONTENT, b"1")
    (event,) = device.request(Method.POST, f"rd/{registration.location}", b"</lwm2m/3/0>,</lwm2m/4/0>", 40)
    assert [one.object_id for one in event.registration.objects] == [3, 4]


def test_no_payload_of_an_operation_gets_into_a_text() -> None:
    """Operations are logged; a bootstrap's payload is a key."""
    assert "secret" not in repr(operation.write((0, 1), b"secret", content.TLV))
