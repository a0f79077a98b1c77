# SPDX-License-Identifier: Apache-2.0
"""Kinds of work orders: those that come with the program, and a utility's own in their place; the clock that each runs by."""

from msgspec import structs

from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.identity.reason import stated
from openmains.app.notice.ports import RotaStore
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store, Work
from openmains.app.work_order.model import CheckLine, KindSettings, WorkOrderKind
from openmains.app.work_order.ports import KindStore
from openmains.domain.period import zone
from openmains.domain.work_order.clock import OpenSpan, due_at
from openmains.domain.work_order.kinds import STANDARD, CheckItem, OrderKind, kind_fault
from openmains.domain.work_order.order import Clock


def settings_of(kind: OrderKind) -> KindSettings:
    """A kind of the program as a utility would set it."""
    zh, en = kind.title
    return KindSettings(
        zh, en, kind.due_min, [line_of(item) for item in kind.checklist], kind.skill, kind.signed, kind.photos
    )  # fmt: skip


def line_of(item: CheckItem) -> CheckLine:
    """An item as the API shows it."""
    return CheckLine(
        item.code, *item.title, item.answer, item.needed, item.unit, item.least, item.most, item.hazard
    )  # fmt: skip


def kind_of(code: str, settings: KindSettings) -> OrderKind:
    """What the rules ask of orders of a kind."""
    items = tuple(
        CheckItem(
            line.code, (line.title, line.title_en), line.answer, line.needed, line.unit, line.least, line.most, line.hazard
        )
        for line in settings.checklist
    )  # fmt: skip
    return OrderKind(
        code, (settings.title, settings.title_en), settings.skill, settings.due_min, items, settings.signed, settings.photos
    )  # fmt: skip


async def all_kinds(work: Work) -> list[WorkOrderKind]:
    """In the program's order, the utility's own behind."""
    own = await work[KindStore].own()
    codes = [*STANDARD, *sorted(set(own) - set(STANDARD))]
    return [
        WorkOrderKind(code, own[code] if code in own else settings_of(STANDARD[code]), code in own) for code in codes
    ]


async def settings_for(work: Work, code: str) -> KindSettings | None:
    """None: there is no such kind."""
    own = await work[KindStore].own()
    if code in own:
        return own[code]
    return settings_of(STANDARD[code]) if code in STANDARD else None


async def known_kind(work: Work, code: str) -> tuple[OrderKind, KindSettings]:
    """Of an order that is there: what a kind that is gone asked for is asked no more."""
    settings = await settings_for(work, code) or KindSettings(code, code, 1)
    return kind_of(code, settings), settings


async def clock_of(work: Work, settings: KindSettings, actor_zone: str) -> Clock:
    """The calendar of a kind. A calendar that is gone counts no hours: all time does, so that nothing is due later than it would be."""
    if settings.calendar_id is None:
        return Clock((), zone(actor_zone))
    found = [one for one in await work[RotaStore].calendars() if one.calendar_id == settings.calendar_id]
    spans = [
        OpenSpan(frozenset(shift.weekdays), shift.since, shift.until) for calendar in found for shift in calendar.shifts
    ]
    return Clock(spans, zone(actor_zone))


async def set_kind(
    store: Store, actor: Actor, code: str, settings: KindSettings, reason: str, now_us: int
) -> WorkOrderKind:
    """The utility's own, in place of the program's of the same code. Orders that are open are asked for by it from now on.

    :raises Problem: ``reason-needed``; ``invalid-input`` for a checklist that is none, a calendar that is not there or is never open so long.
    """
    why = stated(reason)
    fault = kind_fault(kind_of(code, settings))
    if fault is not None:
        raise Problem("invalid-input", fields=(fault,))
    async with store.tenant(actor.tenant_id) as work:
        if settings.calendar_id is not None:
            known = {one.calendar_id for one in await work[RotaStore].calendars()}
            if settings.calendar_id not in known:
                raise Problem("invalid-input", fields=(("/calendar_id", "unknown-reference"),))
            clock = await clock_of(work, settings, actor.zone)
            if due_at(clock.spans, clock.zone, now_us // 1_000_000, settings.due_min * 60) is None:
                raise Problem("invalid-input", fields=(("/due_min", "out-of-range"),))
        before = await settings_for(work, code)
        await work[KindStore].set(code, settings, actor.user_id, now_us)
        await work[AuditTrail].record(actor, "set_order_kind", "work_order_kind", code, before, settings, reason=why)
    return WorkOrderKind(code, settings, is_own=True)


async def drop_kind(store: Store, actor: Actor, code: str, reason: str) -> None:
    """The program's again, or none. Raises ``not-found``, ``reason-needed``; ``order-kind-used`` where orders or plans have it."""
    async with store.tenant(actor.tenant_id) as work:
        own = await work[KindStore].own()
        if code not in own:
            raise Problem("not-found")
        why = stated(reason)
        if code not in STANDARD and await work[KindStore].is_used(code):
            raise Problem("order-kind-used", kind=code)
        await work[KindStore].drop(code)
        await work[AuditTrail].record(
            actor, "drop_order_kind", "work_order_kind", code, structs.asdict(own[code]), None, reason=why
        )
