# SPDX-License-Identifier: Apache-2.0
"""Partners of a utility: added, changed, switched off, given a new key. A key is made here, told once, and kept sealed."""

from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.identity.reason import stated
from openmains.app.payment.order_ports import ChannelSealer
from openmains.app.payment.partner_model import PartnerKey, PaymentPartner
from openmains.app.payment.partner_ports import PartnerStore
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store, Work


def purpose(partner_id: int) -> str:
    """Of a partner's key."""
    return f"payment partner {partner_id}"


async def add_partner(
    store: Store, actor: Actor, sealer: ChannelSealer, name: str, secret: str, reason: str, now_us: int
) -> PartnerKey:
    """``secret``: fresh. Raises ``reason-needed``, ``partner-taken``."""
    why = stated(reason)
    async with store.tenant(actor.tenant_id) as work:
        partner_id = await work[PartnerStore].next_id()
        sealed = await sealer.seal(actor.tenant_id, purpose(partner_id), {"key": secret})
        if not await work[PartnerStore].add(partner_id, name, sealed, actor.user_id, now_us):
            raise Problem("partner-taken", name=name)
        made = await got(work, partner_id)
        await work[AuditTrail].record(
            actor, "add_payment_partner", "payment_partner", partner_id, None, made, reason=why
        )
    return PartnerKey(made, secret)


async def change_partner(
    store: Store, actor: Actor, partner_id: int, name: str, is_on: bool, reason: str, now_us: int
) -> PaymentPartner:
    """Raises ``reason-needed``, ``not-found``, ``partner-taken``."""
    why = stated(reason)
    async with store.tenant(actor.tenant_id) as work:
        before = await got(work, partner_id)
        if not await work[PartnerStore].change(partner_id, name, is_on, actor.user_id, now_us):
            raise Problem("partner-taken", name=name)
        after = await got(work, partner_id)
        await work[AuditTrail].record(
            actor, "change_payment_partner", "payment_partner", partner_id, before, after, reason=why
        )
    return after


async def renew_key(
    store: Store, actor: Actor, sealer: ChannelSealer, partner_id: int, secret: str, reason: str, now_us: int
) -> PartnerKey:
    """From this moment the key before signs nothing. Raises ``reason-needed``, ``not-found``."""
    why = stated(reason)
    async with store.tenant(actor.tenant_id) as work:
        before = await got(work, partner_id)
        sealed = await sealer.seal(actor.tenant_id, purpose(partner_id), {"key": secret})
        await work[PartnerStore].put_key(partner_id, sealed, actor.user_id, now_us)
        after = await got(work, partner_id)
        await work[AuditTrail].record(
            actor, "renew_partner_key", "payment_partner", partner_id, before, after, reason=why
        )
    return PartnerKey(after, secret)


async def got(work: Work, partner_id: int) -> PaymentPartner:
    """Raises ``not-found``."""
    found = await work[PartnerStore].get(partner_id)
    if found is None:
        raise Problem("not-found")
    return found
