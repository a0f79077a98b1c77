# SPDX-License-Identifier: Apache-2.0
"""A utility's own tags of meters."""

from collections.abc import Sequence

import asyncpg

from openmains.app.fleet.model import MeterTag
from openmains.app.fleet.tags import NewTag
from openmains.domain.ids import MeterId, TagId, TenantId
from openmains.edges.postgres.db import Connection
from openmains.edges.postgres.queries import load

_QUERIES = load(__package__, "tags.sql")


class Tags:
    """``TagStore`` on one tenant's transaction."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def all(self) -> list[MeterTag]:
        rows = await _QUERIES["tags"].fetch(self._connection, tenant_id=self._tenant_id)
        return [MeterTag(**dict(row)) for row in rows]

    async def get(self, tag_id: TagId) -> MeterTag | None:
        row = await _QUERIES["tag"].fetchrow(self._connection, tenant_id=self._tenant_id, tag_id=tag_id)
        return None if row is None else MeterTag(**dict(row))

    async def hold(self) -> None:
        await _QUERIES["hold_tags"].execute(self._connection, tenant_id=self._tenant_id)

    async def add(self, wanted: NewTag) -> TagId | None:
        made: TagId | None = await _QUERIES["add_tag"].fetchval(
            self._connection, tenant_id=self._tenant_id, name=wanted.name, colour=wanted.colour
        )
        return made

    async def change(self, tag_id: TagId, wanted: NewTag) -> bool:
        try:
            async with self._connection.transaction():  # a savepoint: a taken name raises
                await _QUERIES["change_tag"].execute(
                    self._connection,
                    tenant_id=self._tenant_id,
                    tag_id=tag_id,
                    name=wanted.name,
                    colour=wanted.colour,
                )
        except asyncpg.UniqueViolationError:
            return False
        return True

    async def remove(self, tag_id: TagId) -> int:
        of_tag = {"tenant_id": self._tenant_id, "tag_id": tag_id}
        meters = int(await _QUERIES["count_tagged"].fetchval(self._connection, **of_tag))
        await _QUERIES["remove_tag"].execute(self._connection, **of_tag)
        return meters

    async def with_tag(self, tag_id: TagId, meter_ids: Sequence[MeterId]) -> int:
        return int(
            await _QUERIES["with_tag"].fetchval(
                self._connection, tenant_id=self._tenant_id, tag_id=tag_id, meter_ids=meter_ids
            )
        )

    async def put(self, tag_id: TagId, meter_ids: Sequence[MeterId]) -> list[MeterId]:
        rows = await _QUERIES["put_tag"].fetch(
            self._connection, tenant_id=self._tenant_id, tag_id=tag_id, meter_ids=meter_ids
        )
        return [row["meter_id"] for row in rows]

    async def take(self, tag_id: TagId, meter_ids: Sequence[MeterId]) -> list[MeterId]:
        rows = await _QUERIES["take_tag"].fetch(
            self._connection, tenant_id=self._tenant_id, tag_id=tag_id, meter_ids=meter_ids
        )
        return [row["meter_id"] for row in rows]
