# SPDX-License-Identifier: Apache-2.0
"""``TreeImport``: one transaction of an import of areas, on a pool of the pipeline's role."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from openmains.domain.fleet.area_rows import AreaChangeRow, KnownArea
from openmains.domain.ids import TenantId
from openmains.edges.postgres.db import Connection, Pool
from openmains.edges.postgres.queries import load

_QUERIES = load(__package__, "places.sql")


@asynccontextmanager
async def open_tree(pool: Pool, tenant_id: TenantId) -> AsyncIterator["TreeTransaction"]:
    """The tree of a tenant, held until the transaction ends; an exception takes everything back."""
    async with pool.acquire() as connection, connection.transaction():
        await _QUERIES["hold_tree"].execute(connection, tenant_id=tenant_id)
        yield TreeTransaction(connection, tenant_id)


class TreeTransaction:
    """Made by ``open_tree``."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id
        self._before: dict[str, KnownArea] = {}

    async def areas(self) -> dict[str, KnownArea]:
        rows = await _QUERIES["known_areas"].fetch(self._connection, tenant_id=self._tenant_id)
        self._before = {row["code"]: KnownArea(row["name"], row["parent"], row["kind"]) for row in rows}
        return self._before

    async def kinds(self) -> list[str]:
        rows = await _QUERIES["area_kinds"].fetch(self._connection, tenant_id=self._tenant_id)
        return [row["code"] for row in rows]

    async def add(self, areas: Sequence[tuple[str, KnownArea]]) -> None:
        await _QUERIES["import_new_areas"].execute(
            self._connection,
            tenant_id=self._tenant_id,
            codes=[code for code, _ in areas],
            names=[area.name for _, area in areas],
            parents=[area.parent for _, area in areas],
            kinds=[area.kind for _, area in areas],
        )

    async def change(self, changes: Sequence[AreaChangeRow]) -> None:
        await _QUERIES["import_area_names"].execute(
            self._connection,
            tenant_id=self._tenant_id,
            codes=[row.code for row in changes],
            names=[row.name for row in changes],
            kinds=[row.kind for row in changes],
        )

    async def move(self, moves: Sequence[tuple[str, str]], job_id: int, reason: str) -> None:
        for code, _ in moves:
            await _QUERIES["import_area_root"].execute(self._connection, tenant_id=self._tenant_id, code=code)
        for code, parent in moves:
            area_id = await _QUERIES["import_area_move"].fetchval(
                self._connection, tenant_id=self._tenant_id, code=code, parent=parent
            )
            await _QUERIES["note_area_move"].execute(
                self._connection,
                tenant_id=self._tenant_id,
                area_id=str(area_id),
                before={"code": code, "parent": self._before[code].parent},
                after={"code": code, "parent": parent},
                reason=reason,
                job_id=job_id,
            )
