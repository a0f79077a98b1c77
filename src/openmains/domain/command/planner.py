# SPDX-License-Identifier: Apache-2.0
"""Report times from the measured load of each radio cell (R2.2), so that yesterday is complete at 08:00 (R2.4).

For each cell: its load by minute that is not ours to move, the minutes its meters report at now, and a limit. The level
is sought up to which minutes are filled with reports ('water filling'), the lowest that holds all meters; a meter stays at its
minute where it fits, so that only those are told that must move. Minutes count from the start of the window.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

RETRY_RESERVE_MIN = 60  # left free before the deadline, for reports that are sent again


@dataclass(frozen=True, slots=True)
class CellLoad:
    """A cell: ``meters`` maps meter → minute it reports at now (None: not known); ``other[m]``: other traffic in minute m."""

    cell: int
    meters: Mapping[int, int | None]
    limit_per_min: int
    other: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class CellPlan:
    """``minute_of`` holds every meter that has a place; ``moved`` those whose time changes. ``peak``: the fullest minute."""

    cell: int
    minute_of: Mapping[int, int]
    moved: tuple[int, ...]
    peak_before: int
    peak_after: int
    unplaced: tuple[int, ...]  # more meters than the cell can take within the window


def plan_cell(load: CellLoad, window_min: int, reserve_min: int = RETRY_RESERVE_MIN) -> CellPlan:
    """Assign each meter a minute of the window less its reserve; deterministic."""
    span = max(1, window_min - reserve_min)
    other = [load.other[minute] if minute < len(load.other) else 0 for minute in range(window_min)]
    level = _level(other[:span], len(load.meters), load.limit_per_min)
    room = [max(0, level - busy) for busy in other[:span]]
    count = sum(room)
    surplus = count - len(load.meters)
    for minute in range(span - 1, -1, -1):  # the last layer need not be full: take it from the latest minutes
        if surplus <= 0:
            break
        if room[minute] and other[minute] + room[minute] == level:
            room[minute] -= 1
            surplus -= 1
    minute_of: dict[int, int] = {}
    to_place: list[int] = []
    for meter, present in sorted(load.meters.items()):
        if present is not None and 0 <= present < span and room[present] > 0:
            room[present] -= 1
            minute_of[meter] = present
        else:
            to_place.append(meter)
    free = (minute for minute in range(span) for _ in range(room[minute]))
    moved, unplaced = [], []
    for meter in to_place:
        place = next(free, None)
        if place is None:
            unplaced.append(meter)
        else:
            minute_of[meter] = place
            moved.append(meter)
    return CellPlan(
        load.cell,
        minute_of,
        tuple(moved),
        peak(load.meters.values(), other),
        peak(minute_of.values(), other),
        tuple(unplaced),
    )


def _level(other: Sequence[int], meters: int, limit: int) -> int:
    """Lowest level that holds all meters, at most the limit."""
    low, high = 0, limit
    while low < high:
        middle = (low + high) // 2
        if sum(max(0, middle - busy) for busy in other) >= meters:
            high = middle
        else:
            low = middle + 1
    return low


def peak(minutes: Iterable[int | None], other: Sequence[int]) -> int:
    """The fullest minute of a cell with these reports."""
    counts = list(other)
    for minute in minutes:
        if minute is not None and 0 <= minute < len(counts):
            counts[minute] += 1
    return max(counts, default=0)


def share_in_ppm(
    minutes: Sequence[int], limit_per_min: int, deadline_min: int, other: Sequence[int] = (), patience_min: int = 10
) -> int:
    """Reports of a cell that are in by the deadline, in millionths, where a minute carries ``limit_per_min``.

    A report that finds the cell full is tried again in the next minutes; after ``patience_min`` the meter sleeps and
    reports with the next day's (R1.8), which is too late.
    """
    if not minutes:
        return 1_000_000
    starting = [0] * deadline_min
    for minute in minutes:
        if minute < deadline_min:
            starting[minute] += 1
    trying: list[list[int]] = []  # [first minute, reports], oldest first
    done = 0
    for minute in range(deadline_min):
        if starting[minute]:
            trying.append([minute, starting[minute]])
        while trying and trying[0][0] + patience_min <= minute:
            trying.pop(0)
        room = max(0, limit_per_min - (other[minute] if minute < len(other) else 0))
        while room and trying:
            taken = min(room, trying[0][1])
            trying[0][1] -= taken
            room -= taken
            done += taken
            if trying[0][1] == 0:
                trying.pop(0)
    return done * 1_000_000 // len(minutes)
