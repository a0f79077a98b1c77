# SPDX-License-Identifier: Apache-2.0
"""Small batches of several shards, written as one: an insert, and the part it makes, cost as much for one row as for a thousand.

The shards of a process end their waiting at the same instants (``app/ingest/pipeline/worker.py``), so the batches of an idle
evening come together; who comes first waits a moment for the others. A batch that is worth an insert of its own waits for nobody.
"""

import asyncio
from collections.abc import Sequence

from openmains.app.ingest.pipeline.ports import Table
from openmains.edges.clickhouse.client import ClickHouse

GATHER_S = 0.05  # small against the second that a shard waits for messages
ALONE_ROWS = 500  # from so many rows on a batch is written by itself
# What is superseded comes before what supersedes it: after a kill in between the stored version would hide the one that it
# took the place of.
STEPS = (("day_version", "day_cause"), ("meter_day", "day_change", "register", "frame", "signal", "series"))
Tables = dict[str, Table]  # by name


def rows_of(table: Table) -> int:
    """Length of its columns."""
    return len(next(iter(table.values()))) if table else 0


def joined(batches: Sequence[Tables]) -> Tables:
    """One batch with the rows of all, table by table."""
    found: dict[str, dict[str, list[object]]] = {}
    for batch in batches:
        for name, table in batch.items():
            if rows_of(table):
                columns = found.setdefault(name, {column: [] for column in table})
                for column, values in table.items():
                    columns[column].extend(values)
    return {name: dict(table) for name, table in found.items()}


class SharedInserts:
    """For ``writers`` shards of one process."""

    def __init__(self, clickhouse: ClickHouse, writers: int) -> None:
        self._clickhouse = clickhouse
        self._writers = writers
        self._waiting: list[tuple[Tables, asyncio.Future[None]]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def insert(self, tables: Tables) -> None:
        """Returns when these rows are on disk and visible; raises what the engine's client raises for them."""
        if self._writers == 1 or max((rows_of(table) for table in tables.values()), default=0) >= ALONE_ROWS:
            await self._insert(tables)
            return
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        self._waiting.append((tables, done))
        if len(self._waiting) >= self._writers:
            self._flush()
        elif self._timer is None:
            self._timer = loop.call_later(GATHER_S, self._flush)
        await done

    async def _insert(self, tables: Tables) -> None:
        for step in STEPS:
            await self._step({name: tables[name] for name in step if rows_of(tables.get(name, {})) > 0})

    async def _step(self, tables: Tables) -> None:
        inserts = (self._clickhouse.insert(name, table) for name, table in tables.items())
        # All are waited for: one that still went on after the failure of another would be stored behind the back of who asks next.
        for result in await asyncio.gather(*inserts, return_exceptions=True):
            if isinstance(result, BaseException):
                raise result

    def _flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        taken, self._waiting = self._waiting, []
        task = asyncio.get_running_loop().create_task(self._write(taken))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _write(self, taken: list[tuple[Tables, asyncio.Future[None]]]) -> None:
        try:
            await self._insert(joined([tables for tables, _ in taken]))
        except Exception as error:
            if (
                len(taken) > 1
            ):  # each for itself: one shard's rows must not stop another's; the same rows again change nothing
                await asyncio.gather(*(self._write([item]) for item in taken))
                return
            _end(taken[0][1], error)
        else:
            for _, done in taken:
                _end(done, None)


def _end(done: "asyncio.Future[None]", error: Exception | None) -> None:
    if done.done():  # its shard was told to stop
        return
    if error is None:
        done.set_result(None)
    else:
        done.set_exception(error)
