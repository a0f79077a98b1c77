# SPDX-License-Identifier: Apache-2.0
"""Coverage-guided fuzzing of LwM2M: ``python tests/fuzz/lwm2m_fuzz.py -max_total_time=600``.

Theory: one invariant a layer. A codec parses garbage or raises WireError, and what it parsed it writes back to the
same meaning. Server and client never raise for what a peer sends, whatever came before, send only well-formed
datagrams, and what they remember stays within their limits. An input is one byte of mode, then either a payload or
datagrams as (length, steps of time, bytes).
"""

import sys
from pathlib import Path
from typing import Any

import atheris
from target import fuzz

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent.parent / "src"))

with atheris.instrument_imports(include=["openmains.wire"]):
    from openmains.wire.coap.exchange import Limits as CoapLimits
    from openmains.wire.coap.exchange import Request
    from openmains.wire.coap.message import decode as decode_message
    from openmains.wire.errors import WireError
    from openmains.wire.lwm2m import content, operation
    from openmains.wire.lwm2m.client import Client
    from openmains.wire.lwm2m.codec import cbor, link_format, senml, tlv, values
    from openmains.wire.lwm2m.definitions import definitions
    from openmains.wire.lwm2m.events import BootstrapWanted, Limits, RegisterWanted, Report
    from openmains.wire.lwm2m.registration import Registration, parse_offer, parse_query, write_offer
    from openmains.wire.lwm2m.server import Server
    from openmains.wire.lwm2m.tree import Tree

PATHS = ((3,), (3, 0), (3, 0, 9), (3, 0, 11, 0), (3424, 0, 1), (19, 0, 0), (10262, 0, 1), ())
FORMATS = (*values.SINGLE, *values.NAMED, content.TLV_1_0_DRAFT, 50, None)
LIMITS = Limits(max_links=2, max_observations_per_link=2, max_waiting_per_link=2, max_instances=8, max_endpoint=16)
COAP_LIMITS = CoapLimits(
    max_payload=128,
    max_body=256,
    max_exchanges=16,
    max_open=8,
    max_assemblies=2,
    max_assembly_bytes=512,
    max_cached_bodies=2,
    max_cached_bytes=512,
    max_relations=4,
    max_relations_per_peer=4,
)
TYPES = definitions().type


def parsed(read: Any, *arguments: Any) -> Any:
    """What ``read`` gives, None when it refuses in the one way that it may."""
    try:
        return read(*arguments)
    except WireError as error:
        assert error.layer and error.reason and error.offset >= 0
        return None


def check_codecs(data: bytes) -> None:
    """Each codec by itself."""
    item = parsed(cbor.decode, data)
    if item is not None:
        again = parsed(cbor.encode, item)
        assert again is None or cbor.decode(again) == item
    entries = parsed(tlv.decode, data)
    if entries:
        assert tlv.decode(tlv.encode(entries)) == entries
    links = parsed(link_format.parse, data)
    if links:
        assert link_format.parse(link_format.write(links)) == links
    for content_format in (content.SENML_CBOR, content.SENML_JSON):
        items = parsed(senml.decode, data, content_format)
        if items:
            again = parsed(senml.encode, items, content_format)
            assert again is None or [one.value for one in senml.decode(again, content_format)] == [
                one.value for one in items
            ]


def check_values(data: bytes) -> None:
    """Any payload about any path: what was understood is said again in the same format, with the same meaning."""
    if len(data) < 2:
        return
    path, content_format = PATHS[data[0] % len(PATHS)], FORMATS[data[1] % len(FORMATS)]
    items = parsed(values.decode, data[2:], content_format, path, TYPES)
    if items and content_format is not None:
        again = parsed(values.encode, items, content_format, path, TYPES)
        if again is not None:
            found = values.decode(again, content_format, path, TYPES)
            assert {one.path: one.value for one in found} == {one.path: one.value for one in items}


def check_registration(data: bytes) -> None:
    registration = parsed(Registration.load, b"\x01" + data)
    if registration is not None:
        parsed(registration.dump)
    offer = parsed(parse_offer, data, 8)
    if offer is not None:
        assert parse_offer(write_offer(offer.objects, offer.root, offer.formats), 64) == offer
    parsed(parse_query, data.decode("latin-1").split("&"), 16)


