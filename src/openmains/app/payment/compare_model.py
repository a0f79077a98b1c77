# SPDX-License-Identifier: Apache-2.0
"""A day's comparison and its differences as people see them. Amounts are integers in fen."""

from datetime import datetime
from typing import Literal

from msgspec import Struct

DifferenceName = Literal["missing-here", "missing-there", "amount-differs", "twice", "not-delivered"]
MoneyKindName = Literal["payment", "refund"]
DifferenceState = Literal["open", "asked", "settled", "gone"]
Remedy = Literal["", "explained", "booked"]


class PaymentComparison(Struct, frozen=True):
    """A comparison that was made. ``there``: the channel's file; ``here``: the ledger; ``paid``, ``back``: payments and refunds;
    ``channel_id`` null: third parties; ``made_by`` '': the platform."""

    comparison_id: int
    channel_id: int | None
    day: str
    lines_there: int
    lines_here: int
    paid_there_fen: int
    paid_here_fen: int
    back_there_fen: int
    back_here_fen: int
    found: int
    made_by: str
    made_at: datetime


class PaymentDifference(Struct, frozen=True):
    """What is not as it should be. ``number``: of our order or refund; ``here_fen``, ``there_fen``: null where that side has no line;
    ``state``: ``asked`` waits for another person, ``gone`` was found no more when it was compared again; ``account_id``: to which it is
    booked."""

    difference_id: int
    channel_id: int | None
    day: str
    what: DifferenceName
    kind: MoneyKindName
    number: str
    here_fen: int | None
    there_fen: int | None
    order_id: int | None
    state: DifferenceState
    remedy: Remedy
    account_id: int | None
    reason: str
    author_id: int | None
    author: str
    decided_by: int | None
    decider: str
    decision: str
    entry_id: int | None
    found_at: datetime
    changed_at: datetime
