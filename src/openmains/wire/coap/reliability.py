# SPDX-License-Identifier: Apache-2.0
"""Confirmable messages of ours: retransmission until an ACK, a Reset or the end of patience (RFC 7252 sections
4.2, 4.8).

Theory: the first wait is ACK_TIMEOUT times a random factor, each next one is double, MAX_RETRANSMIT copies
follow the first; after the last wait the sender gives up. All times here follow from those three numbers. Waits
are kept in a heap; a settled transmission stays there as a corpse until its turn, which is cheaper than looking
for it.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Generic, TypeVar

Owner = TypeVar("Owner")
Peer = Hashable

MAX_PEERS = 1 << 20  # whose counters are remembered; the oldest begins anew then
MAX_LATENCY_S = 100.0  # longest time a datagram is thought to live in the network (section 4.8.2)


@dataclass(frozen=True, slots=True)
class Timing:
    """Transmission parameters of section 4.8; seconds. The defaults are the RFC's."""

    ack_timeout_s: float = 2.0
    ack_random_factor: float = 1.5
    max_retransmit: int = 4

    @property
    def transmit_span_s(self) -> float:
        """MAX_TRANSMIT_SPAN: from the first to the last copy, at most (45 s)."""
        return self.ack_timeout_s * ((1 << self.max_retransmit) - 1) * self.ack_random_factor

    @property
    def transmit_wait_s(self) -> float:
        """MAX_TRANSMIT_WAIT: from the first copy to giving up, at most (93 s)."""
        return self.ack_timeout_s * ((2 << self.max_retransmit) - 1) * self.ack_random_factor

    @property
    def exchange_lifetime_s(self) -> float:
        """EXCHANGE_LIFETIME: a confirmable message's id is taken for so long (247 s)."""
        return self.transmit_span_s + 2 * MAX_LATENCY_S + self.ack_timeout_s

    def first_wait_s(self, chance: float) -> float:
        """Wait after the first copy. ``chance`` in 0…1 is the caller's random number."""
        return self.ack_timeout_s * (1 + (self.ack_random_factor - 1) * chance)


RFC7252 = Timing()


class Chance:
    """Numbers in 0…1 that spread retransmissions; they follow from the seed alone, so that a run can be repeated."""

    __slots__ = ("_state",)

    def __init__(self, seed: int) -> None:
        self._state = seed & 0xFFFFFFFFFFFFFFFF

    def bits(self) -> int:
        """The next 31 bits."""
        self._state = (self._state * 6364136223846793005 + 1442695040888963407) & 0xFFFFFFFFFFFFFFFF
        return self._state >> 33

    def __call__(self) -> float:
        return self.bits() / 0x7FFFFFFF


class MessageIds:
    """Message ids of one endpoint for what it sends by itself (RFC 7252 section 4.4).

    One counter a peer, from a place that follows from the seed: an id comes back to the same peer only after 65,535
    others, however many peers there are. Server and client of one endpoint share the object, so that an ACK or a Reset
    names one message of the two.
    """

    __slots__ = ("_chance", "_last")

    def __init__(self, seed: int) -> None:
        self._chance = Chance(seed)
        self._last: dict[Hashable, int] = {}

    def __len__(self) -> int:
        return len(self._last)

    def __call__(self, peer: Hashable) -> int:
        last = self._last.get(peer)
        if last is None and len(self._last) >= MAX_PEERS:
            del self._last[next(iter(self._last))]
        fresh = self._last[peer] = (self._chance.bits() if last is None else last + 1) & 0xFFFF
        return fresh

    def forget(self, peer: Hashable) -> None:
        """The peer is gone; the next message to it begins anywhere."""
        self._last.pop(peer, None)


class Transmission(Generic[Owner]):
    """One confirmable message on its way."""

    __slots__ = ("datagram", "due", "left", "mid", "owner", "peer", "wait_s")

    def __init__(
        self, peer: Peer, mid: int, datagram: bytes, wait_s: float, due: float, left: int, owner: Owner
    ) -> None:
        self.peer = peer
        self.mid = mid
        self.datagram = datagram
        self.wait_s = wait_s
        self.due = due  # -1 when settled
        self.left = left
        self.owner = owner


class Retransmitter(Generic[Owner]):
    """All confirmable messages of one endpoint that wait for an ACK. ``owner`` is what the caller wants to get back."""

    def __init__(self, timing: Timing) -> None:
        self.timing = timing
        self._waiting: dict[tuple[Peer, int], Transmission[Owner]] = {}
        self._heap: list[tuple[float, int, Transmission[Owner]]] = []
        self._serial = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, key: tuple[Peer, int]) -> bool:
        return key in self._waiting

    def start(self, peer: Peer, mid: int, datagram: bytes, owner: Owner, chance: float, now: float) -> None:
        """``datagram`` was just sent for the first time."""
        self.settle(peer, mid)  # a message id used up before its time: the older message loses
        wait = self.timing.first_wait_s(chance)
        transmission = Transmission(peer, mid, datagram, wait, now + wait, self.timing.max_retransmit, owner)
        self._waiting[peer, mid] = transmission
        self._push(transmission)

    def settle(self, peer: Peer, mid: int) -> Owner | None:
        """An ACK or a Reset with ``mid`` came: who waited for it, None when nobody (or nobody any more) did."""
        transmission = self._waiting.pop((peer, mid), None)
        if transmission is None:
            return None
        transmission.due = -1
        return transmission.owner

    def next_timer(self) -> float | None:
        """When :meth:`due` has work, None: never."""
        heap = self._heap
        while heap and heap[0][2].due != heap[0][0]:
            heappop(heap)
        return heap[0][0] if heap else None

    def due(self, now: float) -> tuple[list[Transmission[Owner]], list[Transmission[Owner]]]:
        """Transmissions to send again, and those given up (already forgotten here)."""
        again: list[Transmission[Owner]] = []
        lost: list[Transmission[Owner]] = []
        heap = self._heap
        while heap and heap[0][0] <= now:
            due, _, transmission = heappop(heap)
            if transmission.due != due:
                continue
            if transmission.left == 0:
                transmission.due = -1
                del self._waiting[transmission.peer, transmission.mid]
                lost.append(transmission)
                continue
            transmission.left -= 1
            transmission.wait_s *= 2
            transmission.due = now + transmission.wait_s
            self._push(transmission)
            again.append(transmission)
        return again, lost

    def _push(self, transmission: Transmission[Owner]) -> None:
        self._serial += 1
        heappush(self._heap, (transmission.due, self._serial, transmission))
