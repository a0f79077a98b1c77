# SPDX-License-Identifier: Apache-2.0
"""How the stores grow: one sample an hour, whoever takes it first; kept for 400 days."""

from collections.abc import Mapping

from openmains.app.system.model import StorageSample
from openmains.edges.postgres.db import Pool
from openmains.edges.postgres.queries import load

_QUERIES = load(__package__)


class StorageHistory:
    """Use a pool of the pipeline's role."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def keep(self, storage: Mapping[str, int]) -> None:
        """Note what is held now, by name, unless this hour is noted."""
        await _QUERIES["keep_sample"].execute(self._pool, names=list(storage), bytes=list(storage.values()))
        await _QUERIES["forget_samples"].execute(self._pool)

    async def history(self) -> list[StorageSample]:
        """Sums of the last 30 days, oldest first."""
        return [StorageSample(row["at"], row["bytes"]) for row in await _QUERIES["storage_history"].fetch(self._pool)]
