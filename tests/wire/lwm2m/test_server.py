# SPDX-License-Identifier: Apache-2.0
"""The server against raw CoAP: registration by the letter, reports that wait for durability, restarts, limits."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmains.wire.coap import options as opt
from openmains.wire.coap.message import ACK, CON, NON, RST, Code, Message, Method, Option, decode, encode
from openmains.wire.lwm2m import content, operation
from openmains.wire.lwm2m.events import (
    Deregistered,
    Done,
    Failed,
    Limits,
    ObservationEnded,
    RegisterWanted,
    Report,
    Updated,
)
from openmains.wire.lwm2m.registration import Registration
from openmains.wire.lwm2m.server import Server

OBJECTS = b'</>;rt="oma.lwm2m";ct=110,</1/0>,</3/0>,</19/0>,</19/1>,</3424/0>'


class Device:
    """A device made of bytes: it sends what it is told and keeps what it gets."""

    def __init__(self, server: Server | None = None, link: str = "link") -> None:
        self.server = Server(seed=3) if server is None else server
        self.link = link
        self.now = 50.0
        self.mid = 100

    def request(
        self,
        method: int,
        path: str,
        payload: bytes = b"",
        content_format: int | None = None,
        query: str = "",
        *,
        kind: int = CON,
        token: bytes = b"\x01",
    ) -> list[Any]:
        self.mid += 1
        options: list[Option] = [(opt.URI_PATH, part.encode()) for part in path.split("/") if part]
        options += [(opt.URI_QUERY, part.encode()) for part in query.split("&") if part]
        if content_format is not None:
            options.append((opt.CONTENT_FORMAT, opt.uint(content_format)))
        return self.raw(encode(Message(kind, method, self.mid, token, options, payload)))

    def raw(self, datagram: bytes) -> list[Any]:
        return list(self.server.receive(datagram, self.link, self.now))

    def got(self) -> list[Message]:
        return [decode(datagram) for link, datagram in self.server.datagrams() if link == self.link]

    def register(self, query: str = "ep=urn:imei:861234567890123&lt=3600&lwm2m=1.1&b=U") -> Registration:
        (wanted,) = self.request(Method.POST, "rd", OBJECTS, content.LINK_FORMAT, query)
        assert isinstance(wanted, RegisterWanted)
        registration = self.server.accept(wanted, self.now)
        (answer,) = self.got()
        assert answer.code == Code.CREATED
        assert [value.decode() for number, value in answer.options if number == opt.LOCATION_PATH] == [
            "rd",
            registration.location,
        ]
        return registration

    def answer(self, request: Message, code: int, payload: bytes = b"", options: Any = ()) -> list[Any]:
        return self.raw(encode(Message(ACK, code, request.mid, request.token, options, payload)))

    def observed(self, path: tuple[int, ...] = (19, 0, 0)) -> Message:
        self.server.submit(self.link, operation.observe(path), self.now)
        (asked,) = self.got()
        (done,) = self.answer(asked, Code.CONTENT, b"first", [(opt.OBSERVE, b"\x01")])
        assert isinstance(done, Done) and done.observed
        return asked

    def notify(self, asked: Message, sequence: int, payload: bytes, kind: int = CON, mid: int = 0) -> list[Any]:
        self.mid += 1
        options = [(opt.OBSERVE, opt.uint(sequence)), (opt.CONTENT_FORMAT, opt.uint(content.OPAQUE))]
        return self.raw(encode(Message(kind, Code.CONTENT, mid or self.mid, asked.token, options, payload)))


# --- registration ---


def test_nothing_is_answered_before_the_application_decides() -> None:
    device = Device()
    (wanted,) = device.request(Method.POST, "rd", OBJECTS, content.LINK_FORMAT, "ep=m&lwm2m=1.1&lt=60&b=U&Q")
    assert device.got() == []
    assert (wanted.endpoint, wanted.lifetime_s, wanted.version, wanted.queue_mode) == ("m", 60, "1.1", True)
    assert [offered.object_id for offered in wanted.objects] == [1, 3, 19, 3424]


def test_a_refusal_tells_when_to_come_back() -> None:
    device = Device()
    (wanted,) = device.request(Method.POST, "rd", OBJECTS, content.LINK_FORMAT, "ep=m&lwm2m=1.1")
    device.server.refuse(wanted, Code.SERVICE_UNAVAILABLE, device.now, max_age_s=120)
    (answer,) = device.got()
    assert (answer.code, opt.get_uint(answer.options, opt.MAX_AGE)) == (Code.SERVICE_UNAVAILABLE, 120)
    assert device.server.registration("link") is None


@pytest.mark.parametrize(
    ("query", "content_format", "payload", "code"),
    [
        ("ep=m&lwm2m=2.0", content.LINK_FORMAT, OBJECTS, Code.PRECONDITION_FAILED),
        ("lwm2m=1.0", content.LINK_FORMAT, OBJECTS, Code.BAD_REQUEST),
        ("ep=&lwm2m=1.1", content.LINK_FORMAT, OBJECTS, Code.BAD_REQUEST),
        ("ep=m&lt=x", content.LINK_FORMAT, OBJECTS, Code.BAD_REQUEST),
        ("ep=m", content.SENML_CBOR, OBJECTS, Code.UNSUPPORTED_CONTENT_FORMAT),
        ("ep=m", content.LINK_FORMAT, b"</3/0", Code.BAD_REQUEST),
        ("ep=" + "x" * 129, content.LINK_FORMAT, OBJECTS, Code.BAD_REQUEST),
    ],
)
def test_a_register_against_the_rules_is_refused(query: str, content_format: int, payload: bytes, code: int) -> None:
    device = Device()
    assert device.request(Method.POST, "rd", payload, content_format, query) == []
    assert [message.code for message in device.got()] == [code]
    assert device.server.sizes()["links"] == 0


def test_a_register_with_too_many_instances_is_refused() -> None:
    device = Device(Server(Limits(max_instances=10), seed=3))
    objects = b",".join(b"</3/%d>" % one for one in range(40))
    assert device.request(Method.POST, "rd", objects, content.LINK_FORMAT, "ep=m") == []
    assert [message.code for message in device.got()] == [Code.REQUEST_ENTITY_TOO_LARGE]


def test_version_1_1_may_leave_the_name_to_the_session() -> None:
    device = Device()
    (wanted,) = device.request(Method.POST, "rd", OBJECTS, content.LINK_FORMAT, "lwm2m=1.1")
    assert wanted.endpoint == ""
    assert device.server.accept(wanted, device.now, endpoint="urn:imei:1").endpoint == "urn:imei:1"


def test_update_and_deregister_only_over_the_own_link() -> None:
    device = Device()
    registration = device.register()
    stranger = Device(device.server, "other")
    for method in (Method.POST, Method.DELETE):
        assert stranger.request(method, f"rd/{registration.location}") == []
        assert [message.code for message in stranger.got()] == [Code.NOT_FOUND]
    device.now += 10
    (event,) = device.request(Method.POST, f"rd/{registration.location}", b"", None, "lt=7200")
    assert isinstance(event, Updated) and event.changed
    assert (registration.lifetime_s, registration.updated_unix_s) == (7200, 60.0)
    assert [message.code for message in device.got()] == [Code.CHANGED]
    (event,) = device.request(Method.DELETE, f"rd/{registration.location}")
    assert isinstance(event, Deregistered) and event.reason == "device"
    assert [message.code for message in device.got()] == [Code.DELETED]
    assert device.request(Method.POST, f"rd/{registration.location}") == []
    assert [message.code for message in device.got()] == [Code.NOT_FOUND]


def test_an_update_may_bring_new_objects() -> None:
    device = Device()
    registration = device.register()
    (event,) = device.request(Method.POST, f"rd/{registration.location}", b"</3/0>,</5/0>", content.LINK_FORMAT)
    assert event.changed and [one.object_id for one in registration.objects] == [3, 5]
    assert registration.offer.formats == (110,)


def test_the_same_endpoint_on_another_link_takes_over() -> None:
    device = Device()
    first = device.register()
    second = Device(device.server, "other").register()
    (event,) = device.server.handle_timer(device.now)
    assert isinstance(event, Deregistered) and event.registration is first and event.reason == "replaced"
    assert device.server.registration("other") is second and device.server.registration("link") is None


def test_a_registration_ends_with_its_lifetime_and_lives_on_with_updates() -> None:
    device = Device()
    registration = device.register()
    device.now += 3000
    device.request(Method.POST, f"rd/{registration.location}")
    device.got()
    timer = device.server.next_timer()
    assert timer is not None and timer == 50 + 3600 + 247
    assert device.server.handle_timer(timer) == []
    timer = device.server.next_timer()
    assert timer == 3050 + 3600 + 247
    (event,) = device.server.handle_timer(timer)
    assert isinstance(event, Deregistered) and event.reason == "expired"
    assert device.server.sizes()["links"] == 0 and device.server.next_timer() is None


def test_renewals_cost_no_memory() -> None:
    device = Device()
    registration = device.register()
    for number in range(200):
        device.now += 1
        device.request(Method.POST, f"rd/{registration.location}", b"", None, f"lt={3600 + number % 2}")
        device.got()
    assert device.server.sizes()["expiries"] <= 2


# --- reports ---


@pytest.mark.parametrize(
    ("path", "content_format", "kind", "target"),
    [
        ("3424/0/1", content.TEXT, "post", (3424, 0, 1)),
        ("19/0/0", content.OPAQUE, "object19", (19, 0, 0)),
        ("dp", content.SENML_CBOR, "send", ()),
    ],
)
@pytest.mark.parametrize("confirmable", [CON, NON])
def test_a_report_is_answered_when_it_is_durable(
    path: str, content_format: int, kind: str, target: tuple[int, ...], confirmable: int
) -> None:
    device = Device()
    registration = device.register()
    (report,) = device.request(Method.POST, path, b"\x01\x02", content_format, kind=confirmable)
    assert isinstance(report, Report)
    assert (report.kind, report.path, report.content_format, report.payload) == (
        kind,
        target,
        content_format,
        b"\x01\x02",
    )
    assert report.registration is registration and report.confirmable is (confirmable == CON)
    assert device.got() == []
    device.server.respond(report, Code.CHANGED, b"time", now=device.now)
    (answer,) = device.got()
    assert (answer.code, answer.payload) == (Code.CHANGED, b"time")


def test_a_report_of_an_unknown_device_makes_it_register() -> None:
    device = Device()
    for path in ("3424/0/1", "dp"):
        assert device.request(Method.POST, path, b"1", content.SENML_CBOR) == []
        assert [message.code for message in device.got()] == [Code.NOT_FOUND]
    assert device.server.counters["report unregistered"] == 2


def test_other_resources_are_passed_through() -> None:
    device = Device()
    (request,) = device.request(Method.POST, "r/861234567890123", b"frame")
    assert request.path == ("r", "861234567890123")
    device.server.answer(request, Code.CHANGED, b"ok", now=device.now)
    assert [message.payload for message in device.got()] == [b"ok"]


def test_send_needs_a_pack_that_we_read() -> None:
    device = Device()
    device.register()
    assert device.request(Method.POST, "dp", b"1", content.TEXT) == []
    assert [message.code for message in device.got()] == [Code.UNSUPPORTED_CONTENT_FORMAT]


# --- notifications ---


def test_a_confirmable_notification_is_acknowledged_when_it_is_durable() -> None:
    device = Device()
    device.register()
    asked = device.observed()
    (report,) = device.notify(asked, 2, b"frame", mid=700)
    assert (report.kind, report.path, report.payload, report.confirmable) == ("object19", (19, 0, 0), b"frame", True)
    assert device.got() == [] and device.notify(asked, 2, b"frame", mid=700) == []  # a copy meanwhile: silence
    assert device.got() == []
    device.server.respond(report, Code.CHANGED, now=device.now)
    assert [(one.kind, one.code, one.mid) for one in device.got()] == [(ACK, 0, 700)]
    assert device.notify(asked, 2, b"frame", mid=700) == []  # a copy later: the acknowledgement again
    assert [(one.kind, one.mid) for one in device.got()] == [(ACK, 700)]


def test_a_notification_in_the_place_of_a_lost_answer_is_a_report() -> None:
    """Found on the bad network: the answer to Observe was lost, and what came first was already data."""
    device = Device()
    device.register()
    device.server.submit("link", operation.observe((19, 0, 0)), device.now)
    (asked,) = device.got()
    done, report = device.notify(asked, 3, b"frame", mid=700)
    assert isinstance(done, Done) and done.observed and isinstance(report, Report) and report.payload == b"frame"
    assert device.got() == []
    device.server.respond(report, Code.CHANGED, now=device.now)
    assert [(one.kind, one.mid) for one in device.got()] == [(ACK, 700)]


def test_a_notification_that_was_not_stored_comes_again() -> None:
    device = Device()
    device.register()
    asked = device.observed()
    (report,) = device.notify(asked, 2, b"frame", mid=700)
    device.server.respond(report, Code.SERVICE_UNAVAILABLE, now=device.now)
    assert device.got() == []
    (again,) = device.notify(asked, 2, b"frame", mid=700)
    assert again.payload == b"frame" and again.fresh
    device.server.respond(again, Code.CHANGED, now=device.now)
    assert [(one.kind, one.mid) for one in device.got()] == [(ACK, 700)]


def test_a_notification_that_was_overtaken_is_not_lost() -> None:
    device = Device()
    device.register()
    asked = device.observed((3424, 0, 1))
    (newer,) = device.notify(asked, 9, b"2", NON)
    (older,) = device.notify(asked, 8, b"1", NON)
    assert (newer.payload, newer.fresh) == (b"2", True)
    assert (older.payload, older.fresh) == (b"1", False)


def test_an_error_ends_an_observation() -> None:
    device = Device()
    registration = device.register()
    asked = device.observed()
    (event,) = device.raw(encode(Message(CON, Code.NOT_FOUND, 900, asked.token)))
    assert isinstance(event, ObservationEnded) and event.code == Code.NOT_FOUND
    assert registration.observations == {}
    assert [(one.kind, one.mid) for one in device.got()] == [(ACK, 900)]


def test_dropping_an_observation_answers_the_next_notification_with_a_reset() -> None:
    device = Device()
    registration = device.register()
    asked = device.observed()
    assert device.server.drop(registration, (19, 0, 0)) and not device.server.drop(registration, (19, 0, 0))
    assert device.notify(asked, 2, b"frame", mid=701) == []
    assert [(one.kind, one.mid) for one in device.got()] == [(RST, 701)]


def test_observing_again_replaces_the_older_token() -> None:
    device = Device()
    registration = device.register()
    first, second = device.observed(), device.observed()
    assert len(registration.observations) == 1 and first.token != second.token
    assert device.notify(first, 2, b"x", mid=702) == []
    assert [one.kind for one in device.got()] == [RST]
    assert len(device.notify(second, 2, b"x")) == 1


# --- restarts ---


def test_registration_and_observations_survive_a_restart() -> None:
    device = Device()
    registration = device.register()
    asked = device.observed()
    dump = registration.dump()
    reborn = Device(Server(seed=99), "new session")
    reborn.server.restore("new session", Registration.load(dump), 60.0)
    (report,) = reborn.notify(asked, 3, b"frame")
    assert (report.kind, report.payload, report.registration.endpoint) == (
        "object19",
        b"frame",
        "urn:imei:861234567890123",
    )
    (event,) = reborn.request(Method.POST, f"rd/{registration.location}")
    assert isinstance(event, Updated)


def test_a_composite_observation_can_be_cancelled_after_a_restart() -> None:
    device = Device()
    registration = device.register()
    paths = [(3, 0, 9), (3424, 0, 1)]
    device.server.submit("link", operation.observe_composite(paths), device.now)
    (asked,) = device.got()
    device.answer(asked, Code.CONTENT, b"\x80", [(opt.OBSERVE, b"\x01")])
    reborn = Device(Server(seed=99))
    reborn.server.restore("link", Registration.load(registration.dump()), 60.0)
    reborn.server.submit("link", operation.cancel(*paths), 60.0)
    (cancel,) = reborn.got()
    assert (cancel.code, cancel.token, cancel.payload) == (Method.FETCH, asked.token, asked.payload)
    assert (opt.OBSERVE, b"\x01") in cancel.options
    (done,) = reborn.answer(cancel, Code.CONTENT, b"\x80")
    assert isinstance(done, Done) and not done.observed


def test_forgetting_a_link_keeps_what_can_be_restored() -> None:
    device = Device()
    registration = device.register()
    asked = device.observed()
    waiting = device.server.submit("link", operation.read((3, 0, 9)), device.now)
    device.server.forget("link", device.now)
    assert [event.reason for event in device.server.handle_timer(device.now)] == ["forgotten"]
    assert device.server.sizes()["links"] == 0 and device.server.sizes()["asking_calls"] == 0
    assert not device.server.withdraw(waiting, device.now)
    device.server.restore("link", Registration.load(registration.dump()), device.now)
    assert len(device.notify(asked, 5, b"x")) == 1


# --- operations ---


def test_one_operation_at_a_time_in_order() -> None:
    device = Device()
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
    device = Device()
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
    device = Device(Server(Limits(max_waiting_per_link=1, max_observations_per_link=1), seed=3))
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
    device = Device()
    device.register()
    for path in ((3, 0, 0), (3, 0, 1)):
        device.server.submit("link", operation.read(path), device.now)
    (asked,) = device.got()
    (event,) = device.raw(encode(Message(RST, 0, asked.mid)))
    assert isinstance(event, Failed) and event.reason == "reset"
    assert len(device.got()) == 1


def test_withdrawing() -> None:
    device = Device()
    device.register()
    first, second, third = (device.server.submit("link", operation.read((3, 0, n)), device.now) for n in range(3))
    assert device.server.withdraw(second, device.now) and device.server.withdraw(first, device.now)
    assert not device.server.withdraw(first, device.now)
    asked = device.got()[-1]
    assert asked.options[-1][1] == b"2"
    (done,) = device.answer(asked, Code.CONTENT, b"x")
    assert done.operation is third


def test_an_acknowledgement_first_and_the_answer_later() -> None:
    device = Device()
    device.register()
    device.server.submit("link", operation.execute((3, 0, 4)), device.now)
    (asked,) = device.got()
    assert device.raw(encode(Message(ACK, 0, asked.mid))) == []
    (done,) = device.raw(encode(Message(CON, Code.CHANGED, 77, asked.token)))
    assert isinstance(done, Done)
    assert [(one.kind, one.mid) for one in device.got()] == [(ACK, 77)]


def test_objects_below_another_root() -> None:
    device = Device()
    objects = b'</lwm2m>;rt="oma.lwm2m",</lwm2m/3/0>'
    (wanted,) = device.request(Method.POST, "rd", objects, content.LINK_FORMAT, "ep=m&lwm2m=1.1")
    device.server.accept(wanted, device.now)
    device.got()
    device.server.submit("link", operation.read((3, 0, 9)), device.now)
    (asked,) = device.got()
    assert [value for number, value in asked.options if number == opt.URI_PATH] == [b"lwm2m", b"3", b"0", b"9"]
    device.answer(asked, Code.CONTENT, b"1")
    (event,) = device.request(
        Method.POST, f"rd/{wanted and device.server.registration('link').location}", b"</lwm2m/3/0>,</lwm2m/4/0>", 40
    )
    assert [one.object_id for one in event.registration.objects] == [3, 4]


def test_no_payload_of_an_operation_gets_into_a_text() -> None:
    """Operations are logged; a bootstrap's payload is a key."""
    assert "secret" not in repr(operation.write((0, 1), b"secret", content.TLV))


