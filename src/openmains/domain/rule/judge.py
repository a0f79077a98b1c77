# SPDX-License-Identifier: Apache-2.0
"""Whether what is known of a meter fulfils a condition: true, false, or not said. Pure; the pipeline does the same by column
(``app/rule/columns.py``), and a test holds the two to each other."""

import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from openmains.domain.rule.tree import (
    AnyCondition,
    ChangeCondition,
    Condition,
    Direction,
    EventCondition,
    GatherCondition,
    MissingCondition,
    NotCondition,
    SilenceCondition,
    UnansweredCondition,
    ValueCondition,
)


@dataclass(frozen=True, slots=True)
class ReportedValues:
    """Values of a point in their order, None where one is missing. ``interval_s``: between two of a series; 0: it is not known."""

    values: Sequence[int | None]
    interval_s: int = 0


@dataclass(frozen=True, slots=True)
class LastValue:
    """What a meter said last of a point, and when (s UTC)."""

    value: int
    at_s: int


@dataclass(frozen=True, slots=True)
class MeterFacts:
    """What a message says, what was said before it, and what the clock knows. ``events``: those that are active, None: it says nothing of
    events; ``at_s``: of the message; ``unanswered_s``: of the command that waits longest, by kind; ``meters``: in the place, that fulfil
    the part of a condition that gathers, of ``meters_in_all``."""

    reported: Mapping[str, ReportedValues] = field(default_factory=dict)
    events: Collection[str] | None = None
    before: Mapping[str, LastValue] = field(default_factory=dict)
    at_s: int = 0
    silent_s: int | None = None
    missing_days: int | None = None
    unanswered_s: Mapping[str, int] | None = None
    meters: int | None = None
    meters_in_all: int = 0


def judge(condition: Condition, facts: MeterFacts) -> bool | None:
    """None: too little is known to say."""
    if isinstance(condition, ValueCondition):
        said = facts.reported.get(condition.point)
        values = [] if said is None else [value for value in said.values if value is not None]
        low, high = condition.low, condition.high
        if not values:
            return None
        return any((low is not None and value < low) or (high is not None and value > high) for value in values)
    if isinstance(condition, ChangeCondition):
        steps = list(_steps(condition.point, condition.per_s is not None, facts))
        if not steps:
            return None
        per_s = condition.per_s
        return any(
            reaches(step, condition.direction, condition.least, taken_s if per_s else 1, per_s or 1)
            for step, taken_s in steps
        )
    if isinstance(condition, EventCondition):
        return None if facts.events is None else condition.event in facts.events
    if isinstance(condition, NotCondition):
        found = judge(condition.part, facts)
        return None if found is None else not found
    if isinstance(condition, SilenceCondition):
        return None if facts.silent_s is None else facts.silent_s >= condition.hours * 3600
    if isinstance(condition, MissingCondition):
        return None if facts.missing_days is None else facts.missing_days >= condition.days
    if isinstance(condition, UnansweredCondition):
        if facts.unanswered_s is None:
            return None
        waits = [age for kind, age in facts.unanswered_s.items() if condition.command in ("", kind)]
        return max(waits, default=-1) >= condition.hours * 3600
    if isinstance(condition, GatherCondition):
        if facts.meters is None:
            return None
        return is_gathered(condition, facts.meters, facts.meters_in_all)
    parts = [judge(part, facts) for part in condition.parts]
    settles = isinstance(condition, AnyCondition)
    if settles in parts:
        return settles
    return None if None in parts else not settles


def is_gathered(condition: GatherCondition, meters: int, in_all: int) -> bool:
    """Whether so many are enough."""
    return meters >= condition.meters and (condition.percent is None or meters * 100 >= condition.percent * in_all)


def reaches(step: int, direction: Direction, least: int, taken_s: int, per_s: int) -> bool:
    """Whether a step of a value in ``taken_s`` is one of ``least`` in ``per_s``; exact, nothing is divided."""
    size = abs(step) if direction == "moves" else step if direction == "rises" else -step
    return size * per_s >= least * taken_s


def _steps(point: str, is_rate: bool, facts: MeterFacts) -> Iterator[tuple[int, int]]:
    """(step, seconds that it took) from one value to the next. How long the step into a series took is not known: it is no rate."""
    said = facts.reported.get(point)
    if said is None:
        return
    values = said.values
    last = facts.before.get(point)
    if values and last is not None and facts.at_s > last.at_s and not (is_rate and len(values) > 1):
        first = values[0]
        if first is not None:
            yield first - last.value, facts.at_s - last.at_s
    if is_rate and not said.interval_s:
        return
    for left, right in itertools.pairwise(values):
        if left is not None and right is not None:
            yield right - left, said.interval_s
