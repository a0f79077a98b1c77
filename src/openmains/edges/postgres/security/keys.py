# SPDX-License-Identifier: Apache-2.0
"""``KeyStore`` (``app/security/keys/ports.py``) over a pool of role openmains_pipeline. The API's role cannot read these columns."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from openmains.app.security.keys.envelope import SealedKey, WrappedKey
from openmains.app.security.keys.ports import DeviceKey, KeyedMeter, MeterChoice
from openmains.edges.postgres.db import Connection, Pool, Row

_LOCK = 0x6F6D_6B65  # 'omke': any number that is the project's own
_WRAPPED = "tenant_id, key_id, master, nonce, wrapped"
_SEALED = "k.imei, k.tenant_id, k.version, k.key_id, k.nonce, k.sealed, k.previous_key_id, k.previous_nonce, k.previous_sealed"
# One row an IMEI: that of the tenant whose meter it is. A key without a registered meter counts where it is the only one;
# of two tenants that both claim an unregistered IMEI neither is believed.
_FIND = f"""
SELECT {_SEALED}
  FROM unnest($1::bigint[]) AS w(imei)
  JOIN device_key k ON k.imei = w.imei
  LEFT JOIN meter m ON m.imei = k.imei AND m.removed_on IS NULL
 WHERE m.tenant_id = k.tenant_id
    OR (m.meter_id IS NULL AND NOT EXISTS (SELECT FROM device_key o WHERE o.imei = k.imei AND o.tenant_id <> k.tenant_id))
"""  # noqa: S608 - column names above
_PUT = """
INSERT INTO device_key AS k (imei, tenant_id, key_id, nonce, sealed)
SELECT u.imei, $1, u.key_id, u.nonce, u.sealed FROM unnest($2::bigint[], $3::int[], $4::bytea[], $5::bytea[])
       AS u(imei, key_id, nonce, sealed)
ON CONFLICT (imei, tenant_id) DO UPDATE
   SET version = k.version + 1, key_id = excluded.key_id, nonce = excluded.nonce, sealed = excluded.sealed,
       created_at = now(), first_used_at = NULL,
       previous_key_id = CASE WHEN $6 THEN coalesce(k.previous_key_id, k.key_id) END,
       previous_nonce  = CASE WHEN $6 THEN coalesce(k.previous_nonce, k.nonce) END,
       previous_sealed = CASE WHEN $6 THEN coalesce(k.previous_sealed, k.sealed) END
"""
_USED = """
UPDATE device_key k SET first_used_at = now(), previous_key_id = NULL, previous_nonce = NULL, previous_sealed = NULL
  FROM unnest($1::bigint[], $2::int[], $3::int[]) AS u(imei, tenant_id, version)
 WHERE k.imei = u.imei AND k.tenant_id = u.tenant_id AND k.version = u.version
"""
# A key on its way to its meter is not replaced: the meter may have been written it already, and would be cut off.
_CHOSEN = """
  FROM meter m LEFT JOIN device_key k ON k.imei = m.imei AND k.tenant_id = m.tenant_id
 WHERE m.tenant_id = $1 AND m.imei IS NOT NULL AND m.removed_on IS NULL AND ($2::bigint[] IS NULL OR m.imei = ANY ($2))
   AND ($3::bigint[] IS NULL OR m.meter_id = ANY ($3)) AND ($4::int IS NULL OR m.product_id = $4)
   AND ($5::int IS NULL OR m.area_id IN (WITH RECURSIVE below AS (SELECT $5::int AS area_id UNION
        SELECT a.area_id FROM area a JOIN below b ON a.parent_id = b.area_id) SELECT area_id FROM below))
   AND (k.imei IS NULL OR ($6 AND NOT k.rotating))
