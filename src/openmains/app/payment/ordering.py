# SPDX-License-Identifier: Apache-2.0
"""Make an order, place it at the provider, ask what became of it, and close it when its time is over.

The row is written before the provider is called and decided upon after it: whoever is killed between leaves an order that is asked for. Nothing
is held over a call. ``due_us`` says when the worker asks.
"""

import secrets
from dataclasses import dataclass

from openmains.app.command.ports import CommandStore
from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.payment.booking import US, book_paid, machine, take_order
from openmains.app.payment.channel_settings import ChannelContext, callback_url, opened
from openmains.app.payment.channels.port import Declined, Heard, OrderToPlace, PaymentChannel, Placed, Scene, Unclear
from openmains.app.payment.order_model import PayChannel, PaymentOrder, PaymentOrderDetail
from openmains.app.payment.order_ports import NewOrder, PaymentOrderStore, PaymentRefundStore
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store, Work
from openmains.domain.ids import MeterId, TenantId
from openmains.domain.payment.callback import CallbackFault
from openmains.domain.payment.order import ASKED_FOR, OrderEvent, OrderState, after, contradicts, pause_s

OPEN_S = 1800  # a customer has half an hour to pay
GRACE_S = 60  # after it, for what is on its way


@dataclass(frozen=True, slots=True)
class WantedOrder:
    """``payer``: the payer's identity at the provider, for ``jsapi``; it is not kept."""

    key: str
    channel_id: int
    account_id: int
    meter_id: int | None
    fen: int
    scene: Scene = "native"
    payer: str = ""


async def make_order(
    store: Store, tools: ChannelContext, actor: Actor, wanted: WantedOrder, now_us: int
) -> PaymentOrderDetail:
    """The same key with the same content is the same order.

    :raises Problem: ``not-found`` (channel), ``channel-off``, ``payment-key-used``, ``invalid-input`` for a meter that does not hang at the
        account or a payer that lacks, ``secrets-unreadable``.
    """
    if wanted.scene == "jsapi" and not wanted.payer:
        raise Problem("invalid-input", fields=(("/payer", "required"),))
    channel, adapter = await opened(store, tools, actor.tenant_id, wanted.channel_id)
    async with store.tenant(actor.tenant_id) as work:
        orders = work[PaymentOrderStore]
        await orders.lock_key(wanted.key)
        there = await orders.of_key(wanted.key)
        if there is not None:
            if (there.channel_id, there.account_id, there.meter_id, there.fen, there.scene) != (
                wanted.channel_id, wanted.account_id, wanted.meter_id, wanted.fen, wanted.scene,
            ):  # fmt: skip
                raise Problem("payment-key-used", taken=wanted.key, order_id=there.order_id)
            return await detail(work, there.order_id)
        if not channel.is_on:
            raise Problem("payment-channel-off", name=channel.name)
        await check_meter(work, wanted.meter_id, wanted.account_id)
        number = "OM" + secrets.token_hex(14)
        new = NewOrder(
            wanted.key, channel.provider, channel.channel_id, number, wanted.scene, wanted.account_id, wanted.meter_id, wanted.fen,
            actor.user_id, now_us, now_us + OPEN_S * US,
        )  # fmt: skip
        order_id = await orders.add(new)
        await orders.add_event(order_id, "made", "", now_us)
        made = await detail(work, order_id)
        await work[AuditTrail].record(actor, "make_payment_order", "payment_order", order_id, None, _plain(made))
    await _place(store, actor, channel, adapter, made, now_us, wanted.payer)
    async with store.tenant(actor.tenant_id) as work:
        return await detail(work, order_id)


async def pay_as_third_party(
    store: Store, actor: Actor, key: str, account_id: int, meter_id: int | None, fen: int, now_us: int
) -> PaymentOrderDetail:
    """Another system took the money: it is booked at once, and a meter's top-up goes its way. The same key again is the same payment.

    :raises Problem: ``payment-key-used``, ``receipt-key-used``, ``invalid-input`` for a meter that does not hang at the account.
    """
    async with store.tenant(actor.tenant_id) as work:
        orders = work[PaymentOrderStore]
        await orders.lock_key(key)
        there = await orders.of_key(key)
        if there is not None:
            if (there.source, there.account_id, there.meter_id, there.fen) != (
                "third_party",
                account_id,
                meter_id,
                fen,
            ):
                raise Problem("payment-key-used", taken=key, order_id=there.order_id)
            return await detail(work, there.order_id)
        await check_meter(work, meter_id, account_id)
        new = NewOrder(
            key, "third_party", None, key, "third_party", account_id, meter_id, fen, actor.user_id, now_us, now_us
        )
        order_id = await orders.add(new)
        order = await orders.lock(order_id)
        assert order is not None  # noqa: S101 added above
        if await take_order(work, actor, order, key, "third party", now_us) is not None:
            raise Problem("receipt-key-used", taken=key, receipt_id="–")
        return await detail(work, order_id)


async def check_meter(work: Work, meter_id: int | None, account_id: int) -> None:
    """Raises ``invalid-input`` for a meter that does not hang at the account."""
    if meter_id is None:
        return
    known = await work[CommandStore].targets([MeterId(meter_id)])
    if not known or not await work[PaymentOrderStore].meter_of_account(meter_id, account_id):
        raise Problem("invalid-input", fields=(("/meter_id", "unknown-reference"),))


