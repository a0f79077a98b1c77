# SPDX-License-Identifier: Apache-2.0
"""What holds for every plan and every use: cutting a period, rounding, tiers, components, taking back."""

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from openmains.domain.tariff.billing import Bill, Count, Payer, Use, bill, reverse, tiers
from openmains.domain.tariff.calendar import cycle_span, season_at
from openmains.domain.tariff.exact import shared, to_fen, whole, written
from openmains.domain.tariff.plan import AtChange, Component, Cycle, PersonsRule, Plan, Schedule, Season
from tests.domain.properties import examples
from tests.domain.tariff.support import YEAR, plan

VOLUMES = st.integers(0, 900_000_000)
BOUNDS = st.lists(st.integers(1, 600_000_000), max_size=4, unique=True).map(lambda found: tuple(sorted(found)))
HALF = Fraction(1, 2)


@st.composite
def schedules(draw: st.DrawFn, rising: bool = False, fixed: tuple[int, ...] | None = None) -> Schedule:
    bounds = fixed if fixed is not None else draw(BOUNDS)
    prices = st.lists(st.integers(0, 9_000_000), min_size=len(bounds) + 1, max_size=len(bounds) + 1)
    names = draw(st.lists(st.sampled_from(["water", "resource", "sewage"]), min_size=1, max_size=3, unique=True))
    parts = [Component(name, tuple(sorted(p) if rising else p)) for name in names for p in [draw(prices)]]
    rule = None
    has_rule = draw(st.booleans())
    if bounds and has_rule:
        each = st.integers(0, 60_000_000)
        rule = PersonsRule((4,) * len(bounds), tuple(draw(each) for _ in bounds))
    return Schedule(bounds, tuple(parts), rule)


@st.composite
def plan_lists(draw: st.DrawFn) -> list[Plan]:
    first = draw(schedules())
    own = draw(st.booleans())
    seasonal = draw(schedules(fixed=None if own else first.bounds_ml))
    heating = Season("heating", (11, 15), (3, 15), seasonal, own)
    cycle = draw(st.builds(Cycle, st.sampled_from([1, 2, 3, 6, 12]), st.booleans()))
    plans = [plan(first, cycle=cycle, seasons=(heating,) if draw(st.booleans()) else ())]
    for number in range(draw(st.integers(0, 2))):
        at = YEAR + draw(st.integers(60 * number + 1, 60 * number + 59))
        plans.append(
            plan(
                draw(schedules()),
                cycle=cycle,
                number=number + 2,
                from_day=at,
                at_change=draw(st.sampled_from(AtChange)),
            )
        )
    return plans


PAYERS = st.builds(Payer, st.integers(0, 9), st.integers(1, 3), st.sampled_from([(1, 1), (2, 29), (5, 31), (8, 14)]))
Steps = list[tuple[int, int]]
YEARS = st.lists(st.tuples(st.integers(1, 40), VOLUMES), min_size=1, max_size=14)


def exact_of(made: Bill) -> Fraction:
    return sum((line.exact for line in made.lines), Fraction(0))


def uses_of(steps: Steps) -> list[Use]:
    found, at = [], YEAR
    for days, volume in steps:
        found.append(Use(at, at + days, volume))
        at += days
    return found


@examples(60)
@given(plan_lists(), PAYERS, YEARS, st.data())
def test_cutting_a_period_into_bills_never_changes_its_sum(
    plans: list[Plan], payer: Payer, steps: Steps, data: st.DataObject
) -> None:
    uses = uses_of(steps)
    whole_period = bill(plans, payer, Count(YEAR), uses)
    count, total, rest = Count(YEAR), 0, uses
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        part = bill(plans, payer, count, rest[:size])
        assert -HALF <= part.after.remainder < HALF
        count, total, rest = part.after, total + part.total_fen, rest[size:]
    assert total == whole_period.total_fen
    assert count == whole_period.after


@examples(60)
@given(plan_lists(), PAYERS, YEARS)
def test_lines_and_components_add_up_to_the_sum_and_volumes_to_the_use(
    plans: list[Plan], payer: Payer, steps: Steps
) -> None:
    made = bill(plans, payer, Count(YEAR), uses_of(steps))
    assert sum(line.fen for line in made.lines) == made.total_fen == sum(made.by_component().values())
    assert all(abs(line.fen - line.exact) < 1 for line in made.lines)
    assert abs(sum(line.exact for line in made.lines) - made.total_fen) <= HALF
    volumes: dict[tuple[int, int, str], int] = {}
    for line in made.lines:
        seen = {one.component for one in made.lines if (one.plan, one.first_day) == (line.plan, line.first_day)}
        volumes[line.first_day, line.tier, min(seen)] = line.volume_ml
    assert sum(volumes.values()) == sum(volume for _, volume in steps)


