# SPDX-License-Identifier: Apache-2.0
"""The data of an invoice (数电票) from a bill, by the names of the published XML ("EInvoice"): seller, buyer, items, sums. Pure.

Its amounts are decimal text in CNY with two places; each item's tax is what its amount holds, rounded once, and the sums are those of the
items. ``Quantity`` and ``UnPrice`` are left out: components share one volume, and a price with its tiers is no single price.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from openmains.app.billing.invoice_model import InvoiceTax
from openmains.app.billing.model import Letterhead
from openmains.domain.ledger.invoice import tax_within


@dataclass(frozen=True, slots=True)
class InvoiceBill:
    """What of a bill stands on its invoice. ``components``: fen by name, each above 0."""

    number: str
    month: str
    volume_m3: str
    components: Mapping[str, int]


def yuan(fen: int) -> str:
    """4850 → ``48.50``."""
    return f"{fen // 100}.{fen % 100:02d}"


def rate_text(rate_bp: int) -> str:
    """300 → ``0.03``, as the layout has rates."""
    return f"{rate_bp // 10_000}.{rate_bp % 10_000:04d}".rstrip("0").removesuffix(".")


def document(
    bill: InvoiceBill,
    seller: str,
    letterhead: Letterhead,
    buyer: str,
    buyer_tax_number: str,
    taxes: Sequence[InvoiceTax],
    drawer: str,
    asked_at: str,
) -> tuple[dict[str, Any], int]:
    """The document and the tax in it, in fen. Every component has its tax: who calls has seen to that."""
    by_name = {tax.component: tax for tax in taxes}
    items, tax_fen = [], 0
    for name, fen in bill.components.items():
        tax = by_name[name]
        within = tax_within(fen, tax.rate_bp)
        tax_fen += within
        items.append(
            {
                "ItemName": tax.item, "MeaUnits": "", "Amount": yuan(fen - within), "TaxRate": rate_text(tax.rate_bp), "ComTaxAm": yuan(within),
                "TotaltaxIncludedAmount": yuan(fen), "TaxClassificationCode": tax.tax_code,
            }
        )  # fmt: skip
    total = sum(bill.components.values())
    return {
        "SellerInformation": {
            "SellerName": seller, "SellerIdNum": letterhead.tax_number, "SellerAddr": letterhead.address, "SellerTelNum": letterhead.phone,
            "SellerBankName": letterhead.bank,
        },
        "BuyerInformation": {"BuyerName": buyer, "BuyerIdNum": buyer_tax_number},
        "BasicInformation": {
            "TotalAmWithoutTax": yuan(total - tax_fen), "TotalTaxAm": yuan(tax_fen), "TotalTax-includedAmount": yuan(total), "Drawer": drawer,
            "RequestTime": asked_at,
        },
        "IssuItemInformation": items,
        "AdditionalInformation": {"Remark": f"账单 {bill.number} {bill.month} 用量 {bill.volume_m3} m³"},
    }, tax_fen  # fmt: skip
