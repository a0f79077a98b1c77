# SPDX-License-Identifier: Apache-2.0
"""A copy is the same byte for byte: two different datagrams never share an answer, whatever their ids and tokens.

A module that reboots counts its message ids from one again, with an empty or the same token, within EXCHANGE_LIFETIME.
Its second report answered with the first one's kept answer would be acknowledged and lost.
"""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmains.wire.coap import options as opt
from openmains.wire.coap.call import ResponseReceived
from openmains.wire.coap.client import Client
from openmains.wire.coap.exchange import Limits, Request
from openmains.wire.coap.message import ACK, CON, NON, RST, Code, Message, Method, decode, encode
from openmains.wire.coap.options import Block
from openmains.wire.coap.server import Server

METER = ("192.0.2.7", 40000)
PATH = [(opt.URI_PATH, b"r")]


def post(payload: bytes, *, mid: int = 1, kind: int = CON, token: bytes = b"", options: Any = ()) -> bytes:
    return encode(Message(kind, Method.POST, mid, token, [*PATH, *options], payload))


def answer(server: Server, datagram: bytes, said: bytes, now: float = 0.0) -> list[bytes]:
    """The application says ``said`` to whatever reaches it: what goes out."""
    for event in server.receive(datagram, METER, now):
        assert isinstance(event, Request)
        server.respond(event.exchange, Code.CHANGED, said, now=now)
    return [sent for _, sent in server.datagrams()]


@pytest.mark.parametrize("token", [b"", b"\x01"])
def test_a_rebooted_modules_report_is_no_copy(token: bytes) -> None:
    server = Server(mid_seed=7)
    first = answer(server, post(b"yesterday", token=token), b"1")
    (event,) = server.receive(post(b"today", token=token), METER, 60.0)
    assert isinstance(event, Request) and event.payload == b"today"
    server.respond(event.exchange, Code.CHANGED, b"2", now=60.0)
    [(_, second)] = server.datagrams()
    assert decode(second).payload == b"2"
    # Each keeps its own answer for its own copies, also after the other came.
    assert answer(server, post(b"yesterday", token=token), b"never", 61.0) == first
    assert answer(server, post(b"today", token=token), b"never", 61.0) == [second]
    assert server.counters == {"duplicate": 2}


def test_what_was_not_stored_is_not_acknowledged_by_the_copy_of_another() -> None:
    server = Server(mid_seed=7)
    (first,) = server.receive(post(b"yesterday"), METER, 0.0)
    (second,) = server.receive(post(b"today"), METER, 1.0)
    assert isinstance(first, Request) and isinstance(second, Request)
    server.respond(second.exchange, Code.SERVICE_UNAVAILABLE, now=1.5)
    assert [decode(sent).code for _, sent in server.datagrams()] == [Code.SERVICE_UNAVAILABLE]
    assert [decode(sent).code for sent in answer(server, post(b"today"), b"")] == [Code.SERVICE_UNAVAILABLE]


REQUESTS = st.builds(
    post,
    st.binary(max_size=8),
    mid=st.integers(1, 2),
    kind=st.sampled_from((CON, NON)),
    token=st.sampled_from((b"", b"\x01", b"12345678")),
    options=st.sampled_from(
        ((), ((opt.CONTENT_FORMAT, b"\x2a"),), ((opt.URI_QUERY, b"a=1"),), ((opt.BLOCK1, Block(0, False, 6).encode()),))
    ),
)


@given(st.lists(REQUESTS, min_size=2, max_size=12))
def test_two_different_datagrams_never_share_an_answer(datagrams: list[bytes]) -> None:
    """The application numbers its answers: each datagram has one number of its own, each copy its first one's."""
    server = Server(mid_seed=7)
    served: dict[bytes, bytes] = {}
    for number, datagram in enumerate(datagrams):
        out = answer(server, datagram, b"%d" % number, float(number))
        if datagram in served:
            assert out == ([served[datagram]] if decode(datagram).kind == CON else [])
        else:
            [served[datagram]] = out
            assert decode(served[datagram]).payload == b"%d" % number
    assert len({decode(one).payload for one in served.values()}) == len(set(datagrams))


def test_one_byte_far_inside_makes_another_message() -> None:
    server = Server(mid_seed=7)
    payloads = [bytes(400) + bytes([value]) + bytes(400) for value in range(256)]
    answers = [answer(server, post(payload), b"%d" % number) for number, payload in enumerate(payloads)]
    assert all(one != other for one, other in pairwise(answers))


def test_messages_too_long_to_read_are_told_apart_too() -> None:
    server = Server(Limits(max_datagram=200), mid_seed=7)
    for payload in (bytes(300), bytes(299) + b"x"):
        (sent,) = answer(server, post(payload), b"")
        assert decode(sent).code == Code.REQUEST_ENTITY_TOO_LARGE
    assert server.counters == {"too large": 2}


def test_reused_ids_cost_no_more_memory_than_others() -> None:
    server = Server(Limits(max_exchanges=100), mid_seed=7)
    for number in range(1000):
        answer(server, post(b"%d" % number), b"", now=number / 10)
        assert server.sizes()["exchanges"] <= 101
    answer(server, post(b"last"), b"", now=1000.0)
    assert server.sizes()["exchanges"] == 1 and server.sizes()["open"] == 0


