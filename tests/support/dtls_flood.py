# SPDX-License-Identifier: Apache-2.0
"""Floods against the DTLS server, in a process of their own so that what they leave behind can be measured.

``python -m tests.support.dtls_flood spoofed 1000000`` or ``failed 20000``: one JSON object with the growth of the process in
bytes and in Python's blocks, what the server still remembers, its counters, and the largest answer beyond its question.
The strangers compute nothing: their Finished is garbage, which is the cheapest way to fail there is.
"""

import gc
import json
import sys
from random import Random
from typing import Any

import psutil

from openmains.wire.dtls.client_hello import offer
from openmains.wire.dtls.codes import Content, Extension, Message
from openmains.wire.dtls.events import KeyWanted, Suspicious
from openmains.wire.dtls.fragments import message
from openmains.wire.dtls.key_exchange import encode as encode_identity
from openmains.wire.dtls.record import plain_record, records_untrusted
from openmains.wire.dtls.server import Server
from tests.support.dtls import IDENTITY, PSK, SECRET

EXTENSIONS: dict[int, bytes] = {Extension.EXTENDED_MASTER_SECRET: b"", Extension.CONNECTION_ID: b"\x00"}
SMALLEST: dict[int, bytes] = {}


def new_server() -> Server:
    chance = Random(3)  # noqa: S311 – repeatable is the point
    return Server(node=1, secret=SECRET, random=chance.randbytes, load=lambda _: None)


def held() -> tuple[int, int]:
    """Resident bytes of this process, and Python's allocated blocks, after a collection."""
    gc.collect()
    return psutil.Process().memory_info().rss, sys.getallocatedblocks()


def hello(random: bytes, cookie: bytes, sequence: int, extensions: dict[int, bytes], suites: tuple[int, ...]) -> bytes:
    body = offer(random, cookie, suites, extensions).encode()
    return plain_record(Content.HANDSHAKE, sequence, message(Message.CLIENT_HELLO, sequence, body))


class Measured:
    """Growth between :meth:`start` and :meth:`report`."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.beyond = -1_000_000  # largest answer, in bytes more than its question
        self.bytes = self.blocks = 0

    def start(self) -> None:
        self.bytes, self.blocks = held()

    def report(self) -> dict[str, Any]:
        now_bytes, now_blocks = held()
        return {
            "bytes": now_bytes - self.bytes,
            "blocks": now_blocks - self.blocks,
            "sizes": self.server.sizes(),
            "timer": self.server.next_timer(),
            "counters": self.server.counters,
            "beyond": self.beyond,
        }


def spoofed(count: int) -> dict[str, Any]:
    """Hellos from addresses that are not the sender's, of four shapes."""
    server = new_server()
    measured = Measured(server)
    shapes = [
        hello(bytes(32), b"", 0, EXTENSIONS, (0xC0A8,)),
        hello(bytes(32), b"", 0, SMALLEST, (0xC0A8,)),
        hello(bytes(32), bytes(16), 1, EXTENSIONS, (0xC0A8,)),  # with a cookie that is none
        hello(bytes(32), b"", 0, EXTENSIONS | {Extension.SESSION_TICKET: bytes(150)}, (0xC0A8,)),
    ]
    chance = Random(4)  # noqa: S311 – repeatable is the point
    at = 13 + 12 + 2
    for number in range(count):
        if number == count // 50:
            measured.start()
        shape = shapes[number & 3]
        raw = shape[:at] + chance.randbytes(32) + shape[at + 32 :]
        server.receive(raw, (f"10.{number & 255}.7.7", number & 0xFFFF), number / 20_000)
        answers = server.datagrams()
        measured.beyond = max(measured.beyond, sum(len(answer) for _, answer in answers) - len(raw))
    return measured.report()


def fail(server: Server, number: int, now: float) -> None:
    """One handshake that comes to nothing, in one of four ways."""
    way = number & 3
    peer = (f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}", 5684)
    random = number.to_bytes(32, "big")
    server.receive(hello(random, b"", 0, EXTENSIONS, (0xC0A8,)), peer, now)
    [(_, verify)] = server.datagrams()
    suites = (0xC0A8,) if way else (0x1301,)
    server.receive(hello(random, verify[28:44], 1, EXTENSIONS, suites), peer, now)
    [(_, flight)] = server.datagrams()
    if way == 0:
        assert flight[0] == Content.ALERT  # no suite that we know
        return
    if way == 1:  # the peer itself says that it is over
        server.receive(plain_record(Content.ALERT, 2, b"\x02\x28"), peer, now)
        return
    [choice, _] = records_untrusted(flight, 0)
    cid = choice.body[choice.body.index(b"\x00\x36\x00\x09\x08") + 5 :][:8]
    events = server.receive(
        plain_record(Content.HANDSHAKE, 2, message(Message.CLIENT_KEY_EXCHANGE, 2, encode_identity(IDENTITY))),
        peer,
        now,
    )
    if way == 2:  # never heard of again; time ends it
        return
    [wanted] = events
    assert isinstance(wanted, KeyWanted)
    server.receive(plain_record(Content.CHANGE_CIPHER_SPEC, 3, b"\x01"), peer, now)
    server.provide_key(wanted.handshake, PSK if number & 4 else None, now)
    finished = b"\x19\xfe\xfd\x00\x01" + bytes(6) + cid + b"\x00\x29" + bytes(41)
    [told] = server.receive(finished, peer, now)
    assert isinstance(told, Suspicious) and told.kind == "wrong_key"


def failed(count: int) -> dict[str, Any]:
    """Handshakes that come to nothing, 100 a second, so that some thousands wait for their end at a time."""
    server = new_server()
    measured = Measured(server)
    half, pause_s = count // 2, 1000.0
    for number in range(count):
        now = number / 100 + (pause_s if number >= half else 0.0)
        if number == half:  # half of them have warmed up what grows once
            server.handle_timer(now)
            server.datagrams()
            measured.start()
        fail(server, number, now)
        if number % 50 == 0:
            server.handle_timer(now)
        server.datagrams()
    server.handle_timer(1e9)
    server.datagrams()
    return measured.report()


if __name__ == "__main__":
    print(json.dumps({"spoofed": spoofed, "failed": failed}[sys.argv[1]](int(sys.argv[2]))))
