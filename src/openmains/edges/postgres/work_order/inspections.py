# SPDX-License-Identifier: Apache-2.0
"""``InspectionStore`` on one tenant's transaction, and ``OrderWork`` of the worker."""

from datetime import date

from openmains.app.work_order.hazard_model import (
    DuePlace,
    Hazard,
    HazardNotice,
    InspectionPlan,
    NewHazard,
    PlanSettings,
)
from openmains.domain.ids import HazardId, OrderId, PlanId, TenantId, UserId
from openmains.domain.period import date_to_day, day_to_date, utc_of_us
from openmains.domain.work_order.inspection import HazardGrade, HazardState
from openmains.edges.postgres.db import Connection, Pool, Row
from openmains.edges.postgres.queries import load

_QUERIES = load(__package__, "inspections.sql")
_CARE = load(__package__)
_BY_RULES = load(__package__, "by_rules.sql")


def _plan(row: Row) -> InspectionPlan:
    settings = PlanSettings(
        row["name"], row["area_id"], row["medium"], row["months"], day_to_date(row["begins_day"]), row["a_day"], row["kind"], row["is_on"]
    )  # fmt: skip
    return InspectionPlan(
        row["plan_id"], settings, row["accounts"], row["inspected"], row["open_orders"], utc_of_us(row["changed_us"])
    )  # fmt: skip


def _hazard(row: Row, today: int) -> Hazard:
    given = {
        "grade": HazardGrade(row["grade"]),
        "state": HazardState(row["state"]),
        "found_at": utc_of_us(row["found_us"]),
        "until": day_to_date(row["until_day"]),
        "late": row["state"] == HazardState.OPEN and row["until_day"] < today,
        "removed_at": None if row["removed_us"] is None else utc_of_us(row["removed_us"]),
        "notice_at": None if row["notice_us"] is None else utc_of_us(row["notice_us"]),
    }
    plain = {name: row[name] for name in Hazard.__struct_fields__ if name in row}
    return Hazard(**(plain | given))