def test_a_body_in_blocks_is_not_mixed_with_the_one_before_the_reboot() -> None:
    """The same ids, an empty token, equal first blocks: the second body arrives whole, or is refused – never mixed."""
    server = Server(mid_seed=7)

    def block(mid: int, number: int, more: bool, payload: bytes) -> list[Any]:
        return [
            *server.receive(post(payload, mid=mid, options=[(opt.BLOCK1, Block(number, more, 0).encode())]), METER, 0.0)
        ]

    head, first, second = b"h" * 16, b"1" * 16, b"2" * 16
    assert block(1, 0, True, head) == block(2, 1, True, first) == []
    server.datagrams()
    assert block(1, 0, True, head) == block(2, 1, True, second) == block(3, 2, False, b"tail") == []
    codes = [decode(sent).code for _, sent in server.datagrams()]
    assert codes == [Code.CONTINUE, Code.REQUEST_ENTITY_INCOMPLETE, Code.REQUEST_ENTITY_INCOMPLETE], (
        "the meter begins anew"
    )
    assert block(4, 0, True, head) == block(5, 1, True, second) == []
    (whole,) = block(6, 2, False, b"tail")
    assert whole.payload == head + second + b"tail"


# --- the client ---


def observing(*, hold: bool) -> tuple[Client, bytes]:
    client = Client(mid_seed=0, token_seed=0, hold_notifications=hold)
    client.request(METER, Method.GET, ("19", "0", "0"), observe=True, chance=0.5, now=0.0)
    [(_, sent)] = client.datagrams()
    asked = decode(sent)
    client.receive(
        encode(Message(ACK, Code.CONTENT, asked.mid, asked.token, [(opt.OBSERVE, b"\x01")], b"")), METER, 0.0
    )
    return client, asked.token


def notice(token: bytes, payload: bytes, sequence: int, *, kind: int = CON, mid: int = 1) -> bytes:
    return encode(Message(kind, Code.CONTENT, mid, token, [(opt.OBSERVE, opt.uint(sequence))], payload))


def told(client: Client) -> list[tuple[int, int]]:
    return [(message.kind, message.mid) for message in (decode(sent) for _, sent in client.datagrams())]


@pytest.mark.parametrize("kind", [CON, NON])
def test_notifications_after_a_restart_are_delivered(kind: int) -> None:
    """Ids 1, 2, 3 and the Observe numbers begin again; each notification is a record."""
    client, token = observing(hold=True)
    for life in (b"before", b"after"):
        for number in (1, 2, 3):
            datagram = notice(token, life + b"%d" % number, number + 1, kind=kind, mid=number)
            (event,) = client.receive(datagram, METER, 1.0)
            assert isinstance(event, ResponseReceived) and event.payload == life + b"%d" % number
            assert told(client) == [], "nothing is acknowledged before it is stored"
            client.acknowledge(event)
            assert told(client) == ([(ACK, number)] if kind == CON else [])
            assert client.receive(datagram, METER, 1.0) == []
            assert told(client) == ([(ACK, number)] if kind == CON else [])


def test_of_two_that_wait_under_one_id_only_the_later_is_acknowledged() -> None:
    client, token = observing(hold=True)
    (first,) = client.receive(notice(token, b"before", 2), METER, 1.0)
    (second,) = client.receive(notice(token, b"after", 3), METER, 2.0)
    assert isinstance(first, ResponseReceived) and isinstance(second, ResponseReceived)
    client.acknowledge(first)
    assert told(client) == [], "its sender waits for the second's"
    client.decline(second)
    assert client.receive(notice(token, b"before", 2), METER, 3.0) == []
    client.datagrams()
    (again,) = client.receive(notice(token, b"after", 3), METER, 3.0)
    assert isinstance(again, ResponseReceived) and again.payload == b"after"
    client.acknowledge(again)
    assert told(client) == [(ACK, 1)]


def test_a_message_with_a_strange_token_is_no_copy() -> None:
    """It was acknowledged for its id alone: the sender thought that somebody had it."""
    client, token = observing(hold=False)
    client.receive(notice(token, b"1", 2, mid=9), METER, 1.0)
    assert told(client) == [(ACK, 9)]
    assert client.receive(notice(b"other", b"1", 2, mid=9), METER, 1.0) == []
    assert told(client) == [(RST, 9)]


@given(
    st.lists(st.tuples(st.integers(1, 2), st.binary(max_size=3), st.sampled_from((CON, NON))), min_size=2, max_size=12)
)
def test_each_different_notification_is_delivered_once(notices: list[tuple[int, bytes, int]]) -> None:
    client, token = observing(hold=True)
    delivered: list[tuple[int, bytes, int]] = []
    for mid, payload, kind in notices:
        events = client.receive(notice(token, payload, 2, kind=kind, mid=mid), METER, 1.0)
        for event in events:
            assert isinstance(event, ResponseReceived)
            delivered.append((mid, event.payload, kind))
            client.acknowledge(event)
        assert told(client) == ([(ACK, mid)] if kind == CON else [])
    assert delivered == list(dict.fromkeys(notices))
