# SPDX-License-Identifier: Apache-2.0
"""Questions in bulk that people keep."""

import msgspec

from openmains.app.readings.bulk.saved import NewSavedQuery, SavedQuery, SavedQuestion
from openmains.domain.ids import TenantId, UserId
from openmains.edges.postgres.db import Connection, Row
from openmains.edges.postgres.queries import load

_QUERIES = load(__package__)


def _saved(row: Row) -> SavedQuery:
    return SavedQuery(**dict(row) | {"question": msgspec.convert(row["question"], SavedQuestion)})


class Saved:
    """``SavedQueries`` on one tenant's transaction."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def all(self, user_id: UserId) -> list[SavedQuery]:
        return await self._rows(user_id, None)

    async def get(self, saved_id: int, user_id: UserId) -> SavedQuery | None:
        rows = await self._rows(user_id, saved_id)
        return rows[0] if rows else None

    async def count(self) -> int:
        return int(await _QUERIES["count_saved_queries"].fetchval(self._connection, tenant_id=self._tenant_id))

    async def add(self, user_id: UserId, wanted: NewSavedQuery) -> int | None:
        made: int | None = await _QUERIES["add_saved_query"].fetchval(
            self._connection, tenant_id=self._tenant_id, user_id=user_id, **_columns(wanted)
        )
        return made

    async def change(self, saved_id: int, wanted: NewSavedQuery) -> bool:
        made = await _QUERIES["change_saved_query"].fetchval(
            self._connection, tenant_id=self._tenant_id, saved_id=saved_id, **_columns(wanted)
        )
        return made is not None

    async def remove(self, saved_id: int) -> None:
        await _QUERIES["remove_saved_query"].execute(self._connection, tenant_id=self._tenant_id, saved_id=saved_id)

    async def _rows(self, user_id: UserId, saved_id: int | None) -> list[SavedQuery]:
        rows = await _QUERIES["saved_queries"].fetch(
            self._connection, tenant_id=self._tenant_id, user_id=user_id, saved_id=saved_id
        )
        return [_saved(row) for row in rows]


def _columns(wanted: NewSavedQuery) -> dict[str, object]:
    return {
        "name": wanted.name,
        "is_shared": wanted.is_shared,
        "question": msgspec.to_builtins(wanted.question),
    }
