# SPDX-License-Identifier: Apache-2.0
"""The meter's own balance recomputed: the emulated meter's account, which has arithmetic of its own, is explained to the fen; each planted
fault is named, and never another one alone."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openmains.domain.tariff.meter_deduction import MeterDeduction, StepRounding, deduction_of, is_usable
from openmains.domain.tariff.meter_price import MeterPrice
from openmains.domain.tariff.mirror import (
    Cause,
    Cut,
    Finding,
    MeterReport,
    MirroredSpan,
    MirrorResult,
    TopUp,
    explain,
)
from openmains.emulator.meter.prices import MONEY, UNITS_A_FEN, Account, PriceSet
from tests.support.properties import counted

STEP = 100
NEW = MeterPrice((0, 20, 30), (28_350, 34_100, 42_300), 12, False)
OLD = MeterPrice((0, 20, 30), (26_100, 31_350, 39_900), 12, False)
PRICES = {7: NEW, 6: OLD}
FEW = settings(max_examples=counted(30))
steps = st.integers(0, 250)
money = st.integers(1_000, 50_000)


def meter(price: MeterPrice, start_l: int, balance_fen: int, fraction: int = 0) -> Account:
    """Of the emulated meter: it counts 10^-5 fen."""
    held = PriceSet(7, 0, 0, 12, False, price.tier_from, price.prices)
    return Account(MONEY, balance_fen * UNITS_A_FEN + fraction, settled=start_l, period_register=0, price=held)


def span(before: Account, after: Account, *top_ups: TopUp, **more: object) -> MirroredSpan:
    reports = (MeterReport(one.settled, one.shown) for one in (before, after))
    return replace(MirroredSpan(*reports, 0, 7, PRICES, STEP, top_ups), **more)  # type: ignore[arg-type]


def causes(found: MirrorResult) -> set[tuple[Cause, ...]]:
    return {tuple(one.cause for one in each) for each in found.explanations}


@FEW
@given(steps, steps, money, st.integers(0, UNITS_A_FEN - 1), st.lists(money, max_size=3))
def test_a_sound_meter_is_as_expected(start: int, used: int, balance: int, fraction: int, paid: list[int]) -> None:
    before = meter(NEW, start * STEP, balance, fraction)
    after = before
    for fen in paid:
        after = after.topped_up(fen)
    after = after.charged((start + used) * STEP)
    found = explain(span(before, after, *(TopUp(str(place), fen) for place, fen in enumerate(paid))))
    assert found.is_as_expected and found.difference_fen in (0, 1)


@FEW
@given(steps, st.integers(10, 120), money, st.integers(5_000, 50_000))
def test_a_lost_top_up_is_named(start: int, used: int, balance: int, fen: int) -> None:
    before = meter(NEW, start * STEP, balance)
    after = before.charged((start + used) * STEP)
    found = explain(span(before, after, TopUp("T1", fen)))
    assert (Finding(Cause.LOST_TOP_UP, "T1"),) in found.explanations and found.difference_fen == -fen
    twice = explain(span(before, after.topped_up(fen).topped_up(fen), TopUp("T1", fen)))
    assert (Finding(Cause.TOP_UP_TWICE, "T1"),) in twice.explanations
    silent = explain(span(before, after.topped_up(fen), TopUp("T1", fen, is_confirmed=False)))
    assert (Finding(Cause.UNCONFIRMED_TOP_UP, "T1"),) in silent.explanations
    for one in (found, twice, silent):
        assert causes(one) <= {(cause,) for cause in Cause} - {(Cause.METER_FAULT,)}


@FEW
@given(steps, st.integers(30, 150), money)
def test_a_stale_price_is_named(start: int, used: int, balance: int) -> None:
    before = meter(OLD, start * STEP, balance)
    found = explain(span(before, before.charged((start + used) * STEP)))
    assert (Finding(Cause.PRICE_VERSION, "6"),) in found.explanations and found.difference_fen > 0


@pytest.mark.parametrize("kind", [StepRounding.UP, StepRounding.DOWN])
@FEW
@given(steps, st.integers(60, 120), money)
def test_a_meter_that_rounds_is_named(kind: StepRounding, start: int, used: int, balance: int) -> None:
    """It loses or wins part of a fen with each step: by its own loop, not the mirror's."""
    before = meter(NEW, start * STEP, balance)
    fen = balance
    for left, right in pairwise(range(start * STEP, (start + used) * STEP + 1, STEP)):
        units = before.price.cost(left, right - left)  # type: ignore[union-attr]
        fen -= -(-units // UNITS_A_FEN) if kind is StepRounding.UP else units // UNITS_A_FEN
    after = replace(before, balance=fen * UNITS_A_FEN, settled=(start + used) * STEP)
    found = explain(span(before, after))
    assert (Finding(Cause.ROUNDING, kind.value),) in found.explanations
    known = explain(span(before, after, rounding=kind))
    assert known.is_as_expected and known.difference_fen == 0, "of a kind that is known to round it is no difference"


@FEW
@given(steps, st.integers(100, 150), money, st.integers(150_000, 10**6))
def test_what_nothing_explains_is_the_meters(start: int, used: int, balance: int, more: int) -> None:
    """A deduction that no price, rounding or top-up makes."""
    before = meter(NEW, start * STEP, balance)
    after = replace(before.charged((start + used) * STEP), balance=-more * UNITS_A_FEN)
    assert causes(explain(span(before, after))) == {(Cause.METER_FAULT,)}


def test_two_faults_at_once_are_both_named() -> None:
    before = meter(OLD, 1_000, 5_000)
    found = explain(span(before, before.charged(33_000), TopUp("T1", 7_777)))
    assert found.explanations == ((Finding(Cause.LOST_TOP_UP, "T1"), Finding(Cause.PRICE_VERSION, "6")),)


def test_what_the_reports_do_not_tell_apart_is_told_as_such() -> None:
    before = meter(NEW, 0, 5_000)
    after = before.charged(20_000)
    found = explain(span(before, after, TopUp("T1", 3_000), TopUp("T2", 3_000)))
    assert found.explanations == ((Finding(Cause.LOST_TOP_UP, "T1"), Finding(Cause.LOST_TOP_UP, "T2")),) or causes(
        found
    )
    one_lost = explain(span(before, after.topped_up(3_000), TopUp("T1", 3_000), TopUp("T2", 3_000)))
    assert one_lost.explanations == ((Finding(Cause.LOST_TOP_UP, "T1"),), (Finding(Cause.LOST_TOP_UP, "T2"),))


@pytest.mark.parametrize("wrong", [{"version": 9}, {"after": MeterReport(0, 0)}])
def test_what_is_no_span(wrong: dict[str, object]) -> None:
    before = meter(NEW, 1_000, 5_000)
    with pytest.raises(ValueError, match="no span"):
        explain(replace(span(before, before.charged(2_000)), **wrong))  # type: ignore[arg-type]


@FEW
@given(st.integers(0, 25_000), st.integers(0, 25_000), st.integers(0, 25_000), money, st.booleans())
def test_a_change_of_period_and_price_cuts_the_span_to_the_litre(
    first: int, second: int, third: int, balance: int, stale: bool
) -> None:
    """The emulated meter begins a billing period, and then takes another price, both within the span: each at any litre."""
    before = meter(OLD, 0, balance)
    at_period, at_price = first, first + second
    after = replace(before.charged(at_period), period_register=at_period).charged(at_price)
    if not stale:
        after = after.with_price(meter(NEW, 0, 0).price, at_price)  # type: ignore[arg-type]
    end = max((at_price + third) // STEP * STEP, at_price)
    after = after.charged(end)
    cuts = (Cut(at_period, at_period, 6), Cut(at_price, at_period, 7))
    found = explain(span(before, after, version=6, cuts=cuts))
    assert found.is_as_expected or (stale and (Finding(Cause.PRICE_VERSION, "6"),) in found.explanations)


@FEW
@given(
    st.integers(0, 40_000),
    st.integers(0, 40_000),
    st.sampled_from([1, 7, 10, 100, 30_000]),
    st.sampled_from(list(StepRounding)),
)
def test_steps_are_counted_by_tiers_as_one_by_one(start: int, used: int, step: int, kind: StepRounding) -> None:
    """In plain loops: a step after the other, from any litre on."""
    before = meter(NEW, start, 10_000)
    at, exact = start, 0
    while at < start + used:
        end = min((at // step + 1) * step, start + used)
        units = before.price.cost(at, end - at)  # type: ignore[union-attr]
        whole, rest = divmod(units, UNITS_A_FEN)
        up = {StepRounding.UP: rest > 0, StepRounding.HALF_UP: 2 * rest >= UNITS_A_FEN}.get(kind, False)
        exact += units if kind is StepRounding.EXACT else (whole + up) * UNITS_A_FEN
        at = end
    after = replace(before, balance=before.balance - exact, settled=start + used)
    found = explain(span(before, after, step_l=step, rounding=kind))
    assert found.is_as_expected


def test_what_a_meter_does_below_a_fen_is_the_pages_the_products_and_its_own() -> None:
    page = MeterDeduction("metering_step", 10, StepRounding.EXACT)
    assert deduction_of(page, {}, {}) == page
    product = {"deduction": {"rounding": "up", "step_l": 20}}
    assert deduction_of(page, product, {}) == MeterDeduction("metering_step", 20, StepRounding.UP)
    assert deduction_of(page, product, {"metering_step": 50}).step_l == 50, "what it said itself comes before all"
    assert deduction_of(None, {}, {"metering_step": 50}) == MeterDeduction(), (
        "of a page that says nothing nothing is known"
    )
    assert is_usable({}) and is_usable(product)
    for wrong in ({"step_l": 0}, {"step_l": True}, {"rounding": "off"}, {"steps": 1}, 7):
        assert not is_usable({"deduction": wrong})
