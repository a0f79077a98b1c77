# SPDX-License-Identifier: Apache-2.0
"""Merging versions of a day."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from openmains.domain.readings import Totals, merge, totals
from openmains.domain.readings.merge import refine
from openmains.domain.readings.model import DayRow
from openmains.domain.readings.quality import Rule, Slot
from tests.domain.properties import examples

M, E, I, X = int(Slot.MISSING), int(Slot.ESTIMATED), int(Slot.INTERPOLATED), int(Slot.EDITED)  # noqa: E741 - one letter a quality


def row(increments: list[int], quality: list[int], base: int = 100, flags: int = 0) -> DayRow:
    return DayRow(7, base, 86_400 // len(increments), increments, quality, flags, True)


def test_slots_it_knows_replace() -> None:
    merged = merge(row([1, 2, 0, 0], [0, 0, M, M]), row([0, 0, 3, 4], [M, M, 0, 0], base=103))
    assert merged == DayRow(7, 100, 21_600, [1, 2, 3, 4], [0, 0, 0, 0])


def test_measured_beats_interpolated_beats_estimated() -> None:
    merged = merge(row([1, 2, 3, 4], [0, I, E, X]), row([9, 9, 9, 9], [I, E, I, 0]))
    assert merged.increments == [1, 2, 9, 4]
    assert merged.quality == [0, I, I, X]


def test_estimate_keeps_its_sum_when_a_part_is_measured() -> None:
    merged = merge(row([5, 5, 5, 5], [E] * 4, flags=1 << Rule.GAP), row([0, 11, 0, 0], [M, 0, M, M]))
    assert merged.increments == [3, 11, 3, 3]
    assert merged.flags == 1 << Rule.GAP
    other = merge(row([0, 11, 0, 0], [M, 0, M, M]), row([5, 5, 5, 5], [E] * 4))
    assert other.increments == [3, 11, 3, 3]


def test_estimate_smaller_than_what_is_measured_is_a_mismatch() -> None:
    merged = merge(row([1, 1], [E, E]), row([9, 0], [0, M]))
    assert merged.increments == [9, 0]
    assert merged.flags == 1 << Rule.SUM_MISMATCH


def test_gap_is_over_when_all_is_measured() -> None:
    assert merge(row([5, 5], [E, E], flags=1 << Rule.GAP), row([4, 6], [0, 0])).flags == 0


def test_finer_grid_wins_where_it_divides() -> None:
    merged = merge(row([10, 20], [0, 0]), row([0, 0, 7, 14], [M, M, 0, 0], base=110))
    assert merged.increments == [5, 5, 7, 14]
    assert merged.quality == [I, I, 0, 0]
    assert (finer := refine(row([10, 21], [0, 0]), 7200, 12)) is not None
    assert finer.increments == [1, 2, 2, 1, 2, 2, 3, 4, 3, 4, 3, 4]


def test_grids_that_do_not_fit_keep_the_better_row() -> None:
    measured, estimated = row([1, 2, 3], [0, 0, 0]), row([1, 1], [E, E])
    assert merge(measured, estimated).increments == [1, 2, 3]
    assert merge(estimated, measured).increments == [1, 2, 3]


def test_totals() -> None:
    assert totals(row([1, 2, 3, 0], [0, I, E, M])) == Totals(6, 3, 2)
    assert totals(row([1, 2], [0, 0])) == Totals(3, 2, 2)


QUALITIES = st.sampled_from([0, M, E, I, X, E | Slot.FROM_HISTORY, int(Slot.SUSPECT)])


@st.composite
def rows(draw: st.DrawFn) -> DayRow:
    count = draw(st.sampled_from([4, 4, 4, 8, 6]))
    quality = draw(st.lists(QUALITIES, min_size=count, max_size=count))
    increments = [0 if q & M else draw(st.integers(-5, 100)) for q in quality]
    return row(increments, [int(q) for q in quality], draw(st.integers(0, 1000)), draw(st.integers(0, 2**17 - 1)))


@given(rows(), rows())
@examples(300)
def test_merging_twice_is_merging_once(stored: DayRow, new: DayRow) -> None:
    before = (replace(stored, increments=list(stored.increments)), replace(new, increments=list(new.increments)))
    once = merge(stored, new)
    assert (stored, new) == before
    assert merge(once, new) == once
    assert len(once.increments) == len(once.quality)
    if stored.interval_s == new.interval_s:
        for s, m, q in zip(stored.increments, once.increments, stored.quality, strict=True):
            assert not q & X or s == m or any(n & X for n in new.quality)


@given(rows())
def test_merging_with_itself_changes_nothing(one: DayRow) -> None:
    merged = merge(one, one)
    assert (merged.base, merged.increments, merged.quality) == (one.base, one.increments, one.quality)
