# SPDX-License-Identifier: Apache-2.0
"""A plan's life: drafted, approved or rejected by another person, withdrawn before its day. What was drafted is never changed: who wants
something else drafts another plan.

Bills rest on plans, so none begins before today once another one is in force, and none before the newest that was approved.
"""

from collections.abc import Sequence

from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.identity.reason import stated
from openmains.app.problems import Problem
from openmains.app.tariff.document import day_of, plan_of, sound_plan
from openmains.app.tariff.model import Medium, PlanDocument, PlanState, Tariff, TariffPlan
from openmains.app.tariff.ports import TariffStore
from openmains.app.unit_of_work import Store, Work
from openmains.domain.identity.permission import PERMISSIONS, Permission
from openmains.domain.period import day_text
from openmains.domain.tariff.plan import CustomerClass, Plan


def exact_plan(tariff: Tariff, plan: TariffPlan) -> Plan:
    """A stored plan as the kernel bills with it."""
    day = day_of(plan.from_day, "/from_day")
    return plan_of(plan.document, tariff.medium, tariff.customer_class, plan.number, day)


def approved(plans: Sequence[TariffPlan]) -> list[TariffPlan]:
    """Those that hold from their day on, by day."""
    return sorted((plan for plan in plans if plan.state == "approved"), key=lambda plan: plan.from_day)


def in_force(plans: Sequence[TariffPlan], day: str) -> TariffPlan | None:
    """The plan that holds on a day."""
    found = [plan for plan in approved(plans) if plan.from_day <= day]
    return found[-1] if found else None


async def tariff_of(work: Work, tariff_id: int, today: int, *, counted: bool = False) -> Tariff:
    """``counted``: with how many members it has. Raises ``not-found``."""
    found = await work[TariffStore].get(tariff_id, today, counted=counted)
    if found is None:
        raise Problem("not-found")
    return found


async def create_tariff(
    store: Store,
    actor: Actor,
    code: str,
    name: str,
    medium: Medium,
    customer_class: CustomerClass,
    today: int,
    now_us: int,
) -> Tariff:
    """A tariff without plans. Raises ``tariff-code-taken``."""
    async with store.tenant(actor.tenant_id) as work:
        tariff_id = await work[TariffStore].add(code, name, medium, customer_class, now_us)
        if tariff_id is None:
            raise Problem("tariff-code-taken", taken=code)
        made = await tariff_of(work, tariff_id, today, counted=True)
        await work[AuditTrail].record(actor, "create_tariff", "tariff", tariff_id, None, made)
    return made


async def draft_plan(
    store: Store,
    actor: Actor,
    tariff_id: int,
    from_day: str,
    document: PlanDocument,
    reason: str,
    today: int,
    now_us: int,
) -> TariffPlan:
    """The plan as a draft, with what is odd about it told by ``doubts``.

    :raises Problem: ``not-found``, ``reason-needed``, ``invalid-input`` with the places that are wrong.
    """
    why = stated(reason)
    async with store.tenant(actor.tenant_id) as work:
        await work[TariffStore].lock(tariff_id)
        tariff = await tariff_of(work, tariff_id, today)
        plans = await work[TariffStore].plans(tariff_id)
        day = day_of(from_day, "/from_day")
        wanted = plan_of(document, tariff.medium, tariff.customer_class, len(plans) + 1, day, "/document")
        last = approved(plans)
        sound_plan(wanted, exact_plan(tariff, last[-1]) if last else None, "/document")
        _begins_in_time(day, today, bool(last))
        plan_id = await work[TariffStore].add_plan(tariff_id, day, document, why, actor.user_id, now_us)
        made = await _plan(work, plan_id)
        await work[AuditTrail].record(actor, "draft_plan", "tariff_plan", plan_id, None, made, reason=why)
    return made


