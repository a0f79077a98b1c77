# SPDX-License-Identifier: Apache-2.0
"""Collection tasks by level, the task of a meter with its sources, and what became of its gaps: through the API."""

from datetime import date, timedelta
from typing import Any, cast

import httpx
import pytest

from openmains.domain.period import date_to_day, day_to_date, zone
from tests.edges.http.world import Utility, World, new_meter

WHY = {"reason": "读数方式统一"}


@pytest.fixture
async def town(world: World) -> Utility:
    return await world.utility()


async def set_task(client: httpx.AsyncClient, status: int = 201, **said: Any) -> dict[str, Any]:
    answer = await client.post("/collection-tasks", json={**WHY, **said})
    assert answer.status_code == status, answer.text
    return cast("dict[str, Any]", answer.json())


async def task_of(client: httpx.AsyncClient, meter_id: int, **params: Any) -> dict[str, Any]:
    answer = await client.get(f"/meters/{meter_id}/task", params=params)
    assert answer.status_code == 200, answer.text
    return cast("dict[str, Any]", answer.json())


async def test_tasks_are_inherited_downwards_and_overridden_below(world: World, town: Utility) -> None:
    async with world.client(town.token) as client:
        area = town.ids["area_id"]
        below = (await client.post("/areas", json={"code": "B1", "name": "片区", "parent_id": area})).json()["area_id"]
        meter = (await client.post("/meters", json=new_meter(town, area_id=below))).json()["meter_id"]
        assert (await task_of(client, meter))["mode_from"] == "product"
        company = await set_task(client, level="company", frequency="month", rereads_a_month=2, quantities=["pressure"])
        await set_task(client, level="area", area_id=area, need="total")
        await set_task(client, level="product", product_id=town.ids["product_id"], remedy="history")
        found = await task_of(client, meter)
        assert (found["mode"], found["mode_from"], found["differs"]) == ("month", "task", False)
        assert (found["need"], found["remedy"], found["rereads_a_month"], found["quantities"]) == (
            "total",
            "history",
            2,
            ["pressure"],
        )
        assert {one["part"]: one["level"] for one in found["sources"]} == {
            "frequency": "company", "need": "area", "remedy": "product", "rereads_a_month": "company", "quantities": "company",
        }  # fmt: skip
        assert (await client.get(f"/meters/{meter}")).json()["report_mode"] == "month"
        own = await set_task(client, level="meter", meter_id=meter, frequency="dense")
        assert ((await task_of(client, meter))["mode"], own["name"] != "") == ("day", True)
        await world.owner.execute("UPDATE meter SET report_mode = 'ten_days' WHERE meter_id = $1", meter)
        said = await task_of(client, meter)  # what the meter says of itself stands above what anybody wants
        assert (said["mode"], said["mode_from"], said["differs"]) == ("ten_days", "meter", True)
        listed = (await client.get("/collection-tasks")).json()["items"]
        assert [one["level"] for one in listed] == ["meter", "product", "area", "company"]
        assert all(one["in_force"] and one["author"] for one in listed)
        entry = (await client.get("/audit?limit=1")).json()["items"][0]
        assert (entry["action"], entry["reason"]) == ("set_task", WHY["reason"])
        ended = await client.post(f"/collection-tasks/{company['task_id']}/end", json=WHY)
        assert ended.status_code == 204, ended.text
        assert (await task_of(client, meter))["rereads_a_month"] == 6  # as no task says


async def test_a_task_takes_over_and_the_past_stays(world: World, town: Utility) -> None:
    today = date.fromisoformat(day_to_date(zone("Asia/Shanghai").day_of(world.deps.now_s())).isoformat())
    later = today + timedelta(days=10)
    async with world.client(town.token) as client:
        first = await set_task(client, level="company", frequency="week")
        await world.owner.execute(
            "UPDATE collection_task SET first_day = $2 WHERE task_id = $1", first["task_id"], today - timedelta(days=30)
        )
        await set_task(client, level="company", frequency="day", first_day=later.isoformat())
        kept = [
            one for one in (await client.get("/collection-tasks")).json()["items"] if one["task_id"] == first["task_id"]
        ]
        assert kept[0]["last_day"] == (later - timedelta(days=1)).isoformat()
        meter = (await client.post("/meters", json=new_meter(town))).json()["meter_id"]
        for day, mode in ((today, "week"), (later, "day"), (today - timedelta(days=31), "day")):
            assert (await task_of(client, meter, day=day.isoformat()))["mode"] == mode
        refused = await set_task(client, 409, level="company", frequency="month")  # one is planned behind it
        assert refused["type"].endswith("/tasks-overlap") and later.isoformat() in refused["detail"]
        await set_task(client, level="company", frequency="month", first_day=later.isoformat())  # that one makes way
        assert date_to_day(later) - date_to_day(today) == 10


