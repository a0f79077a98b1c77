# SPDX-License-Identifier: Apache-2.0
"""Spreads registrations, bootstraps and handshakes in time: by cell, by address, and for the edge as a whole (R3.6, R13.3).

After a power cut a whole district registers within a minute; what is refused there must come back later, each at its own
time, or it comes back together. So a refusal books a place: the first refused may come after 1/rate seconds, the next
after 2/rate, … and is told so (5.03 with Max-Age, RFC 7252 5.10.5). Nobody is lost, because nobody is told 'never'; the
time for all is their number divided by the rate. Whoever does not come leaves its place to the others.

Token buckets; time is an argument, memory is bounded: the bucket not used for the longest time is forgotten, which admits
more, never fewer.
"""

import math
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rate:
    """``per_s`` in the long run, ``burst`` at once."""

    per_s: float
    burst: float


@dataclass(frozen=True, slots=True)
class GateRates:
    """Of the whole edge, of one cell, of one address that is not a carrier's or a load balancer's."""

    edge: Rate = Rate(1000.0, 2000.0)
    cell: Rate = Rate(10.0, 50.0)
    address: Rate = Rate(5.0, 50.0)
    longest_s: float = 3600.0  # of a wait; a meter should not sleep for days on a word of ours
    keys: int = 100_000  # buckets kept of each kind


class _Bucket:
    __slots__ = ("_at", "_booked", "_burst", "_per_s", "_tokens")

    def __init__(self, rate: Rate, now: float) -> None:
        self._per_s = rate.per_s
        self._burst = rate.burst
        self._tokens = rate.burst
        self._at = now
        self._booked = now

    def has(self, now: float) -> bool:
        """Whether one may pass."""
        if now > self._at:
            self._tokens = min(self._burst, self._tokens + (now - self._at) * self._per_s)
            self._at = now
        return self._tokens >= 1

    def spend(self) -> None:
        """One passes."""
        self._tokens -= 1

    def book(self, now: float, longest_s: float) -> float:
        """Seconds until the next free place. Beyond ``longest_s`` places are given anew from its half on."""
        self._booked = max(self._booked, now) + 1 / self._per_s
        if self._booked - now > longest_s:
            self._booked = now + longest_s / 2
        return self._booked - now


class RegistrationGate:
    """One for each edge process."""

    def __init__(self, rates: GateRates | None = None) -> None:
        self._rates = rates or GateRates()
        self._edge = _Bucket(self._rates.edge, 0.0)
        self._cells: OrderedDict[Hashable, _Bucket] = OrderedDict()
        self._addresses: OrderedDict[Hashable, _Bucket] = OrderedDict()
        self.admitted = 0
        self.spread = 0

    @property
    def counters(self) -> dict[str, int]:
        """What happened, by name."""
        return {"register.admitted": self.admitted, "register.spread": self.spread}

    def ask(
        self, now: float, *, address: Hashable | None = None, cell: Hashable | None = None, book: bool = True
    ) -> int:
        """0: come in. Else: whole seconds to wait, for Max-Age.

        ``address``: None for one of a trusted network, which many meters share. ``cell``: the last one known of the meter,
        None where none is. ``book`` False for a handshake: nothing can be told, the client's own retransmission brings it
        back, so it must not take a place.
        """
        buckets = [self._edge]
        if cell is not None:
            buckets.append(self._bucket(self._cells, cell, self._rates.cell, now))
        if address is not None:
            buckets.append(self._bucket(self._addresses, address, self._rates.address, now))
        short = [bucket for bucket in buckets if not bucket.has(now)]
        if not short:
            for bucket in buckets:
                bucket.spend()
            self.admitted += 1
            return 0
        self.spread += 1
        if not book:
            return 1
        return max(1, math.ceil(max(bucket.book(now, self._rates.longest_s) for bucket in short)))

    def _bucket(self, buckets: OrderedDict[Hashable, _Bucket], key: Hashable, rate: Rate, now: float) -> _Bucket:
        bucket = buckets.get(key)
        if bucket is None:
            bucket = buckets[key] = _Bucket(rate, now)
            if len(buckets) > self._rates.keys:
                buckets.popitem(last=False)
        else:
            buckets.move_to_end(key)
        return bucket
