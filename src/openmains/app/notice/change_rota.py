# SPDX-License-Identifier: Apache-2.0
"""Who is told: persons, calendars, policies, templates – set with every fault named, and tried before it counts (R7.3)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.identity.reason import stated
from openmains.app.notice.channel_fields import mail_fault, openid_fault, phone_fault
from openmains.app.notice.model import (
    Calendar,
    DutyShift,
    Locale,
    NoticePerson,
    NoticePolicy,
    PersonSettings,
    PolicyQuestion,
    PolicySettings,
    PreviewLine,
    Template,
    TemplateKind,
)
from openmains.app.notice.ports import ChannelStore, RotaStore
from openmains.app.notice.texts import TEMPLATES, template_fault
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store, Work
from openmains.domain.ids import UserId
from openmains.domain.notice.decide import NoticeEvent, told_of
from openmains.domain.notice.duty import on_duty
from openmains.domain.period import utc_of_us

Faults = list[tuple[str, str]]


async def set_person(
    store: Store, actor: Actor, user_id: UserId, wanted: PersonSettings, reason: str, *, is_own: bool
) -> NoticePerson:
    """How a person is reached. One's own without a reason, another's with one. Raises ``not-found``, ``invalid-input``."""
    async with store.tenant(actor.tenant_id) as work:
        before = await work[RotaStore].person(user_id)
        if before is None:
            raise Problem("not-found")
        users = {person.user_id for person in await work[RotaStore].persons()}
        faults = _person_faults(wanted, user_id, users)
        if faults:
            raise Problem("invalid-input", fields=tuple(faults))
        why = reason if is_own else stated(reason)
        await work[RotaStore].set_person(user_id, wanted)
        await work[AuditTrail].record(actor, "set_notice_person", "user", user_id, before.settings, wanted, reason=why)
        return NoticePerson(before.user_id, before.login, before.name, before.locale, before.disabled, wanted)


def _person_faults(wanted: PersonSettings, user_id: int, users: set[UserId]) -> Faults:
    faults: Faults = []
    for name, text, check in (
        ("email", wanted.email, mail_fault),
        ("phone", wanted.phone, phone_fault),
        ("openid", wanted.openid, openid_fault),
    ):
        code = check(text) if text else None
        if code is not None:
            faults.append((f"/{name}", code))
    if (wanted.quiet_from is None) != (wanted.quiet_until is None):
        faults.append(("/quiet_until", "both-or-neither"))
    if (wanted.digest_at is None) != (wanted.digest_below is None):
        faults.append(("/digest_at", "both-or-neither"))
    for place, away in enumerate(wanted.absences):
        at = f"/absences/{place}"
        if any(not 1970 <= moment.year <= 2100 or moment.tzinfo is None for moment in (away.since, away.until)):
            faults.append((f"{at}/since", "wrong-format"))
        elif away.until <= away.since:
            faults.append((f"{at}/until", "not-after-begin"))
        if away.stand_in == user_id or away.stand_in not in users:
            faults.append((f"{at}/stand_in", "unknown-reference"))
    return faults


async def calendars(store: Store, actor: Actor, now_us: int) -> list[Calendar]:
    """With whose shift it is now."""
    async with store.tenant(actor.tenant_id) as work:
        rota = await work[RotaStore].rota()
        return [
            Calendar(
                found.calendar_id,
                found.name,
                found.shifts,
                on_duty(rota.calendars[found.calendar_id], rota.zone, now_us // 1_000_000),
            )
            for found in await work[RotaStore].calendars()
        ]


async def add_calendar(store: Store, actor: Actor, name: str, shifts: Sequence[DutyShift], reason: str) -> int:
    """Raises ``invalid-input``, ``notice-name-taken``, ``reason-needed``."""
    async with store.tenant(actor.tenant_id) as work:
        await _check_shifts(work, shifts)
        why = stated(reason)
        calendar_id = await work[RotaStore].add_calendar(name, shifts)
        if calendar_id is None:
            raise Problem("notice-name-taken", name=name)
        after = {"name": name, "shifts": list(shifts)}
        await work[AuditTrail].record(actor, "add_calendar", "notice_calendar", calendar_id, None, after, reason=why)
        return calendar_id


async def change_calendar(
    store: Store, actor: Actor, calendar_id: int, name: str, shifts: Sequence[DutyShift], reason: str
) -> None:
    """In place of all its shifts. Raises as ``add_calendar``, and ``not-found``."""
    async with store.tenant(actor.tenant_id) as work:
        before = await _calendar(work, calendar_id)
        await _check_shifts(work, shifts)
        why = stated(reason)
        if any(other.name == name and other.calendar_id != calendar_id for other in await work[RotaStore].calendars()):
            raise Problem("notice-name-taken", name=name)
        await work[RotaStore].change_calendar(calendar_id, name, shifts)
        after = {"name": name, "shifts": list(shifts)}
        await work[AuditTrail].record(
            actor, "change_calendar", "notice_calendar", calendar_id, before, after, reason=why
        )


async def remove_calendar(store: Store, actor: Actor, calendar_id: int, reason: str) -> None:
    """Raises ``not-found``, ``calendar-in-use`` while policies name it, ``reason-needed``."""
    async with store.tenant(actor.tenant_id) as work:
        before = await _calendar(work, calendar_id)
        users = [
            policy.settings.name
            for policy in await work[RotaStore].policies()
            if any(calendar_id in level.calendars for level in policy.settings.levels)
        ]
        if users:
            raise Problem("calendar-in-use", name=before.name, policies=", ".join(users))
        why = stated(reason)
        await work[RotaStore].remove_calendar(calendar_id)
        await work[AuditTrail].record(
            actor, "remove_calendar", "notice_calendar", calendar_id, before, None, reason=why
        )


async def _calendar(work: Work, calendar_id: int) -> Calendar:
    for found in await work[RotaStore].calendars():
        if found.calendar_id == calendar_id:
            return found
    raise Problem("not-found")


async def _check_shifts(work: Work, shifts: Sequence[DutyShift]) -> None:
    users = {person.user_id for person in await work[RotaStore].persons()}
    faults: Faults = []
    for place, shift in enumerate(shifts):
        if len(set(shift.weekdays)) < len(shift.weekdays):
            faults.append((f"/shifts/{place}/weekdays", "twice"))
        if any(user not in users for user in shift.users):
            faults.append((f"/shifts/{place}/users", "unknown-reference"))
    if faults:
        raise Problem("invalid-input", fields=tuple(faults))


async def add_policy(store: Store, actor: Actor, wanted: PolicySettings, reason: str, now_us: int) -> NoticePolicy:
    """Raises ``invalid-input`` with every fault, ``notice-name-taken``, ``reason-needed``."""
    async with store.tenant(actor.tenant_id) as work:
        await _check_policy(work, wanted, None, "")
        why = stated(reason)
        policy_id = await work[RotaStore].add_policy(wanted, actor.user_id, now_us)
        made = await work[RotaStore].policy(policy_id)
        assert made is not None  # noqa: S101 written in this transaction
        await work[AuditTrail].record(actor, "add_policy", "notice_policy", policy_id, None, wanted, reason=why)
        return made


async def change_policy(
    store: Store, actor: Actor, policy_id: int, wanted: PolicySettings, reason: str, now_us: int
) -> NoticePolicy:
    """From now on. Raises as ``add_policy``, and ``not-found``."""
    async with store.tenant(actor.tenant_id) as work:
        before = await work[RotaStore].policy(policy_id)
        if before is None:
            raise Problem("not-found")
        await _check_policy(work, wanted, policy_id, "")
        why = stated(reason)
        await work[RotaStore].change_policy(policy_id, wanted, actor.user_id, now_us)
        made = await work[RotaStore].policy(policy_id)
        assert made is not None  # noqa: S101 the same
        await work[AuditTrail].record(
            actor, "change_policy", "notice_policy", policy_id, before.settings, wanted, reason=why
        )
        return made


async def remove_policy(store: Store, actor: Actor, policy_id: int, reason: str, now_us: int) -> None:
    """It tells nobody any more. Raises ``not-found``, ``reason-needed``."""
    async with store.tenant(actor.tenant_id) as work:
        before = await work[RotaStore].policy(policy_id)
        if before is None:
            raise Problem("not-found")
        why = stated(reason)
        await work[RotaStore].remove_policy(policy_id, actor.user_id, now_us)
        await work[AuditTrail].record(
            actor, "remove_policy", "notice_policy", policy_id, before.settings, None, reason=why
        )


async def _check_policy(work: Work, wanted: PolicySettings, policy_id: int | None, under: str) -> None:
    users = {person.user_id for person in await work[RotaStore].persons()}
    known = {calendar.calendar_id for calendar in await work[RotaStore].calendars()}
    channels = {channel.channel_id for channel in await work[ChannelStore].all()}
    faults: Faults = []
    if wanted.area_id is not None and await work[RotaStore].area_path(wanted.area_id) is None:
        faults.append((f"{under}/area_id", "unknown-reference"))
    for place, level in enumerate(wanted.levels):
        at = f"{under}/levels/{place}"
        if place and level.after_min <= wanted.levels[place - 1].after_min:
            faults.append((f"{at}/after_min", "not-rising"))
        for name, given, there in (
            ("users", level.users, users),
            ("calendars", level.calendars, known),
            ("channels", level.channels, channels),
        ):
            if any(number not in there for number in given):
                faults.append((f"{at}/{name}", "unknown-reference"))
    if faults:
        raise Problem("invalid-input", fields=tuple(faults))
    for other in await work[RotaStore].policies():
        if other.settings.name == wanted.name and other.policy_id != policy_id:
            raise Problem("notice-name-taken", name=wanted.name)


async def preview(store: Store, actor: Actor, question: PolicyQuestion, now_us: int) -> list[PreviewLine]:
    """Who would get it, at each level if nobody acknowledged; with ``policy`` by that draft alone. Raises ``invalid-input``."""
    at: datetime | None = question.at
    if at is not None and (at.tzinfo is None or not 1970 <= at.year <= 2100):
        raise Problem("invalid-input", fields=(("/at", "wrong-format"),))
    then_us = now_us if at is None else int(at.timestamp()) * 1_000_000
    async with store.tenant(actor.tenant_id) as work:
        area = await work[RotaStore].area_path(question.area_id)
        if area is None:
            raise Problem("invalid-input", fields=(("/area_id", "unknown-reference"),))
        rota = await work[RotaStore].rota()
        names = {policy.policy_id: policy.settings for policy in await work[RotaStore].policies()}
        if question.policy is not None:
            await _check_policy(work, question.policy, -1, "/policy")
            rota = replace(rota, policies=(await work[RotaStore].policy_as_decided(question.policy),))
            names = {0: question.policy}
        users = {person.user_id: person.name for person in await work[RotaStore].persons()}
        channels = {channel.channel_id: channel for channel in await work[ChannelStore].all()}
    event = NoticeEvent(0, "alarm:0", "raised", question.event, question.severity, area[0])
    lines = []
    for told in told_of(event, rota, then_us):
        settings = names[told.policy_id]
        channel = None if told.channel_id is None else channels[told.channel_id]
        lines.append(
            PreviewLine(
                policy_id=told.policy_id,
                policy=settings.name,
                level=told.level,
                after_min=settings.levels[told.level].after_min,
                user_id=told.user_id,
                user="" if told.user_id is None else users.get(told.user_id, ""),
                channel_id=told.channel_id,
                channel="" if channel is None else channel.name,
                kind="" if channel is None else channel.kind,
                due_at=utc_of_us(told.due_us),
                held=told.held,
                fault=told.fault,
            )
        )
    return lines


async def templates(store: Store, actor: Actor) -> list[Template]:
    """All of them, the utility's own in place of the program's."""
    async with store.tenant(actor.tenant_id) as work:
        own = {(found.kind, found.locale): found for found in await work[RotaStore].templates()}
    return [
        own.get((kind, locale)) or Template(kind, locale, subject, body, False)  # type: ignore[arg-type]
        for (kind, locale), (subject, body) in TEMPLATES.items()
    ]


async def set_template(
    store: Store, actor: Actor, kind: TemplateKind, locale: Locale, subject: str, body: str, reason: str
) -> None:
    """Raises ``invalid-input`` for an unknown fact or an open brace, ``reason-needed``."""
    faults = [
        (f"/{name}", code) for name, text in (("subject", subject), ("body", body)) if (code := template_fault(text))
    ]
    if faults:
        raise Problem("invalid-input", fields=tuple(faults))
    why = stated(reason)
    async with store.tenant(actor.tenant_id) as work:
        await work[RotaStore].set_template(kind, locale, subject, body)
        after = {"subject": subject, "body": body}
        await work[AuditTrail].record(
            actor, "set_template", "notice_template", f"{kind}.{locale}", None, after, reason=why
        )


async def drop_template(store: Store, actor: Actor, kind: TemplateKind, locale: Locale, reason: str) -> None:
    """The program's words again. Raises ``not-found`` where the utility has none of its own."""
    why = stated(reason)
    async with store.tenant(actor.tenant_id) as work:
        if not await work[RotaStore].drop_template(kind, locale):
            raise Problem("not-found")
        await work[AuditTrail].record(
            actor, "drop_template", "notice_template", f"{kind}.{locale}", None, None, reason=why
        )
