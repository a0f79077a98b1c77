# SPDX-License-Identifier: Apache-2.0
"""Coverage-guided fuzzing of the DTLS core: ``python tests/fuzz/dtls_fuzz.py -max_total_time=600``.

Invariants: codecs parse or raise WireError, and what was parsed is written back to the same; server and client never
raise, whatever came before; nothing is delivered that was not sealed with the key; what a stranger makes the server
keep is bounded, and an honest client still connects afterwards. An input is one byte of mode, then datagrams as
(length, kind, bytes), where kind also chooses a genuine datagram to be bent, or has the bytes sealed as a record.
"""

import sys
from contextlib import suppress
from pathlib import Path
from random import Random

import atheris
from target import fuzz

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "src"), str(ROOT)]

with atheris.instrument_imports(include=["openmains.wire"]):
    from openmains.wire.dtls import client_hello, hello_verify, key_exchange, server_hello
    from openmains.wire.dtls.events import Limits, Received
    from openmains.wire.dtls.fragments import fragments_untrusted
    from openmains.wire.dtls.record import records_untrusted
    from openmains.wire.dtls.session import Session
    from openmains.wire.dtls.states import Asking
    from openmains.wire.dtls.tickets import read_new_ticket_untrusted
    from openmains.wire.errors import WireError
    from tests.support.dtls import HOME, SERVER, Line, Site, make_client

LIMITS = Limits(max_handshakes=4, max_message=300, max_held=2, max_held_size=100, mtu=200)
SEALED = b"sealed by the fuzzer"


def conversation(seed: int = 2) -> tuple[list[bytes], list[bytes]]:
    """The datagrams of an honest conversation, up and down; the same in each run."""
    line = Line(Site(LIMITS, answer=lambda data: data), make_client(seed, tickets=True, cid=b"\x01\x02"))
    line.connect()
    line.say(b"honest data")
    line.client.close(0.0)
    line.carry()
    return line.up, line.down


UP, DOWN = conversation()


def check_codecs(raw: bytes) -> None:
    for read in (client_hello.read_untrusted, server_hello.read_untrusted):
        try:
            hello = read(raw)
        except WireError as bad:
            assert bad.layer == "dtls" and 0 <= bad.offset <= len(raw)
        else:
            assert read(hello.encode()) == hello
    for parse in (
        lambda text: list(records_untrusted(text, 8)), fragments_untrusted, hello_verify.read_untrusted,
        lambda text: key_exchange.read_untrusted(text, 128), read_new_ticket_untrusted, client_hello.peek_untrusted,
    ):  # fmt: skip
        try:
            parse(raw)
        except WireError as bad:
            assert bad.layer == "dtls"
    with suppress(WireError, ValueError):
        Session.load(raw)


def steps(body: bytes) -> list[tuple[int, bytes]]:
    """Cut an input into (kind, bytes)."""
    cut: list[tuple[int, bytes]] = []
    at = 0
    while at + 2 <= len(body) and len(cut) < 24:
        size = body[at]
        cut.append((body[at + 1], body[at + 2 : at + 2 + size]))
        at += 2 + size
    return cut


def bent(genuine: list[bytes], kind: int, text: bytes) -> bytes:
    """A genuine datagram with the input's bytes laid over it somewhere, or the bytes alone."""
    if kind & 0x80:
        return text
    raw = genuine[kind % len(genuine)]
    at = (kind >> 3) * 5 % len(raw)
    return raw[:at] + text + raw[at + len(text) :] if text else raw


def check_server(body: bytes) -> None:
    site = Site(LIMITS, answer=lambda data: data)
    now = 0.0
    for kind, text in steps(body):
        now += text[0] if text else 0
        peer = HOME if kind & 3 else ("198.51.100.1", kind)
        site.receive(bent(UP, kind, text), peer, now)
        site.handle_timer(now)
        site.datagrams()
        assert site.server.sizes()["handshakes"] <= LIMITS.max_handshakes
    assert set(site.delivered) <= {b"honest data"}
    line = Line(site, make_client(99), ("192.0.2.99", 1))
    line.connect(now + 1000.0)
    site.handle_timer(now + 5000.0)
    line.say(b"afterwards", now + 5000.0)
    assert site.delivered[-1] == b"afterwards" and site.server.sizes()["handshakes"] == 0


def check_sealed(body: bytes) -> None:
    """What a peer that has the key may say: any type, any content, any order of addresses."""
    site = Site(LIMITS)
    line = Line(site, make_client(cid=None if body[:1] == b"\x00" else b""))
    line.connect()
    session = line.client.session
    assert session is not None
    for kind, text in steps(body):
        if session.exhausted:
            break
        raw = session.seal(kind or 1, text)  # type 0 would be taken for padding
        for event in site.receive(raw, ("198.51.100.1", kind) if kind & 8 else HOME, 1.0):
            assert not isinstance(event, Received) or event.data == text
        site.server.send(site.session, SEALED, 1.0)
        site.datagrams()


def check_client(body: bytes) -> None:
    client = make_client(tickets=True, cid=b"\x01\x02")
    client.start(0.0)
    for kind, text in steps(body):
        for event in client.receive(bent(DOWN, kind, text), SERVER, 1.0):
            assert not isinstance(event, Received) or event.data == b"honest data"
        client.datagrams()
        assert client.state in Asking


def one_input(raw: bytes) -> None:
    if raw:
        (check_codecs, check_server, check_sealed, check_client)[raw[0] & 3](raw[1:])


def seeds() -> list[bytes]:
    """Inputs that say what an honest peer says."""
    chance = Random(1)  # noqa: S311 – repeatable is the point
    found = [bytes((1,)) + b"".join(bytes((0, number)) for number in range(len(UP)))]
    found.append(bytes((3,)) + b"".join(bytes((0, number)) for number in range(len(DOWN))))
    found += [bytes((2,)) + bytes((4, kind)) + chance.randbytes(4) for kind in (20, 21, 22, 23, 25)]
    for raw in (*UP, *DOWN):
        found.append(bytes((0,)) + raw)
        found += [bytes((0,)) + record.body for record in records_untrusted(raw, 8 if raw in UP else 2)]
        found.append(bytes((1, min(len(raw), 255), 0x81)) + raw[:255])
    return found


if __name__ == "__main__":
    fuzz(one_input, "dtls", longest=1200, seeds=seeds())
