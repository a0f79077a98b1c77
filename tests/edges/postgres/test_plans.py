# SPDX-License-Identifier: Apache-2.0
"""Queries that must not read a whole table: a utility of 20,000 meters, and the index that each plan names.

Two plans are asked of each: with the values given, and the one the engine keeps for a statement that is asked again.
"""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from openmains.edges.postgres.alarm.tables import RANK, STATES
from openmains.edges.postgres.compose import extended, in_order
from openmains.edges.postgres.db import connect
from openmains.edges.postgres.fleet.imports import CHOSEN, FOLLOWING
from openmains.edges.postgres.fleet.meters import GATHERED, OF_TENANT, SHOWN, TAGGED, WALKED, WALKED_TAGGED
from openmains.edges.postgres.queries import Query, load
from openmains.edges.postgres.state_points import load_with_points, state_points
from openmains.run.engines.engines import Engines
from tests.edges.postgres.fleet.registry_files import make_tenant
from tests.support.plans import read_plan

METERS = 20_000
CONTEXTS = "openmains.edges.postgres."
INGEST = load_with_points(CONTEXTS + "ingest", state_points())
FLEET = load_with_points(CONTEXTS + "fleet", SHOWN)
ALARM, READINGS, SECURITY, LEDGER, BILLING = (
    load(CONTEXTS + name) for name in ("alarm", "readings", "security", "ledger", "billing")
)
TAGS = load(CONTEXTS + "fleet", "tags.sql")
NETWORK, NETWORK_EDGE = load(CONTEXTS + "network"), load(CONTEXTS + "network", "edge.sql")
NODES = load(CONTEXTS + "alarm", "nodes.sql")
OPERATORS = load(CONTEXTS + "fleet", "operator_work.sql")
CLOCK, DIAGNOSIS = load(CONTEXTS + "rule", "clock.sql"), load(CONTEXTS + "home", "diagnosis.sql")
BIG = {
    "rule_watch",
    "meter",
    "meter_state",
    "meter_search",
    "alarm",
    "reading_exception",
    "terminal",
    "terminal_finding",
    "device_key",
    "ledger_entry",
}

FILL = """
WITH made AS (
  INSERT INTO meter (tenant_id, number, imei, product_id, area_id, installed_on)
  SELECT $1, 'plan' || n, $2::bigint + n, product_id, (SELECT area_id FROM area WHERE tenant_id = $1 LIMIT 1), '2024-01-01'
    FROM product, generate_series(1, $3::int) n WHERE tenant_id = $1
  RETURNING meter_id, imei),
 state AS (INSERT INTO meter_state (meter_id, tenant_id) SELECT meter_id, $1 FROM made),
 text AS (INSERT INTO meter_search (meter_id, tenant_id, text, grams) SELECT meter_id, $1, 'x', '{1}' FROM made),
 alarms AS (
  INSERT INTO alarm (tenant_id, meter_id, event, severity, raised_at, received_us, shown_us, last_us, cleared_us)
  SELECT $1, meter_id, event, 'major', 1, 1, 1, 1, CASE WHEN meter_id % 10 = 0 THEN NULL ELSE 1 END
    FROM made, unnest('{burst,movement}'::text[]) event),
 exceptions AS (
  INSERT INTO reading_exception (tenant_id, meter_id, version, rule, at, day, value, status)
  SELECT $1, meter_id, 1, 1, 1, 1, 1, CASE WHEN meter_id % 10 = 0 THEN 'open' ELSE 'accepted' END FROM made),
 changes AS (INSERT INTO identity_change (tenant_id, meter_id) SELECT $1, meter_id FROM made),
 keys AS (
  INSERT INTO device_key (imei, tenant_id, key_id, nonce, sealed)
  SELECT imei, $1, 1, decode(repeat('00', 12), 'hex'), decode(repeat('00', 32), 'hex') FROM made),
 terminals AS (
  INSERT INTO terminal (imei, tenant_id, meter_id, state)
  SELECT imei, $1, meter_id, CASE WHEN meter_id % 100 = 0 THEN 'observe' ELSE 'allowed' END FROM made)
INSERT INTO terminal_finding (tenant_id, meter_id, imei, kind, at_us, count, address, detail, score, state)
SELECT $1, meter_id, imei, 'cloned', 1, 1, '', '', 1, 'observe' FROM made
"""
OF_TENANTS = """
SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
 WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND c.relname <> 'tenant'
"""


