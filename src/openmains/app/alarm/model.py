# SPDX-License-Identifier: Apache-2.0
"""Alarms as the use cases and the API see them."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from openmains.domain.alarm.life import AlarmNews, AlarmState
from openmains.domain.ids import AlarmId, AreaId, GroupId, MeterId, MuteId, TenantId, UserId

Severity = Literal["critical", "major", "minor", "info"]
# Open is what is not cleared, whether somebody looks after it or not: acknowledging ends no alarm.
AlarmStatus = Literal["open", "unacknowledged", "acknowledged", "cleared"]
AlarmSort = Literal["-received", "received", "severity", "-severity"]
"""When they came; the gravest or the least grave first, the older one before: of what is open only."""


class Alarm(Struct, frozen=True):
    """One alarm; ``delay_ms`` is from the message at the edge to the store, ``seen_ms`` to the eyes of ``seen_by`` (R7.1); ``missed``: that
    took longer than 20 s. ``muted_until``: it is told to nobody until then. Of a limit that is passed (events
    ``above_limit``, ``below_limit``) also the ``quantity``, the ``value`` said last and the ``bound``, x 10^``exponent`` of ``unit``;
    else these are '' and null. ``rule``: name of the rule that raised it (event ``rule_fired``), else ''. Of a node of the network
    ``meter_id`` is null: ``concentrator_id`` is its gateway, ``relay`` of it, 0 the gateway itself, ``number`` both; ``area_id`` is the
    smallest that holds all its meters, null where none does."""

    alarm_id: AlarmId
    meter_id: MeterId | None
    number: str
    area_id: AreaId | None
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
    state: AlarmState
    seen_at: datetime | None
    seen_by: UserId | None
    seen_ms: int | None
    missed: bool
    dispatched_at: datetime | None
    dispatched_by: UserId | None
    dispatched_to: str
    cleared_by: UserId | None
    group_id: GroupId | None
    muted_until: datetime | None
    rule: str = ""
    concentrator_id: int | None = None
    relay: int = 0


class AlarmGroup(Struct, frozen=True):
    """Alarms of one kind that came in one place or radio cell within minutes. ``area_id``: the smallest place that holds them, null with
    no ``cell``: the whole utility. ``open``: members that are not cleared, ``seen``: that somebody was shown, ``waiting``: that nobody looks
    after yet; null in lists, they are counted for one group only. ``version`` grows with the members."""

    group_id: GroupId
    event: str
    quantity: str
    severity: Severity
    area_id: AreaId | None
    cell: int | None
    state: AlarmState
    received_at: datetime
    last_at: datetime
    members: int
    open: int | None
    seen: int | None
    waiting: int | None
    version: int
    seen_at: datetime | None
    seen_by: UserId | None
    acknowledged_at: datetime | None
    acknowledged_by: UserId | None
    dispatched_at: datetime | None
    dispatched_by: UserId | None
    dispatched_to: str
    cleared_at: datetime | None
    missed: bool
    rule: str = ""


class AlarmPlace(Struct, frozen=True):
    """Members of a group in one area; where its premises lie on the map on average, null where nobody has said."""

    area_id: AreaId
    members: int
    latitude: float | None
    longitude: float | None


class AlarmHistoryEntry(Struct, frozen=True):
    """What happened to an alarm or its group, when, by whom and why; ``user_id`` null: the meter or the platform."""

    event_id: int
    news: AlarmNews
    group_id: GroupId | None
    at: datetime
    user_id: UserId | None
    reason: str


class AlarmMute(Struct, frozen=True):
    """Alarms that are stored and told to nobody until ``until_at``; what is null takes all, without an event all that is not critical."""

    mute_id: MuteId
    area_id: AreaId | None
    meter_id: MeterId | None
    event: str | None
    reason: str
    from_at: datetime
    until_at: datetime
    made_by: UserId
    ended_at: datetime | None
    ended_by: UserId | None
    muted: int


class AlarmDelays(Struct, frozen=True):
    """Alarms received within the last ``hours``: how soon a person was shown them (R7.1). ``missed``: nobody within ``target_ms``,
    shown later or never; muted ones are not asked about. Times in ms, null where none was shown."""

    hours: int
    target_ms: int
    alarms: int
    shown: int
    missed: int
    p50_ms: int | None
    p99_ms: int | None
    worst_ms: int | None


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
    ``reason``: of the person whose act it was. ``quantity``: of a limit or a rule, else ''.
    Of a group ``meter_id``, ``number`` and what a limit said are None; of a node of the network ``meter_id`` is, and ``number`` the node's."""

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
    version: int  # of a group: one more each time members join; with it a screen says what it has shown
    quantity: str
    value: int | None
    bound: int | None
    unit: str | None
    exponent: int | None
    rule: str = ""


_MOST = 2**60


class QuantityLimit(Struct, frozen=True, forbid_unknown_fields=True):
    """Between which bounds a quantity is well, themselves included; integers x 10^exponent of its unit. It is over when the value is
    inside by ``hysteresis``. With neither bound, at a device only: not watched there."""

    quantity: Annotated[str, Meta(max_length=40, pattern=r"^[a-z][a-z0-9_]*$")]
    low: Annotated[int, Meta(ge=-_MOST, le=_MOST)] | None = None
    high: Annotated[int, Meta(ge=-_MOST, le=_MOST)] | None = None
    hysteresis: Annotated[int, Meta(ge=0, le=_MOST)] = 0
    severity: Severity = "major"
