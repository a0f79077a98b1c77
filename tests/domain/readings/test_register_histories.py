# SPDX-License-Identifier: Apache-2.0
"""Random lives of a register: what is booked never exceeds what flowed by more than the bound of docs/readings.md.

A meter counts truly; what it shows is broken by resets, dead or dreaming registers that come back, marks for 'no value',
dials that go round, lost messages, exchanges and meters that are put back. Each history is judged message by message,
its days merged as the pipeline merges them.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from openmains.domain.period import zone
from openmains.domain.readings import merge, validate_registers
from openmains.domain.readings.model import DayRow, Limits, MeterState, RegisterReport
from openmains.domain.readings.quality import Rule
from openmains.domain.readings.rules import SLACK, ceiling_of, most

UTC = zone("UTC")
START = 20_000 * 86_400
QMAX = 3125
DOUBTS = {
    Rule.METER_CHANGED, Rule.IMPOSSIBLE_BACK, Rule.OVER_QMAX, Rule.SPIKE, Rule.DIAL_LIMIT, Rule.UNIT_SUSPECT, Rule.LEVEL_RETURNED,
    Rule.LEVEL_DOUBT, Rule.REVERSE_FLOW, Rule.ROLLOVER,
}  # fmt: skip


@dataclass
class Life:
    """What a meter showed, and what is true of it."""

    limits: Limits
    entries: list[tuple[int, int]] = field(default_factory=list)  # (instant, register shown)
    flowed: int = 0  # units, between the first register and the last
    faults: int = 0  # times that what was shown left the truth, or returned to it
    longest_s: int = 0  # between two registers that came
    unseen_s: int = 0  # the longest time without a true one
    most_a_day: int = 0
    is_open: bool = False  # the last registers are not true


def life(chance: random.Random) -> Life:
    """One history of a few weeks."""
    dial = chance.choice([0, 0, 100_000, 1_000_000])
    step_s = chance.choice([3_600, 21_600, 86_400, 86_400])
    limits = Limits(QMAX, dial, 0 if dial else ceiling_of(QMAX), 0, chance.choice([3_600, 86_400]), step_s)
    habit = chance.choice([0, 20, 300, 1_500])
    found = Life(limits)
    shift = chance.choice([0, chance.randrange(5_000, 90_000), chance.randrange(5_000, 90_000), 98_500])
    at, register, begun, lie = START + chance.randrange(86_400), shift, False, iter(())
    shown: Iterator[int] = lie
    removed: int | None = None
    true_at = at
    for place in range(chance.randrange(8, 40)):
        used = chance.randrange(2 * habit + 1) * step_s // 86_400
        register, at = register + used, at + step_s
        found.most_a_day = max(found.most_a_day, 2 * habit + 2)
        found.flowed += used if begun else 0
        event = chance.randrange(30) if place > 2 else 30
        if event < 4:
            found.faults += 2
            shown = wrong(chance, register, limits)
        elif event == 4:
            found.faults += 1
            removed, register = register, chance.randrange(4)  # the meter is changed
        elif event == 5 and removed is not None:
            found.faults += 1
            removed, register = register, removed  # and the former is put back
        said = next(shown, register % dial if dial else register)
        if chance.randrange(8) == 0:
            continue  # the message is lost
        if found.entries:
            found.longest_s = max(found.longest_s, at - found.entries[-1][0])
        begun = True
        found.entries.append((at, said))
        if said == (register % dial if dial else register):
            found.unseen_s, true_at = max(found.unseen_s, at - true_at), at
        found.is_open = said != (register % dial if dial else register)
    return found


def wrong(chance: random.Random, register: int, limits: Limits) -> Iterator[int]:
    """Registers shown in place of the truth."""
    times = chance.randrange(1, 9)
    kind = chance.randrange(5)
    if kind == 0:
        return iter([0] * times)
    if kind == 1:
        return iter(range(0, times * 7, 7))  # counts on from 0
    if kind == 2:
        return iter([2**32 - 1] * times)
    if kind == 3:
        return iter([register | 1 << 31] * times)  # a maker's sign bit
    return iter([(limits.dial or 10**8) - 1 - times] * times)


def allowed(found: Life, rules: set[Rule]) -> int:
    """The bound: at each fault no more than a use that a person would not stop at."""
    days = -(-max(found.unseen_s, 86_400) // 86_400)
    # a jump that fits Qmax counts, and is flagged, until the register comes back; so does what looks like the dial going round
    if found.is_open or Rule.ROLLOVER in rules:
        return found.faults * most(found.limits, found.longest_s)
    tenth = QMAX * max(found.unseen_s, 3600) // 36_000
    return found.faults * (max(5 * found.most_a_day * days, QMAX // 4 * days, tenth) + SLACK)


def check(seed: int) -> int:
    """Judge one life; returns what was booked too much."""
    found = life(random.Random(seed))  # noqa: S311 – not secrets
    state, days, rules = MeterState(), dict[int, DayRow](), set[Rule]()
    for at, register in found.entries:
        result = validate_registers(state, RegisterReport(at, at, [(at, register)]), found.limits, UTC)
        state = result.state
        rules |= {finding.rule for finding in result.findings}
        for row in result.days:
            days[row.day] = merge(days[row.day], row) if row.day in days else row
    booked = sum(sum(row.increments) for row in days.values())
    excess = booked - found.flowed
    assert excess <= (allowed(found, rules) if found.faults else SLACK), (seed, excess, allowed(found, rules), found)
    days_unseen = -(-found.unseen_s // 86_400)
    if excess > found.faults * max(QMAX // 4 * days_unseen, QMAX * max(found.unseen_s, 3600) // 36_000):
        assert rules & DOUBTS, (seed, found)
    return excess


def test_what_is_booked_is_what_flowed() -> None:
    for seed in range(2_000):
        check(seed)


@pytest.mark.usefixtures("takes_minutes")
def test_what_is_booked_is_what_flowed_in_many_lives() -> None:
    worst = max((check(seed), seed) for seed in range(100_000))
    print(f"most that was booked too much: {worst[0]} units in history {worst[1]}")
