# SPDX-License-Identifier: Apache-2.0
"""How the terminals of this edge stand, for the book: connected or not, by whose word, their newest frames. Gathered here, written beside.

Whoever connects or leaves is written at once; what only goes on is written every half a minute, so that five thousand heartbeats are not
five thousand rows a minute.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from openmains.domain.ids import TenantId
from openmains.wire.station.content import Registration

GATEWAY = 4  # kind of a terminal that carries its meters' frames; 1 to 3 as they register
MOST_FRAMES = 12  # kept of a terminal
MOST_BYTES = 48  # kept of a frame's content
EVERY_S = 30.0
MOST_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class StationFrame:
    """A frame of the connection. ``content``: its first bytes; ``verdict``: what an answer said, "" for a frame that is none."""

    at_us: int
    down: bool
    function: int
    content: bytes
    verdict: str = ""


@dataclass(slots=True)
class TerminalStanding:
    """One terminal. ``clock_off_s``: its clock minus ours at its newest heartbeat; ``is_new``: nothing of its connection was written yet.
    Instants in µs."""

    number: str
    tenant_id: TenantId
    is_connected: bool
    is_proven: bool
    host: str
    kind: int
    wakes: int
    firmware: int
    connected_us: int
    heard_us: int
    signal_dbm: int | None = None
    clock_off_s: int | None = None
    ended_us: int | None = None
    ending: str = ""
    is_new: bool = True
    frames: deque[StationFrame] = field(default_factory=lambda: deque(maxlen=MOST_FRAMES))


class StandingCache:
    """One for each edge. ``now_us``: wall clock."""

    def __init__(self, now_us: Callable[[], int]) -> None:
        self._now_us = now_us
        self._known: dict[str, TerminalStanding] = {}
        self._urgent: dict[str, None] = {}
        self._dirty: dict[str, float] = {}  # when it may be written, loop's s
        self._written: dict[str, float] = {}

    def connected(self, number: str, tenant_id: TenantId, host: str, said: Registration, *, is_proven: bool) -> None:
        """It has registered; what was kept of an earlier connection's frames stays."""
        self._put(TerminalStanding(
            number, tenant_id, True, is_proven, host, said.kind, said.wakes, said.firmware, self._now_us(), self._now_us()
        ))  # fmt: skip

    def gateway_connected(self, number: str, tenant_id: TenantId, host: str, clock_off_s: int | None) -> None:
        """A gateway has said how it is, by the broker at ``host``."""
        now_us = self._now_us()
        self._put(
            TerminalStanding(
                number, tenant_id, True, False, host, GATEWAY, 0, 0, now_us, now_us, clock_off_s=clock_off_s
            )
        )

    def _put(self, found: TerminalStanding) -> None:
        number, before = found.number, self._known.get(found.number)
        if before is not None:
            found.frames = before.frames
        self._known[number] = found
        self._urgent[number] = None

    def left(self, number: str, why: str) -> None:
        """Its connection is over."""
        found = self._known.get(number)
        if found is not None:
            found.is_connected, found.ended_us, found.ending = False, self._now_us(), why
            self._urgent[number] = None

    def frame(self, number: str, function: int, content: bytes, now: float, *, down: bool, verdict: str = "") -> None:
        """A frame went by."""
        found = self._known.get(number)
        if found is None:
            return
        now_us = self._now_us()
        if not down:
            found.heard_us = now_us
        found.frames.append(StationFrame(now_us, down, function, content[:MOST_BYTES], verdict))
        if number not in self._dirty:
            self._dirty[number] = self._written.get(number, now - EVERY_S) + EVERY_S

    def heartbeat(self, number: str, signal_dbm: int | None, clock_off_s: int | None) -> None:
        """What it said of itself."""
        found = self._known.get(number)
        if found is not None:
            found.signal_dbm, found.clock_off_s = signal_dbm, clock_off_s

    def take(self, now: float) -> list[TerminalStanding]:
        """Those to be written now, at most ``MOST_AT_ONCE``; who has left is forgotten with it."""
        due = list(self._urgent)[:MOST_AT_ONCE]
        due += [number for number, at in self._dirty.items() if at <= now and number not in self._urgent][
            : MOST_AT_ONCE - len(due)
        ]
        found = []
        for number in due:
            self._urgent.pop(number, None)
            self._dirty.pop(number, None)
            self._written[number] = now
            if (standing := self._known.get(number)) is not None:
                found.append(standing)
                if not standing.is_connected:
                    del self._known[number], self._written[number]
        return found

    def again(self, standings: list[TerminalStanding]) -> None:
        """They could not be written: at the next turn, unless there is newer word."""
        for standing in standings:
            self._known.setdefault(standing.number, standing)
            self._urgent[standing.number] = None
