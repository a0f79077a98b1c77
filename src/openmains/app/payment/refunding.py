# SPDX-License-Identifier: Apache-2.0
"""Money of an order given back: one person asks, another agrees, and then it is booked; the worker tells the provider and asks until it
says what
became of it. Together never more than was paid; never what a meter has or may have."""

import secrets

from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.identity.reason import stated
from openmains.app.ledger.booking import book
from openmains.app.payment.booking import US, machine
from openmains.app.payment.channel_settings import ChannelContext, opened
from openmains.app.payment.channels.port import Declined, RefundHeard, Unclear
from openmains.app.payment.give_back import free_credit
from openmains.app.payment.order_model import PaymentOrder, PaymentRefund
from openmains.app.payment.order_ports import PaymentOrderStore, PaymentRefundStore
from openmains.app.payment.ports import ReceiptStore
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store, Work
from openmains.domain.ids import TenantId, UserId
from openmains.domain.ledger.entries import refund as refund_entry
from openmains.domain.payment.delivery import Delivery
from openmains.domain.payment.order import OrderEvent, OrderState, after, pause_s
from openmains.domain.payment.refund import STANDING, RefundEvent, RefundState, is_too_much
from openmains.domain.payment.refund import after as refund_after

_GIVEN_BACK = frozenset({Delivery.NONE, Delivery.UNDELIVERABLE, Delivery.DOUBTFUL})


async def ask_for_refund(
    store: Store, actor: Actor, order_id: int, fen: int, reason: str, now_us: int
) -> PaymentRefund:
    """It waits for another person. Raises ``not-found``, ``reason-needed``, ``order-not-paid``, ``refund-of-delivered``,
    ``refund-too-much``."""
    why = stated(reason)
    async with store.tenant(actor.tenant_id) as work:
        order = await work[PaymentOrderStore].lock(order_id)
        if order is None:
            raise Problem("not-found")
        return await ask_within(work, actor, order, fen, why, now_us)


async def ask_within(work: Work, actor: Actor, order: PaymentOrder, fen: int, why: str, now_us: int) -> PaymentRefund:
    """``order`` is locked. Raises as ``ask_for_refund``."""
    if order.receipt_id is None:
        raise Problem("order-not-paid", state=order.state)
    await _not_at_meter(work, order, now_us)
    refunds = await work[PaymentRefundStore].of_order(order.order_id)
    standing = sum(one.fen for one in refunds if RefundState(one.state) in STANDING)
    if is_too_much(order.fen, standing, fen):
        raise Problem("refund-too-much", left=order.fen - standing)
    number = "RF" + secrets.token_hex(14)
    refund_id = await work[PaymentRefundStore].add(order.order_id, number, fen, why, actor.user_id, now_us)
    made = await _got(work, refund_id)
    await work[PaymentOrderStore].add_event(order.order_id, "refund-asked", str(fen), now_us)
    await work[AuditTrail].record(actor, "ask_for_refund", "payment_refund", refund_id, None, made, reason=why)
    return made


async def _not_at_meter(work: Work, order: PaymentOrder, now_us: int) -> None:
    """Raises ``refund-of-delivered`` for money that a meter has or may be given; what waits goes to no meter any more."""
    if order.delivery == Delivery.WAITING.value:
        await work[PaymentOrderStore].change(order.order_id, delivery=Delivery.UNDELIVERABLE.value, due_us=None)
        await work[PaymentOrderStore].add_event(order.order_id, "undeliverable", "refund", now_us)
    elif Delivery(order.delivery) not in _GIVEN_BACK:
        raise Problem("refund-of-delivered", delivery=order.delivery)


async def decide_refund(
    store: Store, actor: Actor, refund_id: int, reason: str, today: int, now_us: int, *, agreed: bool
) -> PaymentRefund:
    """Agreed: booked today by another person than its author, and given to the provider. A third party gives back itself: it is done then.

    :raises Problem: ``reason-needed``, ``not-found``, ``already-done``, ``own-refund``, ``refund-of-delivered``, ``not-so-much``,
    ``day-closed``.
    """
    why = stated(reason)
    async with store.tenant(actor.tenant_id) as work:
        refunds, orders = work[PaymentRefundStore], work[PaymentOrderStore]
        before = await refunds.get(refund_id)
        order = None if before is None else await orders.lock(before.order_id)  # orders before refunds, everywhere
        before = await refunds.lock(refund_id)
        if before is None or order is None:
            raise Problem("not-found")
        then = refund_after(RefundState(before.state), RefundEvent.AGREE if agreed else RefundEvent.REJECT)
        if then is None:
            raise Problem("already-done", state=before.state)
        values: dict[str, object] = {
            "state": then.value,
            "decided_by": actor.user_id,
            "decided_us": now_us,
            "decision": why,
        }
        if agreed:
            if before.author_id == actor.user_id:
                raise Problem("own-refund")
            await _not_at_meter(work, order, now_us)
            values |= {"entry_id": await _booked(work, order, before, actor.user_id, today, now_us), "due_us": now_us}
            if order.channel_id is None:
                values |= {"state": RefundState.DONE.value, "done_us": now_us, "due_us": None}
        await refunds.change(refund_id, **values)
        await orders.add_event(
            order.order_id, "refund-agreed" if agreed else "refund-rejected", str(before.fen), now_us
        )
        if values["state"] == RefundState.DONE.value:
            await _ended(work, order, now_us)
        done = await _got(work, refund_id)
        await work[AuditTrail].record(
            actor,
            "approve_refund" if agreed else "reject_refund",
            "payment_refund",
            refund_id,
            before,
            done,
            reason=why,
        )
    return done


