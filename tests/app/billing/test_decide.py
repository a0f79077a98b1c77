# SPDX-License-Identifier: Apache-2.0
"""An account's bill of a month, purely: the notices' bills, a year however it is cut, exchanges, and what is refused instead."""

import tomllib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openmains.app.billing.decide import (
    AccountMonth,
    Decided,
    MeterDays,
    MeterLink,
    Refused,
    decide,
    whole_months,
)
from openmains.app.billing.ports import KeptBill, OpenBill
from openmains.app.billing.read import worked_out
from openmains.app.billing.rows import BillInputs, CitedDays, CountRow, LineRow
from openmains.app.billing.settling import Share, fee_of, shares
from openmains.domain.period import date_to_day, month_span
from openmains.domain.tariff.exact import ML_OF_M3, to_fen, whole
from openmains.domain.tariff.plan import AtChange, Cycle, LateFeeRule, PersonsRule, Plan
from tests.domain.tariff.support import day, month_or_year, plan, schedule
from tests.support.real_water import readings, source

FACTS = tomllib.loads((Path(__file__).parents[2] / "data" / "tariffs.toml").read_text("utf-8"))
JANUARY, FEBRUARY = day(2025, 1, 1), day(2025, 2, 1)
MONTHS = [day(2025, month, 1) for month in range(1, 13)] + [day(2026, 1, 1)]


def link(meter_id: int = 1, first: int = 0, end: int = 10**6, **more: Any) -> MeterLink:
    return MeterLink(9, meter_id, 1, 0, 1, (1, 1), first, end, "d", 1)._replace(**more)


def days(first: int, totals: Sequence[int], partial: Sequence[int] = (), estimated: Sequence[int] = ()) -> MeterDays:
    numbers = list(range(first, first + len(totals)))
    return MeterDays(numbers, list(totals), [5 + number % 7 for number in numbers], list(partial), list(estimated))


