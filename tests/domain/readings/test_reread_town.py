# SPDX-License-Identifier: Apache-2.0
"""A month of a town that loses one report in twenty, in all modes, by a virtual clock: what re-reads make of it and what they cost (R6.3)."""

from datetime import date

import pytest

from openmains.domain.period import date_to_day
from openmains.domain.readings.expected import Mode
from openmains.domain.readings.rereads import GapState
from tests.support.reread_town import RereadTown

JANUARY = date_to_day(date(2026, 1, 1))
MARCH = date_to_day(date(2026, 3, 4))  # a monthly meter whose January was lost speaks again on the first of March
WELL_PPM = 995_000


def after_january(town: RereadTown) -> RereadTown:
    town.run(MARCH)
    return town


@pytest.mark.usefixtures("takes_seconds")
def test_a_month_in_all_modes_with_one_report_in_twenty_lost() -> None:
    town = after_january(RereadTown(JANUARY, 1))
    assert town.before_ppm(JANUARY + 1, JANUARY + 30) < 900_000
    assert town.rate_ppm(JANUARY + 1, JANUARY + 30) >= WELL_PPM
    assert town.asked_of_whole_days == 0
    assert all(len(one.asked_at) <= 120 for one in town.residents)


@pytest.mark.usefixtures("takes_seconds")
def test_ten_days_and_month_reports_that_are_lost_come_and_are_missed_no_day_early() -> None:
    """``RereadTown`` asserts of each gap that its mode was due when it was found."""
    town = after_january(RereadTown(JANUARY, 4, loss=0.4, seed=3, modes=("ten days", "month")))
    lost = [any(not was_well for was_well in one.found.values()) for one in town.residents]
    assert {one.mode for one, is_lost in zip(town.residents, lost, strict=True) if is_lost} == {
        Mode.TEN_DAYS,
        Mode.MONTH,
    }
    assert town.rate_ppm(JANUARY + 1, JANUARY + 30, {Mode.TEN_DAYS}) > town.before_ppm(JANUARY + 1, JANUARY + 30)
    assert town.asked_of_whole_days == 0


@pytest.mark.usefixtures("takes_minutes")
def test_a_big_town() -> None:
    town = after_january(RereadTown(JANUARY, 20, seed=5))
    states = [state for one in town.residents for state in one.ever.values()]
    print(
        f"before {town.before_ppm(JANUARY + 1, JANUARY + 30)} ppm, after {town.rate_ppm(JANUARY + 1, JANUARY + 30)} ppm,"
        f" {town.commands} re-reads, {town.reread_uah_a_meter} µAh a meter in 62 days, visits {states.count(GapState.VISIT)}"
    )
    assert town.rate_ppm(JANUARY + 1, JANUARY + 30) >= WELL_PPM
    for mode in (Mode.DAY, Mode.TEN_DAYS, Mode.MONTH):
        assert town.rate_ppm(JANUARY + 1, JANUARY + 30, {mode}) >= WELL_PPM
    assert town.asked_of_whole_days == 0
