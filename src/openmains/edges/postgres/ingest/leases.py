# SPDX-License-Identifier: Apache-2.0
"""Leases of shards in PostgreSQL, by the database's clock. Role openmains_pipeline."""

from collections.abc import Iterable
from datetime import timedelta

from openmains.app.ingest.pipeline.leases import LeaseView
from openmains.edges.postgres.db import Pool
from openmains.edges.postgres.queries import load

_QUERIES = load(__package__, "leases.sql")


class PostgresLeaseStore:
    """``app.ingest.pipeline.leases.LeaseStore``."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def renew(self, holder: str, lease_s: float) -> LeaseView:
        """See the port. One transaction: what is seen is what was renewed."""
        lease = timedelta(seconds=lease_s)
        async with self._pool.acquire() as connection, connection.transaction():
            await _QUERIES["seen"].execute(connection, holder=holder)
            await _QUERIES["renew"].execute(connection, holder=holder, lease=lease)
            processes = await _QUERIES["processes"].fetch(connection, lease=lease)
            leases = await _QUERIES["leases"].fetch(connection, lease=lease)
        return LeaseView(frozenset(row["holder"] for row in processes), {row["shard"]: row["holder"] for row in leases})

    async def take(self, holder: str, shards: Iterable[int], lease_s: float) -> frozenset[int]:
        """See the port."""
        rows = await _QUERIES["take"].fetch(
            self._pool, holder=holder, shards=sorted(shards), lease=timedelta(seconds=lease_s)
        )
        return frozenset(row["shard"] for row in rows)

    async def release(self, holder: str, shards: Iterable[int]) -> None:
        """See the port."""
        await _QUERIES["release"].execute(self._pool, holder=holder, shards=sorted(shards))

    async def leave(self, holder: str) -> None:
        """See the port."""
        async with self._pool.acquire() as connection, connection.transaction():
            await _QUERIES["release_all"].execute(connection, holder=holder)
            await _QUERIES["gone"].execute(connection, holder=holder)
