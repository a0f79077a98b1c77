# SPDX-License-Identifier: Apache-2.0
"""Both roles on one link: who gets a datagram, message ids, held notifications."""

from typing import Any

from openmains.wire.coap import options as opt
from openmains.wire.coap.call import ResetReceived, ResponseReceived
from openmains.wire.coap.endpoint import Endpoint
from openmains.wire.coap.exchange import Acknowledged, Deregistered, Request
from openmains.wire.coap.message import ACK, CON, NON, RST, Code, Message, Method, decode, empty, encode
from openmains.wire.coap.reliability import MessageIds

PEER = "peer"


def _sent(endpoint: Endpoint) -> list[Message]:
    return [decode(datagram) for _, datagram in endpoint.datagrams()]


def _ask(endpoint: Endpoint, observe: bool = False) -> Message:
    endpoint.client.request(PEER, Method.GET, ("x",), observe=observe, chance=0.5, now=0.0)
    return _sent(endpoint)[-1]


def _respond(asked: Message, kind: int = ACK, mid: int | None = None, sequence: int | None = None) -> bytes:
    options = [] if sequence is None else [(opt.OBSERVE, opt.uint(sequence))]
    mid = asked.mid if mid is None else mid
    return encode(Message(kind, Code.CONTENT, mid, asked.token, options, b"%d" % (sequence or 0)))


def test_requests_and_responses_find_their_role() -> None:
    endpoint = Endpoint(seed=1)
    asked = _ask(endpoint)
    (event,) = endpoint.receive(_respond(asked), PEER, 0.0)
    assert isinstance(event, ResponseReceived)
    (event,) = endpoint.receive(encode(Message(CON, Method.POST, 9, b"t")), PEER, 0.0)
    assert isinstance(event, Request)
    endpoint.server.respond(event.exchange, Code.CHANGED, now=0.0)
    assert [(one.kind, one.mid) for one in _sent(endpoint)] == [(ACK, 9)]


def test_an_ack_or_reset_is_for_the_role_that_sent_the_message() -> None:
    endpoint = Endpoint(seed=1)
    (request,) = endpoint.receive(encode(Message(CON, Method.GET, 9, b"t", [(opt.OBSERVE, b"")])), PEER, 0.0)
    assert isinstance(request, Request)
    relation = endpoint.server.respond(request.exchange, Code.CONTENT, b"1", now=0.0, observe=True)
    assert relation is not None
    endpoint.datagrams()
    endpoint.server.notify(relation, Code.CONTENT, b"2", confirmable=True, now=0.0)
    (notification,) = _sent(endpoint)
    asked = _ask(endpoint)
    assert asked.mid != notification.mid
    assert endpoint.receive(empty(ACK, notification.mid), PEER, 0.0) == [Acknowledged(PEER, relation=relation)]
    (event,) = endpoint.receive(empty(RST, asked.mid), PEER, 0.0)
    assert isinstance(event, ResetReceived)
    endpoint.server.notify(relation, Code.CONTENT, b"3", now=0.0)
    (notification,) = _sent(endpoint)
    (gone,) = endpoint.receive(empty(RST, notification.mid), PEER, 0.0)
    assert isinstance(gone, Deregistered)


def test_message_ids_come_back_to_a_peer_only_after_all_others() -> None:
    ids = MessageIds(7)
    seen = [ids("a") for _ in range(100)]
    for _ in range(500):
        ids("b")
    seen += [ids("a") for _ in range(65_436)]
    assert len(set(seen)) == 65_536
    ids.forget("a")
    assert len(ids) == 1


def test_garbage_and_pings_are_the_servers() -> None:
    endpoint = Endpoint(seed=1)
    for datagram in (b"", b"\x40", b"\x40\x00\x00\x01", b"\xff" * 9, bytes.fromhex("4f450001")):
        assert endpoint.receive(datagram, PEER, 0.0) == []
    assert [one.kind for one in _sent(endpoint)] == [RST, RST]


