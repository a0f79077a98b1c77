# SPDX-License-Identifier: Apache-2.0
"""Bounds on what one address or one meter may send (R3.6, R13.3). Memory is bounded; time is an argument.

Counts in fixed windows: exact token buckets for millions of addresses would cost more than the messages. A source gets
at most twice its rate across the border of two windows.
"""

from enum import Enum
from ipaddress import ip_address, ip_network


class Verdict(Enum):
    """What to do with a message."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    REFUSE = "refuse"  # say 4.29 so that an honest meter slows down
    IGNORE = "ignore"  # answer nothing: an answer would only feed the flood


class Window:
    """Counts by key in windows of ``seconds``; at most ``keys`` keys, the rest share one count."""

    __slots__ = ("_counts", "_keys", "_limit", "_seconds", "_started")

    def __init__(self, limit: int, seconds: float, keys: int = 100_000) -> None:
        self._limit = limit
        self._seconds = seconds
        self._keys = keys
        self._started = float("-inf")
        self._counts: dict[object, int] = {}

    def count(self, key: object, now: float) -> Verdict:
        """Count one message of ``key``."""
        if now - self._started >= self._seconds or now < self._started:
            self._started = now
            self._counts = {}
        counts = self._counts
        count = counts.get(key, 0) + 1
        if count == 1 and len(counts) >= self._keys:
            key = None
            count = counts.get(None, 0) + 1
        counts[key] = count
        if count <= self._limit:
            return Verdict.PASS
        return Verdict.REFUSE if count <= 2 * self._limit else Verdict.IGNORE


class AddressLimiter:
    """Messages a second from one IP address; trusted networks (a carrier's NAT, a load balancer) have their own rate."""

    def __init__(self, per_second: int, trusted: list[str], trusted_per_second: int) -> None:
        self._window = Window(per_second, 1.0)
        self._trusted_window = Window(trusted_per_second, 1.0)
        self._networks = [ip_network(text) for text in trusted]
        self._known: dict[str, bool] = {}

    def is_trusted(self, address: str) -> bool:
        """Whether it is of a trusted network."""
        trusted = self._known.get(address)
        if trusted is None:
            if len(self._known) > 100_000:
                self._known.clear()
            parsed = ip_address(address.partition("%")[0])
            trusted = any(parsed in network for network in self._networks if network.version == parsed.version)
            self._known[address] = trusted
        return trusted

    def count(self, address: str, now: float) -> Verdict:
        """Count one message from ``address``."""
        return (self._trusted_window if self.is_trusted(address) else self._window).count(address, now)
