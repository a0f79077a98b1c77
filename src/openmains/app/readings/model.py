# SPDX-License-Identifier: Apache-2.0
"""Readings, frames, signals and the exceptions among them as the use cases and the API see them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from msgspec import Struct

from openmains.domain.ids import AreaId, EditId, ExceptionId, MeterId, ProductId, UserId
from openmains.domain.readings.quantities import Run
from openmains.domain.readings.versions import SlotChange, VersionCause

ExceptionStatus = Literal["open", "accepted", "edited", "estimated", "rejected", "closed"]
EditState = Literal["pending", "applied", "rejected"]


class ReadingException(Struct, frozen=True):
    """One finding of validation. ``value`` and ``expected`` in the unit of ``driver``, or instants, or the numbers of meters
    (docs/readings.md). ``occurrences``: messages that said so, the newest of them entered at ``last_at``."""

    exception_id: ExceptionId
    meter_id: MeterId
    number: str
    customer_name: str | None
    driver: str
    rule: str
    at: datetime
    day: str
    value: int
    expected: int | None
    found_at: datetime
    last_at: datetime
    occurrences: int
    status: ExceptionStatus
    judged_by: int | None
    judged_at: datetime | None
    reason: str
    pending_edit: int | None = None  # an edit of its day that waits for a second person


GroupBy = Literal["meter", "area", "day"]


class RuleFindings(Struct, frozen=True):
    """How many findings of a group a rule made."""

    rule: str
    findings: int


class ExceptionGroup(Struct, frozen=True):
    """Findings that wait and have their meter, its own area or the day in common. ``meter_id``, ``area_id`` and ``day``
    where they are grouped by it, or all of them share it. The rule that found most comes first."""

    findings: int
    meters: int
    first_day: str
    last_day: str
    rules: list[RuleFindings]
    meter_id: MeterId | None
    number: str | None
    area_id: AreaId | None
    area_name: str | None
    day: str | None


class ExceptionFilter(Struct, frozen=True):
    """Which findings; ``area_id``: of meters of this area, not of those below it. ``day``: days since 1970-01-01."""

    status: ExceptionStatus | None = None
    rule: int | None = None
    meter_id: MeterId | None = None
    area_id: AreaId | None = None
    day: int | None = None


@dataclass(frozen=True, slots=True)
class EditFacts:
    """What bounds an edit of a meter: Qmax in L/h (0: not known), the dial in units, its usual use (units a day × 16)."""

    qmax_l_h: int
    dial: int
    driver: str
    product_id: ProductId
    average_use: int


@dataclass(frozen=True, slots=True)
class NewEdit:
    """An edit or undo that a person wants. Volumes in the driver's unit, instants in s UTC."""

    meter_id: MeterId
    day: int
    exception_id: ExceptionId
    undoes: EditId | None
    start_s: int
    end_s: int
    volume: int
    old_volume: int
    alone: int
    reason: str
    author_id: UserId
    made_us: int


class ReadingEdit(Struct, frozen=True):
    """A person's value for a part of a day, or the taking back of one (``undoes``). Volumes in the unit of ``driver``.

    ``pending``: above ``alone``, so a second person must agree. ``decided_by``: who that was, with reason ``decision``.
    ``undone_by``: the undo that took it back. ``newer``: an edit over it, which must be undone before it.
    """

    edit_id: EditId
    meter_id: MeterId
    number: str
    driver: str
    day: str
    exception_id: ExceptionId
    undoes: int | None
    start: datetime
    end: datetime
    volume: int
    old_volume: int
    alone: int
    reason: str
    state: EditState
    author_id: UserId
    author: str
    made_at: datetime
    decided_by: UserId | None
    decider: str
    decided_at: datetime | None
    decision: str
    undone_by: int | None
    newer: int | None


@dataclass(frozen=True, slots=True)
class StoredCause:
    """What a person made of a day: the version that came of it. ``day`` counts from 1970-01-01."""

    day: int
    version: int
    why: VersionCause
    user_id: int
    approved_by: int
    edit_id: int
    made_s: int
    reason: str


@dataclass(frozen=True, slots=True)
class DayVersion:
    """A version of a day. Volumes in the product's unit; ``old_total`` None: the day had no version before that is kept."""

    stored: "StoredDay"
    is_newest: bool
    why: VersionCause
    made_s: int
    cause: StoredCause | None
    person: str
    approver: str
    old_total: int | None
    changes: list[SlotChange]
    interval_s: int  # grid of ``changes``


@dataclass(frozen=True, slots=True)
class StoredDay:
    """A meter-day as stored; ``day`` counts from 1970-01-01, volumes in the product's unit."""

    day: int
    base: int
    interval_s: int
    increments: list[int]
    quality: list[int]
    total: int
    flags: int
    received_s: int
    version: int


@dataclass(frozen=True, slots=True)
class StoredRun:
    """Values of a quantity on one grid as one message brought them; ``point``: its number in ``drivers/points.toml``."""

    point: int
    run: Run


@dataclass(frozen=True, slots=True)
class LoggedValues:
    """Quantities that every report says; None: not sent. Units of ``drivers/points.toml``."""

    received_us: int
    version: int
    battery_mv: int | None
    battery_pct: int | None
    balance: int | None
    balance_kind: int | None


class StoredRegister(Struct, frozen=True):
    """A register exactly as received."""

    at: datetime
    register: int
    flags: int
    position: int
    received_us: int
    version: int


class StoredFrame(Struct, frozen=True):
    """One message of the communication log."""

    received_us: int
    version: int
    direction: str
    channel: str
    path: str
    outcome: str
    payload: bytes


class StoredSignal(Struct, frozen=True):
    """Radio and battery of one report; None: not sent. RSRP 0.1 dBm, SINR 0.1 dB, battery mV."""

    received_us: int
    version: int
    rsrp_ddbm: int | None
    sinr_ddb: int | None
    ecl: int | None
    pci: int | None
    cell: int | None
    earfcn: int | None
    battery_pct: int | None
    battery_mv: int | None
