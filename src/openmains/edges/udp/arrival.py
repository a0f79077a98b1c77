# SPDX-License-Identifier: Apache-2.0
"""Since when a datagram has been waiting in its socket: the kernel's word where it gives one (Linux, ``SO_TIMESTAMPNS``).

Elsewhere a datagram can have waited no longer than since the socket was last found empty; that is taken for its age.
"""

import socket
import struct
import sys
import time
from typing import Any

_SO_TIMESTAMPNS = 35  # asm-generic/socket.h; the socket module has no name for it
_STAMP = struct.Struct("@qq")  # struct timespec
_ROOM = socket.CMSG_SPACE(_STAMP.size)
_MOST = 2048  # bytes of a datagram that are read


class Arrivals:
    """The reading side of one non-blocking UDP socket."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._empty_at = time.monotonic()
        self.stamped = _stamps(sock)
        self._take = self._take_stamped if self.stamped else self._take_plain

    def take(self) -> tuple[bytes, Any, float]:
        """(datagram, address, seconds since it came); raises ``BlockingIOError`` when there is none, ``OSError`` for an ICMP error."""
        return self._take()

    def _take_stamped(self) -> tuple[bytes, Any, float]:
        datagram, notes, _, address = self._sock.recvmsg(_MOST, _ROOM)
        for level, kind, data in notes:
            if kind == _SO_TIMESTAMPNS and level == socket.SOL_SOCKET:
                seconds, nanoseconds = _STAMP.unpack(data)
                # The wall clock, for it is the kernel's here. Set back it makes an age negative, and 'has not waited' is the answer then.
                return datagram, address, time.time() - seconds - nanoseconds / 1e9
        return datagram, address, 0.0

    def _take_plain(self) -> tuple[bytes, Any, float]:
        try:
            datagram, address = self._sock.recvfrom(_MOST)
        except BlockingIOError:
            self._empty_at = time.monotonic()
            raise
        return datagram, address, time.monotonic() - self._empty_at


def _stamps(sock: socket.socket) -> bool:
    if sys.platform != "linux":
        return False
    try:
        sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
    except OSError:
        return False
    return True
