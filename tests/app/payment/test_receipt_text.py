# SPDX-License-Identifier: Apache-2.0
"""A receipt as a till prints it."""

from datetime import UTC, datetime

from openmains.app.payment.model import PaidItem, Receipt
from openmains.app.payment.receipt_text import WIDTH, receipt_text
from openmains.domain.period import zone

RECEIPT = Receipt(
    receipt_id=7, account_id=30012, channel="cash", key="t-1", fen=12_345, day="2026-11-29", shift_id=1, entry_id=5,
    paid=[PaidItem(1, "2026-09", False, 10_000), PaidItem(1, "2026-09", True, 45)], credit_fen=2_300, owed_fen=0, taken_by="王芳",
    taken_at=datetime(2026, 11, 29, 1, 2, tzinfo=UTC), returned=False,
)  # fmt: skip


def test_a_receipt_says_what_was_paid_in_both_languages() -> None:
    zh = receipt_text(RECEIPT, "江城水务", zone("Asia/Shanghai"), "zh").splitlines()
    assert zh[0].strip() == "江城水务"
    assert "实收(元)                  123.45" in zh
    assert "账单 2026-09              100.00" in zh
    assert "违约金 2026-09              0.45" in zh
    assert "时间            2026-11-29 09:02" in zh
    en = receipt_text(RECEIPT, "Rivertown", zone("Asia/Shanghai"), "en").splitlines()
    assert "bill 2026-09              100.00" in en
    assert {len(line) for line in en if "  " in line and line[0] != " " and line.isascii()} == {WIDTH}
