# SPDX-License-Identifier: Apache-2.0
"""A simulated month costs what the kernel asks for it after years of bills, also where a season counts for itself; a negative volume
has no bill and stops nobody else's."""

from collections.abc import Mapping
from datetime import date

import pytest

from openmains.app.tariff.model import TariffMember
from openmains.app.tariff.ports import MonthVolume
from openmains.app.tariff.simulate import asked_days, member_months, payer_of, unit_in_ml
from openmains.domain.period import date_to_day
from openmains.domain.tariff.billing import Count, Use, bill
from openmains.domain.tariff.exact import ML_OF_M3
from openmains.domain.tariff.plan import Cycle, Plan, Season
from openmains.domain.tariff.simulation import compare, counted_days
from tests.domain.tariff.support import YEAR, day, plan, schedule

HEATING = Season("heating", (11, 15), (3, 15), schedule([60], ["1", "5"]), own_count=True)
SUMMER = Season("summer", (6, 1), (8, 31), schedule([40], ["2", "7"]), own_count=True)
PEAK = Season("peak", (9, 1), (9, 30), schedule([100], ["4", "6"]))
BASE = schedule([100], ["2", "3"])
SEASONAL = plan(BASE, seasons=(HEATING, SUMMER, PEAK))


def member(number: int, began: str = "2020-08-14") -> TariffMember:
    return TariffMember(1, number, str(number), "any", 0, 1, began, began)


def used(meter: int, at: int) -> int:
    """m³ of a day, not the same on two days."""
    return 1 + (at * 7 + meter) % 3


def known(plans: tuple[Plan, Plan], of: TariffMember, first: int, end: int) -> Mapping[int, Mapping[int, MonthVolume]]:
    days = {at for one in plans for at in asked_days(counted_days(one, payer_of(of), first), first)}
    return {
        at: {
            of.meter_id: MonthVolume(
                sum(used(of.meter_id, n) for n in range(at, first)),
                sum(used(of.meter_id, n) for n in range(first, end)),
                end - first,
            )
        }
        for at in days
    }


@pytest.mark.parametrize("month", range(1, 13))
@pytest.mark.parametrize("cycle", [Cycle(12), Cycle(12, anniversary=True), Cycle(3), Cycle(1)])
def test_a_simulated_month_is_what_the_kernel_asks_for_after_years_of_bills(month: int, cycle: Cycle) -> None:
    first, end = day(2025, month, 1), date_to_day(date(2025 + month // 12, month % 12 + 1, 1))
    one = member(9)
    plans = plan(BASE, cycle=cycle), plan(BASE, cycle=cycle, seasons=(HEATING, SUMMER, PEAK))
    months, negative = member_months(plans, [one], known(plans, one, first, end), lambda _: 0, first, end)
    found = compare(*plans, months, first, end)
    begin = day(2023, 1, 1)
    wanted = []
    for of in plans:
        past = [Use(at, at + 1, used(9, at) * ML_OF_M3) for at in range(begin, first)]
        after = bill([of], payer_of(one), Count(begin), past).after
        volume = sum(used(9, at) for at in range(first, end)) * ML_OF_M3
        wanted.append(bill([of], payer_of(one), after, [Use(first, end, volume)]).total_fen)
    assert ([found.old_fen, found.new_fen], negative) == (wanted, 0)


def test_days_of_a_season_with_its_own_count_are_not_counted_with_the_cycle() -> None:
    payer = payer_of(member(1))
    april = counted_days(SEASONAL, payer, day(2025, 4, 1))
    assert (april.cycle_day, april.cycle, april.season_day) == (YEAR, ((day(2025, 3, 16), day(2025, 4, 1)),), None)
    february = counted_days(SEASONAL, payer, day(2025, 2, 1))
    assert (february.cycle, february.season_day) == ((), day(2024, 11, 15))
    october = counted_days(SEASONAL, payer, day(2025, 10, 1))
    assert october.cycle == ((day(2025, 3, 16), day(2025, 6, 1)), (day(2025, 9, 1), day(2025, 10, 1)))
    january = counted_days(plan(BASE), payer, YEAR)
    assert (january.cycle, asked_days(january, YEAR)) == ((), {YEAR})


def test_a_negative_volume_leaves_its_member_out_and_is_counted() -> None:
    plans = plan(BASE), SEASONAL
    first, end = day(2025, 5, 1), day(2025, 6, 1)
    full = end - first
    since_march, since_year = day(2025, 3, 16), YEAR
    members = [member(n) for n in (1, 2, 3, 4)]
    found = {
        since_year: {1: MonthVolume(9, -1, full), 2: MonthVolume(-9, 5, full), 3: MonthVolume(9, 5, full - 1), 4: MonthVolume(9, 5, full)},
        since_march: {1: MonthVolume(1, -1, full), 2: MonthVolume(1, 5, full), 4: MonthVolume(1, 5, full)},
    }  # fmt: skip
    months, negative = member_months(plans, members, found, lambda _: -3, first, end)
    assert ([one.meter_id for one in months], negative) == ([4], 2)
    assert (months[0].before_old.cycle_ml, months[0].before_new.cycle_ml, months[0].volume_ml) == (9000, 1000, 5000)
    assert compare(*plans, months, first, end).same == 1


def test_a_drivers_unit_in_ml() -> None:
    assert [unit_in_ml(exponent) for exponent in (-6, -3, 0, 1)] == [1, 1000, ML_OF_M3, 10 * ML_OF_M3]
