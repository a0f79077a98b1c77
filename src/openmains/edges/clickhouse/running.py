# SPDX-License-Identifier: Apache-2.0
"""What ClickHouse says of itself."""

from openmains.edges.clickhouse.client import ClickHouse
from openmains.edges.clickhouse.queries import QUERIES


class RunningClickHouse:
    """Each question raises what the engine's client raises when the engine is away."""

    def __init__(self, clickhouse: ClickHouse) -> None:
        self._clickhouse = clickhouse

    async def version(self) -> str:
        """Such as ``25.8.1``."""
        ((said,),) = await self._clickhouse.query(*QUERIES["version"]())
        return str(said)

    async def held_bytes(self) -> dict[str, int]:
        """Bytes on disk by table."""
        return {table: int(size) for table, size in await self._clickhouse.query(*QUERIES["held_bytes"]())}
