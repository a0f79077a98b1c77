# SPDX-License-Identifier: Apache-2.0
"""The act that ends a safety closing: two persons say that the site was inspected (R4.8).

The signer decides, in its own ledger; what stands here is for people to see. Nothing is sent: the meter opens by its key on the
spot, and only then, or when it is told so, can its valve be opened again.
"""

from openmains.app.command.model import SafetyClosing, SiteInspection
from openmains.app.command.ports import CommandStore
from openmains.app.command.signing import lift
from openmains.app.command.signing_ports import Signer
from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store, Work
from openmains.domain.command.life import SENDABLE, State
from openmains.domain.ids import MeterId

_UNDER_WAY = SENDABLE - {State.ASKING}
"""A frame of it may still be applied by the meter: in ``asking`` its validity is over."""


async def inspect_site(
    store: Store, signer: Signer | None, actor: Actor, meter_id: MeterId, said: SiteInspection, now_us: int
) -> SafetyClosing:
    """Raises ``not-found`` where nothing stands, ``safety-closing-under-way`` while its command may still close the valve, and what the
    signer says of the two persons."""
    async with store.tenant(actor.tenant_id) as work:
        standing = await _standing(work, meter_id)
    if standing.state in _UNDER_WAY:
        raise Problem("safety-closing-under-way", command=standing.command_id or 0)
    await lift(signer, actor, meter_id, said.note, said.inspector, said.approver)
    async with store.tenant(actor.tenant_id) as work:
        lifted = await work[CommandStore].lift_closing(
            meter_id, said.inspector.login, said.approver.login, said.note, now_us
        )
        if lifted is None:
            raise Problem("not-found")
        await work[AuditTrail].record(actor, "inspect_site", "meter", meter_id, standing, lifted)
    return lifted


async def _standing(work: Work, meter_id: MeterId) -> SafetyClosing:
    found = await work[CommandStore].closings(1, None, meter_id=meter_id, is_standing=True)
    if not found:
        raise Problem("not-found")
    return found[0]
