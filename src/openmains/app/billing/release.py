# SPDX-License-Identifier: Apache-2.0
"""What a bill run does for accounts that are charged at the server (ADR 0062): the bill takes the place of its days' deductions. What was
deducted for them is credit again, once, in the bill's own transaction, and pays the bill: as the deductions of a month are its bill to the
fen, the balance stays where it was.
"""

from collections.abc import Mapping, Sequence

from openmains.app.billing.server_ports import ServerAccountStore
from openmains.app.ledger.booking import book_many
from openmains.app.ledger.ports import LedgerStore
from openmains.app.unit_of_work import Work
from openmains.domain.ids import UserId
from openmains.domain.ledger.entries import release
from openmains.domain.period import day_text


async def lock_deducted(work: Work, account_ids: Sequence[int]) -> set[int]:
    """Before bills of these accounts are written: which of them are, or were, charged at the server; from these nobody deducts until the
    transaction ends. Those whose credit pays the bills are locked with them, all in order, as whoever locks several does."""
    charged = set(await work[ServerAccountStore].charged(account_ids))
    if charged:
        for account_id in sorted(charged.union(await work[LedgerStore].having_credit(account_ids))):
            await work[LedgerStore].lock_customer(account_id)
    return charged


async def give_back_deducted(work: Work, ends: Mapping[int, int], book_day: int, user_id: UserId, now_us: int) -> int:
    """Bills took the place of the days before ``ends``, by account: what was deducted for them is credit again, once, and pays the bill. How
    many fen."""
    if not ends:
        return 0
    found = await work[ServerAccountStore].deducted_until(ends)
    with_fen = sorted(account_id for account_id, fen in found.items() if fen)
    entries = [
        release(
            f"release:{one}:{day_text(ends[one])}",
            book_day,
            one,
            found[one],
            day_text(ends[one] - 1),
        )
        for one in with_fen
    ]
    ids = dict(zip(with_fen, await book_many(work, entries, user_id, None, now_us), strict=True))
    rows = [(ids.get(one), one, ends[one], fen) for one, fen in sorted(found.items())]
    await work[ServerAccountStore].add_releases(rows, now_us)
    return sum(found.values())
