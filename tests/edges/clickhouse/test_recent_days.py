# SPDX-License-Identifier: Apache-2.0
"""What the pipeline keeps of the days it wrote is what the engine would say of them."""

import random

import pytest

from openmains.app.ingest.pipeline.ports import DayTables, StoredDay
from openmains.app.ingest.pipeline.rows import DAY_COLUMNS, columns_of
from openmains.domain.period import day_to_date
from openmains.domain.readings.model import DayRow
from openmains.edges.clickhouse.client import ClickHouse
from openmains.edges.clickhouse.ingest import ClickHouseReadingSink
from openmains.edges.clickhouse.recent_days import RecentDays

TENANT, DAY = 977_001, 20_500


def rows(*days: tuple[int, int, int, list[int], list[int]]) -> DayTables:
    """(meter, day, version, increments, quality) as columns of meter_day."""
    made = [
        (TENANT, meter, day_to_date(day), 1, 1, 7, 1800, increments, quality, sum(increments), 0, 48, 48, 5, version)
        for meter, day, version, increments, quality in days
    ]
    return DayTables(columns_of(DAY_COLUMNS, made), {}, {})


async def test_it_answers_as_the_engine_does(clickhouse: ClickHouse) -> None:
    chance = random.Random(7)  # noqa: S311 - reproducible on purpose
    kept, fresh = ClickHouseReadingSink(clickhouse), ClickHouseReadingSink(clickhouse)
    keys = [(TENANT, meter, DAY + day) for meter in range(1, 6) for day in range(3)]
    versions = dict.fromkeys(keys, 0)
    for _ in range(25):
        asked = chance.sample(keys, 4)
        fresh.forget()
        assert await kept.stored_days(asked) == await fresh.stored_days(asked)
        said = []
        for key in chance.sample(keys, 3):
            versions[key] += 1
            marks = [] if chance.random() < 0.5 else [chance.randrange(4) for _ in range(48)]
            said.append((key[1], key[2], versions[key], [chance.randrange(90) for _ in range(48)], marks))
        await kept.write(rows(*said), {}, {}, {}, {})
    fresh.forget()
    assert await kept.stored_days(keys) == await fresh.stored_days(keys)


async def test_another_writer_is_seen_once_the_worker_starts_anew(clickhouse: ClickHouse) -> None:
    ours, other = ClickHouseReadingSink(clickhouse), ClickHouseReadingSink(clickhouse)
    key = (TENANT, 99, DAY)
    await ours.write(rows((99, DAY, 1, [1] * 48, [])), {}, {}, {}, {})
    assert (await ours.stored_days([key]))[99, DAY].version == 1
    await other.write(rows((99, DAY, 2, [2] * 48, [])), {}, {}, {}, {})
    ours.forget()
    assert (await ours.stored_days([key]))[99, DAY].row.increments == [2] * 48


async def test_a_write_that_failed_leaves_nothing_known(clickhouse: ClickHouse) -> None:
    sink = ClickHouseReadingSink(clickhouse)
    key = (TENANT, 98, DAY)
    await sink.write(rows((98, DAY, 1, [1] * 48, [])), {}, {}, {}, {})
    await sink.stored_days([key])
    bad = {"tenant_id": ["no number"], "meter_id": [1]}
    with pytest.raises(ValueError, match="no number"):
        await sink.write(rows((98, DAY, 2, [2] * 48, [])), {}, bad, {}, {})
    assert (await sink.stored_days([key]))[98, DAY].version == 2  # it was stored, and the engine says so


def test_the_rows_are_the_askers_own_and_few() -> None:
    recent = RecentDays(limit=3)
    keys = [(1, meter, DAY) for meter in range(5)]
    found = {(meter, DAY): StoredDay(1, DayRow(DAY, 0, 1800, [1], [0]), 5) for meter in range(5)}
    assert recent.unknown(keys) == keys
    recent.learn(keys, found)
    first = recent.stored(keys)
    assert first == found and len(recent) == 3
    first[4, DAY].row.increments[0] = 9
    assert recent.stored([(1, 4, DAY)])[4, DAY].row.increments == [1]
    assert recent.unknown(keys) == keys[:2]
