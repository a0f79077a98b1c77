# SPDX-License-Identifier: Apache-2.0
"""The registry import's transaction (``app/fleet/imports/ports.py``) and the followers' view of changed meters.

A chunk is COPYed into a temporary table, which is nobody else's, is not logged and goes with the connection; then one
function of migration 0003 writes the chunk set by set, and a statement the flag that came after it.
"""

import io
from collections.abc import Mapping, Sequence
from importlib import resources
from types import TracebackType
from typing import Any, Self

from openmains.app.fleet.imports.ports import Applied, Conflict, PhoneSealing, StagedMeter
from openmains.app.fleet.imports.staging import STAGED
from openmains.app.fleet.model import Dimension
from openmains.app.fleet.sync_dims import SetAside
from openmains.domain.fleet.device_kind import DeviceKind
from openmains.domain.ids import MeterId, TenantId
from openmains.edges.postgres.compose import extended
from openmains.edges.postgres.db import Pool
from openmains.edges.postgres.fleet.search import refresh, refresh_customers
from openmains.edges.postgres.queries import FILE, load, parse

LOCK = 0x6F6D_0001  # first half of the advisory lock 'an import of this tenant runs'
_QUERIES = load(__package__)
_UNDO = load(__package__, "undo.sql")
_STAGING = parse((resources.files(__package__) / "staging" / FILE).read_text("utf-8"), __package__)
# Which rows of ClickHouse's copy of the registry are asked for.
CHOSEN = "WHERE m.meter_id = ANY (:meter_ids::bigint[])"
FOLLOWING = "WHERE m.meter_id > :after ORDER BY m.meter_id LIMIT :most"
CHOSEN_GONE, FOLLOWING_GONE = (text.replace("m.meter_id", "w.meter_id") for text in (CHOSEN, FOLLOWING))
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
    """One import on a connection of its own: ``async with PostgresImport(pool, vault, exponents) as store``. ``phones``: who seals them.
    ``exponents``: registers of a driver count 10^n m³; those of drivers that are not named are taken for alike."""

    def __init__(self, pool: Pool, phones: PhoneSealing, exponents: Mapping[str, int] | None = None) -> None:
        self._pool = pool
        self._phones = phones
        self._units = {"drivers": list(exponents or {}), "exponents": list((exponents or {}).values())}
        self._connection: Any = None
        self._transaction: Any = None
        self._tenant_id = 0
        self._job_id: int | None = None
        self._committed = False
        self._analysed = False
        self._has_monitors = True
        self._lengths: list[int] | None = None  # as the first chunk and the registry have them

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
                await _QUERIES["settle_search_index"].fetchval(connection)
        finally:
            await self._pool.release(connection)

    async def begin(self, tenant_id: TenantId, job_id: int | None = None) -> None:
        connection = self._connection
        self._tenant_id, self._job_id = tenant_id, job_id
        self._transaction = connection.transaction()
        await self._transaction.start()
        # Many grams wait in memory before they are sorted into the index: half the time of the usual 4 MB. A chunk is small
        # beside the registry: look its rows up by index and never read the whole registry for each chunk.
        for setting, value in {**_SETTINGS, "openmains.import_tenant": str(tenant_id)}.items():
            await _QUERIES["set_here"].execute(connection, setting=setting, value=value)
        await _QUERIES["lock_import"].execute(connection, class_id=LOCK, tenant_id=tenant_id)
        await _STAGING["drop_staging"].execute(connection)
        await _STAGING["make_staging"].execute(connection)
        await _STAGING["drop_before"].execute(connection)
        await _STAGING["make_meters_before"].execute(connection)
        await _STAGING["make_customers_before"].execute(connection)
        if job_id is not None:
            await _STAGING["forget_changes"].execute(connection, tenant_id=tenant_id)
            await _STAGING["forget_customers"].execute(connection, tenant_id=tenant_id)
            await _STAGING["forget_tags"].execute(connection, tenant_id=tenant_id)

    async def products(self) -> dict[str, int]:
        rows = await _QUERIES["products_by_code"].fetch(self._connection, tenant_id=self._tenant_id)
        self._has_monitors = any(row["kind"] != DeviceKind.METER for row in rows)
        return {row["code"]: row["product_id"] for row in rows}

    async def areas(self) -> dict[str, int]:
        rows = await _QUERIES["areas_by_code"].fetch(self._connection, tenant_id=self._tenant_id)
        return {row["code"]: row["area_id"] for row in rows}

    async def headings(self) -> dict[str, str]:
        rows = await _QUERIES["import_headings"].fetch(self._connection, tenant_id=self._tenant_id)
        return {row["plain"]: row["column_name"] for row in rows}

    async def create_areas(self, codes: Sequence[str]) -> dict[str, int]:
        rows = await _QUERIES["create_areas"].fetch(self._connection, tenant_id=self._tenant_id, codes=codes)
        if self._job_id is not None:
            await _STAGING["note_areas"].execute(
                self._connection,
                tenant_id=self._tenant_id,
                job_id=self._job_id,
                area_ids=[row["area_id"] for row in rows],
            )
        return {row["code"]: row["area_id"] for row in rows}

    async def stage(self, copy: bytes, rows: int) -> list[Conflict]:
        connection = self._connection
        await _STAGING["empty_staging"].execute(connection)
        if not rows:
            return []
        await connection.copy_to_table(
            "import_row", source=io.BytesIO(copy), columns=STAGED, format="binary", timeout=None
        )
        if not self._analysed:
            await _STAGING["analyse_staging"].execute(connection)
            self._analysed = True
        if self._lengths is None:
            lengths = await _STAGING["zero_lengths"].fetch(connection, tenant_id=self._tenant_id)
            self._lengths = [row["size"] for row in lengths]
        found = [
            *await _STAGING["conflicts"].fetch(connection, tenant_id=self._tenant_id),
            *(await _STAGING["kind_conflicts"].fetch(connection) if self._has_monitors else ()),
            *await _STAGING["unit_conflicts"].fetch(connection, **self._units),
            *await _STAGING["tag_conflicts"].fetch(connection, tenant_id=self._tenant_id),
            *await _STAGING["holder_conflicts"].fetch(connection),
            *await _STAGING["zeros_differ"].fetch(connection, lengths=self._lengths),
        ]
        if found:
            await _STAGING["leave_out"].execute(connection, lines=[row["line"] for row in found])
        return [Conflict(row["line"], row["place"], row["value"], row["reason"]) for row in found]

    async def apply(self) -> Applied:
        connection = self._connection
        of_tenant = {"tenant_id": self._tenant_id}
        customers = [row["customer_id"] for row in await _STAGING["changed_customers"].fetch(connection)]
        records = [row["customer_id"] for row in await _STAGING["changed_records"].fetch(connection)]
        await self._note_before()
        rows = await _STAGING["import_rows"].fetch(connection, **of_tenant)
        if records:
            await _STAGING["renew_records"].execute(connection, customer_ids=records, **of_tenant)
        await _STAGING["move_in_customers"].execute(connection, **of_tenant)
        await _STAGING["set_critical"].execute(connection)
        await self._seal_phones()
        await self._note_changes()
        tagged = await self._set_tags()
        inserted = [row["meter_id"] for row in rows if row["change"] == b"i"]
        updated = [row["meter_id"] for row in rows if row["change"] == b"u"]
        if updated:
            await refresh(connection, updated)
        if customers:
            await refresh_customers(connection, customers)
        updated += sorted(tagged - set(inserted) - set(updated))
        return Applied(inserted, updated)

    async def _set_tags(self) -> set[int]:
        """Meters that have other tags than before."""
        of_tenant = {"tenant_id": self._tenant_id}
        rows = await _STAGING["set_tags"].fetch(self._connection, **of_tenant)
        if rows and self._job_id is not None:
            await _STAGING["note_tags"].execute(
                self._connection,
                job_id=self._job_id,
                meter_ids=[row["meter_id"] for row in rows],
                tag_ids=[row["tag_id"] for row in rows],
                is_put=[row["is_put"] for row in rows],
                **of_tenant,
            )
        return {row["meter_id"] for row in rows}

    async def _note_before(self) -> None:
        if self._job_id is not None:
            await _STAGING["empty_before"].execute(self._connection)
            await _STAGING["note_meters_before"].execute(self._connection)
            await _STAGING["note_customers_before"].execute(self._connection)

    async def _note_changes(self) -> None:
        """What the chunk did, so that it can be taken back."""
        if self._job_id is not None:
            of_job = {"tenant_id": self._tenant_id, "job_id": self._job_id}
            await _STAGING["note_changes"].execute(self._connection, **of_job)
            await _STAGING["note_customers"].execute(self._connection, **of_job)

    async def _seal_phones(self) -> None:
        rows = await _STAGING["import_phones"].fetch(self._connection)
        if not rows:
            return
        tenant_id = TenantId(self._tenant_id)
        sealed = await self._phones.seal_phones(tenant_id, {row["customer_id"]: row["phone"] for row in rows})
        await _STAGING["put_phones"].execute(
            self._connection,
            tenant_id=tenant_id,
            key_id=sealed[0].key_id,
            customer_ids=[phone.customer_id for phone in sealed],
            nonces=[phone.nonce for phone in sealed],
            sealed=[phone.sealed for phone in sealed],
            blinds=[phone.blind for phone in sealed],
        )

    async def staged(self, limit: int) -> list[StagedMeter]:
        rows = await _STAGING["staged_rows"].fetch(self._connection, most=limit)
        return [
            StagedMeter(row["line"], row["number"], row["product"], row["area"], row["address"] or "", row["meter_id"])
            for row in rows
        ]

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
        return int(await _QUERIES["snapshot_horizon"].fetchval(self._pool))

    async def changed(self, since: int, before: int, after_seq: int, limit: int) -> list[tuple[int, MeterId]]:
        """(seq, meter id) of changes by transactions ``since`` ≤ xid < ``before``, in the order of seq."""
        rows = await _QUERIES["identity_changes"].fetch(
            self._pool, since=str(since), before=str(before), after=after_seq, most=limit
        )
        return [(row["seq"], row["meter_id"]) for row in rows]

    async def meters(self, meter_ids: Sequence[MeterId]) -> list[Dimension]:
        """Rows of ``meter_dim`` for these meters; of those that are gone only the withdrawn ones, which no day expects."""
        rows = await extended(_QUERIES["dimensions"], CHOSEN).fetch(self._pool, meter_ids=meter_ids)
        gone = await extended(_UNDO["withdrawn_dimensions"], CHOSEN_GONE).fetch(self._pool, meter_ids=meter_ids)
        return [Dimension(*row) for row in (*rows, *gone)]

    async def all_meters(self, after: int, limit: int) -> list[Dimension]:
        """Rows of ``meter_dim`` in the order of meter id."""
        rows = await extended(_QUERIES["dimensions"], FOLLOWING).fetch(self._pool, after=after, most=limit)
        gone = await extended(_UNDO["withdrawn_dimensions"], FOLLOWING_GONE).fetch(self._pool, after=after, most=limit)
        merged = sorted((Dimension(*row) for row in (*rows, *gone)), key=lambda one: one.meter_id)
        return merged[:limit]

    async def note_set_aside(self, looked_at: Sequence[MeterId], found: Sequence[SetAside]) -> list[SetAside]:
        """Those that are not in ``found`` are well again."""
        await _QUERIES["forget_set_aside"].execute(
            self._pool, meter_ids=looked_at, found=[each.meter_id for each in found]
        )
        if not found:
            return []
        rows = await _QUERIES["note_set_aside"].fetch(
            self._pool,
            tenant_ids=[each.tenant_id for each in found],
            meter_ids=[each.meter_id for each in found],
            fields=[each.field for each in found],
            values=[each.value for each in found],
        )
        new = {row["meter_id"] for row in rows}
        return [each for each in found if each.meter_id in new]
