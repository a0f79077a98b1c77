# SPDX-License-Identifier: Apache-2.0
"""What a version of a day changed and why it was made; how an edit is taken back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmains.domain.readings import merge
from openmains.domain.readings.edit import edit_bounds, edited_day, restored_day
from openmains.domain.readings.model import DayRow, Limits
from openmains.domain.readings.quality import Slot
from openmains.domain.readings.restore import restore
from openmains.domain.readings.versions import SlotChange, VersionCause, cause_of, changes

MISSING, ESTIMATED, EDITED = int(Slot.MISSING), int(Slot.ESTIMATED), int(Slot.EDITED)
HISTORY, RESTATED = int(Slot.FROM_HISTORY), int(Slot.RESTATED)
DUE = 1_000_000


def row(increments: list[int], quality: list[int], interval_s: int = 21_600, base: int = 100) -> DayRow:
    return DayRow(20_700, base, interval_s, increments, quality)


def test_changes_are_runs_of_slots_that_changed_in_the_same_way() -> None:
    before = row([1, 2, 0, 9], [0, ESTIMATED, MISSING, 0])
    after = row([5, 6, 7, 9], [EDITED, EDITED, 0, 0])
    assert changes(before, after) == [
        SlotChange(0, 1, 1, 5, 0, EDITED),
        SlotChange(1, 1, 2, 6, ESTIMATED, EDITED),
        SlotChange(2, 1, 0, 7, MISSING, 0),
    ]
    assert changes(before, before) == []


def test_a_first_version_changed_all_that_it_knows() -> None:
    assert changes(None, row([1, 2, 0, 0], [0, 0, MISSING, MISSING])) == [SlotChange(0, 2, 0, 3, None, 0)]


def test_versions_on_two_grids_are_compared_on_the_finer_one() -> None:
    coarse, fine = row([10, 20], [0, 0], 43_200), row([5, 5, 10, 11], [4, 4, 4, 4])
    assert changes(coarse, fine) == [SlotChange(3, 1, 10, 11, 4, 4)]
    assert changes(row([1, 2, 3], [0] * 3, 28_800), fine) == [SlotChange(0, 4, 6, 31, 0, 4)]  # no grid of both


@pytest.mark.parametrize(
    ("quality", "received", "cause"),
    [
        (0, DUE - 1, VersionCause.METER),
        (0, DUE, VersionCause.LATE),
        (ESTIMATED, DUE, VersionCause.ESTIMATED),
        (ESTIMATED | HISTORY, DUE, VersionCause.HISTORY),
        (ESTIMATED | RESTATED, DUE, VersionCause.RESTATED),
    ],
)
def test_why_a_version_was_made(quality: int, received: int, cause: VersionCause) -> None:
    changed = changes(None, row([1, 2, 3, 4], [quality] * 4))
    assert cause_of(changed, received, DUE) is cause
    assert cause_of([], received, DUE) in (VersionCause.METER, VersionCause.LATE)  # nothing changed


def test_an_undo_puts_back_value_and_quality_whatever_ranks_above_it() -> None:
    before = row([1, 2, 0, 9], [0, ESTIMATED, MISSING, 8])
    edited = merge(before, edited_day(20_700, 100, 21_600, 4, 0, 4, 400))
    assert edited.increments == [100] * 4
    back = restore(edited, restored_day(20_700, 100, 21_600, 4, 0, before.increments, before.quality), 0, 4)
    assert (back.increments, back.quality) == (before.increments, before.quality)


slots = st.lists(
    st.tuples(st.integers(0, 500), st.sampled_from([0, MISSING, ESTIMATED, 4, EDITED, 8])), min_size=8, max_size=8
)


@given(slots, st.integers(0, 7), st.integers(1, 8), st.integers(0, 10_000))
def test_an_undo_of_part_of_a_day_leaves_the_rest_and_an_undo_of_it_is_the_edit(
    known: list[tuple[int, int]], first: int, count: int, volume: int
) -> None:
    count = min(count, 8 - first)
    before = row([0 if q & MISSING else v for v, q in known], [q for _, q in known], 10_800)
    edited = merge(before, edited_day(20_700, 100, 10_800, 8, first, count, volume))
    span = slice(first, first + count)

    def back_to(now: DayRow, then: DayRow) -> DayRow:
        held = restored_day(20_700, 100, 10_800, 8, first, then.increments[span], then.quality[span])
        made = restore(now, held, first, count)
        assert restore(made, held, first, count) == made  # once more changes nothing
        return made

    undone = back_to(edited, before)
    assert undone.increments[span] == before.increments[span] and undone.quality == before.quality
    again = back_to(undone, edited)
    assert again.increments[span] == edited.increments[span] and again.quality == edited.quality


def test_an_undo_finds_its_slots_on_a_finer_grid_and_a_coarser_one() -> None:
    fine = row([1, 1, 50, 50, 50, 50, 1, 1], [EDITED] * 8, 10_800)
    back = restore(fine, restored_day(20_700, 100, 21_600, 4, 1, [6, 8], [0, 0]), 1, 2)
    assert back.increments == [1, 1, 3, 3, 4, 4, 1, 1] and back.interval_s == 10_800
    coarse = row([100, 100], [EDITED, EDITED], 43_200)
    back = restore(coarse, restored_day(20_700, 100, 10_800, 8, 0, [1, 2, 3, 4], [0] * 4), 0, 4)
    assert back.increments == [1, 2, 3, 4, 25, 25, 25, 25]
    whole = restore(row([7, 8, 9], [EDITED] * 3, 28_800), row([1, 2, 3, 4], [0] * 4), 0, 4)
    assert whole.increments == [1, 2, 3, 4]  # a whole day can be put back on any grid
    part = row([7, 8, 9], [EDITED] * 3, 28_800)
    assert restore(part, row([1, 2, 3, 4], [0] * 4), 0, 2) == part


def test_what_a_person_may_set_is_bounded_by_the_meter_and_alone_by_what_is_usual() -> None:
    g16 = Limits(qmax_per_h=2500, dial=100_000_000)
    assert edit_bounds(g16, 86_400, 0).most == 60_000 and edit_bounds(g16, 1800, 0).most == 1250
    assert edit_bounds(g16, 86_400, 0).alone == 625  # nothing usual yet: Qmax for a quarter of an hour
    assert edit_bounds(g16, 86_400, 1000 * 16).alone == 5000  # five times a usual day
    assert edit_bounds(g16, 86_400, 16).alone == 625
    assert edit_bounds(Limits(2500, dial=10_000), 86_400, 0).most == 9999
    assert edit_bounds(Limits(0), 86_400, 0).most is None and edit_bounds(Limits(0), 86_400, 0).alone == 0
