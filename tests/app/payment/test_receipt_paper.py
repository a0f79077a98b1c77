# SPDX-License-Identifier: Apache-2.0
"""A receipt on paper says what its roll says, and the template sets it."""

import json
from dataclasses import dataclass

import msgspec
import pytest

from openmains.app.billing.model import Letterhead
from openmains.app.billing.paper_words import Language
from openmains.app.payment.receipt_paper import receipt_paper
from openmains.domain.period import zone
from openmains.edges.typeset.bills import TypstBills
from tests.app.payment.test_receipt_text import RECEIPT


@dataclass
class Case:
    """A language, and what stands on a receipt in it."""

    language: Language
    said: tuple[str, ...]


@pytest.mark.parametrize(
    "case",
    [
        Case("zh", ("收款收据", "壹佰贰拾叁元肆角伍分", "账单 2026-09", "违约金 2026-09", "现金")),
        Case("en", ("RECEIPT", "bill 2026-09", "late fee 2026-09", "cash")),
    ],
    ids=["zh", "en"],
)
def test_a_receipt_on_paper(case: Case) -> None:
    told = receipt_paper(RECEIPT, "江城水务", Letterhead(phone="96390"), zone("Asia/Shanghai"), case.language)
    text = json.dumps(told, ensure_ascii=False)
    assert all(one in text for one in (*case.said, "123.45", "100.00", "0.45", "23.00", "2026-11-29 09:02", "96390"))
    assert told["mark"] == ""
    back = receipt_paper(
        msgspec.structs.replace(RECEIPT, returned=True), "江城水务", Letterhead(), zone("UTC"), case.language
    )
    assert back["mark"] and "*" not in back["mark"]
    typeset = TypstBills()
    assert typeset.set(text, 0).startswith(b"%PDF-")
    typeset.close()
