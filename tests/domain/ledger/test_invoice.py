# SPDX-License-Identifier: Apache-2.0
"""Invoices: their life as a table, and the tax that an amount holds."""

import itertools
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from openmains.app.billing.invoice_document import InvoiceBill, document, rate_text, yuan
from openmains.app.billing.invoice_model import InvoiceTax
from openmains.app.billing.model import Letterhead
from openmains.domain.ledger.invoice import CHANGES, WAITS, InvoiceEvent, InvoiceState, after, tax_within
from tests.support.properties import counted

S, E = InvoiceState, InvoiceEvent


def test_every_pair_lands_in_a_known_state_or_cannot_be_done() -> None:
    assert set(CHANGES) == set(S) and {s for s in S if after(s, E.UNCLEAR) is s} == WAITS
    for state, event in itertools.product(S, E):
        assert after(state, event) in {*S, None}
    assert [event for event in E if after(S.ISSUED, event)] == [E.RED], "nothing but a person takes it back"
    assert not any(after(end, event) for end in (S.REFUSED, S.RED_LETTERED) for event in E)


@settings(max_examples=counted(100))
@given(st.integers(0, 10**11), st.integers(0, 10_000))
def test_the_tax_within_an_amount_is_rounded_once_half_up(fen: int, rate_bp: int) -> None:
    exact = Fraction(fen * rate_bp, 10_000 + rate_bp)
    assert tax_within(fen, rate_bp) - exact <= Fraction(1, 2) and exact - tax_within(fen, rate_bp) < Fraction(1, 2)


def test_a_document_adds_up() -> None:
    """By hand: 48.50 with 3 % holds 1.41 of tax (1.4126…), 19.00 without tax holds none."""
    taxes = [
        InvoiceTax("water", "*水冰雪*自来水", "1100301010000000000", 300),
        InvoiceTax("sewage", "*不征税自行开具项目*污水处理费", "6" + "0" * 18, 0),
    ]
    bill = InvoiceBill("2026-10-00000007", "2026-10", "18.2", {"water": 4850, "sewage": 1900})
    made, tax_fen = document(
        bill,
        "某水务",
        Letterhead(tax_number="91530000719405252X"),
        "张三",
        "",
        taxes,
        "李四",
        "2026-11-30T09:00:00+08:00",
    )
    assert tax_fen == 141
    assert made["BasicInformation"] == {
        "TotalAmWithoutTax": "66.09", "TotalTaxAm": "1.41", "TotalTax-includedAmount": "67.50", "Drawer": "李四",
        "RequestTime": "2026-11-30T09:00:00+08:00",
    }  # fmt: skip
    water, sewage = made["IssuItemInformation"]
    assert (water["Amount"], water["ComTaxAm"], water["TaxRate"], water["TotaltaxIncludedAmount"]) == (
        "47.09",
        "1.41",
        "0.03",
        "48.50",
    )
    assert (sewage["Amount"], sewage["ComTaxAm"], sewage["TaxRate"]) == ("19.00", "0.00", "0")
    assert [rate_text(rate) for rate in (0, 1, 300, 900, 1300, 10_000)] == ["0", "0.0001", "0.03", "0.09", "0.13", "1"]
    assert yuan(5) == "0.05"
