# SPDX-License-Identifier: Apache-2.0
"""What each day's balance of a meter that deducts by itself should be, and what explains it where it is another (ADR 0063), decided purely.

1. of each day the last report that says balance and register counts; the span goes from the one of the day before to it
2. where the meter's price or billing period changed in between (``timeline.py``) the span is cut, to the litre
3. top-ups that the meter confirmed within the span are credit; one whose answer never came may be in the balance
4. ``explain`` of the domain does the sum, and names what fits where it does not come out

What cannot be worked out is a doubt with a name, and no difference: a register that went back, a price that nobody sent. A day that was
decided is a version; what came late makes the next one, and the same inputs make none. A day that is not over is kept only where something
is found, so that nobody waits until midnight to be told.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from openmains.app.billing.timeline import US, BalanceReport, GivenPrice, RegisterAt, State, timeline
from openmains.domain.period import Zone
from openmains.domain.tariff.meter_deduction import MeterDeduction, StepRounding
from openmains.domain.tariff.meter_price import MeterPrice
from openmains.domain.tariff.mirror import Cause, Cut, Finding, MeterReport, MirroredSpan, MirrorResult, TopUp, explain

MONEY, VOLUME = 0, 1  # balance_kind
LITRES = MeterPrice((0,), (100_000,), 12, clear_total=False)  # of a balance in litres each litre takes one
MOST_PRICES = 8  # of the newest that a meter may hold
PRICE_UNKNOWN, PERIOD_UNKNOWN, REGISTER_UNKNOWN = "price-unknown", "period-unknown", "register-unknown"
STEP_UNKNOWN, ROUNDING_UNKNOWN = "step-unknown", "rounding-unknown"
REGISTER_BACK, KIND_CHANGED, CHANGE_UNDATED = "register-back", "kind-changed", "change-undated"

OF_THE_PAGE = (STEP_UNKNOWN, ROUNDING_UNKNOWN)  # doubts that end when the driver's page or the product says more
NEVER, WITHIN, LATER, HERE = (
    0,
    1,
    2,
    3,
)  # answer of a top-up: none; within the span; after it; after it, and it was done within
TOP_UP_ROW = 3  # numbers in the row of a top-up among the cited inputs

Explanations = tuple[tuple[Finding, ...], ...]
CitedInputs = list[list[int]]


class GivenTopUp(NamedTuple):
    """A top-up that was sent. ``answered_us``: when the meter's word came that it is done, None: it never did; ``until_us``: later than this
    the meter takes it no more."""

    command_id: int
    amount: int
    kind: int
    sent_us: int
    answered_us: int | None
    until_us: int


class _Credit(NamedTuple):
    """A top-up of a span. ``answer``: when the meter confirmed it."""

    top_up: GivenTopUp
    answer: int

    @property
    def counts(self) -> bool:
        """It is expected to be in the balance at the end of the span."""
        return self.answer in (WITHIN, HERE)


class KeptMirror(NamedTuple):
    """A day as its newest version has it."""

    version: int
    found: Explanations
    doubt: str
    cited: CitedInputs


class ToMirror(NamedTuple):
    """A meter as it is looked at. ``before``: where the newest day that was decided before these reports ended; ``reports`` by the meter's
    clock; ``prices`` by the time of the answer; ``kept`` by day."""

    meter_id: int
    place: Zone
    today: int
    deduction: MeterDeduction
    before: BalanceReport | None
    reports: Sequence[BalanceReport]
    prices: Sequence[GivenPrice]
    top_ups: Sequence[GivenTopUp]
    kept: Mapping[int, KeptMirror]


class NewMirror(NamedTuple):
    """A version of a day. ``credited``: top-ups that count; ``expected``, ``difference`` None: in doubt. Fen, or litres where ``kind`` is 1."""

    day: int
    version: int
    kind: int
    before: BalanceReport
    after: BalanceReport
    credited: int
    expected: int | None
    difference: int | None
    found: Explanations
    doubt: str
    price_version: int | None
    step_l: int
    rounding: StepRounding
    cited: CitedInputs

    @property
    def causes(self) -> list[str]:
        """All that any explanation names, each once."""
        return sorted({one.cause.value for findings in self.found for one in findings})


class Mirrored(NamedTuple):
    """What follows. ``why``: the doubt of the newest day, or what keeps all days; "": none. ``until_s``: the last report that counts."""

    meter_id: int
    versions: list[NewMirror]
    why: str
    until_s: int | None


class _Span(NamedTuple):
    before: BalanceReport
    after: BalanceReport
    states: Sequence[State]  # the first one holds at ``before``, the others begin within the span


def mirror_meter(one: ToMirror, register_at: RegisterAt) -> Mirrored:
    """All days of the reports. ``register_at``: litres at an instant of the meter's clock, None: not known."""
    points = _points(one)
    if not points:
        return Mirrored(one.meter_id, [], PRICE_UNKNOWN if one.reports else "", None)
    states = timeline(one.prices, one.reports, one.place, points[0].at, points[-1].at, register_at)
    versions, why, placed = list[NewMirror](), "", set[int]()
    for before, after in pairwise(points):
        day = one.place.day_of(after.at)
        span, kept = _Span(before, after, _of_span(states, before, after)), one.kept.get(day)
        if kept is not None and one.before is None and before is points[0] and kept.cited[0][0] < before.at:
            continue  # it was decided from a report on that is no longer looked at
        credits = _credits(one, span, placed)
        if kept is not None and kept.doubt not in OF_THE_PAGE and _inputs(kept.cited) == _cited(span, credits):
            why = kept.doubt
            placed |= {row[0] for row in kept.cited[1:] if row[2] == HERE and len(row) == TOP_UP_ROW} | _consumed(
                kept.found
            )
            continue
        made = _decided(one, span, day, credits)
        why = made.doubt
        placed |= {credit.top_up.command_id for credit in credits if credit.answer == HERE} | _consumed(made.found)
        if day < one.today or (made.found, made.doubt) != ((kept.found, kept.doubt) if kept else ((), "")):
            versions.append(made)
    return Mirrored(one.meter_id, versions, why, points[-1].at)


