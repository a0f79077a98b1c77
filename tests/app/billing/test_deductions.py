# SPDX-License-Identifier: Apache-2.0
"""Deductions of days are the month's bill to the fen, however the days come: one by one, late, corrected, twice, out of order of versions."""

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from openmains.app.billing.decide import AccountMonth, Decided, MeterDays, MeterLink, Refused, decide
from openmains.app.billing.deductions import Deducted, KeptDay, NewVersion, ToDeduct, deduct, deduct_many
from openmains.app.billing.rows import CountRow
from openmains.domain.tariff.plan import Plan
from tests.app.billing.test_decide_many import counts, link, plans
from tests.domain.tariff.support import day, plan, schedule
from tests.support.properties import counted

OCTOBER, NOVEMBER, DECEMBER = day(2025, 10, 1), day(2025, 11, 1), day(2025, 12, 1)
Days = dict[int, tuple[int, int, bool]]
"""Day: (total, version, estimated)."""
TIERED = [plan(schedule([10, 20], ["1.1", "2.2", "3.3"]))]


def stored(days: Days) -> MeterDays:
    order, base = sorted(days), 0
    bases = []
    for number in order:
        bases.append(base)
        base += days[number][0]
    return MeterDays(
        order,
        [days[number][0] for number in order],
        [days[number][1] for number in order],
        [],
        [number for number in order if days[number][2]],
        bases,
    )


class Account:
    """An account of one meter, looked at turn by turn as the store would have it."""

    def __init__(self, of: list[Plan], before: CountRow | None = None, since: int = OCTOBER, **more: Any) -> None:
        self.plans, self.before, self.since = {1: of}, before, since
        self.links: tuple[MeterLink, ...] = (link(**more),)
        self.days: dict[int, Days] = {1: {}}
        self.versions: dict[int, list[NewVersion]] = {}
        self.last: Deducted | None = None

    def month(self) -> AccountMonth:
        days = {meter: stored(of) for meter, of in self.days.items() if of}
        return AccountMonth(9, self.links, self.before, days)

    def turn(self, end_day: int) -> list[NewVersion]:
        kept = {
            number: KeptDay(each[-1].version, each[-1].day_fen, each[-1].volume_ml, each[-1].is_estimated, each[-1].cited)
            for number, each in self.versions.items()
        }  # fmt: skip
        self.last = deduct(ToDeduct(self.month(), OCTOBER, self.since, end_day, kept), self.plans)
        for one in self.last.versions:
            assert one.version == len(self.versions.get(one.day, ())) + 1, "versions follow each other"
            self.versions.setdefault(one.day, []).append(one)
            assert sum(each.fen for each in self.versions[one.day]) == one.day_fen, "a version books the difference"
        return self.last.versions

    def deducted(self, first: int, end: int) -> int:
        return sum(one.fen for number, each in self.versions.items() if first <= number < end for one in each)

    def bill(self, month: int, end: int, before: CountRow | None) -> Decided | Refused | None:
        return decide(self.month()._replace(before=before), self.plans, month, end)


VOLUMES = st.integers(0, 3000)


@given(plans(), counts(OCTOBER), st.integers(0, 400), st.data())
@settings(max_examples=counted(20), deadline=None)
def test_deductions_of_a_month_are_its_bill_however_days_come(
    of: list[Plan], before: CountRow | None, least: int, data: st.DataObject
) -> None:
    of = [replace(one, minimum_fen=least) for one in of]
    account = Account(of, before, persons=data.draw(st.integers(0, 9)))
    for number in range(OCTOBER, DECEMBER):
        account.days[1][number] = (data.draw(VOLUMES), 1, False)
    at = OCTOBER
    while at < DECEMBER:  # days come some at a time, and some of those that came are corrected
        at = min(DECEMBER, at + data.draw(st.integers(1, 20)))
        for number in data.draw(st.lists(st.integers(OCTOBER, at - 1), max_size=3)):
            _, version, _ = account.days[1][number]
            account.days[1][number] = (data.draw(VOLUMES), version + 1, data.draw(st.booleans()))
        account.turn(at)
        assert account.turn(at) == [], "looked at again: nothing follows"
        assert account.last is not None and (account.last.open_day, account.last.why) == (at, "")
    october = account.bill(OCTOBER, NOVEMBER, before)
    assert isinstance(october, Decided) and account.deducted(OCTOBER, NOVEMBER) == october.total_fen
    november = account.bill(NOVEMBER, DECEMBER, october.counted)
    assert isinstance(november, Decided) and account.deducted(NOVEMBER, DECEMBER) == november.total_fen
    volumes = sum(each[-1].volume_ml for each in account.versions.values())
    assert volumes == october.volume_ml + november.volume_ml
    for number, each in account.versions.items():
        assert (
            each[-1].cited == ((1, account.days[1][number][1]),) and each[-1].is_estimated == account.days[1][number][2]
        )


