# SPDX-License-Identifier: Apache-2.0
"""Alarms as the use cases and the API see them."""

from datetime import datetime
from typing import Literal

from msgspec import Struct

from openmains.domain.ids import AlarmId, AreaId, MeterId

Severity = Literal["critical", "major", "minor", "info"]
AlarmStatus = Literal["open", "acknowledged", "cleared"]


class Alarm(Struct, frozen=True):
    """One alarm; ``delay_ms`` is from the message at the edge to being visible (R7.1)."""

    alarm_id: AlarmId
    meter_id: MeterId
    number: str
    area_id: AreaId
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