def instants_of(one: ToMirror) -> list[int]:
    """Instants at which ``mirror_meter`` will ask for the register."""
    asked = list[int]()
    points = _points(one)
    if points:
        timeline(one.prices, one.reports, one.place, points[0].at, points[-1].at, asked.append)
    return asked


def _points(one: ToMirror) -> list[BalanceReport]:
    """Where spans begin and end: the end of what was decided, else the first report that can be worked out; then the last of each day."""
    reports = [report for report in one.reports if one.before is None or report.key > one.before.key]
    if one.before is None:
        begins = min((price.in_force(one.reports) for price in one.prices if price.is_confirmed), default=None)
        reports = [
            report for report in reports if report.kind == VOLUME or (begins is not None and report.key >= begins)
        ]
    last = {one.place.day_of(report.at): report for report in reports}
    found = [last[day] for day in sorted(last)]
    first = one.before or (reports[0] if reports else None)
    return found if first is None or (found and found[0] is first) else [first, *found]


def _of_span(states: Sequence[State], before: BalanceReport, after: BalanceReport) -> list[State]:
    held = [state for state in states if state.key <= before.key]
    return [*held[-1:], *(state for state in states if before.key < state.key <= after.key)]


def _decided(one: ToMirror, span: _Span, day: int, credits: list[_Credit]) -> NewMirror:
    """``credits`` learn where a late answer's top-up was done."""
    before, after, rule = span.before, span.after, one.deduction
    doubt, result = _doubt(one, span), None
    if not doubt:
        try:
            result = explain(_mirrored(one, span, credits))
            late = _in_flight(credits, result)
            if late is not None:  # its answer came after this report, and so did the proof that it was done before it
                credits[late] = credits[late]._replace(answer=HERE)
                result = explain(_mirrored(one, span, credits))
        except ValueError:
            doubt = REGISTER_BACK
        else:
            doubt = ROUNDING_UNKNOWN if rule.rounding is None and before.kind == MONEY else ""
    kept = one.kept.get(day)
    price = span.states[-1].price if span.states and after.kind == MONEY else None
    return NewMirror(
        day,
        1 if kept is None else kept.version + 1,
        after.kind,
        before,
        after,
        sum(credit.top_up.amount for credit in credits if credit.counts),
        None if result is None else result.expected_fen,
        None if result is None else result.difference_fen,
        () if result is None else result.explanations,
        doubt,
        None if price is None else price.version,
        rule.step_l,
        rule.rounding or StepRounding.EXACT,
        _cited(span, credits),
    )


