# SPDX-License-Identifier: Apache-2.0
"""A paid top-up on its way to the meter: pay → ledger → signed command → the meter confirms. The command's key is the order's: whoever
is cut off and
does it again gives the same command, and a meter adds its credit once (R1.11).

It is marked as given before the command is given, so that nobody gives the money back meanwhile, and waits again where no command
came of it. What certainly never arrives has its refund asked for here, and a person agrees.
"""

from openmains.app.command.driver import CommandDrivers
from openmains.app.command.give import give_command
from openmains.app.command.model import NewCommand, SignerLogin
from openmains.app.command.ports import StopSwitch
from openmains.app.command.signing_ports import Signer
from openmains.app.identity.ports import AuditTrail
from openmains.app.payment.booking import US, machine
from openmains.app.payment.channel_settings import SIGNER_PURPOSE
from openmains.app.payment.order_model import PaymentOrder
from openmains.app.payment.order_ports import ChannelSealer, PaymentChannelStore, PaymentOrderStore, PaymentRefundStore
from openmains.app.payment.refunding import ask_within
from openmains.app.problems import Problem
from openmains.app.sealing.envelope import KeyUnreadableError
from openmains.app.unit_of_work import Store, Work
from openmains.domain.command.kinds import Kind
from openmains.domain.ids import MeterId, TenantId
from openmains.domain.payment.delivery import ENDS, Delivery, of_command
from openmains.domain.payment.order import pause_s

_NEVER = frozenset(
    {"not-found", "no-such-command", "not-reachable", "invalid-input", "beyond-meter", "other-meter-named"}
)
"""Refusals that waiting does not change: no command was written."""
_DRAFTED = "drafted"  # written, and perhaps not known to the signer
LOOK_S = 30  # how often a command on its way is looked at
LOOK_LATER_S = 3600


def command_key(order_id: int) -> str:
    """Unique key of an order's command."""
    return f"payment-order-{order_id}"


async def work_delivery(
    store: Store, signer: Signer | None, switch: StopSwitch, drivers: CommandDrivers, sealer: ChannelSealer, tenant_id: TenantId, zone_key: str,
    order_id: int, now_us: int,
) -> None:  # fmt: skip
    """One step of a top-up: given, looked after, or ended."""
    async with store.tenant(tenant_id) as work:
        orders = work[PaymentOrderStore]
        order = await orders.lock(order_id)
        if order is None or order.receipt_id is None or Delivery(order.delivery) in ENDS:
            if order is not None and order.receipt_id is not None:
                await orders.change(order_id, due_us=None)
            return
        command = await orders.command_of(command_key(order_id))
        refunds = await work[PaymentRefundStore].of_order(order_id)
        if command is not None and command.state != _DRAFTED:
            then = of_command(command.state, was_sent=command.was_sent, meter_answered=command.meter_answered)
            await _stands(work, tenant_id, zone_key, order, then, command.command_id, now_us)
            return
        if command is None and any(one.state != "rejected" for one in refunds):
            await orders.change(order_id, due_us=None)  # it is being given back
            return
        if order.meter_id is None:
            await _stands(work, tenant_id, zone_key, order, Delivery.UNDELIVERABLE, None, now_us, "meter-gone")
            return
        due_us = now_us + pause_s(order.asked) * US
        await orders.change(order_id, delivery=Delivery.GIVEN.value, asked=order.asked + 1, due_us=due_us)
        sealed = await work[PaymentChannelStore].sealed_signer()
    actor = machine(tenant_id, order.made_by, zone_key)
    try:
        login = None if sealed is None else SignerLogin(**await sealer.open(tenant_id, SIGNER_PURPOSE, sealed))
        wanted = NewCommand(Kind.TOP_UP, command_key(order_id), {"amount": order.fen}, signer=login)
        await give_command(store, signer, switch, drivers, actor, MeterId(order.meter_id), wanted, now_us)
        why = ""
    except Problem as problem:
        why = problem.code
    except KeyUnreadableError:
        why = "secrets-unreadable"
    async with store.tenant(tenant_id) as work:
        orders = work[PaymentOrderStore]
        order = await orders.lock(order_id)
        assert order is not None  # noqa: S101 orders are never removed
        command = await orders.command_of(command_key(order_id))
        if command is not None:
            due_us = due_us if why else now_us + LOOK_S * US  # a draft that the signer has not heard of is given again
            await orders.change(order_id, command_id=command.command_id, reason=why, due_us=due_us)
            if order.command_id is None or why != order.reason:
                await orders.add_event(order_id, "given", why, now_us)
        elif why in _NEVER:
            await _stands(work, tenant_id, zone_key, order, Delivery.UNDELIVERABLE, None, now_us, why)
        else:
            await orders.change(order_id, delivery=Delivery.WAITING.value, reason=why)
            if why != order.reason:
                await orders.add_event(order_id, "not-given", why, now_us)


async def _stands(
    work: Work,
    tenant_id: TenantId,
    zone_key: str,
    order: PaymentOrder,
    then: Delivery,
    command_id: int | None,
    now_us: int,
    why: str = "",
) -> None:
    """Where the money is now; ``order`` is locked."""
    orders = work[PaymentOrderStore]
    if then is Delivery.GIVEN or then.value == order.delivery:
        pause = LOOK_S if then is Delivery.GIVEN else LOOK_LATER_S  # doubtful: the meter's own word still counts
        await orders.change(order.order_id, delivery=then.value, command_id=command_id, due_us=now_us + pause * US)
        return
    at = now_us if then is Delivery.DELIVERED else None
    due = now_us + LOOK_LATER_S * US if then is Delivery.DOUBTFUL else None
    await orders.change(
        order.order_id, delivery=then.value, command_id=command_id, reason=why, delivered_us=at, due_us=due
    )
    await orders.add_event(order.order_id, then.value, why, now_us)
    actor = machine(tenant_id, order.made_by, zone_key)
    after = await orders.get(order.order_id)
    await work[AuditTrail].record(actor, "deliver_order", "payment_order", order.order_id, order, after)
    if then is Delivery.DELIVERED and order.refunded_fen:
        await orders.add_event(order.order_id, "contradiction", "delivered-and-refunded", now_us)
    left = order.fen - order.refunded_fen
    if then is Delivery.UNDELIVERABLE and after is not None and left > 0:
        await ask_within(work, actor, after, left, f"undeliverable {why}".strip(), now_us)
