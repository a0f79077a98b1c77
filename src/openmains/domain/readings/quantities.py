# SPDX-License-Identifier: Apache-2.0
"""Values of a quantity, put together from the runs that messages brought (ADR 0019).

A run stands as its message said it. Of each instant the newest value counts: that of the highest version which knows one. A
message that does not know a value takes nothing away from an earlier one that did, as with the slots of a meter-day.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from openmains.domain.period import DAY_S
from openmains.domain.readings.quality import Slot

MOST_SPAN_S = 32 * DAY_S
"""A run lasts no longer than this, so that whoever asks for a period knows where to begin. A longer one is cut."""


@dataclass(slots=True, frozen=True)
class Run:
    """Values at ``start_s``, ``start_s + interval_s``, … (s UTC); a spot value has ``interval_s`` 0 and one value.

    ``quality[k]``: ``Slot`` flags of ``values[k]``; empty: all measured, no rule fired.
    """

    start_s: int
    interval_s: int
    values: list[int]
    quality: list[int]
    version: int


@dataclass(slots=True, frozen=True)
class Sample:
    """A value at an instant (s UTC); None: a message came and did not know it. ``interval_s`` 0: a spot value."""

    at: int
    value: int | None
    quality: int
    interval_s: int
    version: int


def samples(runs: Iterable[Run], left: int, right: int) -> list[Sample]:
    """Of each instant in [``left``, ``right``) the one that counts, in order of time."""
    found: dict[int, Sample] = {}
    for run in sorted(runs, key=lambda run: run.version):
        marks = run.quality or [0] * len(run.values)
        for place, (value, flags) in enumerate(zip(run.values, marks, strict=True)):
            at = run.start_s + place * run.interval_s
            if not left <= at < right:
                continue
            is_known = not flags & Slot.MISSING
            if is_known or at not in found:
                found[at] = Sample(at, value if is_known else None, flags, run.interval_s, run.version)
    return [found[at] for at in sorted(found)]


@dataclass(slots=True, frozen=True)
class Stretch:
    """The lowest and the highest value of a part of a curve that begins at ``at`` (s UTC)."""

    at: int
    low: int
    high: int


def curve(listed: Iterable[Sample], left: int, right: int, parts: int) -> list[Stretch]:
    """[``left``, ``right``) in ``parts`` of one length, those with a known value: thinned for the eye, and no peak is lost."""
    length = max(1, -(-(right - left) // parts))
    found: dict[int, Stretch] = {}
    for sample in listed:
        if sample.value is None or not left <= sample.at < right:
            continue
        at = left + (sample.at - left) // length * length
        before = found.get(at, Stretch(at, sample.value, sample.value))
        found[at] = Stretch(at, min(before.low, sample.value), max(before.high, sample.value))
    return [found[at] for at in sorted(found)]


def pieces(interval_s: int, count: int) -> list[tuple[int, int]]:
    """(first, end) of the pieces, none longer than ``MOST_SPAN_S``, that a run of ``count`` values is kept in."""
    most = count if interval_s * count <= MOST_SPAN_S else max(1, MOST_SPAN_S // interval_s)
    return [(first, min(first + most, count)) for first in range(0, count, most)] if count else []
