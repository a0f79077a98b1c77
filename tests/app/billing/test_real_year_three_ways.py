# SPDX-License-Identifier: Apache-2.0
"""The real year of 62 meters under two tariffs and three ways to charge: bills, the server's deductions, and the meters' own balances.

Each is held, to the fen, to ``tests/support/plain_charges.py``, which shares nothing with the program. The meters live as in Shanghai, at
the instants at which they were really read. In three of four of the prepay meters a fault is planted; it is named on each day on which it
can be seen, and on no other.

* postpaid: the bill of each month as a run decides it, by the quick way where that is plain
* at the server: what each day takes
* at the meter: an emulated account deducts, and the mirror works out each day's balance from what it said
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise

import msgspec
import pytest

from openmains.app.billing.decide import AccountMonth, Edges, MeterDays, MeterLink
from openmains.app.billing.decide_many import MeterSum, PlainMonth, Rates, decide_many, is_plain, plain_months
from openmains.app.billing.deductions import ToDeduct, deduct
from openmains.app.billing.mirroring import MONEY, GivenTopUp, NewMirror, ToMirror, instants_of, mirror_meter
from openmains.app.billing.rows import BillRow, CitedDays, CountRow
from openmains.app.billing.timeline import BalanceReport, GivenPrice
from openmains.domain.period import date_to_day, first_of_month, zone
from openmains.domain.tariff.billing import Payer
from openmains.domain.tariff.meter_deduction import MeterDeduction, StepRounding
from openmains.domain.tariff.meter_price import MeterLimits, MeterPrice, meter_price
from openmains.domain.tariff.mirror import Cause, Finding
from openmains.domain.tariff.plan import AtChange, Plan
from openmains.emulator.meter.prices import UNITS_A_FEN, Account, PriceSet, Thresholds, settle
from tests.domain.tariff.support import month_or_year, plan, schedule
from tests.support.plain_charges import DAY, OFFSET, UNITS, Charges, Notice, midnight
from tests.support.plain_year import plain_register, plain_valid
from tests.support.real_water import Reading, readings, source

PLACE, US, STEP = zone("Asia/Shanghai"), 1_000_000, 10
CHANGED = date(2016, 9, 16)
MONTHLY = Notice((3, 8), (25_743, 39_043, 51_043), CHANGED, (27_317, 41_239, 55_819), is_cleared=False, is_yearly=False)
YEARLY = Notice((60, 90), (50_317, 70_451, 90_733), CHANGED, (53_219, 74_117, 95_027), is_cleared=True, is_yearly=True)
SEWAGE = 13_600  # of each price
TOLD = timedelta(days=2)  # before a price changes meters are given the new one
OPENING_FEN, PAID_FEN, PAY_DAY = 50_000, 5_000, 3  # each month's third, the same for whoever pays before
LIMITS = Thresholds(0, -(10**9), 0, STEP)
EXACT = MeterDeduction("metering_step", STEP, StepRounding.EXACT)
MONTH = msgspec.json.Decoder(CountRow).decode
WHOLE_DAYS = 60
FAULTS = ("", "lost_top_up", "stale_price", "rounds_up")


def levels(entries: Sequence[Reading]) -> list[Reading]:
    """Valid readings; where water ran back the dial here stands until it is made up for."""
    found, top = list[Reading](), 0
    for at, litres in plain_valid(list(entries))[0]:
        top = max(top, litres)
        found.append((at, top))
    return found


@dataclass
class Home:
    """A meter's year, from its first whole day to before its last one."""

    valid: list[Reading]
    first: date = field(init=False)
    end: date = field(init=False)

    def __post_init__(self) -> None:
        self.first = date(1970, 1, 1) + timedelta(days=(self.valid[0][0] + OFFSET) // DAY + 1)
        self.end = date(1970, 1, 1) + timedelta(days=(self.valid[-1][0] + OFFSET) // DAY)

    def register(self, at: int) -> int:
        return plain_register(self.valid, at)

    def days(self) -> list[date]:
        return [self.first + timedelta(days=number) for number in range((self.end - self.first).days)]

    def meter_days(self) -> MeterDays:
        bases = [self.register(midnight(day)) for day in (*self.days(), self.end)]
        numbers = [date_to_day(day) for day in self.days()]
        return MeterDays(numbers, [b - a for a, b in pairwise(bases)], [7] * len(numbers), [], [], bases[:-1])

    def link(self) -> MeterLink:
        return MeterLink(9, 1, 1, 0, 1, (1, 1), date_to_day(self.first), date_to_day(self.end), "d", 1_000)


def plans_of(notice: Notice) -> list[Plan]:
    def parts(prices: Sequence[int]) -> dict[str, list[str]]:
        told = [(price - SEWAGE, SEWAGE) for price in prices]
        return {name: [f"{one[place] / 10_000:.4f}" for one in told] for place, name in enumerate(("water", "sewage"))}

    cycle = month_or_year("year" if notice.is_yearly else "month")
    change = AtChange.CLEARED if notice.is_cleared else AtChange.CARRIED
    return [
        plan(schedule(notice.bounds_m3, parts(notice.prices)), cycle=cycle, from_day=date_to_day(date(2010, 1, 1))),
        plan(
            schedule(notice.bounds_m3, parts(notice.later)), cycle=cycle, from_day=date_to_day(notice.changed), number=2,
            at_change=change,
        ),
    ]  # fmt: skip


def postpaid(home: Home, plans: list[Plan]) -> list[BillRow]:
    """Each month's bill, as a run decides it."""
    link, days, known = home.link(), home.meter_days(), {1: plans}
    bills, counted, start = list[BillRow](), None, link.first_day
    while start < link.end_day:
        month = first_of_month(start, 0)
        end = min(first_of_month(start, 1), link.end_day)
        one: AccountMonth | PlainMonth = AccountMonth(9, (link,), counted and MONTH(counted), {1: days})
        if is_plain([link], start, end, Rates(known)) is not None:
            low, high = start - link.first_day, end - link.first_day
            steps = msgspec.json.encode(CitedDays.of(1, start, 1_000, days.versions[low:high]).steps).decode()
            sums = {1: MeterSum(high - low, 0, 0, sum(days.totals[low:high]), steps)}
            (one,) = plain_months({9: link}, {9: counted} if counted else {}, sums, start, end)
        (made,) = decide_many([one], known, month, end)
        assert isinstance(made, BillRow), made
        bills.append(made)
        counted, start = made.counted, made.end_day
    return bills


def at_the_server(home: Home, plans: list[Plan]) -> dict[int, int]:
    """What each day takes."""
    link = home.link()
    account = AccountMonth(9, (link,), None, {1: home.meter_days()})
    asked = ToDeduct(account, first_of_month(link.first_day, 0), link.first_day, link.end_day, {})
    made = deduct(asked, {1: plans}, Edges({1: plans}))
    assert (made.why, made.open_day) == ("", link.end_day)
    return {one.day: one.fen for one in made.versions}


class Prepaid:
    """An emulated meter's account over the real flow, and what the platform hears of it; ``plant``: its fault."""

    def __init__(self, home: Home, notice: Notice, plans: list[Plan], plant: str) -> None:
        self.home, self.plant = home, plant
        began = midnight(home.first)
        self.account = Account(MONEY, OPENING_FEN * UNITS_A_FEN, home.register(began), home.register(began), began)
        self.reports, self.prices, self.top_ups = list[BalanceReport](), list[GivenPrice](), list[GivenTopUp]()
        self.lost: int | None = None
        pay_days = [day for day in home.days() if day.day == PAY_DAY]
        held = [self.held(of) for of in plans]
        is_later = home.first > notice.changed - TOLD
        self.take_price(1 + is_later, replace(held[is_later], clear_total=True), began, 0)
        self.account = replace(self.account, rounds_up=STEP if plant == "rounds_up" else 0)
        for day in home.days():
            if day == notice.changed - TOLD:
                self.account = replace(self.account, keeps_price=plant == "stale_price")
                self.take_price(2, held[1], midnight(day) + 9 * 3600, midnight(notice.changed))
            if day in pay_days:
                is_lost = plant == "lost_top_up" and day == pay_days[len(pay_days) // 2]
                self.top_up(date_to_day(day), midnight(day) + 10 * 3600, is_lost)
            self.report(midnight(day) + DAY - 600)

    @staticmethod
    def held(of: Plan) -> MeterPrice:
        """A plan as a meter holds it: nothing of these is rounded on the way."""
        found, why = meter_price(of, Payer(), MeterLimits())
        assert found is not None and not why and not found.rounded
        return found

    def settle(self, at: int) -> None:
        self.account = settle(self.account, at, self.home.register, LIMITS, OFFSET).account

    def report(self, at: int) -> BalanceReport:
        self.settle(at)
        said = BalanceReport(at, at * US + 7, self.home.register(at), self.account.shown, MONEY)
        self.reports.append(said)
        return said

    def take_price(self, version: int, held: MeterPrice, at: int, effective: int) -> None:
        start = midnight(date(2016, 1, 1))
        new = PriceSet(version, effective, start, held.cycle_months, held.clear_total, held.tier_from, held.prices)
        self.settle(at)
        if effective:
            self.account = replace(self.account, deferred=new)
        else:
            self.account = replace(self.account.with_price(new, self.home.register(at)), at=at)
        said = self.report(at)
        self.prices.append(GivenPrice(version, held, effective, start, at * US - 1, said.received_us, said.register_l))

    def top_up(self, key: int, at: int, is_lost: bool) -> None:
        self.settle(at)
        if is_lost:
            self.lost = key
        else:
            self.account = self.account.topped_up(PAID_FEN)
        self.top_ups.append(GivenTopUp(key, PAID_FEN, MONEY, at * US - 1, self.report(at).received_us, (at + DAY) * US))

    def mirrored(self) -> list[NewMirror]:
        """A month of days at a time, each behind what was decided before, as the worker goes on."""
        found, before, last = list[NewMirror](), None, date_to_day(self.home.end)
        for first in range(date_to_day(self.home.first), last, 30):
            said = [one for one in self.reports if first <= PLACE.day_of(one.at) < first + 30]
            paid = [one for one in self.top_ups if first <= one.command_id < first + 30]
            one = ToMirror(1, PLACE, last + 9, EXACT, before, said, self.prices, paid, {})
            known = {at: self.home.register(at) for at in instants_of(one)}
            made = mirror_meter(one, known.get)
            assert made.why == ""
            found += made.versions
            before = said[-1]
        return found


def check_bills(home: Home, wanted: Charges, bills: Sequence[BillRow], deducted: dict[int, int]) -> None:
    """Both that the platform deducts or bills, day by day and month by month, against the plain sums."""
    balance = OPENING_FEN
    for day in home.days():
        balance += PAID_FEN * (day.day == PAY_DAY) - deducted[date_to_day(day)]
        paid = OPENING_FEN + PAID_FEN * sum(one.day == PAY_DAY for one in home.days() if one <= day)
        assert balance == paid - wanted.until(day + timedelta(days=1)), day
    for row in bills:
        first, end = (date(1970, 1, 1) + timedelta(days=number) for number in (row.first_day, row.end_day))
        assert row.total_fen == wanted.until(end) - wanted.until(first) == sum(row.components.values())
        assert row.total_fen == sum(deducted[number] for number in range(row.first_day, row.end_day))
        litres = home.register(midnight(end)) - home.register(midnight(first))
        assert row.volume_ml == litres * 1_000
        lines = 2 * 3 * 2  # components, tiers, plans: each line's share is within a fen of its own sum
        assert abs(row.components.get("sewage", 0) - Fraction(litres * SEWAGE, UNITS)) < lines
    assert (bills[0].first_day, bills[-1].end_day) == (date_to_day(home.first), date_to_day(home.end))


def check_meter(meter: Prepaid, truly: Charges, wanted: Charges) -> tuple[int, int]:
    """Each day's balance and what is found, against the plain sums; (days with a fault to be seen, those of one explanation only)."""
    planted = {
        "lost_top_up": Finding(Cause.LOST_TOP_UP, str(meter.lost)),
        "stale_price": Finding(Cause.PRICE_VERSION, "1"),
        "rounds_up": Finding(Cause.ROUNDING, StepRounding.UP.value),
    }
    days, seen, alone = meter.mirrored(), 0, 0
    assert [one.day for one in days] == [date_to_day(day) for day in meter.home.days()]
    for one in days:
        span = (one.before.at, one.after.at)
        ends = [wanted.settled(at, STEP) for at in span]
        paid = [top_up for top_up in meter.top_ups if span[0] < top_up.sent_us // US + 1 <= span[1]]
        came = sum(top_up.amount for top_up in paid if top_up.command_id != meter.lost)
        took = truly.units(*span, *ends, up_l=STEP if meter.plant == "rounds_up" else 0)
        assert abs((one.before.balance + came - one.after.balance) * UNITS - took) < UNITS, "the test knows the meter"
        should = wanted.units(*span, *ends)
        whole = one.before.balance + sum(top_up.amount for top_up in paid)
        assert one.expected == (whole * UNITS - should) // UNITS and one.difference == one.after.balance - one.expected
        is_seen = abs((whole - one.after.balance) * UNITS - should) >= UNITS
        assert bool(one.found) == is_seen, (one.day, one.found)
        if is_seen:
            assert (planted[meter.plant],) in one.found, (one.day, one.found)
            seen, alone = (
                seen + 1,
                alone + ({each.cause for told in one.found for each in told} == {planted[meter.plant].cause}),
            )
    return seen, alone


def live(entries: Sequence[Reading], notice: Notice, plant: str) -> tuple[str, int, int]:
    """One meter, one tariff, three ways: the fault that was planted, and what ``check_meter`` says."""
    home, plans = Home(levels(entries)), plans_of(notice)
    if len(home.days()) < WHOLE_DAYS or (home.first > notice.changed - TOLD and plant == "stale_price"):
        plant = ""  # there is no month in the middle of which something is lost; no older price that it could keep
    wanted = Charges(notice, home.register, home.first, home.end)
    check_bills(home, wanted, postpaid(home, plans), at_the_server(home, plans))
    truly = Charges(notice, home.register, home.first, home.end, keeps_price=plant == "stale_price")
    return plant, *check_meter(Prepaid(home, notice, plans, plant), truly, wanted)


def check_year(every: int) -> None:
    """Of all meters each n-th."""
    path, is_full = source()
    found = {plant: [0, 0, 0] for plant in FAULTS}
    for place, entries in enumerate(list(readings(path).values())[::every]):
        for turn, notice in enumerate((MONTHLY, YEARLY)):
            plant, *told = live(entries, notice, FAULTS[(place + turn) % len(FAULTS)])
            found[plant] = [a + b for a, b in zip(found[plant], (1, *told), strict=True)]
    print(found)
    assert found[""][1] == 0, "a sound meter has nothing to explain"
    lives, seen, alone = found["lost_top_up"]
    assert lives == seen == alone, "each lost top-up, on its day, and nothing else"
    if is_full:
        assert sum(each[0] for each in found.values()) == 2 * len(range(0, 62, every))
        for plant, least in (("stale_price", 0.75), ("rounds_up", 0.95)):
            lives, seen, alone = found[plant]
            assert lives > 0 and seen > lives * 50 and alone > seen * least, plant


@pytest.mark.usefixtures("takes_seconds")
def test_the_real_year_comes_to_the_same_fen_three_ways_under_two_tariffs() -> None:
    check_year(7)


@pytest.mark.usefixtures("takes_minutes")
def test_all_62_meters_of_the_real_year_come_to_the_same_fen_three_ways() -> None:
    check_year(1)
