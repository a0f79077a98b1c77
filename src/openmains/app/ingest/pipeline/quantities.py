# SPDX-License-Identifier: Apache-2.0
"""What a message says of other quantities than volume: rows of the table ``series`` (ADR 0019).

Which points of a message are kept is found once for all messages of one shape; a shape that carries none – every plain report –
costs its rows nothing. Times are judged as those of volume are: of a clock that was never set a spot value counts at the time of
arrival and is marked, a series belongs to days that nobody knows and stays in the frame log.
"""

from typing import Any, NamedTuple

from openmains.domain.readings.model import Limits
from openmains.domain.readings.quality import Slot
from openmains.domain.readings.quantities import pieces
from openmains.domain.readings.registers import is_astray
from openmains.drivers.model import MISSING_VALUE, Columns
from openmains.drivers.points import vocabulary

SERIES_COLUMNS = (
    "tenant_id", "meter_id", "point", "start_s", "version", "interval_s", "values", "quality", "received_us",
)  # fmt: skip
INSTANTS = range(2**32)  # column start_s
KEPT = {name: kept.number for name, kept in vocabulary().quantities.items() if not kept.logged}
GRID = "interval_s"  # of a series that says no interval of its own (``pressure_interval_s``)


class ValueSource(NamedTuple):
    """The message a value comes from. ``is_held_back``: of a terminal that is held back."""

    tenant_id: int
    meter_id: int
    version: int
    received_us: int
    is_held_back: bool = False


class Quantities:
    """What messages of one shape carry: (number, values by row) of spot values, and of series with their intervals by row."""

    __slots__ = ("_series", "_spots", "_starts")

    def __init__(self, columns: Columns) -> None:
        points, series = columns.points, columns.series
        self._spots = [(KEPT[name], points[name].tolist()) for name in points if name in KEPT]
        self._starts = points["start_at"].tolist() if "start_at" in points else None
        self._series: list[tuple[int, list[list[int]], list[int] | None]] = []
        for name in series:
            if name in KEPT:
                own = points.get(f"{name}_interval_s", points.get(GRID))
                self._series.append((KEPT[name], series[name].tolist(), None if own is None else own.tolist()))

    def rows(self, row: int, source: ValueSource, device_at: int, limits: Limits, rows: list[tuple[Any, ...]]) -> bool:
        """Append the rows of this message; False where a series of it has no time that can be believed."""
        received_at = source.received_us // 1_000_000
        mark = int(Slot.SUSPECT) if source.is_held_back else 0
        if self._spots:
            at, marked = device_at, mark
            if device_at > received_at + limits.clock_tolerance_s or is_astray(device_at, received_at, limits):
                at, marked = received_at, mark | Slot.SUSPECT
            for number, values in self._spots:
                if values[row] != MISSING_VALUE and at in INSTANTS:
                    quality = [marked] if marked else []
                    rows.append(
                        (*source[:2], number, at, source.version, 0, [values[row]], quality, source.received_us)
                    )
        placed = True
        for number, table, intervals in self._series:
            listed = table[row]
            if all(value == MISSING_VALUE for value in listed):
                continue
            start = MISSING_VALUE if self._starts is None else self._starts[row]
            interval = MISSING_VALUE if intervals is None else intervals[row]
            if MISSING_VALUE in (start, interval) or not _is_placed(
                start, interval * (len(listed) - 1), received_at, limits
            ):
                placed = False
                continue
            marks = _marks(listed, mark)
            if marks:
                listed = _filled(listed)
            for first, end in pieces(interval, len(listed)):
                rows.append(
                    (
                        *source[:2], number, start + first * interval, source.version, interval,
                        listed[first:end], marks[first:end], source.received_us,
                    )
                )  # fmt: skip
        return placed


def quantities_of(columns: Columns) -> Quantities | None:
    """None where messages of this shape carry none, nearly always."""
    return Quantities(columns) if not KEPT.keys().isdisjoint((*columns.points, *columns.series)) else None


def _is_placed(start: int, span: int, received_at: int, limits: Limits) -> bool:
    """The last value is no later than the message, as far as clocks agree, and both ends are instants that can be."""
    end = start + span
    return (
        start in INSTANTS
        and end <= received_at + limits.clock_tolerance_s
        and not is_astray(start, received_at, limits)
    )


def _filled(listed: list[int]) -> list[int]:
    """With the value before, or the first one, where none is known: small differences take little room."""
    last = next(value for value in listed if value != MISSING_VALUE)
    filled = []
    for value in listed:
        last = last if value == MISSING_VALUE else value
        filled.append(last)
    return filled


def _marks(listed: list[int], mark: int) -> list[int]:
    """Flags of each value; empty where there are none."""
    if mark or MISSING_VALUE in listed:
        return [mark | Slot.MISSING if value == MISSING_VALUE else mark for value in listed]
    return []
