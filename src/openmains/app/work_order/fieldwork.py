# SPDX-License-Identifier: Apache-2.0
"""What a technician brings from the place beside answers and pictures: the exchange of a meter, a reading, hazards.

The meter and the reading go into the book by the book's own acts (``app/fleet/lives/acts.py``, ``app/readings/manual/take.py``), which are
done once for their key or instant; the order notes them afterwards. A crash in between leaves an act of the book that the order does not
show yet, and the same request again shows it, even where the order has moved on: what the book has is shown, not asked for again.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date

from openmains.app.fleet.lives.acts import LifeActs, done_before, fingerprint
from openmains.app.fleet.lives.model import ExchangeRequest
from openmains.app.fleet.lives.ports import LifeStore
from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.problems import Problem
from openmains.app.readings.manual.model import ManualReading
from openmains.app.unit_of_work import Store, Work
from openmains.app.work_order.act import instant_of_act, is_done_before, lock_order, noted
from openmains.app.work_order.hazard_model import Hazard, NewHazard
from openmains.app.work_order.kinds import known_kind
from openmains.app.work_order.make import got
from openmains.app.work_order.model import WorkOrder
from openmains.app.work_order.ports import HeldOrder, InspectionStore, OrderActNote, OrderStore
from openmains.app.work_order.recheck import place_recheck
from openmains.domain.ids import HazardId, MeterId, OrderId
from openmains.domain.period import day_to_date, zone
from openmains.domain.work_order.inspection import REMOVAL_DAYS, HazardGrade
from openmains.domain.work_order.kinds import EXCHANGE
from openmains.domain.work_order.life import STATE_WORDS, OrderState


async def exchange_meter(
    store: Store, acts: LifeActs, actor: Actor, order_id: OrderId, wanted: ExchangeRequest, now_us: int
) -> WorkOrder:
    """Through the book's own exchange. Raises as it, and ``not-found``, ``order-not-working``, ``order-not-yours``, ``order-other-meter``."""
    asked = fingerprint(wanted)
    async with store.tenant(actor.tenant_id) as work:
        held = await lock_order(work, order_id)
        if await is_done_before(work, order_id, wanted.key, asked):
            return await got(work, order_id, now_us)
        if not await done_before(work, wanted.key, asked):
            _check_working(held, actor)
        if held.facts.kind != EXCHANGE:
            raise Problem("order-other-kind", kind=held.facts.kind)
        found = await work[LifeStore].find(wanted.old.number, wanted.old.bar_code)
        if held.place.meter_id is not None and found != [held.place.meter_id]:
            raise Problem("order-other-meter", number=held.place.number, given=wanted.old.number or wanted.old.bar_code)
    life = await acts.exchange(wanted)

    async def set_meter(work: Work, held: HeldOrder) -> None:
        await work[OrderStore].write(order_id, replace(held.order, new_meter_id=MeterId(life.meter_id)))

    note = OrderActNote(
        wanted.key, asked, "exchange", held.order.state, now_us, now_us, actor.user_id, wanted.reason, {"new_meter_id": life.meter_id}
    )  # fmt: skip
    return await _note_book(store, actor, order_id, note, "exchange_for_order", set_meter, now_us)


async def take_reading(
    store: Store,
    take: Callable[[MeterId], Awaitable[ManualReading]],
    is_taken: Callable[[Work, MeterId], Awaitable[bool]],
    actor: Actor,
    order_id: OrderId,
    key: str,
    asked: str,
    now_us: int,
) -> WorkOrder:
    """``take``: enters it into the ledger of manual readings, once; ``is_taken``: whether this person's is there.

    Raises as it, and as ``exchange_meter``."""  # fmt: skip
    async with store.tenant(actor.tenant_id) as work:
        held = await lock_order(work, order_id)
        if await is_done_before(work, order_id, key, asked):
            return await got(work, order_id, now_us)
        meter_id = held.place.meter_id
        if meter_id is None or held.order.started_us is None or not await is_taken(work, meter_id):
            _check_working(held, actor)
        if meter_id is None:
            raise Problem("order-without-meter")
    reading = await take(meter_id)

    async def set_reading(work: Work, held: HeldOrder) -> None:
        await work[OrderStore].write(order_id, replace(held.order, reading_id=reading.reading_id))

    note = OrderActNote(
        key, asked, "reading", held.order.state, now_us, now_us, actor.user_id, facts={"reading_id": reading.reading_id}
    )  # fmt: skip
    return await _note_book(store, actor, order_id, note, "reading_for_order", set_reading, now_us)


