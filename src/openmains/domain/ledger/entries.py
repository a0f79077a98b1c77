# SPDX-License-Identifier: Apache-2.0
"""Entries of a double-entry ledger: lines that add up to 0, debit (借) above, credit (贷) below. Nothing is ever updated in place: what was
wrong is reversed by an entry of its own.

``faults`` is the law of one entry; the functions below it make the entries of each act. Whoever stores them keeps keys unique, periods
closed and sums at 0 (``edges/postgres/migrations/0046_ledger.sql`` asks all of it again).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

MOST_FEN = 10**15  # of one line: 10 thousand billion CNY; sums of a utility stay within a bigint
MOST_LINES = 200


class LedgerAccount(StrEnum):
    """The accounts (科目)."""

    CASH = "cash"
    CLEARING = "clearing"
    RECEIVABLE = "receivable"
    CREDIT = "credit"
    METERED = "metered"
    DEDUCTED = "deducted"
    REVENUE = "revenue"
    LATE_FEE = "late_fee"
    ADJUSTMENT = "adjustment"
    WRITE_OFF = "write_off"


@dataclass(frozen=True, slots=True)
class AccountRule:
    """``code``: of the Chinese chart of accounts (会计科目); ``debit``: on which side it normally stands; ``of_customer``: whether each
    line names a customer's account; ``detail``: what a line says besides (channel, component), '' for nothing."""

    code: str
    zh: str
    en: str
    debit: bool
    of_customer: bool
    detail: str = ""


CHART: Mapping[LedgerAccount, AccountRule] = {
    LedgerAccount.CASH: AccountRule("1001", "库存现金", "Cash", True, False, "channel"),
    LedgerAccount.CLEARING: AccountRule("1012", "其他货币资金-渠道待清算", "Channel clearing", True, False, "channel"),
    LedgerAccount.RECEIVABLE: AccountRule("1122", "应收账款", "Receivable", True, True),
    LedgerAccount.CREDIT: AccountRule("2203", "预收账款", "Customer credit", False, True),
    LedgerAccount.METERED: AccountRule("220301", "预收账款-表内充值", "Paid for the meter", False, True),
    LedgerAccount.DEDUCTED: AccountRule("220302", "预收账款-已扣待出账", "Deducted, not billed yet", False, True),
    LedgerAccount.REVENUE: AccountRule("6001", "主营业务收入", "Revenue", False, False, "component"),
    LedgerAccount.LATE_FEE: AccountRule("6301", "营业外收入-违约金", "Late fees", False, False),
    LedgerAccount.ADJUSTMENT: AccountRule("6901", "以前年度损益调整-收费调整", "Adjustments", False, False),
    LedgerAccount.WRITE_OFF: AccountRule("6702", "信用减值损失-坏账核销", "Write-offs", True, False),
}


class EntryKind(StrEnum):
    """What an entry is about."""

    PAYMENT = "payment"
    BILL = "bill"
    SETTLEMENT = "settlement"
    LATE_FEE = "late_fee"
    REVERSAL = "reversal"
    REFUND = "refund"
    WRITE_OFF = "write_off"
    ADJUSTMENT = "adjustment"
    DEDUCTION = "deduction"
    RELEASE = "release"


@dataclass(frozen=True, slots=True)
class EntryLine:
    """``fen``: above 0 debit, below 0 credit. ``account_id``: the customer's, where the chart asks for one. ``detail``: channel, component."""

    account: LedgerAccount
    fen: int
    account_id: int | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """``key``: unique in the utility; the same key again is the same entry. ``day``: it belongs to. ``reverses``: id of another entry."""

    key: str
    day: int
    kind: EntryKind
    lines: tuple[EntryLine, ...]
    memo: str = ""
    reverses: int | None = None


def faults(entry: Entry) -> list[str]:
    """Why an entry may not be booked, by code: ``unbalanced``, ``too-few-lines``, ``too-many-lines``, ``zero-line``, ``too-large``,
    ``customer-needed``, ``no-customer``, ``detail-needed``, ``no-detail``, ``no-key``."""
    found = []
    if not entry.key.strip():
        found.append("no-key")
    if len(entry.lines) < 2:
        found.append("too-few-lines")
    if len(entry.lines) > MOST_LINES:
        found.append("too-many-lines")
    if sum(line.fen for line in entry.lines):
        found.append("unbalanced")
    for line in entry.lines:
        rule = CHART[line.account]
        for wrong, code in (
            (line.fen == 0, "zero-line"),
            (abs(line.fen) > MOST_FEN, "too-large"),
            (rule.of_customer and line.account_id is None, "customer-needed"),
            (not rule.of_customer and line.account_id is not None, "no-customer"),
            (bool(rule.detail) and not line.detail, "detail-needed"),
            (not rule.detail and bool(line.detail), "no-detail"),
        ):
            if wrong and code not in found:
                found.append(code)
    return found


