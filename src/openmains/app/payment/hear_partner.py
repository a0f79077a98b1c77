# SPDX-License-Identifier: Apache-2.0
"""A partner's payment. It changes something only where its signature is of these bytes with this partner's key, its instant is within the
window, and its nonce is new; everything else is counted by partner, day and reason, shown, and the 1st, 10th, 100th … stands in the trail.

The nonce is taken before the payment, in a transaction of its own: who repeats bytes is refused whatever became of them; a partner that does
not know asks again, under the same number with a new nonce, and is told the same payment.
"""

from dataclasses import dataclass

from openmains.app.identity.ports import AuditTrail
from openmains.app.payment.booking import US, machine
from openmains.app.payment.order_model import PaymentOrderDetail
from openmains.app.payment.order_ports import ChannelSealer
from openmains.app.payment.ordering import pay_as_third_party
from openmains.app.payment.partner_ports import PartnerStore, SealedPartner
from openmains.app.payment.partners import purpose
from openmains.app.payment.ports import ReceiptStore
from openmains.app.problems import Problem
from openmains.app.sealing.envelope import KeyUnreadableError
from openmains.app.unit_of_work import Store
from openmains.domain.ids import TenantId
from openmains.domain.payment.callback import WINDOW_S, is_in_trail
from openmains.domain.payment.partner import PartnerFault, header_fault, is_signed, signed_text, time_fault
from openmains.domain.period import zone


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """Headers and body as they came, and where from."""

    instant: str
    nonce: str
    signature: str
    body: bytes
    address: str


@dataclass(frozen=True, slots=True)
class PartnerPayment:
    """``number``: the partner's of this payment; with the same content it is the same payment, however often."""

    number: str
    account_id: int
    meter_id: int | None
    fen: int


def order_key(partner_id: int, number: str) -> str:
    """No partner's number meets another's."""
    return f"p{partner_id}:{number}"


async def hear_partner(
    store: Store,
    sealer: ChannelSealer,
    tenant_id: TenantId,
    partner_id: int,
    request: SignedRequest,
    wanted: PartnerPayment,
    now_us: int,
) -> PaymentOrderDetail:
    """Raises ``not-found``, ``secrets-unreadable``, ``partner-refused``, and as ``pay_as_third_party``."""
    async with store.tenant(tenant_id) as work:
        partners = {one.partner_id: one for one in await work[PartnerStore].sealed()}
        zone_key = await work[ReceiptStore].zone()
    partner = partners.get(partner_id)
    if partner is None:
        raise Problem("not-found")
    fault = await _fault(sealer, tenant_id, partner, partners, request, now_us)
    if fault is None:
        async with store.tenant(tenant_id) as work:
            forget_us = now_us - 2 * WINDOW_S * US  # an instant that old is stale before its nonce is asked for
            if not await work[PartnerStore].note_nonce(partner_id, request.nonce, now_us, forget_us):
                fault = PartnerFault.REPLAY
    actor = machine(tenant_id, partner.made_by, zone_key, f"partner {partner.name}"[:64])
    if fault is not None:
        async with store.tenant(tenant_id) as work:
            day = zone(zone_key).day_of(now_us // US)
            count = await work[PartnerStore].note_fault(partner_id, day, fault.value, request.address, now_us)
            if is_in_trail(count):
                told = {"fault": fault.value, "address": request.address, "count": count}
                await work[AuditTrail].record(actor, "refuse_partner", "payment_partner", partner_id, None, told)
        raise Problem("partner-refused", why=fault.value)
    key = order_key(partner_id, wanted.number)
    return await pay_as_third_party(store, actor, key, wanted.account_id, wanted.meter_id, wanted.fen, now_us)


async def _fault(
    sealer: ChannelSealer,
    tenant_id: TenantId,
    partner: SealedPartner,
    partners: dict[int, SealedPartner],
    request: SignedRequest,
    now_us: int,
) -> PartnerFault | None:
    unread = header_fault(request.instant, request.nonce, request.signature)
    if unread is not None:
        return unread
    text = signed_text(tenant_id, partner.partner_id, request.instant, request.nonce, request.body)
    if not is_signed(await _key(sealer, tenant_id, partner), text, request.signature):
        for other in partners.values():
            if other is not partner and is_signed(await _key(sealer, tenant_id, other), text, request.signature):
                return PartnerFault.OTHER
        return PartnerFault.SIGNATURE
    if not partner.is_on:
        return PartnerFault.OFF
    return time_fault(request.instant, now_us // US)


async def _key(sealer: ChannelSealer, tenant_id: TenantId, partner: SealedPartner) -> str:
    try:
        return (await sealer.open(tenant_id, purpose(partner.partner_id), partner.sealed))["key"]
    except (KeyUnreadableError, KeyError):
        raise Problem("secrets-unreadable") from None