# --- limits and garbage ---


def test_links_are_bounded() -> None:
    server = Server(Limits(max_links=1, busy_max_age_s=33), seed=3)
    Device(server, "a").register("ep=a&lwm2m=1.1")
    late = Device(server, "b")
    assert late.request(Method.POST, "rd", OBJECTS, content.LINK_FORMAT, "ep=b&lwm2m=1.1") == []
    (answer,) = late.got()
    assert (answer.code, opt.get_uint(answer.options, opt.MAX_AGE)) == (Code.SERVICE_UNAVAILABLE, 33)
    server.submit("b", operation.read((3, 0, 0)), 0.0)
    assert [event.reason for event in server.handle_timer(0.0)] == ["queue full"]


@given(
    st.lists(
        st.one_of(
            st.binary(max_size=40),
            st.builds(
                lambda kind, code, mid, token, path, query, payload, more: encode(
                    Message(
                        kind,
                        code,
                        mid,
                        token,
                        [(11, one) for one in path] + [(15, one) for one in query] + more,
                        payload,
                    )
                ),
                st.integers(0, 3),
                st.sampled_from([1, 2, 3, 4, 5, 7, 0x41, 0x44, 0x45, 0x84]),
                st.integers(0, 40),
                st.sampled_from([b"", b"\x01", b"\x02\x03"]),
                st.lists(st.sampled_from([b"rd", b"dp", b"bs", b"3", b"0", b"19", b"x"]), max_size=3),
                st.lists(st.sampled_from([b"ep=a", b"lt=9", b"lwm2m=1.1", b"b=U", b"lt=x"]), max_size=3),
                st.sampled_from([b"", b"</3/0>", b"<", b"\x00"]),
                st.lists(
                    st.sampled_from([(6, b""), (6, b"\x01"), (12, b"\x28"), (12, b"\x70"), (27, b"\x08")]), max_size=2
                ),
            ),
        ),
        max_size=12,
    )
)
def test_garbage_never_raises_and_never_stays(datagrams: list[bytes]) -> None:
    device = Device()
    for number, datagram in enumerate(datagrams):
        device.now += 1
        for event in device.raw(datagram):
            if isinstance(event, RegisterWanted):
                device.server.accept(event, device.now)
                device.server.submit("link", operation.observe((3, 0, number)), device.now)
            elif isinstance(event, Report):
                device.server.respond(event, Code.CHANGED, now=device.now)
        device.got()
    assert device.server.sizes()["links"] <= 1
    device.server.forget("link", device.now)
    device.server.handle_timer(device.now)
    assert device.server.sizes()["links"] == 0 and device.server.sizes()["asking_calls"] == 0
