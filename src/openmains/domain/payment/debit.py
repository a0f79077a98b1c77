# SPDX-License-Identifier: Apache-2.0
"""Direct debit by bank files (批量代扣): what the bank's word about an item changes, as a table, and how an answered file is held against the
file it answers. Pure: an answer with any fault changes nothing at all.

    asked      stands in a file that the bank is given
    paid       the bank collected it
    declined   the bank did not; it is owed as before, and stands in the next file
    returned   the bank collected it and gave it back to the payer: another person agrees to the reversal, then it is owed again
    voided     its file was voided before the bank said anything

What a pair of the table does not name contradicts what the bank said before, and refuses the whole answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class DebitState(StrEnum):
    """Where an item of a file stands."""

    ASKED = "asked"
    PAID = "paid"
    DECLINED = "declined"
    RETURNED = "returned"
    VOIDED = "voided"


class DebitOutcome(StrEnum):
    """The bank's word about an item."""

    PAID = "paid"
    DECLINED = "declined"
    RETURNED = "returned"


S, O = DebitState, DebitOutcome  # noqa: E741 - as short as the table needs
CHANGES: Mapping[DebitState, Mapping[DebitOutcome, DebitState]] = {
    S.ASKED: {O.PAID: S.PAID, O.DECLINED: S.DECLINED},
    S.PAID: {O.PAID: S.PAID, O.RETURNED: S.RETURNED},
    S.DECLINED: {O.DECLINED: S.DECLINED},
    S.RETURNED: {O.PAID: S.RETURNED, O.RETURNED: S.RETURNED},
    S.VOIDED: {},
}


class AnswerFault(StrEnum):
    """Why an answered file is refused whole."""

    ENCODING = "debit-encoding"  # not in the layout's signs
    RECORD = "debit-record"  # a line of no kind, or with other fields than the layout says
    NUMBER = "debit-number"  # an amount, count or day that is none
    HEAD = "debit-head"  # it does not begin with its head, or the head is of another layout
    FOOT = "debit-foot"  # cut off: it does not end with its foot
    FILE = "debit-file"  # it answers another file
    LINES = "debit-lines"  # another count of lines than head or foot say
    SUM = "debit-sum"  # another sum than head or foot say
    FOREIGN = "debit-foreign"  # a line that the file did not ask for
    AMOUNT = "debit-amount"  # another amount than was asked for
    TWICE = "debit-twice"  # one item, or one number of the bank, more than once
    RESULT = "debit-result"  # a result that the layout does not know
    TRANSACTION = "debit-transaction"  # collected, without the bank's number or with one that differs from before
    CONTRADICTION = "debit-contradiction"  # not what the bank said of this item before


class AnswerFaultError(Exception):
    """``line``: of the file, from 1; ``told`` and ``expected``: what stands there, and what should, where that can be said."""

    def __init__(self, why: AnswerFault, line: int, told: object = "", expected: object = "") -> None:
        super().__init__(f"{why} in line {line}")
        self.why, self.line, self.told, self.expected = why, line, str(told)[:60], str(expected)[:60]


@dataclass(frozen=True, slots=True)
class AnswerLine:
    """``line``: of the file; ``number``: of the item; ``transaction``: the bank's number; ``day``: days since 1970 (local)."""

    line: int
    number: str
    fen: int
    outcome: DebitOutcome
    result: str
    transaction: str
    day: int | None


@dataclass(frozen=True, slots=True)
class Answered:
    """An answered file whose own head, foot, count and sum fit."""

    file: str
    fen: int
    lines: tuple[AnswerLine, ...]


@dataclass(frozen=True, slots=True)
class HeldItem:
    """An item as it stands."""

    state: DebitState
    fen: int
    transaction: str


@dataclass(frozen=True, slots=True)
class Judged:
    """What an answer changes: lines that say something new, and how many say what is known."""

    changes: tuple[tuple[AnswerLine, DebitState], ...]
    repeated: int


def judge(file: str, held: Mapping[str, HeldItem], answer: Answered) -> Judged:
    """Raises ``AnswerFaultError`` at the first line that does not fit; then nothing of the file counts."""
    if answer.file != file:
        raise AnswerFaultError(AnswerFault.FILE, 1, answer.file, file)
    seen, numbers, changes, repeated = set[str](), set[str](), list[tuple[AnswerLine, DebitState]](), 0
    for line in answer.lines:
        item = held.get(line.number)
        if item is None:
            raise AnswerFaultError(AnswerFault.FOREIGN, line.line, line.number)
        if line.number in seen or (line.transaction and line.transaction in numbers):
            raise AnswerFaultError(AnswerFault.TWICE, line.line, line.number)
        seen.add(line.number)
        numbers.add(line.transaction)
        if line.fen != item.fen:
            raise AnswerFaultError(AnswerFault.AMOUNT, line.line, line.fen, item.fen)
        then = CHANGES[item.state].get(line.outcome)
        if then is None:
            raise AnswerFaultError(AnswerFault.CONTRADICTION, line.line, line.outcome, item.state)
        if line.outcome is not DebitOutcome.DECLINED and (
            not line.transaction or item.transaction not in ("", line.transaction)
        ):
            raise AnswerFaultError(AnswerFault.TRANSACTION, line.line, line.transaction, item.transaction)
        if then is item.state:
            repeated += 1
        else:
            changes.append((line, then))
    return Judged(tuple(changes), repeated)