async def approve_plan(store: Store, actor: Actor, plan_id: int, reason: str, today: int, now_us: int) -> TariffPlan:
    """Another person agrees: the plan holds from its day on.

    :raises Problem: ``not-found``, ``reason-needed``, ``already-done``, ``own-plan``, ``simulate-first``, ``invalid-input`` where
        another plan was approved or the day passed meanwhile.
    """
    why = stated(reason)
    async with store.tenant(actor.tenant_id) as work:
        before = await _held(work, plan_id)
        if before.state != "draft":
            raise Problem("already-done", state=before.state)
        if before.author_id == actor.user_id:
            raise Problem("own-plan", plan_id=plan_id)
        tariff = await tariff_of(work, before.tariff_id, today)
        plans = await work[TariffStore].plans(before.tariff_id)
        last = approved(plans)
        sound_plan(exact_plan(tariff, before), exact_plan(tariff, last[-1]) if last else None, "/document")
        _begins_in_time(day_of(before.from_day, "/from_day"), today, bool(last))
        is_change = in_force(plans, day_text(today)) is not None
        if is_change and before.simulation is None and await work[TariffStore].has_members(before.tariff_id, today):
            raise Problem("simulate-first", plan_id=plan_id)
        return await _decided(work, actor, before, "approved", "approve_plan", why, now_us)


async def reject_plan(store: Store, actor: Actor, plan_id: int, reason: str, today: int, now_us: int) -> TariffPlan:
    """A draft rejected, or an approved plan withdrawn before its day by an administrator: it never holds.

    The newest approved plan is withdrawn first: the next one was found sound as what follows this one.

    :raises Problem: ``not-found``, ``reason-needed``, ``already-done``, ``not-allowed``, ``plan-in-force``, ``later-plan-approved``.
    """
    why = stated(reason)
    async with store.tenant(actor.tenant_id) as work:
        before = await _held(work, plan_id)
        if before.state == "draft":
            return await _decided(work, actor, before, "rejected", "reject_plan", why, now_us)
        if before.state != "approved":
            raise Problem("already-done", state=before.state)
        if not actor.may(Permission.APPROVE_TARIFFS):
            words = PERMISSIONS[Permission.APPROVE_TARIFFS]
            raise Problem("not-allowed", needed=(words.zh, words.en))
        if before.from_day <= day_text(today):
            raise Problem("plan-in-force", from_day=before.from_day)
        later = [
            plan
            for plan in approved(await work[TariffStore].plans(before.tariff_id))
            if plan.from_day > before.from_day
        ]
        if later:
            raise Problem("later-plan-approved", number=later[-1].number, from_day=later[-1].from_day)
        return await _decided(work, actor, before, "withdrawn", "withdraw_plan", why, now_us)


def _begins_in_time(day: int, today: int, is_change: bool) -> None:
    if is_change and day <= today:
        raise Problem("invalid-input", fields=(("/from_day", "not-after-today"),))


async def _plan(work: Work, plan_id: int) -> TariffPlan:
    found = await work[TariffStore].plan(plan_id)
    if found is None:
        raise Problem("not-found")
    return found


async def _held(work: Work, plan_id: int) -> TariffPlan:
    found = await _plan(work, plan_id)
    await work[TariffStore].lock(found.tariff_id)
    return await _plan(work, plan_id)


async def _decided(
    work: Work, actor: Actor, before: TariffPlan, state: PlanState, action: str, why: str, now_us: int
) -> TariffPlan:
    await work[TariffStore].decide(before.plan_id, state, actor.user_id, why, now_us)
    after = await _plan(work, before.plan_id)
    trail = work[AuditTrail]
    told = {"state": before.state}, {"state": state, "number": before.number, "from_day": before.from_day}
    if action == "approve_plan":
        await trail.record(actor, "approve_plan", "tariff_plan", before.plan_id, *told, reason=why)
    else:
        await trail.record(
            actor,
            "reject_plan" if state == "rejected" else "withdraw_plan",
            "tariff_plan",
            before.plan_id,
            *told,
            reason=why,
        )
    return after
