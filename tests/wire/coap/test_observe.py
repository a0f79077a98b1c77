# SPDX-License-Identifier: Apache-2.0
"""Observe, the server's side: RFC 7641 section 4."""

from openmains.wire.coap import options as opt
from openmains.wire.coap.exchange import Acknowledged, Deregistered, Limits, Relation, Request
from openmains.wire.coap.message import ACK, CON, NON, RST, Code, Message, Method, decode, empty, encode
from openmains.wire.coap.server import Server

PEER = "browser"


def register(
    server: Server, mid: int = 1, token: bytes = b"o", observe: bytes = b"", now: float = 0.0
) -> Relation | None:
    options = [(opt.OBSERVE, observe), (opt.URI_PATH, b"valve")]
    events = server.receive(encode(Message(CON, Method.GET, mid, token, options)), PEER, now)
    request = events[-1]
    assert isinstance(request, Request)
    return server.respond(request.exchange, Code.CONTENT, b"open", now=now, observe=True)


def sent(server: Server) -> list[Message]:
    return [decode(datagram) for _, datagram in server.datagrams()]


def registered(server: Server) -> Relation:
    relation = register(server)
    assert relation is not None
    [answer] = sent(server)
    assert opt.get_uint(answer.options, opt.OBSERVE) == 0
    return relation


def test_notifications_carry_rising_numbers() -> None:
    server = Server(mid_seed=1)
    relation = registered(server)
    for _ in range(3):
        server.notify(relation, Code.CONTENT, b"closed", now=5.0)
    messages = sent(server)
    assert [opt.get_uint(message.options, opt.OBSERVE) for message in messages] == [1, 2, 3]
    assert {(message.kind, message.token, message.payload) for message in messages} == {(NON, b"o", b"closed")}


def test_the_number_wraps_at_24_bits() -> None:
    server = Server(mid_seed=1)
    relation = registered(server)
    relation.sequence = 0xFFFFFF
    server.notify(relation, Code.CONTENT, now=5.0)
    assert opt.get(sent(server)[0].options, opt.OBSERVE) == b""


def test_a_reset_to_a_non_notification_ends_it() -> None:
    server = Server(mid_seed=1)
    relation = registered(server)
    server.notify(relation, Code.CONTENT, now=5.0)
    [message] = sent(server)
    assert server.receive(empty(RST, message.mid), PEER, 6.0) == [Deregistered(relation, "reset")]
    server.notify(relation, Code.CONTENT, now=7.0)
    assert server.datagrams() == []
    assert server.sizes()["relations"] == 0
    assert server.receive(empty(RST, message.mid), PEER, 8.0) == []


def test_the_client_deregisters_in_words() -> None:
    server = Server(mid_seed=1)
    relation = registered(server)
    options = [(opt.OBSERVE, b"\x01"), (opt.URI_PATH, b"valve")]
    gone, request = server.receive(encode(Message(CON, Method.GET, 2, b"o", options)), PEER, 6.0)
    assert gone == Deregistered(relation, "cancelled")
    assert isinstance(request, Request)
    assert server.respond(request.exchange, Code.CONTENT, b"open", now=6.0, observe=True) is None
    assert opt.get(sent(server)[0].options, opt.OBSERVE) is None


def test_registering_again_continues_the_same_relation() -> None:
    server = Server(mid_seed=1)
    relation = registered(server)
    server.notify(relation, Code.CONTENT, now=1.0)
    assert register(server, mid=2, now=2.0) is relation
    assert [opt.get_uint(message.options, opt.OBSERVE) for message in sent(server)] == [1, 2]
    assert server.sizes()["relations"] == 1


def test_a_confirmable_notification_holds_back_all_but_the_newest_state() -> None:
    server = Server(mid_seed=1)
    relation = registered(server)
    server.notify(relation, Code.CONTENT, b"1", confirmable=True, now=1.0)
    for state in (b"2", b"3", b"4"):
        server.notify(relation, Code.CONTENT, state, now=1.5)
    [message] = sent(server)
    assert (message.kind, message.payload) == (CON, b"1")
    assert server.receive(empty(ACK, message.mid), PEER, 2.0) == [Acknowledged(PEER, relation=relation)]
    [message] = sent(server)
    assert (message.payload, opt.get_uint(message.options, opt.OBSERVE)) == (b"4", 2)


def test_an_observer_that_does_not_acknowledge_is_dropped() -> None:
    server = Server(mid_seed=1)
    relation = registered(server)
    server.notify(relation, Code.CONTENT, b"1", confirmable=True, now=1.0)
    events = []
    while (timer := server.next_timer()) is not None:
        events += server.handle_timer(timer)
    assert events == [Deregistered(relation, "timeout")]


def test_once_a_day_a_notification_is_confirmable() -> None:
    server = Server(mid_seed=1)
    relation = registered(server)
    server.notify(relation, Code.CONTENT, now=86_399.0)
    server.notify(relation, Code.CONTENT, now=86_400.0)
    messages = sent(server)
    assert [message.kind for message in messages] == [NON, CON]
    server.receive(empty(ACK, messages[1].mid), PEER, 86_401.0)
    server.notify(relation, Code.CONTENT, now=86_402.0)
    assert [message.kind for message in sent(server)] == [NON]


def test_a_notification_that_is_no_success_is_the_last() -> None:
    server = Server(mid_seed=1)
    relation = registered(server)
    server.notify(relation, Code.NOT_FOUND, now=1.0)
    [message] = sent(server)
    assert opt.get(message.options, opt.OBSERVE) is None
    assert relation.closed
    assert server.sizes()["relations"] == 0


def test_an_error_or_a_full_book_is_answered_without_a_relation() -> None:
    server = Server(Limits(max_relations_per_peer=1), mid_seed=1)
    registered(server)
    assert register(server, mid=2, token=b"p") is None
    [answer] = sent(server)
    assert (answer.code, opt.get(answer.options, opt.OBSERVE)) == (Code.CONTENT, None)


def test_a_large_notification_is_fetched_in_blocks() -> None:
    server = Server(Limits(block_szx=0), mid_seed=1)
    relation = registered(server)
    server.notify(relation, Code.CONTENT, b"0123456789abcdefrest", now=1.0)
    [message] = sent(server)
    assert message.payload == b"0123456789abcdef"
    options = [(opt.URI_PATH, b"valve"), (opt.BLOCK2, opt.Block(1, False, 0).encode())]
    assert server.receive(encode(Message(CON, Method.GET, 3, b"f", options)), PEER, 2.0) == []
    assert sent(server)[0].payload == b"rest"