class House:
    """A utility, some of its meters, and a connection of the owner."""

    def __init__(self, owner: "asyncpg.Connection[Any]", tenant_id: int, meters: list[int], imeis: list[int]) -> None:
        self.owner, self.tenant_id, self.meters, self.imeis = owner, tenant_id, meters, imeis

    async def expect(
        self, query: Query, indexes: str, *, repeated: bool = True, big: frozenset[str] = frozenset(BIG), **values: Any
    ) -> None:
        """Each index is used ('a|b': one of them), and no large table read as a whole; so also by the kept plan."""
        arguments = query.arguments(values)
        for mode in ("force_custom_plan", "force_generic_plan") if repeated else ("force_custom_plan",):
            async with self.owner.transaction():
                await self.owner.execute(f"SET LOCAL plan_cache_mode = {mode}")
                explained = await self.owner.fetchval(f"EXPLAIN (FORMAT json) {query.sql}", *arguments)
            used, whole = read_plan(explained[0]["Plan"])
            for names in indexes.split():
                assert used & set(names.split("|")), (query.name, mode, names, used, whole)
            assert not whole & big, (query.name, mode, whole)


@pytest.fixture(scope="module")
async def house(engines: Engines) -> AsyncIterator[House]:
    owner = await connect(engines.urls.postgres_owner)
    tenant, neighbour = [int(await make_tenant(owner, f"plans-{name}")) for name in ("ours", "theirs")]
    for place, one in enumerate((tenant, neighbour), 1):  # the neighbour's rows are newer
        await owner.execute("INSERT INTO tenant_key VALUES ($1, 1, 'm', '', '')", one)
        await owner.execute(FILL, one, 47_000_000_000_000_0 + place * 10**6, METERS)
    for table in sorted(BIG | {"product", "area", "customer"}):
        await owner.execute(f"ANALYZE {table}")
    rows = await owner.fetch("SELECT meter_id, imei FROM meter WHERE tenant_id = $1 LIMIT 20", tenant)
    yield House(owner, tenant, [row["meter_id"] for row in rows], [row["imei"] for row in rows])
    async with owner.transaction():  # without looking for what refers to each of 40,000 meters: all that is theirs goes
        await owner.execute("SET LOCAL session_replication_role = replica")
        for table in await owner.fetch(OF_TENANTS):
            await owner.execute(f'DELETE FROM "{table[0]}" WHERE tenant_id = ANY ($1)', [tenant, neighbour])  # noqa: S608
    await owner.close()


async def test_what_the_pipeline_asks_for_each_batch(house: House) -> None:
    some, count = house.meters, len(house.meters)
    await house.expect(INGEST["load_meters"], "meter_state_pkey meter_pkey", meter_ids=some)
    update = INGEST["update_meters"]
    values: dict[str, Any] = {name: [None] * count for name in update.params} | {"meter_id": some}
    await house.expect(update, "meter_state_pkey", **values)
    await house.expect(
        INGEST["clear_alarms"], "alarm_open", meter_id=some, event=["burst"] * count, quantity=[""] * count, at_us=[1] * count
    )  # fmt: skip
    await house.expect(SECURITY["registered_meters"], "meter_pkey", meter_ids=some)
    await house.expect(SECURITY["lock_terminals"], "terminal_pkey", imeis=house.imeis, tenant_ids=[1] * count)


async def test_what_an_edge_follows(house: House) -> None:
    between = {"since": "1", "before": "2"}
    await house.expect(FLEET["changed_identities"], "identity_change_xid meter_pkey", **between)
    await house.expect(FLEET["count_changed_identities"], "identity_change_xid", **between)
    await house.expect(SECURITY["changed_terminals"], "terminal_change_xid identity_change_xid", **between)
    await house.expect(SECURITY["terminals_not_allowed"], "terminal_not_allowed|terminal_held_back|terminal_pkey")
    await house.expect(SECURITY["find_keys"], "device_key_pkey meter_imei_key", imeis=house.imeis)


