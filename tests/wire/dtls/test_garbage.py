# SPDX-License-Identifier: Apache-2.0
"""Garbage and near-valid bytes: codecs raise nothing but ``WireError``, endpoints nothing at all."""

from contextlib import suppress
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from openmains.wire.dtls import client_hello, hello_verify, key_exchange, server_hello
from openmains.wire.dtls.client_hello import ClientHello
from openmains.wire.dtls.events import Established, Received
from openmains.wire.dtls.fragments import Reassembler, fragments_untrusted, message, split
from openmains.wire.dtls.peers import decode_peer, encode_peer
from openmains.wire.dtls.record import records_untrusted
from openmains.wire.dtls.server_hello import ServerHello
from openmains.wire.dtls.session import Session
from openmains.wire.dtls.states import Asking
from openmains.wire.dtls.tickets import read_new_ticket_untrusted
from openmains.wire.errors import WireError
from tests.support.dtls import HOME, SERVER, Line, Site, connected, make_client
from tests.support.properties import counted

CODECS = (
    lambda raw: list(records_untrusted(raw, 0)),
    lambda raw: list(records_untrusted(raw, 8)),
    fragments_untrusted,
    client_hello.read_untrusted,
    client_hello.peek_untrusted,
    server_hello.read_untrusted,
    hello_verify.read_untrusted,
    lambda raw: key_exchange.read_untrusted(raw, 128),
    read_new_ticket_untrusted,
)
RANDOM = st.binary(min_size=32, max_size=32)
EXTENSIONS = st.dictionaries(st.integers(0, 0xFFFF), st.binary(max_size=40), max_size=5)


def only_wire_errors(action: Any, raw: bytes) -> None:
    try:
        action(raw)
    except WireError as error:
        assert error.layer == "dtls" and error.offset >= 0 and error.reason


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_codecs_parse_or_raise_the_one_error(raw: bytes) -> None:
    for codec in CODECS:
        only_wire_errors(codec, raw)


CLIENT_HELLOS = st.builds(
    ClientHello,
    st.integers(0, 0xFFFF),
    RANDOM,
    st.binary(max_size=32),
    st.binary(max_size=255),
    st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=9).map(tuple),
    st.binary(min_size=1, max_size=3),
    EXTENSIONS,
)
SERVER_HELLOS = st.builds(
    ServerHello,
    st.integers(0, 0xFFFF),
    RANDOM,
    st.binary(max_size=32),
    st.integers(0, 0xFFFF),
    st.integers(0, 255),
    EXTENSIONS,
)


@settings(deadline=None)
@given(CLIENT_HELLOS)
def test_client_hello_there_and_back(hello: ClientHello) -> None:
    assert client_hello.read_untrusted(hello.encode()) == hello
    front = client_hello.peek_untrusted(hello.encode())
    assert (front.version, front.random) == (hello.version, hello.random)
    assert (front.session_id, front.cookie) == (hello.session_id, hello.cookie)


@settings(deadline=None)
@given(SERVER_HELLOS)
def test_server_hello_there_and_back(hello: ServerHello) -> None:
    assert server_hello.read_untrusted(hello.encode()) == hello


@settings(deadline=None)
@given(st.binary(max_size=600), st.integers(13, 200), st.randoms(use_true_random=False))
def test_messages_survive_any_cutting_and_order(body: bytes, room: int, chance: Random) -> None:
    pieces = split(message(9, 3, body), room) * 2
    chance.shuffle(pieces)
    reassembler = Reassembler(3)
    got = []
    for raw in pieces:
        for piece in fragments_untrusted(raw):
            reassembler.add(piece)
            if (whole := reassembler.next()) is not None:
                got.append(whole)
    assert got == [(9, body, message(9, 3, body))]


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_stored_sessions_that_are_damaged(raw: bytes) -> None:
    for text in (raw, b"\x01\x01\xc0\xa8" + raw):
        with suppress(WireError, ValueError):
            Session.load(text)


@settings(deadline=None)
@given(st.recursive(st.text() | st.integers() | st.binary() | st.none(), lambda inner: st.tuples(inner, inner)))
def test_any_address_there_and_back(peer: Any) -> None:
    assert decode_peer(encode_peer(peer)) == peer


def genuine() -> list[bytes]:
    """The datagrams of a whole conversation, client to server."""
    site = Site()
    line = connected(site, tickets=True)
    line.say(b"data")
    line.client.close(0.0)
    line.carry()
    return line.up


GENUINE = genuine()
Change = tuple[int, int, int]


def bend(raw: bytes, changes: list[Change]) -> bytes:
    """Near-valid: some bytes set, some left out, some doubled."""
    data = bytearray(raw)
    for kind, at, value in changes:
        if not data:
            break
        at %= len(data)
        if kind == 0:
            data[at] = value
        elif kind == 1:
            del data[at : at + value % 8]
        else:
            data[at:at] = data[at : at + value % 32]
    return bytes(data)


CHANGES = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 1000), st.integers(0, 255)), max_size=3)


@settings(max_examples=counted(200), deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(GENUINE) - 1), CHANGES) | st.binary(max_size=80), max_size=12))
def test_the_server_never_raises_and_goes_on(script: list[Any]) -> None:
    site = Site()
    # Same seeds as in ``genuine``, so that what is not bent fits.
    for step in script:
        raw = step if isinstance(step, bytes) else bend(GENUINE[step[0]], step[1])
        site.receive(raw, HOME, 0.0)
        site.datagrams()
        assert site.server.sizes()["handshakes"] <= 1
    honest = Line(site, make_client(77), ("192.0.2.200", 9))
    honest.connect()
    honest.say(b"honest")
    assert site.delivered[-1] == b"honest"
    assert set(site.delivered) <= {b"data", b"honest"}, "nothing but what was genuinely said"


@settings(max_examples=counted(200), deadline=None)
@given(st.lists(st.tuples(st.integers(0, 20), CHANGES) | st.binary(max_size=80), max_size=12))
def test_the_client_never_raises(script: list[Any]) -> None:
    site = Site(answer=lambda data: data)
    line = Line(site, make_client(tickets=True))
    line.connect()
    line.say(b"data")
    down = list(line.down)
    client = make_client(tickets=True)
    client.start(0.0)
    connected_to = False
    for step in script:
        raw = step if isinstance(step, bytes) else bend(down[step[0] % len(down)], step[1])
        for event in client.receive(raw, SERVER, 0.0):
            assert not isinstance(event, Established)
            assert not isinstance(event, Received) or event.data == b"data"
        connected_to |= client.state is Asking.CONNECTED
        client.datagrams()
        assert client.state in Asking
