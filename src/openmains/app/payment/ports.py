# SPDX-License-Identifier: Apache-2.0
"""What payments ask of the store."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from openmains.app.billing.settling import Share
from openmains.app.ledger.model import Channel, CustomerBalance
from openmains.app.payment.model import PaymentReturn, Receipt, TillShift
from openmains.domain.ids import UserId


class ReceiptBatch(NamedTuple):
    """Receipts that are written together, by place: ``paid``: what each paid; ``after``: its account then."""

    channel: Channel
    day: int
    account_ids: Sequence[int]
    keys: Sequence[str]
    fen: Sequence[int]
    entry_ids: Sequence[int]
    paid: Sequence[Sequence[Share]]
    after: Sequence[CustomerBalance]


class ShiftStore(Protocol):
    """Shifts of tills; a clerk has one open at most."""

    async def open_of(self, clerk_id: UserId, *, lock: bool = False) -> TillShift | None:
        """``lock``: nothing is taken in it or given out of it until the transaction ends."""

    async def get(self, shift_id: int) -> TillShift | None: ...
    async def page(self, limit: int, after: int | None) -> list[TillShift]: ...
    async def add(self, clerk_id: UserId, float_fen: int, now_us: int) -> int | None:
        """None: one is open."""

    async def close(self, shift_id: int, expected_fen: int, counted_fen: int, note: str, now_us: int) -> None: ...


class ReceiptStore(Protocol):
    """Receipts, each once for its channel's number."""

    async def of_key(self, channel: Channel, key: str) -> Receipt | None: ...
    async def add(
        self,
        shift_id: int | None,
        account_id: int,
        channel: Channel,
        key: str,
        fen: int,
        day: int,
        entry_id: int,
        paid: Sequence[Share],
        credit_fen: int,
        owed_fen: int,
        taken_by: UserId,
        now_us: int,
    ) -> int: ...
    async def of_keys(self, channel: Channel, keys: Sequence[str]) -> Mapping[str, int]:
        """Those that are taken, with their receipts."""

    async def add_many(self, rows: ReceiptBatch, taken_by: UserId, now_us: int) -> list[int]:
        """Taken at no counter; their ids, in order."""

    async def get(self, receipt_id: int) -> Receipt | None: ...
    async def page(
        self, limit: int, after: int | None, *, account_id: int | None = None, shift_id: int | None = None
    ) -> list[Receipt]: ...
    async def utility(self) -> str:
        """Its name, as it heads a receipt."""

    async def zone(self) -> str:
        """Its time zone."""


class ReturnStore(Protocol):
    """Payments that are taken back."""

    async def add(self, receipt_id: int, shift_id: int | None, reason: str, author: UserId, now_us: int) -> int | None:
        """None: one waits for it, or was agreed to."""

    async def lock(self, return_id: int) -> PaymentReturn | None: ...
    async def get(self, return_id: int) -> PaymentReturn | None: ...
    async def page(self, limit: int, after: int | None) -> list[PaymentReturn]: ...
    async def decide(
        self, return_id: int, state: str, user_id: UserId, decision: str, entry_id: int | None, now_us: int
    ) -> None: ...
