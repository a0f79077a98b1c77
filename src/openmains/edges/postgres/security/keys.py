# SPDX-License-Identifier: Apache-2.0
"""``KeyStore`` (``app/security/keys/ports.py``) over a pool of role openmains_pipeline. The API's role cannot read these columns."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from openmains.app.sealing.envelope import DEVICES, WrappedKey
from openmains.app.security.keys.envelope import SealedKey
from openmains.app.security.keys.ports import DeviceKey, KeyedMeter, MeterChoice
from openmains.domain.ids import TenantId
from openmains.edges.postgres.compose import extended
from openmains.edges.postgres.db import Connection, Pool, Row, rows_of
from openmains.edges.postgres.party.keys import KEY_LOCK
from openmains.edges.postgres.queries import load
from openmains.wire.dtls.events import Weakness

_QUERIES = load(__package__)


class TenantDeviceKeys:
    """``DeviceKeys`` on one transaction."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def others_meters(self, imeis: Sequence[int]) -> set[int]:
        rows = await _QUERIES["others_meters"].fetch(self._connection, imeis=imeis, tenant_id=self._tenant_id)
        return {row["imei"] for row in rows}

    async def existing(self, imeis: Sequence[int]) -> dict[int, DeviceKey]:
        rows = await _QUERIES["keys_of_tenant"].fetch(self._connection, imeis=imeis, tenant_id=self._tenant_id)
        return {row["imei"]: _device_key(row) for row in rows}

    async def put(self, keys: Mapping[int, SealedKey], *, keep_previous: bool) -> None:
        sealed = list(keys.values())
        await _QUERIES["put_keys"].execute(
            self._connection,
            tenant_id=self._tenant_id,
            imeis=list(keys),
            key_ids=[key.key_id for key in sealed],
            nonces=[key.nonce for key in sealed],
            sealed=[key.sealed for key in sealed],
            keep_previous=keep_previous,
        )

    async def meters(self, choice: MeterChoice, after_meter_id: int, limit: int) -> list[KeyedMeter]:
        query = extended(_QUERIES["meters_for_keys"], "AND m.meter_id > :after", "ORDER BY m.meter_id LIMIT :most")
        rows = await query.fetch(self._connection, **self._chosen(choice), after=after_meter_id, most=limit)
        return [KeyedMeter(**dict(row)) for row in rows]

    async def count(self, choice: MeterChoice) -> int:
        return int(await _QUERIES["count_meters_for_keys"].fetchval(self._connection, **self._chosen(choice)))

    def _chosen(self, choice: MeterChoice) -> dict[str, object]:
        return {
            "tenant_id": self._tenant_id,
            "imeis": choice.imeis,
            "meter_ids": choice.meter_ids,
            "product_id": choice.product_id,
            "area_id": choice.area_id,
            "with_key": choice.with_key,
        }


class PostgresKeys:
    """All keys of all tenants."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    @asynccontextmanager
    async def locked(self, *, exclusive: bool) -> AsyncIterator[None]:
        lock = _QUERIES["lock_keys_alone"] if exclusive else _QUERIES["lock_keys"]
        async with self._pool.acquire() as connection, connection.transaction():
            await lock.execute(connection, lock=KEY_LOCK)
            yield

    async def data_keys(self, tenant_id: TenantId | None = None, /) -> list[WrappedKey]:
        rows = await _QUERIES["data_keys"].fetch(self._pool, tenant_id=tenant_id)
        return [
            WrappedKey(row["tenant_id"], row["key_id"], row["master"], row["nonce"], row["wrapped"], row["purpose"])
            for row in rows
        ]

    async def add_data_key(self, key: WrappedKey) -> bool:
        status = await _QUERIES["add_data_key"].execute(self._pool, **_wrapped(key))
        return status.endswith(" 1")

    async def rewrap(self, key: WrappedKey, before: str) -> bool:
        rewrap = _QUERIES["rewrap"] if key.purpose == DEVICES else _QUERIES["rewrap_personal"]
        status = await rewrap.execute(self._pool, **_wrapped(key), before=before)
        return status.endswith(" 1")

    @asynccontextmanager
    async def tenant(self, tenant_id: TenantId) -> AsyncIterator[TenantDeviceKeys]:
        async with self._pool.acquire() as connection, connection.transaction():
            yield TenantDeviceKeys(connection, tenant_id)

    async def find(self, imeis: Sequence[int]) -> list[DeviceKey]:
        rows = await _QUERIES["find_keys"].fetch(self._pool, imeis=imeis)
        return [replace(_device_key(row), allows=_allows(row)) for row in rows]

    async def used(self, found: Sequence[tuple[int, int, int]]) -> None:
        imeis, tenants, versions = zip(*found, strict=True)
        await _QUERIES["note_keys_used"].execute(self._pool, imeis=imeis, tenant_ids=tenants, versions=versions)

    async def destroy_device(self, tenant_id: TenantId, imei: int) -> bool:
        status = await _QUERIES["destroy_device_key"].execute(self._pool, tenant_id=tenant_id, imei=imei)
        return status.endswith(" 1")

    async def destroy_tenant(self, tenant_id: TenantId) -> int:
        async with self._pool.acquire() as connection, connection.transaction():
            status = await _QUERIES["destroy_device_keys"].execute(connection, tenant_id=tenant_id)
            await _QUERIES["destroy_data_keys"].execute(connection, tenant_id=tenant_id)
        return rows_of(status)

    async def note(
        self, tenant_id: TenantId, action: str, object_type: str, object_id: str, after: dict[str, object]
    ) -> None:
        """A line in the trail for what is done on the command line."""
        await _QUERIES["note_in_trail"].execute(
            self._pool, tenant_id=tenant_id, action=action, object_type=object_type, object_id=object_id, after=after
        )


def _wrapped(key: WrappedKey) -> dict[str, object]:
    return {
        "tenant_id": key.tenant_id,
        "key_id": key.key_id,
        "master": key.master,
        "nonce": key.nonce,
        "wrapped": key.wrapped,
    }


def _allows(row: Row) -> frozenset[Weakness]:
    said = {Weakness.CBC: row["allow_cbc"], Weakness.NO_EMS: row["allow_no_ems"]}
    return frozenset(weakness for weakness, allowed in said.items() if allowed)


def _device_key(row: Row) -> DeviceKey:
    previous = None
    if row["previous_sealed"] is not None:
        previous = SealedKey(row["previous_key_id"], row["previous_nonce"], row["previous_sealed"])
    return DeviceKey(
        row["imei"], row["tenant_id"], row["version"], SealedKey(row["key_id"], row["nonce"], row["sealed"]), previous
    )
