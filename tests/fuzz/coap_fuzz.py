# SPDX-License-Identifier: Apache-2.0
"""Coverage-guided fuzzing of the CoAP stack: ``python tests/fuzz/coap_fuzz.py -max_total_time=600``.

Theory: one invariant a layer. The codec parses garbage or raises WireError, and what it parsed it writes back
to the same meaning. The endpoints never raise for what a peer sends, whatever came before; they answer only
well-formed datagrams, and what they remember stays within their limits. An input is one byte of mode, then
datagrams as (length, steps of time, bytes).

How it runs, and where what it finds is kept: ``target.py``.
"""

import sys
from pathlib import Path

import atheris
from target import fuzz

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent.parent / "src"))

with atheris.instrument_imports(include=["openmains.wire"]):
    from openmains.wire.coap.client import Client
    from openmains.wire.coap.exchange import Limits, Relation, Request
    from openmains.wire.coap.message import Code, Method, decode, encode
    from openmains.wire.coap.server import Server
    from openmains.wire.errors import WireError

LIMITS = Limits(
    max_datagram=300,
    max_payload=64,
    max_body=200,
    block_szx=1,
    max_exchanges=8,
    max_open=6,
    max_assemblies=3,
    max_assembly_bytes=400,
    max_cached_bodies=2,
    max_cached_bytes=500,
    max_relations=3,
    max_relations_per_peer=2,
)


def check_codec(data: bytes) -> None:
    """Parsed or WireError; what was parsed means the same when written and parsed again."""
    try:
        message = decode(data)
    except WireError as error:
        assert error.layer == "coap" and 0 <= error.offset <= len(data) + 4 and error.reason
        return
    assert decode(encode(message)) == message


def datagrams(data: bytes) -> list[tuple[bytes, int]]:
    """Cut an input into datagrams and the time steps before them."""
    cut: list[tuple[bytes, int]] = []
    at = 0
    while at + 2 <= len(data) and len(cut) < 40:
        size = data[at]
        # Lengths above 250 stand for long datagrams, so that the limits are reached with short inputs.
        body = data[at + 2 : at + 2 + size]
        cut.append((body * 8 if size > 250 else body, data[at + 1]))
        at += 2 + size
    return cut


def check_server(data: bytes, delayed: bool) -> None:
    server = Server(LIMITS, mid_seed=1)
    now = 0.0
    waiting: list[Request] = []
    relations: list[Relation] = []
    for datagram, step in datagrams(data):
        now += step / 16 if step < 0xF0 else step
        events = server.handle_timer(now)
        events += server.receive(datagram, step & 1, now)
        waiting += [event for event in events if isinstance(event, Request)]
        while waiting and not (delayed and step & 2):
            request = waiting.pop()
            size = 150 if "b" in request.path else 3
            relation = server.respond(request.exchange, Code.CONTENT, bytes(size), now=now, observe=True)
            if relation is not None:
                relations.append(relation)
        for relation in relations[-3:]:
            if step & 4:
                server.notify(relation, Code.CONTENT, bytes(step), confirmable=bool(step & 8), now=now)
        check_sent(server.datagrams())
        sizes = server.sizes()
        assert sizes["exchanges"] <= LIMITS.max_exchanges
        assert sizes["assemblies"] <= LIMITS.max_assemblies
        assert sizes["assembly_bytes"] <= LIMITS.max_assembly_bytes
        assert sizes["bodies"] <= LIMITS.max_cached_bodies
        assert sizes["relations"] <= LIMITS.max_relations
        assert sizes["open"] == len(waiting)
    drain(server, now)


def check_client(data: bytes) -> None:
    client = Client(mid_seed=0, token_seed=0, block_szx=1, max_body=200, max_recent=8)
    now = 0.0
    for number in range(4):
        client.request(
            number & 1,
            Method.POST if number & 2 else Method.GET,
            ("r",),
            bytes(70 if number & 2 else 0),
            confirmable=number != 1,
            observe=number == 0,
            chance=0.5,
            now=now,
        )
    for datagram, step in datagrams(data):
        now += step / 16 if step < 0xF0 else step
        client.handle_timer(now)
        client.receive(datagram, step & 1, now)
        check_sent(client.datagrams())
        assert client.sizes()["calls"] <= 8
    drain(client, now)


def check_sent(sent: list[tuple[object, bytes]]) -> None:
    for _, datagram in sent:
        decode(datagram)


def drain(endpoint: Server | Client, now: float) -> None:
    """Time passes: every retransmission comes to its end."""
    for _ in range(400):
        timer = endpoint.next_timer()
        if timer is None:
            return
        now = max(now, timer)
        endpoint.handle_timer(now)
        check_sent(endpoint.datagrams())
    raise AssertionError("timers without end")


def check(data: bytes) -> None:
    """One fuzz input."""
    if not data:
        return
    mode = data[0] & 3
    if mode == 0:
        check_codec(data[1:])
    elif mode == 3:
        check_client(data[1:])
    else:
        check_server(data[1:], delayed=mode == 2)


if __name__ == "__main__":
    fuzz(check, "coap")
