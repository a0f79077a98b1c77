# SPDX-License-Identifier: Apache-2.0
"""What the database says of itself and of the work that waits in it."""

from openmains.domain.ids import TenantId
from openmains.edges.postgres.db import Pool
from openmains.edges.postgres.queries import load

_QUERIES = load(__package__)


class RunningDatabase:
    """Use a pool of the pipeline's role. Each question raises what the driver raises when the database is away."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def host(self) -> TenantId | None:
        """The tenant that runs the platform; None: there is no tenant yet."""
        found: TenantId | None = await _QUERIES["host_tenant"].fetchval(self._pool)
        return found

    async def waiting_for(self, tenant_id: TenantId) -> dict[str, int]:
        """What a tenant has and what waits for its people, by name of the counter."""
        row = await _QUERIES["waiting_for"].fetchrow(self._pool, tenant_id=tenant_id)
        return dict(row) if row else {}

    async def positions(self) -> dict[int, int]:
        """Shard → last position of the stream that is committed; shards without one are absent."""
        return {row["shard"]: row["position"] for row in await _QUERIES["positions"].fetch(self._pool)}

    async def newest_versions(self, most: int) -> dict[int, int]:
        """Meter → messages applied, of a sample."""
        rows = await _QUERIES["newest_versions"].fetch(self._pool, most=most)
        return {row["meter_id"]: row["version"] for row in rows}

    async def signed_counters(self, most: int) -> dict[int, int]:
        """Meter → the signer's counter in its newest signed command."""
        rows = await _QUERIES["signed_counters"].fetch(self._pool, most=most)
        return {row["meter_id"]: row["counter"] for row in rows}

    async def try_out(self, number: int) -> None:
        """Write a number and read it back; raises ``ValueError`` where another one is read."""
        await _QUERIES["try_out"].execute(self._pool, number=number)
        if (read := await _QUERIES["tried_out"].fetchval(self._pool)) < number:
            raise ValueError(f"{number} was written and {read} read")

    async def version(self) -> str:
        """Of the server, such as ``18.1``."""
        said: str = await _QUERIES["version"].fetchval(self._pool)
        return said.partition(" ")[0]

    async def size(self) -> int:
        """Bytes on disk."""
        held: int = await _QUERIES["database_size"].fetchval(self._pool)
        return held
