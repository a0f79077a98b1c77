# SPDX-License-Identifier: Apache-2.0
"""``RotaStore``: persons, calendars, policies, templates, on one tenant's transaction."""

from collections.abc import Sequence
from typing import Any

import msgspec

from openmains.app.notice.model import (
    Calendar,
    DutyShift,
    Locale,
    NoticePerson,
    NoticePolicy,
    PersonSettings,
    PolicySettings,
    Template,
    TemplateKind,
)
from openmains.domain.ids import TenantId, UserId
from openmains.domain.notice.decide import Place, Policy, Rota
from openmains.domain.period import utc_of_us
from openmains.edges.postgres.db import Connection
from openmains.edges.postgres.notice.rota import (
    duty_shifts,
    person_settings,
    persons_of,
    policy_of,
    policy_settings,
    rota_of,
)
from openmains.edges.postgres.queries import load

_QUERIES = load(__package__)


class Persons:
    """``RotaStore``."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def persons(self) -> list[NoticePerson]:
        return await self._persons(None)

    async def person(self, user_id: UserId) -> NoticePerson | None:
        return next(iter(await self._persons(user_id)), None)

    async def _persons(self, user_id: UserId | None) -> list[NoticePerson]:
        rows = await _QUERIES["notice_persons"].fetch(self._connection, tenant_id=self._tenant_id, user_id=user_id)
        return [
            NoticePerson(
                UserId(row["user_id"]), row["login"], row["name"], row["locale"], row["disabled"], person_settings(row)
            )
            for row in rows
        ]

    async def set_person(self, user_id: UserId, settings: PersonSettings) -> None:
        await _QUERIES["set_notice_person"].execute(
            self._connection, tenant_id=self._tenant_id, user_id=user_id, settings=msgspec.to_builtins(settings)
        )

    async def calendars(self) -> list[Calendar]:
        rows = await _QUERIES["notice_calendars"].fetch(self._connection, tenant_id=self._tenant_id)
        return [Calendar(row["calendar_id"], row["name"], duty_shifts(row["shifts"]), []) for row in rows]

    async def add_calendar(self, name: str, shifts: Sequence[DutyShift]) -> int | None:
        found: int | None = await _QUERIES["add_calendar"].fetchval(
            self._connection, tenant_id=self._tenant_id, name=name, shifts=msgspec.to_builtins(list(shifts))
        )
        return found

    async def change_calendar(self, calendar_id: int, name: str, shifts: Sequence[DutyShift]) -> None:
        await _QUERIES["change_calendar"].execute(
            self._connection,
            tenant_id=self._tenant_id,
            calendar_id=calendar_id,
            name=name,
            shifts=msgspec.to_builtins(list(shifts)),
        )

    async def remove_calendar(self, calendar_id: int) -> None:
        await _QUERIES["remove_calendar"].execute(self._connection, tenant_id=self._tenant_id, calendar_id=calendar_id)

    async def policies(self) -> list[NoticePolicy]:
        return await self._policies(None)

    async def policy(self, policy_id: int) -> NoticePolicy | None:
        return next(iter(await self._policies(policy_id)), None)

    async def _policies(self, policy_id: int | None) -> list[NoticePolicy]:
        rows = await _QUERIES["notice_policies"].fetch(self._connection, tenant_id=self._tenant_id, policy_id=policy_id)
        return [
            NoticePolicy(row["policy_id"], policy_settings(row), utc_of_us(row["changed_us"]), row["changed_by"])
            for row in rows
        ]

    async def add_policy(self, settings: PolicySettings, user_id: UserId, now_us: int) -> int:
        found = await _QUERIES["add_policy"].fetchval(self._connection, **self._policy(settings, user_id, now_us))
        return int(found)

    async def change_policy(self, policy_id: int, settings: PolicySettings, user_id: UserId, now_us: int) -> None:
        await _QUERIES["change_policy"].execute(
            self._connection, policy_id=policy_id, **self._policy(settings, user_id, now_us)
        )

    def _policy(self, settings: PolicySettings, user_id: UserId, now_us: int) -> dict[str, Any]:
        return {
            "tenant_id": self._tenant_id,
            "area_id": settings.area_id,
            "settings": msgspec.to_builtins(settings),
            "now_us": now_us,
            "user_id": user_id,
        }

    async def remove_policy(self, policy_id: int, user_id: UserId, now_us: int) -> None:
        await _QUERIES["remove_policy"].execute(
            self._connection, tenant_id=self._tenant_id, policy_id=policy_id, user_id=user_id, now_us=now_us
        )

    async def templates(self) -> list[Template]:
        rows = await _QUERIES["own_templates"].fetch(self._connection, tenant_id=self._tenant_id)
        return [Template(row["kind"], row["locale"], row["subject"], row["body"], True) for row in rows]

    async def set_template(self, kind: TemplateKind, locale: Locale, subject: str, body: str) -> None:
        await _QUERIES["set_template"].execute(
            self._connection, tenant_id=self._tenant_id, kind=kind, locale=locale, subject=subject, body=body
        )

    async def drop_template(self, kind: TemplateKind, locale: Locale) -> bool:
        status = await _QUERIES["drop_template"].execute(
            self._connection, tenant_id=self._tenant_id, kind=kind, locale=locale
        )
        return status.endswith(" 1")

    async def utility(self) -> str:
        return str(await _QUERIES["utility"].fetchval(self._connection, tenant_id=self._tenant_id))

    async def rota(self) -> Rota:
        return await rota_of(self._connection, self._tenant_id)

    async def persons_told(self) -> Rota:
        return await persons_of(self._connection, self._tenant_id)

    async def policy_as_decided(self, settings: PolicySettings) -> Policy:
        found = None if settings.area_id is None else await self.area_path(settings.area_id)
        return policy_of(0, settings, None if found is None else Place(*found))

    async def area_path(self, area_id: int) -> tuple[str, str] | None:
        row = await _QUERIES["area_path"].fetchrow(self._connection, tenant_id=self._tenant_id, area_id=area_id)
        return None if row is None else (row["path"], row["path_end"])