def _cited(span: _Span, credits: Sequence[_Credit]) -> CitedInputs:
    """What the day rests on: the two reports, the states, the top-ups with what was known of their answers."""
    states = [
        [*state.key, -1 if state.register_l is None else state.register_l, -1 if state.period_l is None else state.period_l,
         state.price.version if state.price else 0]
        for state in span.states
    ]  # fmt: skip
    return [
        [span.before.at, span.before.received_us, span.after.at, span.after.received_us],
        *states,
        *([credit.top_up.command_id, credit.top_up.amount, credit.answer] for credit in credits),
    ]


def _inputs(cited: CitedInputs) -> CitedInputs:
    """Without what was found out of them."""
    return [[*row[:2], LATER] if len(row) == TOP_UP_ROW and row[2] == HERE else row for row in cited]


def _consumed(found: Explanations) -> set[int]:
    """Top-ups that are certainly in the balance, though nobody said so."""
    if len(found) != 1:
        return set()
    return {int(one.what) for one in found[0] if one.cause is Cause.UNCONFIRMED_TOP_UP}


def _doubt(one: ToMirror, span: _Span) -> str:
    """Why nothing can be worked out; "": it can."""
    if span.before.kind != span.after.kind:
        return KIND_CHANGED
    if span.after.register_l < span.before.register_l:
        return REGISTER_BACK
    if span.before.kind == VOLUME:
        return ""
    if not span.states or span.states[0].price is None:
        return PRICE_UNKNOWN
    if not one.deduction.step_l:
        return STEP_UNKNOWN
    if any(not state.is_dated for state in span.states[1:]):
        return CHANGE_UNDATED
    if any(state.register_l is None for state in span.states[1:]):
        return REGISTER_UNKNOWN
    has_tiers = any(len(state.price.price.prices) > 1 for state in span.states if state.price is not None)
    return PERIOD_UNKNOWN if has_tiers and any(state.period_l is None for state in span.states) else ""


def _mirrored(one: ToMirror, span: _Span, credits: Sequence[_Credit]) -> MirroredSpan:
    top_ups = tuple(TopUp(str(each.top_up.command_id), each.top_up.amount, each.counts) for each in credits)
    before, after = span.before, span.after
    if before.kind == VOLUME:
        step = max(one.deduction.step_l, 1)
        ends = [MeterReport(said.register_l // step * step, said.balance) for said in (before, after)]
        return MirroredSpan(ends[0], ends[1], 0, 0, {0: LITRES}, step, top_ups)
    held, *changed = span.states
    step = one.deduction.step_l
    prices = [price for price in one.prices if price.sent_us <= after.received_us][-MOST_PRICES:]
    confirmed = [state.price for state in span.states if state.price is not None]
    return MirroredSpan(
        MeterReport(_settled(before, held, step), before.balance),
        MeterReport(_settled(after, span.states[-1], step), after.balance),
        held.period_l or 0,
        confirmed[0].version,
        {price.version: price.price for price in (*prices, *confirmed)},
        step,
        top_ups,
        one.deduction.rounding or StepRounding.EXACT,
        tuple(
            Cut(state.register_l or 0, state.period_l or 0, state.price.version if state.price else 0)
            for state in changed
        ),
    )


def _settled(said: BalanceReport, state: State, step_l: int) -> int:
    """Up to where a report's balance is paid: whole steps, or to the litre at which its price or period began."""
    whole, began = said.register_l // step_l * step_l, state.register_l or 0
    return max(whole, began) if began <= said.register_l else whole


def _credits(one: ToMirror, span: _Span, placed: set[int]) -> list[_Credit]:
    """Top-ups of the span: confirmed within it; or sent and, when its last report came, not answered."""
    by_answer = {said.received_us: said.key for said in one.reports}
    found = list[_Credit]()
    for top_up in one.top_ups:
        if top_up.command_id in placed or top_up.kind != span.after.kind or top_up.sent_us > span.after.received_us:
            continue
        if top_up.answered_us is None:
            if top_up.until_us >= span.before.received_us:
                found.append(_Credit(top_up, NEVER))
            continue
        key = by_answer.get(top_up.answered_us, (top_up.answered_us // US, top_up.answered_us))
        if key > span.before.key:
            found.append(_Credit(top_up, WITHIN if key <= span.after.key else LATER))
    return found


def _in_flight(credits: Sequence[_Credit], result: MirrorResult) -> int | None:
    """Place of a top-up that alone explains the span, and was confirmed later."""
    if len(result.explanations) != 1 or len(result.explanations[0]) != 1:
        return None
    consumed = _consumed(result.explanations)
    return next(
        (
            place
            for place, credit in enumerate(credits)
            if credit.answer == LATER and credit.top_up.command_id in consumed
        ),
        None,
    )
