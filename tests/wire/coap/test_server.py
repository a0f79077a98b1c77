# SPDX-License-Identifier: Apache-2.0
"""The server's rules one by one: RFC 7252 sections 4 and 5. Block-wise and Observe have files of their own."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmains.wire.coap import options as opt
from openmains.wire.coap.exchange import Acknowledged, Limits, Request, Undelivered
from openmains.wire.coap.message import ACK, CON, NON, RST, Code, Message, Method, Option, decode, empty, encode
from openmains.wire.coap.server import Server

METER = ("192.0.2.7", 40000)
REPORT = [(opt.URI_PATH, b"r"), (opt.URI_PATH, b"861234567890123")]


def post(
    mid: int = 1, payload: bytes = b"report", kind: int = CON, options: list[Option] | None = None, token: bytes = b"tk"
) -> bytes:
    return encode(Message(kind, Method.POST, mid, token, REPORT if options is None else options, payload))


def only_request(events: Sequence[object]) -> Request:
    [event] = events
    assert isinstance(event, Request)
    return event


def sent(server: Server) -> list[Message]:
    return [decode(datagram) for _, datagram in server.datagrams()]


def test_a_report_is_answered_inside_its_acknowledgement() -> None:
    server = Server(mid_seed=7)
    request = only_request(server.receive(post(mid=0x1234), METER, 0.0))
    assert (request.method, request.path, request.query) == (Method.POST, ("r", "861234567890123"), ())
    assert (request.payload, request.confirmable, request.peer) == (b"report", True, METER)
    assert server.datagrams() == []
    server.respond(request.exchange, Code.CHANGED, b"time", now=0.5)
    assert server.datagrams() == [(METER, b"\x62\x44\x12\x34tk\xfftime")]
    assert server.datagrams() == []
    assert server.next_timer() is None


def test_query_and_other_options_reach_the_application() -> None:
    server = Server(mid_seed=7)
    options = [
        (opt.URI_HOST, b"example.org"),
        *REPORT,
        (opt.CONTENT_FORMAT, b"\x2a"),
        (opt.URI_QUERY, "名=值".encode()),
    ]
    request = only_request(server.receive(post(options=options), METER, 0.0))
    assert request.query == ("名=值",)
    assert request.options == [(opt.URI_HOST, b"example.org"), (opt.CONTENT_FORMAT, b"\x2a")]


def test_a_non_request_is_answered_with_a_non_of_an_own_message_id() -> None:
    server = Server(mid_seed=7)
    request = only_request(server.receive(post(kind=NON), METER, 0.0))
    assert not request.confirmable
    server.respond(request.exchange, Code.CHANGED, now=9.0)
    assert sent(server) == [Message(NON, Code.CHANGED, 8, b"tk", [])]


def test_a_copy_of_an_answered_request_gets_the_same_answer_and_no_event() -> None:
    server = Server(mid_seed=7)
    request = only_request(server.receive(post(), METER, 0.0))
    assert server.receive(post(), METER, 0.1) == []
    assert server.datagrams() == [], "nothing to repeat yet"
    server.respond(request.exchange, Code.CHANGED, b"x", now=0.2)
    [first] = server.datagrams()
    assert server.receive(post(), METER, 246.0) == []
    assert server.datagrams() == [first]
    assert server.counters == {"duplicate": 2}


def test_a_message_id_is_free_again_after_its_lifetime() -> None:
    server = Server(mid_seed=7)
    only_request(server.receive(post(), METER, 0.0))
    only_request(server.receive(post(), METER, 247.0))


def test_the_same_message_id_from_another_peer_or_with_another_token_is_another_request() -> None:
    server = Server(mid_seed=7)
    only_request(server.receive(post(), METER, 0.0))
    only_request(server.receive(post(), ("192.0.2.8", 40000), 0.0))
    only_request(server.receive(post(token=b"restarted"[:8]), METER, 1.0))


def test_copies_of_a_non_request_are_ignored() -> None:
    server = Server(mid_seed=7)
    request = only_request(server.receive(post(kind=NON), METER, 0.0))
    server.respond(request.exchange, Code.CHANGED, now=0.0)
    server.datagrams()
    assert server.receive(post(kind=NON), METER, 1.0) == [] == server.datagrams()


def test_a_slow_answer_is_acknowledged_first_and_sent_as_a_con_until_acknowledged() -> None:
    server = Server(mid_seed=7)
    request = only_request(server.receive(post(mid=5), METER, 10.0))
    assert server.next_timer() == 12.0
    assert server.handle_timer(12.0) == []
    assert sent(server) == [Message(ACK, 0, 5)]
    assert server.receive(post(mid=5), METER, 13.0) == []
    assert sent(server) == [Message(ACK, 0, 5)], "a copy is acknowledged again"
    server.respond(request.exchange, Code.CHANGED, b"late", now=20.0)
    [answer] = server.datagrams()
    assert decode(answer[1]) == Message(CON, Code.CHANGED, 8, b"tk", [], b"late")
    first_wait = (server.next_timer() or 0) - 20.0
    assert 2.0 <= first_wait <= 3.0
    server.handle_timer(20.0 + first_wait)
    assert server.datagrams() == [answer]
    assert server.next_timer() == pytest.approx(20.0 + 3 * first_wait)
    [event] = server.receive(empty(ACK, 8), METER, 23.0)
    assert event == Acknowledged(METER, exchange=request.exchange)
    assert server.next_timer() is None


@pytest.mark.parametrize("reset", [False, True])
def test_a_slow_answer_that_does_not_get_through_is_reported(reset: bool) -> None:
    server = Server(mid_seed=7)
    request = only_request(server.receive(post(), METER, 0.0))
    server.handle_timer(2.0)
    server.respond(request.exchange, Code.CHANGED, now=3.0)
    server.datagrams()
    if reset:
        events = server.receive(empty(RST, 8), METER, 4.0)
    else:
        events, copies = [], 0
        while (timer := server.next_timer()) is not None:
            events += server.handle_timer(timer)
            copies += len(server.datagrams())
            assert timer <= 3.0 + 93.0
        assert copies == 4
    assert events == [Undelivered(METER, request.exchange, "reset" if reset else "timeout")]
    assert server.sizes()["retransmissions"] == 0


def test_ping_is_answered_with_a_reset() -> None:
    server = Server(mid_seed=7)
    assert server.receive(empty(CON, 77), METER, 0.0) == []
    assert server.datagrams() == [(METER, empty(RST, 77))]


@pytest.mark.parametrize(
    ("datagram", "answer"),
    [
        ("40010001ff", "70000001"),  # malformed CON: Reset
        ("50010001ff", None),  # malformed NON: silence
        ("60450001ff", None),
        ("70450001ff", None),
        ("00010001", None),  # other versions: silence, even for a CON
        ("80010001", None),
        ("c0010001", None),
        ("4f010001", "70000001"),
        ("40c00001", "70000001"),
        ("40450001", "70000001"),  # a response that nobody asked for
        ("50450001", None),
        ("60450001", None),
        ("60010001", None),  # a request cannot be an acknowledgement
        ("70010001", None),
        ("50000001", None),  # empty NON
        ("60000001", None),
        ("70000001", None),
        ("", None),
        ("4001", None),
    ],
)
def test_what_is_no_request_gets_a_reset_or_silence(datagram: str, answer: str | None) -> None:
    server = Server(mid_seed=7)
    assert server.receive(bytes.fromhex(datagram), METER, 0.0) == []
    assert [data.hex() for _, data in server.datagrams()] == ([] if answer is None else [answer])
    assert sum(server.counters.values()) == 1
    assert server.sizes()["exchanges"] == 0


@pytest.mark.parametrize(
    ("option", "code"),
    [
        ((opt.IF_MATCH, b"x"), Code.BAD_OPTION),  # critical and not understood by this application
        ((9, b""), Code.BAD_OPTION),  # critical and unknown
        ((65001, b""), Code.BAD_OPTION),
        ((opt.ACCEPT, b"123"), Code.BAD_OPTION),  # critical, of a wrong length
        ((opt.URI_PATH, bytes(256)), Code.BAD_OPTION),
        ((opt.URI_PATH, b"\xff"), Code.BAD_OPTION),  # not UTF-8
        ((opt.URI_QUERY, b"\xff"), Code.BAD_OPTION),
        ((opt.PROXY_URI, b"coap://example.org"), Code.PROXYING_NOT_SUPPORTED),
        ((opt.PROXY_SCHEME, b"coap"), Code.PROXYING_NOT_SUPPORTED),
        ((opt.BLOCK1, b"\x07"), Code.BAD_REQUEST),  # reserved block size
        ((opt.BLOCK2, b"\x07"), Code.BAD_REQUEST),
    ],
)
def test_critical_options_are_refused(option: Option, code: Code) -> None:
    server = Server(mid_seed=7)
    assert server.receive(post(options=[*REPORT, option]), METER, 0.0) == []
    [answer] = sent(server)
    assert (answer.kind, answer.code, answer.mid, answer.token) == (ACK, code, 1, b"tk")
    if code != Code.BAD_REQUEST:
        assert server.receive(post(mid=2, kind=NON, options=[*REPORT, option]), METER, 0.0) == []
        assert server.datagrams() == [], "a NON is ignored (section 5.4.1)"
    assert server.sizes()["open"] == 0


def test_repeated_accept_is_refused_and_repeated_max_age_is_dropped() -> None:
    server = Server(mid_seed=7)
    assert server.receive(post(options=[*REPORT, (opt.ACCEPT, b""), (opt.ACCEPT, b"")]), METER, 0.0) == []
    assert sent(server)[0].code == Code.BAD_OPTION
    twice = [*REPORT, (opt.MAX_AGE, b"\x01"), (opt.MAX_AGE, b"\x02"), (opt.CONTENT_FORMAT, b"abc"), (2048, b"")]
    assert only_request(server.receive(post(mid=2, options=twice), METER, 0.0)).options == [(opt.MAX_AGE, b"\x01")]


def test_an_application_can_understand_more() -> None:
    server = Server(mid_seed=7, understood=[opt.IF_MATCH, 65001])
    options = [(opt.IF_MATCH, b"x"), *REPORT, (65001, bytes(300))]
    request = only_request(server.receive(post(options=options), METER, 0.0))
    assert request.options == [(opt.IF_MATCH, b"x"), (65001, bytes(300))]


def test_too_large_payloads_and_datagrams_get_4_13_with_the_size() -> None:
    server = Server(Limits(max_payload=512, max_datagram=600), mid_seed=7)
    only_request(server.receive(post(payload=bytes(512)), METER, 0.0))
    for mid, size in ((2, 513), (3, 2000)):
        assert server.receive(post(mid=mid, payload=bytes(size)), METER, 0.0) == []
        [answer] = sent(server)
        assert (answer.code, answer.token) == (Code.REQUEST_ENTITY_TOO_LARGE, b"tk")
        assert opt.get_uint(answer.options, opt.SIZE1) == 512
    assert server.receive(post(mid=3, payload=bytes(2000)), METER, 0.0) == []
    assert sent(server)[0].code == Code.REQUEST_ENTITY_TOO_LARGE, "its copy gets the same"
    assert server.receive(b"\x40\x01\x00\x09" + b"\xf0" * 700, METER, 0.0) == []
    assert sent(server)[0].code == Code.REQUEST_ENTITY_TOO_LARGE
    assert server.receive(b"\x40\x45\x00\x09" + b"\xf0" * 700, METER, 0.0) == []
    assert sent(server) == [Message(RST, 0, 9)]


def test_unknown_methods_get_4_05() -> None:
    server = Server(mid_seed=7)
    assert server.receive(encode(Message(CON, 8, 1)), METER, 0.0) == []
    assert sent(server)[0].code == Code.METHOD_NOT_ALLOWED


def test_too_many_open_requests_get_5_03() -> None:
    server = Server(Limits(max_open=2, busy_max_age_s=30), mid_seed=7)
    requests = [only_request(server.receive(post(mid=mid), METER, 0.0)) for mid in (1, 2)]
    assert server.receive(post(mid=3), METER, 0.0) == []
    [answer] = sent(server)
    assert (answer.code, opt.get_uint(answer.options, opt.MAX_AGE)) == (Code.SERVICE_UNAVAILABLE, 30)
    server.respond(requests[0].exchange, Code.CHANGED, now=0.0)
    only_request(server.receive(post(mid=4), METER, 0.0))


class Crowded:
    """``Crowd``: closed to what is longer than ``most``."""

    most, count = 40, 0

    def is_crowded(self, size: int, now: float) -> bool:
        return size > self.most

    def refused(self) -> None:
        self.count += 1


def test_a_crowd_is_refused_unread_and_its_small_messages_and_copies_are_not() -> None:
    crowd = Crowded()
    server = Server(Limits(busy_max_age_s=60), mid_seed=7, crowd=crowd)
    crowd.most = 400
    taken = only_request(server.receive(post(mid=1, payload=bytes(200)), METER, 0.0))
    crowd.most = 40
    only_request(server.receive(post(mid=2, payload=b"a"), METER, 0.0))  # small
    assert (
        server.receive(post(mid=1, payload=bytes(200)), METER, 1.0) == []
    )  # a copy of what was taken: nothing to say yet
    assert sent(server) == [] and crowd.count == 0
    for _ in range(2):  # not remembered: its copy is refused too
        assert server.receive(post(mid=3, payload=bytes(200), token=b"12345678"), METER, 2.0) == []
    first, again = sent(server)
    assert first == again
    assert (first.kind, first.code, first.mid, first.token) == (ACK, Code.SERVICE_UNAVAILABLE, 3, b"12345678")
    assert crowd.count == server.counters["crowded"] == 2 and server.sizes()["open"] == 2
    server.respond(taken.exchange, Code.CHANGED, now=2.0)
    server.receive(post(mid=1, payload=bytes(200)), METER, 3.0)
    assert [answer.code for answer in sent(server)] == [Code.CHANGED, Code.CHANGED]


def test_those_who_are_sent_away_together_do_not_come_again_together() -> None:
    server = Server(Limits(busy_max_age_s=60), mid_seed=7, crowd=Crowded())
    for mid in range(256):
        server.receive(post(mid=mid, payload=bytes(200)), METER, 0.0)
    waits = [opt.get_uint(answer.options, opt.MAX_AGE) for answer in sent(server)]
    assert {wait for wait in waits if wait is not None} == set(range(60, 124))


@pytest.mark.parametrize(
    "datagram", [b"\x40", b"\x49\x02\x00\x01" + bytes(60), b"\x44\x02\x00\x01abc", b"\x40\x01\x00\x01" + bytes(60)]
)
def test_a_crowd_leaves_what_is_no_post_to_the_rules(datagram: bytes) -> None:
    crowd = Crowded()
    Server(mid_seed=7, crowd=crowd).receive(datagram, METER, 0.0)
    assert crowd.count == 0


def test_too_many_requests_carries_max_age() -> None:
    server = Server(mid_seed=7)
    request = only_request(server.receive(post(), METER, 0.0))
    server.respond(request.exchange, Code.TOO_MANY_REQUESTS, options=((opt.MAX_AGE, opt.uint(60)),), now=0.0)
    assert sent(server) == [Message(ACK, 0x9D, 1, b"tk", [(opt.MAX_AGE, b"\x3c")])]


def test_memory_for_copies_is_bounded() -> None:
    server = Server(Limits(max_exchanges=10), mid_seed=7)
    for mid in range(1000):
        only_request(server.receive(post(mid=mid), METER, 0.0))
        assert server.sizes()["exchanges"] <= 10
        assert server.sizes()["slow"] <= 11
    only_request(server.receive(post(mid=0), METER, 0.0))
    assert server.receive(post(mid=999), METER, 0.0) == []


def test_old_exchanges_are_forgotten_with_time() -> None:
    server = Server(mid_seed=7)
    for mid in range(100):
        request = only_request(server.receive(post(mid=mid), METER, float(mid)))
        server.respond(request.exchange, Code.CHANGED, now=float(mid))
    server.receive(post(mid=500), METER, 99 + 247.0)
    assert server.sizes()["exchanges"] == 1


def test_an_answer_counts_once() -> None:
    server = Server(mid_seed=7)
    request = only_request(server.receive(post(), METER, 0.0))
    server.respond(request.exchange, Code.CHANGED, now=0.0)
    server.respond(request.exchange, Code.NOT_FOUND, now=0.0)
    assert [message.code for message in sent(server)] == [Code.CHANGED]
    assert server.counters == {"answered twice": 1}


@pytest.mark.parametrize(
    ("wish", "code", "silent"), [(2, 0x44, True), (8, 0x84, True), (2, 0x84, False), (26, 0xA0, True)]
)
def test_no_response(wish: int, code: int, silent: bool) -> None:
    """RFC 7967: a CON gets an empty ACK instead, a NON nothing."""
    server = Server(mid_seed=7)
    options = [*REPORT, (opt.NO_RESPONSE, bytes([wish]))]
    request = only_request(server.receive(post(mid=1, options=options), METER, 0.0))
    server.respond(request.exchange, code, now=0.0)
    assert [message.code for message in sent(server)] == ([0] if silent else [code])
    request = only_request(server.receive(post(mid=2, kind=NON, options=options), METER, 0.0))
    server.respond(request.exchange, code, now=0.0)
    assert len(sent(server)) == (0 if silent else 1)


def test_message_ids_in_flight_are_not_used_twice() -> None:
    server = Server(mid_seed=0xFFFE)
    for mid in range(2):
        request = only_request(server.receive(post(mid=mid), METER, 0.0))
        server.handle_timer(2.0)
        server.respond(request.exchange, Code.CHANGED, now=2.0)
    assert [message.mid for message in sent(server) if message.kind == CON] == [0xFFFF, 0]


@given(st.lists(st.tuples(st.binary(max_size=40), st.floats(0, 300)), max_size=10))
def test_garbage_never_raises_and_never_stays(datagrams: list[tuple[bytes, float]]) -> None:
    server = Server(mid_seed=7)
    now = 0.0
    for datagram, step in datagrams:
        now += step
        for event in [*server.handle_timer(now), *server.receive(datagram, METER, now)]:
            if isinstance(event, Request):
                server.respond(event.exchange, Code.CONTENT, bytes(2000), now=now, observe=True)
        for _, answer in server.datagrams():
            decode(answer)
    assert server.sizes()["open"] == 0
