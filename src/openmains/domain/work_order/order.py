# SPDX-License-Identifier: Apache-2.0
"""One step of a work order, decided purely: order as it stands, what was given → order as it is then, or what is wrong with what was given.

Who may: a technician's steps are those of whoever was sent; nobody closes what they ended themselves. What is asked before an order is done: an
outcome; answers to what the checklist needs, pictures and a signature as its kind has them – unless nobody was let in, which is documented
by a text and a picture instead (R8.6); a new meter of an exchange and a reading of a visit for one, which come by the book's own acts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from openmains.domain.ids import CommandId, MeterId, UserId
from openmains.domain.period import Zone
from openmains.domain.work_order.clock import OpenSpan, due_at, worked_s
from openmains.domain.work_order.kinds import EXCHANGE, READING, Answer, OrderKind, answer_fault, hazards, missing
from openmains.domain.work_order.life import (
    ENDED,
    NEED_REASON,
    OF_TECHNICIAN,
    HoldCause,
    OrderOutcome,
    OrderState,
    OrderStep,
    advance,
)

S, E = OrderState, OrderStep
US = 1_000_000
NO_VISIT: Final = frozenset({OrderOutcome.NO_ENTRY, OrderOutcome.ENTRY_REFUSED})
KNOWS: Final[Mapping[OrderStep, frozenset[str]]] = {
    E.ASSIGN: frozenset({"assignee_id"}),
    E.HOLD: frozenset({"cause"}),
    E.NOTE: frozenset({"answers", "labour_min", "parts", "result"}),
    E.FINISH: frozenset({"answers", "labour_min", "parts", "outcome", "result", "signer"}),
    E.MEND: frozenset({"command_id", "result"}),
    E.SEND_BACK: frozenset({"assignee_id"}),
}
"""Fields that a step knows beside its reason and instant; others are refused, not passed over."""


class OrderRefusedError(Exception):
    """``code``: ``order-not-yours``, ``order-own``, ``reason-needed``, or ``invalid-input`` with (field, what) pairs. Changes nothing."""

    def __init__(self, code: str, *fields: tuple[str, str]) -> None:
        super().__init__(code, fields)
        self.code, self.fields = code, fields


@dataclass(frozen=True, slots=True)
class Clock:
    """The calendar of a kind in the utility's zone; no spans: all time counts."""

    spans: Sequence[OpenSpan]
    zone: Zone

    def due_us(self, from_us: int, work_s: int) -> int | None:
        """Instant at which so much open time has passed; what is over by then already was due that long ago, by the clock on the wall."""
        if work_s < 0:
            return from_us + work_s * US
        found = due_at(self.spans, self.zone, from_us // US, work_s)
        return None if found is None else found * US

    def left_s(self, now_us: int, due_us: int) -> int:
        """Open seconds until then; negative, on the wall's clock, where it is over."""
        if due_us < now_us:
            return -((now_us - due_us) // US)
        return worked_s(self.spans, self.zone, now_us // US, due_us // US)


@dataclass(frozen=True, slots=True)
class Order:
    """What steps change. ``due_us`` None: the clock stands, with ``left_s`` left."""

    state: OrderState
    assignee_id: UserId | None
    due_us: int | None
    left_s: int | None
    started_us: int | None = None
    done_us: int | None = None
    done_by: UserId | None = None
    ended_us: int | None = None
    ended_by: UserId | None = None
    outcome: OrderOutcome | None = None
    result: str = ""
    is_remote: bool = False
    command_id: CommandId | None = None
    new_meter_id: MeterId | None = None
    reading_id: int | None = None
    answers: Mapping[str, Answer] = field(default_factory=dict)
    signer: str = ""
    labour_min: int = 0


@dataclass(frozen=True, slots=True)
class Kept:
    """What was added to an order beside its row: ``hazards`` by item of the checklist."""

    photos: int = 0
    signatures: int = 0
    hazards: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Given:
    """A step as it was asked for. ``at_us``: when it was done; None of the rest: not given."""

    step: OrderStep
    user_id: UserId
    at_us: int
    reason: str = ""
    assignee_id: UserId | None = None
    cause: HoldCause | None = None
    answers: Mapping[str, Answer] | None = None
    parts: int | None = None
    labour_min: int | None = None
    outcome: OrderOutcome | None = None
    result: str | None = None
    signer: str | None = None
    command_id: CommandId | None = None


def stepped(order: Order, given: Given, kind: OrderKind, kept: Kept, clock: Clock) -> Order:
    """The order after it. Raises ``WrongOrderStepError`` (life.py) and ``OrderRefusedError``."""
    step = given.step
    state = advance(order.state, step)
    if step in OF_TECHNICIAN and order.assignee_id != given.user_id:
        raise OrderRefusedError("order-not-yours")
    if step is E.CLOSE and order.done_by == given.user_id:
        raise OrderRefusedError("order-own")
    _check_fields(given)
    after = replace(_noted(order, given, kind), state=state)
    match step:
        case E.ASSIGN | E.SEND_BACK:
            after = replace(after, assignee_id=given.assignee_id or order.assignee_id)
            if after.assignee_id is None:
                raise OrderRefusedError("invalid-input", ("/assignee_id", "required"))
            if step is E.SEND_BACK:
                after = replace(after, outcome=None, done_us=None, done_by=None, is_remote=False, command_id=None)
            after = _running(after, given.at_us, clock)
        case E.REFUSE:
            after = replace(after, assignee_id=None)
        case E.START:
            after = replace(after, started_us=order.started_us or given.at_us)
        case E.HOLD if given.cause is HoldCause.CUSTOMER and order.due_us is not None:
            after = replace(after, due_us=None, left_s=clock.left_s(given.at_us, order.due_us))
        case E.RESUME:
            after = _running(after, given.at_us, clock)
        case E.FINISH:
            _check_done(after, given, kind, kept)
            after = replace(after, outcome=given.outcome, done_us=given.at_us, done_by=given.user_id)
        case E.MEND:
            if given.command_id is None:
                raise OrderRefusedError("invalid-input", ("/command_id", "required"))
            after = _running(after, given.at_us, clock)
            after = replace(
                after, outcome=OrderOutcome.MENDED, is_remote=True, command_id=given.command_id, done_us=given.at_us, done_by=given.user_id,
            )  # fmt: skip
    if state in ENDED:
        after = replace(_running(after, given.at_us, clock), ended_us=given.at_us, ended_by=given.user_id)
    return after


def is_overdue(order: Order, now_us: int) -> bool:
    """Not done by the instant it was due; a clock that stands is not over."""
    if order.due_us is None or order.state is S.CANCELLED:
        return False
    return (order.done_us or now_us) > order.due_us


def _running(order: Order, at_us: int, clock: Clock) -> Order:
    if order.left_s is None:
        return order
    return replace(order, due_us=clock.due_us(at_us, order.left_s) or at_us, left_s=None)


def _check_fields(given: Given) -> None:
    names = ("assignee_id", "cause", "answers", "parts", "labour_min", "outcome", "result", "signer", "command_id")
    knows = KNOWS.get(given.step, frozenset())
    alien = [name for name in names if getattr(given, name) is not None and name not in knows]
    if alien:
        raise OrderRefusedError("invalid-input", *((f"/{name}", "not-of-this-act") for name in alien))
    if given.step in NEED_REASON and not given.reason:
        raise OrderRefusedError("reason-needed", ("/reason", "required"))
    if given.step is E.HOLD and given.cause is None:
        raise OrderRefusedError("invalid-input", ("/cause", "required"))


def _noted(order: Order, given: Given, kind: OrderKind) -> Order:
    answers = {**order.answers, **(given.answers or {})}
    if given.answers and (fault := answer_fault(kind, given.answers)) is not None:
        raise OrderRefusedError("invalid-input", (f"/answers/{fault[0]}", fault[1]))
    return replace(
        order,
        answers=answers,
        labour_min=order.labour_min if given.labour_min is None else given.labour_min,
        result=order.result if given.result is None else given.result,
        signer=order.signer if given.signer is None else given.signer,
    )


def _check_done(order: Order, given: Given, kind: OrderKind, kept: Kept) -> None:
    faults: list[tuple[str, str]] = []
    if given.outcome is None:
        faults.append(("/outcome", "required"))
    elif given.outcome in NO_VISIT:
        faults += [("/result", "required")] if not order.result.strip() else []
        faults += [("/photos", "photo-needed")] if not kept.photos else []
    else:
        faults += [(f"/answers/{code}", "required") for code in missing(kind, order.answers)]
        faults += [("/photos", "photo-needed")] if kept.photos < kind.photos else []
        faults += [("/signer", "signature-needed")] if kind.signed and not (kept.signatures and order.signer) else []
        unrecorded = [code for code in hazards(kind, order.answers) if code not in kept.hazards]
        faults += [(f"/answers/{code}", "hazard-not-recorded") for code in unrecorded]
        if given.outcome is OrderOutcome.MENDED:
            faults += (
                [("/new_meter", "exchange-needed")] if kind.code == EXCHANGE and order.new_meter_id is None else []
            )
            faults += [("/reading", "reading-needed")] if kind.code == READING and order.reading_id is None else []
    if faults:
        raise OrderRefusedError("invalid-input", *faults)
