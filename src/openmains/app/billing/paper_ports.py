# SPDX-License-Identifier: Apache-2.0
"""What printing bills asks of others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from openmains.app.billing.model import Letterhead
from openmains.app.billing.ports import KeptBill
from openmains.domain.ids import UserId
from openmains.domain.tariff.plan import CustomerClass


@dataclass(frozen=True, slots=True)
class PrintedBill:
    """A bill with whose it is. ``number``, ``address``: of the account, empty where the book has none; ``holder``: who held it on the
    bill's last day. ``superseded``: a corrected version took its place."""

    kept: KeptBill
    number: str
    holder: str
    address: str
    medium: str
    tariff: str
    customer_class: CustomerClass
    first_day: int
    volume_ml: int
    estimated_days: int
    superseded: bool
    made_us: int


@dataclass(frozen=True, slots=True)
class PastMonth:
    """The newest version of an account's bill of a month."""

    month: int
    volume_ml: int
    total_fen: int


class PaperStore(Protocol):
    """Bills as they are printed."""

    async def letterhead(self) -> Letterhead: ...
    async def set_letterhead(self, wanted: Letterhead, user_id: UserId, now_us: int) -> None: ...
    async def utility(self) -> str:
        """Its name."""

    async def bills(self, bill_ids: Sequence[int]) -> list[PrintedBill]:
        """Any versions, by id."""

    async def past(
        self, account_ids: Sequence[int], first_month: int, last_month: int
    ) -> Mapping[int, Sequence[PastMonth]]:
        """By account, by month."""

    async def of_run(self, run_id: int, after: int, limit: int) -> list[int]:
        """Bills that a run made, by id."""

    async def count(self, run_id: int) -> int:
        """How many a run made."""


class Typesetter(Protocol):
    """Sets a document by the template that it names, as a PDF (``paper``, ``receipt_paper``)."""

    async def __call__(self, document: str, made_s: int, /) -> bytes:
        """``document``: JSON; ``made_s``: the instant that the file bears, so that the same bill is the same file."""
