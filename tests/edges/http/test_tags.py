# SPDX-License-Identifier: Apache-2.0
"""A utility's own tags: put on one meter or on all that a filter takes, seen in lists, searches and files, told in the trail, nobody else's."""

import csv
import io
from typing import Any

import httpx

from tests.edges.http.world import World, new_meter


async def three_meters(world: World, client: httpx.AsyncClient, utility: Any) -> list[dict[str, Any]]:
    made = []
    for n in range(3):
        answer = await client.post("/meters", json=new_meter(utility, address=f"Tagged lane {n}"))
        assert answer.status_code == 201, answer.text
        made.append(answer.json())
    return made


async def listed(client: httpx.AsyncClient, **asked: Any) -> set[int]:
    answer = await client.get("/meters", params={"limit": 200, **asked})
    assert answer.status_code == 200, answer.text
    return {row["meter_id"] for row in answer.json()["items"]}


async def test_a_tag_is_put_on_seen_filtered_by_and_taken_off(world: World) -> None:
    utility = await world.utility()
    async with world.client(utility.token) as client:
        meters = await three_meters(world, client, utility)
        ids = [meter["meter_id"] for meter in meters]
        tag = (await client.post("/tags", json={"name": "积水", "colour": "blue"})).json()
        at = f"/tags/{tag['tag_id']}/meters"
        some = {"act": "put", "meter_ids": ids[:2]}
        assert (await client.post(at, json=some | {"preview": True})).json() == {"chosen": 2, "changed": 2}
        assert await listed(client, tag_id=tag["tag_id"]) == set()
        assert (await client.post(at, json=some)).json() == {"chosen": 2, "changed": 2}
        assert (await client.post(at, json=some)).json() == {"chosen": 2, "changed": 0}
        assert await listed(client, tag_id=tag["tag_id"]) == set(ids[:2])
        assert (await client.get("/meters/count", params={"tag_id": tag["tag_id"]})).json()["count"] == 2
        assert (await client.get(f"/meters/{ids[0]}")).json()["tags"] == [tag]
        # With a search and the other filters; two letters are looked up in another way than a word.
        for q in ("Tagged lane", meters[0]["number"][:2]):
            found = await listed(client, q=q, tag_id=tag["tag_id"])
            assert found and found <= set(ids[:2])
        file = (await client.get("/meters/file", params={"kind": "csv", "columns": "number,tags"})).content
        cells = dict(list(csv.reader(io.StringIO(file.decode("utf-8-sig"))))[1:])
        assert cells[meters[0]["number"]] == "积水" and cells[meters[2]["number"]] == ""
        # All that a filter takes, counted before; a search too.
        all_ = {"act": "put", "among": {"q": "Tagged lane"}}
        assert (await client.post(at, json=all_ | {"preview": True})).json() == {"chosen": 3, "changed": 1}
        assert (await client.post(at, json=all_)).json() == {"chosen": 3, "changed": 1}
        off = {"act": "take", "among": {"tag_id": tag["tag_id"], "status": "never_seen"}}
        assert (await client.post(at, json=off | {"preview": True})).json() == {"chosen": 3, "changed": 3}
        assert (await client.post(at, json=off)).json() == {"chosen": 3, "changed": 3}
        assert await listed(client, tag_id=tag["tag_id"]) == set()
        trail = (await client.get("/audit?object_type=tag")).json()["items"]
    assert [line["action"] for line in trail] == ["take_tag", "put_tag", "put_tag", "add_tag"]
    assert trail[1]["after"]["numbers"] == [meters[2]["number"]] and trail[1]["after"]["among"] == {
        "kind": "meter", "q": "Tagged lane",
    }  # fmt: skip
    assert trail[0]["before"]["meters"] == 3


async def test_tags_have_one_name_each_and_go_with_a_reason(world: World) -> None:
    utility = await world.utility()
    async with world.client(utility.token) as client:
        tag = (await client.post("/tags", json={"name": "Flood", "colour": "blue"})).json()
        other = (await client.post("/tags", json={"name": "Dog"})).json()
        assert other["colour"] == "grey"
        for path, send in ((f"/tags/{other['tag_id']}", client.put), ("/tags", client.post)):
            taken = await send(path, json={"name": "FLOOD", "colour": "red"})
            assert taken.status_code == 409 and taken.json()["type"].endswith("tag-name-taken")
        for wrong in ({"name": "a;b"}, {"name": "a、b"}, {"name": " a"}, {"name": ""}, {"name": "x" * 41},
                      {"name": "ok", "colour": "#ff0000"}, {"name": "=1+1"}):  # fmt: skip
            assert (await client.post("/tags", json=wrong)).status_code == 400, wrong
        changed = await client.put(f"/tags/{tag['tag_id']}", json={"name": "flood", "colour": "red"})
        assert changed.json() == {"tag_id": tag["tag_id"], "name": "flood", "colour": "red"}
        meter = utility.ids["meter_id"]
        at = f"/tags/{tag['tag_id']}/meters"
        await client.post(at, json={"act": "put", "meter_ids": [meter]})
        for wrong in (
            {"act": "put"},
            {"act": "put", "meter_ids": [meter], "among": {}},
            {"act": "put", "meter_ids": []},
        ):
            assert (await client.post(at, json=wrong)).status_code == 400, wrong
        unknown = await client.post(at, json={"act": "put", "meter_ids": [meter, 2**62]})
        assert unknown.json()["errors"][0]["pointer"] == "/meter_ids"
        refused = await client.delete(f"/tags/{tag['tag_id']}")
        assert refused.json()["type"].endswith("/reason-needed")
        assert (await client.delete(f"/tags/{tag['tag_id']}?reason=nobody+uses+it")).status_code == 204
        assert [one["name"] for one in (await client.get("/tags")).json()["items"]] == ["Dog"]
        assert (await client.get(f"/meters/{meter}")).json()["tags"] == []
        gone = (await client.get("/audit?object_type=tag")).json()["items"][0]
    assert gone["reason"] == "nobody uses it" and gone["before"] == {"name": "flood", "colour": "red", "meters": 1}


