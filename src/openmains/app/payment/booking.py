# SPDX-License-Identifier: Apache-2.0
"""An order is paid: booked once, under its lock, whoever says so first – callback, question or third party. Before that stands what the
provider
said; afterwards what it says changes nothing. The day of the booking is ours, never the provider's."""

from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.payment.channels.port import Heard
from openmains.app.payment.order_model import PaymentOrder
from openmains.app.payment.order_ports import PaymentOrderStore
from openmains.app.payment.ports import ReceiptStore
from openmains.app.payment.take import NewReceipt, take_within
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Work
from openmains.domain.ids import TenantId, UserId
from openmains.domain.payment.callback import CallbackFault, OrderClaim, fault
from openmains.domain.payment.delivery import Delivery
from openmains.domain.payment.order import OrderEvent, OrderState, after
from openmains.domain.period import zone

US = 1_000_000


def machine(tenant_id: TenantId, user_id: int, zone_key: str, login: str = "payments") -> Actor:
    """Who does what no person is at: for the one who asked for the order."""
    return Actor(tenant_id, UserId(user_id), login, login, "", "zh", zone_key, "worker")


async def book_paid(
    work: Work, actor: Actor, order: PaymentOrder, heard: Heard, held: OrderClaim, how: str, now_us: int
) -> CallbackFault | None:
    """``order`` is locked. None: it is paid now, or was already by this transaction; else why nothing was changed."""
    if heard.claim is None:
        return CallbackFault.UNREADABLE
    wrong = fault(heard.claim, held)
    if wrong is not None:
        return wrong
    if order.state in ("paid", "refunded"):
        return None if order.transaction == heard.transaction else CallbackFault.NUMBER
    return await take_order(work, actor, order, heard.transaction, how, now_us)


async def take_order(
    work: Work, actor: Actor, order: PaymentOrder, transaction: str, how: str, now_us: int
) -> CallbackFault | None:
    """The order's receipt and entry, and what follows: a meter's top-up waits to be given."""
    today = zone(actor.zone).day_of(now_us // US)
    if order.for_meter and await work[ReceiptStore].of_key(order.source, transaction) is not None:
        return CallbackFault.NUMBER  # a person took it as credit already
    wanted = NewReceipt(
        transaction, order.account_id, order.source, order.fen, for_meter=order.for_meter, at_counter=False
    )
    try:
        receipt = await take_within(work, actor, wanted, today, now_us)
    except Problem as problem:
        if problem.code != "receipt-key-used":
            raise
        return CallbackFault.NUMBER
    if await work[PaymentOrderStore].of_receipt(receipt.receipt_id) is not None:
        return CallbackFault.NUMBER
    state = after(OrderState(order.state), OrderEvent.PAID)
    await work[PaymentOrderStore].change(
        order.order_id, state=state.value, transaction=transaction, receipt_id=receipt.receipt_id, paid_us=now_us, reason="", asked=0,
        delivery=(Delivery.WAITING if order.for_meter else Delivery.NONE).value, due_us=now_us if order.for_meter else None,
    )  # fmt: skip
    await work[PaymentOrderStore].add_event(order.order_id, "paid", how, now_us)
    done = await work[PaymentOrderStore].get(order.order_id)
    await work[AuditTrail].record(actor, "pay_order", "payment_order", order.order_id, order, done)
    return None
