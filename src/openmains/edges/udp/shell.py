# SPDX-License-Identifier: Apache-2.0
"""The shell around a sans-IO server on one UDP socket: drains it within limits, sends, and calls at the next timer.

What is in the datagrams is the subclass's business: ``_take`` gets each one, ``_emit`` puts out what there is, ``_due`` and
``_on_time`` are the protocol's timers.
"""

import asyncio
import socket
from abc import ABC, abstractmethod
from typing import Any

from openmains.app.ingest.edge.limiter import AddressLimiter, Verdict

DRAIN = 512  # datagrams of one wake-up: other sockets and timers get their turn after them
PAUSE_S = 0.004  # under load: waking up for each datagram would cost nearly as much as what is in it
LATE_S = 0.01  # a timer that is set may be this late; setting it anew for each datagram would cost more


def open_socket(host: str, port: int, receive_buffer: int) -> socket.socket:
    """A bound, non-blocking UDP socket (IPv6 sockets take IPv4 too); raises ``OSError`` when the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.setblocking(False)
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock


class UdpShell(ABC):
    """One socket in the running event loop. Time is the loop's clock."""

    def __init__(self, sock: socket.socket, limiter: AddressLimiter) -> None:
        self._sock = sock
        self._limiter = limiter
        self._loop = asyncio.get_running_loop()
        self._flushing = False
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due = 0.0
        self._reading = False
        self._pausing: asyncio.TimerHandle | None = None  # until the next look; the socket is not watched meanwhile
        self.received = self.sent = self.ignored = self.send_failed = 0

    @abstractmethod
    def _take(self, datagram: bytes, peer: Any, verdict: Verdict, now: float) -> None:
        """One datagram of an address that is not ignored."""

    @abstractmethod
    def _emit(self, now: float) -> None:
        """``_put`` what there is."""

    @abstractmethod
    def _due(self) -> float | None:
        """When ``_on_time`` wants to be called; None: not at all."""

    @abstractmethod
    def _on_time(self, now: float) -> None:
        """The next timer is due."""

    def _read(self) -> None:
        self._reading, self._pausing = True, None
        self._loop.add_reader(self._sock.fileno(), self._on_readable)

    def stop_reading(self) -> None:
        """Take nothing new, but still answer what was taken."""
        self._reading = False
        if self._pausing is not None:
            self._pausing.cancel()
            self._pausing = None
        self._loop.remove_reader(self._sock.fileno())

    def close(self) -> None:
        """Stop reading; open answers are lost, devices send again."""
        self.stop_reading()
        if self._timer is not None:
            self._timer.cancel()
        self._sock.close()

    def flush_soon(self) -> None:
        """Send what there is at the end of this turn."""
        if not self._flushing:
            self._flushing = True
            self._loop.call_soon(self._flush)

    def _on_readable(self) -> None:
        """Datagrams are there. More than one: load, so the next look is after a pause; at most one: wait for the next."""
        many = True  # also when a datagram met a fault of ours: the next one must be heard
        try:
            many = self._drain() > 1
        finally:
            self._go_on(many)

    def _go_on(self, pause: bool) -> None:
        if pause and self._reading:
            if self._pausing is None:
                self._loop.remove_reader(self._sock.fileno())
            self._pausing = self._loop.call_later(PAUSE_S, self._on_readable)
        elif self._pausing is not None:
            self._read()

    def _drain(self) -> int:
        receive, judge, take = self._sock.recvfrom, self._limiter.take, self._take
        now = self._loop.time()
        before = self.received
        for _ in range(DRAIN):
            try:
                datagram, peer = receive(2048)
            except (BlockingIOError, InterruptedError):
                break
            except OSError:  # an ICMP error of an earlier answer; the socket itself is fine
                continue
            self.received += 1
            verdict = judge(peer[0], now)
            if verdict is Verdict.IGNORE:
                self.ignored += 1
            else:
                take(datagram, peer, verdict, now)
        self._flush()
        return self.received - before

    def _put(self, datagram: bytes, peer: Any) -> None:
        try:
            self._sock.sendto(datagram, peer)
            self.sent += 1
        except OSError:
            self.send_failed += 1  # as if lost on the way: the device asks again

    def _flush(self) -> None:
        self._flushing = False
        now = self._loop.time()
        self._emit(now)
        self._schedule(self._due(), now)

    def _schedule(self, due: float | None, now: float) -> None:
        if self._timer is not None:
            if due is not None and self._timer_due <= due + LATE_S:
                return
            self._timer.cancel()
            self._timer = None
        if due is not None:
            due = max(due, now)
            # uvloop gives a handle without when() for an instant that is past
            self._timer, self._timer_due = self._loop.call_at(due, self._on_timer), due

    def _on_timer(self) -> None:
        self._timer = None
        self._on_time(self._loop.time())
        self._flush()