async def test_tags_are_one_utilitys_and_for_those_who_manage_meters(world: World) -> None:
    utility, stranger = await world.utility(), await world.utility()
    viewer = await world.user(utility, "viewer")
    async with (
        world.client(utility.token) as client, world.client(viewer) as sees, world.client(stranger.token) as other,
    ):  # fmt: skip
        tag = (await client.post("/tags", json={"name": "ours"})).json()
        at, meter = f"/tags/{tag['tag_id']}", utility.ids["meter_id"]
        put = {"act": "put", "meter_ids": [meter]}
        assert (await sees.get("/tags")).json()["items"] == [tag] and (await other.get("/tags")).json()["items"] == []
        for answer in (await sees.post(f"{at}/meters", json=put), await sees.post("/tags", json={"name": "x"})):
            assert answer.status_code == 403
        for answer in (
            await other.post(f"{at}/meters", json={"act": "put", "meter_ids": [stranger.ids["meter_id"]]}),
            await other.put(at, json={"name": "theirs"}), await other.delete(f"{at}?reason=not+theirs"),
        ):  # fmt: skip
            assert answer.status_code == 404
        theirs = (await other.post("/tags", json={"name": "ours"})).json()  # a name is taken in one utility only
        foreign = await other.post(f"/tags/{theirs['tag_id']}/meters", json=put)
        assert foreign.status_code == 400 and foreign.json()["errors"][0]["pointer"] == "/meter_ids"
        await client.post(f"{at}/meters", json=put)
        assert await listed(client, tag_id=tag["tag_id"]) == {meter}
        assert await listed(other, tag_id=tag["tag_id"]) == set()
        assert await listed(other, q="人民路", tag_id=tag["tag_id"]) == set()


async def test_a_batch_of_commands_goes_to_the_meters_of_a_tag(world: World) -> None:
    utility = await world.utility()
    async with world.client(utility.token) as client:
        meters = await three_meters(world, client, utility)
        tag = (await client.post("/tags", json={"name": "pilot"})).json()["tag_id"]
        put = {"act": "put", "meter_ids": [meter["meter_id"] for meter in meters[:2]]}
        await client.post(f"/tags/{tag}/meters", json=put)
        batch = {"name": "read the pilots", "kind": "read_now", "params": {}}

        async def made(key: str, **chosen: Any) -> httpx.Response:
            asked = batch | {"unique_key": f"tagged-{key}-{tag}", "chosen": chosen}
            return await client.post("/command-batches", json={"batch": asked})

        one = await made("all", tag_id=tag)
        assert one.status_code == 201, one.text
        lines = (await client.get(f"/command-batches/{one.json()['batch']['batch_id']}/meters")).json()["items"]
        assert {line["number"] for line in lines} == {meter["number"] for meter in meters[:2]}
        assert (await made("none", tag_id=2**31 - 1)).json()["type"].endswith("/nothing-chosen")
        both = await made("both", tag_id=tag, numbers=[meters[2]["number"]])
        assert (both.status_code, both.json()["errors"][0]["pointer"]) == (400, "/batch/chosen/tag_id")


async def test_a_question_in_bulk_is_asked_of_the_meters_of_a_tag(world: World) -> None:
    utility = await world.utility()
    asked = {"at": "2026-01-01T00:00:00+08:00"}
    async with world.client(utility.token) as client:
        meters = await three_meters(world, client, utility)
        tag = (await client.post("/tags", json={"name": "pilot"})).json()["tag_id"]
        await client.post(f"/tags/{tag}/meters", json={"act": "put", "meter_ids": [meters[1]["meter_id"]]})
        question = {"kind": "registers", "form": "csv", "period": "yesterday", "meters": {"tag_id": tag}}
        kept = await client.post("/saved-queries", json={"name": "pilots", "question": question})
        run = f"/saved-queries/{kept.json()['saved_id']}/run"
        text = (await client.get("/bulk/registers.csv", params=asked | {"tag_id": tag})).text
        assert [row["meter number"] for row in csv.DictReader(io.StringIO(text.lstrip("\ufeff")))] == [
            meters[1]["number"]
        ]
        assert f"tag_id={tag}" in (await client.get(run)).headers["location"]
        # What is not there (any more) is said: an empty answer would look like one.
        await client.delete(f"/tags/{tag}?reason=over")
        gone = await client.get(run)
        assert (gone.status_code, gone.json()["errors"][0]["pointer"]) == (400, "/question/meters/tag_id")
        nowhere = {"tag_id": tag, "area_id": 2**31 - 1, "product_id": 2**31 - 1}
        for path, more in (("registers", {}), ("registers.csv", {}), ("values", {"points": "pressure"}), ("sums", {})):
            period = {
                "from": asked["at"],
                "to": "2026-01-02T00:00:00+08:00",
                "first": "2026-01-01",
                "last": "2026-01-01",
            }
            answer = await client.get(f"/bulk/{path}", params=asked | period | nowhere | more)
            assert answer.status_code == 400, (path, answer.text)
            pointers = [fault["pointer"] for fault in answer.json()["errors"]]
            assert pointers == ["/area_id", "/product_id", "/tag_id"], path
