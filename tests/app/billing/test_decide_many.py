# SPDX-License-Identifier: Apache-2.0
"""The quick way of a plain month is the long one, text for text; and what is not plain never goes it."""

from fractions import Fraction
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openmains.app.billing.decide import AccountMonth, MeterDays, MeterLink, Refused, decide
from openmains.app.billing.decide_many import MeterSum, PlainMonth, Rates, decide_many, is_plain, plain_months, row_of
from openmains.app.billing.rows import CitedDays, CountRow
from openmains.domain.tariff.exact import MICRO_ML_OF_FEN
from openmains.domain.tariff.plan import AtChange, Component, Cycle, LateFeeRule, PersonsRule, Plan, Schedule, Season
from tests.domain.tariff.support import day, plan, schedule
from tests.support.properties import counted

OCTOBER, NOVEMBER, LENGTH = day(2025, 10, 1), day(2025, 11, 1), 31
WATER = {"water": ["2.07", "4.07", "6.07"], '污水 "sewage"': ["1.36", "1.363", "1.3636"]}


def link(**more: Any) -> MeterLink:
    return MeterLink(9, 1, 1, 0, 1, (1, 1), 0, 10**6, "d", 1000)._replace(**more)


PRICES = st.integers(0, 9_999_999)


@st.composite
def plans(draw: st.DrawFn) -> list[Plan]:
    """One or two plans, the second in force since a day of the year: tiers, persons, a season, another cycle, cleared or carried."""
    tiers = draw(st.integers(0, 3))
    bounds = sorted(draw(st.sets(st.integers(1, 60), min_size=tiers, max_size=tiers)))
    parts = tuple(
        Component(name, tuple(draw(PRICES) for _ in range(tiers + 1))) for name in draw(st.sampled_from([("a",), ("a", "b", "水")]))
    )  # fmt: skip
    rule = PersonsRule((4,) * tiers, (3_000_000,) * tiers) if tiers and draw(st.booleans()) else None
    of = Schedule(tuple(bound * 10**6 for bound in bounds), parts, rule)
    season = (Season("采暖", (9, 15), (3, 15), of),) if draw(st.booleans()) else ()
    cycle = Cycle(draw(st.sampled_from([1, 3, 12])), draw(st.booleans()))
    fee = draw(st.sampled_from([None, LateFeeRule(500, 3, 200_000)]))
    first = plan(of, seasons=season, cycle=cycle, late_fee=fee)
    later = draw(st.sampled_from([None, day(2025, 3, 7), OCTOBER, day(2025, 10, 9), day(2026, 1, 1)]))
    if later is None:
        return [first]
    change = draw(st.sampled_from(list(AtChange)))
    return [first, plan(of, number=2, from_day=later, at_change=change, cycle=cycle, late_fee=fee, seasons=season)]


@st.composite
def counts(draw: st.DrawFn, until: int) -> CountRow | None:
    if draw(st.booleans()):
        return None
    halves = st.integers(-MICRO_ML_OF_FEN // 2, MICRO_ML_OF_FEN // 2 - 1).map(lambda n: Fraction(n, MICRO_ML_OF_FEN))
    remainder = draw(halves | st.sampled_from([Fraction(1, 3), Fraction(0)]))  # a third: heat values made it once
    cycle_day = draw(st.sampled_from([day(2025, 1, 1), day(2025, 9, 1), OCTOBER - 31, 0]))
    volume = draw(st.integers(0, 80 * 10**6))
    return CountRow(until, cycle_day, volume, 0, 0, str(remainder), draw(st.integers(0, 9999)))


@given(plans(), counts(OCTOBER), st.data())
@settings(max_examples=counted(400), deadline=None)
def test_the_quick_way_is_the_long_one(of: list[Plan], before: CountRow | None, data: st.DataObject) -> None:
    one = link(
        persons=data.draw(st.integers(0, 9)), anniversary=data.draw(st.sampled_from([(1, 1), (10, 20), (2, 29)]))
    )
    totals = data.draw(st.lists(st.integers(-2, 4000), min_size=LENGTH, max_size=LENGTH))
    versions = data.draw(st.lists(st.integers(1, 2**40), min_size=LENGTH, max_size=LENGTH))
    days = list(range(OCTOBER, NOVEMBER))
    estimated = [number for number in days if number % 5 == 0]
    long = decide(
        AccountMonth(9, (one,), before, {1: MeterDays(days, totals, versions, [], estimated)}),
        {1: of},
        OCTOBER,
        NOVEMBER,
    )
    if is_plain([one], OCTOBER, NOVEMBER, Rates({1: of})) is None:
        return
    steps = msgspec.json.encode(CitedDays.of(1, OCTOBER, 1000, versions).steps).decode()
    text = None if before is None else msgspec.json.encode(before).decode()
    sums = {1: MeterSum(LENGTH, 0, len(estimated), sum(totals), steps)}
    months = plain_months({9: one}, {} if text is None else {9: text}, sums, OCTOBER, NOVEMBER)
    quick = decide_many(months, {1: of}, OCTOBER, NOVEMBER)
    wanted = [long if isinstance(long, Refused) or long is None else row_of(long)]
    assert quick == wanted, [(a, b) for a, b in zip(quick[0] or (), wanted[0] or (), strict=False) if a != b]


def test_most_of_what_is_drawn_above_is_plain() -> None:
    of = [plan(schedule([18, 26], {name: [prices[0]] * 3 for name, prices in WATER.items()}))]
    assert is_plain([link()], OCTOBER, NOVEMBER, Rates({1: of})) is not None
    assert is_plain([link(), link(meter_id=2, end_day=OCTOBER)], OCTOBER, NOVEMBER, Rates({1: of})) == link()


@pytest.mark.parametrize(
    "links",
    [
        [link(first_day=OCTOBER + 1)],
        [link(end_day=NOVEMBER - 1)],
        [link(first_day=OCTOBER, opening=5)],
        [link(end_day=NOVEMBER, closing=5)],
        [link(unit_ml=0)],
        [link(tariff_id=0)],
        [link(tariff_id=2)],
        [link(end_day=OCTOBER + 9), link(meter_id=2, first_day=OCTOBER + 9)],
        [link(), link(meter_id=2)],
        [],
    ],
)
def test_what_is_not_one_whole_meter_goes_the_long_way(links: list[MeterLink]) -> None:
    of = [plan(schedule([], ["2.07"]))]
    assert is_plain(links, OCTOBER, NOVEMBER, Rates({1: of})) is None


def test_a_plan_that_asks_for_more_goes_the_long_way() -> None:
    heat = Schedule((), (Component("gas", (10**6,), by_heat=True),))
    season = Season("heating", (10, 15), (3, 15), schedule([], ["2.07"]))
    for of in (
        [plan(heat, heat_reference=36_000)],
        [plan(schedule([], ["2.07"]), minimum_fen=100)],
        [plan(schedule([], ["2.07"]), seasons=(season,))],
        [plan(schedule([], ["2.07"])), plan(schedule([], ["3"]), number=2, from_day=OCTOBER + 3)],
        [plan(schedule([], ["2.07"]), from_day=OCTOBER + 3)],
    ):
        assert is_plain([link()], OCTOBER, NOVEMBER, Rates({1: of})) is None


def test_a_meter_that_lacks_a_day_or_a_value_is_not_summed() -> None:
    for lacking in (None, MeterSum(30, 0, 0, 5, "[]"), MeterSum(31, 1, 0, 5, "[]")):
        sums = {} if lacking is None else {1: lacking}
        assert plain_months({9: link()}, {}, sums, OCTOBER, NOVEMBER) == list[PlainMonth]()
