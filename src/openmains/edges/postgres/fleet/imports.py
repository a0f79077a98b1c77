# SPDX-License-Identifier: Apache-2.0
"""The registry import's transaction (``app/fleet/imports/ports.py``) and the followers' view of changed meters.

A chunk is COPYed into a temporary table, which is nobody else's, is not logged and goes with the connection; then one
function of migration 0003 writes the chunk set by set, and a statement the flag that came after it.
"""

import io
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from openmains.app.fleet.imports.ports import Applied, Conflict
from openmains.app.fleet.imports.staging import STAGED
from openmains.domain.ids import MeterId, TenantId
from openmains.edges.postgres.db import Pool
from openmains.edges.postgres.fleet.search import refresh, refresh_customers

_LOCK = 0x6F6D_0001  # first half of the advisory lock 'an import of this tenant runs'
_STAGING = """
CREATE TEMPORARY TABLE import_row (
  line int PRIMARY KEY, number text NOT NULL, bar_code text, imei bigint, imsi text, iccid text, product text NOT NULL,
  area text NOT NULL, customer_code text, customer_name text, phone text, address text, is_protected boolean, is_critical boolean,
  place text, dn int, qmax_l_h bigint, installed_on date NOT NULL, search_text text NOT NULL, grams int[] NOT NULL
) ON COMMIT DROP;
CREATE TEMPORARY TABLE import_key (
  line int PRIMARY KEY, meter_id bigint NOT NULL, product_id int, area_id int, customer_id bigint, known boolean NOT NULL
) ON COMMIT DROP;
GRANT ALL ON import_row, import_key TO PUBLIC -- import_rows() works with the owner's rights; no other session sees them
"""
# An IMEI is unique over all tenants; which meter of another tenant has it is not told.
_CONFLICTS = """
SELECT r.line, 'imei' AS place, lpad(r.imei::text, 15, '0') AS value, 'imei_taken' AS reason FROM import_row r JOIN meter m ON m.imei = r.imei
 WHERE m.tenant_id <> $1 OR m.number <> r.number
UNION ALL
SELECT r.line, 'number', r.number, 'meter_removed' FROM import_row r JOIN meter m ON m.tenant_id = $1 AND m.number = r.number
 WHERE m.removed_on IS NOT NULL
ORDER BY 1, 2
"""
_CHANGED_CUSTOMERS = """
SELECT DISTINCT c.customer_id FROM import_row r JOIN customer c ON c.tenant_id = $1 AND c.code = r.customer_code
 WHERE (c.name, c.phone, c.address)
       IS DISTINCT FROM (coalesce(r.customer_name, c.name), coalesce(r.phone, c.phone), coalesce(r.address, c.address))
"""
# Beside import_rows(), which is older than the flag; an empty cell keeps what is stored, as there.
_CRITICAL = """
UPDATE customer c SET is_critical = r.is_critical
  FROM (SELECT DISTINCT ON (customer_code) customer_code, is_critical FROM import_row WHERE is_critical IS NOT NULL
         ORDER BY customer_code, line) r
 WHERE c.tenant_id = $1 AND c.code = r.customer_code AND c.is_critical <> r.is_critical
"""

_SETTINGS = {
    "work_mem": "256MB",
    "gin_pending_list_limit": "256MB",
    "temp_buffers": "64MB",
    "random_page_cost": "0.1",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
}


