# SPDX-License-Identifier: Apache-2.0
"""The copy of the registry's dimensions, ``meter_dim``, and how far it has come. Use: ``app/fleet/sync_dims.py``."""

from collections.abc import Sequence
from typing import Any

from openmains.edges.clickhouse.client import ClickHouse
from openmains.edges.clickhouse.queries import QUERIES

_COLUMNS = ("tenant_id", "meter_id", "area_id", "product_id", "installed_on", "removed_on", "revision")
_NAME = "meter_dim"


class MeterDims:
    """``DimStore`` on ClickHouse."""

    def __init__(self, clickhouse: ClickHouse) -> None:
        self._clickhouse = clickhouse

    async def position(self) -> int | None:
        rows = await self._clickhouse.query(*QUERIES["sync_position"](name=_NAME))
        return int(rows[0][0]) if rows else None

    async def set_position(self, position: int) -> None:
        await self._clickhouse.insert("sync_position", {"name": [_NAME], "position": [position]})

    async def put(self, rows: Sequence[tuple[Any, ...]]) -> None:
        if rows:
            columns = zip(*rows, strict=True)
            await self._clickhouse.insert("meter_dim", dict(zip(_COLUMNS, map(list, columns), strict=True)))
