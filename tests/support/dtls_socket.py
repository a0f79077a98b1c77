# SPDX-License-Identifier: Apache-2.0
"""The smallest real server: one UDP socket, one thread, ``Site`` behind it. For peers that we did not write."""

import socket
import threading
import time
from types import TracebackType

from openmains.wire.dtls.events import Limits
from tests.support.dtls import Site

_TICK_S = 0.05


class SocketServer:
    """``with SocketServer(site) as server: … server.port``. What arrives is echoed if the site answers."""

    def __init__(self, site: Site, family: socket.AddressFamily = socket.AF_INET) -> None:
        self.site = site
        self.faults: list[BaseException] = []
        self.seen: list[bytes] = []  # all datagrams that came
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(_TICK_S)
        self.port: int = self._socket.getsockname()[1]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "SocketServer":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(5)
        self._socket.close()
        if self.faults and error is None:
            raise self.faults[0]

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                try:
                    datagram, peer = self._socket.recvfrom(65_536)
                except TimeoutError:
                    datagram = b""
                now = time.monotonic()
                if datagram:
                    self.seen.append(datagram)
                    self.site.receive(datagram, peer, now)
                timer = self.site.next_timer()
                if timer is not None and timer <= now:
                    self.site.handle_timer(now)
                for target, raw in self.site.datagrams():
                    self._socket.sendto(raw, target)
        except BaseException as fault:
            self.faults.append(fault)


def quick_limits() -> Limits:
    """Retransmission as on a local line."""
    return Limits(first_wait_s=1.0)
