# SPDX-License-Identifier: Apache-2.0
"""Alarms as the use cases and the API see them."""

from datetime import datetime
from typing import Literal

from msgspec import Struct

from openmains.domain.ids import AlarmId, AreaId, MeterId

Severity = Literal["critical", "major", "minor", "info"]
# Open is what is not cleared, whether somebody looks after it or not: acknowledging ends no alarm.
AlarmStatus = Literal["open", "unacknowledged", "acknowledged", "cleared"]


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


class AlarmAges(Struct, frozen=True):
    """Open alarms by the time since the edge received them: less than an hour, a day, seven days, and longer."""

    hour: int
    day: int
    week: int
    older: int


class AlarmCounts(Struct, frozen=True):
    """All open alarms of a utility, counted. ``in_time``: visible within ``target_ms`` (R7.1), ``worst_delay_ms`` the
    slowest of them; 0 where there is none."""

    open: int
    unacknowledged: int
    critical: int
    major: int
    minor: int
    info: int
    ages: AlarmAges
    target_ms: int
    in_time: int
    worst_delay_ms: int
