# SPDX-License-Identifier: Apache-2.0
"""What the database says of itself and of the work that waits in it."""

from openmains.domain.ids import TenantId
from openmains.edges.postgres.db import Pool

# The tenant made first, with the installation, runs the platform; the others are its guests.
_HOST = "SELECT min(tenant_id) FROM tenant"
_OWN = """
SELECT (SELECT count(*) FROM meter WHERE tenant_id = $1 AND removed_on IS NULL) AS "meters",
       (SELECT count(*) FROM alarm WHERE tenant_id = $1 AND cleared_us IS NULL) AS "alarms.open",
       (SELECT count(*) FROM reading_exception WHERE tenant_id = $1 AND status = 'open') AS "exceptions.open",
       (SELECT count(*) FROM dead_letter WHERE tenant_id = $1 AND status = 'open') AS "dead_letters.open",
       (SELECT count(*) FROM job WHERE tenant_id = $1 AND status IN ('queued', 'running')) AS "jobs.waiting"
"""
_POSITIONS = "SELECT shard, position FROM pipeline_position"


class RunningDatabase:
    """Use a pool of the pipeline's role. Each question raises what the driver raises when the database is away."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def host(self) -> TenantId | None:
        """The tenant that runs the platform; None: there is no tenant yet."""
        found: TenantId | None = await self._pool.fetchval(_HOST)
        return found

    async def waiting_for(self, tenant_id: TenantId) -> dict[str, int]:
        """What a tenant has and what waits for its people, by name of the counter."""
        row = await self._pool.fetchrow(_OWN, tenant_id)
        return dict(row) if row else {}

    async def positions(self) -> dict[int, int]:
        """Shard → last position of the stream that is committed; shards without one are absent."""
        return {row["shard"]: row["position"] for row in await self._pool.fetch(_POSITIONS)}

    async def version(self) -> str:
        """Of the server, such as ``18.1``."""
        said: str = await self._pool.fetchval("SHOW server_version")
        return said.partition(" ")[0]

    async def size(self) -> int:
        """Bytes on disk."""
        held: int = await self._pool.fetchval("SELECT pg_database_size(current_database())")
        return held
