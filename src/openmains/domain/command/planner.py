# SPDX-License-Identifier: Apache-2.0
"""Report times from the measured load of each radio cell (R2.2), so that yesterday is complete at 08:00 (R2.4).

A meter that fits stays. Told to move is only who stands in a minute that is over its cell's limit (as few as bring it below:
the dearest first) or who reports after the deadline. Each move is looked at alone and goes where both the cell and the town
are emptiest, and only where neither rises above its fullest minute of before: so no plan makes a peak, in a cell or in
the town, that was not there. Whoever finds no such minute stays where it is and is said to be unplaced.

Loads are in thousandths of a report from good coverage; a report from bad coverage holds the cell longer and costs more
(``domain.network.capacity``). Minutes count from local midnight, a day has 1440.
"""

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

DAY_MIN = 1440
RETRY_RESERVE_MIN = (
    60  # nobody is moved into the last hour before the deadline: reports that fail come again after 5 min and 1 h
)
ONE = 1000  # load of one report from good coverage
_FINE = 1_000_000


class MoveReason(StrEnum):
    """Why a meter gets another minute."""

    CROWDED = "crowded"  # its minute is over the cell's limit
    LATE = "late"  # it reports after the deadline


@dataclass(frozen=True, slots=True)
class CellLoad:
    """A cell: ``meters`` maps meter → minute of the day at which it reports; ``limit``: load that a minute may carry.

    ``costs``: load of a meter's report where it is not ``ONE``; ``other[m]``: load in minute m that is not ours to move.
    """

    cell: int
    meters: Mapping[int, int]
    limit: int
    other: Sequence[int] = ()
    costs: Mapping[int, int] = field(default_factory=dict)

    def cost(self, meter: int) -> int:
        """Load of one report of this meter."""
        return self.costs.get(meter, ONE)


@dataclass(frozen=True, slots=True)
class CellPlan:
    """``minute_of`` holds every meter, ``moved`` those whose minute changes, ``unplaced`` those that should and cannot.

    ``before``, ``after``: load of the cell by minute of the day, the other traffic included.
    """

    cell: int
    minute_of: Mapping[int, int]
    moved: Mapping[int, MoveReason]
    unplaced: tuple[int, ...]
    before: Sequence[int]
    after: Sequence[int]


@dataclass(frozen=True, slots=True)
class TownPlan:
    """All cells, in the order they were given, and the reports of all by minute, in thousandths: each counts one, near or far."""

    cells: Sequence[CellPlan]
    before: Sequence[int]
    after: Sequence[int]


def plan_town(cells: Sequence[CellLoad], window_min: int, reserve_min: int = RETRY_RESERVE_MIN) -> TownPlan:
    """Assign minutes; ``window_min`` is the deadline. Deterministic: the fullest cells first, meters by cost and number."""
    befores = {load.cell: load_by_minute(load, load.meters) for load in cells}
    before = [0] * DAY_MIN
    for load in cells:
        for minute, busy in enumerate(load.other):
            before[minute] += busy
        for minute in load.meters.values():
            before[minute] += ONE
    town = _Town(list(before), max(before), max(1, window_min - reserve_min))
    plans: dict[int, CellPlan] = {}
    for load in sorted(cells, key=lambda load: (-max(befores[load.cell]), load.cell)):
        plans[load.cell] = _plan_cell(load, befores[load.cell], town, window_min)
    return TownPlan([plans[load.cell] for load in cells], before, town.curve)


def load_by_minute(load: CellLoad, minute_of: Mapping[int, int]) -> list[int]:
    """The cell's load over the day if its meters report at these minutes."""
    curve = [*load.other, *[0] * (DAY_MIN - len(load.other))]
    for meter, minute in minute_of.items():
        curve[minute] += load.cost(meter)
    return curve


