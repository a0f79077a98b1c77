# SPDX-License-Identifier: Apache-2.0
"""The copy of the registry's dimensions, ``meter_dim``, and how far it has come. Use: ``app/fleet/sync_dims.py``."""

from collections.abc import Sequence

from openmains.app.fleet.model import Dimension
from openmains.domain.readings.expected import MODES
from openmains.edges.clickhouse.client import ClickHouse
from openmains.edges.clickhouse.queries import QUERIES

_NAME = "meter_dim"
MODE_CODES = {"": 0, **{mode.value: code for code, mode in enumerate(MODES, 1)}}  # as meter_dim holds a mode


class MeterDims:
    """``DimStore`` on ClickHouse."""

    def __init__(self, clickhouse: ClickHouse) -> None:
        self._clickhouse = clickhouse

    async def position(self) -> int | None:
        rows = await self._clickhouse.query(*QUERIES["sync_position"](name=_NAME))
        return int(rows[0][0]) if rows else None

    async def set_position(self, position: int) -> None:
        await self._clickhouse.insert("sync_position", {"name": [_NAME], "position": [position]})

    async def put(self, rows: Sequence[Dimension]) -> None:
        await put_dimensions(self._clickhouse, rows)


async def put_dimensions(clickhouse: ClickHouse, rows: Sequence[Dimension]) -> None:
    """The row with the highest revision counts, so repeats and races are harmless."""
    if not rows:
        return
    await clickhouse.insert(
        "meter_dim",
        {
            "tenant_id": [row.tenant_id for row in rows],
            "meter_id": [row.meter_id for row in rows],
            "area_id": [row.area_id for row in rows],
            "product_id": [row.product_id for row in rows],
            "installed_on": [row.installed_on for row in rows],
            "removed_on": [row.removed_on for row in rows],
            "revision": [row.revision for row in rows],
            "first_day": [row.first_day for row in rows],
            "own_mode": [MODE_CODES[row.own_mode] for row in rows],
            "own_since": [row.own_since for row in rows],
            "own_before": [MODE_CODES[row.own_before] for row in rows],
            "registered_s": [row.registered_s for row in rows],
        },
    )
