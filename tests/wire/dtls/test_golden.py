# SPDX-License-Identifier: Apache-2.0
"""Handshakes of Mbed TLS, recorded, said again byte for byte by our server and our client (``vectors/dtls``).

Nothing of a trace is given to an endpoint but what a peer or chance would give it: the recorded randoms, ids, cookie
and ticket stand in for chance, the datagrams of the other side come in, and what goes out must be the recorded
datagrams. Padding to 16 and the extra extensions of the client's hello are habits of that stack.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from openmains.wire.dtls import client_hello, hello_verify, keys, server_hello
from openmains.wire.dtls.client import Client
from openmains.wire.dtls.codes import Message
from openmains.wire.dtls.events import Closed, Connected, Established, KeyWanted, Limits, Received
from openmains.wire.dtls.fragments import fragments_untrusted, message
from openmains.wire.dtls.record import records_untrusted
from openmains.wire.dtls.server import Server
from openmains.wire.dtls.session import Session, inner
from openmains.wire.dtls.suites import CCM_8, SUITES
from openmains.wire.dtls.tickets import read_new_ticket_untrusted

FOLDER = Path(__file__).resolve().parents[3] / "vectors" / "dtls"
TRACES = {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(FOLDER.glob("*.json"))}
PEER = ("192.0.2.7", 40_000)
Trace = dict[str, Any]


def hexed(trace: Trace, name: str) -> bytes:
    return bytes.fromhex(trace[name])


def datagrams(trace: Trace) -> list[tuple[str, bytes]]:
    return [(way, bytes.fromhex(raw)) for way, raw in trace["datagrams"]]


def sent(trace: Trace, way: str) -> list[bytes]:
    return [raw for side, raw in datagrams(trace) if side == way]


def pieces(trace: Trace, way: str) -> list[Any]:
    """All unprotected handshake messages of one side."""
    size = len(hexed(trace, "server_cid" if way == "c2s" else "client_cid"))
    return [
        piece
        for raw in sent(trace, way)
        for record in records_untrusted(raw, size)
        if record.kind == 22 and record.epoch == 0
        for piece in fragments_untrusted(record.body)
    ]


def body_of(trace: Trace, way: str, kind: Message, number: int = 0) -> bytes:
    return [piece.body for piece in pieces(trace, way) if piece.kind == kind][number]


def data_of(trace: Trace, way: str, number: int) -> bytes:
    """The application data of a side's record."""
    found = [r for r in trace["records"] if r["dir"] == way and r["seq"] == number and r["inner_type"] == 23]
    return bytes.fromhex(found[0]["content"])


class Recorded:
    """Chance, as it was."""

    def __init__(self, *values: bytes) -> None:
        self._values = list(values)

    def __call__(self, size: int) -> bytes:
        value = self._values.pop(0)
        assert len(value) == size
        return value


@pytest.fixture(params=TRACES)
def trace(request: pytest.FixtureRequest) -> Trace:
    return TRACES[request.param]  # type: ignore[no-any-return]


def test_there_are_four_traces() -> None:
    assert len(TRACES) == 4


def test_keys_and_session_hash(trace: Trace) -> None:
    """PRF, premaster, extended master secret and key block as the independent code computed them."""
    transcript = keys.Transcript()
    hello = [p for p in pieces(trace, "c2s") if p.kind == Message.CLIENT_HELLO][-1]
    rest = [p for p in pieces(trace, "s2c") if p.kind in (Message.SERVER_HELLO, Message.SERVER_HELLO_DONE)]
    key_exchange = [p for p in pieces(trace, "c2s") if p.kind == Message.CLIENT_KEY_EXCHANGE]
    for piece in (hello, *rest, *key_exchange):
        transcript.add(message(piece.kind, piece.sequence, piece.body))
    assert transcript.digest() == hexed(trace, "session_hash")
    assert keys.premaster(hexed(trace, "psk")) == hexed(trace, "premaster")
    master = keys.master_secret(hexed(trace, "premaster"), hexed(trace, "session_hash"))
    assert master == hexed(trace, "master")
    block = keys.key_block(master, hexed(trace, "client_random"), hexed(trace, "server_random"), CCM_8)
    assert block.client_key + block.server_key + block.client_iv + block.server_iv == hexed(trace, "key_block")