async def test_what_an_edge_asks_for_operators_platforms(house: House) -> None:
    platform = await house.owner.fetchval(
        "INSERT INTO operator_platform (tenant_id, kind, name, settings, creates, changed_us, changed_by)"
        " VALUES ($1, 'ctwing', 'plan', '{}', true, 1, 1) RETURNING platform_id",
        house.tenant_id,
    )
    await house.owner.execute(
        "INSERT INTO operator_push (tenant_id, platform_id, mark, received_us, kind, imei, done_us)"
        " SELECT $1, $2, decode(lpad(to_hex(n), 32, '0'), 'hex'), 1, 'up', n, CASE WHEN n % 100 = 0 THEN NULL ELSE 1 END"
        "   FROM generate_series(1, 5000) n",
        house.tenant_id, platform,
    )  # fmt: skip
    await house.owner.execute("ANALYZE operator_push")
    await house.expect(OPERATORS["waiting_pushes"], "meter_imei_key operator_push_waiting", under_way=[1], most=500)
    await house.owner.execute("DELETE FROM operator_platform WHERE platform_id = $1", platform)
    await house.expect(OPERATORS["device_addresses"], "meter_pkey|meter_imei_key", meter_ids=house.meters)
    asked = {"platform_ids": [1], "after": house.meters[0], "now_us": 1, "most": 20}
    await house.expect(OPERATORS["missing_devices"], "meter_pkey", **asked)
    await house.expect(OPERATORS["walked_to"], "meter_pkey", after=house.meters[0])


async def test_the_network_of_ten_thousand_nodes(house: House) -> None:
    """A neighbour's network is as large: what is ours is found by an index, and a node, its days and the log by theirs."""
    heads = {}
    for tenant in (
        house.tenant_id,
        await house.owner.fetchval("SELECT max(tenant_id) FROM meter WHERE number LIKE 'plan%'"),
    ):
        heads[tenant] = await house.owner.fetchval(
            "INSERT INTO concentrator (tenant_id, number, poll_s) VALUES ($1::int, lpad($1::int::text, 16, '8'), 60) RETURNING concentrator_id",
            tenant,
        )
        await house.owner.execute(
            "WITH made AS (SELECT meter_id, number FROM meter WHERE tenant_id = $1 AND number LIKE 'plan%' LIMIT 10000),"
            " behind AS (INSERT INTO concentrator_meter (meter_id, concentrator_id, tenant_id) SELECT meter_id, $2, $1 FROM made),"
            " nodes AS (INSERT INTO network_node (concentrator_id, relay, meter, tenant_id, meter_id, is_failed, joined_us, reported_us)"
            "   SELECT $2, 0, number, $1, meter_id, false, 1, 1 FROM made),"
            " days AS (INSERT INTO network_day (concentrator_id, relay, meter, day, tenant_id) SELECT $2, 0, number, day, $1"
            "   FROM made, generate_series(1, 5) day)"
            " INSERT INTO network_event (concentrator_id, tenant_id, store, item, at_us, received_us, event, relay, meter, detail)"
            " SELECT $2, $1, 's', row_number() OVER (), 1, 1, 'joined', 0, number, '' FROM made",
            tenant, heads[tenant],
        )  # fmt: skip
    large = frozenset(
        {*BIG, "network_node", "network_day", "network_event", "concentrator_meter"} - {"meter", "meter_state"}
    )
    for table in ("concentrator", "concentrator_meter", "network_node", "network_day", "network_event"):
        await house.owner.execute(f"ANALYZE {table}")
    mine: dict[str, Any] = {"tenant_id": house.tenant_id}
    one = mine | {"concentrator_id": heads[house.tenant_id], "relay": 0, "meter": "plan7"}
    await house.expect(
        NETWORK["node"],
        "network_node_pkey meter_tenant_id_number_key",
        **one,
        wire="plan7",
        big=large | BIG,
    )
    await house.expect(NETWORK["days"], "network_day_pkey", **one, since_day=1, big=large)
    asked = mine | {
        "before": None,
        "concentrator_id": None,
        "relay": None,
        "meter": None,
        "faults": False,
        "fault_events": [],
        "most": 50,
    }
    await house.expect(NETWORK["events"], "network_event_newest|network_event_pkey", **asked, big=large)
    values: dict[str, Any] = {name: [None] for name in NETWORK_EDGE["put_nodes"].params}
    values |= {"numbers": [f"{house.tenant_id:8>16}"], "relays": [0], "meters": ["plan7"]}
    await house.expect(NETWORK_EDGE["put_nodes"], "network_node_pkey", **values, big=large)
    explained = await house.owner.fetchval(
        f"EXPLAIN (ANALYZE, FORMAT json) {NETWORK['meters'].sql}",
        *NETWORK["meters"].arguments(mine | {"silent_us": 1, "placed": True, "most": 20_000}),
    )
    indexes, _ = read_plan(explained[0]["Plan"])
    assert explained[0]["Plan"]["Actual Rows"] == 10_000
    nested = [
        node
        for node in _nodes(explained[0]["Plan"])
        if node.get("Actual Loops", 1) > 1 and node["Node Type"] == "Seq Scan"
    ]
    assert not nested, indexes  # nothing is read as a whole for each meter
    await house.owner.execute("DELETE FROM concentrator WHERE concentrator_id = ANY ($1)", list(heads.values()))