async def detail(work: Work, order_id: int) -> PaymentOrderDetail:
    """Raises ``not-found``."""
    found = await work[PaymentOrderStore].get(order_id)
    if found is None:
        raise Problem("not-found")
    values = {name: getattr(found, name) for name in PaymentOrder.__struct_fields__}
    history, refunds = (
        await work[PaymentOrderStore].history(order_id),
        await work[PaymentRefundStore].of_order(order_id),
    )
    return PaymentOrderDetail(**values, history=history, refunds=refunds)


async def ask_order(
    store: Store, tools: ChannelContext, tenant_id: TenantId, zone_key: str, order_id: int, now_us: int
) -> None:
    """What became of an order: placed if it never arrived, closed if its time is over, booked if it is paid. Raises as ``opened``."""
    async with store.tenant(tenant_id) as work:
        order = await work[PaymentOrderStore].get(order_id)
    if order is None or order.channel_id is None or OrderState(order.state) not in ASKED_FOR:
        return
    actor = machine(tenant_id, order.made_by, zone_key)
    channel, adapter = await opened(store, tools, tenant_id, order.channel_id)
    told = await adapter.ask(order.number)
    is_over = now_us > int(order.expires_at.timestamp()) * US + GRACE_S * US
    if isinstance(told, Heard) and told.state == "gone":
        if not is_over and order.scene == "native":
            await _place(store, actor, channel, adapter, order, now_us, "")
            return
        told = Heard("closed") if is_over else Unclear("gone")
    if isinstance(told, Heard) and told.state == "open" and is_over:
        told = await adapter.close(order.number)
    await hear(store, actor, adapter, order.order_id, told, "asked", now_us)


async def hear(
    store: Store,
    actor: Actor,
    adapter: PaymentChannel,
    order_id: int,
    told: Heard | Placed | Declined | Unclear,
    how: str,
    now_us: int,
) -> CallbackFault | None:
    """Decide upon what the provider said of an order."""
    async with store.tenant(actor.tenant_id) as work:
        orders = work[PaymentOrderStore]
        order = await orders.lock(order_id)
        assert order is not None  # noqa: S101 orders are never removed
        if isinstance(told, Heard) and told.state == "paid":
            wrong = await book_paid(work, actor, order, told, adapter.held(order.number, order.fen), how, now_us)
            if wrong is None:
                return None
            told_again: Unclear = Unclear(wrong.value)
            await _move(work, order, OrderEvent.UNCLEAR, told_again.why, now_us)
            return wrong
        event, why = _event_of(told)
        if contradicts(OrderState(order.state), event):
            await orders.add_event(order_id, "contradiction", why or event.value, now_us)
        await _move(work, order, event, why, now_us, told if isinstance(told, Placed) else None)
    return None


def _event_of(told: Heard | Placed | Declined | Unclear) -> tuple[OrderEvent, str]:
    if isinstance(told, Placed):
        return OrderEvent.PLACED, ""
    if isinstance(told, Declined):
        return OrderEvent.DECLINED, told.code
    if isinstance(told, Unclear):
        return OrderEvent.UNCLEAR, told.why
    return {"open": OrderEvent.PLACED, "closed": OrderEvent.CLOSED}.get(told.state, OrderEvent.UNCLEAR), ""


async def _move(
    work: Work, order: PaymentOrder, event: OrderEvent, why: str, now_us: int, placed: Placed | None = None
) -> None:
    state = OrderState(order.state)
    then = after(state, event)
    values: dict[str, object] = {}
    if then in ASKED_FOR:
        values = {"asked": order.asked + 1, "due_us": now_us + pause_s(order.asked) * US}
    elif state in ASKED_FOR:
        values = {"due_us": None}
    if placed is not None and then is OrderState.OPEN:
        values |= {"code": placed.code, "invoke": dict(placed.invoke)}
    if then is not state or (why and why != order.reason):
        values |= {"state": then.value, "reason": why}
        await work[PaymentOrderStore].change(order.order_id, **values)
        await work[PaymentOrderStore].add_event(order.order_id, event.value, why, now_us)
    elif values:
        await work[PaymentOrderStore].change(order.order_id, **values)


async def _place(
    store: Store,
    actor: Actor,
    channel: PayChannel,
    adapter: PaymentChannel,
    order: PaymentOrder,
    now_us: int,
    payer: str,
) -> None:
    url = callback_url(channel.settings, actor.tenant_id, channel.channel_id)
    scene: Scene = "jsapi" if order.scene == "jsapi" else "native"
    wanted = OrderToPlace(
        order.number, order.fen, "充值缴费 Payment", int(order.expires_at.timestamp()), url, scene, payer
    )
    await hear(store, actor, adapter, order.order_id, await adapter.place(wanted), "placed", now_us)


def _plain(order: PaymentOrderDetail) -> dict[str, object]:
    """For the trail: without its history."""
    return {name: getattr(order, name) for name in ("number", "source", "account_id", "meter_id", "fen", "state")}
