# SPDX-License-Identifier: Apache-2.0
"""A rule tried on what was said before it was made: when it would have fired. Pure: what is stored of a meter becomes spans of time in which
its condition was fulfilled, and spans become firings, of one meter or of a place. Instants are s UTC."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from openmains.domain.rule.judge import LastValue, MeterFacts, ReportedValues, is_gathered, judge
from openmains.domain.rule.tree import GatherCondition, MessageCondition


@dataclass(frozen=True, slots=True)
class PastMessage:
    """What a message said. ``events``: active ones, None: nothing of events."""

    at_s: int
    reported: Mapping[str, ReportedValues]
    events: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class HeldSpan:
    """From when to when a condition was fulfilled; ``end`` None: it still is."""

    start: int
    end: int | None


def spans_of(condition: MessageCondition, messages: Iterable[PastMessage]) -> list[HeldSpan]:
    """Of messages in their order: as the pipeline keeps to it, what says too little changes nothing."""
    found: list[HeldSpan] = []
    before: dict[str, LastValue] = {}
    since: int | None = None
    for message in messages:
        facts = MeterFacts(message.reported, message.events, before, message.at_s)
        verdict = judge(condition, facts)
        if verdict is True and since is None:
            since = message.at_s
        elif verdict is False and since is not None:
            found.append(HeldSpan(since, message.at_s))
            since = None
        for point, said in message.reported.items():
            last = next((value for value in reversed(said.values) if value is not None), None)
            if last is not None:
                before[point] = LastValue(last, message.at_s)
    if since is not None:
        found.append(HeldSpan(since, None))
    return found


def silent_spans(heard: Sequence[int], hours: int, until: int) -> list[HeldSpan]:
    """Of a meter that was heard at these instants, in order."""
    limit = hours * 3600
    found = []
    for place, instant in enumerate(heard):
        end = heard[place + 1] if place + 1 < len(heard) else None
        if (until if end is None else end) - instant >= limit:
            found.append(HeldSpan(instant + limit, end))
    return found


def overlapping(spans: Iterable[HeldSpan], least: int) -> list[HeldSpan]:
    """When at least ``least`` of these spans were there at once."""
    edges: list[tuple[int, int]] = []
    for span in spans:
        edges.append((span.start, 1))
        if span.end is not None:
            edges.append((span.end, -1))
    edges.sort()
    found: list[HeldSpan] = []
    since: int | None = None
    count = place = 0
    while place < len(edges):
        instant = edges[place][0]
        while place < len(edges) and edges[place][0] == instant:
            count += edges[place][1]
            place += 1
        if count >= least and since is None:
            since = instant
        elif count < least and since is not None:
            found.append(HeldSpan(since, instant))
            since = None
    if since is not None:
        found.append(HeldSpan(since, None))
    return found


def fired(spans: Iterable[HeldSpan], held_s: int, until: int) -> list[int]:
    """When a rule would have fired: once its condition held for so long, and again only after it had ended."""
    found = []
    for span in spans:
        due = span.start + held_s
        if due <= until and (span.end is None or span.end > due or not held_s):
            found.append(due)
    return found


def gathered(
    condition: GatherCondition, by_meter: Mapping[int, Sequence[HeldSpan]], in_all: int, held_s: int, until: int
) -> list[tuple[int, int]]:
    """Of the meters of one place: (instant, meter that made it enough) of each time that there were enough."""
    edges: list[tuple[int, int, int]] = []
    for meter, spans in by_meter.items():
        for span in spans:
            due = span.start + held_s
            if due <= until and (span.end is None or span.end > due):
                edges.append((due, 1, meter))
                if span.end is not None:
                    edges.append((span.end, -1, meter))
    found: list[tuple[int, int]] = []
    count, is_enough = 0, False
    for instant, step, meter in sorted(edges):
        count += step
        was_enough, is_enough = is_enough, is_gathered(condition, count, in_all)
        if is_enough and not was_enough:
            found.append((instant, meter))
    return found