def test_a_corrected_day_books_the_difference_and_what_its_tiers_change() -> None:
    account = Account(TIERED)
    account.days[1] = {number: (1000, 1, number == OCTOBER + 3) for number in range(OCTOBER, OCTOBER + 12)}
    account.turn(OCTOBER + 12)
    assert account.deducted(OCTOBER, OCTOBER + 12) == 1540  # 10 m3 at 1.10 and 2 at 2.20
    account.days[1][OCTOBER + 3] = (3000, 2, False)
    made = account.turn(OCTOBER + 12)
    assert [one.day for one in made] == [OCTOBER + 3, *range(OCTOBER + 8, OCTOBER + 10)], (
        "the days after it move up the tiers"
    )
    assert made[0].fen == 220 and made[0].cited == ((1, 2),) and not made[0].is_estimated
    assert account.deducted(OCTOBER, OCTOBER + 12) == 1980
    account.days[1][OCTOBER + 5] = (1000, 2, False)
    (again,) = account.turn(OCTOBER + 12)
    assert (again.fen, again.version, again.day_fen) == (0, 2, 110), (
        "the same value by a newer version: told, and nothing booked"
    )


def test_what_lacks_ends_the_days_and_goes_on_when_it_is_filled() -> None:
    account = Account(TIERED)
    account.days[1] = {number: (100, 1, False) for number in range(OCTOBER, OCTOBER + 9) if number != OCTOBER + 4}
    assert [one.day for one in account.turn(OCTOBER + 9)] == list(range(OCTOBER, OCTOBER + 4))
    assert account.last is not None and (account.last.open_day, account.last.why) == (OCTOBER + 4, "missing-days")
    account.days[1][OCTOBER + 4] = (100, 1, True)
    made = account.turn(OCTOBER + 9)
    assert [one.day for one in made] == list(range(OCTOBER + 4, OCTOBER + 9)) and made[0].is_estimated
    account.days[1].pop(OCTOBER)
    assert account.turn(OCTOBER + 9) == [], "what was deducted stays until the day is known again"
    assert account.last is not None and account.last.why == "missing-days"


def test_a_register_that_went_back_takes_nothing_until_it_is_made_up_for() -> None:
    account = Account(TIERED)
    account.days[1] = {OCTOBER: (-40, 1, False), OCTOBER + 1: (20, 1, False)}
    assert account.turn(OCTOBER + 2) == [] and account.last is not None and account.last.why == "negative"
    account.days[1][OCTOBER + 2] = (120, 1, False)
    assert [(one.day, one.fen) for one in account.turn(OCTOBER + 3)] == [
        (OCTOBER, 0),
        (OCTOBER + 1, 0),
        (OCTOBER + 2, 11),
    ]
    account.days[1][OCTOBER + 3] = (-50, 1, False)
    (back,) = account.turn(OCTOBER + 4)
    assert back.fen == -5, "0.05 m3 at 1.10, half up"
    bill = account.bill(OCTOBER, OCTOBER + 4, None)
    assert isinstance(bill, Decided) and bill.total_fen == account.deducted(OCTOBER, OCTOBER + 4)


def test_an_exchange_is_deducted_by_the_registers_read_then() -> None:
    account = Account(TIERED, end_day=OCTOBER + 3, closing=250)
    account.links += (link(meter_id=2, first_day=OCTOBER + 2, opening=7),)
    account.days[1] = {OCTOBER: (100, 1, False), OCTOBER + 1: (100, 1, False)}
    account.days[2] = dict.fromkeys(range(OCTOBER + 2, OCTOBER + 5), (10, 1, False))
    account.turn(OCTOBER + 5)
    bill = account.bill(OCTOBER, OCTOBER + 5, None)
    assert isinstance(bill, Decided) and account.deducted(OCTOBER, OCTOBER + 5) == bill.total_fen
    assert {meter for meter, _ in account.versions[OCTOBER + 2][0].cited} == {1, 2}


def test_it_begins_and_ends_on_its_days() -> None:
    account = Account(TIERED, since=OCTOBER + 5)
    account.days[1] = dict.fromkeys(range(OCTOBER, OCTOBER + 9), (3000, 1, False))
    assert [one.day for one in account.turn(OCTOBER + 7)] == [OCTOBER + 5, OCTOBER + 6], (
        "days before it count for the tiers"
    )
    assert account.versions[OCTOBER + 5][0].fen == 660  # 15 m3 are counted: 3 of tier 2
    account.days[1].pop(OCTOBER + 1)
    assert account.turn(OCTOBER + 8) == [] and account.last is not None
    assert (account.last.open_day, account.last.why) == (OCTOBER + 1, "missing-days"), "the day that keeps them is told"
    nobody = deduct_many([ToDeduct(AccountMonth(9, (), None, {}), OCTOBER, OCTOBER, OCTOBER + 2, {})], {})
    assert nobody == [Deducted(9, [], OCTOBER, "no-meter", None, None)]
    account.links = (link(tariff_id=0),)
    account.turn(OCTOBER + 8)
    assert account.last is not None and account.last.why == "no-tariff"


def test_another_price_from_a_day_on_is_met_without_a_newer_version() -> None:
    account = Account(TIERED)
    account.days[1] = dict.fromkeys(range(OCTOBER, OCTOBER + 6), (1000, 1, False))
    account.turn(OCTOBER + 6)
    dearer = replace(TIERED[0], number=2, from_day=OCTOBER + 3, schedule=schedule([10, 20], ["2", "3", "4"]))
    account.plans = {1: [*TIERED, dearer]}
    made = account.turn(OCTOBER + 6)
    assert [(one.day, one.version) for one in made] == [(OCTOBER + 3 + n, 2) for n in range(3)]
    assert account.deducted(OCTOBER, OCTOBER + 6) == 330 + 600
