# SPDX-License-Identifier: Apache-2.0
"""Downlink flow control by a radio cell's measured load (R2.3).

What a cell can carry in a minute (its network's, ``domain.network.capacity``), less what its meters send up, is what may go
down. It is shared by priority: each has a token bucket of its own with a share that nobody takes away (so nothing starves), and may use
what others leave over (so nothing is wasted). Exact: tokens are counted in millionths.
"""

from collections import OrderedDict
from dataclasses import dataclass, field

from openmains.domain.command.kinds import Priority

SHARES_PPM = {Priority.URGENT: 500_000, Priority.NORMAL: 300_000, Priority.BULK: 200_000}
BURST_S = 10  # a bucket holds this long a time of its rate, at least one frame
LEAST_PER_MIN = 6  # however loaded a cell is, valves must get through
_ONE = 1_000_000
_HALF_LIFE_MIN = 5


@dataclass(slots=True)
class _Cell:
    capacity: int  # frames a minute, up and down
    rate_upm: int  # tokens a minute, in millionths
    tokens: dict[Priority, int]
    at_ms: int
    minute: int = 0
    heard: int = 0  # uplinks in the present minute
    load_upm: int = 0  # smoothed uplinks a minute, in millionths
    caps: dict[Priority, int] = field(default_factory=dict)


class CellFlow:
    """Token buckets of all cells; ``capacity_per_min`` of those whose network is not known. ``now_ms`` never needs to be the wall
    clock. Memory is bounded: the longest unused go."""

    def __init__(self, capacity_per_min: int, cells: int = 200_000) -> None:
        self._capacity = capacity_per_min
        self._most = cells
        self._cells: OrderedDict[int, _Cell] = OrderedDict()
        self.deferred = 0

    def learn(self, cell: int, count: int, now_ms: int) -> None:
        """Uplinks that came from a cell: the measured load."""
        found = self._cell(cell, now_ms)
        minute = now_ms // 60_000
        passed = minute - found.minute
        if passed > 0:
            # each minute gone by moves the average towards what it held
            weight = min(passed, _HALF_LIFE_MIN)
            found.load_upm += (found.heard * _ONE - found.load_upm) * weight // _HALF_LIFE_MIN
            if passed > 1:
                found.load_upm //= passed
            found.heard, found.minute = 0, minute
            self._set_rate(found)
        found.heard += count

    def reserve(self, cell: int, priority: Priority, now_ms: int, capacity_per_min: int = 0) -> int:
        """0: one frame may go down now. Otherwise ms until it is worth asking again. ``capacity_per_min`` of the meter's network;
        0: not known."""
        found = self._cell(cell, now_ms)
        if capacity_per_min and capacity_per_min != found.capacity:
            found.capacity = capacity_per_min
            self._set_rate(found)
        self._fill(found, now_ms)
        order = [priority, *(other for other in Priority if other is not priority)]
        for place, bucket in enumerate(order):
            reserve = 0 if place == 0 else found.caps[bucket] // 2  # half a burst is never lent
            if found.tokens[bucket] - _ONE >= max(0, reserve):
                found.tokens[bucket] -= _ONE
                return 0
        self.deferred += 1
        missing = _ONE - found.tokens[priority]
        rate = max(1, found.rate_upm * SHARES_PPM[priority] // 1_000_000)
        return max(1, -(-missing * 60_000 // rate))

    def _cell(self, cell: int, now_ms: int) -> _Cell:
        found = self._cells.get(cell)
        if found is None:
            found = _Cell(self._capacity, 0, {}, now_ms, now_ms // 60_000)
            self._set_rate(found)
            found.tokens = dict(found.caps)
            self._cells[cell] = found
            if len(self._cells) > self._most:
                self._cells.popitem(last=False)
        else:
            self._cells.move_to_end(cell)
        return found

    def _set_rate(self, cell: _Cell) -> None:
        cell.rate_upm = max(LEAST_PER_MIN * _ONE, cell.capacity * _ONE - cell.load_upm)
        cell.caps = {
            priority: max(_ONE, cell.rate_upm * BURST_S // 60 * share // 1_000_000)
            for priority, share in SHARES_PPM.items()
        }

    def _fill(self, cell: _Cell, now_ms: int) -> None:
        passed = now_ms - cell.at_ms
        if passed <= 0:
            cell.at_ms = min(cell.at_ms, now_ms) if passed < -60_000 else cell.at_ms
            return
        cell.at_ms = now_ms
        passed = min(passed, 600_000)
        for priority, share in SHARES_PPM.items():
            gained = cell.rate_upm * share // 1_000_000 * passed // 60_000
            cell.tokens[priority] = min(cell.caps[priority], cell.tokens[priority] + gained)
