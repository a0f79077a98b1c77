# SPDX-License-Identifier: Apache-2.0
"""Concentrators in the book over real engines: register, change, put meters behind, file out and in, how they stand, who was refused."""

import asyncio
import uuid
from typing import Any

import httpx
import pytest

from openmains.app.fleet import change_concentrators
from openmains.app.link.station.standing import StandingCache
from openmains.app.security.access_cache import AccessCache
from openmains.app.security.refusals import Refusals, RefusalStage
from openmains.domain.ids import TenantId
from openmains.edges.postgres.db import PIPELINE_ROLE, create_pool
from openmains.edges.postgres.fleet.concentrator_standing import ConcentratorStanding
from openmains.edges.postgres.fleet.concentrators import ConcentratorFollower
from openmains.edges.postgres.security.access_cache import AccessFollower
from openmains.wire.station.content import Kind, Registration
from openmains.wire.station.frame import Function
from tests.edges.http.world import Utility, World, new_meter

AT_US = 1_760_000_000_000_000


def number() -> str:
    return f"{uuid.uuid4().int % 10**15:016d}"


async def meters(client: httpx.AsyncClient, utility: Utility, count: int) -> list[str]:
    found, base = [], uuid.uuid4().int % 10**12 + 10**12
    for given in (str(base + n) for n in range(count)):
        made = await client.post("/meters", json=new_meter(utility, number=given))
        assert made.status_code == 201, made.text
        found.append(given)
    return found


def code(answer: httpx.Response) -> str:
    return str(answer.json()["type"]).rsplit("/", 1)[-1]


async def test_the_book_of_concentrators(world: World) -> None:
    utility, other = await world.utility(), await world.utility()
    async with world.client(utility.token) as client, world.client(other.token) as stranger:
        one, two, three = await meters(client, utility, 3)
        first, second = number(), number()
        made = await client.post(
            "/concentrators", json={"number": first, "name": "泵房", "poll_s": 60, "meters": [one]}
        )
        assert made.status_code == 201, made.text
        key, said = made.json()["concentrator_id"], made.json()
        assert (said["meters"], said["is_connected"], said["kind"], said["frames"]) == (1, False, "", [])
        refused: list[tuple[dict[str, Any], str]] = [
            ({"number": first}, "concentrator-taken"),
            ({"number": "12"}, "invalid-input"),
            ({"number": f"{second}\n"}, "invalid-input"),
            ({"number": second, "name": "=1+1"}, "invalid-input"),
            ({"number": second, "poll_s": 9}, "invalid-input"),
            ({"number": second, "meters": [one]}, "meters-not-free"),
            ({"number": second, "meters": ["404"]}, "meters-not-free"),
            ({"number": second, "meters": [two, "A1"]}, "meters-not-free"),
        ]
        for body, why in refused:
            answer = await client.post("/concentrators", json=body)
            assert (answer.status_code >= 400, code(answer)) == (True, why), answer.text
        taken = await stranger.post("/concentrators", json={"number": first})
        assert code(taken) == "concentrator-taken"
        assert (await stranger.get(f"/concentrators/{key}")).status_code == 404
        assert (await stranger.get("/concentrators")).json()["items"] == []
        assert len((await client.get("/concentrators")).json()["items"]) == 1  # nothing of what was refused is there

        behind = f"/concentrators/{key}/meters"
        put = await client.post(behind, json={"put": [two, three]})
        assert put.status_code == 201 and put.json()["meters"] == 3, put.text
        twin = await client.post("/meters", json=new_meter(utility, number=f"00{two}"))
        assert twin.status_code == 201
        assert code(await client.post(behind, json={"put": [f"00{two}"]})) == "meters-alike"
        assert code(await client.post(behind, json={"take": [three]})) == "reason-needed"
        assert code(await client.post(behind, json={"take": [three, "404"], "reason": "moved"})) == "meters-not-behind"
        assert [row["number"] for row in (await client.get(behind)).json()["items"]] == [one, two, three]
        mute = (await client.post("/meters", json=new_meter(utility, number=f"9{one}", imei=None))).json()
        assert (await client.post(behind, json={"put": [f"9{one}"]})).status_code == 201
        given = {"kind": "read_now", "unique_key": f"key-{uuid.uuid4().hex}"}
        told = await client.post(
            f"/meters/{mute['meter_id']}/commands", json=given
        )  # it is not asked, and has no module
        assert (told.status_code, code(told)) == (409, "not-reachable"), told.text
        assert (await client.get("/commands", params={"meter_id": mute["meter_id"]})).json()["items"] == []
        left = await client.post(behind, json={"take": [three, f"9{one}"], "reason": "moved away"})
        assert left.status_code == 201 and left.json()["meters"] == 2
        changed = await client.patch(f"/concentrators/{key}", json={"poll_s": 120})
        assert (changed.json()["poll_s"], changed.json()["name"]) == (120, "泵房")

        made_file = await client.get("/concentrators/file")
        assert made_file.content.decode("utf-8-sig").splitlines() == [
            "number,name,poll_s,meter", f"{first},泵房,120,{one}", f"{first},泵房,120,{two}",
        ]  # fmt: skip
        wrong = f"number,name,poll_s,meter\n{second},,5,{three}\n12,,,\n{second},,,{one},x\n{second},,,A1\n"
        answer = await client.post("/concentrators/import", files={"data": ("c.csv", wrong.encode())})
        assert answer.status_code == 400
        assert [field["pointer"] for field in answer.json()["errors"]] == [
            "/line/2/poll_s", "/line/3/number", "/line/4", "/line/5/meter",
        ]  # fmt: skip
        clash = made_file.content + f"{second},,60,{one}\r\n".encode()
        assert (await client.post("/concentrators/import", files={"data": ("c.csv", clash)})).status_code == 400
        more = made_file.content + f"{second},阀井,60,{three}\r\n".encode()
        for added in (1, 0):  # the same file again changes nothing
            answer = await client.post("/concentrators/import", files={"data": ("c.csv", more)})
            assert answer.json() == {"added": added, "changed": 2 - added, "meters_put": added}, answer.text
        assert code(await client.delete(f"/concentrators/{key}")) == "reason-needed"
        assert (await client.delete(f"/concentrators/{key}", params={"reason": "taken down"})).status_code == 204
        assert [row["number"] for row in (await client.get("/concentrators")).json()["items"]] == [second]
        trail = (await client.get("/audit", params={"object_type": "concentrator"})).json()["items"]
        assert {row["action"] for row in trail} >= {
            "add_concentrator", "change_concentrator", "change_behind_concentrator", "import_concentrators", "remove_concentrator",
        }  # fmt: skip
    async with world.client(await world.user(utility, "operator")) as client:
        assert (await client.post("/concentrators", json={"number": number()})).status_code == 403