"""


class TenantDeviceKeys:
    """``DeviceKeys`` on one transaction."""

    def __init__(self, connection: Connection, tenant_id: int) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def others_meters(self, imeis: Sequence[int]) -> set[int]:
        rows = await self._connection.fetch(
            "SELECT imei FROM meter WHERE imei = ANY ($1::bigint[]) AND tenant_id <> $2", imeis, self._tenant_id
        )
        return {row[0] for row in rows}

    async def existing(self, imeis: Sequence[int]) -> dict[int, DeviceKey]:
        rows = await self._connection.fetch(
            f"SELECT {_SEALED} FROM device_key k WHERE k.imei = ANY ($1::bigint[]) AND k.tenant_id = $2",  # noqa: S608
            imeis, self._tenant_id,
        )  # fmt: skip
        return {row[0]: _device_key(row) for row in rows}

    async def put(self, keys: Mapping[int, SealedKey], *, keep_previous: bool) -> None:
        sealed = list(keys.values())
        await self._connection.execute(
            _PUT, self._tenant_id, list(keys), [key.key_id for key in sealed], [key.nonce for key in sealed],
            [key.sealed for key in sealed], keep_previous,
        )  # fmt: skip

    async def meters(self, choice: MeterChoice, after_meter_id: int, limit: int) -> list[KeyedMeter]:
        rows = await self._connection.fetch(
            f"SELECT m.meter_id, m.number, m.imei, k.imei IS NOT NULL {_CHOSEN} AND m.meter_id > $7"
            " ORDER BY m.meter_id LIMIT $8",
            *self._chosen(choice), after_meter_id, limit,
        )  # fmt: skip
        return [KeyedMeter(*row) for row in rows]

    async def count(self, choice: MeterChoice) -> int:
        return int(await self._connection.fetchval(f"SELECT count(*) {_CHOSEN}", *self._chosen(choice)))

    def _chosen(self, choice: MeterChoice) -> tuple[object, ...]:
        return (
            self._tenant_id, choice.imeis, choice.meter_ids, choice.product_id, choice.area_id, choice.with_key
        )  # fmt: skip


class PostgresKeys:
    """All keys of all tenants."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    @asynccontextmanager
    async def locked(self, *, exclusive: bool) -> AsyncIterator[None]:
        how = "pg_advisory_xact_lock" if exclusive else "pg_advisory_xact_lock_shared"
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(f"SELECT {how}($1)", _LOCK)
            yield

    async def data_keys(self, tenant_id: int | None = None) -> list[WrappedKey]:
        rows = await self._pool.fetch(
            f"SELECT {_WRAPPED} FROM tenant_key WHERE $1::int IS NULL OR tenant_id = $1 ORDER BY tenant_id, created_at, key_id",  # noqa: S608
            tenant_id,
        )
        return [WrappedKey(*row) for row in rows]

    async def add_data_key(self, key: WrappedKey) -> bool:
        status = await self._pool.execute(
            f"INSERT INTO tenant_key ({_WRAPPED}) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",  # noqa: S608
            key.tenant_id, key.key_id, key.master, key.nonce, key.wrapped,
        )  # fmt: skip
        return bool(status.endswith(" 1"))

    async def rewrap(self, key: WrappedKey, before: str) -> bool:
        status = await self._pool.execute(
            "UPDATE tenant_key SET master = $3, nonce = $4, wrapped = $5"
            " WHERE tenant_id = $1 AND key_id = $2 AND master = $6",
            key.tenant_id, key.key_id, key.master, key.nonce, key.wrapped, before,
        )  # fmt: skip
        return bool(status.endswith(" 1"))

    @asynccontextmanager
    async def tenant(self, tenant_id: int) -> AsyncIterator[TenantDeviceKeys]:
        async with self._pool.acquire() as connection, connection.transaction():
            yield TenantDeviceKeys(connection, tenant_id)

    async def find(self, imeis: Sequence[int]) -> list[DeviceKey]:
        return [_device_key(row) for row in await self._pool.fetch(_FIND, imeis)]

    async def used(self, found: Sequence[tuple[int, int, int]]) -> None:
        imeis, tenants, versions = zip(*found, strict=True)
        await self._pool.execute(_USED, imeis, tenants, versions)

    async def destroy_device(self, tenant_id: int, imei: int) -> bool:
        status = await self._pool.execute("DELETE FROM device_key WHERE tenant_id = $1 AND imei = $2", tenant_id, imei)
        return bool(status.endswith(" 1"))

    async def destroy_tenant(self, tenant_id: int) -> int:
        async with self._pool.acquire() as connection, connection.transaction():
            status = await connection.execute("DELETE FROM device_key WHERE tenant_id = $1", tenant_id)
            await connection.execute("DELETE FROM tenant_key WHERE tenant_id = $1", tenant_id)
        return int(status.rsplit(" ", 1)[1])

    async def note(
        self, tenant_id: int, action: str, object_type: str, object_id: str, after: dict[str, object]
    ) -> None:
        """A line in the trail for what is done on the command line."""
        await self._pool.execute(
            "INSERT INTO audit (tenant_id, actor, action, object_type, object_id, after)"
            " VALUES ($1, 'command line', $2, $3, $4, $5)",
            tenant_id, action, object_type, object_id, after,
        )  # fmt: skip


def _device_key(row: Row) -> DeviceKey:
    previous = None if row[8] is None else SealedKey(row[6], row[7], row[8])
    return DeviceKey(row[0], row[1], row[2], SealedKey(row[3], row[4], row[5]), previous)
