# SPDX-License-Identifier: Apache-2.0
"""ClickHouse's parts set aside for a backup, in the process that owns them."""

import asyncio
from pathlib import Path

from openmains.edges.clickhouse import frozen
from openmains.edges.clickhouse.client import ClickHouse
from openmains.edges.nats.backup_moment import FrozenTable


class EmbeddedFreezer:
    """``edges.nats.backup_moment.Freezer``; ``folder``: the engine's data."""

    def __init__(self, clickhouse: ClickHouse, folder: Path) -> None:
        self._clickhouse, self._folder = clickhouse, folder

    async def freeze(self, name: str) -> list[FrozenTable]:
        return [FrozenTable(*found) for found in await frozen.freeze(self._clickhouse, name)]

    async def unfreeze(self, name: str) -> None:
        await asyncio.to_thread(frozen.unfreeze, self._folder, name)
