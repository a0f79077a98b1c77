# SPDX-License-Identifier: Apache-2.0
"""Make a work order: once for its key, with its place found by the first of meter, account, premises, area that is given, with the clock of
its kind
running, and with what it is made of dispatched in the same transaction. Where its kind says so whoever fits best is sent at once."""

from datetime import datetime

from openmains.app.alarm.model import Severity
from openmains.app.alarm.ports import AlarmStore
from openmains.app.fleet.lives.acts import fingerprint
from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store, Work
from openmains.app.work_order.follow import alarm_is_sent
from openmains.app.work_order.kinds import clock_of, kind_of, settings_for
from openmains.app.work_order.model import KindSettings, NewOrder, WorkOrder
from openmains.app.work_order.ports import OrderActNote, OrderFacts, OrderPlace, OrderStore
from openmains.app.work_order.technicians import available
from openmains.app.work_order.telling import tell_assigned
from openmains.domain.ids import AlarmId, GroupId, MeterId, OrderId, UserId
from openmains.domain.work_order.assign import best, candidates
from openmains.domain.work_order.clock import minutes_s
from openmains.domain.work_order.life import OrderState
from openmains.domain.work_order.order import Order

US = 1_000_000
LONGEST_US = 366 * 86_400 * US  # a year: what is due later is a plan


async def make_order(store: Store, actor: Actor, wanted: NewOrder, now_us: int) -> WorkOrder:
    """The order. The same key with the same content is the same order, and changes nothing.

    :raises Problem: ``invalid-input`` for a kind or place that is not there, an instant that is over; ``order-key-used``; ``order-open``
    where one for this alarm or group
        is open; ``already-done`` for an alarm that is over.
    """
    asked = fingerprint(wanted)
    async with store.tenant(actor.tenant_id) as work:
        orders = work[OrderStore]
        if (there := await made_before(work, wanted.key, asked)) is not None:
            return await got(work, there, now_us)
        settings = await settings_for(work, wanted.kind)
        if settings is None or not settings.is_on:
            raise Problem("invalid-input", fields=(("/kind", "unknown-reference"),))
        severity, meter_id, area_id = await _of_alarm(work, wanted)
        place = await orders.place(meter_id, wanted.account_id, wanted.premises_id, area_id)
        if place is None:
            raise Problem("invalid-input", fields=((_where(wanted), "unknown-reference"),))
        if wanted.source == "lost_reading" and place.meter_id is None:
            raise Problem("invalid-input", fields=(("/meter_id", "required"),))
        facts = OrderFacts(
            wanted.kind, wanted.source, severity, wanted.title.strip() or _title(settings, place), wanted.what.strip(),
            wanted.reporter.strip(), wanted.alarm_id, wanted.group_id,
        )  # fmt: skip
        due_us = None if wanted.due_at is None else _due(wanted.due_at, now_us)
        order_id = await place_order(work, actor, wanted.key, asked, facts, place, settings, now_us, due_us)
        if order_id is None:  # somebody was faster: this very request, or another
            if (there := await made_before(work, wanted.key, asked)) is not None:
                return await got(work, there, now_us)
            opened = await orders.open_of(alarm_id=wanted.alarm_id, group_id=wanted.group_id)
            raise Problem("order-open", order_id="–" if opened is None else opened)
        await alarm_is_sent(work, actor, wanted.alarm_id, wanted.group_id, f"work order {order_id}", now_us)
        made = await got(work, order_id, now_us)
        await work[AuditTrail].record(actor, "make_order", "work_order", order_id, None, made)
    return made


async def made_before(work: Work, key: str, asked: str) -> OrderId | None:
    """What was done under a key. Raises ``order-key-used`` where something else was asked."""
    there = await work[OrderStore].of_key(key)
    if there is None:
        return None
    if there.asked != asked:
        raise Problem("order-key-used", taken=key, order_id=there.order_id)
    return there.order_id