async def try_again(store: Store, actor: Actor, refund_id: int, reason: str, now_us: int) -> PaymentRefund:
    """A refund that the provider would not make is given to it once more. Raises ``reason-needed``, ``not-found``, ``already-done``."""
    why = stated(reason)
    async with store.tenant(actor.tenant_id) as work:
        before = await work[PaymentRefundStore].lock(refund_id)
        if before is None:
            raise Problem("not-found")
        then = refund_after(RefundState(before.state), RefundEvent.AGAIN)
        if then is None:
            raise Problem("already-done", state=before.state)
        await work[PaymentRefundStore].change(refund_id, state=then.value, due_us=now_us, asked=0, fault="")
        done = await _got(work, refund_id)
        await work[AuditTrail].record(actor, "try_refund_again", "payment_refund", refund_id, before, done, reason=why)
    return done


async def work_refund(
    store: Store, tools: ChannelContext, tenant_id: TenantId, zone_key: str, refund_id: int, now_us: int
) -> None:
    """Tell the provider, by a number that makes a repeat the same refund; then write down what it says. Raises as ``opened``."""
    async with store.tenant(tenant_id) as work:
        found = await work[PaymentRefundStore].get(refund_id)
        order = None if found is None else await work[PaymentOrderStore].get(found.order_id)
    if found is None or order is None or order.channel_id is None or found.state != RefundState.AGREED.value:
        return
    _, adapter = await opened(store, tools, tenant_id, order.channel_id)
    told = await adapter.refund(order.number, found.number, found.fen, order.fen, "refund")
    async with store.tenant(tenant_id) as work:
        locked = await work[PaymentOrderStore].lock(order.order_id)
        there = await work[PaymentRefundStore].lock(refund_id)
        if locked is None or there is None or there.state != RefundState.AGREED.value:
            return
        await _heard(work, machine(tenant_id, order.made_by, zone_key), locked, there, told, now_us)


async def _heard(
    work: Work,
    actor: Actor,
    order: PaymentOrder,
    found: PaymentRefund,
    told: RefundHeard | Declined | Unclear,
    now_us: int,
) -> None:
    refunds = work[PaymentRefundStore]
    if isinstance(told, RefundHeard) and told.state == "done" and told.fen == found.fen:
        await refunds.change(
            found.refund_id, state="done", done_us=now_us, due_us=None, transaction=told.transaction, fault=""
        )
        await work[PaymentOrderStore].add_event(order.order_id, "refunded", str(found.fen), now_us)
        await _ended(work, order, now_us)
        await work[AuditTrail].record(
            actor, "refund_done", "payment_refund", found.refund_id, found, await refunds.get(found.refund_id)
        )
        return
    is_final = isinstance(told, Declined) or (isinstance(told, RefundHeard) and told.state == "failed")
    fault = told.code if isinstance(told, Declined) else told.why if isinstance(told, Unclear) else told.state
    if isinstance(told, RefundHeard) and told.state == "done":
        is_final, fault = True, "amount"  # it gave back something else: a person looks
    if is_final:
        await refunds.change(found.refund_id, state="failed", due_us=None, fault=fault)
        await work[PaymentOrderStore].add_event(order.order_id, "refund-failed", fault, now_us)
        await work[AuditTrail].record(
            actor, "refund_failed", "payment_refund", found.refund_id, found, await refunds.get(found.refund_id)
        )
        return
    await refunds.change(
        found.refund_id, asked=1, due_us=now_us + pause_s(3) * US, fault="" if fault == "running" else fault
    )


async def _booked(
    work: Work, order: PaymentOrder, found: PaymentRefund, agreed: UserId, today: int, now_us: int
) -> int:
    author = UserId(found.author_id)
    assert order.receipt_id is not None  # noqa: S101 asked when the refund was
    if not order.for_meter:
        receipt = await work[ReceiptStore].get(order.receipt_id)
        assert receipt is not None  # noqa: S101 a foreign key leads there
        await free_credit(work, receipt, found.fen, found.reason, author, agreed, today, now_us)
    entry = refund_entry(
        f"order-refund:{found.refund_id}",
        today,
        order.account_id,
        found.fen,
        order.source,
        found.number,
        for_meter=order.for_meter,
    )
    return (await book(work, entry, author, agreed, now_us))[0].entry_id


async def _ended(work: Work, order: PaymentOrder, now_us: int) -> None:
    """All of it was given back: the order is refunded."""
    refunds = await work[PaymentRefundStore].of_order(order.order_id)
    done = sum(one.fen for one in refunds if one.state == RefundState.DONE.value)
    if done == order.fen:
        await work[PaymentOrderStore].change(
            order.order_id, state=after(OrderState(order.state), OrderEvent.REFUNDED).value, due_us=None
        )
        await work[PaymentOrderStore].add_event(order.order_id, "all-refunded", "", now_us)


async def _got(work: Work, refund_id: int) -> PaymentRefund:
    found = await work[PaymentRefundStore].get(refund_id)
    assert found is not None  # noqa: S101 added or locked before
    return found
