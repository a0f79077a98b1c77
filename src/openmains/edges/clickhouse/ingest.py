# SPDX-License-Identifier: Apache-2.0
"""ClickHouse side of the pipeline: write the rows of a batch, read back days that must be merged."""

from collections.abc import Sequence

from openmains.app.ingest.pipeline.ports import DayTables, StoredDay, Table
from openmains.domain.period import day_to_date
from openmains.domain.readings.model import DayRow
from openmains.edges.clickhouse.client import ClickHouse
from openmains.edges.clickhouse.queries import QUERIES
from openmains.edges.clickhouse.recent_days import RecentDays
from openmains.edges.clickhouse.shared_inserts import SharedInserts

_CHANGED = (
    "tenant_id",
    "meter_id",
    "day",
    "version",
    "product_id",
    "base",
    "total",
    "flags",
    "slots",
    "measured",
    "received_s",
)


class ClickHouseReadingSink:
    """``app.ingest.pipeline.ports.ReadingSink`` of one shard. ``shared``: with the process's other shards."""

    def __init__(self, clickhouse: ClickHouse, shared: SharedInserts | None = None) -> None:
        self._clickhouse = clickhouse
        self._shared = shared or SharedInserts(clickhouse, 1)
        self._recent = RecentDays() if clickhouse.embedded else None

    async def stored_days(self, keys: Sequence[tuple[int, int, int]]) -> dict[tuple[int, int], StoredDay]:
        """Newest rows of (tenant, meter, day) keys."""
        if self._recent is None:
            return await self._ask(keys)
        unknown = self._recent.unknown(keys)
        self._recent.learn(unknown, await self._ask(unknown))
        return self._recent.stored(keys)

    def forget(self) -> None:
        """See the port."""
        if self._recent is not None:
            self._recent.forget()

    async def _ask(self, keys: Sequence[tuple[int, int, int]]) -> dict[tuple[int, int], StoredDay]:
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
        """Insert all; returns when every row is on disk and visible."""
        try:
            await self._shared.insert(
                {
                    "day_version": days.versions,
                    "day_cause": days.causes,
                    "meter_day": days.days,
                    "day_change": _changes(days),
                    "register": registers,
                    "frame": frames,
                    "signal": signals,
                    "series": series,
                }
            )
        except BaseException:  # stored or not: who is stopped here does not know either
            self.forget()
            raise
        if self._recent is not None:
            self._recent.written(days.days)


def _changes(days: DayTables) -> Table:
    """The same days in the order of the changes, narrow (ADR 0022)."""
    if days.begun is None or not days.days:
        return {}
    count = len(days.days["meter_id"])
    shard, seq = days.begun
    return {
        "shard": [shard] * count,
        "seq": [seq] * count,
        "grid": [len(increments) for increments in days.days["increments"]],
        **{name: days.days[name] for name in _CHANGED},
    }
