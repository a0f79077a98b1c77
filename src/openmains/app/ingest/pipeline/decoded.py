# SPDX-License-Identifier: Apache-2.0
"""A driver's columns as the pipeline reads them, message by message: lists once, and what is asked of all rows asked by column.

What a message tells of the register becomes the report that ``domain.readings`` judges (``told_by``).
"""

from collections.abc import Mapping

import numpy as np

from openmains.app.ingest.pipeline.quantities import quantities_of
from openmains.app.ingest.pipeline.rows import NO_REGISTER, SIGNAL_POINTS, signal_rows
from openmains.domain.readings.model import IntervalReport, Limits, RegisterReport
from openmains.domain.readings.registers import is_astray
from openmains.drivers.model import MISSING_VALUE, Columns, Kind
from openmains.drivers.points import vocabulary

# what a report of intervals must say so that they can be placed
PLACES = ("start_at", "interval_s", "base", "register")
SIGNALLED = frozenset(SIGNAL_POINTS)
STATE_POINTS = tuple(vocabulary().latest)


class Decoded:
    """Columns turned into Python lists once, so that a row costs list look-ups only."""

    __slots__ = (
        "columns", "damaged", "event_known", "events", "has_gaps", "has_history", "is_placed", "kind", "number_digits", "numbers", "points",
        "quantities", "series", "signals", "state_points", "sums",
    )  # fmt: skip

    def __init__(self, columns: Columns, number_digits: int = 0) -> None:
        self.columns = columns
        self.kind = columns.kind
        damaged = {damage.row for damage in columns.damages}
        self.damaged = {place for place, row in enumerate(columns.rows) if row in damaged} if damaged else damaged
        self.points: dict[str, list[int]] = {name: values.tolist() for name, values in columns.points.items()}
        self.number_digits = number_digits
        self.numbers = self.points.get("meter_number") if number_digits else None
        self.series: dict[str, list[list[int]]] = {name: values.tolist() for name, values in columns.series.items()}
        self.events: list[int] | None = None if columns.event_mask is None else columns.event_mask.tolist()
        self.event_known = columns.event_known
        increments = columns.series.get("increments")
        self.has_gaps: list[bool] | None = (
            None if increments is None else (increments == MISSING_VALUE).any(axis=1).tolist()
        )
        # (total, least, most) of each row's increments; of one with gaps they say nothing
        self.sums: list[tuple[int, int, int]] | None = None
        if increments is not None and increments.shape[1]:
            by_row = (increments.sum(axis=1), increments.min(axis=1), increments.max(axis=1))
            self.sums = list(zip(*(column.tolist() for column in by_row), strict=True))
        places = [columns.points[name] for name in PLACES if name in columns.points]
        placed = np.all(np.array(places) != MISSING_VALUE, axis=0) if len(places) == len(PLACES) else None
        # whether the intervals of each row can be placed in time and on the register; True: those of all rows
        self.is_placed: list[bool] | bool = False if placed is None else bool(placed.all()) or placed.tolist()
        self.signals: list[list[int]] | None = None
        if not SIGNALLED.isdisjoint(columns.points):
            self.signals = signal_rows(columns.points, len(columns.rows))
        self.quantities = quantities_of(columns)
        history = columns.series.get("history")
        self.has_history = history is not None and not (history == MISSING_VALUE).any()  # all of it, in all rows
        self.state_points = [(name, self.points[name]) for name in STATE_POINTS if name in self.points]


def moment_of(points: Mapping[str, list[int]], row: int, device_at: int, heard_at: int) -> tuple[int, int]:
    """Register and instant that stand beside a balance (ADR 0063): of the moment at which the meter spoke, or none."""
    register, register_at = value_of(points, "register", row), value_of(points, "register_at", row)
    if "balance" not in points or register is None or register_at not in (None, device_at):
        return NO_REGISTER
    return register, heard_at


def told_by(
    decoded: Decoded, row: int, received_at: int, device_at: int, frame_seq: int | None, frame_hash: int
) -> IntervalReport | RegisterReport | None:
    """What a message tells of the register; None where it tells nothing. Instants in s UTC."""
    points, series = decoded.points, decoded.series
    has_intervals = decoded.kind == Kind.REPORT and "increments" in series
    if has_intervals and (decoded.is_placed is True or (decoded.is_placed and decoded.is_placed[row])):
        increments = series["increments"][row]
        missing = 0
        if decoded.has_gaps is not None and decoded.has_gaps[row]:
            for place, value in enumerate(increments):
                if value == MISSING_VALUE:
                    missing |= 1 << place
                    increments[place] = 0
        history: list[tuple[int, int]] = []
        if decoded.has_history:
            history = list(zip(series["history_at"][row], series["history"][row], strict=True))
        elif "history" in series:
            history = [
                (instant, value)
                for instant, value in zip(series["history_at"][row], series["history"][row], strict=True)
                if value != MISSING_VALUE
            ]
        register_at = value_of(points, "register_at", row)
        return IntervalReport(
            received_at=received_at,
            device_at=device_at,
            start=points["start_at"][row],
            interval_s=points["interval_s"][row],
            base=points["base"][row],
            increments=increments,
            register=points["register"][row],
            register_at=device_at if register_at is None else register_at,
            missing=missing,
            history=history,
            frame_seq=frame_seq,
            frame_hash=frame_hash,
            sums=None if missing or decoded.sums is None else decoded.sums[row],
        )
    if has_intervals or (decoded.kind == Kind.REPORT and "register" in points and "register_values" not in series):
        entries = _remains(decoded, row, device_at)  # a report may have registers alone, now and of days before
    elif "register_values" in series:
        dated = zip(series["register_instants"][row], series["register_values"][row], strict=True)
        entries = [(at, value) for at, value in dated if MISSING_VALUE not in (at, value)]
    else:
        return None
    return RegisterReport(received_at, device_at, entries, frame_seq, frame_hash) if entries else None


def heard_when(device_at: int, received_at: int, limits: Limits) -> int:
    """When a message was sent (s UTC), for the order of messages. A clock that ran ahead once must not make all later messages 'older':
    nothing would clear its alarms again. Neither may one that was never set make its own messages so."""
    return received_at if is_astray(device_at, received_at, limits) else min(device_at, received_at)


def value_of(points: Mapping[str, list[int]], name: str, row: int) -> int | None:
    """Value of a point in this row; None where the message does not say it."""
    values = points.get(name)
    return None if values is None or values[row] == MISSING_VALUE else values[row]


def _remains(decoded: Decoded, row: int, device_at: int) -> list[tuple[int, int]]:
    """Of a report without intervals, or whose intervals cannot be placed: the registers that are sound, (instant, register) in order, each
    once."""
    points, series = decoded.points, decoded.series
    register_at = value_of(points, "register_at", row)
    dated = [
        (device_at if register_at is None else register_at, value_of(points, "register", row)),
        (value_of(points, "start_at", row), value_of(points, "base", row)),
    ]
    if "history" in series:
        dated += zip(series["history_at"][row], series["history"][row], strict=True)
    return sorted(
        {
            (at, value)
            for at, value in dated
            if at is not None and value is not None and MISSING_VALUE not in (at, value)
        }
    )
