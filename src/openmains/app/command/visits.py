# SPDX-License-Identifier: Apache-2.0
"""What a person says of a meter that waits for a visit because days of it are missing (R6.3): nothing is to be done, or ask it once more."""

from openmains.app.command.reread_ports import EffectStore
from openmains.app.fleet.ports import MeterStore
from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.identity.reason import stated
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store
from openmains.domain.ids import MeterId


async def close_visit(store: Store, actor: Actor, meter_id: MeterId, reason: str, now_s: int) -> int:
    """Its days stay as they are. Returns how many days; raises ``not-found``, ``no-visit``, ``reason-needed``."""
    async with store.tenant(actor.tenant_id) as work:
        if await work[MeterStore].get(meter_id) is None:
            raise Problem("not-found")
        reason = stated(reason)
        days = await work[EffectStore].close(meter_id, reason, now_s)
        if not days:
            raise Problem("no-visit")
        await work[AuditTrail].record(actor, "close_visit", "meter", meter_id, None, {"days": days}, reason=reason)
        return days


async def ask_again(store: Store, actor: Actor, meter_id: MeterId, reason: str, now_s: int) -> int:
    """Its days are asked for as if nobody had asked. Raises as ``close_visit``."""
    async with store.tenant(actor.tenant_id) as work:
        if await work[MeterStore].get(meter_id) is None:
            raise Problem("not-found")
        reason = stated(reason)
        days = await work[EffectStore].again(meter_id, reason, now_s)
        if not days:
            raise Problem("no-visit")
        await work[AuditTrail].record(actor, "ask_again", "meter", meter_id, None, {"days": days}, reason=reason)
        return days
