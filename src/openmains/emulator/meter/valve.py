# SPDX-License-Identifier: Apache-2.0
"""The valve: a motor that takes its time and may fail. What a closed one does to the register: ``piping.py``."""

from dataclasses import dataclass
from enum import IntEnum


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
    stands: Position = Position.OPEN  # where a stuck one really is

    def jam(self) -> None:
        """It sticks where it is; a self-test shows it. A motion under way ends as a fault."""
        if self.position != Position.FAULT:
            self.stands = self.position
        self.stuck, self.position = True, Position.FAULT

    def free(self) -> None:
        """Mended: it shows where it is again."""
        self.stuck = False
        if self.position == Position.FAULT and self.target is None:
            self.position = self.stands

    def move(self, target: Position, now: int) -> None:
        """Start the motor."""
        self.target, self.due = target, now + (0 if target == self.position else self.travel_s)

    def arrive(self, now: int) -> bool:
        """True when a motion has ended by now."""
        if self.target is None or now < self.due:
            return False
        if self.stuck:
            self.jam()
        elif self.position != self.target:
            self.position, self.moves = self.target, self.moves + 1
        self.target = None
        return True

    def cut_power(self) -> None:
        """The motor stops; before arrival the valve has not moved for our purposes."""
        self.target = None
