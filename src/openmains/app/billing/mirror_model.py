# SPDX-License-Identifier: Apache-2.0
"""Meters that deduct by themselves, worked out again, as people see them. Balances are integers: fen, or litres where ``unit`` is ``l``."""

from datetime import datetime
from enum import StrEnum
from typing import Literal

from msgspec import Struct

from openmains.domain.tariff.meter_deduction import StepRounding
from openmains.domain.tariff.mirror import Cause

BalanceUnit = Literal["fen", "l"]


class ReviewVerdict(StrEnum):
    """What a person made of a difference."""

    ACCEPTED = "accepted"  # it is explained, and nothing is to be done
    SETTLED = "settled"  # put right: by the ledger, or by a top-up
    METER = "meter"  # the meter is seen to: a work order, an exchange, a price sent anew


class MirrorFinding(Struct, frozen=True):
    """A cause with what names it: ``what`` is a price version, a way of rounding, or the command of a top-up."""

    cause: Cause
    what: str


class MirroredDay(Struct, frozen=True):
    """A version of a day: between two reports, from ``from_at`` to ``until_at`` by the meter's clock, with registers in m³.

    ``before``, ``after``: balances as reported; ``credited``: top-ups that count; ``deducted``: what the meter should have taken;
    ``expected`` and ``difference`` (what is shown less that), null where it cannot be worked out (``doubt``, docs/charging.md).
    ``explanations``: each a list of findings that together explain the difference; more than one: the reports do not tell which.
    ``superseded``: a newer version stands. ``verdict``: what ``reviewer`` made of it, null: it is open, or there is nothing to make.
    """

    mirrored_id: int
    meter_id: int
    meter_number: str
    account_id: int | None
    account: str
    area_id: int
    area: str
    day: str
    version: int
    unit: BalanceUnit
    from_at: datetime
    until_at: datetime
    from_m3: str
    until_m3: str
    before: int
    after: int
    credited: int
    deducted: int | None
    expected: int | None
    difference: int | None
    explanations: list[list[MirrorFinding]]
    doubt: str
    price_version: int | None
    step_l: int
    rounding: StepRounding
    superseded: bool
    verdict: ReviewVerdict | None
    reason: str
    reviewer: str
    reviewed_at: datetime | None
    made_at: datetime


class MirroredMeter(Struct, frozen=True):
    """A meter that says a balance. ``why``: what keeps its newest day, or all of them, from being worked out; '': nothing."""

    meter_id: int
    meter_number: str
    area_id: int
    area: str
    until_at: datetime | None
    why: str
    last_day: str | None
    balance: int | None
    unit: BalanceUnit | None
