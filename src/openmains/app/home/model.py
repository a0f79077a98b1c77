# SPDX-License-Identifier: Apache-2.0
"""A utility in figures, and the work that waits for its people."""

from datetime import datetime
from typing import Literal

from msgspec import Struct

from openmains.app.alarm.model import Alarm, AlarmCounts, AlarmGroup
from openmains.domain.identity.permission import Permission

Queue = Literal[
    "approvals",
    "edits",
    "ledger_acts",
    "plans",
    "exceptions",
    "batches_stopped",
    "visits",
    "own_orders",
    "orders_to_assign",
    "orders_to_check",
    "unknown_terminals",
    "dead_letters",
]
NEEDED: dict[Queue, Permission] = {
    "approvals": Permission.APPROVE_COMMANDS,
    "edits": Permission.JUDGE_READINGS,
    "ledger_acts": Permission.APPROVE_MONEY,
    "plans": Permission.APPROVE_TARIFFS,
    "exceptions": Permission.JUDGE_READINGS,
    "batches_stopped": Permission.GIVE_COMMANDS,
    "visits": Permission.RUN_VISITS,
    "own_orders": Permission.HANDLE_ORDERS,
    "orders_to_assign": Permission.HANDLE_ORDERS,
    "orders_to_check": Permission.HANDLE_ORDERS,
    "unknown_terminals": Permission.HANDLE_SECURITY,
    "dead_letters": Permission.HANDLE_DEAD_LETTERS,
}
"""Who may do the work of a queue: nobody is told of work that is not theirs. In the order in which it is shown."""


class MeterTotals(Struct, frozen=True):
    """Meters in use of one medium. ``online``: heard within two of their report periods, ``silent``: not so, ``never_seen``: not yet heard;
    the three add up to ``active``. The others overlap: ``low_battery`` by the meter's own event, ``valves_closed`` and ``valves_faulty`` as
    the meter said last."""

    medium: Literal["gas", "water"]
    active: int
    online: int
    silent: int
    never_seen: int
    low_battery: int
    valves_closed: int
    valves_faulty: int


class WorkWaiting(Struct, frozen=True):
    """How much of a kind waits for the person who asks: what that person may decide, and four eyes do not forbid. ``count`` ends at
    ``most``: there may be more."""

    queue: Queue
    count: int


class Waiting(Struct, frozen=True):
    """All work that waits for a person; queues without any are left out. ``alarms``, ``groups``: the newest that nobody looks after yet,
    those that stand alone and those of many; for who may look after them."""

    items: list[WorkWaiting]
    most: int
    alarms: list[Alarm]
    groups: list[AlarmGroup]


Happening = Literal[
    "alarm_raised",
    "alarm_cleared",
    "command_given",
    "command_ended",
    "finding",
    "edit",
    "manual_reading",
    "safety_closing",
    "act",
]


class MeterEvent(Struct, frozen=True):
    """One thing that happened to a meter. ``code``: which alarm, kind of command, rule or act of the trail; ``outcome``: what came of it,
    such as the state of a command; ``who``: a person, or empty; ``reference``: number of the alarm, command and so on."""

    at: datetime
    kind: Happening
    code: str
    outcome: str
    who: str
    reason: str
    reference: int


class HomeSummary(Struct, frozen=True):
    """A utility at a glance. ``counted_at``: when the meters were counted, at most a minute ago."""

    counted_at: datetime
    meters: list[MeterTotals]
    alarms: AlarmCounts
    newest_alarms: list[Alarm]
    closed_for_safety: int
