# SPDX-License-Identifier: Apache-2.0
"""Credit pays bills: the oldest first, of each what it asks for and then its late fee. What is left stays credit.

A late fee is booked when it is paid: until then it is worked out anew of the bill's whole history (``domain/tariff/late_fee``), so asking
often changes nothing. Each share is an entry of the ledger of its own, so that one can be taken back.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from openmains.app.billing.ports import OpenBill, SettlementStore
from openmains.app.ledger.acts import entry_of
from openmains.app.ledger.booking import book, book_many
from openmains.app.ledger.ports import LedgerStore
from openmains.app.unit_of_work import Work
from openmains.domain.ids import UserId
from openmains.domain.ledger.entries import Entry, late_fee_entry, reversal, settlement
from openmains.domain.period import month_text
from openmains.domain.tariff.late_fee import Payment, late_fee


@dataclass(frozen=True, slots=True)
class Share:
    """Of a payment what goes to a bill, or to its late fee. ``booked_fen``: late fee that is booked for it."""

    bill_id: int
    account_id: int
    month: int
    of_fee: bool
    fen: int
    booked_fen: int = 0


def fee_of(bill: OpenBill, today: int) -> int:
    """Late fee of a bill up to ``today``, paid or not."""
    if bill.fee is None or not bill.fee.per_day_ppm:
        return bill.fee_booked
    payments = [Payment(day, fen) for day, fen in bill.paid]
    return max(bill.fee_booked, late_fee(bill.fee, bill.total_fen, bill.due_day, payments, today))


def shares(bills: Sequence[OpenBill], credit_fen: int, today: int) -> list[Share]:
    """What credit pays of one account's bills, which come oldest first."""
    found: list[Share] = []
    for bill in bills:
        for of_fee, wanted in ((False, bill.open_fen), (True, fee_of(bill, today) - bill.fee_paid)):
            fen = min(credit_fen, wanted)
            if fen > 0:
                booked = max(0, bill.fee_paid + fen - bill.fee_booked) if of_fee else 0
                found.append(Share(bill.bill_id, bill.account_id, bill.month, of_fee, fen, booked))
                credit_fen -= fen
    return found


async def settle(
    work: Work, account_ids: Sequence[int], cause: str, user_id: UserId, today: int, now_us: int
) -> list[Share]:
    """Whatever credit these accounts have pays what they owe; their locks are taken in order. ``cause``: unique, names the entries."""
    ledger = work[LedgerStore]
    having = sorted(await ledger.having_credit(account_ids)) if account_ids else []
    for account_id in having:
        await ledger.lock_customer(account_id)
    credit = {one.account_id: one.credit_fen for one in await ledger.balances(having)} if having else {}
    bills: dict[int, list[OpenBill]] = {}
    for bill in await work[SettlementStore].open_bills(having) if having else []:
        bills.setdefault(bill.account_id, []).append(bill)
    found = [share for account_id in having for share in shares(bills.get(account_id, []), credit[account_id], today)]
    await _write(work, found, cause, user_id, today, now_us)
    return found


async def _write(work: Work, found: Sequence[Share], cause: str, user_id: UserId, today: int, now_us: int) -> None:
    entries, of = list[Entry](), list[tuple[Share, bool]]()
    for share in found:
        month = month_text(share.month)
        if share.booked_fen:
            key = f"fee:{cause}:{share.bill_id}"
            entries.append(late_fee_entry(key, today, share.account_id, share.booked_fen, month))
            of.append((share, True))
        key = f"settle:{cause}:{share.bill_id}:{'fee' if share.of_fee else 'bill'}"
        entries.append(settlement(key, today, share.account_id, share.fen, f"账单 bill {month}"))
        of.append((share, False))
    ids = await book_many(work, entries, user_id, None, now_us)
    rows = []
    for entry_id, (share, is_fee) in zip(ids, of, strict=True):
        if is_fee:
            await work[SettlementStore].add_fee(entry_id, share.bill_id, share.account_id, today, share.booked_fen)
        else:
            rows.append((entry_id, share.bill_id, share.account_id, share.of_fee, today, share.fen))
    await work[SettlementStore].add(rows)


async def reverse(work: Work, entry_id: int, why: str, author: UserId, agreed: UserId, day: int, now_us: int) -> int:
    """An entry taken back by two persons, on a day of its own. Its id. Raises as ``book``."""
    await work[LedgerStore].lock_entry(entry_id)
    there = await work[LedgerStore].get(entry_id)
    assert there is not None  # noqa: S101 a foreign key leads here
    made, _ = await book(
        work, reversal(f"reversal:{entry_id}", day, entry_id, entry_of(there), why), author, agreed, now_us
    )
    return made.entry_id


async def unsettle(
    work: Work, account_id: int, bill_id: int, why: str, author: UserId, agreed: UserId, day: int, now_us: int
) -> None:
    """All that paid a bill is credit again, and its late fees are taken back."""
    for one in await work[SettlementStore].standing(account_id, bill_id):
        await reverse(work, one.entry_id, why, author, agreed, day, now_us)
    for entry_id in await work[SettlementStore].fees(bill_id):
        await reverse(work, entry_id, why, author, agreed, day, now_us)
