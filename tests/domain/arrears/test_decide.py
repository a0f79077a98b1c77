# SPDX-License-Identifier: Apache-2.0
"""What follows from a debt: each row of the table, and what must never be, whatever is owed."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmains.domain.arrears.decide import (
    MOST_CLOSINGS,
    NO_RULE,
    REASONS,
    TABLE,
    ArrearsRule,
    Calendar,
    Consequence,
    Debt,
    Outcome,
    decide,
    faults,
    within,
)
from openmains.domain.period import date_to_day


def day(text: str) -> int:
    return date_to_day(date.fromisoformat(text))


RULE = ArrearsRule((5, 15), 30, 7, 1_000)
CALENDAR = Calendar(
    frozenset({2026, 2027}),
    frozenset(day(f"2026-10-0{number}") for number in range(1, 8)),
    frozenset({day("2026-10-10")}),
)
DUE = day("2026-08-20")
WARNED = (DUE + 5, DUE + 15)
OLD = Debt(1, DUE, 5_000, WARNED)
WEDNESDAY = day("2026-09-23")
CASES: list[tuple[str, Debt, ArrearsRule, int, int | None]] = [
    ("below-least", replace(OLD, owed_fen=999), RULE, WEDNESDAY, None),
    ("held", replace(OLD, held_until=WEDNESDAY), RULE, WEDNESDAY, WEDNESDAY + 1),
    ("warning-later", replace(OLD, warned=()), RULE, DUE + 4, DUE + 5),
    ("warning-due", replace(OLD, warned=()), RULE, DUE + 5, None),
    ("warning-due", replace(OLD, warned=(), is_protected=True), RULE, DUE + 40, None),
    ("warning-later", replace(OLD, warned=(DUE + 40,)), RULE, DUE + 40, DUE + 41),
    ("never-closed", OLD, replace(RULE, close_days=None), WEDNESDAY, None),
    ("protected", replace(OLD, is_protected=True), RULE, WEDNESDAY, None),
    ("no-valve", replace(OLD, has_valve=False), RULE, WEDNESDAY, None),
    ("closed-already", replace(OLD, is_closed=True), RULE, WEDNESDAY, None),
    ("asked-already", replace(OLD, is_asked=True), RULE, WEDNESDAY, None),
    ("not-so-long", OLD, RULE, DUE + 29, DUE + 30),
    ("grace", replace(OLD, warned=(DUE + 5, WEDNESDAY - 7)), RULE, WEDNESDAY, WEDNESDAY + 1),
    ("closing-due", replace(OLD, warned=(DUE + 5, WEDNESDAY - 8)), RULE, WEDNESDAY, None),
    ("calendar-unknown", OLD, RULE, day("2028-02-09"), None),
    ("calendar-unknown", OLD, RULE, day("2027-12-31"), None),
    ("day-off", OLD, RULE, day("2026-09-26"), None),
    ("day-off", OLD, RULE, day("2026-10-02"), None),
    ("eve", OLD, RULE, day("2026-09-25"), None),
    ("eve", OLD, RULE, day("2026-09-30"), None),
    ("closing-due", OLD, RULE, day("2026-10-09"), None),  # a Friday before a Saturday that is worked
    ("closing-due", OLD, RULE, WEDNESDAY, None),
]


@pytest.mark.parametrize(("reason", "debt", "rule", "today", "next_day"), CASES)
def test_each_row(reason: str, debt: Debt, rule: ArrearsRule, today: int, next_day: int | None) -> None:
    found = decide(debt, rule, CALENDAR, today)
    assert (found.reason, found.day) == (reason, next_day)
    assert found.number == (len(debt.warned) + 1 if found.consequence is Consequence.WARN else 0)


def test_every_row_has_a_case() -> None:
    assert {name for name, _, _ in TABLE} == {case[0] for case in CASES}
    assert decide(OLD, None, CALENDAR, WEDNESDAY) == Outcome(Consequence.SPARE, NO_RULE)
    assert len(set(REASONS)) == len(REASONS)


debts = st.builds(
    Debt,
    st.just(1),
    st.integers(DUE - 400, DUE + 400),
    st.integers(1, 10_000),
    st.lists(st.integers(DUE, DUE + 400), max_size=3).map(lambda days: tuple(sorted(days))),
    st.none() | st.integers(DUE, DUE + 400),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)


@given(debts, st.integers(DUE - 10, DUE + 800))
def test_nobody_is_closed_who_must_not_be(debt: Debt, today: int) -> None:
    found = decide(debt, RULE, CALENDAR, today)
    assert found.reason in REASONS
    if found.consequence is Consequence.CLOSE:
        assert not debt.is_protected and debt.has_valve and not debt.is_closed and not debt.is_asked
        assert len(debt.warned) >= 2 and today > max(debt.warned) + RULE.grace_days and today >= debt.oldest_due + 30
        assert not CALENDAR.is_off(today) and not CALENDAR.is_off(today + 1) and CALENDAR.is_known(today + 1)
        assert debt.held_until is None or today > debt.held_until
    if found.day is not None and found.reason != "not-so-long":
        assert found.day > today


def test_no_more_than_so_many() -> None:
    close, warn = Outcome(Consequence.CLOSE, "closing-due"), Outcome(Consequence.WARN, "warning-due", None, 1)
    found = within([close, warn, close, close], 2)
    assert found == [close, warn, close, Outcome(Consequence.WAIT, MOST_CLOSINGS)]


@pytest.mark.parametrize(
    ("rule", "wrong"),
    [
        (RULE, []),
        (replace(RULE, warn_days=(), close_days=None), []),
        (replace(RULE, warn_days=()), [("/warn_days", "required")]),
        (replace(RULE, warn_days=(5, 5)), [("/warn_days", "not-rising")]),
        (replace(RULE, warn_days=(0, 5)), [("/warn_days", "out-of-range")]),
        (replace(RULE, warn_days=(1, 2, 3, 4, 5, 6)), [("/warn_days", "too-long")]),
        (replace(RULE, close_days=15), [("/close_days", "out-of-range")]),
        (replace(RULE, grace_days=0, least_fen=0), [("/grace_days", "out-of-range"), ("/least_fen", "out-of-range")]),
    ],
)
def test_what_no_rule_may_be(rule: ArrearsRule, wrong: list[tuple[str, str]]) -> None:
    assert faults(rule) == wrong