def _nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(each for part in plan.get("Plans", ()) for each in _nodes(part))]


async def test_the_list_of_meters(house: House) -> None:
    mine: dict[str, Any] = {"tenant_id": house.tenant_id, "most": 50}
    meters, end = FLEET["listed_meters"], "ORDER BY m.number ASC LIMIT :most"
    await house.expect(extended(meters, end), "meter_tenant_id_number_key", **mine)
    area = await house.owner.fetchval("SELECT min(area_id) FROM area WHERE tenant_id = $1", house.tenant_id)
    await house.expect(
        extended(meters, WALKED, end), "meter_tenant_id_number_key", **mine, area_id=area
    )  # of a large branch
    await house.expect(extended(meters, GATHERED, end), "meter_area", **mine, area_id=area)  # of a small one
    tag = await house.owner.fetchval(
        "INSERT INTO tag (tenant_id, name, colour) VALUES ($1, 'plan', 'red') RETURNING tag_id", house.tenant_id
    )
    await house.owner.execute(
        "INSERT INTO meter_tag (tag_id, meter_id, tenant_id) SELECT $1, unnest($2::bigint[]), $3",
        tag, house.meters, house.tenant_id,
    )  # fmt: skip
    await house.expect(extended(meters, TAGGED, end), "meter_pkey", **mine, tag_id=tag)
    await house.expect(extended(meters, WALKED_TAGGED, end), "meter_tenant_id_number_key", **mine, tag_id=tag)
    await house.owner.execute("DELETE FROM tag WHERE tag_id = $1", tag)
    some = {"tenant_id": house.tenant_id, "tag_id": tag, "meter_ids": house.meters}
    await house.expect(TAGS["put_tag"], "meter_pkey", **some)
    await house.expect(FLEET["numbers_of"], "meter_pkey", tenant_id=house.tenant_id, meter_ids=house.meters)
    await house.expect(
        extended(meters, "AND m.number > :after", end), "meter_tenant_id_number_key", **mine, after="plan777"
    )
    await house.expect(
        extended(meters, "AND m.meter_id < :after", "ORDER BY m.meter_id DESC LIMIT :most"),
        "meter_pkey", **mine, after=house.meters[-1],
    )  # fmt: skip
    of_tenant = {"tenant_id": house.tenant_id}
    await house.expect(
        extended(FLEET["meters"], "AND m.meter_id = :meter_id"), "meter_pkey meter_state_pkey", **of_tenant, meter_id=1
    )
    await house.expect(
        extended(FLEET["meters"], "AND m.meter_id = ANY(:meter_ids::bigint[])"), "meter_pkey meter_state_pkey",
        **of_tenant, meter_ids=house.meters,
    )  # fmt: skip
    await house.expect(FLEET["search_hits"], "meter_pkey", **of_tenant, meter_ids=house.meters)
    await house.expect(FLEET["search_source"], "meter_pkey", meter_ids=house.meters)
    rows = FLEET["dimensions"]
    await house.expect(extended(rows, FOLLOWING), "meter_pkey", after=house.meters[0], most=100)
    await house.expect(extended(rows, CHOSEN), "meter_pkey", meter_ids=house.meters)
    await house.expect(extended(rows, OF_TENANT), "meter_pkey", **of_tenant, meter_id=house.meters[0])
    await house.expect(FLEET["expectation"], "meter_pkey", **of_tenant, meter_id=house.meters[0])


