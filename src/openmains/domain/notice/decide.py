# SPDX-License-Identifier: Apache-2.0
"""From what happened to who is told: (event, policies, calendars, persons, now) → notices and timers (R7.3, ADR 0034).

| happened to the alarm | result, for each policy that it matches |
|---|---|
| raised, reopened | notices of the first level; a timer for the next |
| acknowledged | its timers end |
| cleared | its timers end; where the policy says so, those of the first level are told |
| the timer of a level is due, nobody acknowledged | notices of that level; a timer for the next |

A notice has a key made of what happened and who is told by which channel: the same decision made again, after a kill or by a
second policy, makes no second notice. A level that reaches nobody is a notice of its own that says so, and the next level follows at once.

What is critical is never held. Of the rest a person's quiet hours hold it until they end, and what is below ``digest_below`` waits
for the day's digest.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from openmains.domain.ids import UserId
from openmains.domain.notice.duty import Absence, DutyCalendar, minute_of, on_duty, present
from openmains.domain.period import Zone

Happened = Literal["raised", "reopened", "acknowledged", "cleared"]
NoticeKind = Literal["raised", "escalated", "cleared"]
SEVERITIES = ("info", "minor", "major", "critical")  # rising
CRITICAL = "critical"
INBOX = "inbox"
WEB_PUSH = "web_push"
TO_PHONES = frozenset({"sms_aliyun", "sms_tencent"})
"""Channels that need a phone and nothing else of whom they tell: customers have no more."""
PERSONAL = frozenset({INBOX, WEB_PUSH, "email", "sms_aliyun", "sms_tencent", "wechat"})
"""Channels that need a person's address; the others speak to a group or a system."""
US = 1_000_000


@dataclass(frozen=True, slots=True)
class NoticeEvent:
    """Something that happened to an alarm, or to a group of many of one kind. ``subject``: such as ``alarm:7`` or ``group:3``; ``origin``:
    of this happening, unique for ever; ``path``: of the place of its meter, or the place that a group's members lie below ('': anywhere)."""

    origin: int
    subject: str
    happened: Happened
    event: str
    severity: str
    path: str
    is_group: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """An area with all below it: paths from ``first`` to before ``end``."""

    first: str
    end: str


@dataclass(frozen=True, slots=True)
class Level:
    """``after_s`` the raise, while nobody acknowledged: persons, and who is on duty, by these channels."""

    after_s: int
    user_ids: tuple[UserId, ...]
    calendar_ids: tuple[int, ...]
    channel_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """``events`` empty: all; ``place`` None: everywhere; levels by rising time."""

    policy_id: int
    place: Place | None
    events: frozenset[str]
    least: str
    levels: tuple[Level, ...]
    tells_cleared: bool = False


@dataclass(frozen=True, slots=True)
class Recipient:
    """A person and when it may be disturbed; minutes of the local day, quiet when both are given. ``channels``: kinds by which it can be
    reached."""

    user_id: UserId
    locale: str
    channels: frozenset[str] = frozenset({INBOX})
    quiet_from: int | None = None
    quiet_until: int | None = None
    digest_at: int | None = None
    digest_below: str | None = None


@dataclass(frozen=True, slots=True)
class Rota:
    """Everything of a utility that decides who is told, as it is now. ``channels``: kind by id, those in use only."""

    zone: Zone
    policies: tuple[Policy, ...]
    recipients: Mapping[UserId, Recipient]
    calendars: Mapping[int, DutyCalendar]
    absences: Mapping[UserId, Sequence[Absence]]
    channels: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class PlannedNotice:
    """A notice to be. ``held``: '' at once, else why it waits until ``due_us``; ``fault``: why it cannot be sent at all."""

    key: str
    kind: NoticeKind
    policy_id: int
    level: int
    user_id: UserId | None
    channel_id: int | None
    due_us: int
    held: Literal["", "quiet", "digest"] = ""
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Timer:
    """The level of a policy that follows at ``due_us`` unless somebody acknowledges."""

    subject: str
    origin: int
    policy_id: int
    level: int
    raised_us: int
    due_us: int


@dataclass(slots=True)
class Decision:
    """``ended``: subjects whose timers end."""

    notices: list[PlannedNotice] = field(default_factory=list)
    timers: list[Timer] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)


def matches(policy: Policy, event: NoticeEvent) -> bool:
    """By place with what is below, event and severity. A group concerns a place that lies below its own too: members may be there."""
    if policy.events and event.event not in policy.events:
        return False
    if SEVERITIES.index(event.severity) < SEVERITIES.index(policy.least):
        return False
    place = policy.place
    if place is None or place.first <= event.path < place.end:
        return True
    return event.is_group and place.first.startswith(event.path)


