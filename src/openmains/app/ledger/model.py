# SPDX-License-Identifier: Apache-2.0
"""The ledger as people read it. Amounts are integers in fen."""

from datetime import datetime
from typing import Literal

from msgspec import Struct

from openmains.domain.ledger.entries import EntryKind, LedgerAccount

ActKind = Literal["reversal", "refund", "write_off", "adjustment"]
ActState = Literal["pending", "approved", "rejected"]
Channel = Literal["cash", "bank", "wechat", "alipay", "third_party"]


class BookedLine(Struct, frozen=True):
    """``fen``: above 0 debit, below 0 credit."""

    account: LedgerAccount
    fen: int
    account_id: int | None
    detail: str


class BookedEntry(Struct, frozen=True):
    """An entry as it stands for ever. ``reversed_by``: the entry that takes it back; ``agreer``: name of the second
    person, None where the act needs none."""

    entry_id: int
    key: str
    day: str
    kind: EntryKind
    memo: str
    reverses: int | None
    reversed_by: int | None
    made_by: int
    maker: str
    agreed_by: int | None
    agreer: str | None
    made_at: datetime
    lines: list[BookedLine]


class LedgerAct(Struct, frozen=True):
    """What one person asks for and another agrees to. ``entry_id``: what was booked then."""

    act_id: int
    key: str
    kind: ActKind
    account_id: int | None
    fen: int | None
    channel: str
    reverses: int | None
    reason: str
    state: ActState
    author_id: int
    author: str
    made_at: datetime
    decided_by: int | None
    decider: str | None
    decided_at: datetime | None
    decision: str
    entry_id: int | None


class TrialRow(Struct, frozen=True):
    """An account over a period. ``code``: of the chart of accounts; ``opening``, ``closing``: above 0 debit."""

    account: LedgerAccount
    code: str
    zh: str
    en: str
    opening: int
    debit: int
    credit: int
    closing: int


class TrialBalance(Struct, frozen=True):
    """``faults``: sums that are not 0, of which there should never be any."""

    first_day: str
    last_day: str
    rows: list[TrialRow]
    debit: int
    credit: int
    faults: list[str]


class ClosedMonth(Struct, frozen=True):
    """A month into which nothing is booked any more."""

    month: str
    closed_by: str
    closed_at: datetime
    reason: str


class CustomerBalance(Struct, frozen=True):
    """``credit_fen``: what the customer has paid ahead; ``owed_fen``: what is owed."""

    account_id: int
    credit_fen: int
    owed_fen: int
