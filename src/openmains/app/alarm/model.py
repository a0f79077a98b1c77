# SPDX-License-Identifier: Apache-2.0
"""Alarms as the use cases and the API see them."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from openmains.domain.alarm.life import AlarmNews, AlarmState
from openmains.domain.ids import AlarmId, AreaId, GroupId, MeterId, TenantId, UserId

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


class AlarmEvent(Struct, frozen=True):
    """What others are told of an alarm that stands alone (``alarm_id``) or of a group (``group_id``), with where it stands when it is
    read. ``event_id`` is the key by which nothing is sent twice. Instants in µs; ``received_us``: of the message at the edge, of a group
    the first one's. ``area_id``: where the meter is, or the place that a group's members lie below, None the whole utility. ``user_id``,
    ``reason``: of the person whose act it was. Of a group ``meter_id``, ``number`` and what a limit said are None."""

    event_id: int
    tenant_id: TenantId
    news: AlarmNews
    alarm_id: AlarmId | None
    group_id: GroupId | None
    at_us: int
    user_id: UserId | None
    reason: str
    event: str
    severity: Severity
    state: AlarmState
    meter_id: MeterId | None
    number: str | None
    area_id: AreaId | None
    cell: int | None
    received_us: int
    members: int
    quantity: str | None
    value: int | None
    bound: int | None
    unit: str | None
    exponent: int | None


_MOST = 2**60


class QuantityLimit(Struct, frozen=True, forbid_unknown_fields=True):
    """Between which bounds a quantity is well, themselves included; integers x 10^exponent of its unit. It is over when the value is
    inside by ``hysteresis``. With neither bound, at a device only: not watched there."""

    quantity: Annotated[str, Meta(max_length=40, pattern=r"^[a-z][a-z0-9_]*$")]
    low: Annotated[int, Meta(ge=-_MOST, le=_MOST)] | None = None
    high: Annotated[int, Meta(ge=-_MOST, le=_MOST)] | None = None
    hysteresis: Annotated[int, Meta(ge=0, le=_MOST)] = 0
    severity: Severity = "major"