def decide(event: NoticeEvent, rota: Rota, now_us: int) -> Decision:
    """What follows from it; see the table above."""
    made = Decision()
    if event.happened in ("acknowledged", "cleared"):
        made.ended.append(event.subject)
    for policy in rota.policies:
        if not matches(policy, event) or not policy.levels:
            continue
        if event.happened in ("raised", "reopened"):
            first = policy.levels[0]
            timer = Timer(event.subject, event.origin, policy.policy_id, 0, now_us, now_us + first.after_s * US)
            if first.after_s > 0:
                made.timers.append(timer)
            else:
                _level(made, timer, policy, event, rota, now_us)
        elif event.happened == "cleared" and policy.tells_cleared:
            made.notices += _told("cleared", policy, 0, event, rota, now_us)
    made.notices = list({told.key: told for told in reversed(made.notices)}.values())[::-1]
    return made


def decide_timer(timer: Timer, event: NoticeEvent, rota: Rota, now_us: int) -> Decision:
    """The level whose time has come, of an alarm that nobody acknowledged. A policy that is gone, or has no such level any more, makes
    nothing."""
    made = Decision()
    policy = next((item for item in rota.policies if item.policy_id == timer.policy_id), None)
    if policy is not None and timer.level < len(policy.levels):
        _level(made, timer, policy, event, rota, now_us)
    return made


def _level(made: Decision, timer: Timer, policy: Policy, event: NoticeEvent, rota: Rota, now_us: int) -> None:
    """Notices of the timer's level, and the timer of the next one; at once where nobody was reached."""
    kind: NoticeKind = "raised" if timer.level == 0 else "escalated"
    told = _told(kind, policy, timer.level, event, rota, now_us)
    made.notices += told
    following = timer.level + 1
    if following < len(policy.levels):
        reached = any(not item.fault for item in told)
        due = timer.raised_us + policy.levels[following].after_s * US if reached else now_us
        made.timers.append(
            Timer(timer.subject, timer.origin, policy.policy_id, following, timer.raised_us, max(due, now_us))
        )


def _told(
    kind: NoticeKind, policy: Policy, level: int, event: NoticeEvent, rota: Rota, now_us: int
) -> list[PlannedNotice]:
    step = policy.levels[level]
    root = f"{event.origin}:{kind}:{level}"
    found: list[PlannedNotice] = []
    persons = whom(step, rota, now_us // US)
    for channel_id in step.channel_ids:
        channel = rota.channels.get(channel_id)
        if channel is None:
            continue
        if channel not in PERSONAL:
            found.append(
                PlannedNotice(f"{root}:0:{channel_id}", kind, policy.policy_id, level, None, channel_id, now_us)
            )
            continue
        for person in persons:
            if channel in person.channels:
                due, held = when(person, event.severity, rota.zone, now_us)
                key = f"{root}:{person.user_id}:{channel_id}"
                found.append(PlannedNotice(key, kind, policy.policy_id, level, person.user_id, channel_id, due, held))
    if not found:
        fault = "no-contact" if persons else "nobody-on-duty"
        found.append(
            PlannedNotice(f"{root}:p{policy.policy_id}", kind, policy.policy_id, level, None, None, now_us, fault=fault)
        )
    return found


def whom(level: Level, rota: Rota, now_s: int) -> list[Recipient]:
    """Persons of a level now, with stand-ins, each once; those who are not enabled any more are left out."""
    meant: list[UserId] = list(level.user_ids)
    for calendar_id in level.calendar_ids:
        calendar = rota.calendars.get(calendar_id)
        meant += on_duty(calendar, rota.zone, now_s) if calendar is not None else ()
    there = dict.fromkeys(present(user_id, rota.absences, now_s) for user_id in meant)
    return [rota.recipients[user_id] for user_id in there if user_id in rota.recipients]


def when(person: Recipient, severity: str, zone: Zone, now_us: int) -> tuple[int, Literal["", "quiet", "digest"]]:
    """When the person is told (µs), and why not at once."""
    if severity == CRITICAL:
        return now_us, ""
    now_s = now_us // US
    below = person.digest_below
    if person.digest_at is not None and below is not None and SEVERITIES.index(severity) < SEVERITIES.index(below):
        return next_minute(person.digest_at, zone, now_s) * US, "digest"
    if person.quiet_from is not None and person.quiet_until is not None:
        _, minute = minute_of(zone, now_s)
        start, end = person.quiet_from, person.quiet_until
        quiet = start <= minute < end if start < end else minute >= start or minute < end
        if quiet and start != end:
            return next_minute(end, zone, now_s) * US, "quiet"
    return now_us, ""


def next_minute(minute: int, zone: Zone, now_s: int) -> int:
    """The next instant (s) at which the local clock shows this minute of the day."""
    day = zone.day_of(now_s)
    return next(at for at in (zone.at(day + ahead, *divmod(minute, 60)) for ahead in range(3)) if at > now_s)


def told_of(event: NoticeEvent, rota: Rota, now_us: int) -> Iterable[PlannedNotice]:
    """Whom this would be told at each level, were it raised now and never acknowledged: for a preview."""
    for policy in rota.policies:
        if matches(policy, event):
            for level in range(len(policy.levels)):
                yield from _told("raised" if level == 0 else "escalated", policy, level, event, rota, now_us)
