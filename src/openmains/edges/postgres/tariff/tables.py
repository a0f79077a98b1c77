# SPDX-License-Identifier: Apache-2.0
"""Tariffs, their plans and their members."""

from collections.abc import Sequence
from datetime import date

import msgspec

from openmains.app.tariff.model import (
    Medium,
    NewMember,
    PlanDocument,
    PlanSimulation,
    PlanState,
    Tariff,
    TariffMember,
    TariffPlan,
)
from openmains.domain.ids import TenantId, UserId
from openmains.domain.period import date_to_day, day_text, utc_of_us
from openmains.domain.tariff.plan import CustomerClass
from openmains.edges.postgres.db import Connection, Row
from openmains.edges.postgres.queries import load

_QUERIES = load(__package__)


def _tariff(row: Row) -> Tariff:
    return Tariff(
        tariff_id=row["tariff_id"],
        code=row["code"],
        name=row["name"],
        medium=row["medium"],
        customer_class=CustomerClass(row["customer_class"]),
        created_at=utc_of_us(row["created_us"]),
        in_force=row["in_force"],
        in_force_from=None if row["in_force_from"] is None else day_text(row["in_force_from"]),
        drafts=row["drafts"],
        members=row["members"],
    )


def _plan(row: Row) -> TariffPlan:
    simulation = row["simulation"]
    return TariffPlan(
        plan_id=row["plan_id"],
        tariff_id=row["tariff_id"],
        number=row["number"],
        from_day=day_text(row["from_day"]),
        state=row["state"],
        document=msgspec.convert(row["document"], PlanDocument),
        reason=row["reason"],
        author_id=row["author_id"],
        author=row["author"],
        made_at=utc_of_us(row["made_us"]),
        decided_by=row["decided_by"],
        decider=row["decider"],
        decided_at=None if row["decided_us"] is None else utc_of_us(row["decided_us"]),
        decision=row["decision"],
        simulation=None if simulation is None else msgspec.convert(simulation, PlanSimulation),
    )


class Tariffs:
    """``TariffStore`` on one tenant's transaction."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def page(self, limit: int, after: int, today: int) -> list[Tariff]:
        return await self._tariffs(limit, after, None, today, counted=False)

    async def get(self, tariff_id: int, today: int, *, counted: bool = False) -> Tariff | None:
        rows = await self._tariffs(1, 0, tariff_id, today, counted=counted)
        return rows[0] if rows else None

    async def has_members(self, tariff_id: int, today: int) -> bool:
        found: bool = await _QUERIES["has_members"].fetchval(
            self._connection, tenant_id=self._tenant_id, tariff_id=tariff_id, today=today
        )
        return found

    async def _tariffs(
        self, most: int, after: int, tariff_id: int | None, today: int, *, counted: bool
    ) -> list[Tariff]:
        rows = await _QUERIES["tariffs"].fetch(
            self._connection,
            tenant_id=self._tenant_id,
            after=after,
            tariff_id=tariff_id,
            most=most,
            today=today,
            counted=counted,
        )
        return [_tariff(row) for row in rows]

    async def lock(self, tariff_id: int) -> None:
        await _QUERIES["lock_tariff"].execute(self._connection, tariff_id=tariff_id)

    async def add(self, code: str, name: str, medium: Medium, customer_class: CustomerClass, now_us: int) -> int | None:
        found: int | None = await _QUERIES["add_tariff"].fetchval(
            self._connection,
            tenant_id=self._tenant_id,
            code=code,
            name=name,
            medium=medium,
            customer_class=customer_class.value,
            now_us=now_us,
        )
        return found

    async def plans(self, tariff_id: int) -> list[TariffPlan]:
        return await self._plans(tariff_id, None)

    async def plan(self, plan_id: int) -> TariffPlan | None:
        rows = await self._plans(None, plan_id)
        return rows[0] if rows else None

    async def _plans(self, tariff_id: int | None, plan_id: int | None) -> list[TariffPlan]:
        rows = await _QUERIES["tariff_plans"].fetch(
            self._connection, tenant_id=self._tenant_id, tariff_id=tariff_id, plan_id=plan_id
        )
        return [_plan(row) for row in rows]

    async def add_plan(
        self, tariff_id: int, from_day: int, document: PlanDocument, reason: str, author: UserId, now_us: int
    ) -> int:
        found: int = await _QUERIES["add_plan"].fetchval(
            self._connection,
            tenant_id=self._tenant_id,
            tariff_id=tariff_id,
            from_day=from_day,
            document=msgspec.to_builtins(document),
            reason=reason,
            author_id=author,
            made_us=now_us,
        )
        return found

    async def decide(self, plan_id: int, state: PlanState, user_id: UserId, decision: str, now_us: int) -> None:
        await _QUERIES["decide_plan"].execute(
            self._connection,
            tenant_id=self._tenant_id,
            plan_id=plan_id,
            state=state,
            user_id=user_id,
            decision=decision,
            now_us=now_us,
        )

    async def keep_simulation(self, plan_id: int, found: PlanSimulation, user_id: UserId, now_us: int) -> None:
        await _QUERIES["keep_simulation"].execute(
            self._connection,
            tenant_id=self._tenant_id,
            plan_id=plan_id,
            found=msgspec.to_builtins(found),
            user_id=user_id,
            now_us=now_us,
        )

    async def members(self, tariff_id: int, limit: int, after: int, today: int) -> list[TariffMember]:
        rows = await _QUERIES["members"].fetch(
            self._connection, tenant_id=self._tenant_id, tariff_id=tariff_id, after=after, most=limit, today=today
        )
        return [
            TariffMember(**{**row, "began": day_text(row["began"]), "from_day": day_text(row["from_day"])})
            for row in rows
        ]

    async def unknown_meters(self, meter_ids: Sequence[int], medium: Medium) -> list[int]:
        rows = await _QUERIES["meters_of_medium"].fetch(
            self._connection, tenant_id=self._tenant_id, meter_ids=list(meter_ids), medium=medium
        )
        known = {row["meter_id"] for row in rows}
        return [one for one in meter_ids if one not in known]

    async def hung_elsewhere(self, members: Sequence[NewMember], day: int) -> list[int]:
        rows = await _QUERIES["hung_elsewhere"].fetch(
            self._connection,
            tenant_id=self._tenant_id,
            meter_ids=[one.meter_id for one in members],
            account_ids=[one.account_id for one in members],
            day=day,
        )
        return [row["meter_id"] for row in rows]

    async def add_members(
        self, tariff_id: int, members: Sequence[NewMember], from_day: int, user_id: UserId, now_us: int
    ) -> None:
        await _QUERIES["add_members"].execute(
            self._connection,
            tenant_id=self._tenant_id,
            tariff_id=tariff_id,
            account_ids=[one.account_id for one in members],
            meter_ids=[one.meter_id for one in members],
            persons=[one.persons for one in members],
            households=[one.households for one in members],
            began=[_number(one.began) for one in members],
            from_day=from_day,
            user_id=user_id,
            now_us=now_us,
        )


def _number(day: str) -> int:
    return date_to_day(date.fromisoformat(day))
