# SPDX-License-Identifier: Apache-2.0
"""What people set for themselves, and views of lists: kept with the person, shared by role, of one utility."""

import asyncio

import pytest

from tests.edges.http.world import Utility, World

OPEN = {"page": "alarms", "name": "gas at night", "query": {"severity": "critical", "area": "7", "status": "all"}}


async def test_what_a_person_sets_is_the_same_in_every_browser_and_nobody_elses(world: World) -> None:
    utility = await world.utility()
    viewer = await world.user(utility, "viewer")
    async with world.client(viewer) as client, world.client(utility.token) as other:
        assert (await client.get("/session")).json()["preferences"] == {
            "numbers": "space", "page_rows": None, "columns": {},
        }  # fmt: skip
        set_ = {"numbers": "comma", "page_rows": 100, "columns": {"meters": "number,imei"}, "locale": "en"}
        assert (await client.patch("/session/preferences", json=set_)).status_code == 200
        # Two pages at once change different lists: neither takes back what the other set.
        await asyncio.gather(*(
            client.patch("/session/preferences", json={"columns": {name: "a"}}) for name in ("alarms", "gaps", "exceptions")
        ))  # fmt: skip
        session = (await client.get("/session")).json()
        assert session["locale"] == "en"
        assert session["preferences"] == {
            "numbers": "comma", "page_rows": 100,
            "columns": {"meters": "number,imei", "alarms": "a", "gaps": "a", "exceptions": "a"},
        }  # fmt: skip
        usual = await client.patch("/session/preferences", json={"columns": {"meters": ""}})
        assert "meters" not in usual.json()["columns"] and usual.json()["numbers"] == "comma"
        for wrong in ({"numbers": "dots"}, {"page_rows": 5}, {"page_rows": 100000}, {"columns": {"../x": "a"}},
                      {"columns": {"meters": "<b>"}}, {"locale": "fr"}, {"role": "administrator"}):  # fmt: skip
            answer = await client.patch("/session/preferences", json=wrong)
            assert answer.status_code == 400, wrong
        assert (await client.get("/session")).json()["preferences"] == usual.json()
        assert (await other.get("/session")).json()["preferences"]["numbers"] == "space"


async def test_a_view_is_its_owners_or_of_all_with_a_role(world: World) -> None:
    utility = await world.utility()
    viewer, operator = [await world.user(utility, role) for role in ("viewer", "operator")]
    stranger: Utility = await world.utility()
    async with (
        world.client(utility.token) as boss, world.client(viewer) as sees, world.client(operator) as works,
        world.client(stranger.token) as other,
    ):  # fmt: skip
        made = (await works.post("/list-views", json=OPEN | {"shared_with": "operator"})).json()
        mine = (await works.post("/list-views", json=OPEN | {"name": "mine"})).json()
        assert made["is_own"] and made["query"] == OPEN["query"] and mine["shared_with"] is None

        async def names(client: object, page: str = "alarms") -> list[str]:
            answer = await client.get("/list-views", params={"page": page})  # type: ignore[attr-defined]
            return [view["name"] for view in answer.json()["items"]]

        assert await names(works) == ["gas at night", "mine"] and await names(works, "meters") == []
        assert await names(boss) == [
            "gas at night"
        ]  # an administrator may all that an operator may; what is nobody's stays so
        assert await names(sees) == [] and await names(other) == []
        at = f"/list-views/{made['view_id']}"
        for client in (sees, other):
            assert (await client.put(at, json=OPEN)).status_code == 404
            assert (await client.delete(at)).status_code == 404
        assert (await boss.delete(f"/list-views/{mine['view_id']}")).status_code == 404
        shared = await boss.put(at, json=OPEN | {"shared_with": "viewer"})
        assert shared.json()["shared_with"] == "viewer" and not shared.json()["is_own"]
        assert await names(sees) == ["gas at night"]
        refused = await sees.put(at, json=OPEN | {"shared_with": "viewer"})
        assert refused.status_code == 403 and "only they and administrators" in refused.json()["detail"]

        for wrong in (OPEN | {"query": {"q": "x" * 1001}}, OPEN | {"query": {f"k{n}": "" for n in range(31)}}, OPEN | {"page": "../"},
                      OPEN | {"name": ""}, OPEN | {"more": 1}):  # fmt: skip
            assert (await works.post("/list-views", json=wrong)).status_code == 400, wrong
        above = await sees.post("/list-views", json=OPEN | {"shared_with": "administrator"})
        assert above.json()["errors"][0]["pointer"] == "/shared_with"  # one would not see it oneself
        taken = await works.post("/list-views", json=OPEN)
        assert taken.status_code == 409 and taken.json()["type"].endswith("name-taken")
        assert (await works.post("/list-views", json=OPEN | {"page": "meters"})).status_code == 201
        assert (await works.put(f"/list-views/{mine['view_id']}", json=OPEN)).status_code == 409
        moved = await works.put(f"/list-views/{mine['view_id']}", json=OPEN | {"name": "mine", "page": "meters"})
        assert moved.status_code == 400
        assert (await works.delete(at)).status_code == 204 and await names(sees) == []
        acts = [entry["action"] for entry in (await boss.get("/audit?object_type=list_view")).json()["items"]]
        assert acts.count("save_view") == 3 and {"change_view", "remove_view"} <= set(acts)


