# SPDX-License-Identifier: Apache-2.0
"""What strangers leave behind: nothing.

A million hellos from addresses that are not theirs; failed handshakes of four kinds, 20,000 of them here and a million in
the slow test. The strangers compute nothing: their Finished is garbage, which is the cheapest way to fail there is.
"""

import gc
import sys
from random import Random

import psutil
import pytest

from openmains.wire.dtls.client_hello import offer
from openmains.wire.dtls.codes import Content, Extension, Message
from openmains.wire.dtls.events import KeyWanted, Suspicious
from openmains.wire.dtls.fragments import message
from openmains.wire.dtls.key_exchange import encode as encode_identity
from openmains.wire.dtls.record import plain_record, records_untrusted
from openmains.wire.dtls.server import Server
from tests.support.dtls import IDENTITY, PSK, SECRET, connected

MEGABYTE = 1_000_000
EXTENSIONS = {Extension.EXTENDED_MASTER_SECRET: b"", Extension.CONNECTION_ID: b"\x00"}
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


def test_the_answer_is_smaller_than_the_smallest_hello() -> None:
    server = new_server()
    question = hello(bytes(32), b"", 0, SMALLEST, (0xC0A8,))
    server.receive(question, ("192.0.2.1", 1), 0.0)
    [(_, answer)] = server.datagrams()
    assert len(answer) == 44 < len(question) == 67


def test_a_million_spoofed_hellos_leave_nothing() -> None:
    server = new_server()
    shapes = [
        hello(bytes(32), b"", 0, EXTENSIONS, (0xC0A8,)),
        hello(bytes(32), b"", 0, SMALLEST, (0xC0A8,)),
        hello(bytes(32), bytes(16), 1, EXTENSIONS, (0xC0A8,)),  # with a cookie that is none
        hello(bytes(32), b"", 0, EXTENSIONS | {Extension.SESSION_TICKET: bytes(150)}, (0xC0A8,)),
    ]
    chance = Random(4)  # noqa: S311 – repeatable is the point
    at = 13 + 12 + 2

    def flood(count: int, start: int) -> None:
        for number in range(start, start + count):
            shape = shapes[number & 3]
            raw = shape[:at] + chance.randbytes(32) + shape[at + 32 :]
            server.receive(raw, (f"10.{number & 255}.7.7", number & 0xFFFF), number / 20_000)
            for _, answer in server.datagrams():
                assert len(answer) <= len(raw)

    flood(20_000, 0)
    bytes_before, blocks_before = held()
    flood(980_000, 20_000)
    bytes_after, blocks_after = held()
    assert server.counters["cookie_sent"] == 1_000_000
    assert not any(server.sizes().values()) and server.next_timer() is None
    assert bytes_after - bytes_before < MEGABYTE
    assert blocks_after - blocks_before < 1000


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


def failures(count: int) -> None:
    server = new_server()
    per_second = 100  # so that some thousands wait for their end at a time

    def run(start: int, end: int) -> None:
        for number in range(start, end):
            now = number / per_second
            fail(server, number, now)
            if number % 50 == 0:
                server.handle_timer(now)
            server.datagrams()

    warm = count // 2
    run(0, warm)
    server.handle_timer(warm / per_second + 1000.0)
    server.datagrams()
    bytes_before, blocks_before = held()
    run(warm + 200_000, warm + 200_000 + count - warm)
    server.handle_timer(1e9)
    server.datagrams()
    bytes_after, blocks_after = held()
    assert not any(server.sizes().values()) and server.next_timer() is None
    assert server.counters["handshakes_started"] == count and server.counters["handshakes_done"] == 0
    assert server.counters["wrong_key"] == count // 4 and server.counters["hello_refused"] == count // 4
    assert server.counters["handshakes_expired"] == count // 4
    # Thousands were held in between, so the allocator keeps some pages; what is allocated is what was before.
    assert bytes_after - bytes_before < 4 * MEGABYTE
    assert blocks_after - blocks_before < 1000


def test_failed_handshakes_leave_nothing_behind() -> None:
    failures(20_000)


@pytest.mark.slow
def test_a_million_failed_handshakes_leave_nothing_behind() -> None:
    failures(1_000_000)


def test_forged_records_leave_nothing_and_are_answered_with_nothing() -> None:
    """Against a known connection id, unknown ones, and addresses without association."""
    line = connected()
    site = line.site
    good = line.next_up(b"data")
    chance = Random(5)  # noqa: S311 – repeatable is the point
    before = held()[1]
    for number in range(50_000):
        cid = good[11:19] if number % 3 == 0 else b"\x01" + chance.randbytes(7)
        kind = b"\x17\x16\x15"[number % 3 : number % 3 + 1]
        if number % 2:
            raw = b"\x19\xfe\xfd\x00\x01" + chance.randbytes(6) + cid + b"\x00\x30" + chance.randbytes(48)
        else:
            raw = kind + b"\xfe\xfd\x00\x01" + chance.randbytes(6) + b"\x00\x30" + chance.randbytes(48)
        site.server.receive(raw, ("10.9.9.9", number & 0xFFFF), 1.0)
        assert site.datagrams() == []
    assert held()[1] - before < 1000
    site.receive(good, line.home, 2.0)
    assert site.delivered == [b"data"]
