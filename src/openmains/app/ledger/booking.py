# SPDX-License-Identifier: Apache-2.0
"""Book an entry: once for its key, on an open day. Every writer of the ledger comes through here, and the database asks all of it again."""

from collections.abc import Sequence

from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.identity.reason import stated
from openmains.app.ledger.model import BookedEntry, Channel, ClosedMonth
from openmains.app.ledger.ports import BilledSums, LedgerStore
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store, Work
from openmains.domain.ids import UserId
from openmains.domain.ledger.entries import Entry, EntryKind, EntryLine, LedgerAccount, faults, payment
from openmains.domain.period import day_text, month_span


async def book(
    work: Work, entry: Entry, made_by: UserId, agreed_by: UserId | None, now_us: int
) -> tuple[BookedEntry, bool]:
    """The entry, and whether it is new: the same key with the same content is the entry that is there already.

    :raises Problem: ``booking-key-used`` where the key is another entry's, ``day-closed``, and as ``check_spent``.
    """
    wrong = faults(entry)
    assert not wrong, wrong  # noqa: S101 made by domain/ledger/entries.py: only our own mistake
    ledger = work[LedgerStore]
    await ledger.lock_key(entry.key)
    there = await ledger.of_key(entry.key)
    if there is None:
        closed = await ledger.closed_until()
        if closed is not None and entry.day <= closed:
            raise Problem("day-closed", day=day_text(entry.day), until=day_text(closed))
        await check_spent(work, entry)
        entry_id = await ledger.add(entry, made_by, agreed_by, now_us)
        if entry_id is not None:
            made = await ledger.get(entry_id)
            assert made is not None  # noqa: S101 added in this transaction
            return made, True
        there = await ledger.of_key(entry.key)
        assert there is not None  # noqa: S101 its key is taken
    if not is_same(entry, there):
        raise Problem("booking-key-used", taken=entry.key, entry_id=there.entry_id)
    return there, False


async def book_many(
    work: Work, entries: Sequence[Entry], made_by: UserId, agreed_by: UserId | None, now_us: int
) -> list[int]:
    """Entries whose keys whoever calls knows to be new, for he holds what they follow from; their ids in order. What they spend he has
    looked at, under the customers' locks. Raises ``day-closed``."""
    if not entries:
        return []
    wrong = [(entry.key, told) for entry in entries if (told := faults(entry))]
    assert not wrong, wrong  # noqa: S101 made by domain/ledger/entries.py: only our own mistake
    closed = await work[LedgerStore].closed_until()
    first = min(entry.day for entry in entries)
    if closed is not None and first <= closed:
        raise Problem("day-closed", day=day_text(first), until=day_text(closed))
    return await work[LedgerStore].add_many(entries, made_by, agreed_by, now_us)


async def book_bills(
    work: Work, sums: BilledSums, day: int, memo: str, made_by: UserId, agreed_by: UserId | None, now_us: int
) -> list[int]:
    """Entries of many bills of one day, as ``book_many`` of ``bill_entry``; their ids in order. Raises ``day-closed``."""
    if not sums.keys:
        return []
    closed = await work[LedgerStore].closed_until()
    if closed is not None and day <= closed:
        raise Problem("day-closed", day=day_text(day), until=day_text(closed))
    return await work[LedgerStore].add_bills(sums, day, memo, made_by, agreed_by, now_us)


async def check_spent(work: Work, entry: Entry) -> None:
    """Nobody spends credit that is not there, or settles more than is owed; of two at once the second sees what the first left. A payment
    that is taken back may have been deducted from at the server meanwhile: what was used is owed then, the balance is below 0.

    Raises ``not-so-much``.
    """
    for account_id in sorted({line.account_id for line in entry.lines if line.account_id is not None}):
        sums = {
            account: sum(line.fen for line in entry.lines if line.account is account and line.account_id == account_id)
            for account in (LedgerAccount.CREDIT, LedgerAccount.RECEIVABLE)
        }
        if sums[LedgerAccount.CREDIT] <= 0 and sums[LedgerAccount.RECEIVABLE] >= 0:
            continue
        await work[LedgerStore].lock_customer(account_id)
        held = await work[LedgerStore].balance(account_id)
        free = held.credit_fen
        if entry.kind is EntryKind.REVERSAL and sums[LedgerAccount.CREDIT] > max(0, free):
            free += max(0, await work[LedgerStore].deducted(account_id))
        if sums[LedgerAccount.CREDIT] > max(0, free):
            raise Problem("not-so-much", fen=held.credit_fen)
        if -sums[LedgerAccount.RECEIVABLE] > max(0, held.owed_fen):
            raise Problem("not-so-much", fen=held.owed_fen)


def is_same(entry: Entry, booked: BookedEntry) -> bool:
    """Whether an entry asked for again is the one that was booked; the day of the second asking may be a later one."""
    lines = tuple(EntryLine(line.account, line.fen, line.account_id, line.detail) for line in booked.lines)
    return (entry.kind, entry.lines, entry.reverses) == (booked.kind, lines, booked.reverses)


async def book_payment(
    store: Store, actor: Actor, key: str, account_id: int, channel: Channel, fen: int, day: int, memo: str, now_us: int
) -> BookedEntry:
    """Money that came in, as the customer's credit. The same key again changes nothing. Raises as ``book``."""
    async with store.tenant(actor.tenant_id) as work:
        made, is_new = await book(work, payment(key, day, account_id, fen, channel, memo), actor.user_id, None, now_us)
        if is_new:
            told = {"account_id": account_id, "fen": fen, "channel": channel}
            await work[AuditTrail].record(actor, "book_payment", "ledger_entry", made.entry_id, None, told)
    return made


async def close_month(
    store: Store, actor: Actor, month: str, today: int, reason: str, now_us: int
) -> list[ClosedMonth]:
    """Nothing is booked into it or before it any more, for ever. ``month``: YYYY-MM.

    :raises Problem: ``reason-needed``, ``month-running``, ``already-done``.
    """
    why = stated(reason)
    last_day = month_span(month)[1] - 1
    if last_day >= today:
        raise Problem("month-running", month=month)
    async with store.tenant(actor.tenant_id) as work:
        await work[LedgerStore].lock_months()
        closed = await work[LedgerStore].closed_until()
        if closed is not None and last_day <= closed:
            raise Problem("already-done", state="closed")
        await work[LedgerStore].close_month(last_day, actor.user_id, why, now_us)
        await work[AuditTrail].record(actor, "close_month", "ledger_month", month, None, {"month": month}, reason=why)
        return await work[LedgerStore].months()
