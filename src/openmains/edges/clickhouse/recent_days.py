# SPDX-License-Identifier: Apache-2.0
"""The stored rows of days that are reported piece by piece, kept where they were written.

A meter that reports each minute or hour says its day anew each time, and each time the stored row is wanted to merge with. Asking
the engine costs more than all else done with a small batch. What is kept here is what the engine would answer, as long as nobody
but this sink writes days of its shard: so it is used where the engine is embedded and belongs to this process, and whatever else
means to change a day goes through the stream. All is forgotten after a write that failed, which may or may not have been stored,
and when the shard's worker starts anew from the committed position, which another may have moved.
"""

from collections.abc import Iterable, Mapping, Sequence

from openmains.app.ingest.pipeline.ports import StoredDay, Table
from openmains.domain.period import date_to_day
from openmains.domain.readings.model import DayRow

LIMIT = 20_000  # days; about a kilobyte each
Key = tuple[int, int, int]  # (tenant, meter, day)


class RecentDays:
    """Days that were asked for, by (meter, day): the newest row, or that there is none. The one unused longest goes first."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._rows: dict[tuple[int, int], StoredDay | None] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def unknown(self, keys: Iterable[Key]) -> list[Key]:
        """Those the engine must be asked for."""
        return [key for key in keys if key[1:] not in self._rows]

    def learn(self, asked: Sequence[Key], found: Mapping[tuple[int, int], StoredDay]) -> None:
        """Keep the engine's answer; days that it does not have too."""
        for _, meter_id, day in asked:
            self._rows[meter_id, day] = found.get((meter_id, day))

    def stored(self, keys: Iterable[Key]) -> dict[tuple[int, int], StoredDay]:
        """Of keys that are known: rows of the caller's own. What is beyond the limit is forgotten afterwards."""
        found = {}
        for _, meter_id, day in keys:
            kept = self._rows.pop((meter_id, day))
            self._rows[meter_id, day] = kept  # the newest last
            if kept is not None:
                row = kept.row
                copy = DayRow(row.day, row.base, row.interval_s, list(row.increments), list(row.quality), row.flags)
                found[meter_id, day] = StoredDay(kept.version, copy, kept.received_s)
        for key in list(self._rows)[: max(0, len(self._rows) - self._limit)]:
            del self._rows[key]
        return found

    def written(self, days: Table) -> None:
        """Rows of ``meter_day`` that are stored now."""
        if not self._rows or not days:
            return
        names = ("meter_id", "day", "version", "base", "interval_s", "increments", "quality", "flags", "received_s")
        for meter_id, date, version, base, interval_s, increments, quality, flags, received_s in zip(
            *(days[name] for name in names), strict=True
        ):
            key = (meter_id, date_to_day(date))
            if key in self._rows:
                marks = list(quality) or [0] * len(increments)  # none on disk stand for zeros
                row = DayRow(key[1], base, interval_s, list(increments), marks, flags)
                self._rows[key] = StoredDay(version, row, received_s)

    def forget(self) -> None:
        """Everything: the engine is asked again."""
        self._rows.clear()
