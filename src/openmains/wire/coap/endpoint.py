# SPDX-License-Identifier: Apache-2.0
"""Both roles on one link: a peer asks us and is asked by us over the same addresses (RFC 7252 section 2.2).

Theory: a datagram belongs to the server when it carries a request, to the client when it carries a response. An
empty ACK or a Reset names a message of ours by its id alone, so both roles draw their ids from one source
(:class:`MessageIds`) and the client is asked whether the id is one of its own. Everything else, garbage included,
is the server's, which knows what to answer. LwM2M needs this: registrations go up and operations go down on one
DTLS session.
"""

from collections.abc import Collection
from dataclasses import dataclass

from openmains.wire.coap.call import ClientEvent
from openmains.wire.coap.client import Client
from openmains.wire.coap.exchange import Crowd, Event, Limits, Peer
from openmains.wire.coap.message import CON, empty
from openmains.wire.coap.reliability import RFC7252, Chance, MessageIds, Timing
from openmains.wire.coap.server import DEFAULT_LIMITS, Server

MAX_PINGS = 10_000


@dataclass(frozen=True, slots=True)
class Pong:
    """The peer answered a ping with a Reset: what we send there arrives (RFC 7252 section 4.3)."""

    peer: Peer


class Endpoint:
    """A server and a client that share message ids. ``seed``: any integer, random in production.

    The application calls ``server`` and ``client`` directly to answer and to ask; bytes and time come through here.
    """

    def __init__(
        self,
        limits: Limits = DEFAULT_LIMITS,
        *,
        seed: int,
        timing: Timing = RFC7252,
        understood: Collection[int] = (),
        max_answer: int = 1 << 16,
        hold_notifications: bool = False,
        crowd: Crowd | None = None,
    ) -> None:
        self.ids = MessageIds(seed)
        self.chance = Chance(seed ^ 0x5DEECE66D)
        self.server = Server(limits, mid_seed=seed, timing=timing, understood=understood, ids=self.ids, crowd=crowd)
        self.client = Client(
            mid_seed=seed,
            token_seed=self.chance.bits() << 1,
            timing=timing,
            block_szx=limits.block_szx,
            max_body=max_answer,
            max_recent=limits.max_exchanges,
            ids=self.ids,
            hold_notifications=hold_notifications,
        )
        self._pings: dict[Peer, int] = {}  # message id of the newest ping of a peer
        self._pinged: list[tuple[Peer, bytes]] = []

    def ping(self, peer: Peer) -> None:
        """An empty confirmable message, once and not repeated; :class:`Pong` when the peer rejects it, as it must."""
        self._pings.pop(peer, None)
        if len(self._pings) >= MAX_PINGS:
            del self._pings[next(iter(self._pings))]
        mid = self._pings[peer] = self.ids(peer)
        self._pinged.append((peer, empty(CON, mid)))

    def receive(self, datagram: bytes, peer: Peer, now: float) -> list[Event] | list[ClientEvent] | list[Pong]:
        """One datagram from ``peer``. Never raises for what is in it."""
        if self._pings and datagram[:2] == b"\x70\0" and self._pings.get(peer) == int.from_bytes(datagram[2:4], "big"):
            del self._pings[peer]
            return [Pong(peer)]
        if len(datagram) > 3:
            code = datagram[1]
            if code >= 0x40 or (not code and self.client.expects(peer, datagram[2] << 8 | datagram[3])):
                return self.client.receive(datagram, peer, now)
        return self.server.receive(datagram, peer, now)

    def datagrams(self) -> list[tuple[Peer, bytes]]:
        """What is to be sent now, answers before questions; each is given once."""
        out = self.server.datagrams()
        asked = self.client.datagrams()
        if self._pinged:
            asked = self._pinged + asked
            self._pinged = []
        return out + asked if asked else out

    def next_timer(self) -> float | None:
        """When ``handle_timer`` has work, None: not before the next datagram or request."""
        answering, asking = self.server.next_timer(), self.client.next_timer()
        if answering is None or asking is None:
            return asking if answering is None else answering
        return min(answering, asking)

    def handle_timer(self, now: float) -> list[Event | ClientEvent]:
        """Retransmissions, late acknowledgements and what is given up."""
        events: list[Event | ClientEvent] = list(self.server.handle_timer(now))
        events += self.client.handle_timer(now)
        return events