def datagrams(data: bytes) -> list[tuple[bytes, int]]:
    """Cut an input into datagrams and the time steps before them."""
    cut: list[tuple[bytes, int]] = []
    at = 0
    while at + 2 <= len(data) and len(cut) < 30:
        cut.append((data[at + 2 : at + 2 + data[at]], data[at + 1]))
        at += 2 + data[at]
    return cut


def check_server(data: bytes) -> None:
    server = Server(LIMITS, seed=1, coap_limits=COAP_LIMITS)
    now = 0.0
    asked = [
        operation.read((3, 0, 9)),
        operation.observe((19, 0, 0)),
        operation.observe_composite([(3, 0, 9), (3424, 0, 1)]),
        operation.cancel((19, 0, 0)),
        operation.write((19, 1, 0), bytes(40), content.OPAQUE),
    ]
    for datagram, step in datagrams(data):
        now += step / 16 if step < 0xF0 else step * 40
        link = step & 1
        for event in [*server.handle_timer(now), *server.receive(datagram, link, now)]:
            if isinstance(event, RegisterWanted):
                server.accept(event, now)
            elif isinstance(event, BootstrapWanted):
                server.bootstrap(event, [operation.delete((0,))], now)
            elif isinstance(event, Report):
                server.respond(event, 0xA3 if step & 2 else 0x44, now=now)
                if step & 8:
                    parsed(values.decode, event.payload, event.content_format, event.path, TYPES)
            elif isinstance(event, Request):
                server.answer(event, 0x84, now=now)
        if step & 4:
            one = asked[step % len(asked)]
            server.submit(
                link, operation.Operation(one.kind, one.method, one.paths, one.payload, one.content_format), now
            )
        registration = server.registration(link)
        if registration is not None and step & 16:
            server.forget(link, now)
            server.restore(link, Registration.load(registration.dump()), now)
        check_sent(server.datagrams())
        sizes = server.sizes()
        assert sizes["links"] <= LIMITS.max_links and sizes["exchanges"] <= COAP_LIMITS.max_exchanges
        assert sizes["asking_calls"] <= LIMITS.max_links * (2 * LIMITS.max_observations_per_link + 2)
    drain(server, now)


def check_client(data: bytes) -> None:
    tree = Tree(definitions(), {(3, 0, 9): 5, (3, 0, 13): 7, (19, 0, 0): b"x", (19, 1, 0): b"", (0, 0, 1): True})
    client = Client(tree, endpoint="m", seed=2, limits=COAP_LIMITS, lifetime_s=1000, renew=False)
    now = 0.0
    begin = client.bootstrap if data[:1] > b"\x7f" else client.register
    begin("server", now)
    for number, (datagram, step) in enumerate(datagrams(data[1:])):
        now += step / 16 if step < 0xF0 else step * 4
        client.handle_timer(now)
        client.receive(datagram, "server", now)
        if step & 2:
            client.set((3, 0, 9), number, now)
        if step & 4 and not client.busy:
            client.post((19, 0, 0), b"r", now)
        check_sent(client.datagrams())
    drain(client, now)


def check_sent(sent: list[tuple[object, bytes]]) -> None:
    for _, datagram in sent:
        decode_message(datagram)


def drain(endpoint: Server | Client, now: float) -> None:
    """Time passes: every retransmission comes to its end. Registrations and pmax may go on for ever."""
    for _ in range(200):
        timer = endpoint.next_timer()
        if timer is None or timer > now + 2_000_000:
            return
        now = max(now, timer)
        endpoint.handle_timer(now)
        check_sent(endpoint.datagrams())
    if isinstance(endpoint, Server):
        raise AssertionError("timers without end")


CHECKS = (check_codecs, check_values, check_registration, check_server, check_client)


def check(data: bytes) -> None:
    """One fuzz input."""
    if data:
        CHECKS[data[0] % len(CHECKS)](data[1:])


if __name__ == "__main__":
    fuzz(check, "lwm2m")