@examples(60)
@given(schedules(rising=True), VOLUMES, VOLUMES, st.integers(0, 3_000_000), PAYERS)
def test_a_bill_rises_with_the_use_and_never_jumps(
    of: Schedule, before: int, use: int, more: int, payer: Payer
) -> None:
    def of_use(volume: int, counted: int) -> Bill:
        return bill([plan(of)], payer, Count(YEAR, YEAR, counted), [Use(YEAR, YEAR + 1, volume)])

    dearest = sum(part.prices[-1] for part in of.components)
    less, much = of_use(use, before), of_use(use + more, before)
    step = Fraction(dearest * more, 10**10)
    assert less.total_fen <= much.total_fen <= less.total_fen + step + 1
    for bound in of.bounds_for(payer.persons, payer.households):
        # one ml more costs one ml at the dearest price, or less
        exact = [exact_of(of_use(bound + ml, 0)) for ml in (-1, 0, 1)]
        dearest_ml = Fraction(dearest, 10**10)
        assert all(low <= high and high - low <= dearest_ml for low, high in pairwise(exact))


@examples(40)
@given(plan_lists(), PAYERS, YEARS, VOLUMES)
def test_taking_a_bill_back_restores_what_was_counted(
    plans: list[Plan], payer: Payer, steps: Steps, volume: int
) -> None:
    first = bill(plans, payer, Count(YEAR), uses_of(steps))
    at = first.after.until
    second = bill(plans, payer, first.after, [Use(at, at + 30, volume)], months=1)
    back = reverse(second, second.after)
    assert back.after == first.after
    assert back.total_fen + second.total_fen == 0
    assert bill(plans, payer, back.after, [Use(at, at + 30, volume)], months=1) == second


@examples(100)
@given(st.lists(st.fractions(-50, 50, max_denominator=997), min_size=1, max_size=9), st.fractions(-HALF, HALF))
def test_a_rounded_sum_is_shared_without_rest_and_whole_parts_stay(parts: list[Fraction], carried: Fraction) -> None:
    if carried == HALF:
        carried = -HALF
    total = to_fen(sum(parts, carried))
    found = shared(total, parts)
    assert sum(found) == total
    assert all(abs(one - part) < 1 for one, part in zip(found, parts, strict=True))
    assert to_fen(sum(parts, carried)) == -to_fen(-sum(parts, carried)) or (2 * sum(parts, carried)).denominator == 1


@examples(100)
@given(BOUNDS, VOLUMES, VOLUMES)
def test_every_ml_lies_in_one_tier(bounds: tuple[int, ...], start: int, volume: int) -> None:
    found = list(tiers(bounds, start, volume))
    assert sum(ml for _, ml in found) == volume
    assert all(ml > 0 for _, ml in found)
    assert [tier for tier, _ in found] == sorted({tier for tier, _ in found})


@examples(100)
@given(st.integers(0, 20_000), st.sampled_from([1, 2, 3, 4, 6, 12]), st.integers(1, 12), st.integers(1, 31))
def test_cycles_and_seasons_follow_each_other_without_a_hole(ahead: int, months: int, month: int, number: int) -> None:
    at = YEAR - 5_000 + ahead
    cycle = Cycle(months, True)
    first, end = cycle_span(cycle, at, (month, number))
    assert first <= at < end
    assert cycle_span(cycle, end, (month, number))[0] == end
    assert cycle_span(cycle, first, (month, number)) == (first, end)
    heating = Season("h", (month, min(number, 28)), ((month + 3) % 12 + 1, 15), Schedule((), ()))
    of = replace(plan(Schedule((), ())), seasons=(heating,))
    season, begins, ends = season_at(of, at)
    assert begins <= at < ends
    assert season_at(of, ends)[0] is not season
    assert season_at(of, begins) == (season, begins, ends)


@examples(100)
@given(st.integers(0, 10**14), st.integers(0, 6))
def test_numbers_are_read_as_they_are_written(count: int, decimals: int) -> None:
    assert whole(written(count, decimals), decimals) == count