@dataclass(slots=True)
class _Town:
    """The town's curve while cells are planned; ``most``: its fullest minute of before; minutes below ``span`` may be given."""

    curve: list[int]
    most: int
    span: int

    @property
    def usual(self) -> int:
        """Level at which a night is flat."""
        return max(1, sum(self.curve) // self.span)


class _Places:
    """Minutes of one cell that may be given, emptiest first. Keys only rise, so an outdated one is put back and asked again."""

    def __init__(self, load: CellLoad, curve: list[int], town: _Town) -> None:
        self._curve = curve
        self._town = town
        self._most = min(load.limit, max(curve))
        self._level = max(1, sum(curve) // town.span)
        self._least = min((load.cost(meter) for meter in load.meters), default=ONE)
        self._town_level = town.usual
        # A minute over its limit is where meters come from; they must not come back by another's move.
        self._heap = [(self._key(minute), minute) for minute in range(town.span) if curve[minute] <= load.limit]
        heapq.heapify(self._heap)

    def take(self, cost: int) -> int | None:
        """The emptiest minute that can carry this; None: there is none."""
        put_back: list[tuple[tuple[int, int], int]] = []
        found = None
        while self._heap:
            key, minute = heapq.heappop(self._heap)
            now = self._key(minute)
            if now != key:
                heapq.heappush(self._heap, (now, minute))
                continue
            room = self._most - self._curve[minute]
            if self._town.curve[minute] + ONE > self._town.most or room < self._least:
                continue  # full for everybody, and for good: curves of minutes that may be given only rise
            if room >= cost:
                self._curve[minute] += cost
                self._town.curve[minute] += ONE
                put_back.append((self._key(minute), minute))
                found = minute
                break
            put_back.append((key, minute))
        for item in put_back:
            heapq.heappush(self._heap, item)
        return found

    def _key(self, minute: int) -> tuple[int, int]:
        cell = self._curve[minute] * _FINE // self._level
        town = self._town.curve[minute] * _FINE // self._town_level
        return max(cell, town), cell + town


def _plan_cell(load: CellLoad, before: list[int], town: _Town, window_min: int) -> CellPlan:
    curve = list(before)
    minute_of = dict(load.meters)
    moved: dict[int, MoveReason] = {}
    unplaced: list[tuple[int, MoveReason]] = []
    leaving = _leaving(load, before, window_min)
    places = _Places(load, curve, town)
    for meter, reason in leaving:
        present, cost = load.meters[meter], load.cost(meter)
        if reason is MoveReason.CROWDED and curve[present] <= load.limit:
            continue  # enough have left: this one stays
        minute = places.take(cost)
        if minute is None:
            unplaced.append((meter, reason))
            continue
        curve[present] -= cost
        town.curve[present] -= ONE
        minute_of[meter], moved[meter] = minute, reason
    return CellPlan(load.cell, minute_of, moved, _still_too_many(load, curve, unplaced), before, curve)


def _leaving(load: CellLoad, before: Sequence[int], window_min: int) -> list[tuple[int, MoveReason]]:
    """Who may have to move, first who should go first: where few dear ones leave, many others can stay."""
    found = [
        (minute >= window_min, -load.cost(meter), meter)
        for meter, minute in load.meters.items()
        if minute >= window_min or before[minute] > load.limit
    ]
    return [(meter, MoveReason.LATE if is_late else MoveReason.CROWDED) for is_late, _, meter in sorted(found)]


def _still_too_many(load: CellLoad, curve: Sequence[int], tried: Iterable[tuple[int, MoveReason]]) -> tuple[int, ...]:
    """Of those that found no place: who is late, and of a minute that is still over its limit as many as are too many."""
    excess = {minute: busy - load.limit for minute, busy in enumerate(curve)}
    left = []
    for meter, reason in tried:
        minute = load.meters[meter]
        if reason is MoveReason.LATE or excess[minute] > 0:
            excess[minute] -= load.cost(meter)
            left.append(meter)
    return tuple(sorted(left))


def expected(minutes: Mapping[int, int], lateness_ppm: Mapping[int, int]) -> list[int]:
    """Reports by minute that will come, in thousandths, where ``minutes`` maps minute → how many are due then.

    ``lateness_ppm``: share of reports that come so many minutes after they are due, as measured: retries (R1.7) and bad
    coverage are in it. What is later than the day's end comes on the next day at that time.
    """
    found = [0] * DAY_MIN
    for minute, count in minutes.items():
        for late, share in lateness_ppm.items():
            found[(minute + late) % DAY_MIN] += count * share
    return [value // 1000 for value in found]


def share_in_ppm(load: CellLoad, minute_of: Mapping[int, int], deadline_min: int, patience_min: int = 10) -> int:
    """Share of a cell's own load that is in by the deadline, in millionths.

    A report that finds the cell full is tried again in the next minutes; after ``patience_min`` the meter sleeps and
    reports with the next day's (R1.8), which is too late.
    """
    if not minute_of:
        return 1_000_000
    starting = [0] * deadline_min
    whole = 0
    for meter, minute in minute_of.items():
        whole += load.cost(meter)
        if minute < deadline_min:
            starting[minute] += load.cost(meter)
    trying: list[list[int]] = []  # [first minute, load], oldest first
    done = 0
    for minute in range(deadline_min):
        if starting[minute]:
            trying.append([minute, starting[minute]])
        while trying and trying[0][0] + patience_min <= minute:
            trying.pop(0)
        room = max(0, load.limit - (load.other[minute] if minute < len(load.other) else 0))
        while room and trying:
            taken = min(room, trying[0][1])
            trying[0][1] -= taken
            room -= taken
            done += taken
            if trying[0][1] == 0:
                trying.pop(0)
    return done * 1_000_000 // whole
