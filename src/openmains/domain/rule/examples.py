# SPDX-License-Identifier: Apache-2.0
"""Cases for a rule's tests, found by trying what lies just on either side of its bounds: one that fires, one that does not. A person looks at
them and keeps them with the rule. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice, product

from openmains.domain.rule.judge import LastValue, MeterFacts, ReportedValues, judge
from openmains.domain.rule.tree import (
    ChangeCondition,
    Condition,
    EventCondition,
    GatherCondition,
    MissingCondition,
    RuleTerms,
    SilenceCondition,
    UnansweredCondition,
    ValueCondition,
    leaves,
)

MOST_TRIED = 20_000


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """Of one case: a message with what was said ``after_s`` before it, or what the clock knows."""

    reported: dict[str, int] = field(default_factory=dict)
    before: dict[str, int] = field(default_factory=dict)
    after_s: int = 3600
    events: tuple[str, ...] = ()
    silent_h: int | None = None
    missing_days: int | None = None
    unanswered_h: int | None = None
    command: str = ""
    meters: int | None = None
    meters_in_all: int = 0


def facts_of(case: CaseFacts) -> MeterFacts:
    """As a condition is judged on it. A case without values and events is one of the clock."""
    unanswered = None if case.unanswered_h is None else {case.command: case.unanswered_h * 3600}
    return MeterFacts(
        reported={name: ReportedValues((value,)) for name, value in case.reported.items()},
        events=case.events,
        before={name: LastValue(value, 0) for name, value in case.before.items()},
        at_s=case.after_s,
        silent_s=None if case.silent_h is None else case.silent_h * 3600,
        missing_days=case.missing_days,
        unanswered_s=unanswered,
        meters=case.meters,
        meters_in_all=case.meters_in_all,
    )


def examples(condition: Condition, terms: RuleTerms) -> list[tuple[CaseFacts, bool]]:
    """(case, whether it fires): one of each where there is one. A condition that nothing fulfils, or everything, has one only."""
    found: dict[bool, CaseFacts] = {}
    for case in islice(_tried(condition, terms), MOST_TRIED):
        fires = judge(condition, facts_of(case)) is True
        found.setdefault(fires, case)
        if len(found) == 2:
            break
    return [(found[fires], fires) for fires in (True, False) if fires in found]


def _tried(condition: Condition, terms: RuleTerms) -> Iterator[CaseFacts]:
    if isinstance(condition, GatherCondition):
        enough = condition.meters
        yield CaseFacts(meters=enough, meters_in_all=enough)
        yield CaseFacts(meters=enough - 1, meters_in_all=enough)
        return
    if isinstance(condition, SilenceCondition):
        yield CaseFacts(silent_h=condition.hours)
        yield CaseFacts(silent_h=condition.hours - 1)
        return
    if isinstance(condition, MissingCondition):
        yield CaseFacts(missing_days=condition.days)
        yield CaseFacts(missing_days=condition.days - 1)
        return
    if isinstance(condition, UnansweredCondition):
        yield CaseFacts(unanswered_h=condition.hours, command=condition.command)
        yield CaseFacts(unanswered_h=condition.hours - 1, command=condition.command)
        return
    points: dict[str, dict[tuple[int | None, int], None]] = {}
    events: dict[str, None] = {}
    after_s = 3600
    for leaf in leaves(condition):
        if isinstance(leaf, ValueCondition):
            least, most = terms.points[leaf.point]
            for bound in (leaf.low, leaf.high):
                for value in () if bound is None else (bound - 1, bound + 1, bound):
                    if least <= value <= most:
                        points.setdefault(leaf.point, {})[None, value] = None
        elif isinstance(leaf, ChangeCondition):
            least, most = terms.points[leaf.point]
            after_s = leaf.per_s or after_s
            start = most if leaf.direction == "falls" else least
            step = min(leaf.least, most - least)
            for size in (step, step - 1):
                value = start - size if leaf.direction == "falls" else start + size
                points.setdefault(leaf.point, {})[start, value] = None
        elif isinstance(leaf, EventCondition):
            events[leaf.event] = None
    names, listed = list(points), list(events)
    for chosen in product(*(points[name] for name in names), *((True, False) for _ in listed)):
        pairs = [pair for pair in chosen if isinstance(pair, tuple)]
        flags = chosen[len(names) :]
        yield CaseFacts(
            reported={name: value for name, (_, value) in zip(names, pairs, strict=True)},
            before={name: last for name, (last, _) in zip(names, pairs, strict=True) if last is not None},
            after_s=after_s,
            events=tuple(name for name, is_there in zip(listed, flags, strict=True) if is_there),
        )
