# SPDX-License-Identifier: Apache-2.0
"""Queries that must not read a whole table: 20,000 commands of which a few matter, and the index that each plan names."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from openmains.edges.postgres.command.flow import GRACE_S
from openmains.edges.postgres.compose import extended, in_order
from openmains.edges.postgres.db import API_ROLE, PIPELINE_ROLE, connect
from openmains.edges.postgres.queries import Query, load
from openmains.run.engines.engines import Engines
from tests.support.command_town import Town, make_town
from tests.support.plans import read_plan

COMMANDS, METERS = 20_000, 2_000
NOW = 1_760_000_000
PACKAGE = "openmains.edges.postgres.command"
FLOW, TENANT = load(PACKAGE), load(PACKAGE, "tenant.sql")
BIG = ("command", "command_waiting", "command_event", "meter_shadow")

# Every tenth waits; of a hundred one is a draft, one goes through a gateway, one is a log that was pulled in the last minute.
FILL = """
INSERT INTO command (tenant_id, meter_id, kind, lane, priority, slot, channel, unique_key, content, not_after, created_us,
                     state, serial, ended_us)
SELECT $1, $2 + n % $3, CASE WHEN n % 100 = 1 THEN 'log_pull' ELSE 'read_now' END, 3, 2,
       CASE WHEN n % 100 = 3 THEN 'x' ELSE '' END, 'direct', 'plan' || n, '', $4 + n, $4::bigint * 1000000,
       CASE WHEN n % 100 = 3 THEN 'drafted' WHEN n % 10 = 0 THEN 'sent' ELSE 'confirmed' END,
       CASE WHEN n % 100 = 3 THEN NULL ELSE n END,
       CASE WHEN n % 100 = 3 OR n % 10 = 0 THEN NULL ELSE ($4::bigint + n) * 1000000 END
  FROM generate_series(1, $5::int) n
"""
WAIT = """
INSERT INTO command_waiting (command_id, tenant_id, meter_id, serial, attempts, lane, priority, due_at, not_after, kind, state, channel)
SELECT command_id, tenant_id, meter_id, serial, (serial % 20 = 0)::int, 3, 2, $2 + serial, $2 + serial, kind, 'sent',
       CASE WHEN serial % 100 = 0 THEN 'gateway' ELSE 'direct' END
  FROM command WHERE tenant_id = $1 AND state = 'sent'
