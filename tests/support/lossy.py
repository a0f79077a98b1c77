# SPDX-License-Identifier: Apache-2.0
"""A network that loses, delays, reorders and duplicates datagrams, under a virtual clock, repeatable by its
seed.

Theory: a protocol must be right on a bad network, and a bad network must be the same one again when a test
fails. So chance comes from one seeded generator and time is a number that jumps to the next thing due: an hour
of waiting costs nothing. Reordering needs no rule of its own, it follows from random delays. Endpoints are
sans-IO stacks (see :class:`Endpoint`).
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from heapq import heappop, heappush
from random import Random
from typing import Any, Protocol

Address = Hashable


class Endpoint(Protocol):
    """What a stack must offer to live on this network; all of the project's sans-IO stacks do."""

    def receive(self, datagram: bytes, peer: Any, now: float) -> list[Any]: ...

    def datagrams(self) -> list[tuple[Any, bytes]]: ...

    def next_timer(self) -> float | None: ...

    def handle_timer(self, now: float) -> list[Any]: ...


@dataclass(frozen=True, slots=True)
class Conditions:
    """How bad the network is. Probabilities in 0…1, delays in seconds one way."""

    drop: float = 0.2
    duplicate: float = 0.2
    min_delay_s: float = 0.02
    max_delay_s: float = 3.0

    @classmethod
    def perfect(cls) -> "Conditions":
        """Nothing lost, everything at once and in order."""
        return cls(0.0, 0.0, 0.0, 0.0)


class LossyNetwork:
    """Endpoints by address, datagrams between them, and the clock.

    ``on_event(address, event, now)`` gets every event of every endpoint and may use the endpoints at once; what they
    then want to send goes out in the same instant. ``trace`` keeps (now, what, source, target, datagram) for tests
    that fail.
    """

    def __init__(
        self, seed: int, conditions: Conditions | None = None, *, on_event: Callable[[Address, Any, float], None]
    ) -> None:
        self.random = Random(seed)  # noqa: S311 – a repeatable network is the point
        self.conditions = Conditions() if conditions is None else conditions
        self.now = 0.0
        self.sent = 0
        self.lost = 0
        self.trace: list[tuple[float, str, Address, Address, bytes]] = []
        self._on_event = on_event
        self._endpoints: dict[Address, Endpoint] = {}
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._serial = 0

    def attach(self, address: Address, endpoint: Endpoint) -> None:
        """``endpoint`` lives at ``address``; it names its peers by theirs."""
        self._endpoints[address] = endpoint

    def detach(self, address: Address) -> None:
        """Nobody lives there any more; what is still under way to it is lost."""
        del self._endpoints[address]

    def at(self, when: float, action: Callable[[], None]) -> None:
        """Run ``action`` at ``when`` (seconds on the virtual clock)."""
        self._serial += 1
        heappush(self._queue, (when, self._serial, action))

    def run(self, until: float = 100_000.0) -> None:
        """Go on until nothing is due any more, or the clock would pass ``until``."""
        while True:
            self._collect()
            due = [timer for endpoint in self._endpoints.values() if (timer := endpoint.next_timer()) is not None]
            if self._queue:
                due.append(self._queue[0][0])
            if not due or min(due) > until:
                return
            self.now = max(self.now, min(due))
            while self._queue and self._queue[0][0] <= self.now:
                heappop(self._queue)[2]()
            for address, endpoint in self._endpoints.items():
                timer = endpoint.next_timer()
                if timer is not None and timer <= self.now:
                    self._events(address, endpoint.handle_timer(self.now))

    def _collect(self) -> None:
        for address, endpoint in self._endpoints.items():
            for target, datagram in endpoint.datagrams():
                self._carry(address, target, datagram)

    def _carry(self, source: Address, target: Address, datagram: bytes) -> None:
        self.sent += 1
        chance, conditions = self.random, self.conditions
        copies = 1 + (chance.random() < conditions.duplicate)
        for _ in range(copies):
            if chance.random() < conditions.drop:
                self.lost += 1
                self.trace.append((self.now, "lost", source, target, datagram))
                continue
            delay = chance.uniform(conditions.min_delay_s, conditions.max_delay_s)
            self.at(self.now + delay, lambda: self._arrive(source, target, datagram))

    def _arrive(self, source: Address, target: Address, datagram: bytes) -> None:
        self.trace.append((self.now, "arrives", source, target, datagram))
        endpoint = self._endpoints.get(target)
        if endpoint is not None:
            self._events(target, endpoint.receive(datagram, source, self.now))

    def _events(self, address: Address, events: list[Any]) -> None:
        for event in events:
            self._on_event(address, event, self.now)
