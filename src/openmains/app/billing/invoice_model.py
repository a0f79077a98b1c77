# SPDX-License-Identifier: Apache-2.0
"""Invoices of bills as people see them. Amounts are integers in fen; the document's are decimal text in CNY, as its layout has them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from msgspec import Struct

InvoiceStateName = Literal["asked", "issued", "refused", "red_asked", "red_lettered"]


class InvoiceTax(Struct, frozen=True):
    """How a component of bills stands on invoices. ``component``: its name in tariffs; ``item``: 项目名称; ``tax_code``: 税收分类编码, of
    19 digits; ``rate_bp``: 1/100 of a percent."""

    component: str
    item: str
    tax_code: str
    rate_bp: int


class Invoice(Struct, frozen=True):
    """``document``: what the tax adapter was given, by the published names; ``number``: 20 digits, once it is issued; ``fault``: why it was
    refused."""

    invoice_id: int
    bill_id: int
    account_id: int
    state: InvoiceStateName
    buyer: str
    buyer_tax_number: str
    fen: int
    tax_fen: int
    document: Mapping[str, Any]
    number: str
    fault: str
    asked_by: int
    asker: str
    asked_at: datetime
    issued_at: datetime | None
    red_number: str
    red_reason: str
    red_asker: str | None
    red_at: datetime | None
