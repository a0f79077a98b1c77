# SPDX-License-Identifier: Apache-2.0
"""Tenants and their users as a person at the machine itself sees them: no row-level security stands in between."""

from collections.abc import Mapping

from openmains.app.identity.model import Tenant
from openmains.domain.identity.role import Role
from openmains.domain.ids import TenantId
from openmains.edges.postgres.db import Connection, Pool

_TENANTS = "SELECT tenant_id, code, name, zone FROM tenant ORDER BY code"
_METERS = "SELECT tenant_id, count(*) AS meters FROM meter WHERE removed_on IS NULL GROUP BY tenant_id"
_ADD = """
INSERT INTO app_user (tenant_id, login, name, password_hash, role, must_change) VALUES ($1, $2, $3, $4, $5, true)
ON CONFLICT DO NOTHING RETURNING true
"""
_RESTORE = """
UPDATE app_user SET password_hash = $3, must_change = true, failed_count = 0, locked_until = NULL, disabled = false
 WHERE tenant_id = $1 AND login = $2 RETURNING true
"""
_END_SESSIONS = """
DELETE FROM session s USING app_user u WHERE u.user_id = s.user_id AND u.tenant_id = $1 AND u.login = $2
"""
_TRAIL = """
INSERT INTO audit (tenant_id, actor, action, object_type, object_id) VALUES ($1, 'openmains user', $2, 'user', $3)
"""


class Tenants:
    """For the schema's owner or the pipeline's role."""

    def __init__(self, connection: Connection | Pool) -> None:
        self._connection = connection

    async def all(self) -> list[Tenant]:
        """By code."""
        return [Tenant(**dict(row)) for row in await self._connection.fetch(_TENANTS)]

    async def meters(self) -> Mapping[TenantId, int]:
        """How many each has in use; a tenant without one is absent. Reads the whole registry."""
        return {row["tenant_id"]: row["meters"] for row in await self._connection.fetch(_METERS)}


class Accounts:
    """``AccountRecovery`` on a connection of the schema's owner."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, tenant_id: TenantId, login: str, name: str, password_hash: str, role: Role) -> bool:
        async with self._connection.transaction():
            if not await self._connection.fetchval(_ADD, tenant_id, login, name, password_hash, role.value):
                return False
            await self._connection.execute(_TRAIL, tenant_id, "create", login)
        return True

    async def restore(self, tenant_id: TenantId, login: str, password_hash: str) -> bool:
        async with self._connection.transaction():
            if not await self._connection.fetchval(_RESTORE, tenant_id, login, password_hash):
                return False
            await self._connection.execute(_END_SESSIONS, tenant_id, login)
            await self._connection.execute(_TRAIL, tenant_id, "reset-password", login)
        return True
