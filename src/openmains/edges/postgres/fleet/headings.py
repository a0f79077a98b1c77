# SPDX-License-Identifier: Apache-2.0
"""Headings of other systems' files."""

from openmains.app.fleet.imports.headings import ImportHeading
from openmains.domain.fleet.cells import plain_heading
from openmains.domain.ids import TenantId
from openmains.edges.postgres.db import Connection
from openmains.edges.postgres.queries import load

_QUERIES = load(__package__)


class Headings:
    """``ImportHeadings`` on one tenant's transaction."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def all(self) -> list[ImportHeading]:
        rows = await _QUERIES["import_headings"].fetch(self._connection, tenant_id=self._tenant_id)
        return [ImportHeading(row["heading"], row["column_name"]) for row in rows]

    async def count(self) -> int:
        return int(await _QUERIES["count_import_headings"].fetchval(self._connection, tenant_id=self._tenant_id))

    async def get(self, heading: str) -> str | None:
        found: str | None = await _QUERIES["import_heading"].fetchval(
            self._connection, tenant_id=self._tenant_id, plain=plain_heading(heading)
        )
        return found

    async def put(self, wanted: ImportHeading) -> None:
        await _QUERIES["set_import_heading"].execute(
            self._connection,
            tenant_id=self._tenant_id,
            plain=plain_heading(wanted.heading),
            heading=wanted.heading,
            column=wanted.column,
        )

    async def remove(self, heading: str) -> str | None:
        found: str | None = await _QUERIES["remove_import_heading"].fetchval(
            self._connection, tenant_id=self._tenant_id, plain=plain_heading(heading)
        )
        return found
