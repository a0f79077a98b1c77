# SPDX-License-Identifier: Apache-2.0
"""Load over DTLS against this project's own servers, which run in another thread on a real socket."""

import asyncio
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from openmains.bench.load.secure import (
    Handshakes,
    SecureLoad,
    open_sockets,
    run_secure,
    session_pair,
    socket_of,
    sockets_for,
)
from openmains.drivers import catalog
from openmains.wire.dtls.codes import Content
from openmains.wire.dtls.record import HEADER_SIZE
from openmains.wire.dtls.session import Session, inner
from tests.support.secure_platform import SecurePlatform

FIRST = 861_000_000_000_000
COUNT = 512
DRIVER = "openmains/water-1"


def key_of(imei: int) -> bytes:
    return imei.to_bytes(16, "big")


@contextmanager
def platform(count: int) -> Iterator[SecurePlatform]:
    """Serves in a thread until the block ends."""
    made: list[SecurePlatform] = []
    ready = threading.Event()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    async def serve() -> None:
        psks = {f"{FIRST + k}": key_of(FIRST + k) for k in range(count)}
        made.append(SecurePlatform(psks, catalog.load().driver(DRIVER), lambda: int(time.time())))
        ready.set()
        await stop.wait()
        made[0].close()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    ready.wait()
    try:
        yield made[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


@pytest.mark.usefixtures("takes_seconds")
@pytest.mark.parametrize("ahead", [0, 4096])
def test_every_meter_shakes_hands_once_and_every_report_is_answered(ahead: int) -> None:
    with platform(COUNT) as served:
        made, result = run_secure(
            served.address, FIRST, COUNT, key_of, 20_500, 400.0, 3.0, most_sockets=2, sealed_ahead=ahead
        )
        assert (made.done, made.failed) == (COUNT, 0)
        assert served.counters["handshakes"] == COUNT
        assert result.sent == result.acknowledged >= 1000
        assert result.codes == {"2.04": result.sent}
        assert not served.counters["Suspicious"] and not served.counters["Probe"]
    payloads = {(imei, payload) for imei, _, payload in served.reports}
    assert len(payloads) == result.sent  # no report twice, none lost
    driver = catalog.load().driver(DRIVER)
    assert all(driver.check(payload) is None for _, payload in payloads)


def test_a_wrong_key_is_a_failed_handshake_and_the_others_go_on() -> None:
    with platform(256) as served:
        opened = open_sockets(served.address, 1)
        wrong = FIRST + 2
        shaking = Handshakes(opened, FIRST, 4, lambda imei: bytes(16) if imei == wrong else key_of(imei))
        made = shaking.run(2.0)
        for one in opened:
            one.close()
        assert [session is not None for session in made.sessions[:2]] == [True, True]
        assert made.sessions[2] is None


def test_ready_made_sessions_understand_each_other_also_from_dumps() -> None:
    cid = b"\x01" + os.urandom(7)
    for meter, server in (session_pair(FIRST, cid, 5, ("127.0.0.1", 4000)),):
        for one, other in ((meter, server), (server, meter)):
            raw = one.seal(Content.APPLICATION_DATA, b"report")
            assert raw[11:19] == other.cid
            content = other.open(raw, HEADER_SIZE + 8)
            assert content is not None and inner(content) == (Content.APPLICATION_DATA, b"report")
        again = Session.load(server.dump())
        assert (again.cid, again.their_cid, again.identity) == (cid, (5).to_bytes(8, "big"), str(FIRST).encode())
        content = again.open(meter.seal(Content.APPLICATION_DATA, b"more"), HEADER_SIZE + 8)
        assert content is not None and inner(content)[1] == b"more"


def test_a_meter_keeps_its_socket() -> None:
    assert sockets_for(10_240, 16) == 10
    assert {socket_of(place, 10) for place in range(256)} == {0}
    for place in range(0, 10_240, 37):
        assert socket_of(place, 10) == (place + 10_240) // 256 % 10
    with pytest.raises(ValueError, match="multiple"):
        sockets_for(1000, 4)


def test_a_separate_answer_is_acknowledged_within_the_session() -> None:
    meter, server = session_pair(FIRST, b"\x01" + bytes(7), 0, ("127.0.0.1", 4000))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as platform_side:
        platform_side.bind(("127.0.0.1", 0))
        platform_side.settimeout(10)
        opened = open_sockets(platform_side.getsockname(), 1)
        sessions = [meter] * 256
        load = SecureLoad(platform_side.getsockname(), FIRST, sessions, 20_500, 1.0, opened=opened)
        answer = np.frombuffer(b"\x44\x44\x12\x34" + bytes((1, 0, 0, 0)), dtype=np.uint8).reshape(1, 8)
        load._answers(0, answer, time.perf_counter())
        content = server.open(platform_side.recv(2048), HEADER_SIZE + 8)
        opened[0].close()
    assert content is not None
    assert inner(content) == (Content.APPLICATION_DATA, b"\x60\x00\x12\x34")
