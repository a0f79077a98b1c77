# SPDX-License-Identifier: Apache-2.0
"""From event flags to alarms raised, repeated and cleared (R1.5, R1.6).

A message speaks of some events (``known``) and says which of them are active (``mask``). An alarm message and the state
in a report or heartbeat are read the same way, so an event whose own message was lost three times and dropped by the
meter is raised by the next report. At most one alarm of an event is open at a meter: it is raised once, counted when an
alarm message repeats it, and cleared when a message that speaks of the event says it is over.

A message older than the newest one heard (by the meter's clock) clears nothing. It still raises what is not active: an
alarm must not be lost because its message was overtaken; if the event is over already, the next report clears it.

| open | message | older than newest | result |
|---|---|---|---|
| no | active | any | raised |
| yes | active, alarm message | any | repeated |
| yes | active, in a state | any | – |
| yes | over | no | cleared |
| yes | over | yes | – |
| no | over | any | – |
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Action(StrEnum):
    """What happens to an alarm."""

    RAISED = "raised"
    REPEATED = "repeated"
    CLEARED = "cleared"


@dataclass(slots=True, frozen=True)
class EventKind:
    """An event of ``points.toml``: its name and severity (critical, major, minor, info)."""

    name: str
    severity: str


@dataclass(slots=True, frozen=True)
class Change:
    """One transition. ``raised_at``: the meter's clock (s); ``received_us``: the edge's clock when the message came."""

    bit: int
    event: str
    severity: str
    action: Action
    raised_at: int = 0
    received_us: int = 0


@dataclass(slots=True, frozen=True)
class EventState:
    """Events of a meter that are active, and the meter's time of the newest message that said so."""

    active: int = 0
    at: int = 0


@dataclass(slots=True, frozen=True)
class Heard:
    """What one message says of events."""

    known: int
    mask: int
    device_at: int
    received_us: int
    raised_at: int | None = None  # the meter's time of the event, where the message has one
    is_alarm: bool = False  # an alarm message, not the state in a report or heartbeat


NO_KINDS: Mapping[int, EventKind] = {}


def hear(state: EventState, message: Heard, kinds: Mapping[int, EventKind]) -> tuple[EventState, list[Change]]:
    """The state after a message and the alarms that change. An event without a kind is 'major' under its number."""
    older = message.device_at < state.at
    changes = transitions(
        state.active,
        message.known,
        message.mask,
        kinds,
        is_alarm=message.is_alarm,
        is_older=older,
        raised_at=message.device_at if message.raised_at is None else message.raised_at,
        received_us=message.received_us,
    )
    active = state.active | (message.mask & message.known)
    if not older:
        active &= ~(message.known & ~message.mask)
    return EventState(active, max(state.at, message.device_at)), changes


def transitions(
    active: int,
    known: int,
    mask: int,
    kinds: Mapping[int, EventKind] = NO_KINDS,
    *,
    is_alarm: bool = False,
    is_older: bool = False,
    raised_at: int = 0,
    received_us: int = 0,
) -> list[Change]:
    """Changes from ``active`` by a message (see the table above), by bit number. Empty at once when nothing changes."""
    now = mask & known
    raised = now & ~active
    repeated = now & active if is_alarm else 0
    cleared = 0 if is_older else active & known & ~mask
    todo = raised | repeated | cleared
    changes = []
    while todo:
        low = todo & -todo
        todo ^= low
        bit = low.bit_length() - 1
        kind = kinds.get(bit) or EventKind(f"event_{bit}", "major")
        action = Action.RAISED if raised & low else Action.REPEATED if repeated & low else Action.CLEARED
        changes.append(Change(bit, kind.name, kind.severity, action, raised_at, received_us))
    return changes