async def test_what_rules_look_at_and_what_a_diagnosis_asks(house: House) -> None:
    await house.owner.execute(
        "INSERT INTO rule_watch (meter_id, tenant_id, look_us) SELECT meter_id, tenant_id, 10 + meter_id % 7 FROM meter WHERE tenant_id = $1",
        house.tenant_id,
    )
    await house.owner.execute("ANALYZE rule_watch")
    await house.expect(CLOCK["due_looks"], "rule_watch_look", now_us=1, most=100)
    await house.expect(CLOCK["looked"], "meter_pkey meter_state_pkey", meter_ids=house.meters)
    one = {"tenant_id": house.tenant_id, "meter_id": house.meters[0]}
    await house.expect(DIAGNOSIS["evidence_of_meter"], "meter_pkey meter_state_pkey", **one)
    await house.expect(DIAGNOSIS["evidence_alarms"], "alarm_open", **one)


async def test_what_people_work_through(house: House) -> None:
    mine: dict[str, Any] = {"tenant_id": house.tenant_id, "after": None, "most": 50}
    every = {"severity": None, "event": None, "area_id": None, "group_id": None, "alone": False}
    middle = await house.owner.fetchval("SELECT avg(alarm_id)::bigint FROM alarm WHERE tenant_id = $1", house.tenant_id)
    listed = {"tenant_id": house.tenant_id, "most": 50, "after": middle, "rank": 2} | every
    for is_down, rank, states, index in (
        (True, None, STATES[None], "alarm_newest"),
        (False, None, STATES[None], "alarm_newest"),
        (True, None, STATES["open"], "alarm_standing"),
        (False, None, STATES["unacknowledged"], "alarm_standing"),
        (False, RANK, STATES["open"], "alarm_grave"),
        (True, RANK, STATES["acknowledged"], "alarm_grave"),
    ):
        for is_further in (False, True):
            order = in_order("l.alarm_id", rank=rank, is_down=is_down, is_further=is_further)
            query = extended(ALARM["alarms_of_meters"], *states, *order)
            given = {name: value for name, value in listed.items() if name in query.params}
            # Of two utilities, half of all rows are ours: beyond a row, both ways to walk them look as good.
            either = f"{index}|alarm_pkey" if is_further and index == "alarm_newest" else index
            await house.expect(query, either, meter_id=None, **given)
            nodes = extended(ALARM["alarms_of_nodes"], *states, *order)
            await house.expect(nodes, "alarm_of_nodes|alarm_node_hushed|alarm_open_node|" + either, **given)
    await house.expect(ALARM["alarm"], "alarm_pkey|alarm_newest", tenant_id=house.tenant_id, alarm_id=1)
    await house.expect(NODES["open_node_alarms"], "alarm_open_node|alarm_of_nodes")
    await house.expect(NODES["hushed_nodes"], "alarm_node_hushed|alarm_open_node|alarm_of_nodes", since_us=1)
    all_rules = {"rule": None, "meter_id": None, "area_id": None, "day": None}
    await house.expect(READINGS["exceptions"], "reading_exception_pkey", **mine, status=None, **all_rules)
    await house.expect(
        READINGS["exceptions"], "reading_exception_open|reading_exception_pkey", **mine, status="open", **all_rules
    )
    few = frozenset({"reading_exception"})
    for by in ("meter", "area", "day"):  # all that wait are read, and nothing that is judged
        await house.expect(
            READINGS[f"exceptions_by_{by}"], "reading_exception_open", big=few, tenant_id=house.tenant_id, rule=None, most=200
        )  # fmt: skip
    await house.expect(
        SECURITY["findings"], "terminal_finding_meter|terminal_finding_newest", **mine, meter_id=house.meters[0]
    )
    place = {"after_us": None, "after_meter_id": None}
    await house.expect(SECURITY["terminals_online"], "terminal_online",
                       tenant_id=house.tenant_id, most=50, **place)  # fmt: skip
    await house.expect(SECURITY["terminals_by_step"], "terminal_not_allowed",
                       tenant_id=house.tenant_id, most=50, state=None, **place)  # fmt: skip
    await house.expect(SECURITY["meter_security"], "meter_pkey", tenant_id=house.tenant_id, meter_id=house.meters[0])