def spread(volume: int, count: int) -> list[int]:
    return [volume * (n + 1) // count - volume * n // count for n in range(count)]


def account(links: Sequence[MeterLink], known: dict[int, MeterDays], before: CountRow | None = None) -> AccountMonth:
    return AccountMonth(9, tuple(links), before, known)


def bill(found: Decided | Refused | None) -> Decided:
    assert isinstance(found, Decided), found
    return found


def bills_of_notices() -> list[tuple[dict[str, Any], dict[str, Any]]]:
    return [(entry, wanted) for entry in FACTS["plan"] for wanted in entry.get("bills", ())]


@pytest.mark.parametrize(("entry", "wanted"), bills_of_notices())
def test_bills_of_the_notices_come_out_of_days(entry: dict[str, Any], wanted: dict[str, Any]) -> None:
    rule = entry.get("per_person")
    persons = rule and PersonsRule((rule["above"],) * 2, tuple(m3 * ML_OF_M3 for m3 in rule["add_m3"]))
    of = plan(
        schedule(entry["bounds_m3"], entry.get("components", entry["prices"]), persons),
        cycle=month_or_year(entry["cycle"]),
    )
    before = CountRow(JANUARY, JANUARY, whole(wanted.get("before", "0"), 6), 0, 0, "0", 0)
    known = {1: days(JANUARY, spread(whole(wanted["use"], 6), 31))}
    made = bill(decide(account([link(persons=wanted.get("persons", 0))], known, before), {1: [of]}, JANUARY, FEBRUARY))
    assert made.total_fen == whole(wanted["amount"], 2) == sum(made.components.values())
    for part in ("water", "resource", "sewage"):
        if part in wanted:
            assert made.components[part] == whole(wanted[part], 2)


def kept(made: Decided) -> KeptBill:
    """As it comes back from the database."""

    def again(value: Any, kind: Any) -> Any:
        return msgspec.json.decode(msgspec.json.encode(value), type=kind)

    return KeptBill(
        1, 9, JANUARY, 1, made.end_day, 0, 0, made.total_fen, made.by_days, again(made.inputs, BillInputs),
        again(made.lines, list[LineRow]), again(made.counted, CountRow), None, "",
    )  # fmt: skip


plans_of_a_year = st.builds(
    lambda prices, bounds, cycle, change, at: [
        plan(schedule(bounds, prices[0]), cycle=Cycle(cycle)),
        plan(schedule(bounds, prices[1]), number=2, from_day=JANUARY + change, cycle=Cycle(cycle), at_change=at),
    ],
    st.tuples(*(st.tuples(*(st.decimals("0.000001", "9", places=6).map(str) for _ in range(3))) for _ in range(2))),
    st.tuples(st.integers(1, 60), st.integers(61, 200)),
    st.sampled_from([1, 2, 3, 6, 12]),
    st.integers(1, 364),
    st.sampled_from(AtChange),
)


def by_days(plans: Sequence[Plan], volumes: Sequence[int]) -> int:
    """The year worked out otherwise: ml by ml would be, day by day is, each day's part of each tier at its price; rounded once."""
    exact, counted, month = Fraction(0), 0, 0
    for number, volume in enumerate(volumes):
        when = date(2025, 1, 1) + timedelta(days=number)
        of = plans[JANUARY + number >= plans[1].from_day]
        if when.day == 1 and (when.month - 1) % of.cycle.months == 0:
            counted = 0
        if JANUARY + number == plans[1].from_day and plans[1].at_change is AtChange.CLEARED:
            counted = 0
        bounds = [0, *of.schedule.bounds_ml, 10**18]
        for tier, (low, high) in enumerate(pairwise(bounds)):
            inside = max(0, min(high, counted + volume) - max(low, counted))
            exact += Fraction(inside * of.schedule.components[0].prices[tier], 10**10)
        counted += volume
        month = when.month
    assert month == 12
    return to_fen(exact)


@settings(max_examples=25)
@given(plans_of_a_year, st.lists(st.integers(0, 2 * ML_OF_M3), min_size=365, max_size=365), st.sets(st.integers(1, 11)))
def test_a_year_is_the_same_however_it_is_cut_into_bills(plans: list[Plan], volumes: list[int], cuts: set[int]) -> None:
    """Also where runs are left out: the next one bills all since. Each bill comes out the same again of what is kept."""
    known = {1: days(JANUARY, volumes)}
    whole_year = bill(decide(account([link()], known), {1: plans}, JANUARY, MONTHS[12]))
    assert whole_year.total_fen == by_days(plans, volumes)
    before, total, volume = None, 0, 0
    for month in (*sorted(cuts), 12):
        first = JANUARY if before is None else MONTHS[month - 1]
        made = bill(decide(account([link()], known, before), {1: plans}, first, MONTHS[month]))
        again = kept(made)
        lines, fen, counted = worked_out(again, {(1, of.number): of for of in plans})
        assert (lines, fen, counted) == (again.lines, made.total_fen, again.counted)
        assert [one.versions() for one in again.inputs.cited] == [
            [5 + number % 7 for number in range(made.first_day, made.end_day)]
        ]
        assert (made.by_days, made.end_day) == (False, MONTHS[month])
        before, total, volume = made.counted, total + made.total_fen, volume + made.volume_ml
    assert (total, volume) == (whole_year.total_fen, sum(volumes))
    assert before == whole_year.counted
    assert decide(account([link()], known, before), {1: plans}, MONTHS[11], MONTHS[12]) is None  # nothing twice


def test_an_exchange_keeps_what_is_counted_and_meters_add_up() -> None:
    of = plan(schedule([10], ["1", "2"]))
    change = JANUARY + 10
    links = [link(1, end=change), link(2, change), link(3)]
    known = {1: days(JANUARY, [1 * ML_OF_M3] * 10), 2: days(change, [ML_OF_M3] * 21), 3: days(JANUARY, [0] * 31)}
    made = bill(decide(account(links, known), {1: [of]}, JANUARY, FEBRUARY))
    assert (made.total_fen, made.volume_ml, made.meter_id) == (1000 + 21 * 200, 31 * ML_OF_M3, 3)
    assert [(one.meter_id, one.first_day, len(one.steps)) for one in made.inputs.cited] == [
        (1, JANUARY, 10), (2, change, 21), (3, JANUARY, 31),
    ]  # fmt: skip
    # a meter that is taken away ends the bill; after that nothing is left to bill, and nobody is bothered
    gone = [link(1, end=change)]
    last = bill(decide(account(gone, known), {1: [of]}, JANUARY, FEBRUARY))
    assert (last.end_day, last.total_fen) == (change, 1000)
    assert decide(account(gone, known, last.counted), {1: [of]}, FEBRUARY, MONTHS[2]) is None
    # more persons, or another tariff, from a day on
    terms = [link(1, end=change), link(1, change, tariff_id=2)]
    known = {1: days(JANUARY, [ML_OF_M3] * 31)}
    made = bill(decide(account(terms, known), {1: [of], 2: [plan(schedule([], ["3"]))]}, JANUARY, FEBRUARY))
    assert (made.total_fen, made.tariff_id) == (1000 + 21 * 300, 2)


@pytest.mark.parametrize(
    ("links", "known", "wanted"),
    [
        ([link()], {}, ("missing-days", 1, JANUARY, 31)),
        ([link()], {1: days(JANUARY, [1] * 30)}, ("missing-days", 1, JANUARY + 30, 1)),
        ([link()], {1: days(JANUARY + 2, [1] * 29)}, ("missing-days", 1, JANUARY, 2)),
        ([link()], {1: days(JANUARY, [1] * 31, partial=[JANUARY + 4, JANUARY + 9])}, ("missing-days", 1, JANUARY + 4, 2)),
        ([link()], {1: days(JANUARY, [1, -5, *[0] * 29])}, ("negative", None, JANUARY, 1)),
        ([link(unit_ml=0)], {1: days(JANUARY, [1] * 31)}, ("no-unit", 1, JANUARY, 31)),
        (
            [link(), link(2, tariff_id=2)],
            {1: days(JANUARY, [1] * 31), 2: days(JANUARY, [1] * 31)},
            ("two-tariffs", None, JANUARY, 31),
        ),
    ],
)  # fmt: skip
def test_doubt_is_no_bill(links: list[MeterLink], known: dict[int, MeterDays], wanted: tuple[Any, ...]) -> None:
    of = {1: [plan(schedule([10], ["1", "2"]))], 2: [plan(schedule([], ["1"]))]}
    assert decide(account(links, known), of, JANUARY, FEBRUARY) == Refused(9, *wanted)


def test_a_plan_that_does_not_hold_yet_bills_nothing() -> None:
    late = {1: [plan(schedule([], ["1"]), from_day=JANUARY + 3)]}
    found = decide(account([link()], {1: days(JANUARY, [1] * 31)}), late, JANUARY, FEBRUARY)
    assert found == Refused(9, "no-plan", None, JANUARY, 1)


def test_estimated_days_are_billed_and_counted() -> None:
    of = plan(schedule([], ["1"]), minimum_fen=500, late_fee=LateFeeRule(500, 5))
    known = {1: days(JANUARY, [0] * 31, estimated=[JANUARY + 1, JANUARY + 2])}
    made = bill(decide(account([link()], known), {1: [of]}, JANUARY, FEBRUARY))
    assert (made.estimated_days, made.total_fen, made.components) == (2, 500, {"minimum": 500})
    assert made.fee == of.late_fee
    begun = decide(account([link(first=JANUARY + 9)], known), {1: [of]}, JANUARY, FEBRUARY)
    assert bill(begun).total_fen == 0  # no whole month: no least charge


def test_months() -> None:
    assert month_span("2024-12") == (day(2024, 12, 1), day(2025, 1, 1))
    assert [whole_months(JANUARY + n, MONTHS[3] + m) for n, m in ((0, 0), (1, 0), (0, -1), (31, 5), (40, -40))] == [
        3, 2, 2, 2, 0,
    ]  # fmt: skip
    assert CitedDays.of(1, 0, 1, [7, 9, 9, 4]).versions() == [7, 9, 9, 4]


def test_credit_pays_the_oldest_bill_first_and_its_late_fee_after_it() -> None:
    fee = LateFeeRule(10_000, 0, 500_000)
    old = OpenBill(1, 9, JANUARY, FEBRUARY, 10_000, fee, ((FEBRUARY, 4_000),), 0, 0)
    new = OpenBill(2, 9, FEBRUARY, MONTHS[2], 5_000, None, (), 0, 0)
    today = FEBRUARY + 11  # ten days after the due day: 1 % a day of 60.00
    assert fee_of(old, today) == 600
    assert shares([old, new], 50, today) == [Share(1, 9, JANUARY, False, 50)]
    assert shares([old, new], 6_100, today) == [
        Share(1, 9, JANUARY, False, 6_000),
        Share(1, 9, JANUARY, True, 100, 100),
    ]
    paid = replace(old, paid=((FEBRUARY, 4_000), (today, 6_000)), fee_booked=100, fee_paid=100)
    assert shares([paid, new], 10**6, today + 30) == [
        Share(1, 9, JANUARY, True, 500, 500),
        Share(2, 9, FEBRUARY, False, 5_000),
    ]
    assert fee_of(replace(old, paid=()), today + 1000) == 5_000  # the cap


def monthly_volumes() -> dict[str, list[int]]:
    """Litres of each day of 2016 that the real meters measured whole, by the difference of each day's last registers."""
    found: dict[str, list[int]] = {}
    for meter, rows in readings(source()[0]).items():
        last: dict[int, int] = defaultdict(int)
        for instant, register in rows:
            number = date_to_day(datetime.fromtimestamp(instant, UTC).date())
            last[number] = max(last[number], register)
        first = min(last)
        level, levels = last[first], list[int]()
        for number in range(first, max(last) + 1):
            level = max(level, last[number]) if number in last else level
            levels.append(level)
        found[meter] = [right - left for left, right in pairwise(levels)]
    return found


@pytest.mark.usefixtures("takes_seconds")
def test_the_real_year_billed_monthly_is_the_year_worked_out_otherwise() -> None:
    """Two tariffs, each meter of the real year from a day in January on; a month's cycle, and a year's."""
    meters = 0
    for volumes_l in monthly_volumes().values():
        volumes = [litres * 1000 for litres in (volumes_l * (365 // max(1, len(volumes_l)) + 1))[:365]]
        known = {1: days(JANUARY, volumes)}
        for cycle, bounds, prices in (
            (12, (180, 260), ("5.00", "7.00", "9.00")),
            (1, (7, 12), ("2.57", "3.90", "5.10")),
        ):
            one = plan(schedule(bounds, prices), cycle=Cycle(cycle))
            plans = [one, replace(one, number=2, from_day=MONTHS[12])]
            before, total = None, 0
            for first, end in pairwise(MONTHS):
                made = bill(decide(account([link()], known, before), {1: plans}, first, end))
                before, total = made.counted, total + made.total_fen
            assert total == by_days(plans, volumes)
        meters += 1
    assert meters == (62 if source()[1] else meters) > 0


def test_a_day_cut_by_hanging_ends_where_the_next_begins() -> None:
    """Hung at 5.000, heard until 5.100, silent until midnight, and the next day begins at 5.300: all 0.300 are billed; where no midnight is
    known, nobody guesses."""
    of = {1: [plan(schedule([], ["1"]))]}
    hung, taken = JANUARY + 9, JANUARY + 19
    one = link(1, hung, opening=5000)
    heard = MeterDays(
        [hung, *range(hung + 1, FEBRUARY)], [100] * 22, [7] * 22, [hung], [], [5000, *range(5300, 7400, 100)], [hung]
    )
    made = bill(decide(account([one], {1: heard}), of, JANUARY, FEBRUARY))
    assert (made.first_day, made.volume_ml) == (hung, 300 + 21 * 100)
    # on a month's last day the day after it says so, or its own whole values, or nobody
    month = [link(1, FEBRUARY - 1, opening=5000)]
    for partial, after, wanted in (
        ([FEBRUARY - 1], [5300], 300),
        ([], [], 100),
        ([FEBRUARY - 1], [], None),
    ):
        count = 1 + len(after)
        there = MeterDays([FEBRUARY - 1, FEBRUARY][:count], [100] * count, [7] * count, partial, [], [5000, *after])
        found = decide(account(month, {1: there}), of, JANUARY, FEBRUARY)
        if wanted is None:
            assert found == Refused(9, "missing-days", 1, FEBRUARY - 1, 1)
        else:
            assert bill(found).volume_ml == wanted
    # taken off at 8.000 on a day that began at 7.400, after a day of which 0.200 were not heard: refused, for that day itself is not whole
    off = link(1, JANUARY, taken + 1, closing=8000)
    before = MeterDays(
        list(range(JANUARY, taken + 1)), [100] * 20, [7] * 20, [taken], [], [5500 + 100 * n for n in range(20)], []
    )
    assert bill(decide(account([off], {1: before}), of, JANUARY, FEBRUARY)).volume_ml == 19 * 100 + 600
    # hung one day, taken off the next: what lies between is the two registers'
    short = link(1, hung, hung + 2, opening=5000, closing=5700)
    two = MeterDays([hung, hung + 1], [100, 50], [7, 7], [hung, hung + 1], [], [5000, 5600], [hung])
    assert bill(decide(account([short], {1: two}), of, JANUARY, FEBRUARY)).volume_ml == 700
    # a day that lacks its first value begins with a later register: it says nothing of midnight
    lost = two._replace(adrift=[hung, hung + 1])
    assert decide(account([short], {1: lost}), of, JANUARY, FEBRUARY) == Refused(9, "missing-days", 1, hung, 1)
