# SPDX-License-Identifier: Apache-2.0
"""What follows today from what an account owes: a table, read from above; the first row that holds decides, and its name is the reason that
people are told. A closing is only ever proposed: a person gives it by the path of all commands, with second person, signer and quotas (R9.3).

``Debt`` is what is known of an account that owes after its due day, ``ArrearsRule`` what the utility set for a class of customers,
``Calendar`` the days off as the utility entered them. A year that nobody entered is not known, and nothing is closed in it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

from openmains.domain.period import day_to_date

MOST_WARNINGS = 5
LONGEST_DAYS = 366


class Consequence(StrEnum):
    """What is done today."""

    WARN = "warn"
    CLOSE = "close"
    WAIT = "wait"  # nothing today; it goes on another day
    SPARE = "spare"  # nothing, until something about the account or the rule changes


@dataclass(frozen=True, slots=True)
class ArrearsRule:
    """For a class of customers. ``warn_days``: days after the due day on which each warning is due, rising; ``close_days``: from when a closing
    may be proposed, None: never; ``grace_days``: days that lie between the last warning and a closing; ``least_fen``: below it nothing
    follows."""

    warn_days: tuple[int, ...]
    close_days: int | None
    grace_days: int
    least_fen: int


@dataclass(frozen=True, slots=True)
class Calendar:
    """Days since 1970. ``off``: holidays; ``work``: Saturdays and Sundays that are worked; ``years``: those that were entered."""

    years: frozenset[int]
    off: frozenset[int] = frozenset()
    work: frozenset[int] = frozenset()

    def is_known(self, day: int) -> bool:
        """Whether the day's year was entered."""
        return day_to_date(day).year in self.years

    def is_off(self, day: int) -> bool:
        """A holiday, or a Saturday or Sunday that is not worked."""
        return day in self.off or (day_to_date(day).weekday() >= 5 and day not in self.work)


@dataclass(frozen=True, slots=True)
class Debt:
    """``warned``: days on which the customer was warned of this debt; ``held_until``: the last day on which a person holds it back;
    ``has_valve``: a meter hangs there whose valve can be closed from afar; ``is_asked``: a closing waits for a person, or was given."""

    account_id: int
    oldest_due: int
    owed_fen: int
    warned: tuple[int, ...] = ()
    held_until: int | None = None
    is_protected: bool = False
    has_valve: bool = True
    is_closed: bool = False
    is_asked: bool = False


class Outcome(NamedTuple):
    """``reason``: the name of the row; ``day``: on which it may go on, where one is known; ``number``: of the warning."""

    consequence: Consequence
    reason: str
    day: int | None = None
    number: int = 0


Row = tuple[str, Consequence, Callable[[Debt, ArrearsRule, Calendar, int], bool]]

WARN, CLOSE, WAIT, SPARE = Consequence
TABLE: Sequence[Row] = (
    ("below-least", SPARE, lambda debt, rule, calendar, today: debt.owed_fen < rule.least_fen),
    ("held", WAIT, lambda debt, rule, calendar, today: debt.held_until is not None and today <= debt.held_until),
    ("warning-due", WARN, lambda debt, rule, calendar, today: _warning_due(debt, rule, today)),
    ("warning-later", WAIT, lambda debt, rule, calendar, today: len(debt.warned) < len(rule.warn_days)),
    ("never-closed", SPARE, lambda debt, rule, calendar, today: rule.close_days is None),
    ("protected", SPARE, lambda debt, rule, calendar, today: debt.is_protected),
    ("no-valve", SPARE, lambda debt, rule, calendar, today: not debt.has_valve),
    ("closed-already", SPARE, lambda debt, rule, calendar, today: debt.is_closed),
    ("asked-already", WAIT, lambda debt, rule, calendar, today: debt.is_asked),
    ("not-so-long", WAIT, lambda debt, rule, calendar, today: today < debt.oldest_due + (rule.close_days or 0)),
    ("grace", WAIT, lambda debt, rule, calendar, today: today <= _last_warning(debt) + rule.grace_days),
    ("calendar-unknown", WAIT, lambda debt, rule, calendar, today: not (calendar.is_known(today) and calendar.is_known(today + 1))),
    ("day-off", WAIT, lambda debt, rule, calendar, today: calendar.is_off(today)),
    ("eve", WAIT, lambda debt, rule, calendar, today: calendar.is_off(today + 1)),
    ("closing-due", CLOSE, lambda debt, rule, calendar, today: True),
)  # fmt: skip
"""Name, what is done, and when it holds."""

MOST_CLOSINGS = "most-closings"
NO_RULE = "no-rule"
REASONS = (*(name for name, _, _ in TABLE), MOST_CLOSINGS, NO_RULE)


def decide(debt: Debt, rule: ArrearsRule | None, calendar: Calendar, today: int) -> Outcome:
    """What follows today; without a rule for the class nothing."""
    if rule is None:
        return Outcome(SPARE, NO_RULE)
    name, consequence = next((name, what) for name, what, holds in TABLE if holds(debt, rule, calendar, today))
    number = len(debt.warned) + 1 if consequence is WARN else 0
    return Outcome(consequence, name, _next_day(name, debt, rule, today), number)


def within(outcomes: Sequence[Outcome], most: int) -> list[Outcome]:
    """At most so many closings, the first ones; who is beyond waits."""
    left, found = most, list[Outcome]()
    for one in outcomes:
        if one.consequence is CLOSE:
            left -= 1
            if left < 0:
                one = Outcome(WAIT, MOST_CLOSINGS)
        found.append(one)
    return found


def faults(rule: ArrearsRule) -> list[tuple[str, str]]:
    """What is wrong, as (place, code)."""
    found, days = list[tuple[str, str]](), rule.warn_days
    if len(days) > MOST_WARNINGS:
        found.append(("/warn_days", "too-long"))
    if any(not 1 <= day <= LONGEST_DAYS for day in days):
        found.append(("/warn_days", "out-of-range"))
    if any(left >= right for left, right in pairwise(days)):
        found.append(("/warn_days", "not-rising"))
    if rule.close_days is not None and not days:
        found.append(("/warn_days", "required"))  # nobody is closed who was not warned
    elif rule.close_days is not None and not days[-1] < rule.close_days <= LONGEST_DAYS:
        found.append(("/close_days", "out-of-range"))
    if not 1 <= rule.grace_days <= 90:
        found.append(("/grace_days", "out-of-range"))
    if rule.least_fen < 1:
        found.append(("/least_fen", "out-of-range"))
    return found


def _warning_due(debt: Debt, rule: ArrearsRule, today: int) -> bool:
    """One a day at the most: two whose days have passed are not sent together."""
    sent = len(debt.warned)
    return (
        sent < len(rule.warn_days)
        and today >= debt.oldest_due + rule.warn_days[sent]
        and (not debt.warned or today > _last_warning(debt))
    )


def _last_warning(debt: Debt) -> int:
    return max(debt.warned, default=debt.oldest_due)


def _next_day(name: str, debt: Debt, rule: ArrearsRule, today: int) -> int | None:
    match name:
        case "held":
            return None if debt.held_until is None else debt.held_until + 1
        case "warning-later":
            return max(debt.oldest_due + rule.warn_days[len(debt.warned)], today + 1)
        case "not-so-long":
            return debt.oldest_due + (rule.close_days or 0)
        case "grace":
            return _last_warning(debt) + rule.grace_days + 1
    return None
