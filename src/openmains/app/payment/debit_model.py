# SPDX-License-Identifier: Apache-2.0
"""Direct debit as people see it. Amounts are integers in fen; of a bank account only its last four digits are ever shown."""

from datetime import datetime
from typing import Literal

from msgspec import Struct

DebitFileState = Literal["open", "done", "voided"]
DebitItemState = Literal["asked", "paid", "declined", "returned", "voided"]


class DebitAuthorisation(Struct, frozen=True):
    """A customer's leave to collect what an account owes from a bank account. ``contract``: its number at the bank; ``tail``: the bank
    account's last four digits; holder and number are sealed."""

    authorisation_id: int
    account_id: int
    contract: str
    bank: str
    tail: str
    signed_on: str
    author: str
    made_at: datetime
    ended_at: datetime | None
    end_reason: str


class DebitFile(Struct, frozen=True):
    """A file for the bank. ``number``: by which the bank answers it; ``answered``: items of which the bank has said something."""

    file_id: int
    number: str
    layout: str
    collect_on: str
    lines: int
    fen: int
    state: DebitFileState
    answered: int
    paid: int
    paid_fen: int
    declined: int
    returned: int
    author_id: int
    author: str
    made_at: datetime
    voider: str | None
    voided_at: datetime | None
    void_reason: str


class DebitItem(Struct, frozen=True):
    """A line of a file. ``result``, ``transaction``, ``day``: the bank's; ``return_id``: where it gave the money back, the reversal that
    another person agrees to."""

    place: int
    number: str
    authorisation_id: int
    account_id: int
    tail: str
    fen: int
    state: DebitItemState
    result: str
    transaction: str
    day: str | None
    receipt_id: int | None
    return_id: int | None


class DebitAnswer(Struct, frozen=True):
    """An answered file that was read. ``repeated``: lines that said what was known; the same file again is this answer, and changes nothing."""

    answer_id: int
    file_id: int
    file_name: str
    sha256: str
    lines: int
    fen: int
    paid: int
    paid_fen: int
    declined: int
    returned: int
    repeated: int
    reader: str
    read_at: datetime
