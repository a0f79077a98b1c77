# SPDX-License-Identifier: Apache-2.0
"""The server's memory of requests: which datagram is a copy, and which request waits too long for its answer.

Theory: a request is known by (peer, message id, fingerprint of the datagram) for EXCHANGE_LIFETIME (RFC 7252 section
4.8.2); what differs in one byte is another request, and each has its own answer for its own copies. Memory is bounded:
the oldest goes first. A confirmable request that stays open needs an empty ACK after ``Limits.separate_after_s``, so
that its sender stops repeating it.
"""

from collections import deque

from openmains.wire.coap.exchange import Exchange, Limits, Peer
from openmains.wire.coap.message import Message, fingerprint
from openmains.wire.coap.states import Serving

_OPEN, _OPEN_NON = Serving.OPEN, Serving.OPEN_NON


class Exchanges:
    """All remembered requests of one server. Instants in seconds."""

    __slots__ = ("_ack_after_s", "_by_key", "_lifetime_s", "_most", "_order", "_slow")

    def __init__(self, limits: Limits, lifetime_s: float) -> None:
        self._most, self._ack_after_s = limits.max_exchanges, limits.separate_after_s
        self._lifetime_s = lifetime_s
        self._by_key: dict[tuple[Peer, int, int], Exchange] = {}
        self._order: deque[Exchange] = deque()  # all remembered ones, oldest first
        self._slow: deque[Exchange] = deque()  # confirmable ones that may still need an empty ACK, oldest first

    def __len__(self) -> int:
        return len(self._by_key)

    @property
    def slow(self) -> int:
        """How many may still be looked at for an empty ACK."""
        return len(self._slow)

    def remember(self, message: Message, datagram: bytes, peer: Peer, now: float) -> tuple[Exchange, bool]:
        """The exchange of this request, and whether the request is a copy of one that came before."""
        key = (peer, message.mid, fingerprint(datagram))
        known = self._by_key.get(key)
        if known is not None and known.at + self._lifetime_s > now:
            return known, True
        exchange = Exchange(key, message.token, now, _OPEN_NON if message.kind else _OPEN)
        self._by_key[key] = exchange
        order = self._order
        order.append(exchange)
        while len(order) > self._most or order[0].at + self._lifetime_s <= now:
            oldest = order.popleft()
            if self._by_key.get(oldest.key) is oldest:
                del self._by_key[oldest.key]
        if not message.kind:
            slow = self._slow
            while slow and (slow[0].state is not _OPEN or len(slow) > self._most):
                slow.popleft()
            slow.append(exchange)
        return exchange, False

    def knows(self, mid: int, datagram: bytes, peer: Peer, now: float) -> bool:
        """Whether a datagram is a copy of a request that is remembered."""
        known = self._by_key.get((peer, mid, fingerprint(datagram)))
        return known is not None and known.at + self._lifetime_s > now

    def ack_due_at(self) -> float | None:
        """When the next open request needs an empty ACK; None: none does."""
        slow = self._slow
        while slow and slow[0].state is not _OPEN:
            slow.popleft()
        return slow[0].at + self._ack_after_s if slow else None

    def overdue(self, now: float) -> list[Exchange]:
        """Requests whose empty ACK is due, each told once; some of them may have been answered."""
        found = []
        slow = self._slow
        while slow and (slow[0].state is not _OPEN or slow[0].at + self._ack_after_s <= now):
            found.append(slow.popleft())
        return found
