# SPDX-License-Identifier: Apache-2.0
"""The air between gateways, relays and meters: channels, time on air, loss by distance, collisions. Whatever happens follows from the seed.

A frame occupies its channel for as long as its bytes take. Who listens hears it unless it fades – by chance, more often the further away – or
another one is on the same channel at the same time and not clearly weaker. What sends hears nothing on that channel meanwhile.
"""

import heapq
import math
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from random import Random
from typing import Final, Protocol

from openmains.wire.gbt36330.air import CHECK, FRONT, HEADER, AirFrame

BITS_A_SECOND: Final = 9_600
PREAMBLE: Final = 10  # bytes
LOUDER: Final = 2.0  # so many times as far away another sender does no harm
REACHES: Final = 1.5  # of the range: further away nothing is noticed
LONGEST_MS: Final = 1_000  # on air


class Node(Protocol):
    """Whoever has an antenna. Places in metres."""

    x: float
    y: float

    def listens(self, frame: AirFrame, now_ms: int) -> bool:
        """Whether its receiver is on, on this channel, and the frame is any of its business."""
        ...

    def hears(self, frame: AirFrame, now_ms: int) -> None:
        """It did; what it says to that it gives to ``Air.send``."""
        ...


@dataclass(slots=True)
class _OnAir:
    node: Node
    frame: AirFrame
    start_ms: int
    end_ms: int


class Air:
    """``range_m``: where half of the frames fade; ``loss``: share that fades however near. Time goes by ``run``.

    ``near(frame, sender)``: who could be meant, so that not every meter of a town is asked about every frame."""

    def __init__(
        self,
        random: Random,
        near: Callable[[AirFrame, Node], Iterable[Node]],
        *,
        range_m: float = 400.0,
        loss: float = 0.05,
        now_ms: int = 0,
    ) -> None:
        self.now_ms = now_ms
        self.counters: Counter[str] = Counter()
        self.collisions: Counter[int] = Counter()  # by channel
        self._random, self._near, self._range_m, self._loss = random, near, range_m, loss
        self._todo: list[tuple[int, int, Callable[[int], None]]] = []
        self._count = 0
        self._on_air: defaultdict[int, deque[_OnAir]] = defaultdict(deque)
        self._busy: dict[tuple[int, int], int] = {}

    def at(self, when_ms: int, deed: Callable[[int], None]) -> None:
        """``deed(now_ms)`` then, or now where that is over."""
        self._count += 1
        heapq.heappush(self._todo, (max(when_ms, self.now_ms), self._count, deed))

    def next(self) -> int | None:
        """When something happens next."""
        return self._todo[0][0] if self._todo else None

    def run(self, until_ms: int) -> None:
        """All that happens until then."""
        while self._todo and self._todo[0][0] <= until_ms:
            self.now_ms, _, deed = heapq.heappop(self._todo)
            deed(self.now_ms)
        self.now_ms = max(self.now_ms, until_ms)

    def send(self, node: Node, frame: AirFrame, after_ms: int = 0) -> None:
        """As soon as the node has sent what it sends already on this channel, and ``after_ms`` are over."""
        key = id(node), frame.channel
        start_ms = max(self.now_ms + after_ms, self._busy.get(key, 0))
        size = PREAMBLE + FRONT + HEADER + len(frame.body) + CHECK
        end_ms = start_ms + max(1, size * 8_000 // BITS_A_SECOND)
        self._busy[key] = end_ms
        sent = _OnAir(node, frame, start_ms, end_ms)
        self.at(start_ms, lambda now_ms: self._on_air[frame.channel].append(sent))
        self.at(end_ms, lambda now_ms: self._arrive(sent))
        self.counters["frames"] += 1

    def _arrive(self, sent: _OnAir) -> None:
        others = self._on_air[sent.frame.channel]
        while others and others[0].end_ms < self.now_ms - LONGEST_MS:
            others.popleft()
        at_once = [
            one for one in others if one is not sent and one.start_ms < sent.end_ms and one.end_ms > sent.start_ms
        ]
        for node in self._near(sent.frame, sent.node):
            if node is sent.node or not node.listens(sent.frame, self.now_ms):
                continue
            far_m = _between(node, sent.node)
            if far_m > self._range_m * REACHES:
                continue
            if any(self._drowns(one, node, far_m) for one in at_once):
                self.collisions[sent.frame.channel] += 1
            elif self._random.random() < self._fades(far_m):
                self.counters["faded"] += 1
            else:
                node.hears(sent.frame, self.now_ms)

    def _drowns(self, other: _OnAir, node: Node, far_m: float) -> bool:
        if other.node is node:
            return True
        other_m = _between(node, other.node)
        return other_m < self._range_m * REACHES and other_m < LOUDER * far_m

    def _fades(self, far_m: float) -> float:
        """40 dB a decade, and a receiver that needs what is there at ``range_m``."""
        margin_db = 40 * math.log10(self._range_m / max(far_m, 1.0))
        return self._loss + (1 - self._loss) / (1 + math.exp(margin_db))


def _between(one: Node, other: Node) -> float:
    return math.hypot(one.x - other.x, one.y - other.y)
