# SPDX-License-Identifier: Apache-2.0
"""Rounding traps by example, and numbers that are no numbers. What a meter can hold of a plan."""

from fractions import Fraction

import pytest

from openmains.domain.tariff.billing import Count, Payer, Use, bill
from openmains.domain.tariff.exact import ML_OF_M3, shared, to_fen, whole
from openmains.domain.tariff.meter_price import MeterLimits, RoundedPrice, Rounding, meter_price
from openmains.domain.tariff.plan import AtChange, Component, Cycle, PersonsRule, Schedule, Season
from tests.domain.tariff.support import YEAR, plan, schedule


def test_halves_go_up() -> None:
    assert [to_fen(Fraction(n, 10)) for n in (24, 25, 26, 35, -25, -26)] == [2, 3, 3, 4, -2, -3]


def test_rounded_parts_are_not_the_rounded_sum_and_the_sum_is_the_law() -> None:
    thirds = schedule([], {"a": ["0.003333"], "b": ["0.003333"], "c": ["0.003334"]})
    made = bill([plan(thirds)], Payer(), Count(YEAR), [Use(YEAR, YEAR + 1, ML_OF_M3)])
    assert [to_fen(line.exact) for line in made.lines] == [0, 0, 0]
    assert (made.total_fen, made.by_component()) == (1, {"a": 0, "b": 0, "c": 1})
    halves = schedule([], {"a": ["0.005"], "b": ["0.005"]})
    made = bill([plan(halves)], Payer(), Count(YEAR), [Use(YEAR, YEAR + 1, ML_OF_M3)])
    assert [to_fen(line.exact) for line in made.lines] == [1, 1]
    assert (made.total_fen, made.by_component()) == (1, {"a": 1, "b": 0})


def test_a_year_of_days_costs_what_the_year_costs() -> None:
    of = plan(schedule([], ["2.005"]))
    count, total = Count(YEAR), 0
    for day in range(365):
        made = bill([of], Payer(), count, [Use(YEAR + day, YEAR + day + 1, ML_OF_M3)])
        count, total = made.after, total + made.total_fen
    assert total == whole("731.83", 2)  # 365 x 2.005 = 731.825; days rounded one by one would be 733.65
    assert count.remainder == Fraction(-1, 2)


@pytest.mark.parametrize("text", ["", ".", "1.", ".5", "-1", "+1", "1e3", "1_0", "½", "1,5", "nan", "1.1234567", "1" * 16])  # fmt: skip
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        whole(text, 6)
    assert whole("0002.6100000", 6) == 2_610_000


def test_a_sum_that_is_no_rounding_of_its_parts_is_refused() -> None:
    with pytest.raises(ValueError):
        shared(3, [Fraction(1, 2), Fraction(1, 2)])
    with pytest.raises(ValueError):
        shared(2, [Fraction(1)])


def test_a_plan_is_put_into_a_meter_with_every_rounding_named() -> None:
    of = plan(
        schedule([180, 260], {"water": ["2.07", "4.07", "6.07"], "resource": ["1.57125", "1.57", "1.57"]}),
        at_change=AtChange.CLEARED,
    )
    found, why = meter_price(of, Payer(), MeterLimits())
    assert why == []
    assert found is not None
    assert (found.tier_from, found.prices, found.cycle_months, found.clear_total) == (
        (0, 180, 260),
        (36413, 56400, 76400),
        12,
        True,
    )
    assert found.rounded == (RoundedPrice(1, 3_641_250, 36_413),)
    coarse, _ = meter_price(of, Payer(), MeterLimits(decimals=2, rounding=Rounding.UP))
    assert coarse is not None
    assert coarse.prices == (36500, 56400, 76400)


def test_persons_are_in_the_bounds_a_meter_gets_and_an_empty_tier_is_left_out() -> None:
    rule = PersonsRule((4, 4), (60 * ML_OF_M3, 0))
    found, _ = meter_price(plan(schedule([390, 600], ["1", "2", "3"], rule)), Payer(persons=8), MeterLimits())
    assert found is not None
    assert (found.tier_from, found.prices) == ((0, 630), (10000, 30000))
    found, _ = meter_price(plan(schedule([], ["1.5"])), Payer(), MeterLimits())
    assert found is not None
    assert (found.tier_from, found.prices) == ((0,), (15000,))


def test_what_a_meter_cannot_hold_is_refused_by_name() -> None:
    flat = schedule([], ["1"])
    seven = schedule([1, 2, 3, 4, 5, 6], ["1"] * 7)
    half = Schedule((500_000,), (Component("a", (1, 2)),))
    heat = Schedule((), (Component("a", (1,), by_heat=True),))
    for of, why in (
        (plan(flat, seasons=(Season("h", (11, 15), (3, 15), flat),)), "seasons"),
        (plan(flat, cycle=Cycle(12, anniversary=True)), "anniversary"),
        (plan(heat, heat_reference=36_000), "heat"),
        (plan(flat, minimum_fen=1), "minimum"),
        (plan(seven), "too-many-tiers"),
        (plan(half), "bound-fraction"),
        (plan(schedule([65_536], ["1", "2"])), "bound-large"),
        (plan(schedule([], ["10000"])), "price-large"),
    ):
        assert meter_price(of, Payer(), MeterLimits()) == (None, [why])
    exact_only = MeterLimits(rounding=Rounding.REFUSED, decimals=2)
    assert meter_price(plan(schedule([], ["1.234"])), Payer(), exact_only) == (None, ["price-decimals"])
    monthly, _ = meter_price(plan(flat, cycle=Cycle(1)), Payer(), exact_only)
    assert monthly is not None
    assert monthly.cycle_months == 1