async def test_the_ledger_newest_first(house: House) -> None:
    mine: dict[str, Any] = {"tenant_id": house.tenant_id, "most": 50, "entry_id": None, "key": None, "account_id": None}
    booked = house.owner.transaction()
    await booked.start()  # what is booked is never removed: taken back instead
    try:
        await house.owner.execute(
            "INSERT INTO ledger_entry (tenant_id, key, day, kind, made_by, made_us)"
            " SELECT $1, n::text, 20000, CASE WHEN n % 1000 = 0 THEN 'late_fee' ELSE 'bill' END, 1, 1 FROM generate_series(1, $2::int) n",
            house.tenant_id, METERS,
        )  # fmt: skip
        await house.owner.execute("ANALYZE ledger_entry")
        newest = LEDGER["entries"]
        await house.expect(newest, "ledger_entry_newest|ledger_entry_pkey", **mine, after=None, kind=None)
        await house.expect(newest, "ledger_entry_kind", repeated=False, **mine, after=10**9, kind="late_fee")
    finally:
        await booked.rollback()


HANG = """
INSERT INTO installation (tenant_id, meter_id, account_id, role, during, opening_by)
SELECT tenant_id, meter_id, meter_id, 'household', tstzrange('2024-01-01', NULL), 'unknown' FROM meter WHERE number LIKE 'plan%'
"""
PAY = """
INSERT INTO tariff_member (tenant_id, account_id, meter_id, tariff_id, persons, households, began, from_day, added_by, added_us)
SELECT tenant_id, meter_id, meter_id, 1, 0, 1, 19000, 19000, 1, 1 FROM meter WHERE number LIKE 'plan%'
"""


async def test_what_a_bill_run_asks_for_its_next_accounts(house: House) -> None:
    """Of millions of installations the next accounts' of one utility are read, in order, not all of them to be sorted."""
    links = BILLING["links"]
    trial = house.owner.transaction()
    await trial.start()
    try:
        await house.owner.execute(
            "SET LOCAL session_replication_role = replica"
        )  # rows of a table, without their books
        for statement in (HANG, PAY, "ANALYZE installation", "ANALYZE tariff_member"):
            await house.owner.execute(statement)
        big = frozenset({"installation", "tariff_member", "meter"})
        of_all: dict[str, Any] = {
            "tenant_id": house.tenant_id,
            "after": house.meters[0],
            "most": 50,
            "account_ids": None,
        }
        await house.expect(links, "installation_tenant_account", repeated=False, big=big, **of_all)
        one = {**of_all, "after": 0, "most": 10, "account_ids": house.meters[5:15]}
        await house.expect(links, "installation_tenant_account|installation_account", repeated=False, big=big, **one)
    finally:
        await trial.rollback()


AT_SERVER = """
INSERT INTO server_account (tenant_id, account_id, since_day, warn_fen, limit_fen, open_day, is_due, looked_day, stage, changed_by, changed_us)
SELECT tenant_id, meter_id, 20000, 0, 0, 20002, meter_id % 100 = 0, CASE WHEN meter_id % 100 = 1 THEN 20001 ELSE 20002 END,
       CASE WHEN meter_id % 100 = 2 THEN 'low' ELSE 'enough' END, 1, 1 FROM meter WHERE number LIKE 'plan%'
"""
DEDUCTED = """
INSERT INTO deduction (tenant_id, account_id, day, version, fen, day_fen, volume_ml, is_estimated, cited, entry_id, made_us)
SELECT tenant_id, meter_id, day, 1, 1, 1, 1, false, '[]', 1, 1 FROM meter, generate_series(20000, 20001) AS day WHERE number LIKE 'plan%'
"""


async def test_what_is_asked_of_accounts_that_are_charged_at_the_server(house: House) -> None:
    """Who is due, once a day and by changed days, and what is deducted of some: never all accounts, and never all days."""
    server, mine = load(CONTEXTS + "billing", "server.sql"), {"tenant_id": house.tenant_id}
    trial = house.owner.transaction()
    await trial.start()
    try:
        await house.owner.execute("SET LOCAL session_replication_role = replica")
        for statement in (AT_SERVER, DEDUCTED, "ANALYZE server_account", "ANALYZE deduction"):
            await house.owner.execute(statement)
        big, days = frozenset({"server_account", "deduction"}), "deduction_tenant_id_account_id_day_version_key"
        some = house.meters[:10]
        await house.expect(server["due_accounts"], "server_account_due", big=big, **mine, after=0, most=200)
        await house.expect(server["begin_day"], "server_account_looked", repeated=False, big=big, **mine, today=20002)
        await house.expect(server["not_well"], "server_account_low", big=big, **mine)
        await house.expect(server["kept_days"], days, big=big, **mine, account_ids=some)
        await house.expect(server["deducted_until"], days, big=big, **mine, account_ids=some, end_days=[20001] * 10)
        page: dict[str, Any] = {**mine, "account_id": some[0], "most": 50}
        await house.expect(server["deducted_days"], days, big=big, **page, after_day=None, after_version=None)
        await house.expect(server["charged_accounts"], "server_account_pkey", big=big, **mine, account_ids=some)
    finally:
        await trial.rollback()


