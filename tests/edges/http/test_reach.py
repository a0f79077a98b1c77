# SPDX-License-Identifier: Apache-2.0
"""Rights limited to places and media (R13.5, ADR 0050): what lies outside is not there, whichever way it is asked for."""

from typing import Any

import pytest

from openmains.app.alarm.seen import within_reach
from openmains.app.reach import NONE, Limits, limit_to
from openmains.app.system.model import LiveEvent
from openmains.domain.identity.reach import WHOLE, Reach
from tests.edges.http.world import MEDIUM, Utility, World, new_meter


class Town:
    """A utility with two districts, an estate in each, a meter in each estate, and a viewer of the first district."""

    def __init__(self, world: World, utility: Utility) -> None:
        self.world, self.utility = world, utility
        self.areas: dict[str, int] = {}
        self.meters: dict[str, dict[str, Any]] = {}


@pytest.fixture(scope="module")
async def town(world: World) -> Town:
    utility = await world.utility()
    made = Town(world, utility)
    async with world.client(utility.token) as client:
        for code, above in (("east", None), ("west", None), ("e1", "east"), ("w1", "west")):
            body = {"code": code, "name": code, "parent_id": made.areas.get(above or "", utility.ids["area_id"])}
            answer = await client.post("/areas", json=body)
            assert answer.status_code == 201, answer.text
            made.areas[code] = answer.json()["area_id"]
        for code in ("e1", "w1"):
            answer = await client.post("/meters", json=new_meter(utility, area_id=made.areas[code]))
            assert answer.status_code == 201, answer.text
            made.meters[code] = answer.json()
    return made


async def test_a_branch_is_all_there_is(town: Town) -> None:
    token = await town.world.user(town.utility, "operator", places=[town.areas["east"]])
    mine, other = town.meters["e1"], town.meters["w1"]
    async with town.world.client(token) as client:
        items = (await client.get("/meters")).json()["items"]
        assert [item["meter_id"] for item in items] == [mine["meter_id"]]
        assert (await client.get("/meters/count")).json()["count"] == 1
        assert (await client.get(f"/meters/{mine['meter_id']}")).status_code == 200
        assert (await client.get(f"/meters/{other['meter_id']}")).status_code == 404
        assert (await client.get("/meters", params={"q": other["number"]})).json()["items"] == []
        assert len((await client.get("/meters", params={"q": mine["number"]})).json()["items"]) == 1
        areas = (await client.get("/areas", params={"limit": 100})).json()["items"]
        assert {area["code"] for area in areas} == {"north", "east", "e1"}  # and the way up to the root
        session = (await client.get("/session")).json()
        assert [place["name"] for place in session["places"]] == ["east"]
        assert not WHOLE.intersection(session["permissions"])


async def test_media_are_a_limit_of_their_own(town: Town) -> None:
    """The utility's meters are all of one medium: of the other nothing is there, and sums of areas tell of none."""
    for wanted, count in ((MEDIUM, 3), ("gas" if MEDIUM == "water" else "water", 0)):
        token = await town.world.user(town.utility, "viewer", media=[wanted])
        async with town.world.client(token) as client:
            assert len((await client.get("/meters")).json()["items"]) == count
            assert (await client.get(f"/areas/{town.utility.ids['area_id']}")).json()["sums"]["meters"] == count
            assert len((await client.get("/areas", params={"limit": 100})).json()["items"]) == 6


async def test_a_live_view_tells_of_alarms_within_only(town: Town) -> None:
    seen, hidden = (town.meters[code]["meter_id"] for code in ("e1", "w1"))
    told = (
        LiveEvent("alarm", {"meter_id": seen}),
        LiveEvent("alarm", {"meter_id": hidden}),
        LiveEvent("applied", {"count": 1}),
    )
    news = LiveEvent("alarm_news", {"items": [{"meter_id": hidden}, {"meter_id": seen}]})
    store, tenant_id = town.world.deps.store, town.utility.tenant_id
    limit_to(Limits(Reach((town.areas["east"],)), town.utility.ids["user_id"]))
    try:
        assert [await within_reach(store, tenant_id, event) for event in told] == [told[0], None, None]
        assert await within_reach(store, tenant_id, news) == LiveEvent("alarm_news", {"items": [{"meter_id": seen}]})
    finally:
        limit_to(NONE)


async def test_what_would_lie_outside_is_refused(town: Town) -> None:
    token = await town.world.user(town.utility, "operator", places=[town.areas["east"]])
    async with town.world.client(token) as client:
        answer = await client.post("/meters", json=new_meter(town.utility, area_id=town.areas["w1"]))
        assert answer.status_code in (400, 403), answer.text
        answer = await client.post("/meters", json=new_meter(town.utility, area_id=town.areas["e1"]))
        assert answer.status_code == 201, answer.text
        mine, revision = answer.json()["meter_id"], answer.headers["etag"]
        answer = await client.patch(
            f"/meters/{mine}",
            json={"area_id": town.utility.ids["area_id"], "reason": "moved"},
            headers={"If-Match": revision},
        )
        assert answer.status_code in (400, 403), answer.text  # the way up is seen by name; nothing may be put there


async def test_whose_rights_are_limited_decides_nothing_for_the_whole(town: Town) -> None:
    token = await town.world.user(town.utility, "administrator", places=[town.areas["east"]])
    async with town.world.client(token) as client:
        for path in ("/users", "/audit", "/system", "/command-policy"):
            status = (await client.get(path)).status_code
            assert status == (200 if path == "/command-policy" else 403), path
        answer = await client.get("/bill-runs")
        assert answer.json()["type"].endswith("whole-utility-only"), answer.text


async def test_a_reach_must_be_there_and_is_told_in_the_trail(town: Town) -> None:
    async with town.world.client(town.utility.token) as client:
        for body, pointer in (
            ({"places": [town.areas["east"], 999_999]}, "/places/1"), ({"products": [999_999]}, "/products/0"),
        ):  # fmt: skip
            answer = await client.post(
                "/users", json={"login": "nobody", "name": "n", "role": "viewer", "reason": "test", **body}
            )
            assert answer.status_code == 400 and answer.json()["errors"][0]["pointer"] == pointer, answer.text
        answer = await client.post("/users", json={"login": "maker", "name": "n", "role": "maker", "reason": "test"})
        assert answer.json()["errors"] == [
            {"pointer": "/products", "code": "required", "detail": answer.json()["errors"][0]["detail"]}
        ]
        made = (
            await client.post("/users", json={"login": "lim", "name": "n", "role": "viewer", "reason": "test"})
        ).json()["user"]
        path = f"/users/{made['user_id']}"
        assert (await client.patch(path, json={"media": ["gas"]})).json()["type"].endswith("reason-needed")
        changed = (
            await client.patch(path, json={"media": ["gas"], "places": [town.areas["east"]], "reason": "one district"})
        ).json()
        assert (changed["media"], changed["places"]) == (["gas"], [town.areas["east"]])
        (line,) = (
            await client.get(
                "/audit", params={"object_type": "user", "object_id": made["user_id"], "action": "change_user"}
            )
        ).json()["items"]
        assert (
            line["before"]["places"] == []
            and line["after"]["places"] == [town.areas["east"]]
            and line["reason"] == "one district"
        )


async def test_the_last_administrator_of_the_whole_stays(town: Town) -> None:
    async with town.world.client(town.utility.token) as client:
        answer = await client.patch(
            f"/users/{town.utility.ids['user_id']}", json={"places": [town.areas["east"]], "reason": "by mistake"}
        )
        assert answer.json()["type"].endswith("last-administrator"), answer.text
