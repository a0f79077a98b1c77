# SPDX-License-Identifier: Apache-2.0
"""``RoleStore`` on one tenant's transaction: the built-in roles from the code, those of the utility's own from ``own_role``."""

import asyncpg

from openmains.app.identity.model import RoleRecord
from openmains.app.identity.ports import NameTakenError
from openmains.domain.identity.permission import Permission
from openmains.domain.identity.role import BUILT_IN, OWN_PREFIX, Role, known
from openmains.domain.ids import TenantId
from openmains.edges.postgres.db import Connection, Row
from openmains.edges.postgres.queries import load

_QUERIES = load(__package__)


class Roles:
    """``RoleStore``."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def all(self) -> list[RoleRecord]:
        counted = await _QUERIES["people_by_role"].fetch(self._connection, tenant_id=self._tenant_id)
        people = {row["role"]: row["people"] for row in counted}
        rows = await _QUERIES["own_roles"].fetch(self._connection, tenant_id=self._tenant_id)
        given = [_given(code, people.get(code, 0)) for code in BUILT_IN]
        return [*given, *(_own(row, people.get(f"{OWN_PREFIX}{row['role_id']}", 0)) for row in rows)]

    async def get(self, code: str) -> RoleRecord | None:
        return next((role for role in await self.all() if role.code == code), None)

    async def add(self, name: str, permissions: frozenset[Permission]) -> RoleRecord | None:
        row = await _QUERIES["add_own_role"].fetchrow(
            self._connection, tenant_id=self._tenant_id, name=name, permissions=sorted(permissions)
        )
        return None if row is None else _own(row, 0)

    async def change(
        self, role_id: int, revision: int, name: str, permissions: frozenset[Permission]
    ) -> RoleRecord | None:
        try:
            async with self._connection.transaction():
                row = await _QUERIES["change_own_role"].fetchrow(
                    self._connection,
                    tenant_id=self._tenant_id,
                    role_id=role_id,
                    revision=revision,
                    name=name,
                    permissions=sorted(permissions),
                )
        except asyncpg.UniqueViolationError:
            raise NameTakenError from None
        return None if row is None else await self.get(f"{OWN_PREFIX}{role_id}")

    async def remove(self, role_id: int) -> bool:
        try:
            async with self._connection.transaction():
                await _QUERIES["forget_spent_tokens"].execute(
                    self._connection, tenant_id=self._tenant_id, role_id=role_id
                )
                done = await _QUERIES["remove_own_role"].execute(
                    self._connection, tenant_id=self._tenant_id, role_id=role_id
                )
        except asyncpg.ForeignKeyViolationError:
            return False
        return done == "DELETE 1"


def _given(code: Role, people: int) -> RoleRecord:
    role = BUILT_IN[code]
    return RoleRecord(code.value, role.zh, role.en, sorted(role.permissions), None, 0, people)


def _own(row: Row, people: int) -> RoleRecord:
    permissions = sorted(known(frozenset(row["permissions"])))
    code = f"{OWN_PREFIX}{row['role_id']}"
    return RoleRecord(code, row["name"], row["name"], permissions, row["role_id"], row["revision"], people)
