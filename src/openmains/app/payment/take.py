# SPDX-License-Identifier: Apache-2.0
"""Take a payment: once for its channel's number, as credit, which pays the oldest bills at once. All of it in one transaction, under the
account's lock: of two clerks who take for one account in the same second the second sees what the first took, and is told.
"""

from dataclasses import dataclass

from openmains.app.billing.settling import settle
from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.ledger.booking import book
from openmains.app.ledger.model import Channel
from openmains.app.ledger.ports import LedgerStore
from openmains.app.payment.model import Receipt
from openmains.app.payment.ports import ReceiptStore, ShiftStore
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store, Work
from openmains.domain.ledger.entries import payment


@dataclass(frozen=True, slots=True)
class NewReceipt:
    """``seen_owed_fen``, ``seen_credit_fen``: the account as the clerk saw it; None: not looked at, as by a machine. ``key``: the channel's
    number. ``for_meter``: it is paid for the meter, not as credit; ``at_counter``: it belongs to the clerk's shift."""

    key: str
    account_id: int
    channel: Channel
    fen: int
    seen_owed_fen: int | None = None
    seen_credit_fen: int | None = None
    for_meter: bool = False
    at_counter: bool = True


async def take_payment(store: Store, actor: Actor, wanted: NewReceipt, today: int, now_us: int) -> Receipt:
    """The receipt. The same number with the same content is the same receipt, and changes nothing.

    :raises Problem: ``shift-needed`` (cash without an open shift), ``receipt-key-used``, ``account-changed`` where the account is not as
        the clerk saw it, ``day-closed``.
    """
    async with store.tenant(actor.tenant_id) as work:
        return await take_within(work, actor, wanted, today, now_us)


async def take_within(work: Work, actor: Actor, wanted: NewReceipt, today: int, now_us: int) -> Receipt:
    """The same within a transaction of the caller's. What is paid for a meter pays no bill and is no credit."""
    ledger, receipts = work[LedgerStore], work[ReceiptStore]
    key = f"receipt:{wanted.channel}:{wanted.key}"
    await ledger.lock_key(key)
    there = await receipts.of_key(wanted.channel, wanted.key)
    if there is not None:
        if (there.account_id, there.fen) != (wanted.account_id, wanted.fen):
            raise Problem("receipt-key-used", taken=wanted.key, receipt_id=there.receipt_id)
        return there
    shift = await work[ShiftStore].open_of(actor.user_id, lock=True) if wanted.at_counter else None
    if shift is None and wanted.channel == "cash":
        raise Problem("shift-needed")
    await ledger.lock_customer(wanted.account_id)
    held = await ledger.balance(wanted.account_id)
    for seen, now in (
        (wanted.seen_owed_fen, held.owed_fen),
        (wanted.seen_credit_fen, held.credit_fen),
    ):
        if seen is not None and seen != now:
            raise Problem("account-changed", account_id=wanted.account_id, owed=held.owed_fen, credit=held.credit_fen)
    entry, _ = await book(
        work,
        payment(key, today, wanted.account_id, wanted.fen, wanted.channel, for_meter=wanted.for_meter),
        actor.user_id,
        None,
        now_us,
    )
    cause = f"receipt:{entry.entry_id}"
    paid = [] if wanted.for_meter else await settle(work, [wanted.account_id], cause, actor.user_id, today, now_us)
    after = await ledger.balance(wanted.account_id)
    receipt_id = await receipts.add(
        None if shift is None else shift.shift_id, wanted.account_id, wanted.channel, wanted.key, wanted.fen, today,
        entry.entry_id, paid, after.credit_fen, after.owed_fen, actor.user_id, now_us,
    )  # fmt: skip
    made = await receipts.get(receipt_id)
    assert made is not None  # noqa: S101 added above
    await work[AuditTrail].record(actor, "take_payment", "receipt", receipt_id, None, made)
    return made