async def test_a_view_is_seen_by_all_who_may_do_what_its_role_may(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    utility = await world.utility()
    cashier, clerk, viewer = [await world.user(utility, role) for role in ("cashier", "clerk", "viewer")]
    async with (
        world.client(utility.token) as boss, world.client(cashier) as takes, world.client(clerk) as keeps,
        world.client(viewer) as sees,
    ):  # fmt: skip
        for role in ("cashier", "government"):
            assert (await boss.post("/list-views", json=OPEN | {"name": role, "shared_with": role})).status_code == 201

        async def names(client: object) -> list[str]:
            return [view["name"] for view in (await client.get("/list-views")).json()["items"]]  # type: ignore[attr-defined]

        assert await names(boss) == ["cashier", "government"]
        assert await names(takes) == ["cashier"]  # sees places, and no sums
        assert await names(keeps) == await names(sees) == ["government"]  # neither takes money
        for role in ("cashier", "operator", "own-1", "nobody"):
            refused = await keeps.post("/list-views", json=OPEN | {"shared_with": role})
            assert refused.status_code == 400 and refused.json()["errors"][0]["pointer"] == "/shared_with", role
        with monkeypatch.context() as few:
            few.setattr("openmains.app.identity.list_views.MOST_VIEWS", 1)
            own = [await sees.post("/list-views", json=OPEN | {"name": name}) for name in ("a", "b")]
            assert [answer.status_code for answer in own] == [201, 409]
            assert (await keeps.post("/list-views", json=OPEN)).status_code == 201  # nobody takes another's place
        made = (await takes.post("/list-views", json=OPEN | {"shared_with": "cashier"})).json()
        assert (await boss.delete(f"/list-views/{made['view_id']}")).status_code == 204  # who manages people


async def test_headings_of_other_systems_are_remembered_for_the_utility(world: World) -> None:
    utility, stranger = await world.utility(), await world.utility()
    viewer = await world.user(utility, "viewer")
    async with (
        world.client(utility.token) as client,
        world.client(viewer) as sees,
        world.client(stranger.token) as other,
    ):
        kept = await client.put("/imports/headings", json={"heading": " 出厂编号 ", "column": "number"})
        assert kept.json() == [{"heading": "出厂编号", "column": "number"}]
        again = await client.put("/imports/headings", json={"heading": "出厂编号", "column": "bar_code"})
        assert again.json() == [{"heading": "出厂编号", "column": "bar_code"}]
        alike = await client.put("/imports/headings", json={"heading": "出厂 编号：", "column": "number"})
        assert alike.json() == [
            {"heading": "出厂 编号：", "column": "number"}
        ]  # a file knows no difference between them
        entry = (await client.get("/audit?object_type=import_heading")).json()["items"][0]
        assert (entry["before"], entry["after"]) == ({"column": "bar_code"}, {"column": "number"})
        for heading, column, place in (
            ("IMEI", "number", "/heading"),
            ("装表日", "day", "/column"),
            (":", "number", "/heading"),
        ):
            wrong = await client.put("/imports/headings", json={"heading": heading, "column": column})
            assert wrong.status_code == 400 and wrong.json()["errors"][0]["pointer"] == place
        assert (await other.get("/imports/headings")).json() == []
        assert (await sees.get("/imports/headings")).status_code == 403
        assert (await client.delete("/imports/headings", params={"heading": "nobody"})).status_code == 404
        assert (await client.delete("/imports/headings", params={"heading": "出厂编号"})).json() == []
        acts = [entry["action"] for entry in (await client.get("/audit?object_type=import_heading")).json()["items"]]
        assert acts == ["remove_import_heading"] + ["set_import_heading"] * 3


async def test_meters_of_a_list_are_counted_and_taken_along_as_a_file(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    utility = await world.utility()
    async with world.client(utility.token) as client:
        meters = (await client.get("/meters?limit=500")).json()["items"]
        assert (await client.get("/meters/count")).json() == {"count": len(meters), "most": 10_000}
        for filters in (
            {"status": "removed"},
            {"status": "silent"},
            {"area_id": meters[0]["area_id"]},
            {"product_id": meters[0]["product_id"]},
        ):
            listed = (await client.get("/meters", params={"limit": 500, **filters})).json()["items"]
            assert (await client.get("/meters/count", params=filters)).json()["count"] == len(listed), filters
        with monkeypatch.context() as few:  # among very many nobody looks at each, and no figure is made up
            few.setattr("openmains.edges.postgres.fleet.meters.MOST_LOOKED_AT", len(meters) - 1)
            for status, count in (("silent", None), ("alarm", None), ("active", len(meters))):
                assert (await client.get("/meters/count", params={"status": status})).json()["count"] == count, status
        only = {"kind": "csv", "columns": "number", "meter_id": [meters[0]["meter_id"], 2**40]}
        text = (await client.get("/meters/file", params=only)).text
        assert [line.strip() for line in text.splitlines()][1:] == [meters[0]["number"]]


async def test_who_does_not_say_which_utility_is_told_what_is_missing(world: World) -> None:
    utility = await world.utility()  # one more than the world has: there is not just one
    async with world.client() as client:
        body = {"login": utility.login, "password": utility.password}
        unsaid = await client.post("/session", json=body, headers={"X-OpenMains-Request": "1"})
        assert unsaid.status_code == 400 and unsaid.json()["type"].endswith("tenant-needed")
        assert unsaid.json()["errors"][0]["pointer"] == "/tenant" and "code" in unsaid.json()["detail"]
