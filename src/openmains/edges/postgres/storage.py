# SPDX-License-Identifier: Apache-2.0
"""How the stores grow: one sample an hour, whoever takes it first; kept for 400 days."""

from collections.abc import Mapping

from openmains.app.system.model import StorageSample
from openmains.edges.postgres.db import Pool

_KEEP = """
INSERT INTO storage_sample (at, name, bytes)
SELECT date_trunc('hour', now()), name, bytes FROM unnest($1::text[], $2::bigint[]) AS given (name, bytes)
ON CONFLICT DO NOTHING
"""
_FORGET = "DELETE FROM storage_sample WHERE at < now() - interval '400 days'"
# Every hour of the last two days, midnights (UTC) before that: enough to draw and small.
_HISTORY = """
SELECT at, sum(bytes)::bigint AS bytes FROM storage_sample
 WHERE at > now() - interval '30 days' AND (at > now() - interval '2 days' OR extract(hour FROM at AT TIME ZONE 'UTC') = 0)
 GROUP BY at ORDER BY at
"""


class StorageHistory:
    """Use a pool of the pipeline's role."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def keep(self, storage: Mapping[str, int]) -> None:
        """Note what is held now, by name, unless this hour is noted."""
        await self._pool.execute(_KEEP, list(storage), list(storage.values()))
        await self._pool.execute(_FORGET)

    async def history(self) -> list[StorageSample]:
        """Sums of the last 30 days, oldest first."""
        return [StorageSample(row["at"], row["bytes"]) for row in await self._pool.fetch(_HISTORY)]
