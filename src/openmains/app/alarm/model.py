# SPDX-License-Identifier: Apache-2.0
"""Alarms as the use cases and the API see them."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from openmains.domain.ids import AlarmId, AreaId, MeterId

Severity = Literal["critical", "major", "minor", "info"]
# Open is what is not cleared, whether somebody looks after it or not: acknowledging ends no alarm.
AlarmStatus = Literal["open", "unacknowledged", "acknowledged", "cleared"]


class Alarm(Struct, frozen=True):
    """One alarm; ``delay_ms`` is from the message at the edge to being visible (R7.1). Of a limit that is passed (events
    ``above_limit``, ``below_limit``) also the ``quantity``, the ``value`` said last and the ``bound``, x 10^``exponent`` of ``unit``;
    else these are '' and null."""

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
    quantity: str
    value: int | None
    bound: int | None
    unit: str
    exponent: int


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


_MOST = 2**60


class QuantityLimit(Struct, frozen=True, forbid_unknown_fields=True):
    """Between which bounds a quantity is well, themselves included; integers x 10^exponent of its unit. It is over when the value is
    inside by ``hysteresis``. With neither bound, at a device only: not watched there."""

    quantity: Annotated[str, Meta(max_length=40, pattern=r"^[a-z][a-z0-9_]*$")]
    low: Annotated[int, Meta(ge=-_MOST, le=_MOST)] | None = None
    high: Annotated[int, Meta(ge=-_MOST, le=_MOST)] | None = None
    hysteresis: Annotated[int, Meta(ge=0, le=_MOST)] = 0
    severity: Severity = "major"
