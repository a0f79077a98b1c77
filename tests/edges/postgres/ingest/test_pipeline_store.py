# SPDX-License-Identifier: Apache-2.0
"""What the pipeline loads and commits, over a real PostgreSQL; and the recipe for a state point, followed."""

from collections.abc import AsyncIterator
from importlib import resources

import pytest

from openmains.app.fleet.model import SHOWN_POINTS, LastState
from openmains.app.ingest.pipeline.decoded import STATE_POINTS
from openmains.app.ingest.pipeline.ports import AlarmChange, Effects
from openmains.domain.ids import MeterId
from openmains.drivers.points import parse_vocabulary, vocabulary
from openmains.edges.postgres import fleet
from openmains.edges.postgres.compose import extended
from openmains.edges.postgres.db import Pool
from openmains.edges.postgres.ingest.pipeline_store import PostgresPipelineStore
from openmains.edges.postgres.state_points import SQL_TYPES, load_with_points
from tests.edges.postgres.fleet.registry_files import make_tenant

SHARD = 7_100  # of nobody else
IN_FULL = {"smallint": "smallint", "int": "integer", "bigint": "bigint"}


@pytest.fixture
async def meter_id(owner: Pool, request: pytest.FixtureRequest) -> int:
    """A meter of a tenant of its own, with an empty state."""
    tenant = await make_tenant(owner, f"store-{abs(hash(request.node.name)) % 10**9}")
    found: int = await owner.fetchval(
        "INSERT INTO meter (tenant_id, number, product_id, area_id, installed_on)"
        " SELECT $1, 'n1', product_id, (SELECT area_id FROM area WHERE tenant_id = $1), '2024-01-01'"
        " FROM product WHERE tenant_id = $1 RETURNING meter_id",
        tenant,
    )
    await owner.execute("INSERT INTO meter_state (meter_id, tenant_id) VALUES ($1, $2)", found, tenant)
    return found


async def commit(store: PostgresPipelineStore, effects: Effects, now_us: int = 0) -> list[AlarmChange]:
    position = await store.position(SHARD)
    return list(await store.commit(SHARD, position, position + 1, effects, now_us))


async def test_every_state_point_has_its_column(owner: Pool) -> None:
    rows = await owner.fetch(
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'meter_state'"
    )
    types = dict(rows)
    points = vocabulary().latest
    assert {name: types.get(name) for name in points} == {
        name: IN_FULL[SQL_TYPES[point.bits]] for name, point in points.items()
    }
    # what is no state point of the list is a part of MeterState or of the meter's record
    assert set(types) - set(points) == {
        "meter_id", "tenant_id", "version", "register", "register_at", "close_day", "closes", "frame_seq", "frame_hash",
        "frames_before", "candidate", "candidate_at", "candidate_count", "habit", "grid_at", "grid_register",
        "left_register", "left_at", "left_for", "left_habit", "measured_at", "read_digit", "strange_number", "accepted_number", "runs",
        "last_seen_us", "event_mask", "events_at",
    }  # fmt: skip


def test_the_list_is_what_pipeline_and_api_take() -> None:
    points = vocabulary().latest
    assert tuple(points) == STATE_POINTS
    assert tuple(name for name, point in points.items() if point.shown) == SHOWN_POINTS
    assert LastState.__struct_fields__[-len(SHOWN_POINTS) :] == SHOWN_POINTS


async def test_all_of_a_record_is_kept(pipeline: Pool, meter_id: int) -> None:
    store = PostgresPipelineStore(pipeline)
    record = (await store.load([meter_id]))[meter_id]
    assert record.latest == {}
    record.state.version, record.state.register, record.state.register_at = 3, 100, 200
    record.state.midnight_day, record.state.midnights = 20_000, [90, None, 70]
    record.state.frame_seq, record.state.frame_hash, record.state.candidate = 4, 2**32 - 1, 5
    record.state.candidate_at, record.state.candidate_count, record.state.average_use = 6, 7, 8
    record.state.grid_at, record.state.grid_register = 9, 10
    record.state.left, record.state.left_at, record.state.left_for, record.state.left_use = 14, 15, 16, 17
    record.state.measured_at, record.strange_number, record.accepted_number, record.runs = 18, 19, 20, 21
    record.event_mask, record.device_at, record.last_seen_us, record.frames_before = 11, 12, 13, b"12345678"
    for place, (name, point) in enumerate(vocabulary().latest.items()):
        record.latest[name] = point.bounds[place % 2]
    await commit(store, Effects(meters=[record]))
    assert (await store.load([meter_id]))[meter_id] == record


@pytest.fixture
async def flow_column(owner: Pool) -> AsyncIterator[None]:
    await owner.execute("ALTER TABLE meter_state ADD COLUMN flow int")
    yield
    await owner.execute("ALTER TABLE meter_state DROP COLUMN flow")


