# SPDX-License-Identifier: Apache-2.0
"""The tree of areas over real engines: what lies below goes with a branch, in lists, counts, searches, files and alarms."""

import asyncio
import csv
import io
import random
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from openmains.app.fleet.imports.jobs import TREE_IMPORT, import_handlers
from openmains.app.job.ports import ClaimedJob
from openmains.edges.postgres.db import PIPELINE_ROLE, create_pool
from openmains.edges.postgres.fleet.places import fold_tallies
from openmains.edges.postgres.fleet.tree_import import open_tree
from tests.edges.http.world import Utility, World, new_meter

WHY = "the water works were merged"


class Book:
    """One utility's client with what these tests ask again and again."""

    def __init__(self, client: httpx.AsyncClient, utility: Utility) -> None:
        self.client, self.utility = client, utility

    async def area(self, code: str, parent: int | None = None, **values: Any) -> int:
        made = await self.client.post("/areas", json={"code": code, "name": f"N {code}", "parent_id": parent} | values)
        assert made.status_code == 201, made.text
        return int(made.json()["area_id"])

    async def meter(self, area: int, **values: Any) -> str:
        made = await self.client.post("/meters", json=new_meter(self.utility, area_id=area, **values))
        assert made.status_code == 201, made.text
        return str(made.json()["number"])

    async def numbers(self, **params: Any) -> set[str]:
        return {row["number"] for row in (await self.client.get("/meters", params=params)).json()["items"]}

    async def get(self, path: str, **params: Any) -> Any:
        answer = await self.client.get(path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()


async def test_a_branch_moves_with_all_that_is_below_it(world: World) -> None:
    utility = await world.utility()
    async with world.client(utility.token) as client:
        book = Book(client, utility)
        kinds = (await book.get("/area-kinds"))["items"]
        assert [kind["code"] for kind in kinds] == ["company", "district", "estate", "building", "unit"]
        east, west = await book.area("east"), await book.area("west")
        estate = await book.area("e1", east, kind_id=kinds[2]["kind_id"], name="桂花园")
        tower = await book.area("t1", estate, name="3 栋")
        number = await book.meter(tower)
        assert number in await book.numbers(area_id=east)
        assert number in await book.numbers(q="桂花园")
        assert (await book.get(f"/areas/{east}"))["sums"] == {
            "areas_below": 2,
            "meters": 1,
            "devices": 1,
            "premises": 0,
        }
        without = await client.patch(f"/areas/{estate}", json={"parent_id": west})
        assert without.status_code == 400
        assert without.json()["type"].endswith("/reason-needed")
        assert number in await book.numbers(area_id=east)
        moved = await client.patch(f"/areas/{estate}", json={"parent_id": west, "reason": WHY})
        assert (moved.json()["parent_id"], moved.json()["depth"]) == (west, 2)
        assert number not in await book.numbers(area_id=east)
        for params in ({"area_id": west}, {"q": "桂花园"}, {"q": number, "area_id": west}):
            assert number in await book.numbers(**params)
        assert (await book.get(f"/areas/{east}"))["sums"]["meters"] == 0
        found = await book.get(f"/areas/{tower}")
        assert [step["code"] for step in found["above"]] == ["west", "e1"]
        assert (found["depth"], found["sums"]["meters"]) == (3, 1)
        line = (await book.get("/audit", object_type="area", object_id=str(estate)))["items"][0]
        assert (line["action"], line["reason"]) == ("move_area", WHY)
        assert (line["before"]["parent_id"], line["after"]["parent_id"]) == (east, west)
        assert (line["after"]["areas"], line["after"]["meters"]) == (2, 1)
        looped = await client.patch(f"/areas/{west}", json={"parent_id": tower, "reason": WHY})
        assert looped.json()["errors"][0]["code"] == "would-loop"


async def test_lists_of_areas_page_filter_and_count(world: World) -> None:
    utility = await world.utility()
    async with world.client(utility.token) as client:
        book = Book(client, utility)
        top = await book.area("top")
        for n in range(5):
            below = await book.area(f"d{n}", top, name=f"片区 {n}")
            await book.area(f"d{n}-1", below, name=f"小区 {n}")
            await book.meter(below)
        roots = (await book.get("/areas", roots=True, counts=True))["items"]
        assert {(row["code"], row["meters"], row["has_below"]) for row in roots} >= {
            ("top", 5, True),
            ("north", 1, False),
        }
        seen, cursor = [], None
        while True:
            answer = await book.get("/areas", parent_id=top, limit=2, **({"cursor": cursor} if cursor else {}))
            seen += [row["code"] for row in answer["items"]]
            cursor = answer["next"]
            if cursor is None:
                break
        assert seen == [f"d{n}" for n in range(5)]
        assert [row["code"] for row in (await book.get("/areas", q="ＤＩ", roots=True))["items"]] == []
        assert [row["code"] for row in (await book.get("/areas", q="小区3"))["items"]] == ["d3-1"]
        assert len((await book.get("/areas", under=top))["items"]) == 10
        assert (await book.get("/areas", q="100%_"))["items"] == []


async def test_volumes_of_an_area_are_those_below_it_and_of_a_span_that_can_be(world: World) -> None:
    utility = await world.utility()
    async with world.client(utility.token) as client:
        book = Book(client, utility)
        top = await book.area("top")
        days = {"first": "2026-06-01", "last": "2026-06-30"}
        for path, params, status in (
            (f"/areas/{top}/volumes", days, 200 if world.deps.reports else 501),
            (f"/areas/{world.b.ids['area_id']}/volumes", days, 404),
            (f"/areas/{top}/volumes", {"first": "2026-06-02", "last": "2026-06-01"}, 400),
            (f"/areas/{top}/volumes", {"first": "2026-05-01", "last": "2026-06-30"}, 400),
        ):
            assert (await client.get(path, params=params)).status_code == status, (path, params)


async def test_alarms_of_an_area_are_those_below_it_too(world: World) -> None:
    utility = await world.utility()
    async with world.client(utility.token) as client:
        book = Book(client, utility)
        top = await book.area("top")
        low = await book.area("low", top)
        meter = (await client.post("/meters", json=new_meter(utility, area_id=low))).json()["meter_id"]
        await world.owner.execute(
            "INSERT INTO alarm (tenant_id, meter_id, event, severity, raised_at, received_us, shown_us, last_us)"
            " VALUES ($1, $2, 'burst', 'critical', 1, 1, 1, 1)",
            utility.tenant_id, meter,
        )  # fmt: skip
        assert [row["meter_id"] for row in (await book.get("/alarms", area_id=top))["items"]] == [meter]
        assert (await book.get("/alarms/counts", area_id=top))["open"] == 1


async def test_counts_are_exact_after_whatever_was_done(world: World) -> None:
    utility = await world.utility()
    pool = await create_pool(world.urls.postgres_owner, role=PIPELINE_ROLE, max_size=2)
    chance = random.Random(15)  # noqa: S311 repeatable
    async with world.client(utility.token) as client:
        book = Book(client, utility)
        areas = [await book.area("a0")]
        for n in range(1, 8):
            areas.append(await book.area(f"a{n}", chance.choice(areas)))
        meters = []
        for _ in range(60):
            act = chance.random()
            if act < 0.4 or not meters:
                made = await client.post("/meters", json=new_meter(utility, area_id=chance.choice(areas)))
                meters.append((made.json()["meter_id"], made.headers["etag"]))
            elif act < 0.7:
                place = chance.randrange(len(meters))
                meter, etag = meters[place]
                body = {"area_id": chance.choice(areas)}
                changed = await client.patch(f"/meters/{meter}", json=body, headers={"If-Match": etag})
                meters[place] = (meter, changed.headers["etag"])
            elif act < 0.8:
                meter, etag = meters.pop(chance.randrange(len(meters)))
                gone = await client.delete(f"/meters/{meter}", params={"reason": WHY}, headers={"If-Match": etag})
                assert gone.status_code == 200, gone.text
            elif act < 0.95:
                body = {"parent_id": chance.choice([None, *areas]), "reason": WHY}
                await client.patch(f"/areas/{chance.choice(areas)}", json=body)
            else:
                await fold_tallies(pool)
        await fold_tallies(pool)
        rows = await world.owner.fetch(
            "WITH RECURSIVE below AS (SELECT area_id AS top, area_id FROM area WHERE tenant_id = $1 UNION"
            " SELECT b.top, a.area_id FROM area a JOIN below b ON a.parent_id = b.area_id)"
            " SELECT b.top, count(m.meter_id) FILTER (WHERE m.removed_on IS NULL) AS meters, count(m.meter_id) AS devices,"
            " count(DISTINCT b.area_id) - 1 AS areas FROM below b LEFT JOIN meter m ON m.area_id = b.area_id GROUP BY 1",
            utility.tenant_id,
        )
        for row in rows:
            sums = (await book.get(f"/areas/{row['top']}"))["sums"]
            assert (sums["meters"], sums["devices"], sums["areas_below"]) == (
                row["meters"],
                row["devices"],
                row["areas"],
            )
    await pool.close()


async def test_the_database_itself_takes_no_loop_and_no_area_of_another(world: World) -> None:
    a, b = await world.utility(), world.b
    async with world.client(a.token) as client:
        book = Book(client, a)
        top = await book.area("top")
        low = await book.area("low", top)
    with pytest.raises(asyncpg.CheckViolationError, match="below itself"):
        await world.owner.execute("UPDATE area SET parent_id = $1 WHERE area_id = $2", low, top)
    for statement in ("UPDATE area SET parent_id = $1 WHERE area_id = $2", "INSERT INTO area (tenant_id, code, name, parent_id)"
                      " SELECT tenant_id, 'x', 'x', $1 FROM area WHERE area_id = $2"):  # fmt: skip
        with pytest.raises(asyncpg.ForeignKeyViolationError, match="not of this tenant"):
            await world.owner.execute(statement, b.ids["area_id"], top)
    # two that would each go below the other at the same time: one of them is refused
    async with world.client(a.token) as client:
        book = Book(client, a)
        one, two = await book.area("one"), await book.area("two")
        answers = await asyncio.gather(
            client.patch(f"/areas/{one}", json={"parent_id": two, "reason": WHY}),
            client.patch(f"/areas/{two}", json={"parent_id": one, "reason": WHY}),
        )
        assert sorted(answer.status_code for answer in answers) == [200, 400]


async def test_premises_have_an_address_in_an_area_and_coordinates_of_one_datum(world: World) -> None:
    utility = await world.utility()
    async with world.client(utility.token) as client:
        book = Book(client, utility)
        top = await book.area("top")
        low = await book.area("low", top)
        body = {"code": "P1", "area_id": low, "street": "中山路", "house_number": "12号", "building": "3栋", "room": "1201",
                "lat_e7": 311_753_040, "lon_e7": 1_215_315_419, "datum": "gcj02"}  # fmt: skip
        made = await client.post("/premises", json=body)
        assert made.status_code == 201, made.text
        path, etag = f"/premises/{made.json()['premises_id']}", made.headers["etag"]
        assert made.json()["address"] == "中山路12号3栋1201"
        assert (made.json()["lat_e7"], made.json()["datum"]) == (311_753_040, "gcj02")
        kept = await world.owner.fetchrow("SELECT lat_e7, lon_e7 FROM premises WHERE tenant_id = $1", utility.tenant_id)
        assert kept is not None
        assert tuple(kept) == (311_774_276, 1_215_272_106)
        assert (await book.get(path))["lat_e7"] == 311_774_276
        assert (await book.get(path, datum="gcj02"))["lon_e7"] == 1_215_315_419
        assert [row["code"] for row in (await book.get("/premises", area_id=top, code="P"))["items"]] == ["P1"]
        assert (await client.post("/premises", json=body)).status_code == 409
        half = await client.post("/premises", json={"code": "P2", "area_id": low, "address": "x", "lat_e7": 1})
        assert half.json()["errors"][0] == {"pointer": "/lon_e7", "code": "required", "detail": "is required"}
        nowhere = await client.post("/premises", json={"code": "P3", "area_id": low})
        assert nowhere.json()["errors"][0]["pointer"] == "/address"
        assert (await client.patch(path, json={"room": "1202"})).status_code == 428
        for lone in ({"datum": "gcj02"}, {"lat_e7": 1}):
            told = (await client.patch(path, json=lone, headers={"If-Match": etag})).json()
            assert {error["code"] for error in told["errors"]} == {"required"}
        changed = await client.patch(path, json={"room": "1202"}, headers={"If-Match": etag})
        assert changed.json()["address"] == "中山路12号3栋1202"
        stale = await client.patch(path, json={"room": "1203"}, headers={"If-Match": etag})
        assert stale.status_code == 412
        assert (await book.get(f"/areas/{top}"))["sums"]["premises"] == 1
        mine = [row["code"] for row in (await book.get("/premises", limit=500))["items"]]
    async with world.client(world.b.token) as other:
        assert (await other.get(path)).status_code == 404
        theirs = [row["code"] for row in (await other.get("/premises?limit=500")).json()["items"]]
        assert mine and not set(mine) & set(theirs)
        theirs = await other.post("/premises", json={"code": "P", "area_id": low, "address": "x"})
        assert theirs.json()["errors"][0]["pointer"] == "/area_id"


class Context:
    """A claimed job of ``area_import``."""

    def __init__(self, job: ClaimedJob) -> None:
        self.job = job

    def progress(self, done: int, total: int) -> None:
        """Nobody looks."""

    def should_stop(self) -> bool:
        return False


async def test_a_tree_is_exported_and_imported_with_no_change_and_a_file_may_move_branches(
    world: World, tmp_path: Path
) -> None:
    utility = await world.utility()
    pool = await create_pool(world.urls.postgres_owner, role=PIPELINE_ROLE, max_size=2)
    unused: Any = None
    run = import_handlers(unused, unused, unused, unused, lambda tenant: open_tree(pool, tenant), unused, unused)[
        TREE_IMPORT
    ]

    async def done(data: bytes, name: str, reason: str = "") -> dict[str, Any]:
        media = {"data": (name, data, "application/octet-stream")}
        asked = await client.post("/areas/import", files=media, params={"reason": reason})
        assert asked.status_code == 202, asked.text
        row = await world.owner.fetchrow("SELECT * FROM job WHERE job_id = $1", asked.json()["job_id"])
        assert row is not None
        job = ClaimedJob(row["job_id"], utility.tenant_id, TREE_IMPORT, {"reason": reason}, row["file_path"], 0.0)  # type: ignore[arg-type]
        await world.owner.execute("UPDATE job SET status = 'done', unique_key = NULL WHERE job_id = $1", row["job_id"])
        return dict(await run(Context(job)))  # type: ignore[arg-type]

    async with world.client(utility.token, "zh") as client:
        book = Book(client, utility)
        made = await done(
            "区域代码,区域名称,上级代码,类型\nu1,1 单元,b1,unit\nb1,1 栋,e1,building\ne1,桂花园,north,estate\n".encode(),
            "t.csv",
        )
        assert (made["inserted"], made["applied"]) == (3, True)
        assert [step["code"] for step in (await book.get("/areas", q="u1"))["items"]] == ["u1"]
        for kind in ("csv", "xlsx"):
            file = await client.get("/areas/file", params={"kind": kind})
            again = await done(file.content, f"areas.{kind}")
            assert again["applied"], again
            assert [again[name] for name in ("inserted", "updated", "moved", "ignored")] == [0, 0, 0, []]
            assert again["unchanged"] == again["rows"] == 5
        rows = list(
            csv.reader(
                io.StringIO((await client.get("/areas/file", params={"kind": "csv"})).content.decode("utf-8-sig"))
            )
        )
        assert rows[0] == ["区域代码", "区域名称", "上级代码", "类型", "全称", "在用表具数"]
        assert rows[-1] == ["u1", "1 单元", "b1", "unit", "North / 桂花园 / 1 栋 / 1 单元", "0"]
        bad = "区域代码,上级代码\nb1,north\nx1,nobody\n".encode()
        refused = await done(bad, "bad.csv")
        assert (refused["applied"], refused["errors"]) == (False, 2)
        text = await asyncio.to_thread(Path(refused["error_file_en"]).read_text, "utf-8-sig")
        told = list(csv.reader(io.StringIO(text)))
        assert [(line[0], line[2], line[4]) for line in told[1:]] == [
            ("2", "north", "would_move"),
            ("3", "nobody", "unknown_parent"),
        ]
        moved = await done("区域代码,上级代码\ne1,b1\nb1,north\n".encode(), "move.csv", WHY)
        assert (moved["moved"], moved["applied"]) == (2, True)
        u1 = (await book.get("/areas", q="u1"))["items"][0]
        assert [step["code"] for step in (await book.get(f"/areas/{u1['area_id']}"))["above"]] == ["north", "b1"]
        trail = (await book.get("/audit", object_type="area"))["items"]
        assert [(line["action"], line["reason"]) for line in trail[:2]] == [("move_area", WHY)] * 2
        assert {line["actor"] for line in trail[:2]} == {"admin"}
    await pool.close()


async def test_a_root_waits_for_nobody_and_keeps_nobody_waiting(world: World) -> None:
    utility = await world.utility()
    held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
    made = "INSERT INTO area (tenant_id, code, name, parent_id) VALUES ($1, $2, $2, $3) RETURNING area_id"
    async with world.owner.transaction():
        root = await world.owner.fetchval(made, utility.tenant_id, "lone", None)
        assert await world.owner.fetchval(held) == 0  # an import that makes roots stops no move
        await world.owner.fetchval(made, utility.tenant_id, "below", root)
        assert await world.owner.fetchval(held) == 1  # what lies below another must not be left under its old path