def session_of(trace: Trace, way: str, *, sends: bool) -> Session:
    """The record layer of the side that sends (or receives) ``way``."""
    block = hexed(trace, "key_block")
    key, iv = (block[:16], block[32:36]) if way == "c2s" else (block[16:32], block[36:40])
    cid = hexed(trace, "server_cid" if way == "c2s" else "client_cid")
    suite = next(s for s in SUITES.values() if s.name.replace("_", "-") == trace["suite"])
    return Session(
        cid=b"" if sends else cid, uses_cid=not sends and bool(cid), their_cid=cid if sends else b"", identity=b"", peer=PEER,
        suite=suite, read_key=key, read_iv=iv, write_key=key, write_iv=iv, pad_to=16,
    )  # fmt: skip


@pytest.mark.parametrize("way", ["c2s", "s2c"])
def test_every_record_both_ways(trace: Trace, way: str) -> None:
    """Each protected record opens to the recorded content, and the content seals to the recorded record."""
    sender, receiver = session_of(trace, way, sends=True), session_of(trace, way, sends=False)
    cid = hexed(trace, "server_cid" if way == "c2s" else "client_cid")
    known = {(r["dir"], r["seq"]): r for r in trace["records"]}
    seen = 0
    for raw in sent(trace, way):
        for record in records_untrusted(raw, len(cid)):
            if record.epoch == 0:
                continue
            row = known[way, record.sequence]
            content = receiver.open(record.raw, len(record.raw) - len(record.body))
            assert content is not None
            kind, text = inner(content) if record.kind == 25 else (record.kind, content)
            assert (kind, record.kind, record.cid.hex()) == (row["inner_type"], row["type"], row["cid"])
            if len(row["content"]) < 160:  # longer contents are cut off in the file
                assert text.hex() == row["content"]
            assert text.hex().startswith(row["content"])
            if record.kind == 25:
                assert len(content) - len(text) - 1 == row["pad"]
            sender.send_seq = record.sequence
            assert sender.seal(kind, text) == record.raw
            seen += 1
    assert seen == sum(1 for r in trace["records"] if r["dir"] == way)


class RecordedCookies:
    """The cookie that was; everything else about cookies is tested elsewhere."""

    def __init__(self, cookie: bytes) -> None:
        self._cookie = cookie

    def make(self, *_: Any) -> bytes:
        return self._cookie

    def check(self, cookie: bytes, *_: Any) -> bool:
        return cookie == self._cookie


class RecordedTickets:
    """The ticket that was."""

    def __init__(self, ticket: bytes) -> None:
        self._ticket = ticket

    def seal(self, *_: Any) -> bytes:
        return self._ticket

    def mark(self, psk: bytes) -> bytes:
        return bytes(16)


def recorded_server(trace: Trace) -> Server:
    cid = hexed(trace, "server_cid")
    server = Server(
        Limits(cid_size=len(cid), pad_to=16),
        node=cid[0],
        secret=bytes(32),
        random=Recorded(cid[1:], hexed(trace, "server_random"), bytes(12)),
        load=lambda _: None,
    )
    _, ticket = read_new_ticket_untrusted(body_of(trace, "s2c", Message.NEW_SESSION_TICKET))
    server._handshakes.cookies = RecordedCookies(  # type: ignore[assignment]
        hello_verify.read_untrusted(body_of(trace, "s2c", Message.HELLO_VERIFY_REQUEST))
    )
    server._handshakes.tickets = RecordedTickets(ticket)  # type: ignore[assignment]
    return server


def play_server(trace: Trace, feed: list[bytes], answer: Callable[[int], bytes]) -> list[bytes]:
    """All that the server says to ``feed``; every request gets the recorded answer."""
    server = recorded_server(trace)
    said: list[bytes] = []
    requests = 0
    for raw in feed:
        events: list[Any] = list(server.receive(raw, PEER, 0.0))
        while events:
            event = events.pop(0)
            if isinstance(event, KeyWanted):
                assert event.identity == trace["identity"].encode()
                events += server.provide_key(event.handshake, hexed(trace, "psk"), 0.0)
            elif isinstance(event, Established):
                server.commit(event.session, 0.0)
            elif isinstance(event, Received):
                requests += 1
                assert event.data == data_of(trace, "c2s", requests)
                assert server.send(event.session, answer(requests), 0.0)
                if requests == 2 and closes_first(trace) == "s2c":
                    server.close(event.session, 0.0)
            else:
                assert isinstance(event, Closed)
        said += [raw for _, raw in server.datagrams()]
    return said