class PostgresImport:
    """One import on a connection of its own: ``async with PostgresImport(pool) as store``."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._connection: Any = None
        self._transaction: Any = None
        self._tenant_id = 0
        self._committed = False
        self._analysed = False

    async def __aenter__(self) -> Self:
        self._connection = await self._pool.acquire()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.rollback()
        connection, self._connection = self._connection, None
        try:
            if self._committed and not connection.is_closed():
                await connection.fetchval("SELECT settle_search_index()", timeout=None)
        finally:
            await self._pool.release(connection)

    async def begin(self, tenant_id: TenantId) -> None:
        connection = self._connection
        self._tenant_id = tenant_id
        self._transaction = connection.transaction()
        await self._transaction.start()
        # Many grams wait in memory before they are sorted into the index: half the time of the usual 4 MB. A chunk is small
        # beside the registry: look its rows up by index and never read the whole registry for each chunk.
        for setting, value in _SETTINGS.items():
            await connection.execute("SELECT set_config($1, $2, true)", setting, value)
        await connection.execute("SELECT pg_advisory_xact_lock($1, $2)", _LOCK, tenant_id, timeout=None)
        await connection.execute("DROP TABLE IF EXISTS pg_temp.import_row, pg_temp.import_key")
        await connection.execute(_STAGING)

    async def products(self) -> dict[str, int]:
        rows = await self._connection.fetch(
            "SELECT code, product_id FROM product WHERE tenant_id = $1", self._tenant_id
        )
        return {row[0]: row[1] for row in rows}

    async def areas(self) -> dict[str, int]:
        rows = await self._connection.fetch("SELECT code, area_id FROM area WHERE tenant_id = $1", self._tenant_id)
        return {row[0]: row[1] for row in rows}

    async def create_areas(self, codes: Sequence[str]) -> dict[str, int]:
        rows = await self._connection.fetch(
            "INSERT INTO area (tenant_id, code, name) SELECT $1, code, code FROM unnest($2::text[]) AS code "
            "ON CONFLICT (tenant_id, code) DO UPDATE SET code = excluded.code RETURNING code, area_id",
            self._tenant_id,
            list(codes),
        )
        return {row[0]: row[1] for row in rows}

    async def stage(self, copy: bytes, rows: int) -> list[Conflict]:
        connection = self._connection
        await connection.execute("TRUNCATE import_row, import_key")
        if not rows:
            return []
        await connection.copy_to_table(
            "import_row", source=io.BytesIO(copy), columns=STAGED, format="binary", timeout=None
        )
        if not self._analysed:  # chunks are alike; the planner's view of the first is kept over TRUNCATE
            await connection.execute("ANALYZE import_row (number, imei, customer_code)", timeout=None)
            self._analysed = True
        found = await connection.fetch(_CONFLICTS, self._tenant_id, timeout=None)
        if found:
            await connection.execute("DELETE FROM import_row WHERE line = ANY ($1::int[])", [row[0] for row in found])
        return [Conflict(row[0], row[1], row[2], row[3]) for row in found]

    async def apply(self) -> Applied:
        connection = self._connection
        customers = [row[0] for row in await connection.fetch(_CHANGED_CUSTOMERS, self._tenant_id, timeout=None)]
        rows = await connection.fetch("SELECT meter_id, change FROM import_rows($1)", self._tenant_id, timeout=None)
        await connection.execute(_CRITICAL, self._tenant_id, timeout=None)
        inserted = [row[0] for row in rows if row[1] == b"i"]
        updated = [row[0] for row in rows if row[1] == b"u"]
        if updated:
            await refresh(connection, updated)
        if customers:
            await refresh_customers(connection, customers)
        return Applied(inserted, updated)

    async def commit(self) -> None:
        transaction, self._transaction = self._transaction, None
        await transaction.commit()
        self._committed = True

    async def rollback(self) -> None:
        transaction, self._transaction = self._transaction, None
        if transaction is not None and not self._connection.is_closed():
            await transaction.rollback()


class ChangedMeters:
    """Source of ``app/fleet/sync_dims.py``: what changed in the registry since a transaction."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def horizon(self) -> int:
        """Every transaction below this number has ended."""
        return int(await self._pool.fetchval("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint"))

    async def changed(self, since: int, before: int, after_seq: int, limit: int) -> list[tuple[int, MeterId]]:
        """(seq, meter id) of changes by transactions ``since`` ≤ xid < ``before``, in the order of seq."""
        rows = await self._pool.fetch(
            "SELECT seq, meter_id FROM identity_change WHERE xid >= $1::text::xid8 AND xid < $2::text::xid8 AND seq > $3 "
            "ORDER BY seq LIMIT $4",
            str(since), str(before), after_seq, limit, timeout=None,
        )  # fmt: skip
        return [(row[0], row[1]) for row in rows]

    async def meters(self, meter_ids: Sequence[MeterId]) -> list[tuple[Any, ...]]:
        """Rows of ``meter_dim`` for these meters; those that are gone are left out."""
        return [
            tuple(r) for r in await self._pool.fetch(_DIM + " WHERE meter_id = ANY ($1::bigint[])", list(meter_ids))
        ]

    async def all_meters(self, after: int, limit: int) -> list[tuple[Any, ...]]:
        """Rows of ``meter_dim`` in the order of meter id."""
        rows = await self._pool.fetch(
            _DIM + " WHERE meter_id > $1 ORDER BY meter_id LIMIT $2", after, limit, timeout=None
        )
        return [tuple(row) for row in rows]


_DIM = (
    "SELECT tenant_id, meter_id, area_id, product_id, greatest(installed_on, '1970-01-01'::date), "
    "coalesce(removed_on, '2149-06-06'::date), revision FROM meter"
)
