# SPDX-License-Identifier: Apache-2.0
"""What the ledger asks of the store. Nothing in it changes or removes a row but the decision of an act."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from openmains.app.ledger.model import ActKind, ActState, BookedEntry, ClosedMonth, CustomerBalance, LedgerAct
from openmains.domain.ids import UserId
from openmains.domain.ledger.entries import Entry, EntryKind, Movement


class BilledSums(NamedTuple):
    """What many bills ask for: key of the entry, customer's account, and fen by component, none of them below 0 and not all 0."""

    keys: Sequence[str]
    account_ids: Sequence[int]
    components: Sequence[Mapping[str, int]]


class LedgerStore(Protocol):
    async def add(self, entry: Entry, made_by: UserId, agreed_by: UserId | None, now_us: int) -> int | None:
        """The new entry's id; None: one with this key is there."""

    async def add_many(
        self, entries: Sequence[Entry], made_by: UserId, agreed_by: UserId | None, now_us: int
    ) -> list[int]:
        """Their ids, in order. What ``book`` asks of one is asked of all by ``book_many``; a key that is there is refused by the database."""

    async def add_bills(
        self, sums: BilledSums, day: int, memo: str, made_by: UserId, agreed_by: UserId | None, now_us: int
    ) -> list[int]:
        """An entry for each, as ``bill_entry`` makes it; their ids, in order. As ``add_many``."""

    async def having_credit(self, account_ids: Sequence[int]) -> list[int]:
        """Those of them that have any."""

    async def balances(self, account_ids: Sequence[int]) -> list[CustomerBalance]:
        """Of those that have any line."""

    async def lock_key(self, key: str) -> None:
        """Nobody else books under this key until the transaction ends: who comes second finds the first's entry."""

    async def of_key(self, key: str) -> BookedEntry | None: ...
    async def get(self, entry_id: int) -> BookedEntry | None: ...
    async def page(
        self, limit: int, after: int | None, *, account_id: int | None, kind: EntryKind | None
    ) -> list[BookedEntry]:
        """From new to old."""

    async def journal(self, first_day: int, end_day: int, limit: int, after: int) -> list[BookedEntry]:
        """From old to new, by id."""

    async def lock_customer(self, account_id: int) -> None:
        """Nobody else spends this customer's credit until the transaction ends."""

    async def lock_entry(self, entry_id: int) -> None:
        """Nobody else reverses this entry until the transaction ends."""

    async def balance(self, account_id: int) -> CustomerBalance: ...
    async def deducted(self, account_id: int) -> int:
        """Fen that are deducted from a customer's credit and not billed yet."""

    async def movements(self, first_day: int, end_day: int) -> list[Movement]:
        """All accounts with any line before ``end_day``."""

    async def closed_until(self) -> int | None:
        """The last day that is closed; nobody closes another month until the transaction ends."""

    async def lock_months(self) -> None:
        """Nobody books or closes a month until the transaction ends."""

    async def months(self) -> list[ClosedMonth]: ...
    async def close_month(self, last_day: int, user_id: UserId, reason: str, now_us: int) -> None: ...


class ActStore(Protocol):
    async def page(self, limit: int, after: int | None, *, state: ActState | None) -> list[LedgerAct]: ...
    async def get(self, act_id: int) -> LedgerAct | None: ...
    async def lock(self, act_id: int) -> LedgerAct | None:
        """It, until the transaction ends."""

    async def add(
        self, key: str, kind: ActKind, account_id: int | None, fen: int | None, channel: str, reverses: int | None,
        reason: str, author: UserId, now_us: int,
    ) -> int | None:  # fmt: skip
        """None: an act with this key is there."""

    async def of_key(self, key: str) -> LedgerAct | None: ...
    async def decide(
        self, act_id: int, state: ActState, user_id: UserId, decision: str, entry_id: int | None, now_us: int
    ) -> None: ...