async def place_order(
    work: Work, actor: Actor | None, key: str, asked: str, facts: OrderFacts, place: OrderPlace, settings: KindSettings, now_us: int,
    due_us: int | None = None, zone_key: str = "",
) -> OrderId | None:  # fmt: skip
    """The row with its first act, and whoever fits best sent where the kind says so. None: the key, or the alarm and so on, is taken.
    ``actor`` None: the platform, in ``zone_key``."""
    clock = await clock_of(work, settings, actor.zone if actor is not None else zone_key)
    if due_us is None:
        due_us = clock.due_us(now_us, minutes_s(settings.due_min))
    if due_us is None:
        raise Problem("order-never-due", kind=facts.kind)
    orders = work[OrderStore]
    user_id = None if actor is None else actor.user_id
    chosen: UserId | None = None
    if settings.sends_itself:
        kind = kind_of(facts.kind, settings)
        chosen = best(candidates(await available(work, now_us // US), kind.skill, place.path))
    order = Order(OrderState.NEW if chosen is None else OrderState.ASSIGNED, chosen, due_us, None)
    order_id = await orders.add(key, asked, facts, place, order, settings.fen_an_hour, user_id, now_us)
    if order_id is None:
        return None
    note = OrderActNote(key, asked, "make", order.state, now_us, now_us, user_id, facts={"assignee_id": chosen})
    act_id = await orders.add_act(order_id, note)
    if act_id is None:
        raise Problem("order-key-used", taken=key, order_id=order_id)
    if chosen is not None:
        held = await orders.lock(order_id)
        assert held is not None  # noqa: S101 added above
        await tell_assigned(work, held, now_us, act_id)
    return order_id


async def got(work: Work, order_id: OrderId, now_us: int) -> WorkOrder:
    """Raises ``not-found``."""
    found = await work[OrderStore].get(order_id, now_us)
    if found is None:
        raise Problem("not-found")
    return found


async def _of_alarm(work: Work, wanted: NewOrder) -> tuple[Severity, MeterId | None, int | None]:
    """How grave, at which meter, in which area; of an alarm what it says itself where nothing else is given."""
    meter_id = None if wanted.meter_id is None else MeterId(wanted.meter_id)
    given = [name for name in ("alarm_id", "group_id") if getattr(wanted, name) is not None]
    if wanted.source == "alarm" and len(given) != 1:
        raise Problem("invalid-input", fields=(("/alarm_id", "required" if not given else "not-of-this-act"),))
    if wanted.source != "alarm" and given:
        raise Problem("invalid-input", fields=((f"/{given[0]}", "not-of-this-act"),))
    if wanted.alarm_id is not None:
        alarm = await work[AlarmStore].get(AlarmId(wanted.alarm_id))
        if alarm is None:
            raise Problem("invalid-input", fields=(("/alarm_id", "unknown-reference"),))
        if meter_id is not None and meter_id != alarm.meter_id:
            raise Problem("invalid-input", fields=(("/meter_id", "not-accepted"),))
        area_id = (
            None if alarm.meter_id is not None else wanted.area_id or alarm.area_id
        )  # a node has no place but its area
        return wanted.severity or alarm.severity, alarm.meter_id, area_id
    if wanted.group_id is not None:
        group = await work[AlarmStore].group(GroupId(wanted.group_id))
        if group is None:
            raise Problem("invalid-input", fields=(("/group_id", "unknown-reference"),))
        area_id = wanted.area_id or group.area_id
        return wanted.severity or group.severity, meter_id, area_id
    return wanted.severity or "minor", meter_id, wanted.area_id


def _where(wanted: NewOrder) -> str:
    names = ("meter_id", "account_id", "premises_id", "area_id")
    return next((f"/{name}" for name in names if getattr(wanted, name) is not None), "/area_id")


def _title(settings: KindSettings, place: OrderPlace) -> str:
    return " ".join(f"{settings.title} {settings.title_en} {place.number or place.area}".split())[:100]


def _due(at: datetime, now_us: int) -> int:
    if at.tzinfo is None:
        raise Problem("invalid-input", fields=(("/due_at", "without-zone"),))
    due_us = int(at.timestamp()) * US if 1970 <= at.year <= 2100 else 0
    if not now_us < due_us <= now_us + LONGEST_US:
        raise Problem("invalid-input", fields=(("/due_at", "in-the-past" if due_us <= now_us else "out-of-range"),))
    return due_us
