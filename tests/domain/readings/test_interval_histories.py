# SPDX-License-Identifier: Apache-2.0
"""Random lives of a meter that reports its day in 24 slots: the registers lie as in ``test_register_histories.py``,
the slots are what the meter counted. What is booked never exceeds what flowed by more than the bound of docs/readings.md.

The bound is the one of registers, and besides what a register's lie can draw between two reports once: there is a report
for each day that came, so a stretch without one is all that a line between registers can fill.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from openmains.domain.period import DAY_S
from openmains.domain.readings import merge, validate_intervals
from openmains.domain.readings.model import DayRow, IntervalReport, Limits, MeterState
from openmains.domain.readings.quality import Rule
from openmains.domain.readings.rules import SLACK, ceiling_of, most
from tests.domain.readings.test_register_histories import DOUBTS, QMAX, UTC, wrong

START_DAY = 20_000
SLOTS = 24


@dataclass
class Life:
    """The reports of a meter, and what is true of it."""

    limits: Limits
    reports: list[IntervalReport] = field(default_factory=list)
    flowed: int = 0  # units, also before the first report: a history may tell of it
    faults: int = 0
    unseen_days: int = 1  # the longest run of days without a true report
    most_a_day: int = 2
    is_open: bool = False  # the last register is not true


def life(chance: random.Random) -> Life:
    """One history of a few weeks, a report a day, some lost, some late."""
    dial = chance.choice([0, 0, 100_000, 1_000_000])
    limits = Limits(QMAX, dial, 0 if dial else ceiling_of(QMAX), 0, 3_600, 3_600)
    found = Life(limits)
    habit = chance.choice([0, 20, 300, 1_500])
    found.most_a_day = 2 * habit + 2
    register = chance.choice([0, chance.randrange(5_000, 90_000), 98_500])
    shown: Iterator[int] = iter(())
    removed: int | None = None
    midnights: list[tuple[int, int]] = []
    opening, unseen, late = register, 0, list[IntervalReport]()
    for day in range(START_DAY, START_DAY + chance.randrange(6, 25)):
        uses = [chance.randrange(2 * habit // SLOTS + 1) for _ in range(SLOTS)]
        event = chance.randrange(30) if day > START_DAY + 2 else 30
        if event < 4:
            found.faults += 2
            shown = wrong(chance, register, limits)
        elif event == 4:
            found.faults += 1
            removed, register = register, chance.randrange(4)
            opening = register
        elif event == 5 and removed is not None:
            found.faults += 1
            removed, register = register, removed
            opening = register
        register += sum(uses)
        true = register % dial if dial else register
        said = next(shown, true)
        start = day * DAY_S
        midnights = [(start, opening), *midnights][:8]
        report = IntervalReport(
            start + DAY_S, start + DAY_S, start, 3_600, opening, uses, said, start + DAY_S,
            history=midnights[1:] if chance.randrange(2) else [], frame_seq=day, frame_hash=day,
        )  # fmt: skip
        unseen += 1
        opening, is_true = (
            said,
            said == true and report.base + sum(uses) == (said if said >= report.base else said + dial),
        )
        fate = chance.randrange(12)
        if fate == 0:
            pass  # lost: its use is known by the registers around it only
        elif fate == 1:
            late.append(report)
        else:
            found.reports += [report, *late]
            late = []
            found.is_open = not is_true
            if is_true:
                found.unseen_days, unseen = max(found.unseen_days, unseen), 0
        found.flowed += sum(uses)
    found.unseen_days = max(found.unseen_days, unseen)
    return found


def allowed(found: Life, rules: set[Rule]) -> int:
    """As for registers, by whole days."""
    days = found.unseen_days + 1
    if found.is_open or Rule.ROLLOVER in rules:
        return found.faults * most(found.limits, days * DAY_S)
    return found.faults * (max(5 * found.most_a_day * days, QMAX // 4 * days, QMAX * 24 * days // 10) + SLACK)


def check(seed: int) -> int:
    """Judge one life; returns what was booked too much."""
    found = life(random.Random(seed))  # noqa: S311 – not secrets
    state, days, rules = MeterState(), dict[int, DayRow](), set[Rule]()
    for report in found.reports:
        result = validate_intervals(state, report, found.limits, UTC)
        state = result.state
        rules |= {finding.rule for finding in result.findings}
        for row in result.days:
            days[row.day] = merge(days[row.day], row) if row.day in days else row
    if not found.faults:  # nothing lied: each day ends where the next begins, whatever was lost or late
        for day in sorted(days)[:-1]:
            here, then = days[day], days[day + 1]
            assert (here.base + sum(here.increments) - then.base) % (found.limits.dial or 1 << 60) == 0, (
                seed,
                day,
                found,
            )
    booked = sum(sum(row.increments) for row in days.values())
    excess = booked - found.flowed
    assert excess <= (allowed(found, rules) if found.faults else SLACK), (seed, excess, allowed(found, rules), found)
    if excess > found.faults * (QMAX // 4) * (found.unseen_days + 1):
        assert rules & DOUBTS, (seed, found)
    return excess


def test_what_is_booked_of_intervals_is_what_flowed() -> None:
    for seed in range(1_000):
        check(seed)


@pytest.mark.usefixtures("takes_minutes")
def test_what_is_booked_of_intervals_is_what_flowed_in_many_lives() -> None:
    worst = max((check(seed), seed) for seed in range(50_000))
    print(f"most that was booked too much: {worst[0]} units in history {worst[1]}")