@pytest.mark.usefixtures("flow_column")
async def test_a_new_state_point_is_a_column_and_a_line_of_the_list(pipeline: Pool, meter_id: int) -> None:
    text = (resources.files("openmains.drivers") / "points.toml").read_text("utf-8")
    more = parse_vocabulary(text.replace("[latest]\n", "[latest]\nflow = { bits = 32, shown = true }\n"))
    points = tuple(more.latest.values())
    store = PostgresPipelineStore(pipeline, points=points)
    record = (await store.load([meter_id]))[meter_id]
    record.latest |= {"flow": 1234, "battery_pct": 99}
    await commit(store, Effects(meters=[record]))
    assert (await store.load([meter_id]))[meter_id].latest == {"flow": 1234, "battery_pct": 99}
    meters = extended(load_with_points(fleet.__name__, points)["meters"], "AND m.meter_id = :meter_id")
    shown = await meters.fetchrow(pipeline, tenant_id=record.tenant_id, meter_id=meter_id)
    assert shown is not None and (shown["flow"], shown["battery_pct"], shown["valve"]) == (1234, 99, None)
    # who knows the former list reads and writes as before, and leaves the new column alone
    former = PostgresPipelineStore(pipeline)
    known = (await former.load([meter_id]))[meter_id]
    assert known.latest == {"battery_pct": 99}
    await commit(former, Effects(meters=[known]))
    assert (await store.load([meter_id]))[meter_id].latest["flow"] == 1234


async def test_alarms_of_a_batch_are_written_in_their_order(pipeline: Pool, owner: Pool, meter_id: int) -> None:
    store = PostgresPipelineStore(pipeline)
    tenant = (await store.load([meter_id]))[meter_id].tenant_id

    def change(event: str, action: str, at: int) -> AlarmChange:
        return AlarmChange(tenant, meter_id, event, "major", action, at, at * 10)

    first = [change("burst", "raised", 1), change("movement", "cleared", 1), change("burst", "repeated", 2)]
    assert await commit(store, Effects(alarms=first), 50) == first
    await commit(store, Effects(alarms=[
        change("burst", "cleared", 3), change("burst", "cleared", 4), change("burst", "raised", 5),
        change("movement", "raised", 6), change("burst", "repeated", 7), change("movement", "cleared", 8),
        change("movement", "raised", 9),
    ]), 90)  # fmt: skip
    rows = await owner.fetch(
        "SELECT event, raised_at, received_us, shown_us, last_us, occurrences, cleared_us FROM alarm"
        " WHERE meter_id = $1 ORDER BY event, raised_at",
        meter_id,
    )
    assert [tuple(row) for row in rows] == [
        ("burst", 1, 10, 50, 30, 2, 30),
        ("burst", 5, 50, 90, 70, 2, None),
        ("movement", 6, 60, 90, 80, 1, 80),
        ("movement", 9, 90, 90, 90, 1, None),
    ]


async def test_an_alarm_before_the_turn_of_its_message_is_counted_from_that_turn_and_never_after_it(
    pipeline: Pool, meter_id: int, owner: Pool
) -> None:
    store = PostgresPipelineStore(pipeline)
    tenant = await owner.fetchval("SELECT tenant_id FROM meter WHERE meter_id = $1", meter_id)

    def change(event: str, action: str, at: int) -> AlarmChange:
        return AlarmChange(tenant, meter_id, event, "critical", action, at, at * 1_000_000)

    async def early(sequence: int, *raised: AlarmChange) -> list[str]:
        told = await store.raise_early(SHARD, raised, {MeterId(meter_id): sequence}, 8_000_000)
        return [each.event for each in told]

    await commit(store, Effects(), 1)
    position = await store.position(SHARD)
    burst = change("burst", "raised", 7)
    assert await early(position + 1, burst, burst, change("movement", "raised", 7)) == ["burst", "movement"]
    assert await early(position + 1, burst) == []  # told twice by a lossy lane
    # at its turn an earlier message raises it, which the lane had not seen, and its own says so again
    await commit(store, Effects(alarms=[change("burst", "raised", 6), change("burst", "repeated", 7)]), 9_000_000)
    await commit(store, Effects(alarms=[change("burst", "repeated", 9), change("movement", "raised", 7)]), 9_900_000)
    rows = await owner.fetch(
        "SELECT occurrences, shown_us, last_us FROM alarm WHERE meter_id = $1 ORDER BY event", meter_id
    )
    assert [tuple(row) for row in rows] == [(3, 8_000_000, 9_000_000), (1, 8_000_000, 7_000_000)]
    # raised and over while the lane worked its message through: nothing would clear it any more
    await commit(store, Effects(alarms=[change("leak", "raised", 10), change("leak", "cleared", 11)]), 9_950_000)
    assert await early(await store.position(SHARD), change("leak", "raised", 10)) == []
    assert await owner.fetchval("SELECT count(*) FROM alarm WHERE meter_id = $1 AND event = 'leak'", meter_id) == 1
