# SPDX-License-Identifier: Apache-2.0
"""What people set for themselves, and the views of lists they keep."""

from collections.abc import Sequence
from typing import Any

import msgspec

from openmains.app.identity.list_views import ListView, NewListView
from openmains.app.identity.preferences import Preferences
from openmains.domain.identity.role import Role
from openmains.domain.ids import TenantId, UserId
from openmains.edges.postgres.db import Connection
from openmains.edges.postgres.queries import Query, load

_QUERIES = load(__package__)


class OwnPreferences:
    """``PreferenceStore`` on one tenant's transaction."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def get(self, user_id: UserId) -> Preferences:
        return await self._read(_QUERIES["preferences"], user_id)

    async def lock(self, user_id: UserId) -> Preferences:
        return await self._read(_QUERIES["lock_preferences"], user_id)

    async def put(self, user_id: UserId, preferences: Preferences, locale: str | None) -> None:
        await _QUERIES["set_preferences"].execute(
            self._connection,
            tenant_id=self._tenant_id,
            user_id=user_id,
            preferences=msgspec.to_builtins(preferences),
            locale=locale,
        )

    async def _read(self, query: Query, user_id: UserId) -> Preferences:
        found = await query.fetchval(self._connection, tenant_id=self._tenant_id, user_id=user_id)
        return msgspec.convert(found or {}, Preferences)


class ListViewTable:
    """``ListViews`` on one tenant's transaction."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def all(self, user_id: UserId, roles: Sequence[Role], page: str | None) -> list[ListView]:
        return await self._rows(user_id, roles, page, None)

    async def get(self, view_id: int, user_id: UserId, roles: Sequence[Role]) -> ListView | None:
        rows = await self._rows(user_id, roles, None, view_id)
        return rows[0] if rows else None

    async def count(self, user_id: UserId) -> int:
        return int(
            await _QUERIES["count_list_views"].fetchval(self._connection, tenant_id=self._tenant_id, user_id=user_id)
        )

    async def add(self, user_id: UserId, wanted: NewListView) -> int | None:
        made: int | None = await _QUERIES["add_list_view"].fetchval(
            self._connection, tenant_id=self._tenant_id, user_id=user_id, page=wanted.page, **_columns(wanted)
        )
        return made

    async def change(self, view_id: int, wanted: NewListView) -> bool:
        made = await _QUERIES["change_list_view"].fetchval(
            self._connection, tenant_id=self._tenant_id, view_id=view_id, **_columns(wanted)
        )
        return made is not None

    async def remove(self, view_id: int) -> None:
        await _QUERIES["remove_list_view"].execute(self._connection, tenant_id=self._tenant_id, view_id=view_id)

    async def _rows(
        self, user_id: UserId, roles: Sequence[Role], page: str | None, view_id: int | None
    ) -> list[ListView]:
        rows = await _QUERIES["list_views"].fetch(
            self._connection,
            tenant_id=self._tenant_id,
            user_id=user_id,
            roles=[each.value for each in roles],
            page=page,
            view_id=view_id,
        )
        return [msgspec.convert(dict(row), ListView) for row in rows]


def _columns(wanted: NewListView) -> dict[str, Any]:
    shared = wanted.shared_with
    return {"name": wanted.name, "shared_with": None if shared is None else shared.value, "query": wanted.query}
