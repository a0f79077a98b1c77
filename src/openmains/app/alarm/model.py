# SPDX-License-Identifier: Apache-2.0
"""Alarms, exceptions of readings and dead letters as the use cases and the API see them."""

from datetime import datetime
from typing import Literal

from msgspec import Struct

Severity = Literal["critical", "major", "minor", "info"]
AlarmStatus = Literal["open", "acknowledged", "cleared"]
ExceptionStatus = Literal["open", "accepted", "edited", "estimated"]
DeadLetterStatus = Literal["open", "replayed", "dismissed"]
JobStatus = Literal["queued", "running", "done", "failed", "cancelled"]


class Alarm(Struct, frozen=True):
    """One alarm; ``delay_ms`` is from the message at the edge to being visible (R7.1)."""

    alarm_id: int
    meter_id: int
    number: str
    area_id: int
    event: str
    severity: Severity
    raised_at: datetime
    received_at: datetime
    delay_ms: int
    occurrences: int
    last_at: datetime
    cleared_at: datetime | None
    acknowledged_by: int | None
    acknowledged_at: datetime | None


class ReadingException(Struct, frozen=True):
    """One finding of validation. ``value`` and ``expected`` in the unit of ``driver``, or instants (docs/readings.md)."""

    exception_id: int
    meter_id: int
    number: str
    driver: str
    rule: str
    at: datetime
    day: str
    value: int
    expected: int | None
    found_at: datetime
    status: ExceptionStatus
    judged_by: int | None
    judged_at: datetime | None
    reason: str


class DeadLetter(Struct, frozen=True):
    """A message that could not be used, with what was wrong and where."""

    dead_letter_id: int
    meter_id: int
    product_id: int
    channel: str
    path: str
    received_at: datetime
    payload_hex: str
    reason: str
    byte_offset: int
    detail: str
    status: DeadLetterStatus
    handled_by: int | None
    handled_at: datetime | None


class Job(Struct, frozen=True):
    """Long work and how far it is."""

    job_id: int
    kind: str
    params: dict[str, object]
    status: JobStatus
    done: int
    total: int
    result: dict[str, object] | None
    error: str
    created_by: int | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