async def test_how_a_concentrator_stands_and_whose_refusals_are(world: World) -> None:
    """With several utilities in one installation, too: a registered terminal's refusals are its utility's."""
    utility, other = await world.utility(), await world.utility()
    given = number()
    async with world.client(utility.token) as client, world.client(other.token) as stranger:
        made = (await client.post("/concentrators", json={"number": given})).json()
        pool = await create_pool(world.urls.postgres_pipeline, role=PIPELINE_ROLE, max_size=2)
        try:
            book, standing, refusals = StandingCache(lambda: AT_US), ConcentratorStanding(pool, 5), Refusals()
            book.connected(
                given,
                TenantId(utility.tenant_id),
                "198.51.100.7",
                Registration(Kind.DTU, 1, firmware=7),
                is_proven=True,
            )
            book.frame(given, Function.LINE, b"\x68\x10", 0.0, down=True)
            book.frame(given, Function.HEARTBEAT, b"", 0.0, down=True, verdict="stored")
            book.heartbeat(given, -81, 3)
            await standing.write(book, 0.0)
            refusals.note(
                f"{given}/{12:016d}", None, RefusalStage.REGISTRATION, "unknown meter", "TCP", "198.51.100.7", AT_US,
                TenantId(utility.tenant_id),
            )  # fmt: skip
            await AccessFollower(pool, AccessCache()).note_refusals(refusals.drain())
            path = f"/concentrators/{made['concentrator_id']}"
            said = (await client.get(path)).json()
            assert (said["is_connected"], said["is_proven"], said["kind"], said["wakes"]) == (True, True, "dtu", "day")
            assert (said["signal_dbm"], said["clock_off_s"], said["firmware"]) == (-81, 3, 7)
            assert [(frame["direction"], frame["function"], frame["content_hex"], frame["verdict"]) for frame in said["frames"]] == [
                ("down", "3100", "6810", ""), ("down", "3003", "", "stored"),
            ]  # fmt: skip
            assert [(row["name"], row["reason"]) for row in said["refusals"]] == [
                (f"{given}/{12:016d}", "unknown meter")
            ]
            assert [row["name"] for row in (await client.get("/refusals")).json()["items"]] == [f"{given}/{12:016d}"]
            assert (await stranger.get("/refusals")).json()["items"] == []
            for is_connected, count in ((True, 1), (False, 0)):
                found = await client.get("/concentrators", params={"is_connected": is_connected, "q": given[3:9]})
                assert len(found.json()["items"]) == count
            clock_us = AT_US - 60_000_000  # the next node's clock is behind
            late, elsewhere = StandingCache(lambda: clock_us), ConcentratorStanding(pool, 6)
            late.connected(
                given,
                TenantId(utility.tenant_id),
                "198.51.100.8",
                Registration(Kind.DTU, 1, firmware=8),
                is_proven=False,
            )
            await elsewhere.write(late, 0.0)
            said = (await client.get(path)).json()
            assert (said["is_connected"], said["host"]) == (True, "198.51.100.8")
            book.frame(given, Function.HEARTBEAT, b"", 40.0, down=False)  # what the node before still had to say
            await standing.write(book, 80.0)
            book.left(given, "silence")
            await standing.write(book, 81.0)
            said = (await client.get(path)).json()
            assert (said["is_connected"], said["host"]) == (True, "198.51.100.8")
            clock_us -= 3_600_000_000  # set back: what the same node says afterwards still counts
            late.left(given, "ended")
            await elsewhere.write(late, 1.0)
            said = (await client.get(path)).json()
            assert (said["is_connected"], said["ending"]) == (False, "ended") and said["ended_at"]
            late.connected(
                given,
                TenantId(utility.tenant_id),
                "198.51.100.8",
                Registration(Kind.DTU, 1, firmware=8),
                is_proven=False,
            )
            await elsewhere.write(late, 2.0)
            assert (await client.get(path)).json()["is_connected"]
        finally:
            await pool.close()