def payment(
    key: str, day: int, account_id: int, fen: int, channel: str, memo: str = "", *, for_meter: bool = False
) -> Entry:
    """Money that came in: cash at the counter, or through a channel that still has to settle it; it is the customer's credit, or stands
    for what
    the meter is given, which no bill may spend."""
    place = LedgerAccount.CASH if channel == "cash" else LedgerAccount.CLEARING
    whose = LedgerAccount.METERED if for_meter else LedgerAccount.CREDIT
    lines = EntryLine(place, fen, detail=channel), EntryLine(whose, -fen, account_id)
    return Entry(key, day, EntryKind.PAYMENT, lines, memo)


def bill_entry(key: str, day: int, account_id: int, by_component: Mapping[str, int], memo: str = "") -> Entry:
    """What a bill asks for, by component; components of 0 fen make no line."""
    parts = [EntryLine(LedgerAccount.REVENUE, -fen, detail=name) for name, fen in by_component.items() if fen]
    total = sum(by_component.values())
    asked = (EntryLine(LedgerAccount.RECEIVABLE, total, account_id),) if total else ()
    return Entry(key, day, EntryKind.BILL, (*asked, *parts), memo)


def settlement(key: str, day: int, account_id: int, fen: int, memo: str = "") -> Entry:
    """Credit that pays what is owed."""
    lines = EntryLine(LedgerAccount.CREDIT, fen, account_id), EntryLine(LedgerAccount.RECEIVABLE, -fen, account_id)
    return Entry(key, day, EntryKind.SETTLEMENT, lines, memo)


def deduction(key: str, day: int, account_id: int, fen: int, memo: str = "") -> Entry:
    """What a day's use takes of a customer's credit before it is billed; below 0 what a corrected reading gives back. It was used already, so
    it is deducted where no credit is left, too."""
    lines = EntryLine(LedgerAccount.CREDIT, fen, account_id), EntryLine(LedgerAccount.DEDUCTED, -fen, account_id)
    return Entry(key, day, EntryKind.DEDUCTION, lines, memo)


def release(key: str, day: int, account_id: int, fen: int, memo: str = "") -> Entry:
    """What was deducted for days that are billed now is credit again, which pays the bill."""
    lines = EntryLine(LedgerAccount.DEDUCTED, fen, account_id), EntryLine(LedgerAccount.CREDIT, -fen, account_id)
    return Entry(key, day, EntryKind.RELEASE, lines, memo)


def late_fee_entry(key: str, day: int, account_id: int, fen: int, memo: str = "") -> Entry:
    """A late fee that is owed."""
    lines = EntryLine(LedgerAccount.RECEIVABLE, fen, account_id), EntryLine(LedgerAccount.LATE_FEE, -fen)
    return Entry(key, day, EntryKind.LATE_FEE, lines, memo)


def refund(
    key: str, day: int, account_id: int, fen: int, channel: str, memo: str = "", *, for_meter: bool = False
) -> Entry:
    """Credit that is given back through a channel, or what a meter never took."""
    place = LedgerAccount.CASH if channel == "cash" else LedgerAccount.CLEARING
    whose = LedgerAccount.METERED if for_meter else LedgerAccount.CREDIT
    lines = EntryLine(whose, fen, account_id), EntryLine(place, -fen, detail=channel)
    return Entry(key, day, EntryKind.REFUND, lines, memo)


def write_off(key: str, day: int, account_id: int, fen: int, memo: str = "") -> Entry:
    """What is owed and will not come."""
    lines = EntryLine(LedgerAccount.WRITE_OFF, fen), EntryLine(LedgerAccount.RECEIVABLE, -fen, account_id)
    return Entry(key, day, EntryKind.WRITE_OFF, lines, memo)


def adjustment(key: str, day: int, account_id: int, fen: int, memo: str = "") -> Entry:
    """Credit a customer is given (above 0) or that is taken back (below 0) for another reason than money that moved."""
    lines = EntryLine(LedgerAccount.ADJUSTMENT, fen), EntryLine(LedgerAccount.CREDIT, -fen, account_id)
    return Entry(key, day, EntryKind.ADJUSTMENT, lines, memo)


def reversal(key: str, day: int, entry_id: int, of: Entry, memo: str = "") -> Entry:
    """Another entry taken back whole, on a day of its own; a reversal is not reversed: the act is done again."""
    if of.kind is EntryKind.REVERSAL:
        raise ValueError("a reversal is not reversed")
    lines = tuple(EntryLine(line.account, -line.fen, line.account_id, line.detail) for line in of.lines)
    return Entry(key, day, EntryKind.REVERSAL, lines, memo, reverses=entry_id)


@dataclass(frozen=True, slots=True)
class Movement:
    """An account over a period: what stood there before, what was debited and credited, in fen. ``closing`` follows."""

    account: LedgerAccount
    opening: int
    debit: int
    credit: int

    @property
    def closing(self) -> int:
        return self.opening + self.debit - self.credit


def trial_faults(movements: Sequence[Movement]) -> list[str]:
    """What is not well with a trial balance: ``opening``, ``moved``, ``closing`` that do not add up to 0. None ever should be."""
    sums = {
        "opening": sum(one.opening for one in movements),
        "moved": sum(one.debit - one.credit for one in movements),
        "closing": sum(one.closing for one in movements),
    }
    return [name for name, total in sums.items() if total]
