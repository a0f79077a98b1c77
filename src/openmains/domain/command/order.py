# SPDX-License-Identifier: Apache-2.0
"""Which command of a meter goes out next, when it is tried again, and what a newer setting replaces.

A safety closing goes before all. Within a lane the oldest goes first and the next one waits for its end (or for ``asking``: its
frame can no longer be applied, so nothing can be overtaken). Between lanes the more urgent goes first. One frame at a time: the
meter's answer brings the next one within the same window.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from openmains.domain.command.kinds import RULES, SETTINGS, Channel, Kind, KindRule, Lane, Priority
from openmains.domain.command.life import ENDS, Event, State
from openmains.domain.ids import CommandId

LINK_WAIT_S = 20  # least time a frame has before it may go out once more
CLOCK_MARGIN_S = 300  # a meter's clock may be this far behind ours: only then is the end of a validity certain


@dataclass(slots=True)
class Waiting:
    """An open command as the dispatcher sees it. Instants in s; ``due_at``: not before."""

    command_id: CommandId
    serial: int
    kind: Kind
    lane: Lane
    priority: Priority
    state: State
    due_at: int
    not_after: int
    attempts: int = 0
    cell: int = 0  # radio cell of the meter's last report, 0: not known
    capacity_per_min: int = 0  # what cells of its network carry, 0: not said


def next_of(commands: Iterable[Waiting], now: int) -> Waiting | None:
    """The one frame that may go to this meter now, or None. ``commands``: all open ones of one meter, any order."""
    heads: dict[Lane, Waiting] = {}
    asking: list[Waiting] = []
    for item in sorted(commands, key=lambda waiting: waiting.serial):
        if item.state is State.ASKING:
            asking.append(item)
        elif item.state in (State.QUEUED, State.SENT, State.DELIVERED):
            heads.setdefault(item.lane, item)
    ready = [
        item
        for item in heads.values()
        if item.due_at <= now and (item.not_after > now or item.state is not State.QUEUED)
    ]
    if ready:
        return min(ready, key=lambda item: (item.lane is not Lane.SAFETY, item.priority, item.serial))
    due = [item for item in asking if item.due_at <= now]
    return min(due, key=lambda item: item.serial) if due else None


def after_send(rule: KindRule, channel: Channel, attempts: int, now: int) -> int:
    """Instant before which this frame does not go out again; the pause doubles up to an hour after five attempts."""
    pause_s = rule.pauses_s[channel]
    doublings = min(max(attempts - 5, 0), 12)
    return now + max(LINK_WAIT_S, min(pause_s << doublings, max(pause_s, 3600)))


def used_up(rule: KindRule, attempts: int) -> bool:
    """Whether a command without effect has had all its attempts."""
    return not rule.effect and rule.attempts > 0 and attempts >= rule.attempts


def timed_event(state: State, rule: KindRule, attempts: int, due_at: int, not_after: int, now: int) -> Event | None:
    """What time alone does to an open command: lapse, give up, or nothing."""
    if state in ENDS:
        return None
    if state is State.ASKING:
        return Event.GIVE_UP if now >= not_after + rule.grace_s else None
    sent = state in (State.SENT, State.DELIVERED)
    if now >= not_after + (CLOCK_MARGIN_S if sent else 0):
        if rule.effect or not sent:
            return Event.LAPSE
        return Event.GIVE_UP  # without effect there is nothing to ask about
    if sent and used_up(rule, attempts) and now >= due_at:
        return Event.GIVE_UP
    return None


def replaced_by(newer: Kind, slot: str, older: Sequence[tuple[CommandId, Kind, str, State]]) -> list[CommandId]:
    """Ids of unsent settings that a newer one makes void. ``slot`` names what is set: the kind, and for parameters the
    set of their names, so that a newer threshold does not throw away another parameter."""
    return [
        command_id
        for command_id, kind, other, state in older
        if kind is newer and other == slot and state in (State.DRAFTED, State.APPROVED, State.QUEUED)
    ]


def settings_of(params: Mapping[str, Any]) -> Mapping[str, Any]:
    """The settings within the parameters of a kind of ``SETTINGS``: name → value."""
    found = params.get("values")
    return found if isinstance(found, Mapping) else {}


def slot_of(kind: Kind, params: Mapping[str, Any]) -> str:
    """What a setting sets; '' for a kind that replaces nothing."""
    if not RULES[kind].replaces:
        return ""
    return ",".join(sorted(settings_of(params))) if kind in SETTINGS else kind.value
