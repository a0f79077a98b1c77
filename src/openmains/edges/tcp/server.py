# SPDX-License-Identifier: Apache-2.0
"""The listening socket for concentrators, DTUs and always-on meters: limits, keep-alive, TLS; what the bytes mean is a session's.

Each connection has bounds of its own, so that none harms another: bytes a second (beyond them it is not read for a moment, and TCP slows
its sender down), bytes that wait to be sent (beyond them it is closed: its other end does not read), connections of one address and
of all. A terminal that is gone without a word is found by the session's deadline and by the kernel's keep-alive.

Over TLS sockets are accepted one by one and their handshakes begun here, so that one in its handshake counts against the same limits, and
no more than ``HANDSHAKES`` are under way, a part of them for one address: whoever opens sockets and says nothing holds up nobody.
"""

import asyncio
import socket
import ssl
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol, cast

from openmains.app.ingest.edge.limiter import AddressLimiter, Verdict

KEEP_ALIVE = ((socket.TCP_KEEPIDLE, 60), (socket.TCP_KEEPINTVL, 15), (socket.TCP_KEEPCNT, 4))
BACKLOG = 4096
HANDSHAKE_S = 15.0
HANDSHAKES = 500  # under way at once; the others wait in the listening socket's queue
ACCEPT_AGAIN_S = 0.1  # after the machine had no descriptor left
CLOSING_S = 10.0
LATE_S = 0.25  # a timer may be this late


@dataclass(frozen=True, slots=True)
class TcpLimits:
    """``bytes_per_s``: of one connection, after as many at once. ``unread_bytes``: that may wait for a terminal to read them."""

    connections: int = 20_000
    connections_per_address: int = 1_000
    handshakes_per_address: int = 32  # under way at once, or one address would hold all there are
    bytes_per_s: int = 65_536
    unread_bytes: int = 65_536


class StreamSession(Protocol):
    """One connection's meaning, without its socket. Time is the loop's, in seconds."""

    ending: str

    def data_received(self, data: bytes, now: float) -> None: ...
    def to_send(self) -> bytes: ...
    def next_timer(self) -> float: ...
    def handle_timer(self, now: float) -> None: ...
    def closed(self) -> None: ...


Open = Callable[[str, str | None, float, Callable[[], None]], StreamSession]
"""(host, name, now, wake) → the session of a new connection; ``name``: of its certificate, "" for one without, None where none is asked
for; ``wake`` has its ``to_send`` called soon."""


class TcpServer:
    """``opened`` makes the session of each connection. Call ``start`` in a running loop."""

    def __init__(
        self,
        sock: socket.socket,
        opened: Open,
        limiter: AddressLimiter,
        limits: TcpLimits,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.counters: Counter[str] = Counter()
        self.open_session, self.limiter, self.limits = opened, limiter, limits
        self.hosts: Counter[str] = Counter()
        self._shaking: Counter[str] = Counter()  # handshakes under way, by address
        self.connections: set[_Connection] = set()
        self._sock, self._tls = sock, tls
        self._server: asyncio.Server | None = None
        self._accepting: asyncio.Task[None] | None = None
        self._handshakes: set[asyncio.Task[None]] = set()
        self._room = asyncio.Semaphore(HANDSHAKES)

    async def start(self) -> None:
        """Begin to accept."""
        loop = asyncio.get_running_loop()
        if self._tls is None:
            self._server = await loop.create_server(lambda: _Connection(self), sock=self._sock, backlog=BACKLOG)
        else:
            self._sock.listen(BACKLOG)
            self._accepting = loop.create_task(self._accept(self._tls))

    def why_not(self, host: str, now: float) -> str:
        """Why one more of this address is not served, a code; "" where it is."""
        if len(self.connections) + len(self._handshakes) > self.limits.connections:
            return "too_many"
        if self.hosts[host] > self.limits.connections_per_address and not self.limiter.is_trusted(host):
            return "too_many_of_one_address"
        if self._shaking[host] >= self.limits.handshakes_per_address and not self.limiter.is_trusted(host):
            return "too_many_handshakes"
        return "" if self.limiter.count(host, now) is Verdict.PASS else "address_floods"

    @property
    def is_secured(self) -> bool:
        """Over TLS: who comes was counted before its handshake."""
        return self._tls is not None

    def left(self, host: str) -> None:
        """One of this address less."""
        self.hosts[host] -= 1
        if not self.hosts[host]:
            del self.hosts[host]

    async def _accept(self, context: ssl.SSLContext) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._room.acquire()
            try:
                sock, peer = await loop.sock_accept(self._sock)
            except OSError:  # reset before it was accepted, or no descriptor left
                self._room.release()
                await asyncio.sleep(ACCEPT_AGAIN_S)
                continue
            host = str(peer[0])
            self.hosts[host] += 1
            if why := self.why_not(host, loop.time()):
                self.counters[f"closed.{why}"] += 1
                self.left(host)
                sock.close()
                self._room.release()
                continue
            self._shaking[host] += 1
            task = loop.create_task(self._shake_hands(sock, host, context))
            self._handshakes.add(task)
            task.add_done_callback(partial(self._shaken, host))

    def _shaken(self, host: str, task: asyncio.Task[None]) -> None:
        self._handshakes.discard(task)
        self._shaking[host] -= 1
        if not self._shaking[host]:
            del self._shaking[host]
        self._room.release()

    async def _shake_hands(self, sock: socket.socket, host: str, context: ssl.SSLContext) -> None:
        """Until the handshake is done, when the connection counts for itself, or is not."""
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: _Connection(self), sock, ssl=context, ssl_handshake_timeout=HANDSHAKE_S
            )
        except OSError:  # no TLS, no certificate, gone, or too late
            self.counters["closed.handshake"] += 1
            sock.close()
        except asyncio.CancelledError:
            sock.close()
            raise
        finally:
            self.left(host)

    def stop_reading(self) -> None:
        """Accept nobody and take nothing new, but still answer what was taken."""
        if self._server is not None:
            self._server.close()
        if self._accepting is not None:
            self._accepting.cancel()
            self._accepting = None
            self._sock.close()
        for connection in self.connections:
            connection.stop_reading()

    def close(self) -> None:
        """Close all."""
        for task in list(self._handshakes):
            task.cancel()
        for connection in list(self.connections):
            connection.close("stopped")

    @property
    def measures(self) -> dict[str, int]:
        """By name."""
        return {
            "tcp.open": len(self.connections),
            "tcp.handshakes": len(self._handshakes),
            **{f"tcp.{name}": value for name, value in self.counters.items()},
        }


