# SPDX-License-Identifier: Apache-2.0
"""The client's rules one by one. What it does over a bad network is in ``test_lossy.py``."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmains.wire.coap import options as opt
from openmains.wire.coap.call import Broken, Call, ResetReceived, ResponseReceived, TimedOut
from openmains.wire.coap.client import Client
from openmains.wire.coap.message import ACK, CON, NON, RST, Code, Message, Method, Option, decode, empty, encode
from openmains.wire.coap.options import Block
from openmains.wire.coap.reliability import Timing

SERVER = "platform"


def new(**settings: Any) -> Client:
    return Client(mid_seed=0, token_seed=0, **settings)


def ask(client: Client, payload: bytes = b"report", *, confirmable: bool = True, observe: bool = False) -> Call:
    return client.request(
        SERVER,
        Method.GET if observe else Method.POST,
        ("r", "86"),
        payload,
        confirmable=confirmable,
        observe=observe,
        chance=0.5,
        now=0.0,
    )


def sent(client: Client) -> list[Message]:
    return [decode(datagram) for _, datagram in client.datagrams()]


def reply(
    client: Client,
    to: Message,
    code: int = Code.CHANGED,
    payload: bytes = b"",
    options: list[Option] | None = None,
    kind: int = ACK,
    mid: int = 900,
    now: float = 1.0,
) -> list[object]:
    mid = to.mid if kind == ACK else mid
    return [*client.receive(encode(Message(kind, code, mid, to.token, options or [], payload)), SERVER, now)]


def test_a_piggybacked_answer() -> None:
    client = new()
    call = ask(client)
    [request] = sent(client)
    assert (request.kind, request.code, request.payload) == (CON, Method.POST, b"report")
    assert request.options == [(opt.URI_PATH, b"r"), (opt.URI_PATH, b"86")]
    assert reply(client, request, payload=b"time") == [ResponseReceived(call, Code.CHANGED, [], b"time")]
    assert reply(client, request, payload=b"time") == [], "a copy is nothing new"
    assert client.next_timer() is None
    assert client.sizes() == {"calls": 0, "retransmissions": 0, "recent": 0}


def test_retransmission_doubles_and_ends() -> None:
    client = new()
    call = ask(client)
    [first] = client.datagrams()
    times = []
    events: list[object] = []
    while (timer := client.next_timer()) is not None:
        times.append(timer)
        events += client.handle_timer(timer)
        assert client.datagrams() == ([first] if len(times) < 5 else [])
    assert times == pytest.approx([2.5, 7.5, 17.5, 37.5, 77.5])
    assert events == [TimedOut(call)]


def test_own_transmission_parameters() -> None:
    timing = Timing(ack_timeout_s=5.0, ack_random_factor=1.0, max_retransmit=1)
    client = Client(mid_seed=0, token_seed=0, timing=timing)
    ask(client)
    assert client.next_timer() == 5.0
    assert client.handle_timer(5.0) == []
    assert client.next_timer() == 15.0
    assert (timing.transmit_span_s, timing.transmit_wait_s) == (5.0, 15.0)
    assert (Timing().transmit_span_s, Timing().transmit_wait_s) == (45.0, 93.0)
    assert Timing().exchange_lifetime_s == 247.0


@pytest.mark.parametrize("acknowledged_first", [True, False])
def test_a_separate_answer_is_delivered_once_and_acknowledged_each_time(acknowledged_first: bool) -> None:
    client = new()
    call = ask(client)
    [request] = sent(client)
    if acknowledged_first:
        assert client.receive(empty(ACK, request.mid), SERVER, 0.5) == []
        assert client.next_timer() == pytest.approx(93.5)
    assert reply(client, request, kind=CON) == [ResponseReceived(call, Code.CHANGED, [], b"")]
    assert reply(client, request, kind=CON) == []
    assert sent(client) == [Message(ACK, 0, 900)] * 2
    assert client.next_timer() is None


def test_no_separate_answer_in_time() -> None:
    client = new(response_timeout_s=60)
    call = ask(client)
    [request] = sent(client)
    client.receive(empty(ACK, request.mid), SERVER, 0.5)
    assert client.handle_timer(60.4) == []
    assert client.handle_timer(60.5) == [TimedOut(call)]


def test_non_requests() -> None:
    client = new(response_timeout_s=60)
    call, silent, refused = (ask(client, confirmable=False) for _ in range(3))
    messages = sent(client)
    assert {message.kind for message in messages} == {NON}
    assert reply(client, messages[0], kind=NON) == [ResponseReceived(call, Code.CHANGED, [], b"")]
    assert client.receive(empty(RST, messages[2].mid), SERVER, 1.0) == [ResetReceived(refused)]
    assert client.handle_timer(60.0) == [TimedOut(silent)]
    assert client.sizes()["calls"] == 0


def test_reset() -> None:
    client = new()
    call = ask(client)
    [request] = sent(client)
    assert client.receive(empty(RST, request.mid), SERVER, 1.0) == [ResetReceived(call)]
    assert client.next_timer() is None


def test_an_answer_must_fit_token_peer_and_message_id() -> None:
    client = new()
    ask(client)
    [request] = sent(client)
    good = Message(ACK, Code.CHANGED, request.mid, request.token)
    assert client.receive(encode(good), "stranger", 1.0) == []
    assert client.receive(encode(Message(ACK, Code.CHANGED, request.mid + 1, request.token)), SERVER, 1.0) == []
    assert client.receive(encode(Message(ACK, Code.CHANGED, request.mid, b"?")), SERVER, 1.0) == []
    assert client.datagrams() == []
    assert len(client.receive(encode(good), SERVER, 1.0)) == 1


@pytest.mark.parametrize("datagram", ["40450001", "40010001", "40000001", "40010001ff"])
def test_unasked_confirmables_are_reset(datagram: str) -> None:
    client = new()
    assert client.receive(bytes.fromhex(datagram), SERVER, 0.0) == []
    assert client.datagrams() == [(SERVER, empty(RST, 1))]


@pytest.mark.parametrize("datagram", ["50450001", "50010001", "00450001", "60450001", "70000001", "6000", "50010001ff"])
def test_other_unasked_messages_are_ignored(datagram: str) -> None:
    client = new()
    assert client.receive(bytes.fromhex(datagram), SERVER, 0.0) == []
    assert client.datagrams() == []


def test_an_unknown_critical_option_in_an_answer_rejects_it() -> None:
    client = new()
    call = ask(client)
    [request] = sent(client)
    assert reply(client, request, options=[(9, b"")]) == [Broken(call, "bad option")]
    call = ask(client)
    [request] = sent(client)
    assert reply(client, request, options=[(9, b"")], kind=CON) == [Broken(call, "bad option")]
    assert sent(client) == [Message(RST, 0, 900)]
    assert client.next_timer() is None


def block(message: Message, number: int) -> Block | None:
    value = opt.get(message.options, number)
    return None if value is None else opt.block(value)


def test_block1_takes_the_size_that_the_server_wants() -> None:
    """RFC 7959 figure 9: the first block of 128 bytes is taken, then 32 bytes a block."""
    client = new(block_szx=3)
    body = bytes(range(200))
    call = ask(client, body)
    [first] = sent(client)
    assert (block(first, opt.BLOCK1), first.payload) == (Block(0, True, 3), body[:128])
    assert opt.get_uint(first.options, opt.SIZE1) == 200
    assert reply(client, first, Code.CONTINUE, options=[(opt.BLOCK1, Block(0, True, 1).encode())]) == []
    got = b""
    for number in (4, 5, 6):
        [part] = sent(client)
        assert block(part, opt.BLOCK1) == Block(number, number < 6, 1)
        got += part.payload
        if number < 6:
            reply(client, part, Code.CONTINUE, options=[(opt.BLOCK1, Block(number, True, 1).encode())])
    assert got == body[128:]
    end = [(opt.BLOCK1, Block(6, False, 1).encode())]
    assert reply(client, part, options=end) == [ResponseReceived(call, Code.CHANGED, end, b"")]


def test_block1_starts_again_smaller_after_4_13() -> None:
    client = new(block_szx=6)
    ask(client, bytes(2000))
    [first] = sent(client)
    too_large = [(opt.BLOCK1, Block(0, True, 5).encode())]
    assert reply(client, first, Code.REQUEST_ENTITY_TOO_LARGE, options=too_large) == []
    [second] = sent(client)
    assert (block(second, opt.BLOCK1), len(second.payload)) == (Block(0, True, 5), 512)
    [event] = reply(client, second, Code.REQUEST_ENTITY_TOO_LARGE, options=too_large)
    assert isinstance(event, ResponseReceived), "the same hint twice is the end"


def test_block2_is_put_together() -> None:
    client = new()
    call = ask(client)
    [request] = sent(client)
    for number in range(3):
        options = [(opt.ETAG, b"e"), (opt.BLOCK2, Block(number, number < 2, 0).encode())]
        payload = bytes([number]) * (16 if number < 2 else 3)
        events = reply(client, request, Code.CONTENT, payload, options)
        if number < 2:
            assert events == []
            [request] = sent(client)
            assert block(request, opt.BLOCK2) == Block(number + 1, False, 0)
            assert request.payload == b""
    assert events == [ResponseReceived(call, Code.CONTENT, options, bytes(16) + b"\x01" * 16 + b"\x02" * 3)]


@pytest.mark.parametrize(
    ("second", "reason"),
    [
        ([(opt.ETAG, b"other"), (opt.BLOCK2, Block(1, False, 0).encode())], "answer changed meanwhile"),
        ([(opt.ETAG, b"e"), (opt.BLOCK2, Block(2, False, 0).encode())], "block out of order"),
        ([(opt.ETAG, b"e"), (opt.BLOCK2, b"\x17")], "bad option"),
    ],
)
def test_a_broken_block2_transfer_is_reported(second: list[Option], reason: str) -> None:
    client = new()
    call = ask(client)
    [request] = sent(client)
    reply(client, request, Code.CONTENT, bytes(16), [(opt.ETAG, b"e"), (opt.BLOCK2, Block(0, True, 0).encode())])
    [request] = sent(client)
    assert reply(client, request, Code.CONTENT, b"x", second) == [Broken(call, reason)]
    assert client.sizes()["calls"] == 0
    assert client.next_timer() is None


def test_an_answer_without_end_is_cut_off() -> None:
    client = new(max_body=100)
    call = ask(client)
    [request] = sent(client)
    for number in range(7):
        events = reply(client, request, Code.CONTENT, bytes(16), [(opt.BLOCK2, Block(number, True, 0).encode())])
        if events:
            break
        [request] = sent(client)
    assert events == [Broken(call, "answer too large")]


def notification(number: int) -> list[Option]:
    return [(opt.OBSERVE, opt.uint(number))]


def test_notifications_are_delivered_in_order_and_stale_ones_dropped() -> None:
    client = new()
    call = ask(client, b"", observe=True)
    [request] = sent(client)
    assert reply(client, request, Code.CONTENT, b"a", notification(10)) == [
        ResponseReceived(call, Code.CONTENT, notification(10), b"a", 10)
    ]
    assert len(reply(client, request, Code.CONTENT, b"b", notification(12), NON, 1)) == 1
    assert reply(client, request, Code.CONTENT, b"late", notification(11), NON, 2) == []
    assert reply(client, request, Code.CONTENT, b"b", notification(12), NON, 1) == []
    assert len(reply(client, request, Code.CONTENT, b"c", notification(13), CON, 3)) == 1
    assert sent(client) == [Message(ACK, 0, 3)]
    assert len(reply(client, request, Code.CONTENT, b"d", notification(5), NON, 4, now=200.0)) == 1, "128 s later"
    client.cancel(call)
    assert reply(client, request, Code.CONTENT, b"e", notification(6), NON, 5) == []
    assert sent(client) == [Message(RST, 0, 5)], "RFC 7641 section 3.6"


def test_the_sequence_wraps() -> None:
    client = new()
    ask(client, b"", observe=True)
    [request] = sent(client)
    assert len(reply(client, request, Code.CONTENT, b"a", notification(0xFFFFFF))) == 1
    assert len(reply(client, request, Code.CONTENT, b"b", notification(0), NON, 1)) == 1
    assert reply(client, request, Code.CONTENT, b"c", notification(0xFFFFFE), NON, 2) == []


def test_deregistering_uses_the_same_token() -> None:
    client = new()
    call = ask(client, b"", observe=True)
    [request] = sent(client)
    reply(client, request, Code.CONTENT, b"a", notification(1))
    last = client.deregister(call, chance=0.5, now=2.0)
    [message] = sent(client)
    assert (message.token, opt.get(message.options, opt.OBSERVE)) == (request.token, b"\x01")
    assert reply(client, message, Code.CONTENT, b"a") == [ResponseReceived(last, Code.CONTENT, [], b"a")]


@given(st.lists(st.tuples(st.binary(max_size=40), st.floats(0, 100)), max_size=10))
def test_garbage_never_raises(datagrams: list[tuple[bytes, float]]) -> None:
    client = new()
    ask(client)
    ask(client, observe=True)
    now = 0.0
    for datagram, step in datagrams:
        now += step
        client.handle_timer(now)
        client.receive(datagram, SERVER, now)
        for _, answer in client.datagrams():
            decode(answer)