def closes_first(trace: Trace) -> str:
    return next(r["dir"] for r in trace["records"] if r["inner_type"] == 21)  # type: ignore[no-any-return]


def full_data(trace: Trace, way: str) -> Callable[[int], bytes]:
    """Contents are cut off in the file's list; the whole is in the datagrams."""
    receiver = session_of(trace, way, sends=False)
    size = len(receiver.cid)
    found: dict[int, bytes] = {}
    for raw in sent(trace, way):
        for record in records_untrusted(raw, size):
            if record.epoch == 1:
                content = receiver.open(record.raw, len(record.raw) - len(record.body))
                assert content is not None
                kind, text = inner(content) if record.kind == 25 else (record.kind, content)
                if kind == 23:
                    found[record.sequence] = text
    return lambda number: found[number]


def asked(trace: Trace) -> list[bytes]:
    """What the recorded server answered to: of a hello and its copy only the later, the first had been lost."""
    out: list[bytes] = []
    all_of_them = sent(trace, "c2s")
    for number, raw in enumerate(all_of_them):
        following = all_of_them[number + 1] if number + 1 < len(all_of_them) else b""
        if raw[13:] == following[13:] and raw[:1] == b"\x16":
            continue  # the same message under a new record number follows
        out.append(raw)
    return out


def test_the_server_says_what_mbed_tls_said(trace: Trace) -> None:
    said = play_server(trace, asked(trace), full_data(trace, "s2c"))
    assert [raw.hex() for raw in said] == [raw.hex() for raw in sent(trace, "s2c")]


def test_the_client_says_what_mbed_tls_said(trace: Trace) -> None:
    hello = client_hello.read_untrusted(body_of(trace, "c2s", Message.CLIENT_HELLO))
    client = Client(
        "server", psk=hexed(trace, "psk"), identity=trace["identity"].encode(), random=Recorded(hello.random),
        suites=hello.suites[:-1], cid=hexed(trace, "client_cid"), extensions=hello.extensions, pad_to=16,
    )  # fmt: skip
    answer = full_data(trace, "c2s")
    now = 0.0
    client.start(now)
    requests = 0
    expected: list[bytes] = []
    said: list[bytes] = []
    before = b""
    for way, raw in datagrams(trace):
        if way == "c2s":
            expected.append(raw)
            if raw[13:] == before[13:] and raw[:1] == b"\x16":  # it was sent again: time had passed
                timer = client.next_timer()
                assert timer is not None
                now = timer
                client.handle_timer(now)
            before = raw
        else:
            for event in client.receive(raw, "server", now):
                if isinstance(event, Connected | Received):
                    requests += 1
                    if requests <= 2:
                        assert client.send(answer(requests), now)
                    elif closes_first(trace) == "c2s":
                        client.close(now)
                else:
                    assert isinstance(event, Closed)
        said += [datagram for _, datagram in client.datagrams()]
    assert [raw.hex() for raw in said] == [raw.hex() for raw in expected]


def test_retransmitted_handshake_messages_are_hashed_once() -> None:
    """The trace with both copies of the hello: another record number in the answer, the same keys at the end."""
    trace = TRACES["rfc9146_TLS-PSK-WITH-AES-128-CCM-8_0102030405060708_nocid"]
    everything = sent(trace, "c2s")
    assert len(everything) == len(asked(trace)) + 1
    said = play_server(trace, everything, full_data(trace, "s2c"))
    recorded = sent(trace, "s2c")
    assert said[-3:] == recorded[-3:]  # both answers and the close: the keys, and so the hash, are the recorded ones


def test_hellos_are_written_as_they_were_read(trace: Trace) -> None:
    for way, kind, codec in (
        ("c2s", Message.CLIENT_HELLO, client_hello),
        ("s2c", Message.SERVER_HELLO, server_hello),
    ):
        for piece in pieces(trace, way):
            if piece.kind == kind:
                assert codec.read_untrusted(piece.body).encode() == piece.body  # type: ignore[attr-defined]
