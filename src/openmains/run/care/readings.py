# SPDX-License-Identifier: Apache-2.0
"""The parts of ClickHouse, watched: a damaged one is set aside, what it held is made anew, and both are said.

Days, registers, signals and series come from the raw frames (``app/ingest/pipeline/rebuild.py``), totals from the days, copies of the registry
from the registry. Frames, earlier versions of days and their causes are the only ones of their kind: they are lost, and said to be.
The damaged part itself is kept in ``var/damaged``: somebody may still read something in it.
"""

import asyncio
import calendar
import contextlib
import logging
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

from openmains.app.ingest.pipeline.rebuild import Span
from openmains.domain.period import DAY_S
from openmains.edges.clickhouse.client import ClickHouse
from openmains.edges.clickhouse.parts import DetachedPart, Parts
from openmains.run.care.faults import FaultFolder
from openmains.run.care.texts import part_copied, part_lost, part_mended, part_mending

log = logging.getLogger("openmains.readings")
LOOK_EVERY_S = 10.0  # for parts that the engine set aside
READ_ALL_EVERY_S = 86_400.0
REST = 3  # times as long as a part took to be read: reading all must not be felt
FROM_FRAMES = frozenset({"meter_day", "register", "signal", "series"})
COPIES = frozenset({"meter_dim", "sync_position", "schema_migration", "about"})
Rebuild = Callable[[Span, frozenset[str]], Awaitable[dict[str, int]]]


class ReadingsCare:
    """For the process that owns ClickHouse. ``rebuild``: see ``rebuild`` of the pipeline."""

    def __init__(self, clickhouse: ClickHouse, var: Path, book: FaultFolder, rebuild: Rebuild) -> None:
        self._clickhouse = clickhouse
        self._parts = Parts(clickhouse)
        self._var = var
        self._book = book
        self._rebuild = rebuild
        self._read_at = float("-inf")
        self._list = var / "definitions" / "clickhouse.parts"
        self._listed = ""
        self._compared = False

    async def run(self, stop: asyncio.Event) -> None:
        """Until ``stop``. The first reading of everything begins at once: while we were stopped anything may have happened."""
        while not stop.is_set():
            try:
                await self.mend()
                now = asyncio.get_running_loop().time()
                if now - self._read_at > READ_ALL_EVERY_S or self._clickhouse.doubted.is_set():
                    self._clickhouse.doubted.clear()
                    self._read_at = now
                    if await self.read_all(stop):
                        await self.mend()
            except Exception as error:  # whatever the engine raises, the next look must come
                log.warning("the parts of the readings: %s: %s", type(error).__name__, error)
            waits = [asyncio.create_task(stop.wait()), asyncio.create_task(self._clickhouse.doubted.wait())]
            await asyncio.wait(waits, timeout=LOOK_EVERY_S, return_when=asyncio.FIRST_COMPLETED)
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    async def read_all(self, stop: asyncio.Event) -> int:
        """Read every part with its checksums and set the damaged ones aside; how many were."""
        found = 0
        loop = asyncio.get_running_loop()
        for table, part in await self._parts.active():
            if stop.is_set():
                break
            began = loop.time()
            try:
                whole = await self._parts.is_whole(table, part)
            except Exception as error:  # merged away meanwhile, or so broken that it cannot be read
                if part not in {name for _, name in await self._parts.active()}:
                    continue
                log.warning("%s of %s: %s", part, table, error)
                whole = False
            if not whole:
                found += 1
                await self._parts.set_aside(table, part)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), REST * (loop.time() - began))
        return found

    async def mend(self) -> int:
        """What was set aside: make its rows anew, move it away, say so; how many parts."""
        detached = [*await self._parts.detached(), *await self._vanished()]
        for part in detached:
            name = f"readings.{part.table}.{part.name}"
            file = f"clickhouse: {part.table}/{part.name}"
            self._book.tell(name, file, part_mending(part.table, part.name), state="mending")
            rows, source = await self._rows_again(part)
            await asyncio.to_thread(self._move_away, part)
            if part.table in COPIES:
                self._book.tell(name, file, part_copied(part.table, part.name), state="mended")
            elif source is None:
                self._book.tell(name, file, part_lost(part.table, part.name), state="lost")
            else:
                self._book.tell(name, file, part_mended(part.table, part.name, rows, *source), state="mended")
        await self._note_parts()
        return len(detached)

    async def _vanished(self) -> list[DetachedPart]:
        """Parts that were in use when last looked at and are gone, in no part that they were merged into: once, after a start."""
        if self._compared or not self._clickhouse.embedded:
            return []
        self._compared = True
        here: dict[tuple[str, str], list[str]] = {}
        for table, name in await self._parts.active():
            here.setdefault((table, name.split("_")[0]), []).append(name)
        detached = {(part.table, part.name) for part in await self._parts.detached()}
        try:
            noted = [line.split() for line in self._list.read_text("ascii").splitlines()]
        except (OSError, ValueError):
            return []
        return [
            DetachedPart(table, name, name.split("_")[0], "gone", "")
            for table, name in (entry for entry in noted if len(entry) == 2)
            if not any(_covers(other, name) for other in here.get((table, name.split("_")[0]), []))
            and not any(where == table and which.endswith(name) for where, which in detached)
        ]

    async def _note_parts(self) -> None:
        """Which parts are in use: one whose folder goes missing would go unseen."""
        text = "".join(f"{table} {name}\n" for table, name in sorted(await self._parts.active()))
        if self._clickhouse.embedded and text != self._listed:
            with contextlib.suppress(OSError):
                self._list.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                draft = self._list.with_name(f".{self._list.name}")
                draft.write_text(text, "ascii")
                draft.replace(self._list)
                self._listed = text

    async def _rows_again(self, part: DetachedPart) -> tuple[int, tuple[str, str] | None]:
        """Rows that are there again and where from; no source: lost."""
        if part.table == "day_total":
            return await self._parts.totals_again(part.partition), ("日数据", "the days")
        if part.table in FROM_FRAMES:
            rows = 0
            for span in spans_of(part.partition):
                rows += (await self._rebuild(span, frozenset({part.table}))).get(part.table, 0)
            return rows, ("原始报文", "the raw frames") if rows else None
        if part.table in COPIES:
            if part.table != "schema_migration":
                await self._parts.copy_again()
            return 0, ("台账", "the registry")
        return 0, None

    def _move_away(self, part: DetachedPart) -> None:
        """Where the engine is embedded its files are ours; a server's stay where they are, and are told once."""
        if not self._clickhouse.embedded or not part.path:
            return
        target = self._var / "damaged" / "clickhouse" / part.table
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
        number, free = 0, target / part.name
        while free.exists():
            number += 1
            free = target / f"{part.name}.{number}"
        shutil.move(part.path, free)


def _covers(part: str, other: str) -> bool:
    """Whether a part holds another's rows: ``<partition>_<first block>_<last block>_<level>[_<mutation>]``."""
    try:
        first, last = (int(word) for word in part.split("_")[1:3])
        low, high = (int(word) for word in other.split("_")[1:3])
    except ValueError:
        return part == other
    return first <= low and high <= last


def spans_of(partition: str) -> list[Span]:
    """A partition's days, month by month; ``partition``: ``202611`` or ``2026``."""
    year, months = int(partition[:4]), [int(partition[4:6])] if len(partition) == 6 else list(range(1, 13))
    found = []
    for month in months:
        first = calendar.timegm((year, month, 1, 0, 0, 0)) // DAY_S
        found.append(Span(first, first + calendar.monthrange(year, month)[1] - 1))
    return found
