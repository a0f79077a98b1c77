# SPDX-License-Identifier: Apache-2.0
"""Sign-ins that failed, by who was named and from where. Wrong passwords from one address keep nobody out who signs in from another,
and names that nobody has are counted like names that somebody has: what is refused says nothing of who exists.

Who signed in from an address before is *known* there: only failures of this login from this address hold it off. Everybody else
shares what is left for the unknown: so many attempts by address, by login, by tenant and altogether; each fills up again by and by.
"""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from math import ceil
from typing import TypeVar

from openmains.domain.identity.lockout import delay_s
from openmains.domain.ids import TenantId

V = TypeVar("V")
MOST_KEPT = 20_000  # pairs and buckets; the oldest are forgotten


@dataclass(frozen=True, slots=True)
class Allowance:
    """So many at once, and one more after each ``every_s``."""

    most: int
    every_s: float


BY_ADDRESS = Allowance(20, 10.0)
BY_LOGIN = Allowance(30, 60.0)  # of one tenant, from all addresses at which it is not known
BY_TENANT = Allowance(60, 2.0)
BY_ALL = Allowance(60, 0.5)  # two hashes a second: a fraction of one processor


@dataclass(frozen=True, slots=True)
class Origin:
    """Who is named, and from where: ``address`` is a place (``lockout.place_of_address``)."""

    tenant_id: TenantId
    login: str
    address: str


class Attempts:
    """State of one process; ``now``: s. What succeeds costs nothing: a whole office may come to work at eight."""

    def __init__(self) -> None:
        self._failures: OrderedDict[Hashable, tuple[int, float]] = OrderedDict()  # pair → (in a row, locked until)
        self._spent: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()  # bucket → (spent, when)

    def wait_s(self, origin: Origin, now: float, *, known: bool) -> int:
        """Seconds until the next attempt is looked at; 0: this one is, and is counted."""
        _, until = self._failures.get(origin, (0, 0.0))
        if until > now:
            return ceil(until - now)
        if known:
            return 0
        buckets = _buckets(origin)
        for bucket, allowed in buckets:  # nothing is taken from any unless each has something left
            wait = (self._left(bucket, allowed, now) + 1 - allowed.most) * allowed.every_s
            if wait > 0:
                return ceil(wait)
        for bucket, allowed in buckets:
            self._keep(self._spent, bucket, (self._left(bucket, allowed, now) + 1, now))
        return 0

    def failed(self, origin: Origin, now: float) -> None:
        """A wrong password, or nobody of this name."""
        count = self._failures.get(origin, (0, 0.0))[0] + 1
        self._keep(self._failures, origin, (count, now + delay_s(count) if delay_s(count) else 0.0))

    def succeeded(self, origin: Origin, now: float, *, known: bool) -> None:
        """The right password: its failures are forgotten, and it took nothing from what the unknown share."""
        self._failures.pop(origin, None)
        for bucket, allowed in () if known else _buckets(origin):
            self._keep(self._spent, bucket, (max(0.0, self._left(bucket, allowed, now) - 1), now))

    def _left(self, bucket: Hashable, allowed: Allowance, now: float) -> float:
        """What is spent of it and has not filled up again."""
        spent, when = self._spent.get(bucket, (0.0, now))
        return max(0.0, spent - max(0.0, now - when) / allowed.every_s)

    @staticmethod
    def _keep(kept: "OrderedDict[Hashable, V]", key: Hashable, value: V) -> None:
        kept[key] = value
        kept.move_to_end(key)
        if len(kept) > MOST_KEPT:
            kept.popitem(last=False)


def _buckets(origin: Origin) -> tuple[tuple[Hashable, Allowance], ...]:
    return (
        (("address", origin.address), BY_ADDRESS), (("login", origin.tenant_id, origin.login), BY_LOGIN),
        (("tenant", origin.tenant_id), BY_TENANT), ("all", BY_ALL),
    )  # fmt: skip
