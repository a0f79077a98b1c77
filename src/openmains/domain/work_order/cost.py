# SPDX-License-Identifier: Apache-2.0
"""What a work order costs, exactly: parts at their price and work by the hour, in fen."""

from collections.abc import Iterable
from dataclasses import dataclass

MILLI = 1000
HOUR_MIN = 60


@dataclass(frozen=True, slots=True)
class PartUse:
    """``quantity_milli``: thousandths of the unit, such as 1500 for 1.5 m; ``fen``: of one unit."""

    quantity_milli: int
    fen: int


def part_fen(part: PartUse) -> int:
    """Rounded half up to the fen."""
    return (part.quantity_milli * part.fen + MILLI // 2) // MILLI


def labour_fen(minutes: int, fen_an_hour: int) -> int:
    """The same."""
    return (minutes * fen_an_hour + HOUR_MIN // 2) // HOUR_MIN


def cost_fen(parts: Iterable[PartUse], minutes: int, fen_an_hour: int) -> int:
    """Each part is rounded by itself, as it stands on paper."""
    return sum(map(part_fen, parts)) + labour_fen(minutes, fen_an_hour)