"""
HISTORY = """
INSERT INTO command_event (tenant_id, command_id, at_us, event, state)
SELECT tenant_id, command_id, 1, e, state FROM command, unnest('{draft,approve,queue,log}'::text[]) e WHERE tenant_id = $1
"""


class House:
    """A utility with many commands, and connections of both roles to it."""

    def __init__(
        self, town: Town, flow: "asyncpg.Connection[Any]", api: "asyncpg.Connection[Any]", few: list[int]
    ) -> None:
        self.town, self.flow, self.api, self.few = town, flow, api, few

    async def plan(self, query: Query, **values: Any) -> tuple[set[str], set[str]]:
        """Indexes that the engine uses, and tables that it reads as a whole."""
        on = self.api if query in TENANT.values() else self.flow
        found = await on.fetchval(f"EXPLAIN (FORMAT json) {query.sql}", *query.arguments(values))
        return read_plan(found[0]["Plan"])


@pytest.fixture(scope="module")
async def house(engines: Engines) -> AsyncIterator[House]:
    owner = await connect(engines.urls.postgres_owner)
    town = await make_town(owner)
    meters = await town.add(METERS)
    first = min(meters)
    assert sorted(meters) == list(range(first, first + METERS))
    await owner.execute(FILL, town.tenant_id, first, METERS, NOW, COMMANDS)
    neighbour = await make_town(owner)  # whose commands are newer
    (theirs,) = await neighbour.add(1)
    await owner.execute(FILL, neighbour.tenant_id, theirs, 1, NOW, COMMANDS)
    await owner.execute(WAIT, town.tenant_id, NOW)
    await owner.execute(HISTORY, town.tenant_id)
    await owner.execute(
        "INSERT INTO meter_shadow (meter_id, tenant_id) SELECT m, $2 FROM unnest($1::bigint[]) m",
        meters,
        town.tenant_id,
    )
    for table in (*BIG, "meter", "meter_state", "product", "command_setting"):
        await owner.execute(f"ANALYZE {table}")
    flow = await connect(engines.urls.postgres_pipeline, role=PIPELINE_ROLE)
    api = await connect(engines.urls.postgres_api, role=API_ROLE)
    await api.execute("SELECT set_config('openmains.tenant', $1, false)", str(town.tenant_id))
    few = [
        row["command_id"]
        for row in await owner.fetch("SELECT command_id FROM command WHERE tenant_id = $1 LIMIT 20", town.tenant_id)
    ]
    yield House(town, flow, api, few)
    await owner.execute("DELETE FROM command WHERE tenant_id IN ($1, $2)", town.tenant_id, neighbour.tenant_id)
    for connection in (flow, api, owner):
        await connection.close()


PKEY = "command_pkey|command_newest"  # (command) or (tenant, command): as good as each other
OF_METER = "command_of_meter|command_meter_id_serial_key"


async def _expect(house: House, query: Query, indexes: set[str], **values: Any) -> None:
    """``indexes``: each is used, or of 'one|other' either."""
    used, whole = await house.plan(query, **values)
    assert all(used & set(names.split("|")) for names in indexes), (query.name, used)
    assert not whole & set(BIG), (query.name, whole)


async def test_what_is_asked_for_each_batch_of_uplinks(house: House) -> None:
    some = house.town.meters[:50]
    await _expect(house, FLOW["waiting"], {"command_waiting_meter"}, meter_ids=some)
    await _expect(house, FLOW["lock_answered"], {"command_meter_id_serial_key"}, meter_ids=some, serials=some)
    await _expect(house, FLOW["lock"], {"command_pkey"}, command_ids=house.few)
    await _expect(house, FLOW["open"], {"command_pkey"}, command_ids=house.few)


async def test_what_is_written_with_each_batch(house: House) -> None:
    ids, nothing = house.few[:5], [None] * 5
    await _expect(
        house, FLOW["move"], {"command_pkey"}, command_ids=ids, states=["sent"] * 5, sends=[1] * 5, frames=nothing,
        counters=nothing, results=nothing, answers=nothing, reasons=[""] * 5, sent_us=nothing, delivered_us=nothing,
        ended_us=nothing,
    )  # fmt: skip
    await _expect(
        house, FLOW["move_waiting"], {"command_waiting_pkey"}, command_ids=ids, states=["sent"] * 5, sends=[1] * 5,
        due_at=nothing,
    )  # fmt: skip
    await _expect(
        house, FLOW["report"], {"meter_pkey"}, meter_ids=house.town.meters[:5], said=["{}"] * 5, at_us=[1] * 5
    )


async def test_what_time_asks(house: House) -> None:
    await _expect(house, FLOW["due"], {"command_waiting_due"}, now=NOW + 500, most=1000)
    await _expect(house, FLOW["drafts"], {"command_intake"}, most=100, after=0, quarantined=True)
    await _expect(
        house, FLOW["timed"], {"command_waiting_end", "command_waiting_tried"}, now=NOW + 500, grace_s=GRACE_S, most=100
    )
    await _expect(house, FLOW["unsent_settings"], {OF_METER}, meter_ids=house.town.meters[:20])
    await _expect(
        house, FLOW["incomplete_logs"], {"command_log_ended", "command_event_pkey"}, since_us=(NOW + 19_900) * 1_000_000,
        until_us=(NOW + COMMANDS) * 1_000_000, most=10,
    )  # fmt: skip


async def test_what_people_ask(house: House) -> None:
    every: dict[str, Any] = {"meter_id": None, "state": None, "kind": None, "batch_id": None, "most": 50}
    tenant_id = house.town.tenant_id
    for is_down in (True, False):
        order = in_order("c.command_id", is_down=is_down, is_further=False)
        await _expect(house, extended(TENANT["page"], *order), {"command_newest"}, tenant_id=tenant_id, **every)
        await _expect(house, extended(TENANT["page_open"], *order), {"command_open"}, tenant_id=tenant_id, **every)
    await _expect(house, TENANT["get"], {PKEY}, tenant_id=tenant_id, command_id=house.few[0])
    await _expect(house, TENANT["history"], {"command_event_pkey"}, tenant_id=tenant_id, command_id=house.few[0])
    await _expect(house, TENANT["cancel"], {PKEY}, tenant_id=tenant_id, command_id=house.few[0], reason="", now_us=1)
    await _expect(
        house, TENANT["by_key"], {"command_tenant_id_unique_key_key"}, tenant_id=tenant_id, unique_key="plan7"
    )
