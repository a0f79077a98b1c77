# SPDX-License-Identifier: Apache-2.0
"""Readings, frames, signals and the exceptions among them as the use cases and the API see them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from msgspec import Struct

from openmains.domain.ids import ExceptionId, MeterId

ExceptionStatus = Literal["open", "accepted", "edited", "estimated", "rejected", "closed"]


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
