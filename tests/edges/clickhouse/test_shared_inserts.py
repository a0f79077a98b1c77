# SPDX-License-Identifier: Apache-2.0
"""Shards of a process write their small batches together; what is wrong with one of them stays its own."""

import asyncio
import time
from collections.abc import Sequence

import pytest

from openmains.app.ingest.pipeline.ports import Table
from openmains.app.ingest.pipeline.rows import FRAME_COLUMNS, columns_of
from openmains.edges.clickhouse.client import ClickHouse
from openmains.edges.clickhouse.shared_inserts import ALONE_ROWS, SharedInserts, Tables, joined

TENANT = 977_002


def frames(meter: int, count: int, tenant: object = TENANT) -> Table:
    """Rows of the frame log."""
    row = (tenant, meter, time.time_ns() // 1000, 1, "up", "coap", "r", "ok", b"\x01")
    return columns_of(FRAME_COLUMNS, [(*row[:3], number, *row[4:]) for number in range(count)])


class Counting(SharedInserts):
    """Notes the rows of each step."""

    def __init__(self, clickhouse: ClickHouse, writers: int) -> None:
        super().__init__(clickhouse, writers)
        self.steps: list[dict[str, int]] = []

    async def _step(self, tables: Tables) -> None:
        if tables:
            self.steps.append({name: len(next(iter(table.values()))) for name, table in tables.items()})
        await super()._step(tables)


async def stored(clickhouse: ClickHouse, meters: Sequence[int]) -> list[int]:
    """Frames of each meter."""
    found = dict(
        await clickhouse.query(
            "SELECT meter_id, toInt64(count()) FROM frame FINAL WHERE tenant_id = {t:UInt32} GROUP BY meter_id",
            {"t": TENANT},
        )
    )
    return [found.get(meter, 0) for meter in meters]


def test_tables_are_joined_column_by_column() -> None:
    one, two = frames(1, 2), frames(2, 1)
    assert joined([{"frame": one, "signal": {}}, {"frame": two, "register": {"at": []}}]) == {
        "frame": {name: [*one[name], *two[name]] for name in FRAME_COLUMNS}
    }


async def test_small_batches_are_one_insert(clickhouse: ClickHouse) -> None:
    shared = Counting(clickhouse, 3)
    await asyncio.gather(*(shared.insert({"frame": frames(meter, 2), "signal": {}}) for meter in (11, 12, 13)))
    assert shared.steps == [{"frame": 6}] and await stored(clickhouse, [11, 12, 13]) == [2, 2, 2]


async def test_who_comes_alone_waits_only_a_moment(clickhouse: ClickHouse) -> None:
    shared = Counting(clickhouse, 3)
    await shared.insert({"frame": frames(21, 1)})
    assert shared.steps == [{"frame": 1}] and await stored(clickhouse, [21]) == [1]


async def test_a_large_batch_is_written_by_itself(clickhouse: ClickHouse) -> None:
    shared = Counting(clickhouse, 2)
    await asyncio.gather(*(shared.insert({"frame": frames(meter, ALONE_ROWS)}) for meter in (31, 32)))
    assert shared.steps == [{"frame": ALONE_ROWS}] * 2 and await stored(clickhouse, [31, 32]) == [ALONE_ROWS] * 2


async def test_bad_rows_of_one_shard_do_not_stop_another(clickhouse: ClickHouse) -> None:
    shared = SharedInserts(clickhouse, 2)
    good, bad = await asyncio.gather(
        shared.insert({"frame": frames(41, 2)}),
        shared.insert({"frame": frames(42, 2, "no number")}),
        return_exceptions=True,
    )
    assert good is None and isinstance(bad, Exception)
    assert await stored(clickhouse, [41, 42]) == [2, 0]


async def test_a_shard_that_is_stopped_does_not_stop_another(clickhouse: ClickHouse) -> None:
    shared = SharedInserts(clickhouse, 2)
    first = asyncio.create_task(shared.insert({"frame": frames(51, 1)}))
    await asyncio.sleep(0)
    first.cancel()
    await shared.insert({"frame": frames(52, 1)})
    with pytest.raises(asyncio.CancelledError):
        await first
    assert await stored(clickhouse, [52]) == [1]
