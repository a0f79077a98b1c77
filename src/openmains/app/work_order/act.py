# SPDX-License-Identifier: Apache-2.0
"""One step of a work order: once for its key, decided by ``domain/work_order/order.py`` on what is locked, written with what follows from it
– parts,
the alarm, days that were missing, a hazard, a notice to whoever is sent – in one transaction.

A repeat of a key answers with the order as it is now and changes nothing: a phone without a network may send its queue as often as it likes.
"""

from datetime import datetime

from msgspec import to_builtins

from openmains.app.command.ports import CommandStore
from openmains.app.fleet.lives.acts import fingerprint
from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.identity.reason import stated
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store, Work
from openmains.app.work_order.follow import order_has_ended, order_is_sent
from openmains.app.work_order.kinds import clock_of, known_kind
from openmains.app.work_order.make import got
from openmains.app.work_order.model import OrderAct, WorkOrder
from openmains.app.work_order.ports import HeldOrder, OrderActNote, OrderStore
from openmains.app.work_order.recheck import look_again
from openmains.app.work_order.technicians import available
from openmains.app.work_order.telling import tell_assigned
from openmains.domain.command.life import State
from openmains.domain.ids import CommandId, OrderId, UserId
from openmains.domain.work_order.assign import candidates
from openmains.domain.work_order.kinds import OrderKind, is_mended_by
from openmains.domain.work_order.life import (
    ENDED,
    STATE_WORDS,
    STEP_WORDS,
    OrderStep,
    WrongOrderStepError,
    needs_reason,
)
from openmains.domain.work_order.order import Given, OrderRefusedError, judged_us, stepped

US = 1_000_000
AHEAD_US = 300 * US  # a phone's clock may be ahead by so much; what it says is then now
_GIVEN = frozenset({OrderStep.ASSIGN, OrderStep.SEND_BACK})


async def act_on_order(store: Store, actor: Actor, order_id: OrderId, wanted: OrderAct, now_us: int) -> WorkOrder:
    """The order as it is then.

    :raises Problem: ``not-found``; ``order-step`` with the state for a step that the table refuses; ``order-not-yours``, ``order-own``;
    ``reason-needed``;
        ``technician-unfit`` for somebody who is sent outside skill or place without a reason; ``command-not-confirmed``;
        ``order-needs-visit`` for a command that does not mend such an order; ``order-key-used``;
        ``invalid-input``.
    """
    asked = fingerprint(wanted)
    async with store.tenant(actor.tenant_id) as work:
        held = await lock_order(work, order_id)
        if await is_done_before(work, order_id, wanted.key, asked):
            return await got(work, order_id, now_us)
        kind, settings = await known_kind(work, held.facts.kind)
        reason = (
            stated(wanted.reason) if needs_reason(held.order.state, wanted.step) else " ".join(wanted.reason.split())
        )
        acted_us = instant_of_act(wanted.at, held.made_us, now_us)
        if wanted.step is not OrderStep.NOTE:
            acted_us = _in_order(acted_us, held, is_told=wanted.at is not None)
        await _check(work, held, wanted, kind, reason, now_us)
        given = Given(
            wanted.step, actor.user_id, judged_us(acted_us, now_us, judged_us(held.last.acted_us, held.last.at_us)), reason,
            None if wanted.assignee_id is None else UserId(wanted.assignee_id), wanted.cause, wanted.answers,
            None if wanted.parts is None else len(wanted.parts), wanted.labour_min, wanted.outcome, wanted.result, wanted.signer,
            None if wanted.command_id is None else CommandId(wanted.command_id),
        )  # fmt: skip
        before = await got(work, order_id, now_us)
        try:
            after = stepped(held.order, given, kind, held.kept, await clock_of(work, settings, actor.zone))
        except WrongOrderStepError as error:
            raise wrong_step(error) from error
        except OrderRefusedError as error:
            raise Problem(error.code, fields=error.fields) from error
        await work[OrderStore].write(order_id, after)
        note = OrderActNote(
            wanted.key, asked, wanted.step.value, after.state, now_us, acted_us, actor.user_id, reason, _told(wanted)
        )  # fmt: skip
        act_id = await noted(work, order_id, note)
        if wanted.parts:
            await work[OrderStore].add_parts(order_id, act_id, wanted.parts)
        now_held = await lock_order(work, order_id)
        if wanted.step in _GIVEN:
            await tell_assigned(work, now_held, now_us, act_id)
            await order_is_sent(work, actor, now_held, now_us)
        if after.state in ENDED:
            await order_has_ended(work, actor, now_held, after.state, now_us)
            await look_again(work, actor, now_held, now_us)
        done = await got(work, order_id, now_us)
        await work[AuditTrail].record(
            actor, f"{wanted.step}_order", "work_order", order_id, before, done, reason=reason
        )  # fmt: skip
    return done


