# SPDX-License-Identifier: Apache-2.0
"""The network between a foreign client and the edge, on one machine: a UDP port that carries datagrams on.

What a radio network and its firewall do, and loopback does not: while nothing listens behind it a client hears silence (on loopback
the kernel would tell it that the port is closed); a client's address as the edge sees it may change; a datagram may be lost.
"""

import selectors
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType

_TICK_S = 0.05
Judge = Callable[[bytes], bool]  # False: this datagram is lost


class Relay:
    """``port``: where clients speak to. ``lose_up``, ``lose_down``: what is not carried. ``down`` keeps what the edge said."""

    def __init__(self, target: int) -> None:
        self._target = ("127.0.0.1", target)
        self._front = self._socket()
        self.port: int = self._front.getsockname()[1]
        self._behind: dict[tuple[str, int], socket.socket] = {}  # client → the socket that stands for it
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.keep_up: Judge = lambda datagram: True
        self.keep_down: Judge = lambda datagram: True
        self.up: list[bytes] = []
        self.down: list[bytes] = []

    @staticmethod
    def _socket() -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.bind(("127.0.0.1", 0))
        made.setblocking(False)
        return made

    def __enter__(self) -> "Relay":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(5)
        for each in (self._front, *self._behind.values()):
            each.close()

    def move(self) -> None:
        """From now on every client has another address."""
        with self._lock:
            for each in self._behind.values():
                each.close()
            self._behind.clear()

    def say(self, datagram: bytes) -> None:
        """To every client, as if the edge had said it."""
        with self._lock:
            for client in self._behind:
                self._front.sendto(datagram, client)

    def _run(self) -> None:
        while not self._stop.is_set():
            with selectors.DefaultSelector() as selector:
                with self._lock:
                    selector.register(self._front, selectors.EVENT_READ, None)
                    for client, behind in self._behind.items():
                        selector.register(behind, selectors.EVENT_READ, client)
                for key, _ in selector.select(_TICK_S):
                    with self._lock, suppress(OSError):  # nobody listens there now: silence
                        self._carry(key)

    def _carry(self, key: selectors.SelectorKey) -> None:
        sock = key.fileobj
        assert isinstance(sock, socket.socket)
        datagram, sender = sock.recvfrom(65_536)
        if key.data is None:
            self.up.append(datagram)
            if self.keep_up(datagram):
                self._for(sender).send(datagram)
        else:
            self.down.append(datagram)
            if self.keep_down(datagram):
                self._front.sendto(datagram, key.data)

    def _for(self, client: tuple[str, int]) -> socket.socket:
        if client not in self._behind:
            made = self._socket()
            made.connect(self._target)
            self._behind[client] = made
        return self._behind[client]
