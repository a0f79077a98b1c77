# SPDX-License-Identifier: Apache-2.0
"""What invoices ask of the store, and of whoever issues them."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, Protocol

from openmains.app.billing.invoice_model import Invoice, InvoiceTax
from openmains.domain.ids import UserId


class TaxAnswer(NamedTuple):
    """``number``: of the invoice, where it is done; ``code``: why it was declined, or is unclear."""

    state: Literal["done", "declined", "unclear"]
    number: str = ""
    code: str = ""


class TaxAdapter(Protocol):
    """Whoever issues invoices: a tax platform behind its own adapter. ``request``: ours; the same again is the same invoice, and tells what
    became of it."""

    async def issue(self, request: str, document: Mapping[str, Any]) -> TaxAnswer: ...
    async def red_letter(self, request: str, number: str, reason: str) -> TaxAnswer:
        """A red-letter invoice over the whole of another."""


class NewInvoice(NamedTuple):
    """An invoice before it is asked for."""

    bill_id: int
    account_id: int
    buyer: str
    buyer_tax_number: str
    fen: int
    tax_fen: int
    document: Mapping[str, Any]


class InvoiceStore(Protocol):
    """Invoices, and how components stand on them."""

    async def taxes(self) -> list[InvoiceTax]: ...
    async def put_taxes(self, taxes: Sequence[InvoiceTax]) -> None:
        """In place of all before."""

    async def seller(self) -> str:
        """The utility's name."""

    async def add(self, new: NewInvoice, user_id: UserId, now_us: int) -> int | None:
        """None: the bill has one that stands."""

    async def get(self, invoice_id: int, *, lock: bool = False) -> Invoice | None: ...
    async def of_bill(self, bill_id: int) -> list[Invoice]:
        """Newest first."""

    async def page(self, limit: int, after: int | None, *, state: str | None) -> list[Invoice]: ...
    async def move(self, invoice_id: int, state: str, number: str, fault: str, now_us: int) -> None:
        """To a state; ``number``: the invoice's, or the red letter's."""

    async def ask_red(self, invoice_id: int, reason: str, user_id: UserId) -> None: ...
