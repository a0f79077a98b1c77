# SPDX-License-Identifier: Apache-2.0
"""The valve: a motor that takes its time and may fail, and what a closed one does to the register."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from openmains.emulator.meter.profile import Supply


class Position(IntEnum):
    """As reported: point ``valve``."""

    OPEN = 0
    CLOSED = 1
    FAULT = 2


@dataclass(slots=True)
class Valve:
    """Mechanics: survives a reset of the meter. ``stuck``: does not move, and says so when the motor stalls."""

    travel_s: int = 6
    position: Position = Position.OPEN
    stuck: bool = False
    target: Position | None = None  # while moving
    due: int = 0  # true instant of arrival
    moves: int = 0  # how often it has arrived somewhere else

    def move(self, target: Position, now: int) -> None:
        """Start the motor."""
        self.target, self.due = target, now + (0 if target == self.position else self.travel_s)

    def arrive(self, now: int) -> bool:
        """True when a motion has ended by now."""
        if self.target is None or now < self.due:
            return False
        if self.stuck:
            self.position = Position.FAULT
        elif self.position != self.target:
            self.position, self.moves = self.target, self.moves + 1
        self.target = None
        return True

    def cut_power(self) -> None:
        """The motor stops; before arrival the valve has not moved for our purposes."""
        self.target = None


Cut = tuple[int, int, int | None, int]
"""Shut at (true instant), register then, open again at, litres never used since the first cut."""


class ValvedSupply:
    """A supply behind a valve: nothing flows while it is shut. A pure function of time between two changes.

    ``shut(at)`` may lie in the past: the meter finds out later at which step the credit was used up, and nobody has
    looked at the register since.
    """

    def __init__(self, base: Supply, cuts: Sequence[Cut] = ()) -> None:
        self._base = base
        self._cuts: list[Cut] = list(cuts)

    @property
    def cuts(self) -> Sequence[Cut]:
        """When nothing flowed, oldest first."""
        return self._cuts

    @property
    def is_shut(self) -> bool:
        return bool(self._cuts) and self._cuts[-1][2] is None

    def shut(self, at: int) -> None:
        """No flow from this true instant on."""
        if not self.is_shut:
            self._cuts.append((at, self([at])[0], None, 0))

    def open(self, at: int) -> None:
        """Flow again."""
        if self.is_shut:
            start, level, _, _ = self._cuts[-1]
            at = max(at, start)
            self._cuts[-1] = (start, level, at, self._base([at])[0] - level)

    def __call__(self, instants_s: Sequence[int]) -> list[int]:
        found = self._base(instants_s)
        return behind(self._cuts, instants_s, found) if self._cuts else found


def behind(cuts: Sequence[Cut], instants_s: Sequence[int], registers: Sequence[int]) -> list[int]:
    """What the meter shows where the supply alone would have come to these registers."""
    return [_behind(cuts, instant, value) for instant, value in zip(instants_s, registers, strict=True)]


def _behind(cuts: Sequence[Cut], instant: int, value: int) -> int:
    for start, level, end, unused in reversed(cuts):
        if instant >= start:
            return level if end is None or instant < end else value - unused
    return value
