# SPDX-License-Identifier: Apache-2.0
"""The shell around a sans-IO server on one UDP socket: drains it within limits, drops what can no longer be answered in time,
transmits, and calls at the next timer.

What is in the datagrams is the business of the ``DatagramHandler`` that it serves.
"""

import asyncio
import socket
import time
from typing import Any, Protocol

from openmains.app.ingest.edge.limiter import AddressLimiter, Verdict
from openmains.app.ingest.edge.shedding import SMALL, Shedding
from openmains.app.ingest.edge.sieve import EVERY_S, Sieve
from openmains.edges.udp.arrival import Arrivals
from openmains.edges.udp.kernel_sieve import KernelSieve

DRAIN = 512  # datagrams worked on in one wake-up: other sockets and timers get their turn after them
MOST_TAKEN = 8 * DRAIN  # those included that are dropped unread
TURN_S = 0.02  # a wake-up is over by then: on a busy machine those who were taken wait for their answers meanwhile
_FEW = 64  # are taken whatever the time: where the process is not run for long, turns would be all it does
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


class DatagramHandler(Protocol):
    """What a socket's datagrams are given to. Time is the loop's clock, in seconds."""

    def datagram_received(self, datagram: bytes, peer: Any, verdict: Verdict, now: float) -> None:
        """One datagram of an address that is not ignored."""
        ...

    def datagrams_to_send(self, now: float) -> list[tuple[Any, bytes]]:
        """(Address, datagram) of all that is to be sent now; each is given once."""
        ...

    def next_timer(self) -> float | None:
        """When ``handle_timer`` wants to be called; None: not before the next datagram."""
        ...

    def handle_timer(self, now: float) -> None:
        """The next timer is due."""
        ...


class UdpShell:
    """One socket in the running event loop, for one ``handler``."""

    def __init__(
        self, sock: socket.socket, limiter: AddressLimiter, handler: DatagramHandler, shedding: Shedding
    ) -> None:
        self._sock = sock
        self._arrivals = Arrivals(sock)
        self._limiter = limiter
        self._shedding = shedding
        self._handler = handler
        self._loop = asyncio.get_running_loop()
        self._transmitting = False
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due = 0.0
        self._reading = False
        self._sieve, self._kernel = Sieve(), KernelSieve(sock, SMALL)
        self._easing: asyncio.TimerHandle | None = (
            None  # a sieve that lets nothing through would never be looked at again
        )
        self._stands_since: float | None = None  # the first look since the socket was last found empty
        self._pausing: asyncio.TimerHandle | None = None  # until the next look; the socket is not watched meanwhile
        self.received = self.sent = self.ignored = self.send_failed = 0

    def start(self) -> None:
        """Begin to read, or go on after a pause."""
        self._reading, self._pausing = True, None
        self._loop.add_reader(self._sock.fileno(), self._readable)

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
        for timer in (self._timer, self._easing):
            if timer is not None:
                timer.cancel()
        self._sock.close()

    @property
    def dropped(self) -> int:
        """Datagrams that the kernel dropped before we saw them."""
        return self._kernel.dropped

    def transmit_soon(self) -> None:
        """``transmit`` at the end of this turn."""
        if not self._transmitting:
            self._transmitting = True
            self._loop.call_soon(self.transmit)

    def transmit(self) -> None:
        """Send what there is, and set the timer anew."""
        self._transmitting = False
        now = self._loop.time()
        for peer, datagram in self._handler.datagrams_to_send(now):
            self.send(datagram, peer)
        self._rearm(self._handler.next_timer(), now)

    def send(self, datagram: bytes, peer: Any) -> None:
        """One datagram, at once."""
        try:
            self._sock.sendto(datagram, peer)
            self.sent += 1
        except OSError:
            self.send_failed += 1  # as if lost on the way: the device asks again

    def _readable(self) -> None:
        """Datagrams are there. More than one: load, so the next look is after a pause; at most one: wait for the next."""
        pause_s: float | None = PAUSE_S  # also when a datagram met a fault of ours: the next one must be heard
        try:
            pause_s = self._drain()
        finally:
            self._read_on(pause_s)

    def _read_on(self, pause_s: float | None) -> None:
        if pause_s is not None and self._reading:
            if self._pausing is None:
                self._loop.remove_reader(self._sock.fileno())
            self._pausing = self._loop.call_later(pause_s, self._readable)
        elif self._pausing is not None:
            self.start()

    def _drain(self) -> float | None:
        """Seconds until the next look, none where more are there already; None: when the next one comes."""
        take, judge, received = self._arrivals.take, self._limiter.count, self._handler.datagram_received
        passes = self._shedding.passes
        now = self._loop.time()
        if self._stands_since is None:
            self._stands_since = now
        stood_s = now - self._stands_since
        before, worked, dropped, until = self.received, 0, 0, time.monotonic() + TURN_S
        for _ in range(MOST_TAKEN):
            if worked == DRAIN or (self.received - before > _FEW and time.monotonic() > until):
                return self._turn_over(0.0, worked, dropped, now)
            try:
                datagram, peer, waited_s = take()
            except (BlockingIOError, InterruptedError):
                self._stands_since = None
                break
            except OSError:  # an ICMP error of an earlier answer; the socket itself is fine
                continue
            self.received += 1
            if not passes(len(datagram), waited_s, stood_s, now):
                dropped += 1
                continue
            verdict = judge(peer[0], now)
            if verdict is Verdict.IGNORE:
                self.ignored += 1
            else:
                worked += 1
                received(datagram, peer, verdict, now)
        return self._turn_over(PAUSE_S if self.received - before > 1 else None, worked, dropped, now)

    def _turn_over(self, pause_s: float | None, worked: int, dropped: int, now: float) -> float | None:
        self.transmit()
        if self._sieve.looked(worked, dropped, now):
            self._kernel.let_through(self._sieve.share)
        if self._sieve.share < 1.0 and self._easing is None:
            self._easing = self._loop.call_later(2 * EVERY_S, self._ease)
        return pause_s

    def _ease(self) -> None:
        self._easing = None
        self._turn_over(None, 0, 0, self._loop.time())

    def _rearm(self, due: float | None, now: float) -> None:
        if self._timer is not None:
            if due is not None and self._timer_due <= due + LATE_S:
                return
            self._timer.cancel()
            self._timer = None
        if due is not None:
            due = max(due, now)
            # uvloop gives a handle without when() for an instant that is past
            self._timer, self._timer_due = self._loop.call_at(due, self._timer_is_due), due

    def _timer_is_due(self) -> None:
        self._timer = None
        self._handler.handle_timer(self._loop.time())
        self.transmit()
