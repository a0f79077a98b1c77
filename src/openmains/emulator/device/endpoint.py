# SPDX-License-Identifier: Apache-2.0
"""UDP sockets for emulated meters: the asyncio shell around the sans-IO CoAP client, with a bad network by option.

Many meters may share one socket, as they share a carrier's address translation. Each socket has its own client, because
message ids are per pair of addresses: 65,536 requests in 247 s is all that one socket can send (RFC 7252, 4.8.2).
"""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from openmains.wire.coap.call import Call, ClientEvent, ResponseReceived
from openmains.wire.coap.client import Client
from openmains.wire.coap.message import Method, is_success
from openmains.wire.coap.reliability import RFC7252, Timing

REQUESTS_PER_S = 200  # what one socket can carry for ever without using a message id twice


Later = Callable[..., object]  # (seconds, call, argument): an event loop's call_later


@dataclass(frozen=True, slots=True)
class Network:
    """What the network does to each datagram, both ways. Shares are 0…1, delays in seconds."""

    loss: float = 0.0
    duplicates: float = 0.0
    reordering: float = 0.0
    reordering_delay_s: float = 0.3

    def fate(self, rng: random.Random) -> list[float]:
        """Delays after which the copies of one datagram arrive; empty = lost."""
        if self.loss and rng.random() < self.loss:
            return []
        copies = 2 if self.duplicates and rng.random() < self.duplicates else 1
        delays = []
        for _ in range(copies):
            late = self.reordering and rng.random() < self.reordering
            delays.append(rng.random() * self.reordering_delay_s if late else 0.0)
        return delays

    def carry(self, data: bytes, deliver: Callable[[bytes], object], rng: random.Random, later: Later) -> None:
        """Deliver the copies of a datagram that arrive, each in its time."""
        for delay in self.fate(rng):
            if delay:
                later(delay, deliver, data)
            else:
                deliver(data)


PERFECT = Network()


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a request ended. ``code`` 0: no answer (``reason`` says why); ``seconds`` real time from first sending."""

    code: int
    payload: bytes
    seconds: float
    reason: str = ""

    @property
    def ok(self) -> bool:
        """2.xx."""
        return is_success(self.code)


Done = Callable[[Outcome], None]


class Endpoint(asyncio.DatagramProtocol):
    """One socket connected to the platform, and its client. Made by ``connect``."""

    def __init__(self, rng: random.Random, timing: Timing = RFC7252, network: Network = PERFECT) -> None:
        self._loop = asyncio.get_running_loop()
        self._client = Client(mid_seed=rng.getrandbits(16), token_seed=rng.getrandbits(32), timing=timing)
        self._rng, self._network = rng, network
        self._transport: asyncio.DatagramTransport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._open: dict[Call, tuple[Done, float]] = {}

    @classmethod
    async def connect(
        cls, target: tuple[str, int], rng: random.Random, timing: Timing = RFC7252, network: Network = PERFECT
    ) -> "Endpoint":
        """Open a socket towards ``target``; raises ``OSError``."""
        loop = asyncio.get_running_loop()
        _, endpoint = await loop.create_datagram_endpoint(lambda: cls(rng, timing, network), remote_addr=target)
        return endpoint

    @property
    def counters(self) -> dict[str, int]:
        """The client's: retransmissions, duplicates, …"""
        return self._client.counters

    def post(self, imei: str, payload: bytes, done: Done) -> None:
        """``POST /r/<IMEI>``, confirmable. ``done`` is called once, unless the endpoint is closed before."""
        now = self._loop.time()
        chance = self._rng.random()
        call = self._client.request(0, Method.POST, ("r", imei), payload, chance=chance, now=now)
        self._open[call] = (done, now)
        self._flush()

    def close(self) -> None:
        """Close the socket; open requests end without a word."""
        self._open.clear()
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            self._transport.close()

    # -- asyncio ---------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: object) -> None:
        self._network.carry(data, self._arrived, self._rng, self._loop.call_later)

    def error_received(self, exc: Exception) -> None:
        """Nobody listens there at the moment: as good as lost, retransmission goes on."""

    # -- inside ----------------------------------------------------------------------------------------------------

    def _arrived(self, data: bytes) -> None:
        self._tell(self._client.receive(data, 0, self._loop.time()))
        self._flush()

    def _on_timer(self) -> None:
        self._timer = None
        self._tell(self._client.handle_timer(self._loop.time()))
        self._flush()

    def _tell(self, events: list[ClientEvent]) -> None:
        for event in events:
            found = self._open.pop(event.call, None)
            if found is None:
                continue
            done, since = found
            seconds = self._loop.time() - since
            if isinstance(event, ResponseReceived):
                done(Outcome(event.code, event.payload, seconds))
            else:
                done(Outcome(0, b"", seconds, type(event).__name__))

    def _flush(self) -> None:
        transport = self._transport
        for _, data in self._client.datagrams():
            if transport is None or transport.is_closing():
                continue
            self._network.carry(data, transport.sendto, self._rng, self._loop.call_later)
        due = self._client.next_timer()
        if due is not None and (self._timer is None or due < self._timer.when()):
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self._loop.call_at(due, self._on_timer)


def parse_target(text: str) -> tuple[str, int]:
    """``host:port``, ``[v6]:port`` or ``host`` (port 5683); raises ``ValueError``."""
    host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]"):
        host, port = text, "5683"
    host = host.strip("[]")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError(f"not host:port: {text}")
    return host, int(port)
