# SPDX-License-Identifier: Apache-2.0
"""Take many payments that one word of a bank brings: each once for the bank's number, as credit, which pays the oldest bills at once. The same
books as ``take.take_within`` makes one by one, in statements for all of them; all or none.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from openmains.app.billing.settling import Share, settle
from openmains.app.ledger.booking import book_many
from openmains.app.ledger.model import Channel
from openmains.app.ledger.ports import LedgerStore
from openmains.app.payment.ports import ReceiptBatch, ReceiptStore
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Work
from openmains.domain.ids import UserId
from openmains.domain.ledger.entries import payment


@dataclass(frozen=True, slots=True)
class ChannelPayment:
    """``key``: the channel's number. An account and a key stand once among those taken together."""

    account_id: int
    key: str
    fen: int


async def take_many(
    work: Work,
    channel: Channel,
    wanted: Sequence[ChannelPayment],
    cause: str,
    user_id: UserId,
    today: int,
    now_us: int,
) -> list[int]:
    """Their receipts, in order. ``cause``: unique, names what they settle. Raises ``receipt-key-used``, ``day-closed``."""
    if not wanted:
        return []
    ledger, receipts = work[LedgerStore], work[ReceiptStore]
    accounts = sorted(one.account_id for one in wanted)
    for account_id in accounts:
        await ledger.lock_customer(account_id)
    used = await receipts.of_keys(channel, [one.key for one in wanted])
    if used:
        key, receipt_id = min(used.items())
        raise Problem("receipt-key-used", taken=key, receipt_id=receipt_id)
    entries = [payment(f"receipt:{channel}:{one.key}", today, one.account_id, one.fen, channel) for one in wanted]
    entry_ids = await book_many(work, entries, user_id, None, now_us)
    paid: dict[int, list[Share]] = {}
    for share in await settle(work, accounts, cause, user_id, today, now_us):
        paid.setdefault(share.account_id, []).append(share)
    after = {one.account_id: one for one in await ledger.balances(accounts)}
    rows = ReceiptBatch(
        channel, today, [one.account_id for one in wanted], [one.key for one in wanted], [one.fen for one in wanted], entry_ids,
        [paid.get(one.account_id, []) for one in wanted], [after[one.account_id] for one in wanted],
    )  # fmt: skip
    return await receipts.add_many(rows, user_id, now_us)
