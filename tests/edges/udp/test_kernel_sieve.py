# SPDX-License-Identifier: Apache-2.0
"""Large datagrams come through by chance, small ones always."""

import socket
import sys

import pytest

from openmains.edges.udp.kernel_sieve import KernelSieve
from openmains.edges.udp.shell import open_socket

SMALL, LARGE, COUNT = 160, 161, 2_000


def received(sock: socket.socket) -> tuple[int, int]:
    """(small, large) of what is there."""
    small = large = 0
    while True:
        try:
            size = len(sock.recv(2048))
        except BlockingIOError:
            return small, large
        small, large = small + (size <= SMALL), large + (size > SMALL)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has it")
def test_large_ones_come_through_by_chance_small_ones_always_and_the_others_are_counted() -> None:
    sock = open_socket("127.0.0.1", 0, 8 << 20)
    with sock, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.connect(sock.getsockname())
        sieve = KernelSieve(sock, SMALL)
        for share, least, most in ((0.25, 0.18, 0.32), (0.75, 0.68, 0.82), (1.0, 1.0, 1.0)):
            sieve.let_through(share)
            before, got = sieve.dropped, [0, 0]
            for _ in range(COUNT // 100):
                for _ in range(100):
                    sender.send(bytes(LARGE))
                sender.send(bytes(SMALL))
                got = [sum(pair) for pair in zip(got, received(sock), strict=True)]
            assert sieve.works
            assert got[0] == COUNT // 100, share
            assert least * COUNT <= got[1] <= most * COUNT, share
            assert sieve.dropped - before == COUNT - got[1]


def test_where_the_system_has_none_all_come_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    sock = open_socket("127.0.0.1", 0, 1 << 20)
    with sock, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.connect(sock.getsockname())
        sieve = KernelSieve(sock, SMALL)
        sieve.let_through(0.01)
        for _ in range(50):
            sender.send(bytes(LARGE))
        assert received(sock) == (0, 50)
        assert sieve.dropped == 0
