# SPDX-License-Identifier: Apache-2.0
"""A payment taken back whole: the clerk asks, another person agrees. The bills it paid are owed again; where its credit paid later ones, the
newest of these are owed again too. Cash goes out of the till of the shift that asked, which must still be open.
"""

from openmains.app.billing.ports import SettlementStore
from openmains.app.billing.settling import reverse
from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.identity.reason import stated
from openmains.app.ledger.ports import LedgerStore
from openmains.app.payment.model import PaymentReturn, Receipt
from openmains.app.payment.order_ports import PaymentOrderStore
from openmains.app.payment.ports import ReceiptStore, ReturnStore, ShiftStore
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store, Work
from openmains.domain.ids import UserId


async def ask_for_return(store: Store, actor: Actor, receipt_id: int, reason: str, now_us: int) -> PaymentReturn:
    """It waits for another person. Raises ``reason-needed``, ``not-found``, ``shift-needed`` (cash), ``return-waits``; ``refund-by-order``
    where it came through a channel, which must give it back."""
    why = stated(reason)
    async with store.tenant(actor.tenant_id) as work:
        receipt = await work[ReceiptStore].get(receipt_id)
        if receipt is None:
            raise Problem("not-found")
        if (order := await work[PaymentOrderStore].of_receipt(receipt_id)) is not None:
            raise Problem("refund-by-order", order_id=order.order_id)
        shift = await work[ShiftStore].open_of(actor.user_id, lock=True)
        if receipt.channel == "cash" and shift is None:
            raise Problem("shift-needed")
        shift_id = None if shift is None else shift.shift_id
        return_id = await work[ReturnStore].add(receipt_id, shift_id, why, actor.user_id, now_us)
        if return_id is None:
            raise Problem("return-waits", receipt_id=receipt_id)
        made = await work[ReturnStore].get(return_id)
        assert made is not None  # noqa: S101 added above
        await work[AuditTrail].record(actor, "ask_for_return", "payment_return", return_id, None, made, reason=why)
    return made


async def decide_return(
    store: Store, actor: Actor, return_id: int, reason: str, today: int, now_us: int, *, agreed: bool
) -> PaymentReturn:
    """Agreed: reversed today by another person than its author.

    :raises Problem: ``reason-needed``, ``not-found``, ``already-done``, ``own-return``, ``shift-closed``, ``not-so-much``, ``day-closed``.
    """
    why = stated(reason)
    async with store.tenant(actor.tenant_id) as work:
        asked = await work[ReturnStore].lock(return_id)
        if asked is None:
            raise Problem("not-found")
        if asked.state != "pending":
            raise Problem("already-done", state=asked.state)
        entry_id = None
        if agreed:
            if asked.author_id == actor.user_id:
                raise Problem("own-return")
            receipt = await work[ReceiptStore].get(asked.receipt_id)
            assert receipt is not None  # noqa: S101 a foreign key leads here
            entry_id = await _give_back(work, asked, receipt, actor.user_id, today, now_us)
        await work[ReturnStore].decide(
            return_id, "approved" if agreed else "rejected", actor.user_id, why, entry_id, now_us
        )
        after = await work[ReturnStore].get(return_id)
        assert after is not None  # noqa: S101 locked above
        await work[AuditTrail].record(
            actor,
            "approve_return" if agreed else "reject_return",
            "payment_return",
            return_id,
            asked,
            after,
            reason=why,
        )
    return after


async def _give_back(
    work: Work, asked: PaymentReturn, receipt: Receipt, agreed: UserId, today: int, now_us: int
) -> int:
    author = UserId(asked.author_id)
    if receipt.channel == "cash":
        shift = await work[ShiftStore].open_of(author, lock=True)
        if shift is None or shift.shift_id != asked.shift_id:
            raise Problem("shift-closed")
    await free_credit(work, receipt, receipt.fen, asked.reason, author, agreed, today, now_us, with_deducted=True)
    return await reverse(work, receipt.entry_id, asked.reason, author, agreed, today, now_us)


async def free_credit(
    work: Work,
    receipt: Receipt,
    fen: int,
    why: str,
    author: UserId,
    agreed: UserId,
    today: int,
    now_us: int,
    *,
    with_deducted: bool = False,
) -> None:
    """So much of the account is credit again: what this payment paid is owed again, then the newest of what else was paid. ``with_deducted``:
    what was deducted at the server is as good as credit; the balance is below 0 then."""
    await work[LedgerStore].lock_customer(receipt.account_id)
    own = {(one.bill_id, one.of_fee) for one in receipt.paid}
    standing = await work[SettlementStore].standing(receipt.account_id)
    standing.sort(key=lambda one: ((one.bill_id, one.of_fee) not in own, -one.entry_id))
    deducted = max(
        0, await work[LedgerStore].deducted(receipt.account_id)
    )  # at the server: it was used, and is owed then
    for one in standing:  # what it paid itself, then the newest
        if (await work[LedgerStore].balance(receipt.account_id)).credit_fen + deducted >= fen:
            break
        await reverse(work, one.entry_id, why, author, agreed, today, now_us)
