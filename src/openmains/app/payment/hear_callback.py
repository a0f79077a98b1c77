# SPDX-License-Identifier: Apache-2.0
"""A provider's callback. It changes something only where signature, time, merchant, order and amount fit; everything else is counted by
channel,
day and reason, and shown. Each 1st, 10th, 100th … of a kind on a day is written into the audit trail, so that a flood is seen and fills
nothing.
"""

from collections.abc import Mapping

from openmains.app.identity.ports import AuditTrail
from openmains.app.payment.booking import US, machine
from openmains.app.payment.channel_settings import ChannelContext, opened
from openmains.app.payment.channels.port import Notice, PaymentChannel
from openmains.app.payment.order_ports import PaymentChannelStore, PaymentOrderStore
from openmains.app.payment.ordering import hear
from openmains.app.payment.ports import ReceiptStore
from openmains.app.unit_of_work import Store
from openmains.domain.ids import TenantId
from openmains.domain.payment.callback import CallbackFault, is_in_trail
from openmains.domain.period import zone


async def hear_callback(
    store: Store,
    tools: ChannelContext,
    tenant_id: TenantId,
    channel_id: int,
    headers: Mapping[str, str],
    body: bytes,
    address: str,
    now_us: int,
) -> tuple[int, bytes, str]:
    """What the provider is answered: status, body, media type. Raises ``not-found``, ``secrets-unreadable``."""
    channel, adapter = await opened(store, tools, tenant_id, channel_id)
    read = adapter.read(headers, body)
    order_number = ""
    wrong: CallbackFault | None
    if isinstance(read, Notice):
        order_number = "" if read.heard is None or read.heard.claim is None else read.heard.claim.order_number
        wrong = await _take(store, adapter, tenant_id, channel_id, read, order_number, now_us)
    else:
        wrong = read
    if wrong is None:
        return adapter.answer(taken=True)
    async with store.tenant(tenant_id) as work:
        zone_key = await work[ReceiptStore].zone()
        day = zone(zone_key).day_of(now_us // US)
        count = await work[PaymentChannelStore].note_fault(
            channel_id, day, wrong.value, order_number[:64], address, now_us
        )
        if is_in_trail(count):
            actor = machine(tenant_id, 0, zone_key, f"callback {channel.name}"[:64])
            told = {"fault": wrong.value, "order": order_number[:64], "address": address, "count": count}
            await work[AuditTrail].record(actor, "refuse_callback", "payment_channel", channel_id, None, told)
    return adapter.answer(taken=False)


async def _take(
    store: Store,
    adapter: PaymentChannel,
    tenant_id: TenantId,
    channel_id: int,
    notice: Notice,
    number: str,
    now_us: int,
) -> CallbackFault | None:
    """Also while the channel is switched off: whoever paid before is to be booked."""
    if notice.heard is None or notice.heard.claim is None:
        return None  # about something else than an order that was paid: nothing follows from it
    held = adapter.held(number, notice.heard.claim.fen)
    if (notice.heard.claim.merchant, notice.heard.claim.application) != (held.merchant, held.application):
        return CallbackFault.MERCHANT
    async with store.tenant(tenant_id) as work:
        order = await work[PaymentOrderStore].of_number(channel_id, number)
        zone_key = await work[ReceiptStore].zone()
    if order is None:
        return CallbackFault.ORDER
    if (notice.heard.claim.fen, notice.heard.claim.currency) != (order.fen, "CNY"):
        return CallbackFault.AMOUNT  # and the order stays as it is: who signs for it is asked
    wrong = await hear(
        store, machine(tenant_id, order.made_by, zone_key), adapter, order.order_id, notice.heard, "callback", now_us
    )
    if wrong is None:
        async with store.tenant(tenant_id) as work:
            await work[PaymentChannelStore].note_notice(channel_id, notice.event[:128], now_us)
    return wrong