MIRRORED_METERS = """
INSERT INTO mirrored_meter (tenant_id, meter_id, is_due, looked_day, why)
SELECT tenant_id, meter_id, meter_id % 100 = 0, CASE WHEN meter_id % 100 = 1 THEN 20001 ELSE 20002 END,
       CASE WHEN meter_id % 100 = 2 THEN 'price-unknown' ELSE '' END FROM meter WHERE number LIKE 'plan%'
"""
MIRRORED_DAYS = """
INSERT INTO mirrored_day (tenant_id, meter_id, day, version, kind, from_s, from_us, from_l, before, until_s, until_us, until_l, after, credited,
                          expected, difference, causes, found, doubt, step_l, rounding, cited, made_us)
SELECT tenant_id, meter_id, day, 1, 0, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 0, CASE WHEN meter_id % 100 = 3 THEN '{rounding}' ELSE '{}' END::text[],
       '[]', '', 10, 'exact', '[]', 1 FROM meter, generate_series(20000, 20001) AS day WHERE number LIKE 'plan%'
"""


GIVEN = """
INSERT INTO command (tenant_id, meter_id, kind, lane, priority, unique_key, content, not_after, created_us, sent_us)
SELECT tenant_id, meter_id, 'top_up', 1, 1, 'plan' || meter_id, '', 1, 1, 1 FROM meter WHERE number LIKE 'plan%'
"""


async def test_what_is_asked_of_meters_whose_balances_are_worked_out_again(house: House) -> None:
    """Who is due, the days of some, and what was found: never all meters, and never all days."""
    mirror, mine = load(CONTEXTS + "billing", "mirror.sql"), {"tenant_id": house.tenant_id}
    trial = house.owner.transaction()
    await trial.start()
    try:
        await house.owner.execute("SET LOCAL session_replication_role = replica")
        for statement in (
            MIRRORED_METERS,
            MIRRORED_DAYS,
            GIVEN,
            *(f"ANALYZE {table}" for table in ("mirrored_meter", "mirrored_day", "command")),
        ):
            await house.owner.execute(statement)
        big, days = frozenset({"mirrored_meter", "mirrored_day"}), "mirrored_day_tenant_id_meter_id_day_version_key"
        some = house.meters[:10]
        await house.expect(
            mirror["due_meters"], "mirrored_meter_due", big=big, **mine, after=0, most=200, is_whole=True
        )
        await house.expect(
            mirror["begin_mirror_day"], "mirrored_meter_looked", repeated=False, big=big, **mine, today=20002
        )
        await house.expect(mirror["changed_meters"], "meter_state_pkey", **mine, meter_ids=some)
        await house.expect(mirror["kept_mirrors"], days, big=big, **mine, meter_ids=some, since_day=19990)
        await house.expect(mirror["mirrored_before"], days, big=big, **mine, meter_ids=some, since_day=20001)
        await house.expect(
            mirror["given_prices"], "command_of_meter|command_meter_id_serial_key", **mine, meter_ids=some
        )
        await house.expect(
            mirror["given_top_ups"], "command_of_meter|command_meter_id_serial_key", **mine, meter_ids=some, since_us=1
        )
        page: dict[str, Any] = {**mine, "meter_id": some[0], "most": 50}
        await house.expect(mirror["mirrored_days"], days, big=big, **page, after_day=None, after_version=None)
        wanted: dict[str, Any] = {
            "after": None, "cause": "rounding", "least": None, "until_day": None, "is_open": True, "meter_id": None, "account_id": None,
            "area_id": None, "most": 50,
        }  # fmt: skip
        await house.expect(
            mirror["balance_differences"], "mirrored_day_found|mirrored_day_account", big=big, **mine, **wanted
        )
    finally:
        await trial.rollback()
