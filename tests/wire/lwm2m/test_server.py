# SPDX-License-Identifier: Apache-2.0
"""The server against raw CoAP: registration by the letter, reports that wait for durability, restarts, limits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmains.wire.coap import options as opt
from openmains.wire.coap.message import ACK, CON, NON, RST, Code, Message, Method, encode
from openmains.wire.lwm2m import content, operation
from openmains.wire.lwm2m.events import (
    Deregistered,
    Done,
    Limits,
    ObservationEnded,
    RegisterWanted,
    Report,
    RequestRefused,
    Updated,
)
from openmains.wire.lwm2m.registration import Registration
from openmains.wire.lwm2m.server import Server
from tests.support.lwm2m_device import OBJECTS, RawDevice

# --- registration ---


def test_nothing_is_answered_before_the_application_decides() -> None:
    device = RawDevice()
    (wanted,) = device.request(Method.POST, "rd", OBJECTS, content.LINK_FORMAT, "ep=m&lwm2m=1.1&lt=60&b=U&Q")
    assert device.got() == []
    assert (wanted.endpoint, wanted.lifetime_s, wanted.version, wanted.queue_mode) == ("m", 60, "1.1", True)
    assert [offered.object_id for offered in wanted.objects] == [1, 3, 19, 3424]


@pytest.mark.parametrize("version", ["1.0", "1.1", "1.2"])
def test_each_version_of_one_may_register(version: str) -> None:
    """1.2 too: its devices understand a server of 1.1, and refused they would stay outside for good."""
    device = RawDevice()
    (wanted,) = device.request(Method.POST, "rd", OBJECTS, content.LINK_FORMAT, f"ep=m&lwm2m={version}")
    registration = device.server.accept(wanted, device.now)
    assert registration.version == version
    assert Registration.load(registration.dump()).version == version


def test_a_refusal_tells_when_to_come_back() -> None:
    device = RawDevice()
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
    device = RawDevice()
    (refused,) = device.request(Method.POST, "rd", payload, content_format, query)
    (answer,) = device.got()
    assert answer.code == code
    assert isinstance(refused, RequestRefused) and refused.text.encode() == answer.payload
    assert answer.payload and sum(device.server.counters.values()) == 1, "the device and the operator hear why"
    assert device.server.sizes()["links"] == 0


@pytest.mark.parametrize(
    "objects",
    [
        b'</>;rt="oma.lwm2m";ct=60 110 112,</1/0>,</3/0>,</3424/0>',
        b'</>;rt="oma.lwm2m"; ct=60 110 112 , </1/0>,</3/0>,</3424/0>,',
        b'</>;rt="oma.lwm2m";ct="60 110 112",</1/0>,</3/0>,</3424/0>\0',
        b'</ >;rt="oma.lwm2m";ct=60 110 112,< /1/0>,</3/0 >,</3424/0>,\0',
    ],
)
def test_a_sloppy_registration_is_understood(objects: bytes) -> None:
    device = RawDevice()
    query = "ep= URN:IMEI:861234567890127\0&lt=86400\0&lwm2m=1.1 &b=U\0"
    (wanted,) = device.request(Method.POST, "rd", objects, content.LINK_FORMAT, query)
    assert (wanted.endpoint, wanted.lifetime_s, wanted.version) == ("URN:IMEI:861234567890127", 86_400, "1.1")
    assert [offered.object_id for offered in wanted.objects] == [1, 3, 3424]
    assert wanted.offer.formats == (60, 110, 112)


def test_a_refusal_names_what_and_where() -> None:
    device = RawDevice()
    for payload, said in (
        (b"</3/0>,</4/0", "link not closed (byte 7)"),
        (b"</3>;ct=60 </4>", "comma expected (byte 11)"),
    ):
        device.request(Method.POST, "rd", payload, content.LINK_FORMAT, "ep=m")
        (answer,) = device.got()
        assert answer.payload.decode() == f"link-format: {said}"


def test_a_register_with_too_many_instances_is_refused() -> None:
    device = RawDevice(Server(Limits(max_instances=10), seed=3))
    objects = b",".join(b"</3/%d>" % one for one in range(40))
    (refused,) = device.request(Method.POST, "rd", objects, content.LINK_FORMAT, "ep=m")
    assert (refused.path, refused.reason) == ("rd", "too many links")
    assert [message.code for message in device.got()] == [Code.REQUEST_ENTITY_TOO_LARGE]


def test_version_1_1_may_leave_the_name_to_the_session() -> None:
    device = RawDevice()
    (wanted,) = device.request(Method.POST, "rd", OBJECTS, content.LINK_FORMAT, "lwm2m=1.1")
    assert wanted.endpoint == ""
    assert device.server.accept(wanted, device.now, endpoint="urn:imei:1").endpoint == "urn:imei:1"


def test_update_and_deregister_only_over_the_own_link() -> None:
    device = RawDevice()
    registration = device.register()
    stranger = RawDevice(device.server, "other")
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
    device = RawDevice()
    registration = device.register()
    (event,) = device.request(Method.POST, f"rd/{registration.location}", b"</3/0>,</5/0>", content.LINK_FORMAT)
    assert event.changed and [one.object_id for one in registration.objects] == [3, 5]
    assert registration.offer.formats == (110,)


def test_the_same_endpoint_on_another_link_takes_over() -> None:
    device = RawDevice()
    first = device.register()
    second = RawDevice(device.server, "other").register()
    (event,) = device.server.handle_timer(device.now)
    assert isinstance(event, Deregistered) and event.registration is first and event.reason == "replaced"
    assert device.server.registration("other") is second and device.server.registration("link") is None


def test_a_registration_ends_with_its_lifetime_and_lives_on_with_updates() -> None:
    device = RawDevice()
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
    device = RawDevice()
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
    device = RawDevice()
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
    device = RawDevice()
    for path in ("3424/0/1", "dp"):
        assert device.request(Method.POST, path, b"1", content.SENML_CBOR) == []
        assert [message.code for message in device.got()] == [Code.NOT_FOUND]
    assert device.server.counters["report unregistered"] == 2


def test_other_resources_are_passed_through() -> None:
    device = RawDevice()
    (request,) = device.request(Method.POST, "r/861234567890123", b"frame")
    assert request.path == ("r", "861234567890123")
    device.server.answer(request, Code.CHANGED, b"ok", now=device.now)
    assert [message.payload for message in device.got()] == [b"ok"]


def test_send_needs_a_pack_that_we_read() -> None:
    device = RawDevice()
    device.register()
    assert device.request(Method.POST, "dp", b"1", content.TEXT) == []
    assert [message.code for message in device.got()] == [Code.UNSUPPORTED_CONTENT_FORMAT]


def test_a_send_after_a_reboot_is_a_report_of_its_own() -> None:
    """The same message id and token as a minute ago, another pack: acknowledged only with itself."""
    device = RawDevice()
    device.register()
    packs = [b'[{"n":"/3424/0/1","v":%d}]' % value for value in (1, 2)]
    for pack in packs:
        device.mid = 4000
        (report,) = device.request(Method.POST, "dp", pack, content.SENML_JSON, token=b"")
        assert (report.kind, report.payload) == ("send", pack) and device.got() == []
        device.server.respond(report, Code.CHANGED, now=device.now)
        assert [(one.kind, one.code, one.mid) for one in device.got()] == [(ACK, Code.CHANGED, 4001)]
    device.mid = 4000
    assert device.request(Method.POST, "dp", packs[0], content.SENML_JSON, token=b"") == []


# --- notifications ---


def test_a_confirmable_notification_is_acknowledged_when_it_is_durable() -> None:
    device = RawDevice()
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
    device = RawDevice()
    device.register()
    device.server.submit("link", operation.observe((19, 0, 0)), device.now)
    (asked,) = device.got()
    done, report = device.notify(asked, 3, b"frame", mid=700)
    assert isinstance(done, Done) and done.observed and isinstance(report, Report) and report.payload == b"frame"
    assert device.got() == []
    device.server.respond(report, Code.CHANGED, now=device.now)
    assert [(one.kind, one.mid) for one in device.got()] == [(ACK, 700)]


def test_a_notification_that_was_not_stored_comes_again() -> None:
    device = RawDevice()
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
    device = RawDevice()
    device.register()
    asked = device.observed((3424, 0, 1))
    (newer,) = device.notify(asked, 9, b"2", NON)
    (older,) = device.notify(asked, 8, b"1", NON)
    assert (newer.payload, newer.fresh) == (b"2", True)
    assert (older.payload, older.fresh) == (b"1", False)


def test_notifications_of_a_restarted_device_are_reports() -> None:
    device = RawDevice()
    device.register()
    asked = device.observed()
    for frame in (b"before", b"after!"):
        (report,) = device.notify(asked, 2, frame, mid=1)
        assert report.payload == frame and device.got() == []
        device.server.respond(report, Code.CHANGED, now=device.now)
        assert [(one.kind, one.mid) for one in device.got()] == [(ACK, 1)]


def test_an_error_ends_an_observation() -> None:
    device = RawDevice()
    registration = device.register()
    asked = device.observed()
    (event,) = device.raw(encode(Message(CON, Code.NOT_FOUND, 900, asked.token)))
    assert isinstance(event, ObservationEnded) and event.code == Code.NOT_FOUND
    assert registration.observations == {}
    assert [(one.kind, one.mid) for one in device.got()] == [(ACK, 900)]


def test_dropping_an_observation_answers_the_next_notification_with_a_reset() -> None:
    device = RawDevice()
    registration = device.register()
    asked = device.observed()
    assert device.server.drop(registration, (19, 0, 0)) and not device.server.drop(registration, (19, 0, 0))
    assert device.notify(asked, 2, b"frame", mid=701) == []
    assert [(one.kind, one.mid) for one in device.got()] == [(RST, 701)]


def test_observing_again_replaces_the_older_token() -> None:
    device = RawDevice()
    registration = device.register()
    first, second = device.observed(), device.observed()
    assert len(registration.observations) == 1 and first.token != second.token
    assert device.notify(first, 2, b"x", mid=702) == []
    assert [one.kind for one in device.got()] == [RST]
    assert len(device.notify(second, 2, b"x")) == 1


# --- restarts ---


def test_registration_and_observations_survive_a_restart() -> None:
    device = RawDevice()
    registration = device.register()
    asked = device.observed()
    dump = registration.dump()
    reborn = RawDevice(Server(seed=99), "new session")
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
    device = RawDevice()
    registration = device.register()
    paths = [(3, 0, 9), (3424, 0, 1)]
    device.server.submit("link", operation.observe_composite(paths), device.now)
    (asked,) = device.got()
    device.answer(asked, Code.CONTENT, b"\x80", [(opt.OBSERVE, b"\x01")])
    reborn = RawDevice(Server(seed=99))
    reborn.server.restore("link", Registration.load(registration.dump()), 60.0)
    reborn.server.submit("link", operation.cancel(*paths), 60.0)
    (cancel,) = reborn.got()
    assert (cancel.code, cancel.token, cancel.payload) == (Method.FETCH, asked.token, asked.payload)
    assert (opt.OBSERVE, b"\x01") in cancel.options
    (done,) = reborn.answer(cancel, Code.CONTENT, b"\x80")
    assert isinstance(done, Done) and not done.observed


def test_forgetting_a_link_keeps_what_can_be_restored() -> None:
    device = RawDevice()
    registration = device.register()
    asked = device.observed()
    waiting = device.server.submit("link", operation.read((3, 0, 9)), device.now)
    device.server.forget("link", device.now)
    assert [event.reason for event in device.server.handle_timer(device.now)] == ["forgotten"]
    assert device.server.sizes()["links"] == 0 and device.server.sizes()["asking_calls"] == 0
    assert not device.server.withdraw(waiting, device.now)
    device.server.restore("link", Registration.load(registration.dump()), device.now)
    assert len(device.notify(asked, 5, b"x")) == 1


# --- limits and garbage ---


def test_links_are_bounded() -> None:
    server = Server(Limits(max_links=1, busy_max_age_s=33), seed=3)
    RawDevice(server, "a").register("ep=a&lwm2m=1.1")
    late = RawDevice(server, "b")
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
    device = RawDevice()
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
