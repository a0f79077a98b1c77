# SPDX-License-Identifier: Apache-2.0
"""Bills as people read them. Amounts are integers in fen, volumes decimal text in m³."""

from datetime import datetime
from typing import Literal

from msgspec import Struct

from openmains.app.tariff.calculate import CalculatedLine
from openmains.domain.tariff.plan import CustomerClass

RunState = Literal["running", "done", "stopped"]
CorrectionState = Literal["pending", "approved", "rejected"]
AgeOf = Literal["not_due", "to_30", "to_60", "to_90", "over_90"]


class BillRun(Struct, frozen=True):
    """A run over all accounts for a month. ``accounts``: done with so far; ``refused``: of them without a bill, for doubt;
    ``billed_before``: that had nothing left to bill; ``settled_fen``: paid at once out of credit."""

    run_id: int
    month: str
    book_day: str
    due_day: str
    state: RunState
    accounts: int
    bills: int
    refused: int
    billed_before: int
    total_fen: int
    settled_fen: int
    asked_by: str
    asked_at: datetime
    ended_at: datetime | None


class RefusedAccount(Struct, frozen=True):
    """An account that a run made no bill of. ``code``: why; ``days`` days from ``day`` on, of which meter where it is one's."""

    account_id: int
    code: str
    meter_id: int | None
    number: str | None
    day: str
    days: int


class BillHead(Struct, frozen=True):
    """A bill in a list. ``superseded``: a corrected version took its place; ``open_fen``: of it still owed; ``estimated_days``: days with a
    value that is estimated."""

    bill_id: int
    account_id: int
    month: str
    version: int
    superseded: bool
    first_day: str
    last_day: str
    tariff_id: int
    tariff: str
    volume_m3: str
    total_fen: int
    open_fen: int
    fee_fen: int
    estimated_days: int
    due_day: str
    made_at: datetime


class CitedMeter(Struct, frozen=True):
    """Which days of a meter a bill rests on: ``versions`` by day from ``first_day`` on."""

    meter_id: int
    number: str | None
    first_day: str
    versions: list[int]


class BillDetail(Struct, frozen=True):
    """A bill with the sum line by line. ``remainder_before_fen``: less than half a fen that came from the bill before;
    ``remainder_fen`` goes on to the next one; ``counted_m3``: counted in the cycle after it."""

    head: BillHead
    lines: list[CalculatedLine]
    components: dict[str, int]
    remainder_before_fen: str
    remainder_fen: str
    counted_before_m3: str
    counted_m3: str
    by_days: bool
    cited: list[CitedMeter]
    entry_id: int | None
    reason: str


class RecomputedBill(Struct, frozen=True):
    """A bill worked out again of what it rests on. ``same``: to the fen, line by line, and what is counted after it; ``newer``: days, as
    (meter, day), of which a newer version is stored now."""

    bill_id: int
    same: bool
    total_fen: int
    recomputed_fen: int
    newer: list[tuple[int, str]]


class CorrectedBill(Struct, frozen=True):
    """What a correction changes of a month. ``version``: the new one."""

    month: str
    version: int
    before_fen: int
    after_fen: int


class BillCorrection(Struct, frozen=True):
    """Bills of an account made anew from a month on: asked for by one person, agreed to by another. ``bills``: what it changes, or changed."""

    correction_id: int
    account_id: int
    month: str
    reason: str
    state: CorrectionState
    author_id: int
    author: str
    made_at: datetime
    decided_by: int | None
    decider: str | None
    decided_at: datetime | None
    decision: str
    bills: list[CorrectedBill]


class ArrearsRow(Struct, frozen=True):
    """What an account owes. ``age_days``: of its oldest bill since its due day; ``fee_fen``: late fee up to today, booked or not."""

    account_id: int
    customer_class: CustomerClass
    tariff: str
    area_id: int | None
    area: str
    bills: int
    oldest_month: str
    oldest_due: str
    age_days: int
    open_fen: int
    fee_fen: int


class Letterhead(Struct, frozen=True):
    """What stands on a utility's bills besides the bill. ``pay_link``: where a customer pays on the phone, with ``{code}`` for the payment
    code; without one the picture code holds the payment code itself. ``tax_number``, ``bank``: of the seller, for invoices."""

    address: str = ""
    phone: str = ""
    pay_link: str = ""
    note_zh: str = ""
    note_en: str = ""
    tax_number: str = ""
    bank: str = ""
