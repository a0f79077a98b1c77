# SPDX-License-Identifier: Apache-2.0
"""Accounts that are charged at the server, as people see them. Amounts are integers in fen, volumes decimal text in m³."""

from datetime import datetime

from msgspec import Struct

from openmains.domain.ledger.prepaid import BalanceStage


class DeductedDay(Struct, frozen=True):
    """A version of a day's deduction. ``fen``: the difference that it booked; ``day_fen``: of the day in all, after it; ``superseded``: a newer
    version corrects it; ``is_billed``: a bill took its place; ``entry_id`` null: nothing to book."""

    deduction_id: int
    account_id: int
    day: str
    version: int
    fen: int
    day_fen: int
    volume_m3: str
    is_estimated: bool
    superseded: bool
    is_billed: bool
    entry_id: int | None
    made_at: datetime


class ServerAccount(Struct, frozen=True):
    """An account that is charged at the server since ``since_day``, until before ``until_day`` where that was ended.

    ``balance_fen``: what it paid ahead less what it owes; ``deducted_fen``: taken from it for days that are not billed yet; ``warn_fen``:
    below it the customer is warned; ``limit_fen``: how far below 0 it may be; ``below_since``: the day on which it fell below that.
    ``last_day`` with ``last_fen`` and ``last_volume_m3``: the newest day that was deducted; ``open_day``: the first one that is not, or an
    earlier one of its month that is in doubt, and ``why`` (docs/charging.md), '' where it is just not read yet."""

    account_id: int
    number: str
    since_day: str
    until_day: str | None
    warn_fen: int
    limit_fen: int
    stage: BalanceStage
    below_since: str | None
    balance_fen: int
    deducted_fen: int
    last_day: str | None
    last_fen: int | None
    last_volume_m3: str | None
    open_day: str
    why: str
    changed_by: str
    changed_at: datetime
