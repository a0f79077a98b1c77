# SPDX-License-Identifier: Apache-2.0
"""Collection tasks of a tenant."""

from collections.abc import Sequence

from openmains.app.readings.tasks.model import CollectionTask, NewTask
from openmains.domain.ids import ProductId, TaskId, TenantId, UserId
from openmains.domain.period import day_to_date
from openmains.domain.readings.expected import Modes
from openmains.domain.readings.tasks import Level, Task
from openmains.edges.postgres.db import Connection, Row
from openmains.edges.postgres.modes import modes_of, task_of
from openmains.edges.postgres.queries import load

_QUERIES = load(__package__, "tasks.sql")


def _task(row: Row) -> CollectionTask:
    return CollectionTask(**dict(row))


class Tasks:
    """``TaskStore`` on one tenant's transaction."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def page(self, limit: int, after: int | None, *, ended: bool, today: int) -> list[CollectionTask]:
        return await self._rows(limit, after=after, ended=ended, today=today)

    async def get(self, task_id: TaskId, today: int) -> CollectionTask | None:
        rows = await self._rows(1, task_id=task_id, today=today)
        return rows[0] if rows else None

    async def _rows(
        self, limit: int, *, today: int, after: int | None = None, ended: bool = True, task_id: TaskId | None = None
    ) -> list[CollectionTask]:
        rows = await _QUERIES["page"].fetch(
            self._connection,
            tenant_id=self._tenant_id,
            task_id=task_id,
            after=after,
            ended=ended,
            today=day_to_date(today),
            most=limit,
        )
        return [_task(row) for row in rows]

    async def lock(self) -> None:
        await _QUERIES["lock"].execute(self._connection, tenant_id=self._tenant_id)

    async def of_target(self, level: Level, target: int | None) -> list[Task]:
        rows = await _QUERIES["of_target"].fetch(
            self._connection, tenant_id=self._tenant_id, level=level, target=target or 0
        )
        return [task_of(row) for row in rows]

    async def names(self, tasks: Sequence[TaskId]) -> dict[int, str]:
        rows = await _QUERIES["names"].fetch(self._connection, tenant_id=self._tenant_id, task_ids=list(tasks))
        return {row["task_id"]: row["name"] for row in rows}

    async def wanting_modes(self) -> list[Task]:
        return [
            task_of(row) for row in await _QUERIES["wanting_modes"].fetch(self._connection, tenant_id=self._tenant_id)
        ]

    async def product_modes(self) -> dict[ProductId, Modes]:
        rows = await _QUERIES["product_modes"].fetch(self._connection, tenant_id=self._tenant_id)
        return {
            ProductId(row["product_id"]): modes_of(
                row["report_mode"], row["report_mode_since"], row["report_mode_before"]
            )
            for row in rows
        }

    async def own_meters(self) -> int:
        return int(await _QUERIES["own_meters"].fetchval(self._connection, tenant_id=self._tenant_id))

    async def add(self, wanted: NewTask, first: int, last: int | None, user_id: UserId) -> TaskId:
        made = await _QUERIES["add"].fetchval(
            self._connection,
            tenant_id=self._tenant_id,
            level=wanted.level,
            area_id=wanted.area_id,
            product_id=wanted.product_id,
            meter_id=wanted.meter_id,
            first_day=day_to_date(first),
            last_day=None if last is None else day_to_date(last),
            frequency=wanted.frequency,
            need=wanted.need,
            remedy=wanted.remedy,
            rereads_a_month=wanted.rereads_a_month,
            quantities=wanted.quantities,
            made_by=user_id,
        )
        return TaskId(made)

    async def end(self, task_id: TaskId, last: int) -> None:
        of_task = {"tenant_id": self._tenant_id, "task_id": task_id, "last": day_to_date(last)}
        await _QUERIES["end"].execute(self._connection, **of_task)
        await _QUERIES["remove"].execute(self._connection, **of_task)
