# SPDX-License-Identifier: Apache-2.0
"""``CellLoads``: the load of radio cells from the signal log."""

from collections.abc import Mapping

from openmains.edges.clickhouse.client import ClickHouse

_BY_MINUTE = """
SELECT cell, intDiv(intDiv(received_us, 1000000) - {midnight:Int64} + 604800, 60) % 1440 AS minute,
       toInt64(ceil(count() / greatest(1, ({right:Int64} - {left:Int64}) / 86400)))
  FROM signal FINAL
 WHERE tenant_id = {tenant:UInt32} AND received_us >= {left:Int64} * 1000000 AND received_us < {right:Int64} * 1000000
   AND cell > 0
 GROUP BY cell, minute
"""
_USUAL = """
SELECT meter_id, toInt64(quantileExact(0.5)(minute)) FROM (
  SELECT meter_id, intDiv(intDiv(received_us, 1000000) - {midnight:Int64} + 604800, 86400) AS day,
         min(intDiv(intDiv(received_us, 1000000) - {midnight:Int64} + 604800, 60) % 1440) AS minute
    FROM signal FINAL
   WHERE tenant_id = {tenant:UInt32} AND received_us >= {left:Int64} * 1000000 AND received_us < {right:Int64} * 1000000
   GROUP BY meter_id, day)
 GROUP BY meter_id
"""


class ClickHouseCellLoads:
    """Stateless; a week of a million meters is read in seconds."""

    def __init__(self, clickhouse: ClickHouse) -> None:
        self._clickhouse = clickhouse

    async def by_minute(
        self, tenant_id: int, from_s: int, to_s: int, midnight_s: int
    ) -> Mapping[int, Mapping[int, int]]:
        found: dict[int, dict[int, int]] = {}
        for cell, minute, count in await self._rows(_BY_MINUTE, tenant_id, from_s, to_s, midnight_s):
            found.setdefault(cell, {})[minute] = count
        return found

    async def usual_minute(self, tenant_id: int, from_s: int, to_s: int, midnight_s: int) -> Mapping[int, int]:
        return {row[0]: row[1] for row in await self._rows(_USUAL, tenant_id, from_s, to_s, midnight_s)}

    async def _rows(self, sql: str, tenant_id: int, from_s: int, to_s: int, midnight_s: int) -> list[tuple[int, ...]]:
        values = {"tenant": tenant_id, "left": from_s, "right": to_s, "midnight": midnight_s}
        return [tuple(row) for row in await self._clickhouse.query(sql, values)]
