# SPDX-License-Identifier: Apache-2.0
"""For the accountant: trial balance (试算平衡表), and the journal as vouchers (记账凭证) in the columns that Chinese finance systems read."""

from collections.abc import Iterator, Sequence
from typing import Literal

from openmains.app.ledger.model import BookedEntry, TrialBalance, TrialRow
from openmains.domain.ledger.entries import CHART, EntryKind, Movement, trial_faults
from openmains.domain.period import day_text
from openmains.domain.tariff.exact import written

Language = Literal["zh", "en"]
VOUCHER_HEADS = {
    "zh": (
        "凭证日期", "凭证字", "凭证号", "附单据数", "分录号", "摘要", "科目编码", "科目名称", "借方金额", "贷方金额",
        "辅助核算-客户", "辅助核算-项目", "币别", "制单人", "审核人",
    ),
    "en": (
        "voucher date", "voucher word", "voucher no.", "attachments", "line", "summary", "account code", "account name", "debit", "credit",
        "customer", "item", "currency", "prepared by", "approved by",
    ),
}  # fmt: skip
KINDS = {
    EntryKind.PAYMENT: ("收款", "Payment"),
    EntryKind.BILL: ("账单", "Bill"),
    EntryKind.SETTLEMENT: ("结算", "Settlement"),
    EntryKind.LATE_FEE: ("违约金", "Late fee"),
    EntryKind.REVERSAL: ("冲正", "Reversal"),
    EntryKind.REFUND: ("退款", "Refund"),
    EntryKind.WRITE_OFF: ("坏账核销", "Write-off"),
    EntryKind.ADJUSTMENT: ("调整", "Adjustment"),
    EntryKind.DEDUCTION: ("扣费", "Deduction"),
    EntryKind.RELEASE: ("扣费转出账", "Deductions billed"),
}


def trial_balance(movements: Sequence[Movement], first_day: int, end_day: int) -> TrialBalance:
    """The period [``first_day``, ``end_day``) by account, in the chart's order; accounts that never moved are left out."""
    by_account = {one.account: one for one in movements}
    rows = [
        TrialRow(account, rule.code, rule.zh, rule.en, one.opening, one.debit, one.credit, one.closing)
        for account, rule in CHART.items()
        if (one := by_account.get(account)) is not None
    ]
    return TrialBalance(
        first_day=day_text(first_day),
        last_day=day_text(end_day - 1),
        rows=rows,
        debit=sum(row.debit for row in rows),
        credit=sum(row.credit for row in rows),
        faults=trial_faults(movements),
    )


_NAMED_TWICE = "违约金 late fee "
"""How memos of late fees began once; what is booked stays as it is."""


def voucher_rows(entries: Sequence[BookedEntry], language: Language) -> Iterator[tuple[str | int, ...]]:
    """A row a line; amounts in CNY with two decimals, empty on the other side. An entry is a voucher, its id the number."""
    place = 0 if language == "zh" else 1
    for entry in entries:
        memo = entry.memo.removeprefix(_NAMED_TWICE) if entry.kind is EntryKind.LATE_FEE else entry.memo
        summary = f"{KINDS[entry.kind][place]} {memo}".strip()
        for number, line in enumerate(entry.lines, 1):
            rule = CHART[line.account]
            amount = written(abs(line.fen), 2, 2)
            yield (
                entry.day, "记", entry.entry_id, 0, number, summary, rule.code, rule.zh if language == "zh" else rule.en,
                amount if line.fen > 0 else "", amount if line.fen < 0 else "",
                "" if line.account_id is None else line.account_id, line.detail, "CNY", entry.maker,
                entry.agreer or "",
            )  # fmt: skip
