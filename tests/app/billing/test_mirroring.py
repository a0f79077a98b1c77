# SPDX-License-Identifier: Apache-2.0
"""Balances of emulated prepay meters, day by day, explained to the fen: what the meter says goes through the mirror, and what is found is
held to arithmetic of the test's own. Faults are planted as causes in the meter; what is named must be the cause, and no more than it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import pytest

from openmains.app.billing.mirroring import (
    CHANGE_UNDATED,
    KIND_CHANGED,
    MONEY,
    PERIOD_UNKNOWN,
    PRICE_UNKNOWN,
    REGISTER_BACK,
    REGISTER_UNKNOWN,
    ROUNDING_UNKNOWN,
    STEP_UNKNOWN,
    VOLUME,
    GivenTopUp,
    KeptMirror,
    Mirrored,
    ToMirror,
    instants_of,
    mirror_meter,
)
from openmains.app.billing.timeline import BalanceReport, GivenPrice
from openmains.domain.period import DAY_S, HOUR_S, zone
from openmains.domain.tariff.meter_deduction import MeterDeduction, StepRounding
from openmains.domain.tariff.meter_price import MeterPrice
from openmains.domain.tariff.mirror import Cause, Finding
from openmains.emulator.meter.prices import UNITS_A_FEN, Account, PriceSet, Thresholds, settle

PLACE = zone("Asia/Shanghai")
FIRST = 20_454  # 2026-01-01
US, STEP = 1_000_000, 10
TIERS, OLD, NEW = (0, 20, 30), (26_137, 31_353, 39_977), (28_351, 34_119, 42_333)
EXACT = MeterDeduction("metering_step", STEP, StepRounding.EXACT)
START_L = 123_457


def start(day: int, hour: float = 0) -> int:
    return PLACE.start_of(FIRST + day) + int(hour * HOUR_S)


@dataclass
class Emulated:
    """An emulated meter's account over a steady flow, and what the platform has of it."""

    account: Account
    litres_h: int = 70
    reports: list[BalanceReport] = field(default_factory=list)
    prices: list[GivenPrice] = field(default_factory=list)
    top_ups: list[GivenTopUp] = field(default_factory=list)
    edges: dict[int, int] = field(default_factory=dict)
    kept: dict[int, KeptMirror] = field(default_factory=dict)
    paid: dict[int, int] = field(default_factory=dict)  # what the test knows was credited, by instant

    def register(self, at: int) -> int:
        return START_L + (at - start(0)) * self.litres_h // HOUR_S

    def settle(self, at: int) -> None:
        self.account = settle(self.account, at, self.register, Thresholds(0, -(10**9), 0, STEP), 8 * HOUR_S).account

    def report(self, at: int, received: int | None = None) -> BalanceReport:
        self.settle(at)
        said = BalanceReport(at, (received or at) * US + 7, self.register(at), self.account.shown, self.account.kind)
        self.reports.append(said)
        return said

    def price(
        self, version: int, prices: tuple[int, ...], at: int, effective: int = 0, months: int = 1, *, clear: bool = True
    ) -> None:
        """As ``terminal.py`` does it; the platform hears the answer."""
        new = PriceSet(version, effective, start(0), months, clear, TIERS, prices)
        self.settle(at)
        if effective <= at:
            self.account = replace(self.account.charged(self.register(at)).with_price(new, self.register(at)), at=at)
        else:
            self.account = replace(self.account, deferred=new)
        said = self.report(at)
        held = MeterPrice(TIERS, prices, months, clear)
        self.prices.append(
            GivenPrice(version, held, effective, start(0), at * US - 1, said.received_us, said.register_l)
        )

    def top_up(self, command_id: int, fen: int, at: int, *, answered: bool = True, later: int = 0) -> None:
        self.settle(at)
        self.account = self.account.topped_up(fen)
        word = self.report(at + later).received_us if answered else None
        self.top_ups.append(GivenTopUp(command_id, fen, self.account.kind, at * US - 1, word, (at + DAY_S) * US))

    def days(self, days: Iterable[int], hour: float = 23.5) -> None:
        for day in days:
            self.report(start(day, hour))

    def asked(self, today: int = 1_000, **more: Any) -> ToMirror:
        reports = sorted(self.reports, key=lambda one: one.key)
        one = ToMirror(1, PLACE, FIRST + today, EXACT, None, reports, self.prices, self.top_ups, self.kept)
        return one._replace(**more)

    def mirrored(
        self, today: int = 1_000, *, edges: Callable[[int], int | None] | None = None, **more: Any
    ) -> Mirrored:
        """Registers at the instants that are asked for, as slots' edges would have them."""
        one = self.asked(today, **more)
        known = {at: self.register(at) for at in instants_of(one)}
        found = mirror_meter(one, edges or known.get)
        for made in found.versions:
            self.kept[made.day] = KeptMirror(made.version, made.found, made.doubt, made.cited)
        return found


