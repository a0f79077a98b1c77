# SPDX-License-Identifier: Apache-2.0
"""``DataKeySource`` of personal data, over a pool of the API's role or the pipeline's."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from openmains.app.sealing.envelope import WrappedKey
from openmains.domain.ids import TenantId
from openmains.edges.postgres.db import Pool, tenant_transaction
from openmains.edges.postgres.queries import load

KEY_LOCK = 0x6F6D_6B65  # 'omke': any number that is the project's own
_QUERIES = load(__package__, "customers.sql")


class PersonalKeys:
    """Wrapped keys; what is in them opens under the master key only."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    @asynccontextmanager
    async def locked(self, *, exclusive: bool) -> AsyncIterator[None]:
        if exclusive:
            raise ValueError("the master key is changed over the keys of all tenants")
        async with self._pool.acquire() as connection, connection.transaction():
            await _QUERIES["lock_personal_keys"].execute(connection, lock=KEY_LOCK)
            yield

    async def data_keys(self, tenant_id: TenantId, /) -> list[WrappedKey]:
        async with tenant_transaction(self._pool, tenant_id) as connection:
            rows = await _QUERIES["personal_keys"].fetch(connection, tenant_id=tenant_id)
        return [WrappedKey(**dict(row)) for row in rows]

    async def add_data_key(self, key: WrappedKey) -> bool:
        async with tenant_transaction(self._pool, key.tenant_id) as connection:
            status = await _QUERIES["add_personal_key"].execute(
                connection,
                tenant_id=key.tenant_id,
                key_id=key.key_id,
                purpose=key.purpose,
                master=key.master,
                nonce=key.nonce,
                wrapped=key.wrapped,
            )
        return status.endswith(" 1")
