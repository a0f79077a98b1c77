# SPDX-License-Identifier: Apache-2.0
"""Who goes out: users with skills and places; whoever is absent by the notices' own word is away here too."""

from dataclasses import replace

from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.notice.ports import RotaStore
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store, Work
from openmains.app.work_order.kinds import known_kind
from openmains.app.work_order.model import OrderCandidate, TechnicianRecord, TechnicianSettings
from openmains.app.work_order.ports import OrderStore, TechnicianStore
from openmains.domain.ids import OrderId, UserId
from openmains.domain.work_order.assign import Technician, candidates


async def available(work: Work, now_s: int) -> list[Technician]:
    """Technicians in service, with who is away now."""
    absences = (await work[RotaStore].persons_told()).absences
    return [
        replace(one, is_away=any(away.from_s <= now_s < away.until_s for away in absences.get(one.user_id, ())))
        for one in await work[TechnicianStore].in_service()
    ]


async def candidates_for(work: Work, order_id: OrderId, now_us: int) -> list[OrderCandidate]:
    """Everybody who may be sent, those who fit first. Raises ``not-found``."""
    held = await work[OrderStore].read(order_id)
    if held is None:
        raise Problem("not-found")
    kind, _ = await known_kind(work, held.facts.kind)
    names = {one.user_id: one.name for one in await work[TechnicianStore].all()}
    found = candidates(await available(work, now_us // 1_000_000), kind.skill, held.place.path)
    return [
        OrderCandidate(one.user_id, names.get(one.user_id, ""), one.open_orders, list(one.unfit)) for one in found
    ]  # fmt: skip


async def set_technician(store: Store, actor: Actor, user_id: UserId, settings: TechnicianSettings) -> TechnicianRecord:
    """What a user is sent for. Raises ``not-found``; ``invalid-input`` for areas that are not there, a user who may only look."""
    async with store.tenant(actor.tenant_id) as work:
        technicians = work[TechnicianStore]
        if not await technicians.is_user(user_id):
            raise Problem("not-found")
        unknown = set(settings.area_ids) - await technicians.known_areas(settings.area_ids)
        if unknown:
            raise Problem("invalid-input", fields=(("/area_ids", "unknown-reference"),))
        before = await technicians.get(user_id)
        await technicians.set(user_id, settings)
        after = await technicians.get(user_id)
        assert after is not None  # noqa: S101 written above
        await work[AuditTrail].record(actor, "set_technician", "user", user_id, before, after)
    return after
