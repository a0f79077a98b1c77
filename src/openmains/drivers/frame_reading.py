# SPDX-License-Identifier: Apache-2.0
"""What one message said, walked from its beginning to its end, and messages of one shape as columns. A message without a clock of its own, or
with one that was never set, is dated by its arrival."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from openmains.drivers.model import MISSING_VALUE, Columns, Damage, Fault, Kind, Rejected


class FrameFaultError(Exception):
    """The frame cannot be read; ``fault`` says why."""

    def __init__(self, reason: str, offset: int, detail: str) -> None:
        super().__init__(detail)
        self.fault = Fault(reason, offset, detail)


@dataclass(slots=True)
class Reading:
    """What one frame says. ``damages``: (offset, field, detail); ``faults`` with them: reason codes."""

    message: str = ""
    kind: Kind = Kind.REPORT
    points: dict[str, int] = field(default_factory=dict)
    series: dict[str, list[int]] = field(default_factory=dict)
    mask: int = 0
    known: int = 0
    damages: list[tuple[int, str, str]] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    is_sound: bool = False


def columns_of(
    read: Callable[[bytes], Reading], payloads: Sequence[bytes], received_at: Sequence[int]
) -> tuple[list[Columns], list[Rejected]]:
    """``read`` raises ``FrameFaultError`` for a message that cannot be read."""
    shapes: dict[tuple[object, ...], list[tuple[int, Reading]]] = {}
    rejected: list[Rejected] = []
    for row, payload in enumerate(payloads):
        try:
            found = read(payload)
        except FrameFaultError as bad:
            rejected.append(Rejected(row, *bad.fault))
            continue
        _date(found, received_at[row])
        shape = (
            found.message,
            found.kind,
            tuple(sorted(found.points)),
            tuple(sorted((name, len(listed)) for name, listed in found.series.items())),
            found.known,
        )
        shapes.setdefault(shape, []).append((row, found))
    return [_columns(group) for group in shapes.values()], rejected


def _date(found: Reading, received_at: int) -> None:
    """A message with no instant that can be used is of its arrival, and so is a register."""
    points, series = found.points, found.series
    if points.get("device_at", MISSING_VALUE) == MISSING_VALUE:
        points["device_at"] = received_at
    if "register" in points and points.get("register_at", MISSING_VALUE) == MISSING_VALUE:
        points["register_at"] = points["device_at"]
    if found.kind is Kind.REGISTERS:
        if "register_values" not in series:
            series["register_values"] = [points["register"]] if points["register"] != MISSING_VALUE else []
            series["register_instants"] = [points["register_at"]] if series["register_values"] else []
        elif points.get("register", MISSING_VALUE) != MISSING_VALUE:
            if points["register_at"] not in series["register_instants"]:
                series["register_values"].insert(0, points["register"])
                series["register_instants"].insert(0, points["register_at"])
        elif "register" not in points:
            newest = max(
                range(len(series["register_instants"])), key=series["register_instants"].__getitem__, default=None
            )
            points["register"] = MISSING_VALUE if newest is None else series["register_values"][newest]
            points["register_at"] = points["device_at"] if newest is None else series["register_instants"][newest]


def _columns(group: list[tuple[int, Reading]]) -> Columns:
    first = group[0][1]
    points = {name: np.array([read.points[name] for _, read in group], np.int64) for name in first.points}
    series = {
        name: np.array([read.series[name] for _, read in group], np.int64).reshape(len(group), len(first.series[name]))
        for name in first.series
    }
    mask = np.array([read.mask for _, read in group], np.int64) if first.known else None
    damages = [Damage(row, *damage) for row, read in group for damage in read.damages]
    return Columns(first.kind, [row for row, _ in group], points, series, mask, first.known, damages)