async def test_files_of_many_concentrators_go_out_in_pages_and_in_side_by_side(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two imports that name the same ones in opposite orders wait for each other; neither fails."""
    utility = await world.utility()
    monkeypatch.setattr(change_concentrators, "FILE_PAGE", 7)
    numbers = sorted(number() for _ in range(21))
    async with world.client(utility.token) as client:
        behind = await meters(client, utility, 21)
        lines = [f"{each},,60,{meter}" for each, meter in zip(numbers, behind, strict=True)]
        lines[5:7] = [f"{numbers[5]},,60,{behind[5]}", f"{numbers[5]},,60,{behind[6]}", f"{numbers[6]},,60,"]
        head = "number,name,poll_s,meter"
        files = ["\r\n".join([head, *given]).encode() for given in (lines, lines[::-1])]
        answers = await asyncio.gather(
            *(client.post("/concentrators/import", files={"data": ("c.csv", data)}) for data in files * 3)
        )
        assert {answer.status_code for answer in answers} == {201}, [answer.text for answer in answers]
        assert sum(answer.json()["meters_put"] for answer in answers) == 21
        made = await client.get("/concentrators/file")
        assert made.content.decode("utf-8-sig").split("\r\n") == [head, *lines, ""]
        again = await client.post("/concentrators/import", files={"data": ("c.csv", made.content)})
        assert again.json() == {"added": 0, "changed": 21, "meters_put": 0}


async def test_an_edge_reads_only_what_changed(world: World) -> None:
    utility = await world.utility()
    async with world.client(utility.token) as client:
        one, two = await meters(client, utility, 2)
        first, second = number(), number()
        for each, meter in ((first, one), (second, two)):
            assert (await client.post("/concentrators", json={"number": each, "meters": [meter]})).status_code == 201
        pool = await create_pool(world.urls.postgres_pipeline, role=PIPELINE_ROLE, max_size=2)
        taken: list[tuple[Any, Any, Any]] = []
        follower = ConcentratorFollower(pool, lambda rows, numbers, gone: taken.append((rows, numbers, gone)))
        try:
            assert await follower.follow()
            rows, numbers, gone = taken.pop()
            assert numbers is None and {row["number"] for row in rows} >= {first, second} and not gone
            while await follower.follow():  # what was still under way when it looked first
                taken.clear()
            key = (await client.get("/concentrators", params={"q": first})).json()["items"][0]["concentrator_id"]
            await client.post(f"/concentrators/{key}/meters", json={"take": [one], "reason": "moved away"})
            assert await follower.follow()
            rows, numbers, gone = taken.pop()
            assert (numbers, [row["meter_id"] for row in rows], gone) == ([first], [None], [])
            while await follower.follow():
                taken.clear()
            await client.delete(f"/concentrators/{key}", params={"reason": "taken down"})
            assert await follower.follow()
            assert taken.pop()[2] == [first]
        finally:
            await pool.close()
