# SPDX-License-Identifier: Apache-2.0
"""Shifts, receipts and returns as people see them. Amounts are integers in fen."""

from datetime import datetime
from typing import Literal

from msgspec import Struct

from openmains.app.ledger.model import Channel

ReturnState = Literal["pending", "approved", "rejected"]


class TillShift(Struct, frozen=True):
    """A clerk's shift. ``expected_fen``: what should be in the till: the float, and cash in less cash given back; ``counted_fen``: what was,
    None while it is open; ``receipts``: taken in it, of all channels."""

    shift_id: int
    clerk_id: int
    clerk: str
    opened_at: datetime
    float_fen: int
    cash_in_fen: int
    cash_out_fen: int
    expected_fen: int
    receipts: int
    counted_fen: int | None
    difference_fen: int | None
    note: str
    closed_at: datetime | None


class PaidItem(Struct, frozen=True):
    """What a payment paid of a bill, or of its late fee."""

    bill_id: int
    month: str
    of_fee: bool
    fen: int


class Receipt(Struct, frozen=True):
    """A payment that was taken. ``key``: the channel's number; ``paid``: bills it paid at once, oldest first; ``credit_fen`` and ``owed_fen``:
    the account after it; ``returned``: whether it was taken back."""

    receipt_id: int
    account_id: int
    channel: Channel
    key: str
    fen: int
    day: str
    shift_id: int | None
    entry_id: int
    paid: list[PaidItem]
    credit_fen: int
    owed_fen: int
    taken_by: str
    taken_at: datetime
    returned: bool


class PaymentReturn(Struct, frozen=True):
    """A payment that is taken back: one person asks, another agrees. ``entry_id``: the reversal."""

    return_id: int
    receipt_id: int
    account_id: int
    channel: Channel
    fen: int
    shift_id: int | None
    reason: str
    state: ReturnState
    author_id: int
    author: str
    made_at: datetime
    decided_by: int | None
    decider: str | None
    decided_at: datetime | None
    decision: str
    entry_id: int | None