def sound(**more: Any) -> Emulated:
    return Emulated(Account(MONEY, 50_000 * UNITS_A_FEN, START_L, START_L, start(0), **more))


def named(found: Mirrored) -> list[set[str]]:
    """Causes by day."""
    return [set(made.causes) for made in found.versions]


class Plainly:
    """What a meter should have taken by plain arithmetic: litre by litre from a period's start, at the tier that holds there."""

    def __init__(self, prices: tuple[int, ...]) -> None:
        self.prices = prices

    def fen(self, first_l: int, last_l: int, period_l: int) -> Fraction:
        return Fraction(sum(self._price(litre - period_l) for litre in range(first_l, last_l)), UNITS_A_FEN)

    def _price(self, used_l: int) -> int:
        return self.prices[sum(used_l >= bound * 1000 for bound in TIERS) - 1]


def test_a_sound_meter_is_explained_to_the_fen_over_months_tiers_and_price_changes() -> None:
    meter = sound()
    meter.price(6, OLD, start(0, 1))
    meter.days(range(20))
    meter.top_up(501, 30_000, start(20, 9.3))
    meter.days(range(20, 33))  # a period begins on 1 February
    meter.price(7, NEW, start(33, 10.37), clear=False)
    meter.days(range(33, 40))
    meter.price(8, OLD, start(40, 8), effective=start(59))  # with the period of March
    meter.days(range(40, 70))
    found = meter.mirrored()
    assert len(found.versions) == 70 and found.why == ""
    assert named(found) == [set()] * 70 and {made.difference for made in found.versions} <= {0, 1}
    assert [made.price_version for made in found.versions] == [6] * 33 + [7] * 26 + [8] * 11
    # what was taken over days of one price and period, litre by litre
    for first, last, prices, period in (
        (2, 19, OLD, meter.register(start(0, 1))),
        (61, 68, OLD, meter.register(start(59))),
    ):
        ends = [meter.register(start(day, 23.5)) // STEP * STEP for day in (first, last)]
        taken = found.versions[first].after.balance - found.versions[last].after.balance
        assert abs(Plainly(prices).fen(ends[0], ends[1], period) - taken) < 1
    assert meter.mirrored().versions == [], "the same inputs make no version"


@pytest.mark.parametrize(
    ("plant", "expected"),
    [
        ({"rounds_up": STEP}, {Cause.ROUNDING.value}),
        ({"keeps_price": True}, {Cause.PRICE_VERSION.value}),
        ({"forgets_top_ups": True}, {Cause.LOST_TOP_UP.value}),
    ],
)
def test_a_planted_fault_is_named_rightly(plant: dict[str, Any], expected: set[str]) -> None:
    meter = sound()
    meter.price(6, OLD, start(0, 1))
    meter.days(range(3))
    assert named(meter.mirrored()) == [set()] * 3
    meter.account = replace(meter.account, **plant)
    meter.price(7, NEW, start(3, 4.2), clear=False)
    meter.days(range(3, 4))
    meter.top_up(777, 12_345, start(4, 11))
    meter.days(range(4, 8))
    found = meter.mirrored()
    days = {made.day - FIRST: made for made in found.versions}
    told = {day: set(made.causes) for day, made in days.items() if made.causes}
    assert set().union(*told.values()) == expected
    if expected == {"lost_top_up"}:
        (made,) = [made for made in days.values() if made.causes]
        assert made.day - FIRST == 4 and made.difference in (-12_345, -12_344)
        assert made.found == ((Finding(Cause.LOST_TOP_UP, "777"),),)
    else:
        assert set(told) == set(range(3, 8)), "each day of it"
        what = "6" if expected == {"price_version"} else "up"
        assert all((Finding(Cause(next(iter(expected))), what),) in made.found for made in days.values())
    for made in days.values():  # to the fen, by the test's own arithmetic
        period = meter.register(start(0, 1))
        ends = [meter.register(made.before.at) // STEP * STEP, meter.register(made.after.at) // STEP * STEP]
        at_change = meter.register(start(3, 4.2))
        if made.day - FIRST == 3:
            cost = Plainly(OLD).fen(ends[0], at_change, period) + Plainly(NEW).fen(at_change, ends[1], period)
        else:
            cost = Plainly(NEW).fen(ends[0], ends[1], period)
        should = made.before.balance + (12_345 if made.day - FIRST == 4 else 0) - cost
        assert made.expected == should.numerator // should.denominator
        assert made.difference == made.after.balance - made.expected


def test_a_top_up_whose_answer_came_late_is_where_it_was_done() -> None:
    meter = sound()
    meter.price(6, OLD, start(0, 1))
    meter.days(range(1))
    meter.top_up(9, 5_000, start(1, 8), answered=False)
    meter.days(range(1, 2))
    found = meter.mirrored(2)
    assert found.versions[-1].found == ((Finding(Cause.UNCONFIRMED_TOP_UP, "9"),),), (
        "in the balance, and nobody said so"
    )
    meter.days(range(2, 3))
    late = meter.report(start(3, 7)).received_us
    meter.top_ups = [meter.top_ups[0]._replace(answered_us=late)]
    meter.days(range(3, 4))
    found = meter.mirrored()
    assert [(made.day - FIRST, made.version, made.causes, made.credited) for made in found.versions] == [
        (1, 2, [], 5_000), (2, 1, [], 0), (3, 1, [], 0)
    ]  # fmt: skip
    assert meter.mirrored().versions == []
    other = sound()
    other.price(6, OLD, start(0, 1))
    other.days(range(1))
    other.top_up(9, 5_000, start(1, 8), answered=False)
    other.days(range(1, 6))
    assert named(other.mirrored()) == [set(), {"unconfirmed_top_up"}, set(), set(), set(), set()]


def test_what_comes_late_makes_the_next_version_of_its_day() -> None:
    meter = sound()
    meter.price(6, OLD, start(0, 1))
    meter.days(range(4))
    late = meter.reports.pop(3)  # of day 2: it hangs in a queue somewhere
    assert late.at == start(2, 23.5)
    found = meter.mirrored()
    assert [made.day - FIRST for made in found.versions] == [0, 1, 3]
    meter.reports.append(late._replace(received_us=start(5) * US))
    found = meter.mirrored()
    assert [(made.day - FIRST, made.version) for made in found.versions] == [(2, 1), (3, 2)]
    assert named(found) == [set(), set()]


def test_reports_that_are_no_longer_looked_at_change_nothing() -> None:
    meter = sound()
    meter.price(6, OLD, start(0, 1))
    for day in range(5):
        meter.days([day], 9)
        meter.days([day])
    assert len(meter.mirrored().versions) == 5
    meter.reports = [
        report for report in meter.reports if report.at >= start(2)
    ]  # nothing was decided before these days
    assert meter.mirrored().versions == []
    last = meter.reports[-1]
    meter.report(start(5, 9))
    found = meter.mirrored(before=last, kept={})
    assert [(made.day - FIRST, made.before) for made in found.versions] == [(5, last)], "goes on where it ended"


def test_a_day_that_is_not_over_is_kept_where_something_is_found() -> None:
    meter = sound()
    meter.price(6, OLD, start(0, 1))
    meter.days(range(1))
    assert meter.mirrored(0).versions == [], "so far all is well"
    meter.report(start(1, 6))
    meter.account = replace(meter.account, forgets_top_ups=True)
    meter.top_up(5, 4_000, start(1, 7))
    assert [made.day - FIRST for made in meter.mirrored(1).versions] == [0, 1]
    meter.report(start(1, 9))
    assert meter.mirrored(1).versions == [], "the same is told once"
    meter.report(start(1, 23))
    (made,) = meter.mirrored(2).versions
    assert (made.version, made.found) == (2, ((Finding(Cause.LOST_TOP_UP, "5"),),)), "whole when the day is over"


def test_a_balance_in_litres_falls_by_each_litre() -> None:
    meter = Emulated(Account(VOLUME, 90_000, START_L // STEP * STEP, START_L, start(0)))
    meter.days(range(3))
    meter.top_up(3, 7_000, start(3, 4))
    meter.account = replace(meter.account, forgets_top_ups=True)
    meter.days(range(3, 4))
    meter.top_up(4, 8_000, start(4, 4))
    meter.days(range(4, 6))
    found = meter.mirrored(prices=[])
    assert [(made.difference, made.causes) for made in found.versions] == [
        (0, []), (0, []), (0, []), (-8_000, ["lost_top_up"]), (0, [])
    ]  # fmt: skip
    assert found.versions[3].kind == VOLUME


def _back(meter: Emulated) -> None:
    meter.reports[-1] = meter.reports[-1]._replace(register_l=5)


def _kind(meter: Emulated) -> None:
    meter.reports[-1] = meter.reports[-1]._replace(kind=VOLUME)


def _undated(meter: Emulated) -> None:
    meter.price(7, NEW, start(3, 4))
    meter.prices[-1] = meter.prices[-1]._replace(is_dated=False)
    meter.report(start(3, 23))


@pytest.mark.parametrize(
    ("spoil", "more", "doubt"),
    [
        (_back, {}, REGISTER_BACK),
        (_kind, {}, KIND_CHANGED),
        (_undated, {}, CHANGE_UNDATED),
        (lambda _: None, {"prices": []}, PRICE_UNKNOWN),
        (lambda _: None, {"deduction": MeterDeduction()}, STEP_UNKNOWN),
        (lambda _: None, {"deduction": MeterDeduction("", STEP)}, ROUNDING_UNKNOWN),
        (lambda meter: meter.days([31]), {"edges": {}.get}, REGISTER_UNKNOWN),
    ],
)
def test_what_cannot_be_worked_out_is_a_doubt_by_name(spoil: Any, more: dict[str, Any], doubt: str) -> None:
    meter = sound()
    meter.price(6, OLD, start(0, 1))
    meter.days(range(3))
    spoil(meter)
    found = meter.mirrored(**more)
    assert found.why == doubt
    if found.versions:
        made = found.versions[-1]
        assert (made.difference is None) == (doubt != ROUNDING_UNKNOWN) and made.doubt == doubt and made.causes == []


def test_the_tier_is_in_doubt_where_nobody_knows_when_the_period_began() -> None:
    meter = sound()
    meter.price(6, OLD, start(0, 1), clear=False)  # what was counted before goes on, and nobody told
    meter.days(range(40))
    found = meter.mirrored()
    assert {made.doubt for made in found.versions[:31]} == {PERIOD_UNKNOWN}
    assert {made.doubt for made in found.versions[32:]} == {""}, "known from 1 February on, when a period began"