async def lock_order(work: Work, order_id: OrderId) -> HeldOrder:
    """Raises ``not-found``."""
    held = await work[OrderStore].lock(order_id)
    if held is None:
        raise Problem("not-found")
    return held


async def is_done_before(work: Work, order_id: OrderId, key: str, asked: str) -> bool:
    """Whether this very act was done. Raises ``order-key-used`` where the key is that of another."""
    there = await work[OrderStore].of_key(key)
    if there is None:
        return False
    if (there.order_id, there.asked) != (order_id, asked):
        raise Problem("order-key-used", taken=key, order_id=there.order_id)
    return True


async def noted(work: Work, order_id: OrderId, note: OrderActNote) -> int:
    """The act's row. Raises ``order-key-used`` where another order's act was faster."""
    act_id = await work[OrderStore].add_act(order_id, note)
    if act_id is None:
        raise Problem("order-key-used", taken=note.key, order_id="–")
    return act_id


def instant_of_act(at: datetime | None, made_us: int, now_us: int) -> int:
    """When an act was done, µs: now, or as the phone says. Raises ``invalid-input`` for before the order or what is yet to come."""
    if at is None:
        return now_us
    if at.tzinfo is None:
        raise Problem("invalid-input", fields=(("/at", "without-zone"),))
    acted_us = int(at.timestamp() * US) if 1970 < at.year <= 2100 else 0
    if acted_us > now_us + AHEAD_US:
        raise Problem("invalid-input", fields=(("/at", "in-the-future"),))
    if acted_us < made_us - AHEAD_US:
        raise Problem("invalid-input", fields=(("/at", "before-the-order"),))
    return max(made_us, min(acted_us, now_us))


def _in_order(acted_us: int, held: HeldOrder, *, is_told: bool) -> int:
    """A phone sends its steps as they were done: none was before the one before it, beyond what clocks differ by."""
    if is_told and acted_us < held.last.acted_us - AHEAD_US:
        raise Problem("invalid-input", fields=(("/at", "before-the-last-act"),))
    return max(acted_us, held.last.acted_us)


def wrong_step(error: WrongOrderStepError) -> Problem:
    """In people's words."""
    return Problem("order-step", state=STATE_WORDS[error.state], step=STEP_WORDS[error.step])


async def _check(work: Work, held: HeldOrder, wanted: OrderAct, kind: OrderKind, reason: str, now_us: int) -> None:
    if wanted.assignee_id is not None and wanted.step in _GIVEN:
        there = await available(work, now_us // US)
        found = candidates(there, kind.skill, held.place.path)
        judged = next((one for one in found if one.user_id == wanted.assignee_id), None)
        if judged is None:
            raise Problem("invalid-input", fields=(("/assignee_id", "no-technician"),))
        if judged.unfit and not reason:
            raise Problem("technician-unfit", fields=(("/reason", "required"),), why=", ".join(judged.unfit))
    if wanted.step is OrderStep.MEND and wanted.command_id is not None:
        command = await work[CommandStore].get(CommandId(wanted.command_id))
        if command is None or held.place.meter_id is None or command.meter_id != held.place.meter_id:
            raise Problem("invalid-input", fields=(("/command_id", "unknown-reference"),))
        is_after = command.ended_at is not None and command.ended_at.timestamp() * US >= held.made_us
        if command.state is not State.CONFIRMED or not is_after:
            raise Problem("command-not-confirmed", command_id=command.command_id)
        # A kind of a utility's own may be planned too: what a plan or a hazard asked for is a look at the place.
        is_look = held.facts.plan_id is not None or held.facts.hazard_id is not None
        if is_look or not is_mended_by(kind, command.kind):
            raise Problem("order-needs-visit", kind=kind.title, command=command.kind)


def _told(wanted: OrderAct) -> dict[str, object]:
    """What an act was asked with, as its row keeps it."""
    kept: dict[str, object] = to_builtins(wanted)
    return {
        name: value for name, value in kept.items() if value not in (None, "") and name not in ("key", "step", "reason")
    }
