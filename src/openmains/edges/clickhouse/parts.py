# SPDX-License-Identifier: Apache-2.0
"""The engine's parts: which are whole, which were set aside, what takes their place. A part is a folder of files with checksums.

When it is loaded a part whose files are missing or of another length is set aside (``detached``), silently as far as queries go. A
changed bit is found when the part is read, by a query, a merge or ``CHECK TABLE``.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from clickhouse_connect.driver.exceptions import ClickHouseError

from openmains.app.ingest.pipeline.rebuild import AppliedFrame
from openmains.app.readings.bulk.insert.message import INSERT_CHANNEL
from openmains.app.readings.edits import EDIT_CHANNEL
from openmains.app.readings.manual.message import MANUAL_CHANNEL
from openmains.domain.ids import MeterId
from openmains.edges.clickhouse.client import ClickHouse
from openmains.edges.clickhouse.queries import QUERIES

ABOUT = "about"
TRIAL = "trial"


@dataclass(frozen=True, slots=True)
class DetachedPart:
    """A part that is not among the rows any more. ``partition``: such as ``202611``; ``path``: its folder."""

    table: str
    name: str
    partition: str
    reason: str
    path: str


class Parts:
    """Over the embedded engine or a server; what takes files away works where they are ours."""

    def __init__(self, clickhouse: ClickHouse) -> None:
        self._clickhouse = clickhouse

    async def detached(self) -> list[DetachedPart]:
        """Those that were set aside."""
        return [DetachedPart(*row) for row in await self._clickhouse.query(*QUERIES["detached_parts"]())]

    async def active(self) -> list[tuple[str, str]]:
        """(table, part) of what is in use, the newest first."""
        return [(table, name) for table, name in await self._clickhouse.query(*QUERIES["active_parts"]())]

    async def is_whole(self, table: str, part: str) -> bool:
        """Read all of a part and compare its checksums; one that was merged into another meanwhile is whole."""
        rows = await self._clickhouse.query(
            f"CHECK TABLE {table} PART '{part}' SETTINGS check_query_single_value_result = 1"
        )
        return all(str(value).strip() != "0" for row in rows for value in row)

    async def set_aside(self, table: str, part: str) -> None:
        """Take it from the rows; it is found among ``detached`` then."""
        await self._clickhouse.command(f"ALTER TABLE {table} DETACH PART '{part}'")

    async def keep_whole(self, tables: Sequence[str]) -> None:
        """Of small tables: set aside what is damaged, so that the rest can be read."""
        for table, part in await self.active():
            if table in tables and not await self._is_sound(table, part):
                await self.set_aside(table, part)

    async def _is_sound(self, table: str, part: str) -> bool:
        try:
            return await self.is_whole(table, part)
        except ClickHouseError:  # so broken that it cannot be compared
            return False

    async def totals_again(self, partition: str) -> int:
        """The narrow copy of a month's days written anew from the days; how many."""
        sql, values = QUERIES["totals_again"](month=int(partition))
        await self._clickhouse.command(f"INSERT INTO day_total {sql}", values)
        ((count,),) = await self._clickhouse.query(*QUERIES["days_of_month"](month=int(partition)))
        return int(count)

    async def copy_again(self) -> None:
        """What follows the registry is copied anew from its beginning."""
        await self._clickhouse.command("TRUNCATE TABLE sync_position")

    async def versions(self, meter_ids: Sequence[int]) -> dict[int, int]:
        """Meter → number of its newest applied message in the frame log."""
        rows = await self._clickhouse.query(*QUERIES["framed_versions"](meters=list(meter_ids)))
        return {int(meter): int(version) for meter, version in rows}

    async def months(self) -> dict[str, tuple[int, int]]:
        """Month → (days of meters, of their narrow copy)."""
        days = {month: int(count) for month, count in await self._clickhouse.query(*QUERIES["days_by_month"]())}
        totals = {month: int(count) for month, count in await self._clickhouse.query(*QUERIES["totals_by_month"]())}
        return {month: (days.get(month, 0), totals.get(month, 0)) for month in sorted({*days, *totals})}

    async def about(self, name: str) -> str:
        """What is kept of this store itself; empty: nothing."""
        rows = await self._clickhouse.query(*QUERIES["about"](name=name))
        return str(rows[0][0]) if rows else ""

    async def note_about(self, name: str, value: str) -> None:
        """Keep it."""
        await self._clickhouse.insert(ABOUT, {"name": [name], "value": [value]})

    async def try_out(self, number: int) -> None:
        """Write a number and read it back; raises ``ValueError`` where another one is read."""
        await self.note_about(TRIAL, str(number))
        if (read := await self.about(TRIAL)) != str(number):
            raise ValueError(f"{number} was written and {read or 'nothing'} read")


PERSONS = [EDIT_CHANNEL, MANUAL_CHANNEL, INSERT_CHANNEL]  # of a day long ago they may speak today


class ClickHouseAppliedFrames:
    """``AppliedFrames`` (app/ingest/pipeline/rebuild.py) over the table of frames."""

    def __init__(self, clickhouse: ClickHouse) -> None:
        self._clickhouse = clickhouse

    async def meters(self, left_us: int, right_us: int, after: MeterId, limit: int) -> list[MeterId]:
        rows = await self._clickhouse.query(
            *QUERIES["framed_meters"](left=left_us, right=right_us, after=after, most=limit, persons=PERSONS)
        )
        return [MeterId(row[0]) for row in rows]

    async def applied(self, meter_ids: Sequence[MeterId], left_us: int, right_us: int) -> list[AppliedFrame]:
        rows = await self._clickhouse.query(
            *QUERIES["frames_of_span"](meters=list(meter_ids), left=left_us, right=right_us, persons=PERSONS)
        )
        return [
            AppliedFrame(tenant, meter, received, version, channel, path, bytes.fromhex(payload))
            for tenant, meter, received, version, channel, path, payload in rows
        ]