def test_a_held_notification_is_acknowledged_once_when_told() -> None:
    endpoint = Endpoint(seed=1, hold_notifications=True)
    asked = _ask(endpoint, observe=True)
    endpoint.receive(_respond(asked, sequence=1), PEER, 0.0)
    (event,) = endpoint.receive(_respond(asked, CON, 500, 2), PEER, 0.0)
    assert isinstance(event, ResponseReceived) and event.held is not None and event.held.mid == 500
    assert endpoint.receive(_respond(asked, CON, 500, 2), PEER, 1.0) == [] and _sent(endpoint) == []
    endpoint.client.acknowledge(event)
    endpoint.client.acknowledge(event)
    assert [(one.kind, one.mid) for one in _sent(endpoint)] == [(ACK, 500)]
    endpoint.receive(_respond(asked, CON, 500, 2), PEER, 2.0)
    assert [(one.kind, one.mid) for one in _sent(endpoint)] == [(ACK, 500)]


def test_a_declined_notification_is_delivered_again() -> None:
    endpoint = Endpoint(seed=1, hold_notifications=True)
    asked = _ask(endpoint, observe=True)
    endpoint.receive(_respond(asked, sequence=1), PEER, 0.0)
    for _ in range(3):
        (event,) = endpoint.receive(_respond(asked, CON, 500, 2), PEER, 0.0)
        assert isinstance(event, ResponseReceived) and event.fresh
        endpoint.client.decline(event)
    assert _sent(endpoint) == []


def test_overtaken_notifications_are_kept_only_when_they_are_a_record() -> None:
    for hold in (True, False):
        endpoint = Endpoint(seed=1, hold_notifications=hold)
        asked = _ask(endpoint, observe=True)
        endpoint.receive(_respond(asked, sequence=1), PEER, 0.0)
        events: list[Any] = []
        for sequence in (5, 4):
            events += endpoint.receive(_respond(asked, NON, 600 + sequence, sequence), PEER, 1.0)
        assert [event.fresh for event in events] == ([True, False] if hold else [True])


def test_a_large_held_notification_is_acknowledged_after_its_last_block() -> None:
    endpoint = Endpoint(seed=1, hold_notifications=True)
    asked = _ask(endpoint, observe=True)
    endpoint.receive(_respond(asked, sequence=1), PEER, 0.0)
    first = Message(CON, Code.CONTENT, 700, asked.token, [(opt.OBSERVE, b"\x02"), (opt.BLOCK2, b"\x08")], bytes(16))
    assert endpoint.receive(encode(first), PEER, 0.0) == []
    (more,) = _sent(endpoint)
    assert more.code == Method.GET
    last = Message(ACK, Code.CONTENT, more.mid, more.token, [(opt.BLOCK2, b"\x10")], b"end")
    (event,) = endpoint.receive(encode(last), PEER, 0.0)
    assert isinstance(event, ResponseReceived) and event.payload == bytes(16) + b"end"
    assert _sent(endpoint) == []
    endpoint.client.acknowledge(event)
    assert [(one.kind, one.mid) for one in _sent(endpoint)] == [(ACK, 700)]


def test_a_large_held_notification_whose_rest_is_lost_is_asked_for_again() -> None:
    endpoint = Endpoint(seed=1, hold_notifications=True)
    asked = _ask(endpoint, observe=True)
    endpoint.receive(_respond(asked, sequence=1), PEER, 0.0)
    first = Message(CON, Code.CONTENT, 700, asked.token, [(opt.OBSERVE, b"\x02"), (opt.BLOCK2, b"\x08")], bytes(16))
    endpoint.receive(encode(first), PEER, 0.0)
    while (timer := endpoint.next_timer()) is not None:
        endpoint.handle_timer(timer)
    _sent(endpoint)
    assert endpoint.receive(encode(first), PEER, 100.0) == []
    assert [one.code for one in _sent(endpoint)] == [Method.GET]


def test_two_peers_may_use_the_same_token() -> None:
    endpoint = Endpoint(seed=1, hold_notifications=True)
    for peer in ("a", "b"):
        endpoint.client.resume(peer, b"\x07", Method.GET, [(opt.URI_PATH, b"x")])
    for peer in ("a", "b"):
        message = Message(CON, Code.CONTENT, 5, b"\x07", [(opt.OBSERVE, b"\x09")], peer.encode())
        (event,) = endpoint.receive(encode(message), peer, 0.0)
        assert isinstance(event, ResponseReceived) and event.call.peer == peer and event.sequence == 9