class Inspections:
    """``InspectionStore``."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def plans(self, plan_id: PlanId | None = None) -> list[InspectionPlan]:
        rows = await _QUERIES["plans"].fetch(self._connection, tenant_id=self._tenant_id, plan_id=plan_id)
        return [_plan(row) for row in rows]

    async def add_plan(self, settings: PlanSettings, user_id: UserId, now_us: int) -> PlanId | None:
        found: PlanId | None = await _QUERIES["add_plan"].fetchval(
            self._connection, **self._values(settings, user_id, now_us)
        )  # fmt: skip
        return found

    async def change_plan(self, plan_id: PlanId, settings: PlanSettings, user_id: UserId, now_us: int) -> bool:
        of = {"tenant_id": self._tenant_id, "plan_id": plan_id}
        if await _QUERIES["plan_name_taken"].fetchval(self._connection, name=settings.name, **of):
            return False
        await _QUERIES["change_plan"].execute(
            self._connection, plan_id=plan_id, **self._values(settings, user_id, now_us)
        )  # fmt: skip
        return True

    def _values(self, settings: PlanSettings, user_id: UserId, now_us: int) -> dict[str, object]:
        values: dict[str, object] = {name: getattr(settings, name) for name in settings.__struct_fields__}
        del values["begins_on"]
        begins = date_to_day(settings.begins_on)
        return values | {"tenant_id": self._tenant_id, "begins_day": begins, "user_id": user_id, "now_us": now_us}

    async def due(
        self, plan: InspectionPlan, inspected_before_us: int, tried_before_us: int, most: int
    ) -> list[DuePlace]:
        rows = await _QUERIES["due_accounts"].fetch(
            self._connection,
            tenant_id=self._tenant_id,
            plan_id=plan.plan_id,
            area_id=plan.settings.area_id,
            medium=plan.settings.medium,
            inspected_before_us=inspected_before_us,
            tried_before_us=tried_before_us,
            most=most,
        )
        return [DuePlace(row["account_id"], row["inspected_us"], row["tried_us"]) for row in rows]

    async def plans_to_look(self, today: int) -> list[InspectionPlan]:
        rows = await _QUERIES["plans_to_look"].fetch(self._connection, tenant_id=self._tenant_id, today=today)
        return [_plan(row) for row in rows]

    async def note_looked(self, plan_id: PlanId, today: int) -> None:
        await _QUERIES["note_looked"].execute(
            self._connection, tenant_id=self._tenant_id, plan_id=plan_id, today=today
        )  # fmt: skip

    async def made_on(self, plan_id: PlanId, since_us: int) -> int:
        found = await _QUERIES["made_on"].fetchval(
            self._connection, tenant_id=self._tenant_id, plan_id=plan_id, since_us=since_us
        )  # fmt: skip
        return int(found)

    async def hazard_of_key(self, key: str) -> tuple[HazardId, str] | None:
        row = await _QUERIES["hazard_of_key"].fetchrow(self._connection, tenant_id=self._tenant_id, key=key)
        return None if row is None else (row["hazard_id"], row["asked"])

    async def add_hazard(
        self, order_id: OrderId, wanted: NewHazard, asked: str, until_day: int, found_us: int, user_id: UserId
    ) -> HazardId | None:
        found: HazardId | None = await _QUERIES["add_hazard"].fetchval(
            self._connection,
            tenant_id=self._tenant_id,
            order_id=order_id,
            key=wanted.key,
            asked=asked,
            item=wanted.item,
            grade=wanted.grade.value,
            what=wanted.what,
            is_shut=wanted.is_shut,
            found_us=found_us,
            user_id=user_id,
            until_day=until_day,
        )
        return found

    async def hazard(self, hazard_id: HazardId, *, today: date, lock: bool = False) -> Hazard | None:
        if lock:
            await _QUERIES["lock_hazard"].execute(self._connection, tenant_id=self._tenant_id, hazard_id=hazard_id)
        return next(iter(await self._hazards(1, today, hazard_id=hazard_id)), None)

    async def hazards(
        self,
        limit: int,
        after: int | None,
        *,
        today: date,
        order_id: int | None = None,
        grade: HazardGrade | None = None,
        is_open: bool | None = None,
        late: bool = False,
        area_id: int | None = None,
        account_id: int | None = None,
    ) -> list[Hazard]:
        return await self._hazards(
            limit, today, after=after, order_id=order_id, grade=None if grade is None else grade.value, is_open=is_open, late=late,
            area_id=area_id, account_id=account_id,
        )  # fmt: skip

    async def _hazards(self, most: int, today: date, **filters: object) -> list[Hazard]:
        names = ("hazard_id", "after", "order_id", "grade", "is_open", "area_id", "account_id")
        chosen = {name: filters.get(name) for name in names}
        day = date_to_day(today)
        rows = await _QUERIES["hazards"].fetch(
            self._connection, tenant_id=self._tenant_id, most=most, today=day, late=filters.get("late", False), **chosen
        )
        return [_hazard(row, day) for row in rows]

    async def note_notice(self, hazard_id: HazardId, notice: HazardNotice, user_id: UserId, now_us: int) -> None:
        await _QUERIES["note_notice"].execute(
            self._connection,
            tenant_id=self._tenant_id,
            hazard_id=hazard_id,
            means=notice.means,
            to=notice.to,
            user_id=user_id,
            now_us=now_us,
        )

    async def remove_hazard(self, hazard_id: HazardId, order_id: OrderId, now_us: int) -> None:
        await _QUERIES["remove_hazard"].execute(
            self._connection, tenant_id=self._tenant_id, hazard_id=hazard_id, order_id=order_id, now_us=now_us
        )


class PostgresOrderWork:
    """``OrderWork`` over a pool of role openmains_pipeline."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def with_overdue(self, now_us: int) -> list[TenantId]:
        rows = await _CARE["tenants_with_overdue"].fetch(self._pool, now_us=now_us)
        return [TenantId(row["tenant_id"]) for row in rows]

    async def with_asked(self) -> list[tuple[TenantId, str]]:
        rows = await _BY_RULES["tenants_with_asked"].fetch(self._pool)
        return [(TenantId(row["tenant_id"]), row["zone"]) for row in rows]

    async def with_plans(self) -> list[tuple[TenantId, str]]:
        rows = await _CARE["tenants_with_plans"].fetch(self._pool)
        return [(TenantId(row["tenant_id"]), row["zone"]) for row in rows]