async def record_hazard(store: Store, actor: Actor, order_id: OrderId, wanted: NewHazard, now_us: int) -> Hazard:
    """A hazard of the place, with the day by whose end it is to be removed and an order to look again. The same key again is the same hazard.

    :raises Problem: ``not-found``, ``order-not-working``, ``order-not-yours``, ``order-key-used``; ``hazard-not-shut`` for a critical one
    whose supply was left on;
        ``invalid-input`` for an item that the checklist does not have.
    """  # fmt: skip
    asked = fingerprint(wanted)
    today = day_to_date(zone(actor.zone).day_of(now_us // 1_000_000))
    async with store.tenant(actor.tenant_id) as work:
        held = await lock_order(work, order_id)
        inspections = work[InspectionStore]
        if (there := await inspections.hazard_of_key(wanted.key)) is not None:
            if there[1] != asked:
                raise Problem("order-key-used", taken=wanted.key, order_id=order_id)
            return await got_hazard(work, there[0], today)
        _check_working(held, actor)
        kind, _ = await known_kind(work, held.facts.kind)
        if wanted.item and wanted.item not in {item.code for item in kind.checklist}:
            raise Problem("invalid-input", fields=(("/item", "unknown-item"),))
        if wanted.grade is HazardGrade.CRITICAL and not wanted.is_shut:
            raise Problem("hazard-not-shut", fields=(("/is_shut", "required"),))
        found_us = instant_of_act(wanted.at, held.made_us, now_us)
        until = zone(actor.zone).day_of(found_us // 1_000_000) + REMOVAL_DAYS[wanted.grade]
        hazard_id = await inspections.add_hazard(order_id, wanted, asked, until, found_us, actor.user_id)
        if hazard_id is None:
            raise Problem("order-key-used", taken=wanted.key, order_id=order_id)
        act = OrderActNote(
            f"hazard {wanted.key}", asked, "hazard", held.order.state, now_us, found_us, actor.user_id, facts={"hazard_id": hazard_id}
        )  # fmt: skip
        await noted(work, order_id, act)
        hazard = await got_hazard(work, hazard_id, today)
        await place_recheck(work, actor, hazard, held.place, until, f"recheck {hazard_id}", now_us)
        after = await got_hazard(work, hazard_id, today)
        await work[AuditTrail].record(actor, "record_hazard", "hazard", hazard_id, None, after)
    return after


async def got_hazard(work: Work, hazard_id: HazardId, today: date, *, lock: bool = False) -> Hazard:
    """Raises ``not-found``."""
    found = await work[InspectionStore].hazard(hazard_id, today=today, lock=lock)
    if found is None:
        raise Problem("not-found")
    return found


async def _note_book(
    store: Store, actor: Actor, order_id: OrderId, note: OrderActNote, action: str, write: Callable[[Work, HeldOrder], Awaitable[None]],
    now_us: int,
) -> WorkOrder:  # fmt: skip
    """What the book has, as the order shows it."""
    async with store.tenant(actor.tenant_id) as work:
        held = await lock_order(work, order_id)
        if not await is_done_before(work, order_id, note.key, note.asked):
            before = await got(work, order_id, now_us)
            await write(work, held)
            await noted(work, order_id, note)
            after = await got(work, order_id, now_us)
            if action == "exchange_for_order":
                await work[AuditTrail].record(
                    actor, "exchange_for_order", "work_order", order_id, before, after, reason=note.reason
                )
            else:
                await work[AuditTrail].record(actor, "reading_for_order", "work_order", order_id, before, after)
        return await got(work, order_id, now_us)


def _check_working(held: HeldOrder, actor: Actor) -> None:
    if held.order.state is not OrderState.WORKING:
        raise _not_working(held)
    if held.order.assignee_id != actor.user_id:
        raise Problem("order-not-yours")


def _not_working(held: HeldOrder) -> Problem:
    return Problem("order-not-working", state=STATE_WORDS[held.order.state])