class _Connection(asyncio.Protocol):
    """One connection: bytes in, bytes out, one timer."""

    def __init__(self, server: TcpServer) -> None:
        self._server = server
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._session: StreamSession | None = None
        self._host = ""
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due = 0.0
        self._pause: asyncio.TimerHandle | None = None
        self._credit = float(server.limits.bytes_per_s)
        self._credit_at = 0.0
        self._waking = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        server = self._server
        transport = self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by its class
        peer = transport.get_extra_info("peername")
        self._host = str(peer[0]) if peer else ""
        server.connections.add(self)
        server.hosts[self._host] += 1
        if not peer:  # reset before it was accepted: there is no address to count it by, and nobody to serve
            server.counters["closed.gone"] += 1
            transport.abort()
            return
        now = self._credit_at = self._loop.time()
        if why := "" if server.is_secured else server.why_not(self._host, now):
            self.close(why)
        else:
            self._begin(transport, now)

    def _begin(self, transport: asyncio.Transport, now: float) -> None:
        self._server.counters["accepted"] += 1
        sock = transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for option, value in KEEP_ALIVE:
                sock.setsockopt(socket.IPPROTO_TCP, option, value)
        transport.set_write_buffer_limits(high=self._server.limits.unread_bytes)
        self._session = self._server.open_session(self._host, _certified_name(transport), now, self._wake)
        self._flush()

    def data_received(self, data: bytes) -> None:
        session, now = self._session, self._loop.time()
        if session is None:
            return
        self._server.counters["bytes"] += len(data)
        session.data_received(data, now)
        self._flush()
        limit = self._server.limits.bytes_per_s
        self._credit = min(self._credit + (now - self._credit_at) * limit, limit) - len(data)
        self._credit_at = now
        if self._credit < 0 and self._transport is not None and self._pause is None:
            self._server.counters["slowed_down"] += 1
            self._transport.pause_reading()
            self._pause = self._loop.call_later(-self._credit / limit, self._read_on)

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.connections.discard(self)
        self._server.left(self._host)
        for timer in (self._timer, self._pause):
            if timer is not None:
                timer.cancel()
        session, self._session, self._transport = self._session, None, None
        if session is not None:
            self._server.counters["lost" if exc is not None else "ended"] += 1
            session.closed()

    def stop_reading(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()
            if self._pause is not None:
                self._pause.cancel()
                self._pause = None

    def close(self, why: str) -> None:
        """Close; what was said before is still sent if its other end reads."""
        self._server.counters[f"closed.{why}"] += 1
        if self._transport is not None and not self._transport.is_closing():
            self._transport.close()
            self._loop.call_later(CLOSING_S, self._transport.abort)  # whoever does not read is not waited for

    def _read_on(self) -> None:
        self._pause = None
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def _wake(self) -> None:
        if not self._waking:
            self._waking = True
            self._loop.call_soon(self._woken)

    def _woken(self) -> None:
        self._waking = False
        self._flush()

    def _flush(self) -> None:
        session, transport = self._session, self._transport
        if session is None or transport is None or transport.is_closing():
            return
        if out := session.to_send():
            transport.write(out)
            if transport.get_write_buffer_size() > self._server.limits.unread_bytes:
                self._server.counters["closed.does_not_read"] += 1
                transport.abort()
                return
        if session.ending:
            self.close(session.ending)
            return
        due = session.next_timer()
        if self._timer is None or due < self._timer_due - LATE_S:
            if self._timer is not None:
                self._timer.cancel()
            self._timer_due = max(due, self._loop.time())
            self._timer = self._loop.call_at(self._timer_due, self._timer_is_due)

    def _timer_is_due(self) -> None:
        self._timer = None
        if self._session is not None:
            now = self._loop.time()
            if now >= self._session.next_timer():
                self._session.handle_timer(now)
        self._flush()


def _certified_name(transport: asyncio.Transport) -> str | None:
    tls = transport.get_extra_info("ssl_object")
    if tls is None or tls.context.verify_mode is not ssl.CERT_REQUIRED:
        return None
    subject = (tls.getpeercert() or {}).get("subject", ())
    names = [value for part in subject for key, value in part if key == "commonName"]
    return names[0] if len(names) == 1 else ""


def open_tcp_socket(host: str, port: int) -> socket.socket:
    """A bound, non-blocking TCP socket (IPv6 sockets take IPv4 too); raises ``OSError`` when the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.setblocking(False)
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock


def tls_context(certificate: str, key: str, clients: str) -> ssl.SSLContext:
    """TLS 1.2 or newer with this certificate; ``clients``: a file of authorities, one of which must have signed a terminal's certificate, ""
    for any terminal. Whose certificate it is the session judges. Raises ``OSError`` and ``ssl.SSLError`` for files that do not fit."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    if clients:
        context.load_verify_locations(clients)
        context.verify_mode = ssl.CERT_REQUIRED
    return context
