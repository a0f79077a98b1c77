# SPDX-License-Identifier: Apache-2.0
"""The socket under load: read with pauses, and never deaf afterwards."""

import asyncio
import socket
import time
from typing import Any

import pytest

from openmains.app.ingest.edge.limiter import AddressLimiter, Verdict
from openmains.app.ingest.edge.pace import Pace
from openmains.app.ingest.edge.shedding import Shedding
from openmains.edges.udp import arrival
from openmains.edges.udp.arrival import _stamps
from openmains.edges.udp.shell import UdpShell, open_socket
from tests.support.patience import PATIENCE_S


class Listener:
    """Keeps what it takes; ``bad`` meets a fault of ours."""

    def __init__(self, sock: socket.socket, wanted: int) -> None:
        self.shell = UdpShell(sock, AddressLimiter(1_000_000, [], 1_000_000), self, Shedding(Pace()))
        self.taken: list[bytes] = []
        self.wanted = wanted
        self.enough = asyncio.Event()
        self.shell.start()

    def datagram_received(self, datagram: bytes, peer: Any, verdict: Verdict, now: float) -> None:
        if datagram == b"bad":
            raise RuntimeError("a fault of ours")
        self.taken.append(datagram)
        if len(self.taken) == self.wanted:
            self.enough.set()

    def datagrams_to_send(self, now: float) -> list[tuple[Any, bytes]]:
        return []

    def next_timer(self) -> float | None:
        return None

    def handle_timer(self, now: float) -> None:
        pass


async def test_a_burst_a_fault_and_what_comes_later_are_all_heard() -> None:
    faults: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: faults.append(context.get("exception")))
    sock = open_socket("127.0.0.1", 0, 1 << 20)
    listener = Listener(sock, 7)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.connect(sock.getsockname())
        try:
            async with asyncio.timeout(PATIENCE_S):
                for text in (
                    b"1",
                    b"2",
                    b"3",
                    b"bad",
                    b"4",
                ):  # a burst: from now on the socket is looked at after pauses
                    sender.send(text)
                while len(listener.taken) < 4:
                    await asyncio.sleep(0)
                sender.send(b"bad")
                while len(faults) < 2:
                    await asyncio.sleep(0)
                for text in (b"5", b"6", b"7"):
                    sender.send(text)
                await listener.enough.wait()
        finally:
            listener.shell.close()
    assert listener.taken == [b"1", b"2", b"3", b"4", b"5", b"6", b"7"]
    assert [type(fault) for fault in faults] == [RuntimeError, RuntimeError]


@pytest.mark.parametrize("stamped", [True, False])
@pytest.mark.parametrize("stands", [True, False])
async def test_what_waited_too_long_where_the_queue_stands_is_dropped_before_anybody_looks_at_it(
    monkeypatch: pytest.MonkeyPatch, stamped: bool, stands: bool
) -> None:
    monkeypatch.setattr(arrival, "_stamps", _stamps if stamped else lambda sock: False)
    sock = open_socket("127.0.0.1", 0, 1 << 20)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.connect(sock.getsockname())
        listener = Listener(sock, 1 if stands else 6)
        listener.shell._stands_since = asyncio.get_running_loop().time() - 2 if stands else None
        clock = Clock()
        monkeypatch.setattr(arrival, "time", clock)
        try:
            async with asyncio.timeout(PATIENCE_S):
                for _ in range(5):
                    sender.send(bytes(200))
                sender.send(b"an alarm")
                clock.ahead_s = 1.5  # they lay there, as on a machine that has no time for this process
                await listener.enough.wait()
                while listener.shell._stands_since is not None:
                    await asyncio.sleep(0)
        finally:
            listener.shell.close()
    assert listener.taken == [b"an alarm"] if stands else [*[bytes(200)] * 5, b"an alarm"]
    assert listener.shell.received == 6


class Clock:
    """The machine's clocks, ``ahead_s`` ahead."""

    ahead_s = 0.0

    def time(self) -> float:
        return time.time() + self.ahead_s

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead_s
