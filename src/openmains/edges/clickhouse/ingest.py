# SPDX-License-Identifier: Apache-2.0
"""ClickHouse side of the pipeline: write the rows of a batch, read back days that must be merged."""

import asyncio
from collections.abc import Sequence

from openmains.app.ingest.pipeline.ports import DayTables, StoredDay, Table
from openmains.domain.period import day_to_date
from openmains.domain.readings.model import DayRow
from openmains.edges.clickhouse.client import ClickHouse
from openmains.edges.clickhouse.queries import QUERIES


class ClickHouseReadingSink:
    """``app.ingest.pipeline.ports.ReadingSink``."""

    def __init__(self, clickhouse: ClickHouse) -> None:
        self._clickhouse = clickhouse

    async def stored_days(self, keys: Sequence[tuple[int, int, int]]) -> dict[tuple[int, int], StoredDay]:
        """Newest rows of (tenant, meter, day) keys."""
        if not keys:
            return {}
        days = sorted({key[2] for key in keys})
        rows = await self._clickhouse.query(
            *QUERIES["stored_days"](keys=list(keys), days=[day_to_date(day) for day in days])
        )
        return {
            (meter_id, day): StoredDay(
                version, DayRow(day, base, interval_s, list(increments), list(quality), flags), received_s
            )
            for meter_id, day, version, base, interval_s, increments, quality, flags, received_s in rows
        }

    async def write(self, days: DayTables, registers: Table, frames: Table, signals: Table, series: Table) -> None:
        """Insert all; returns when every row is on disk and visible.

        What is superseded comes before what supersedes it: after a kill in between the stored version would hide the
        one that it took the place of.
        """
        await self._insert(("day_version", days.versions), ("day_cause", days.causes))
        rest = (("register", registers), ("frame", frames), ("signal", signals), ("series", series))
        await self._insert(("meter_day", days.days), *rest)

    async def _insert(self, *tables: tuple[str, Table]) -> None:
        await asyncio.gather(
            *(
                self._clickhouse.insert(name, table)
                for name, table in tables
                if table and len(next(iter(table.values()))) > 0
            )
        )
