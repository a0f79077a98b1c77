# SPDX-License-Identifier: Apache-2.0
"""Every bill of ``tests/data/tariffs.toml`` comes out to the fen, with both policies at a price change and both persons rules."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from openmains.domain.tariff.billing import Bill, BillingError, Count, Payer, Use, bill, reverse
from openmains.domain.tariff.exact import ML_OF_M3, whole
from openmains.domain.tariff.late_fee import Payment, late_fee
from openmains.domain.tariff.plan import (
    AtChange,
    Component,
    CustomerClass,
    Cycle,
    LateFeeRule,
    PersonsRule,
    Plan,
    Schedule,
    Season,
    doubts,
    faults,
)
from tests.domain.tariff.support import YEAR, day, month_or_year, plan, schedule

FACTS = tomllib.loads((Path(__file__).parents[2] / "data" / "tariffs.toml").read_text("utf-8"))
PLANS: dict[str, Any] = {entry["id"]: entry for entry in FACTS["plan"]}
BILLS = [(name, wanted) for name, entry in PLANS.items() for wanted in entry.get("bills", ())]


def rule_of(entry: dict[str, Any]) -> PersonsRule | None:
    given = entry.get("per_person")
    if given is None:
        return None
    return PersonsRule((given["above"],) * len(given["add_m3"]), tuple(m3 * ML_OF_M3 for m3 in given["add_m3"]))


def plan_of(entry: dict[str, Any]) -> Plan:
    prices = entry.get("components", entry["prices"])
    return plan(schedule(entry["bounds_m3"], prices, rule_of(entry)), cycle=month_or_year(entry["cycle"]))


def one_bill(of: Plan, m3: str, before_m3: str = "0", payer: Payer = Payer()) -> Bill:  # noqa: B008 frozen
    count = Count(YEAR, cycle_day=YEAR, cycle_ml=whole(before_m3, 6))
    return bill([of], payer, count, [Use(YEAR, YEAR + 31, whole(m3, 6))])


@pytest.mark.parametrize(("name", "wanted"), BILLS)
def test_bills_of_the_notices_come_out(name: str, wanted: dict[str, Any]) -> None:
    made = one_bill(plan_of(PLANS[name]), wanted["use"], wanted.get("before", "0"), Payer(wanted.get("persons", 0)))
    assert made.total_fen == whole(wanted["amount"], 2) == sum(line.fen for line in made.lines)
    for part in ("water", "resource", "sewage"):
        if part in wanted:
            assert made.by_component()[part] == whole(wanted[part], 2)


def test_components_are_the_price_of_each_tier() -> None:
    entry = PLANS["beijing-water"]
    for tier, price in enumerate(entry["prices"]):
        assert sum(whole(each[tier], 6) for each in entry["components"].values()) == whole(price, 6)


@pytest.mark.parametrize("wanted", PLANS["province-gas-390-600"]["expect_bounds"])
def test_persons_raise_only_the_bounds_that_the_rule_names(wanted: dict[str, Any]) -> None:
    entry = PLANS["province-gas-390-600"]
    of = schedule(entry["bounds_m3"], ["1", "2", "3"], rule_of(entry))
    assert of.bounds_for(wanted["persons"], 1) == tuple(m3 * ML_OF_M3 for m3 in wanted["bounds"])


def test_a_bound_that_overtakes_the_next_empties_that_tier_and_is_shown_as_a_doubt() -> None:
    entry = PLANS["province-gas-390-600"]
    of = schedule(entry["bounds_m3"], ["1", "2", "3"], rule_of(entry))
    assert of.bounds_for(8, 1) == (630 * ML_OF_M3, 630 * ML_OF_M3)
    assert [(line.tier, line.fen) for line in one_bill(plan(of), "640", payer=Payer(8)).lines] == [
        (1, 63000),
        (3, 3000),
    ]
    assert ("/persons", "tier-empty") in doubts(plan(of))


@pytest.mark.parametrize("policy", AtChange)
def test_a_price_change_inside_a_cycle_carries_or_clears_what_was_counted(policy: AtChange) -> None:
    facts = FACTS["price_change"][0]
    old, new = facts["old"], facts["new"]
    change = day(2025, 8, 1)
    plans = [
        plan(schedule(old["bounds_m3"], old["prices"])),
        plan(schedule(new["bounds_m3"], new["prices"]), number=2, from_day=change, at_change=policy),
    ]
    uses = [Use(YEAR, change, whole(old["use"], 6)), Use(change, day(2025, 9, 1), whole(new["use"], 6))]
    made = bill(plans, Payer(), Count(YEAR), uses)
    assert made.total_fen == whole(facts[f"accumulator_{policy}"], 2)
    apart = bill(plans, Payer(), Count(YEAR), uses[:1])
    assert apart.total_fen + bill(plans, Payer(), apart.after, uses[1:]).total_fen == made.total_fen
    # a plan that cleared is not cleared again by the next bill, and one passed by without use clears all the same
    later = bill(plans, Payer(), made.after, [Use(day(2025, 9, 1), day(2025, 10, 1), ML_OF_M3)])
    assert later.after.cycle_ml == made.after.cycle_ml + ML_OF_M3
    third = plan(plans[1].schedule, number=3, from_day=day(2025, 8, 20), at_change=AtChange.CARRIED)
    skipped = bill([*plans, third], Payer(), apart.after, [Use(day(2025, 9, 1), day(2025, 9, 2), 7)])
    assert skipped.after.cycle_ml == 7 + (0 if policy is AtChange.CLEARED else whole(old["use"], 6))


def test_a_bound_belongs_to_the_tier_that_it_ends() -> None:
    of = plan(schedule([350, 500], ["2.61", "2.83", "4.23"]))
    assert [line.tier for line in one_bill(of, "350").lines] == [1]
    assert [(line.tier, line.volume_ml) for line in one_bill(of, "350.000001").lines] == [(1, 350 * ML_OF_M3), (2, 1)]
    assert [line.tier for line in one_bill(of, "1", "350").lines] == [2]


def test_cycles_begin_by_the_calendar_or_by_the_day_the_customer_began() -> None:
    of = schedule([10], ["1", "2"])
    uses = [
        Use(day(2025, 3, 1), day(2025, 3, 20), 10 * ML_OF_M3),
        Use(day(2025, 3, 20), day(2025, 4, 1), 10 * ML_OF_M3),
    ]

    def cost(cycle: Cycle, anniversary: tuple[int, int] = (1, 1)) -> int:
        count = Count(day(2025, 3, 1))
        return bill([plan(of, cycle=cycle)], Payer(anniversary=anniversary), count, uses).total_fen

    assert cost(Cycle(12)) == 3000
    assert cost(Cycle(1)) == 3000
    assert cost(Cycle(12, anniversary=True), (3, 20)) == 2000
    assert cost(Cycle(1, anniversary=True), (7, 20)) == 2000
    assert cost(Cycle(12, anniversary=True), (2, 29)) == 3000
    leap = bill([plan(of, cycle=Cycle(12, True))], Payer(anniversary=(2, 29)), Count(day(2025, 2, 1)),
                [Use(day(2025, 2, 1), day(2025, 3, 1), 28 * ML_OF_M3)])  # fmt: skip
    assert (leap.by_days, leap.after.cycle_day, leap.after.cycle_ml) == (True, day(2025, 2, 28), ML_OF_M3)


def test_a_season_has_tiers_of_its_own_and_counts_for_itself() -> None:
    heating = Season("heating", (11, 15), (3, 15), schedule([100], ["1", "5"]), own_count=True)
    of = plan(schedule([10], ["2", "3"]), seasons=(heating,))
    assert faults(of) == []
    uses = [Use(YEAR, day(2025, 3, 16), 120 * ML_OF_M3), Use(day(2025, 3, 16), day(2025, 4, 1), 12 * ML_OF_M3)]
    made = bill([of], Payer(), Count(YEAR), uses)
    assert [(line.season, line.tier, line.fen) for line in made.lines] == [
        ("heating", 1, 10000), ("heating", 2, 10000), ("", 1, 2000), ("", 2, 600),
    ]  # fmt: skip
    autumn = bill([of], Payer(), made.after, [Use(day(2025, 11, 15), day(2026, 1, 10), 60 * ML_OF_M3)])
    winter = bill([of], Payer(), autumn.after, [Use(day(2026, 1, 10), day(2026, 2, 1), 60 * ML_OF_M3)])
    assert (autumn.total_fen, winter.total_fen) == (6000, 4000 + 10000)  # New Year does not end a season


def test_flat_prices_and_households_behind_one_meter() -> None:
    flat = plan(schedule([], ["3.45"]), customer_class=CustomerClass.COMBINED)
    assert one_bill(flat, "1234.567").total_fen == whole("4259.26", 2)  # 4259.25615
    shared = plan(schedule([10], ["1", "2"]), customer_class=CustomerClass.COMBINED)
    assert one_bill(shared, "35", payer=Payer(households=3)).total_fen == 3000 + 1000


def test_gas_is_charged_by_its_heat_value() -> None:
    parts = (Component("gas", (2_000_000,), by_heat=True), Component("network", (500_000,)))
    of = plan(Schedule((), parts), medium="gas", heat_reference=36_000)
    assert faults(of) == []
    made = bill([of], Payer(), Count(YEAR), [Use(YEAR, YEAR + 30, 10 * ML_OF_M3, heat=37_800)])
    assert made.by_component() == {"gas": 2100, "network": 500}
    with pytest.raises(BillingError, match="no-heat"):
        bill([of], Payer(), Count(YEAR), [Use(YEAR, YEAR + 30, 1)])


def test_the_least_charge_of_a_month_is_asked_for_once_however_the_month_is_cut() -> None:
    of = plan(schedule([], ["1"]), minimum_fen=500)
    halves = [Use(YEAR, YEAR + 15, 2 * ML_OF_M3), Use(YEAR + 15, YEAR + 31, ML_OF_M3)]
    whole_month = bill([of], Payer(), Count(YEAR), halves, months=1)
    first = bill([of], Payer(), Count(YEAR), halves[:1])
    second = bill([of], Payer(), first.after, halves[1:], months=1)
    assert whole_month.total_fen == first.total_fen + second.total_fen == 500
    assert [(line.component, line.fen) for line in second.lines] == [("price", 100), ("minimum", 200)]
    assert bill([of], Payer(), Count(YEAR), [Use(YEAR, YEAR + 31, 6 * ML_OF_M3)], months=1).total_fen == 600


def test_late_fee_is_capped_and_the_same_however_it_is_paid_and_asked_for() -> None:
    rule = LateFeeRule(per_day_ppm=5_000, grace_days=10, cap_ppm=300_000)
    assert late_fee(rule, 10_001, YEAR, [], YEAR + 11) == 0
    assert late_fee(rule, 10_001, YEAR, [], YEAR + 12) == 50  # 50.005
    assert late_fee(rule, 10_001, YEAR, [], YEAR + 13) == 100
    assert late_fee(rule, 10_001, YEAR, [], YEAR + 13 + 365) == 3000  # 30 % of 100.01, rounded once
    parts = [Payment(YEAR + 12, 3_333), Payment(YEAR + 12, 3_333)]
    assert late_fee(rule, 10_001, YEAR, parts, YEAR + 13) == 50 + 17  # 50.005 + 16.675, rounded once
    with pytest.raises(ValueError):
        late_fee(rule, 100, YEAR, [Payment(YEAR, 101)], YEAR + 13)


def test_a_bill_taken_back_leaves_what_was_counted_before_it() -> None:
    of = plan(schedule([350, 500], ["2.613", "2.837", "4.239"]))
    first = one_bill(of, "340.123")
    second = bill([of], Payer(), first.after, [Use(YEAR + 31, YEAR + 60, whole("77.77", 6))])
    with pytest.raises(BillingError, match="not-last"):
        reverse(first, second.after)
    back = reverse(second, second.after)
    assert (back.after, back.total_fen) == (first.after, -second.total_fen)
    again = bill([of], Payer(), back.after, [Use(YEAR + 31, YEAR + 60, whole("77.77", 6))])
    assert again == second


@pytest.mark.parametrize(
    ("uses", "code"),
    [
        ([Use(YEAR - 1, YEAR, 1)], "not-in-order"),
        ([Use(YEAR, YEAR, 1)], "not-in-order"),
        ([Use(YEAR + 1, YEAR + 2, 1), Use(YEAR, YEAR + 1, 1)], "not-in-order"),
        ([Use(YEAR, YEAR + 1, -1)], "negative"),
    ],
)
def test_uses_that_have_no_bill_are_refused(uses: list[Use], code: str) -> None:
    with pytest.raises(BillingError, match=code):
        bill([plan(schedule([], ["1"]))], Payer(), Count(YEAR), uses)
    with pytest.raises(BillingError, match="no-plan"):
        bill([plan(schedule([], ["1"]), from_day=YEAR + 1)], Payer(), Count(YEAR), [Use(YEAR, YEAR + 2, 1)])


def test_plans_that_no_tariff_may_hold_are_named_with_their_place() -> None:
    of = schedule([10], ["1", "2"])
    cases: list[tuple[Plan, tuple[str, str]]] = [
        (plan(schedule([10, 10], ["1", "2", "3"])), ("/bounds_m3", "not-rising")),
        (plan(schedule([0], ["1", "2"])), ("/bounds_m3", "not-rising")),
        (plan(schedule([10], ["1"])), ("/components/0/prices", "one-for-each-tier")),
        (plan(Schedule((), ())), ("/components", "required")),
        (plan(of, cycle=Cycle(5)), ("/cycle/months", "not-accepted")),
        (plan(of, heat_reference=36_000), ("/heat_reference", "not-accepted")),
        (plan(Schedule((), (Component("gas", (1,), True),))), ("/heat_reference", "required")),
        (plan(of, late_fee=LateFeeRule(50_001)), ("/late_fee/per_day", "out-of-range")),
        (plan(of, seasons=(Season("a", (2, 30), (3, 1), of),)), ("/seasons/0/first", "wrong-format")),
        (plan(of, seasons=(Season("a", (2, 1), (3, 1), of), Season("b", (3, 1), (4, 1), of))), ("/seasons/1/first", "overlaps")),
        (plan(of, seasons=(Season("a", (2, 1), (3, 1), schedule([9], ["1", "2"])),)), ("/seasons/0/bounds_m3", "same-bounds-or-own-count")),
        (plan(schedule([10], ["1", "2"], PersonsRule((4, 4), (1, 1)))), ("/persons/above", "one-for-each-bound")),
    ]  # fmt: skip
    for wrong, wanted in cases:
        assert wanted in faults(wrong), wanted
    before = plan(of)
    assert faults(plan(of, number=2, from_day=YEAR), before) == []
    assert ("/from_day", "not-after") in faults(before, before)
    assert ("/at_change", "cycle-differs") in faults(plan(of, from_day=YEAR, cycle=Cycle(1)), before)
    assert faults(plan(of, from_day=YEAR, cycle=Cycle(1), at_change=AtChange.CLEARED), before) == []
    assert ("/components", "price-falls") in doubts(plan(schedule([10], ["2", "1"])))
