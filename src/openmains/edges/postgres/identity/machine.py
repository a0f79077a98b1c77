# SPDX-License-Identifier: Apache-2.0
"""Tenants and their users as a person at the machine itself sees them: no row-level security stands in between."""

from collections.abc import Mapping

from openmains.app.identity.model import Tenant
from openmains.domain.identity.role import Role
from openmains.domain.ids import TenantId
from openmains.edges.postgres.db import Connection, Pool
from openmains.edges.postgres.queries import load

_QUERIES = load(__package__)


class Tenants:
    """For the schema's owner or the pipeline's role."""

    def __init__(self, connection: Connection | Pool) -> None:
        self._connection = connection

    async def all(self) -> list[Tenant]:
        """By code."""
        return [Tenant(**dict(row)) for row in await _QUERIES["tenants"].fetch(self._connection)]

    async def meters(self) -> Mapping[TenantId, int]:
        """How many each has in use; a tenant without one is absent. Reads the whole registry."""
        return {row["tenant_id"]: row["meters"] for row in await _QUERIES["meters_in_use"].fetch(self._connection)}


class Accounts:
    """``AccountRecovery`` on a connection of the schema's owner."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, tenant_id: TenantId, login: str, name: str, password_hash: str, role: Role) -> bool:
        async with self._connection.transaction():
            done = await _QUERIES["add_account"].fetchval(
                self._connection,
                tenant_id=tenant_id,
                login=login,
                name=name,
                password_hash=password_hash,
                role=role.value,
            )
            if not done:
                return False
            await self._record(tenant_id, "create", login)
        return True

    async def restore(self, tenant_id: TenantId, login: str, password_hash: str) -> bool:
        async with self._connection.transaction():
            done = await _QUERIES["restore_account"].fetchval(
                self._connection, tenant_id=tenant_id, login=login, password_hash=password_hash
            )
            if not done:
                return False
            for query in (
                _QUERIES["end_sessions_of_login"],
                _QUERIES["revoke_tokens_of_login"],
                _QUERIES["unlock_login"],
            ):
                await query.execute(self._connection, tenant_id=tenant_id, login=login)
            await self._record(tenant_id, "reset-password", login)
        return True

    async def _record(self, tenant_id: TenantId, action: str, login: str) -> None:
        await _QUERIES["record_at_machine"].execute(self._connection, tenant_id=tenant_id, action=action, login=login)
