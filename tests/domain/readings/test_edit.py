# SPDX-License-Identifier: Apache-2.0
"""A person's value for a part of a day, and that nothing a meter says later takes its place."""

import pytest

from openmains.domain.readings import merge, totals
from openmains.domain.readings.edit import edited_day, slots_of
from openmains.domain.readings.model import DayRow
from openmains.domain.readings.quality import Slot

EDITED, SUSPECT = int(Slot.EDITED), int(Slot.SUSPECT)


def test_the_volume_is_spread_without_loss_over_the_slots_of_the_edit_only() -> None:
    row = edited_day(20_700, 1000, 1800, 48, 10, 3, 100)
    assert row.increments[10:13] == [33, 33, 34] and sum(row.increments) == 100
    assert [k for k, q in enumerate(row.quality) if q == EDITED] == [10, 11, 12]
    assert row.partial and row.base == 1000


def test_no_machine_takes_the_place_of_an_edited_slot() -> None:
    sent = DayRow(20_700, 1000, 1800, [50] * 48, [SUSPECT] * 48)
    edited = merge(sent, edited_day(20_700, 1000, 1800, 48, 0, 2, 7))
    assert edited.increments[:3] == [3, 4, 50] and edited.quality[:3] == [EDITED, EDITED, SUSPECT]
    again = merge(edited, sent)
    assert (again.increments, again.quality) == (edited.increments, edited.quality)
    assert totals(again).total == 7 + 46 * 50


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (0, 86_400, (0, 48)),
        (1800, 5400, (1, 2)),
        (0, 1799, None),
        (900, 2700, None),
        (-1800, 1800, None),
        (84_600, 88_200, None),
        (3600, 3600, None),
    ],
)
def test_an_edit_is_whole_slots_of_one_day(start: int, end: int, expected: tuple[int, int] | None) -> None:
    opens = 1_788_000_000
    assert slots_of(opens + start, opens + end, opens, opens + 86_400, 1800) == expected


def test_the_short_last_slot_of_a_short_day_can_be_edited() -> None:
    assert slots_of(75_600, 82_800, 0, 82_800, 5400) == (14, 2)


@pytest.mark.parametrize("values", [(-1, 1, 1), (0, 0, 1), (47, 2, 1), (0, 1, -1), (0, 1, 2**31)])
def test_what_is_no_part_of_a_day_is_refused(values: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="no part of a day"):
        edited_day(20_700, 0, 1800, 48, *values)
