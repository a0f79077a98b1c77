# SPDX-License-Identifier: Apache-2.0
"""Try a rule on the last 30 days before it is switched on: 'would have fired 41 times, at these meters'. What is not stored is named."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence

from openmains.app.identity.model import Actor
from openmains.app.rule.make import RuleDrivers, checked
from openmains.app.rule.model import RuleDraft, RuleFiring, RuleTrial, judged
from openmains.app.rule.ports import PastValues, RuledMeterRow, RuleHistory, RuleStore
from openmains.app.unit_of_work import Store, Work
from openmains.domain.ids import MeterId
from openmains.domain.period import DAY_S, utc
from openmains.domain.rule.judge import ReportedValues
from openmains.domain.rule.tree import (
    CLOCK,
    Condition,
    EventCondition,
    GatherCondition,
    MessageCondition,
    MissingCondition,
    SilenceCondition,
    UnansweredCondition,
    leaves,
    meter_part,
    points_of,
)
from openmains.domain.rule.trial import HeldSpan, PastMessage, fired, gathered, overlapping, silent_spans, spans_of

DAYS = 30
MOST_METERS = 5_000
TOLD = 100
PART = 200  # meters whose messages are in memory at once
Spans = dict[MeterId, list[HeldSpan]]


async def try_rule(
    store: Store, history: RuleHistory, drivers: RuleDrivers, actor: Actor, draft: RuleDraft, now_s: int
) -> RuleTrial:
    """What it found is kept under what was tried (``judged``): without it nothing is switched on. The draft's tests are not asked for.
    Raises ``invalid-input``."""
    since_s = now_s - DAYS * DAY_S
    async with store.tenant(actor.tenant_id) as work:
        found = await checked(work, drivers, draft, with_cases=False)
        meters = await work[RuleStore].meters_of(draft, found.areas, MOST_METERS + 1)
        looked_at = meters[:MOST_METERS]
        ids = [meter.meter_id for meter in looked_at]
        spans = await _of_the_book(work, found.condition, ids, since_s)
        events = await _events(work, found.condition, ids, since_s)
    condition, points = meter_part(found.condition), sorted(points_of(found.condition))
    if isinstance(condition, SilenceCondition):
        heard = await history.heard(actor.tenant_id, ids, since_s)
        spans = {meter: silent_spans(instants, condition.hours, now_s) for meter, instants in heard.items()}
    elif not isinstance(condition, CLOCK):
        asked = [name for name in points if history.is_stored(name)]
        asks_events = any(isinstance(leaf, EventCondition) for leaf in leaves(condition))
        for first in range(0, len(ids), PART):  # of each part only its spans are kept; the API answers others meanwhile
            part = ids[first : first + PART]
            values = await history.values(actor.tenant_id, part, asked, since_s)
            told = {meter: events[meter] for meter in part if meter in events}
            spans |= await asyncio.to_thread(_spans, condition, values, told, asks_events)
    firings = _firings(found.condition, looked_at, spans, draft.held_s, since_s, now_s)
    numbers = {meter.meter_id: meter.number for meter in looked_at}
    tried = RuleTrial(
        days=DAYS,
        looked_at=len(looked_at),
        whole=len(meters) <= MOST_METERS,
        fired=len(firings),
        meters=len({meter for _, meter in firings}),
        firings=[RuleFiring(meter, numbers[meter], utc(at)) for at, meter in firings[:TOLD]],
        untold=[name for name in points if not history.is_stored(name)],
    )
    async with store.tenant(actor.tenant_id) as work:
        await work[RuleStore].note_trial(judged(draft), tried, actor.user_id, now_s * 1_000_000)
    return tried


def _spans(
    condition: MessageCondition,
    values: Sequence[PastValues],
    events: Mapping[MeterId, Sequence[tuple[str, HeldSpan]]],
    asks_events: bool,
) -> Spans:
    return {meter: spans_of(condition, messages) for meter, messages in _messages(values, events, asks_events).items()}


async def _of_the_book(work: Work, condition: Condition, ids: Sequence[MeterId], since_s: int) -> Spans:
    """Of conditions of the clock that tables tell: when days were missing, or commands unanswered."""
    part = meter_part(condition)
    found: Spans = defaultdict(list)
    if isinstance(part, MissingCondition):
        for meter, span in await work[RuleStore].past_gaps(ids, since_s):
            found[meter].append(span)
        return {meter: overlapping(spans, part.days) for meter, spans in found.items()}
    if isinstance(part, UnansweredCondition):
        for meter, span in await work[RuleStore].past_commands(ids, part.command, since_s * 1_000_000):
            late = span.start + part.hours * 3600
            if span.end is None or span.end > late:
                found[meter].append(HeldSpan(late, span.end))
        return {meter: overlapping(spans, 1) for meter, spans in found.items()}
    return {}


async def _events(
    work: Work, condition: Condition, ids: Sequence[MeterId], since_s: int
) -> Mapping[MeterId, list[tuple[str, HeldSpan]]]:
    names = sorted({leaf.event for leaf in leaves(condition) if isinstance(leaf, EventCondition)})
    found: dict[MeterId, list[tuple[str, HeldSpan]]] = defaultdict(list)
    for meter, name, span in await work[RuleStore].past_events(ids, names, since_s * 1_000_000) if names else ():
        found[meter].append((name, span))
    return found


def _messages(
    values: Sequence[PastValues], events: Mapping[MeterId, Sequence[tuple[str, HeldSpan]]], asks_events: bool
) -> dict[MeterId, list[PastMessage]]:
    """What each meter said, in order; and when its events began and ended. A message with values says the events that were there."""
    reported: dict[MeterId, list[tuple[int, Mapping[str, ReportedValues]]]] = defaultdict(list)
    for item in values:
        reported[item.meter_id].append((item.at_s, item.reported))
    for meter, listed in events.items():
        for _, span in listed:
            reported[meter].append((span.start, {}))
            if span.end is not None:
                reported[meter].append((span.end, {}))
    found: dict[MeterId, list[PastMessage]] = {}
    for meter, told in reported.items():
        spans = events.get(meter, ())
        found[meter] = []
        for at, what in sorted(told, key=lambda item: item[0]):
            there = frozenset(name for name, span in spans if span.start <= at and (span.end is None or at < span.end))
            found[meter].append(PastMessage(at, what, there if asks_events else None))
    return found


def _firings(
    condition: Condition, meters: Sequence[RuledMeterRow], spans: Spans, held_s: int, since_s: int, now_s: int
) -> list[tuple[int, MeterId]]:
    """(instant, meter), newest first."""
    found: list[tuple[int, MeterId]] = []
    if isinstance(condition, GatherCondition):
        places: dict[object, list[MeterId]] = defaultdict(list)
        for meter in meters:
            place: object = {"area": meter.area_id, "cell": meter.cell or None, "scope": 0}[condition.within]
            if place is not None:
                places[place].append(meter.meter_id)
        for members in places.values():
            by_meter = {int(meter): spans[meter] for meter in members if meter in spans}
            found += [(at, MeterId(meter)) for at, meter in gathered(condition, by_meter, len(members), held_s, now_s)]
    else:
        found = [(at, meter) for meter, listed in spans.items() for at in fired(listed, held_s, now_s)]
    return sorted((item for item in found if item[0] >= since_s), reverse=True)
