# SPDX-License-Identifier: Apache-2.0
"""What a step from one register to the next can be (R6.1). Definitions and their reasons: docs/readings.md.

A step is judged by integers only: the volume that could have passed in the time, in both directions, plus ``SLACK``.
Without the slack two readings a second apart, or a disc that rocks in a still pipe, would be faults.
"""

from dataclasses import dataclass

from openmains.domain.period import DAY_S
from openmains.domain.readings.model import Finding, Limits
from openmains.domain.readings.quality import Rule

SLACK = 10  # units a register may be off in either direction at any distance in time
REVERSE_CAP_S = DAY_S  # flow back is not believed to go on for more than a day, however long the silence was
BELIEVE = 3  # consistent registers on a new level until it is believed
SPIKE_TIMES = 5  # use in a day's length against the average use
SPIKE_QMAX_PART = 4  # and at least Qmax for an hour divided by this: below it nobody need look
LIFETIME_H = 30 * 365 * 24  # a meter is changed long before: no register exceeds Qmax for so long
AVERAGE_SCALE = 16  # the average use is units a day × this
AVERAGE_WEIGHT = 8  # one day moves the average use by 1/8 of the difference
MAX_FILL_S = (
    400 * DAY_S
)  # a longer silence is not drawn: its days stay missing (a wrong clock must not cost years of rows)


@dataclass(slots=True, frozen=True)
class Step:
    """Verdict on a step: the rule that fired, the volume that counts, the bound that would have passed in silence."""

    rule: Rule | None
    volume: int  # units that passed, negative for flow back; meaningless where the rule is a level change
    bound: int


def ceiling_of(qmax_per_h: int, register_ceiling: int = 0) -> int:
    """What no register reaches where the dial is unknown: Qmax for ``LIFETIME_H``, or all ones in the frame (0: no width)."""
    life = qmax_per_h * LIFETIME_H
    return min(life, register_ceiling) if life and register_ceiling else life or register_ceiling


def most(limits: Limits, seconds: int) -> int:
    """Largest volume that can pass in ``seconds``."""
    return limits.qmax_per_h * seconds // 3600 + SLACK


def most_back(limits: Limits, seconds: int) -> int:
    """Largest volume that can flow back in ``seconds``; at least ``SLACK``, at most that of one day."""
    rate = limits.reverse_per_h or limits.qmax_per_h // 50
    return max(SLACK, rate * min(seconds, REVERSE_CAP_S) // 3600)


def step(before: int, after: int, seconds: int, limits: Limits) -> Step:
    """Judge a register's step over ``seconds`` ≥ 0: plain, rollover, flow back, or a change of level (two rules)."""
    change = after - before
    bound = most(limits, seconds)
    if change >= 0:
        return Step(None if change <= bound else Rule.OVER_QMAX, change, before + bound)
    dial = limits.dial
    if dial and before * 10 > dial * 9 and after * 10 < dial and change + dial <= bound:
        return Step(Rule.ROLLOVER, change + dial, (before + bound) % dial)
    back = most_back(limits, seconds)
    return Step(Rule.REVERSE_FLOW if -change <= back else Rule.IMPOSSIBLE_BACK, change, before - back)


def changes_level(rule: Rule | None) -> bool:
    """True for the verdicts whose value is kept but not built upon until it proves itself."""
    return rule is Rule.OVER_QMAX or rule is Rule.IMPOSSIBLE_BACK


def is_spike(volume: int, seconds: int, average_use: int, limits: Limits) -> bool:
    """Possible, but more than ``SPIKE_TIMES`` the average use of a day (or of the days the step spans), and worth a look."""
    if not average_use or volume * SPIKE_QMAX_PART <= limits.qmax_per_h:
        return False
    return volume * AVERAGE_SCALE * DAY_S > SPIKE_TIMES * average_use * max(seconds, DAY_S)


def spike_bound(seconds: int, average_use: int, limits: Limits) -> int:
    """Largest volume that ``is_spike`` lets pass."""
    return max(
        limits.qmax_per_h // SPIKE_QMAX_PART, SPIKE_TIMES * average_use * max(seconds, DAY_S) // (AVERAGE_SCALE * DAY_S)
    )


def is_power_of_ten_off(value: int, usual: int) -> bool:
    """True when ``value`` is 10, 100 or 1,000 times ``usual`` or a 10th … of it, within 2 %."""
    if value <= 0 or usual <= 0:
        return False
    return any(
        abs(value - usual * factor) * 50 <= usual * factor or abs(value * factor - usual) * 50 <= usual
        for factor in (10, 100, 1000)
    )


def next_average(average_use: int, volume: int) -> int:
    """Moving mean after a day of ``volume`` units; never 0, which means 'not known'."""
    if volume < 0:
        return average_use
    if not average_use:
        return max(1, volume * AVERAGE_SCALE)
    return max(1, average_use + (volume * AVERAGE_SCALE - average_use) // AVERAGE_WEIGHT)


class Findings:
    """Findings of one message and the bits they set."""

    __slots__ = ("findings", "flags")

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.flags = 0

    def add(self, rule: Rule, at: int, value: int, expected: int | None = None) -> int:
        """Record a finding; returns its bit."""
        self.findings.append(Finding(rule, at, value, expected))
        return self.mark(rule)

    def mark(self, rule: Rule) -> int:
        """Only the bit: nothing that anybody needs to look at."""
        bit = 1 << rule
        self.flags |= bit
        return bit
