# SPDX-License-Identifier: Apache-2.0
"""A tariff's life through the API: drafted, refused with places, simulated on last month, approved by another, given to a meter."""

import json
from datetime import date, timedelta
from typing import Any

import asyncpg
import httpx
import pytest

from openmains.domain.period import day_to_date, zone
from openmains.edges.clickhouse.client import ClickHouse
from tests.edges.http.world import Utility, World, new_meter

FLAT = {"bounds_m3": [], "components": [{"name": "gas", "prices": ["2.61"]}]}
TIERS = {"bounds_m3": ["350", "500"], "components": [{"name": "gas", "prices": ["2.61", "2.83", "4.23"]}]}


def fields(answer: httpx.Response) -> list[tuple[str, str]]:
    assert answer.status_code == 400, answer.text
    return [(error["pointer"], error["code"]) for error in answer.json()["errors"]]


async def made(client: httpx.AsyncClient, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = await client.post(path, json=body)
    assert answer.status_code in (200, 201), answer.text
    found: dict[str, Any] = answer.json()
    return found


def problem(answer: httpx.Response) -> str:
    assert answer.status_code >= 400, answer.text
    return str(answer.json()["type"]).rpartition("/")[2]


async def a_tariff(client: httpx.AsyncClient, code: str) -> dict[str, Any]:
    return await made(client, "/tariffs", {"code": code, "name": code, "medium": "gas", "customer_class": "resident"})


async def in_force(
    world: World, author: httpx.AsyncClient, other: httpx.AsyncClient, tariff: int, document: Any
) -> int:
    """A first plan, in force since long."""
    plan = await made(
        author, f"/tariffs/{tariff}/plans", {"from_day": "2020-01-01", "document": document, "reason": "2020"}
    )
    await made(other, f"/tariff-plans/{plan['plan_id']}/approve", {"reason": "as decided"})
    return int(plan["plan_id"])


async def people(world: World) -> tuple[Utility, httpx.AsyncClient, httpx.AsyncClient, httpx.AsyncClient]:
    """A utility, its author (operator), another person (administrator), and a viewer."""
    utility = await world.utility()
    return (
        utility,
        world.client(await world.user(utility, "operator")),
        world.client(utility.token),
        world.client(await world.user(utility, "viewer")),
    )


async def days(clickhouse: ClickHouse, utility: Utility, meter: int, first: date, count: int, total: int) -> None:
    """So many days of a meter, each with this total in its driver's unit."""
    many = range(count)
    await clickhouse.insert(
        "meter_day",
        {
            "tenant_id": [utility.tenant_id for _ in many], "meter_id": [meter for _ in many],
            "day": [first + timedelta(days=n) for n in many], "area_id": [1 for _ in many], "product_id": [1 for _ in many],
            "base": [0 for _ in many], "interval_s": [86400 for _ in many], "increments": [[total] for _ in many],
            "quality": [[0] for _ in many], "total": [total for _ in many], "flags": [0 for _ in many], "slots": [1 for _ in many],
            "measured": [1 for _ in many], "received_s": [1_700_000_000 for _ in many], "version": [1 for _ in many],
        },
    )  # fmt: skip


async def test_a_plan_goes_from_draft_to_a_meter(world: World, clickhouse: ClickHouse) -> None:
    utility, author, other, viewer = await people(world)
    today = day_to_date(zone("Asia/Shanghai").day_of(world.deps.now_s()))
    month = (today.replace(day=1) - timedelta(days=1)).replace(day=1)
    length = (today.replace(day=1) - month).days
    async with author, other, viewer:
        assert problem(await viewer.post("/tariffs", json={})) == "not-allowed"
        tariff = (await a_tariff(author, "R1"))["tariff_id"]
        taken = {"code": "R1", "name": "again", "medium": "gas", "customer_class": "resident"}
        assert problem(await author.post("/tariffs", json=taken)) == "tariff-code-taken"

        # drafts are refused with each place that is wrong, and leave nothing
        wrong = {
            "bounds_m3": ["500", "350"],
            "components": [{"name": "gas", "prices": ["2.61"]}],
            "heat_reference": "36",
        }
        wanted = {"from_day": "2020-01-01", "document": wrong, "reason": "2020"}
        assert fields(await author.post(f"/tariffs/{tariff}/plans", json=wanted)) == [
            ("/document/bounds_m3", "not-rising"),
            ("/document/components/0/prices", "one-for-each-tier"),
            ("/document/heat_reference", "not-accepted"),
        ]
        for price, code in (("2.6100001", "too-many-digits"), ("1e3", "wrong-format"), ("-1", "wrong-format")):
            bad = {"bounds_m3": [], "components": [{"name": "gas", "prices": [price]}]}
            answer = await author.post(f"/tariffs/{tariff}/plans", json={**wanted, "document": bad})
            assert [code for _, code in fields(answer)] == [code]
        assert (
            problem(await author.post(f"/tariffs/{tariff}/plans", json={**wanted, "document": FLAT, "reason": "-"}))
            == "reason-needed"
        )
        assert (await author.get(f"/tariffs/{tariff}/plans")).json() == []

        # approved by another person only, and never changed
        first = await made(author, f"/tariffs/{tariff}/plans", {**wanted, "document": FLAT})
        path = f"/tariff-plans/{first['plan_id']}"
        assert problem(await author.post(f"{path}/approve", json={"reason": "mine"})) == "not-allowed"
        own = await made(other, f"/tariffs/{tariff}/plans", {**wanted, "document": FLAT})
        assert (
            problem(await other.post(f"/tariff-plans/{own['plan_id']}/approve", json={"reason": "mine"})) == "own-plan"
        )
        assert (await made(other, f"/tariff-plans/{own['plan_id']}/reject", {"reason": "mine"}))["state"] == "rejected"
        assert (await made(other, f"{path}/approve", {"reason": "as decided"}))["state"] == "approved"
        assert problem(await other.post(f"{path}/approve", json={"reason": "again"})) == "already-done"
        assert problem(await other.post(f"{path}/reject", json={"reason": "too late"})) == "plan-in-force"

        # members, with every place that cannot be taken
        meter = await made(author, "/meters", new_meter(utility))
        lacking = await made(author, "/meters", new_meter(utility))
        members = [
            {"account_id": 7, "meter_id": meter["meter_id"], "began": "2024-01-02"},
            {"account_id": 8, "meter_id": lacking["meter_id"], "began": "2024-01-02"},
        ]
        strange = {
            "from_day": "2024-01-02",
            "reason": "moved in",
            "members": [*members, members[0], {**members[0], "meter_id": world.b.ids["meter_id"]}],
        }
        assert fields(await author.post(f"/tariffs/{tariff}/members", json=strange)) == [
            ("/members/2/meter_id", "twice"),
            ("/members/3/meter_id", "unknown-reference"),
        ]
        done = await author.post(f"/tariffs/{tariff}/members", json={**strange, "members": members})
        assert done.status_code == 204, done.text
        listed = (await viewer.get(f"/tariffs/{tariff}/members")).json()["items"]
        assert [(one["account_id"], one["meter_id"]) for one in listed] == [
            (7, meter["meter_id"]),
            (8, lacking["meter_id"]),
        ]

        # a change is simulated before it is approved: 20 m3 a day, of which the year held 340 before the month at the least
        from_day = (today + timedelta(days=30)).isoformat()
        change = {"from_day": from_day, "document": TIERS, "reason": "notice of the city"}
        assert fields(
            await author.post(f"/tariffs/{tariff}/plans", json={**change, "from_day": today.isoformat()})
        ) == [("/from_day", "not-after-today")]
        plan = await made(author, f"/tariffs/{tariff}/plans", change)
        path = f"/tariff-plans/{plan['plan_id']}"
        assert problem(await other.post(f"{path}/approve", json={"reason": "fine"})) == "simulate-first"
        unit = next(page for page in world.deps.drivers.pages() if page.name == meter["driver"]).unit_exponent
        daily = 20 * 10**-unit
        await days(clickhouse, utility, meter["meter_id"], month, length, daily)
        await days(clickhouse, utility, lacking["meter_id"], month, length - 1, daily)
        found = (await made(author, f"{path}/simulate", {}))["simulation"]
        volume = 20 * length
        new = 26100 * min(volume, 350) // 100 + 283 * max(0, min(volume, 500) - 350) + 423 * max(0, volume - 500)
        assert (found["month"], found["members"], found["without_readings"]) == (month.isoformat()[:7], 1, 1)
        assert (found["old_fen"], found["new_fen"], found["more"]) == (261 * volume, new, 1)
        assert [(one["account_id"], one["new_fen"]) for one in found["largest"]] == [(7, new)]
        assert sum(band["members"] for band in found["bands"]) == 1
        assert (await made(other, f"{path}/approve", {"reason": "fine"}))["state"] == "approved"
        tariffs = (await viewer.get("/tariffs")).json()["items"]
        assert [(one["in_force"], one["members"], one["drafts"]) for one in tariffs] == [(1, None, 0)]
        assert (await viewer.get(f"/tariffs/{tariff}")).json()["members"] == 2  # counted where one is read

        # as a file, out and in
        file = await viewer.get(f"{path}/file")
        assert json.loads(file.content)["document"]["bounds_m3"] == ["350", "500"]
        again = json.loads(file.content) | {"from_day": (today + timedelta(days=60)).isoformat()}
        assert (await made(author, f"/tariffs/{tariff}/plans", again))["document"] == plan["document"]
        later = await made(author, f"/tariffs/{tariff}/plans", again)
        later_path = f"/tariff-plans/{later['plan_id']}"
        await made(author, f"{later_path}/simulate", {})
        await made(other, f"{later_path}/approve", {"reason": "next"})
        assert problem(await author.post(f"{path}/reject", json={"reason": "postponed"})) == "not-allowed"
        assert problem(await other.post(f"{path}/reject", json={"reason": "postponed"})) == "later-plan-approved"
        for one in (later_path, path):
            assert (await made(other, f"{one}/reject", {"reason": "postponed"}))["state"] == "withdrawn"

        # to a meter: shown to all, numbered once, and known again when the meter confirms it
        flat = f"/tariff-plans/{first['plan_id']}/meter-price"
        shown = (await viewer.get(flat, params={"decimals": 2})).json()
        assert (shown["params"]["version"], shown["params"]["prices"], shown["refused"]) == (0, [26100], [])
        given = await made(other, flat, {})
        assert given == await made(other, flat, {})
        version = given["params"]["version"]
        assert problem(await other.post(f"{path}/meter-price", json={})) == "not-approved"
        price = f"/meters/{meter['meter_id']}/price"
        assert (await viewer.get(price)).json()["confirmed"] is None
        await world.owner.execute(
            "INSERT INTO meter_shadow (meter_id, tenant_id, reported, reported_us) VALUES ($1, $2, $3::text::jsonb, 1700000000000000)",
            meter["meter_id"], utility.tenant_id, json.dumps({"price_version": version, "price_deferred": 60000}),
        )  # fmt: skip
        said = (await viewer.get(price)).json()
        assert (said["confirmed"], said["known"]["plan_id"], said["deferred"], said["known_deferred"]) == (
            version,
            first["plan_id"],
            60000,
            None,
        )

        trail = [entry["action"] for entry in (await other.get("/audit?limit=100")).json()["items"]]
        assert {
            "draft_plan",
            "approve_plan",
            "reject_plan",
            "withdraw_plan",
            "simulate_plan",
            "add_members",
            "number_meter_price",
        } <= set(trail)
    async with world.client(world.b.token) as stranger:
        for call in (
            f"/tariffs/{tariff}",
            f"/tariffs/{tariff}/plans",
            f"/tariffs/{tariff}/members",
            path,
            f"{path}/file",
            price,
        ):
            assert problem(await stranger.get(call)) == "not-found", call
        for call in (f"{path}/approve", f"{path}/reject"):
            assert problem(await stranger.post(call, json={"reason": "yours"})) == "not-found", call


async def test_the_database_itself_changes_no_plan(world: World) -> None:
    _, author, other, viewer = await people(world)
    async with author, other, viewer:
        tariff = (await a_tariff(author, "R2"))["tariff_id"]
        plan = await in_force(world, author, other, tariff, FLAT)
    for sql in (
        "UPDATE tariff_plan SET document = '{}' WHERE plan_id = $1",
        "UPDATE tariff_plan SET from_day = 1 WHERE plan_id = $1",
        "UPDATE tariff_plan SET state = 'draft' WHERE plan_id = $1",
        "DELETE FROM tariff_plan WHERE plan_id = $1",
    ):
        with pytest.raises(asyncpg.IntegrityConstraintViolationError):
            await world.owner.execute(sql, plan)


async def test_the_calculator_shows_every_line_of_the_sum(world: World) -> None:
    use = {"first_day": "2025-01-01", "end_day": "2025-02-01", "m3": "20"}
    async with world.client(world.a.token) as client:
        bill = await made(
            client, "/tariffs/calculate", {"document": TIERS, "medium": "gas", "before_m3": "340", "uses": [use]}
        )
        assert (bill["total_fen"], bill["counted_m3"], bill["remainder_fen"]) == (5440, "360", "0")
        assert [
            (line["tier"], line["m3"], line["price"], line["exact_fen"], line["fen"]) for line in bill["lines"]
        ] == [
            (1, "10", "2.61", "2610", 2610),
            (2, "10", "2.83", "2830", 2830),
        ]
        third = {"bounds_m3": [], "components": [{"name": n, "prices": ["0.003333"]} for n in "abc"]}
        parts = await made(client, "/tariffs/calculate", {"document": third, "uses": [{**use, "m3": "1"}]})
        assert (parts["total_fen"], parts["components"], parts["remainder_fen"]) == (
            1,
            {"a": 1, "b": 0, "c": 0},
            "-0.0001",
        )
        refused = await client.post(
            "/tariffs/calculate", json={"document": TIERS, "uses": [{**use, "end_day": "2025-01-01"}]}
        )
        assert fields(refused) == [("/uses/0", "not-in-order")]
        assert fields(await client.post("/tariffs/calculate", json={"uses": [use]})) == [
            ("/document", "document-or-plan")
        ]
