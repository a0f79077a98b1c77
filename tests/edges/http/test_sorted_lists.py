# SPDX-License-Identifier: Apache-2.0
"""Lists are sorted over all their rows, not over a page: page after page every row comes once, in the order that was asked for."""

import secrets
from typing import Any

import httpx
import pytest

from tests.edges.http.world import Utility, World, new_meter

S = 1_000_000
GRADES = ["critical", "major", "minor", "info"]


async def walk(client: httpx.AsyncClient, path: str, limit: int = 3, **params: Any) -> list[dict[str, Any]]:
    """All rows, a few at a time."""
    rows: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        answer = await client.get(path, params={"limit": limit, **params, **cursor})
        assert answer.status_code == 200, answer.text
        page = answer.json()
        rows += page["items"]
        if page["next"] is None:
            return rows
        cursor = {"cursor": page["next"]}


async def refused(client: httpx.AsyncClient, path: str) -> tuple[str, list[str]]:
    answer = await client.get(path)
    assert answer.status_code == 400, answer.text
    problem = answer.json()
    return problem["type"].rsplit("/", 1)[-1], [one["pointer"] for one in problem["errors"]]


@pytest.fixture
async def utility(world: World) -> Utility:
    return await world.utility()


async def test_accounts_by_their_number(world: World, utility: Utility) -> None:
    tag = secrets.token_hex(3)
    names = [f"{tag}{n}" for n in (5, 2, 7, 1, 9, 3, 8)]
    async with world.client(utility.token) as client:
        body = {"code": tag, "area_id": utility.ids["area_id"], "street": "桂花路", "house_number": "3"}
        place = (await client.post("/premises", json=body)).json()["premises_id"]
        for name in names:
            wanted = {
                "number": name,
                "premises_id": place,
                "medium": "water",
                "opened_at": "2026-01-01T00:00:00Z",
                "key": name,
            }
            assert (await client.post("/accounts", json=wanted)).status_code == 201

        async def numbers(**params: Any) -> list[str]:
            return [row["number"] for row in await walk(client, "/accounts", **params) if row["number"] in names]

        assert await numbers() == names  # as they were entered
        assert await numbers(sort="number") == sorted(names)
        assert await numbers(sort="-number", area_id=utility.ids["area_id"]) == sorted(names, reverse=True)
        assert await numbers(sort="number", number=tag) == sorted(names)
        up = (await client.get("/accounts?limit=2&sort=number")).json()["next"]
        assert await refused(client, f"/accounts?sort=-number&cursor={up}") == ("bad-cursor", ["/cursor"])
        assert (await refused(client, "/accounts?sort=holder"))[1] == ["/sort"]


async def test_customers_by_their_code(world: World, utility: Utility) -> None:
    tag = secrets.token_hex(3)
    codes = [f"{tag}{n}" for n in (4, 1, 3, 2)]
    async with world.client(utility.token) as client:
        for code in codes:
            assert (await client.post("/customers", json={"code": code, "name": f"张{tag}"})).status_code == 201

        async def listed(**params: Any) -> list[str]:
            return [row["code"] for row in await walk(client, "/customers", **params) if row["code"] in codes]

        assert await listed() == codes
        assert await listed(sort="code") == sorted(codes)
        assert await listed(sort="-code", customer_class="resident") == sorted(codes, reverse=True)
        assert await listed(q=f"张{tag}") == codes
        assert await refused(client, f"/customers?q={tag}&sort=code") == ("invalid-input", ["/sort"])


async def test_the_trail_from_either_end(world: World, utility: Utility) -> None:
    async with world.client(utility.token) as client:
        for n in range(5):
            assert (
                await client.post("/customers", json={"code": secrets.token_hex(5), "name": f"n{n}"})
            ).status_code == 201
        newest = await walk(client, "/audit", action="add_customer")
        oldest = await walk(client, "/audit", action="add_customer", sort="at")
    assert len(newest) >= 5 and newest == oldest[::-1]
    assert [row["at"] for row in oldest] == sorted(row["at"] for row in oldest)


async def test_alarms_by_time_and_what_is_open_by_grade(world: World, utility: Utility) -> None:
    async with world.client(utility.token) as client:
        meter = (await client.post("/meters", json=new_meter(utility))).json()["meter_id"]
        concentrator = await world.owner.fetchval(
            "INSERT INTO concentrator (tenant_id, number, poll_s) VALUES ($1, $2, 60) RETURNING concentrator_id",
            utility.tenant_id, f"{secrets.randbelow(10**16):016}",
        )  # fmt: skip
        for n in range(12):  # each third of a node, which another index finds
            of_node = n % 3 == 2
            await world.owner.execute(
                "INSERT INTO alarm (tenant_id, meter_id, concentrator_id, node, event, severity, raised_at, received_us, shown_us, last_us,"
                " cleared_us) VALUES ($1, $2, $3, $4, $5, $6, 1, $7, $7, $7, $8)",
                utility.tenant_id, None if of_node else meter, concentrator if of_node else None, "c1" if of_node else "", f"sorted{n}",
                GRADES[n % 4], n * S, n * S if n == 7 else None,
            )  # fmt: skip

        async def ours(**params: Any) -> list[int]:
            rows = await walk(client, "/alarms", **params)
            return [int(row["event"].removeprefix("sorted")) for row in rows if row["event"].startswith("sorted")]

        assert await ours() == list(range(11, -1, -1))
        assert await ours(sort="received", status="open") == [n for n in range(12) if n != 7]
        gravest = [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 11]
        assert await ours(sort="severity", status="open") == gravest
        assert await ours(sort="-severity", status="unacknowledged") == gravest[::-1]
        assert await ours(sort="severity", status="open", meter_id=meter) == [n for n in gravest if n % 3 != 2]
        assert await refused(client, "/alarms?sort=severity") == ("invalid-input", ["/sort"])
        assert await refused(client, "/alarms?sort=-severity&status=cleared") == ("invalid-input", ["/sort"])


async def test_work_orders_by_when_they_are_due_and_how_grave_they_are(world: World, utility: Utility) -> None:
    places = {"due": [40, 10, None, 30, 20, None, 50], "severity": [2, 0, 3, 1, 0, 2, 1]}
    for n in range(7):
        due = places["due"][n]
        ended = 99 * S if n == 4 else None
        await world.owner.execute(
            "INSERT INTO work_order (tenant_id, key, asked, kind, source, state, severity, title, area_id, made_us, due_us, left_s, ended_us)"
            " VALUES ($1, $2, 'x', 'valve', 'hand', $3, $4, $5, $6, $7, $8, $9, $10)",
            utility.tenant_id, secrets.token_hex(6), "new" if ended is None else "cancelled", GRADES[places["severity"][n] or 0], f"o{n}",
            utility.ids["area_id"], n * S, None if due is None else due * S, 60 if due is None else None, ended,
        )  # fmt: skip
    async with world.client(utility.token) as client:

        async def titles(**params: Any) -> str:
            return "".join(row["title"][1:] for row in await walk(client, "/work-orders", **params))

        assert await titles() == "6543210"
        assert await titles(sort="made", status="open") == "012356"
        assert await titles(sort="due") == "1430625"  # the clock of the last two stands still
        assert await titles(sort="due", status="open") == "130625"
        assert await titles(sort="-due", status="open") == "526031"
        assert await titles(sort="severity") == "1436052"
        assert await titles(sort="-severity", status="open", area_id=utility.ids["area_id"]) == "250631"
        assert await titles(sort="due", status="ended") == "4"
        assert (await refused(client, "/work-orders?sort=assignee"))[1] == ["/sort"]
