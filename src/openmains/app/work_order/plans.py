# SPDX-License-Identifier: Apache-2.0
"""Plans of safety inspections, what the worker makes of them each day, and how customers are told of hazards (R8.6)."""

from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.identity.reason import stated
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store, Work
from openmains.app.work_order.fieldwork import got_hazard
from openmains.app.work_order.hazard_model import Hazard, HazardNotice, InspectionPlan, PlanSettings
from openmains.app.work_order.kinds import settings_for
from openmains.app.work_order.make import place_order
from openmains.app.work_order.ports import InspectionStore, OrderFacts, OrderStore, OrderWork
from openmains.app.work_order.telling import tell_overdue
from openmains.domain.ids import HazardId, PlanId, TenantId
from openmains.domain.period import Zone, date_to_day, day_to_date, months_later, zone
from openmains.domain.work_order.inspection import RETRY_DAYS, HazardState, next_due

US = 1_000_000
AT_ONCE = 100  # orders of one transaction


async def add_plan(store: Store, actor: Actor, settings: PlanSettings, reason: str, now_us: int) -> InspectionPlan:
    """Raises ``reason-needed``, ``plan-name-taken``; ``invalid-input`` for an area or kind that is not there."""
    why = stated(reason)
    async with store.tenant(actor.tenant_id) as work:
        await _check(work, settings)
        plan_id = await work[InspectionStore].add_plan(settings, actor.user_id, now_us)
        if plan_id is None:
            raise Problem("plan-name-taken", name=settings.name)
        made = await got_plan(work, plan_id)
        await work[AuditTrail].record(actor, "add_inspection_plan", "inspection_plan", plan_id, None, made, reason=why)
    return made


async def change_plan(
    store: Store, actor: Actor, plan_id: PlanId, settings: PlanSettings, reason: str, now_us: int
) -> InspectionPlan:
    """All of it; orders that are made stay. Raises ``not-found`` and as ``add_plan``."""
    why = stated(reason)
    async with store.tenant(actor.tenant_id) as work:
        before = await got_plan(work, plan_id)
        await _check(work, settings)
        if not await work[InspectionStore].change_plan(plan_id, settings, actor.user_id, now_us):
            raise Problem("plan-name-taken", name=settings.name)
        after = await got_plan(work, plan_id)
        await work[AuditTrail].record(
            actor, "change_inspection_plan", "inspection_plan", plan_id, before, after, reason=why
        )  # fmt: skip
    return after


async def got_plan(work: Work, plan_id: PlanId) -> InspectionPlan:
    """Raises ``not-found``."""
    found = await work[InspectionStore].plans(plan_id)
    if not found:
        raise Problem("not-found")
    return found[0]


async def note_notice(store: Store, actor: Actor, hazard_id: HazardId, notice: HazardNotice, now_us: int) -> Hazard:
    """The customer was told, or would not be. The same again changes nothing. Raises ``not-found``, ``hazard-told``."""
    today = day_to_date(zone(actor.zone).day_of(now_us // US))
    async with store.tenant(actor.tenant_id) as work:
        before = await got_hazard(work, hazard_id, today, lock=True)
        if before.notice_means is not None or before.state is HazardState.REMOVED:
            if (before.notice_means, before.notice_to) == (notice.means, notice.to):
                return before
            raise Problem("hazard-told", means=before.notice_means or "–", to=before.notice_to or "–")
        await work[InspectionStore].note_notice(hazard_id, notice, actor.user_id, now_us)
        after = await got_hazard(work, hazard_id, today)
        await work[AuditTrail].record(actor, "tell_of_hazard", "hazard", hazard_id, before, after)
    return after


async def make_due(store: Store, tenant_id: TenantId, zone_key: str, now_us: int) -> int:
    """Orders of what is due by a tenant's plans, as many as each allows in a day; how many were made. A plan that has no more for
    the day is not looked through again before the next."""
    made, today = 0, zone(zone_key).day_of(now_us // US)
    async with store.tenant(tenant_id) as work:
        plans = await work[InspectionStore].plans_to_look(today)
    for plan in plans:
        while count := await _make_some(store, tenant_id, plan, zone(zone_key), now_us):
            made += count
    return made


async def _make_some(store: Store, tenant_id: TenantId, plan: InspectionPlan, place_zone: Zone, now_us: int) -> int:
    settings, today = plan.settings, place_zone.day_of(now_us // US)
    if today < date_to_day(settings.begins_on):
        return 0
    async with store.tenant(tenant_id) as work:
        inspections = work[InspectionStore]
        kind = await settings_for(work, settings.kind)
        room = settings.a_day - await inspections.made_on(plan.plan_id, place_zone.start_of(today) * US)
        if kind is None or not kind.is_on:
            return 0
        if room <= 0:
            await inspections.note_looked(plan.plan_id, today)
            return 0
        # A few days more than a month's end can hide; ``next_due`` has the last word.
        before_us = place_zone.start_of(months_later(today, -settings.months) + 4) * US
        tried_us = place_zone.start_of(today - RETRY_DAYS + 1) * US
        made = 0
        found = await inspections.due(plan, before_us, tried_us, min(room, AT_ONCE))
        if len(found) < min(room, AT_ONCE):
            await inspections.note_looked(plan.plan_id, today)
        for due in found:
            days = [None if at is None else place_zone.day_of(at // US) for at in (due.inspected_us, due.tried_us)]
            if next_due(days[0], days[1], date_to_day(settings.begins_on), settings.months) > today:
                continue
            place = await work[OrderStore].place(None, due.account_id, None, None)
            if place is None:
                continue
            title = f"{kind.title} {kind.title_en} {place.address or place.area}"[:100]
            facts = OrderFacts(settings.kind, "inspection", "minor", title, settings.name, "", plan_id=plan.plan_id)
            key = f"plan {plan.plan_id} {due.account_id} {today}"  # with spaces: no key of a caller
            if await place_order(work, None, key, key, facts, place, kind, now_us, zone_key=place_zone.key) is not None:
                made += 1
        return made


async def tell_of_overdue(store: Store, care: OrderWork, now_us: int) -> int:
    """Whoever is concerned is told once of each order that was not done in time; of how many."""
    told = 0
    for tenant_id in await care.with_overdue(now_us):
        while True:
            async with store.tenant(tenant_id) as work:
                late = await work[OrderStore].overdue(now_us, AT_ONCE)
                for held in late:
                    await tell_overdue(work, held, now_us)
                await work[OrderStore].note_told([held.order_id for held in late], now_us)
            told += len(late)
            if len(late) < AT_ONCE:
                break
    return told


async def _check(work: Work, settings: PlanSettings) -> None:
    if await work[OrderStore].place(None, None, None, settings.area_id) is None:
        raise Problem("invalid-input", fields=(("/area_id", "unknown-reference"),))
    if await settings_for(work, settings.kind) is None:
        raise Problem("invalid-input", fields=(("/kind", "unknown-reference"),))
