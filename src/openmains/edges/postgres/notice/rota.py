# SPDX-License-Identifier: Apache-2.0
"""Everything that decides who is told, from rows to the shapes of ``domain/notice``: the same for the worker and for a preview."""

from collections.abc import Sequence
from typing import Any

import msgspec

from openmains.app.notice.model import DutyShift, PersonSettings, PolicySettings
from openmains.domain.ids import TenantId, UserId
from openmains.domain.notice.decide import INBOX, WEB_PUSH, Level, Place, Policy, Recipient, Rota
from openmains.domain.notice.duty import Absence, DutyCalendar, Shift
from openmains.domain.period import MINUTE_S, zone
from openmains.edges.postgres.db import Connection, Row
from openmains.edges.postgres.queries import load

_WORK = load(__package__, "work.sql")


def person_settings(row: Row) -> PersonSettings:
    """As they were set; those of a person who set none."""
    return msgspec.convert(row["settings"] or {}, PersonSettings)


def policy_settings(row: Row) -> PolicySettings:
    """As they were set."""
    return msgspec.convert(row["settings"], PolicySettings)


def duty_shifts(value: Any) -> list[DutyShift]:
    """Of a calendar's row."""
    return msgspec.convert(value, list[DutyShift])


def policy_of(policy_id: int, settings: PolicySettings, place: Place | None) -> Policy:
    """For the decision."""
    levels = tuple(
        Level(
            level.after_min * MINUTE_S,
            tuple(UserId(user) for user in level.users),
            tuple(level.calendars),
            tuple(level.channels),
        )
        for level in settings.levels
    )
    return Policy(policy_id, place, frozenset(settings.events), settings.least, levels, settings.tells_cleared)


def calendar_of(shifts: Sequence[DutyShift]) -> DutyCalendar:
    """For the decision."""
    return DutyCalendar(
        tuple(
            Shift(frozenset(shift.weekdays), shift.since, shift.until, tuple(UserId(user) for user in shift.users))
            for shift in shifts
        )
    )


async def rota_of(connection: Connection, tenant_id: TenantId) -> Rota:
    """As it is now."""
    policies = []
    for row in await _WORK["rota_policies"].fetch(connection, tenant_id=tenant_id):
        place = None if row["path"] is None else Place(row["path"], row["path_end"])
        policies.append(policy_of(row["policy_id"], policy_settings(row), place))
    recipients, absences = _persons(await _WORK["rota_persons"].fetch(connection, tenant_id=tenant_id))
    calendars = {
        row["calendar_id"]: calendar_of(duty_shifts(row["shifts"]))
        for row in await _WORK["rota_calendars"].fetch(connection, tenant_id=tenant_id)
    }
    channels = {
        row["channel_id"]: row["kind"] for row in await _WORK["rota_channels"].fetch(connection, tenant_id=tenant_id)
    }
    name = await _WORK["rota_tenant"].fetchval(connection, tenant_id=tenant_id)
    return Rota(zone(name), tuple(policies), recipients, calendars, absences, channels)


async def persons_of(connection: Connection, tenant_id: TenantId) -> Rota:
    """Who is there, when each may be told and by which kinds of channels, for whoever gives work: no policies, no calendars, no addresses."""
    recipients, absences = _persons(await _WORK["persons_told"].fetch(connection))
    channels = {row["channel_id"]: row["kind"] for row in await _WORK["channels_told"].fetch(connection)}
    name = await _WORK["rota_tenant"].fetchval(connection, tenant_id=tenant_id)
    return Rota(zone(name), (), recipients, {}, absences, channels)


def _persons(rows: Sequence[Row]) -> tuple[dict[UserId, Recipient], dict[UserId, list[Absence]]]:
    recipients: dict[UserId, Recipient] = {}
    absences: dict[UserId, list[Absence]] = {}
    for row in rows:
        user_id, told = UserId(row["user_id"]), person_settings(row)
        recipients[user_id] = Recipient(
            user_id,
            row["locale"],
            reachable_by(row),
            told.quiet_from,
            told.quiet_until,
            told.digest_at,
            told.digest_below,
        )
        absences[user_id] = [
            Absence(user_id, int(away.since.timestamp()), int(away.until.timestamp()), UserId(away.stand_in))
            for away in told.absences
        ]
    return recipients, absences


def reachable_by(row: Row) -> frozenset[str]:
    """Kinds of channels that have an address of this person."""
    kinds = {INBOX}
    if row["has_browser"]:
        kinds.add(WEB_PUSH)
    if row["has_email"]:
        kinds.add("email")
    if row["has_phone"]:
        kinds |= {"sms_aliyun", "sms_tencent"}
    if row["has_openid"]:
        kinds.add("wechat")
    return frozenset(kinds)
