# SPDX-License-Identifier: Apache-2.0
"""The UDP socket of the edge: drains it, feeds the sans-IO CoAP server, answers after the stream has confirmed.

Resource: ``POST /r/<IMEI>`` takes a meter's payload. 2.04 with the driver's answer once it is durable; 4.00 malformed
(kept in the frame log all the same), 4.04 unknown meter, 4.13 over 512 B, 4.29 too many, 5.03 when the stream does not
confirm. An address that floods gets 4.29, then silence.
"""

import asyncio
import socket
from collections.abc import Callable
from typing import Any, cast

from openmains.app.accept.batcher import Batcher
from openmains.app.accept.limiter import AddressLimiter, Verdict
from openmains.app.accept.reception import Accepted, Reception, Refusal
from openmains.edges.udp.answers import BUSY, BUSY_S, TEXT, Said, of_refusal, of_stored
from openmains.wire.coap import options as opt
from openmains.wire.coap.exchange import Exchange, Limits, Request
from openmains.wire.coap.message import Code, Method
from openmains.wire.coap.server import Server

DRAIN = 512  # datagrams of one wake-up: other sockets and timers get their turn after them
RESOURCES = b'</r>;rt="openmains.report";title="POST /r/<IMEI>"'
LINKS = (opt.CONTENT_FORMAT, b"\x28")


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


class CoapEdge:
    """Serves one socket in the running event loop until ``close``."""

    def __init__(
        self,
        sock: socket.socket,
        reception: Reception,
        batcher: Batcher,
        limiter: AddressLimiter,
        *,
        mid_seed: int,
        now_us: Callable[[], int],
    ) -> None:
        self._sock = sock
        self._reception = reception
        self._batcher = batcher
        self._limiter = limiter
        self._now_us = now_us
        self._loop = asyncio.get_running_loop()
        self._server = Server(
            Limits(max_payload=1024, max_body=1024, busy_max_age_s=BUSY_S, max_exchanges=200_000), mid_seed=mid_seed
        )
        self._flushing = False
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due = 0.0
        self.received = 0
        self.sent = 0
        self.ignored = 0
        self.send_failed = 0

    def start(self) -> None:
        """Begin to read."""
        self._loop.add_reader(self._sock.fileno(), self._on_readable)

    def close(self) -> None:
        """Stop reading; open answers are lost, devices send again."""
        self._loop.remove_reader(self._sock.fileno())
        if self._timer is not None:
            self._timer.cancel()
        self._sock.close()

    def stop_reading(self) -> None:
        """Take nothing new, but still answer what was taken."""
        self._loop.remove_reader(self._sock.fileno())

    @property
    def counters(self) -> dict[str, int]:
        """What happened on this socket, by name."""
        counted = {f"coap.{name.replace(' ', '_')}": value for name, value in self._server.counters.items()}
        return counted | {
            "received": self.received,
            "sent": self.sent,
            "ignored.flood": self.ignored,
            "send_failed": self.send_failed,
        }

    def _on_readable(self) -> None:
        receive, take, feed = self._sock.recvfrom, self._limiter.take, self._server.receive
        now = self._loop.time()
        for _ in range(DRAIN):
            try:
                datagram, peer = receive(2048)
            except (BlockingIOError, InterruptedError):
                break
            except OSError:  # an ICMP error of an earlier answer; the socket itself is fine
                continue
            self.received += 1
            verdict = take(peer[0], now)
            if verdict is Verdict.IGNORE:
                self.ignored += 1
                continue
            for event in feed(datagram, peer, now):
                if type(event) is Request:
                    self._on_request(event, verdict, now)
        self._flush()

    def _on_request(self, request: Request, verdict: Verdict, now: float) -> None:
        exchange = request.exchange
        path = request.path
        if verdict is Verdict.REFUSE:
            self._say(exchange, of_refusal(Refusal.TOO_MANY), now)
        elif len(path) == 2 and path[0] == "r":
            if request.method != Method.POST:
                self._server.respond(exchange, Code.METHOD_NOT_ALLOWED, b"use POST", (TEXT,), now=now)
            elif self._batcher.full:
                self._say(exchange, BUSY, now)
            else:
                self._take(request, path[1], now)
        elif path == (".well-known", "core") and request.method == Method.GET:
            self._server.respond(exchange, Code.CONTENT, RESOURCES, (LINKS,), now=now)
        else:
            self._server.respond(exchange, Code.NOT_FOUND, b"POST /r/<IMEI>", (TEXT,), now=now)

    def _take(self, request: Request, imei: str, now: float) -> None:
        exchange = request.exchange
        about = "/", opt.get_uint(request.options, opt.CONTENT_FORMAT)
        found = self._reception.take(imei, request.payload, "coap", "r", self._now_us(), about=about)
        if isinstance(found, Refusal):
            self._say(exchange, of_refusal(found), now)
            return
        self._batcher.add(found.uplink, lambda confirmed: self._done(exchange, found, confirmed))

    def _done(self, exchange: Exchange, accepted: Accepted, confirmed: bool) -> None:
        said = of_stored(self._reception, accepted, confirmed, self._now_us() // 1_000_000)
        self._say(exchange, said, self._loop.time())
        if not self._flushing:
            self._flushing = True
            self._loop.call_soon(self._flush)

    def _say(self, exchange: Exchange, said: Said, now: float) -> None:
        self._server.respond(exchange, said.code, said.payload, said.options, now=now)

    def _flush(self) -> None:
        self._flushing = False
        send = self._sock.sendto
        for peer, datagram in self._server.datagrams():
            try:
                send(datagram, cast(tuple[Any, ...], peer))  # a peer is the address recvfrom gave
                self.sent += 1
            except (BlockingIOError, InterruptedError, OSError):
                self.send_failed += 1  # as if lost on the way: the device asks again and hears the remembered answer
        self._schedule()

    def _schedule(self) -> None:
        due = self._server.next_timer()
        if self._timer is not None:
            if due is not None and self._timer_due <= due + 0.01:
                return
            self._timer.cancel()
            self._timer = None
        if due is not None:
            # uvloop gives a handle without when() for an instant that is past
            self._timer, self._timer_due = self._loop.call_at(due, self._on_timer), due

    def _on_timer(self) -> None:
        self._timer = None
        self._server.handle_timer(self._loop.time())
        self._flush()