async def test_after_a_task_with_a_last_day_the_one_before_goes_on(world: World, town: Utility) -> None:
    today = day_to_date(zone("Asia/Shanghai").day_of(world.deps.now_s()))

    def on(days: int) -> str:
        return (today + timedelta(days=days)).isoformat()

    async with world.client(town.token) as client:
        meter = (await client.post("/meters", json=new_meter(town))).json()["meter_id"]
        whole = await set_task(
            client, level="company", frequency="week", need="total", quantities=["pressure"], last_day=on(40)
        )
        assert whole["resumes_id"] is None
        week = await set_task(client, level="company", frequency="dense", first_day=on(5), last_day=on(11))
        listed = {one["task_id"]: one for one in (await client.get("/collection-tasks")).json()["items"]}
        assert len(listed) == 3
        again = listed[week["resumes_id"]]
        assert (again["first_day"], again["last_day"], again["frequency"], again["need"], again["quantities"]) == (
            on(12), on(40), "week", "total", ["pressure"],
        )  # fmt: skip
        assert (again["remedy"], again["rereads_a_month"], listed[whole["task_id"]]["last_day"]) == (None, None, on(4))
        found = [(await task_of(client, meter, day=on(days)))["frequency"] for days in (0, 4, 5, 11, 12, 40, 41)]
        assert found == ["week", "week", "dense", "dense", "week", "week", None]
        trail = (await client.get("/audit", params={"limit": 2})).json()["items"]
        assert {(row["action"], int(row["object_id"])) for row in trail} == {
            ("set_task", week["task_id"]), ("set_task", again["task_id"]),
        }  # fmt: skip
        longer = await set_task(client, level="company", frequency="month", first_day=on(35), last_day=on(60))
        assert longer["resumes_id"] is None  # it ends later than the one whose place it takes
        same = await set_task(client, level="company", need="slots", last_day=on(2))  # of the same first day
        after = {one["task_id"]: one for one in (await client.get("/collection-tasks")).json()["items"]}
        assert whole["task_id"] not in after
        assert (after[same["resumes_id"]]["first_day"], after[same["resumes_id"]]["last_day"]) == (on(3), on(4))


@pytest.mark.parametrize(
    ("said", "pointer"),
    [
        ({"level": "area", "frequency": "day"}, "/area_id"),
        ({"level": "company", "area_id": 1, "frequency": "day"}, "/area_id"),
        ({"level": "area", "area_id": 2_000_000_000, "frequency": "day"}, "/area_id"),
        ({"level": "meter", "meter_id": 9, "frequency": "hourly"}, "/frequency"),
        ({"level": "company"}, "/frequency"),
        ({"level": "company", "frequency": "day", "first_day": "2020-01-01"}, "/first_day"),
        ({"level": "company", "frequency": "day", "last_day": "2020-01-01"}, "/last_day"),
        ({"level": "company", "quantities": ["pressure", "colour"]}, "/quantities/1"),
        ({"level": "company", "rereads_a_month": 61}, "/rereads_a_month"),
        ({"level": "company", "frequency": "day", "reason": "-"}, "/reason"),
    ],
)
async def test_what_cannot_be_is_said_and_changes_nothing(world: World, said: dict[str, Any], pointer: str) -> None:
    async with world.client(world.b.token) as client:
        before = (await client.get("/collection-tasks", params={"ended": True})).json()
        answer = await set_task(client, 400, **said)
        assert answer["errors"][0]["pointer"] == pointer, answer
        assert (await client.get("/collection-tasks", params={"ended": True})).json() == before


async def test_gaps_visits_and_their_effect(world: World, town: Utility) -> None:
    meter_id = town.ids["meter_id"]
    today = zone("Asia/Shanghai").day_of(world.deps.now_s())
    day = day_to_date(today - 2)
    await world.owner.execute("INSERT INTO collection_due VALUES ($1, $2, 'day', now(), now())", town.tenant_id, day)
    await world.owner.execute(
        "INSERT INTO collection_due_count VALUES ($1, $2, 'day', 1, 1, 'on_time', 90), ($1, $2, 'day', 1, 1, 'missing', 10)",
        town.tenant_id, day,
    )  # fmt: skip
    gap = (
        "INSERT INTO reread_gap (meter_id, day, tenant_id, mode, due_s, changed_s, state, filled_by, visit)"
        " VALUES ($1, $2, $3, 'day', 1, 1, $4, $5, $6)"
    )
    await world.owner.execute(gap, meter_id, day, town.tenant_id, "filled", "reread", None)
    await world.owner.execute(gap, meter_id, day_to_date(today - 3), town.tenant_id, "visit", None, "silent")
    async with world.client(town.token) as client:
        effect = (await client.get("/rereads/effect")).json()
        assert effect["days"] == [
            {
                "day": day.isoformat(), "expected": 100, "received": 90, "filled_by_meter": 0, "filled_by_history": 0,
                "filled_by_reread": 1, "filled_by_person": 0, "open": 0, "visits": 0, "rate_before_ppm": 900_000,
                "rate_after_ppm": 910_000,
            }
        ]  # fmt: skip
        (visit,) = (await client.get("/visits")).json()["items"]
        assert (visit["meter_id"], visit["why"], visit["days"]) == (meter_id, "silent", 1)
        lines = (await client.get("/visits.csv")).content.decode("utf-8-sig").splitlines()
        assert visit["number"] in lines[1] and "two reports in a row did not come" in lines[1]
        assert [one["state"] for one in (await client.get(f"/meters/{meter_id}/gaps")).json()] == ["filled", "visit"]
        refused = await client.post(f"/meters/{meter_id}/visit/again", json={"reason": " "})
        assert refused.json()["type"].endswith("/reason-needed")
        again = await client.post(f"/meters/{meter_id}/visit/again", json=WHY)
        assert again.json() == {"days": 1}
        assert (await client.post(f"/meters/{meter_id}/visit/close", json=WHY)).json()["type"].endswith("/no-visit")
    async with world.client(world.b.token) as stranger:
        assert (await stranger.get("/visits")).json()["items"] == []
        assert (await stranger.get(f"/meters/{meter_id}/gaps")).status_code == 404
        assert (await stranger.get(f"/meters/{meter_id}/task")).status_code == 404
