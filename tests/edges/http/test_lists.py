# SPDX-License-Identifier: Apache-2.0
"""Lists tell all there is: counts are exact, words and filters combine, and a row says whose it is."""

import secrets
from typing import Any

import httpx
import pytest

from openmains.edges.postgres.fleet.search import renew_outdated
from tests.edges.http.world import World, new_meter

HOUR_US = 3_600_000_000


async def area(client: httpx.AsyncClient, name: str, parent: int | None = None) -> int:
    body = {"code": secrets.token_hex(4), "name": name} | ({} if parent is None else {"parent_id": parent})
    made = await client.post("/areas", json=body)
    assert made.status_code == 201, made.text
    return int(made.json()["area_id"])


async def found(client: httpx.AsyncClient, q: str, **filters: Any) -> set[int]:
    answer = await client.get("/meters", params={"q": q, "limit": 200, **filters})
    assert answer.status_code == 200, answer.text
    return {row["meter_id"] for row in answer.json()["items"]}


async def test_acknowledged_alarms_are_still_open_and_counts_are_of_all(world: World) -> None:
    async with world.client(world.b.token) as client:
        place = await area(client, "Counted")
        meter = (await client.post("/meters", json=new_meter(world.b, area_id=place))).json()["meter_id"]
        now = world.deps.now_us()
        insert = (
            "INSERT INTO alarm (tenant_id, meter_id, event, severity, raised_at, received_us, shown_us, last_us, cleared_us)"
            " VALUES ($1, $2, $3, $4, 1, $5, $6, 1, $7)"
        )
        ages = [0, HOUR_US // 2, 2 * HOUR_US, 30 * HOUR_US, 200 * HOUR_US]
        for n in range(520):  # more than a page may hold
            received = now - ages[n % 5]
            severity = "critical" if n % 2 else "minor"
            shown = received + (30_000_000 if n % 4 == 0 else 1_000_000)
            await world.owner.execute(insert, world.b.tenant_id, meter, f"e{n}", severity, received, shown, None)
        await world.owner.execute(insert, world.b.tenant_id, meter, "over", "major", now, now, now)
        listed = (await client.get(f"/alarms?status=open&area_id={place}&limit=2")).json()["items"]
        for row in listed:
            assert (await client.post(f"/alarms/{row['alarm_id']}/acknowledge")).status_code == 200
        again = (await client.get(f"/alarms?status=open&area_id={place}&limit=2")).json()["items"]
        assert [row["alarm_id"] for row in again] == [row["alarm_id"] for row in listed]
        others = (await client.get(f"/alarms?status=unacknowledged&area_id={place}&limit=500")).json()["items"]
        assert not {row["alarm_id"] for row in others} & {row["alarm_id"] for row in listed}
        counts = (await client.get(f"/alarms/counts?area_id={place}")).json()
        few = (await client.get(f"/alarms/counts?area_id={place}&severity=critical")).json()
    await world.owner.execute("DELETE FROM alarm WHERE meter_id = $1", meter)
    assert counts == {
        "open": 520, "unacknowledged": 518, "critical": 260, "major": 0, "minor": 260, "info": 0,
        "ages": {"hour": 208, "day": 104, "week": 104, "older": 104},
        "target_ms": 20_000, "in_time": 390, "worst_delay_ms": 30_000,
    }  # fmt: skip
    assert few["open"] == few["critical"] == 260


@pytest.fixture(scope="module")
async def town(world: World) -> dict[str, int]:
    """Four meters of one utility, each told from the others by one thing."""
    tag = secrets.token_hex(3)
    async with world.client(world.a.token) as client:
        east = await area(client, f"城东{tag}片区")
        lake = await area(client, f"东湖{tag}", east)
        west = await area(client, f"城西{tag}")
        made = {"east": east, "lake": lake, "west": west, "tag": int(tag, 16)}
        for name, place, address, code in (
            ("zhang", east, f"人民路{tag}一号", f"KH{tag}001"),
            ("li", lake, f"人民路{tag}二号", f"KH{tag}002"),
            ("wang", west, f"人民路{tag}三号", f"KH{tag}003"),
        ):
            person = {"zhang": "张伟", "li": "李雷", "wang": "王芳"}[name]
            customer = await world.owner.fetchval(
                "INSERT INTO customer (tenant_id, code, name) VALUES ($1, $2, $3) RETURNING customer_id",
                world.a.tenant_id, code, person + tag,
            )  # fmt: skip
            body = new_meter(world.a, area_id=place, address=address, customer_id=customer)
            made[name] = (await client.post("/meters", json=body)).json()["meter_id"]
    return made


async def test_words_combine_whatever_field_each_is_in(world: World, town: dict[str, int]) -> None:
    tag = f"{town['tag']:06x}"
    async with world.client(world.a.token) as client:
        assert await found(client, f"kh{tag}002") == {town["li"]}  # the account number, in either case
        assert await found(client, f"{tag}00") == {town["zhang"], town["li"], town["wang"]}  # a part of it
        assert await found(client, f"人民路{tag} 张伟") == {town["zhang"]}
        assert await found(client, f"王芳{tag} 三号") == {town["wang"]}
        assert await found(client, f"张伟{tag} 二号") == set()
        assert await found(client, f"人民路{tag} 城东{tag}") == {town["zhang"], town["li"]}  # with the area below
        assert await found(client, f"东湖{tag} 李雷") == {town["li"]}
        assert await found(client, f"城西{tag}") == {town["wang"]}
        assert await found(client, f"张伟{tag} 城西{tag}") == set()


async def test_one_sign_and_another_combine_too(world: World, town: dict[str, int]) -> None:
    async with world.client(world.a.token) as client:
        both = await found(client, "张 一", area_id=town["east"])
        assert both == {town["zhang"]}
        assert await found(client, "张 二", area_id=town["east"]) == set()
        assert town["wang"] in await found(client, "K", area_id=town["west"])
        tag = f"{town['tag']:06x}"
        assert town["wang"] in await found(client, f"kh{tag[0]}")  # an account's beginning, in either case
        assert town["wang"] in await found(client, "王 三")
        assert town["zhang"] not in await found(client, "王 一")


async def test_a_search_keeps_to_the_filters(world: World, town: dict[str, int]) -> None:
    tag = f"{town['tag']:06x}"
    q = f"人民路{tag}"
    async with world.client(world.a.token) as client:
        assert await found(client, q, area_id=town["east"]) == {town["zhang"], town["li"]}
        assert await found(client, q, area_id=town["lake"]) == {town["li"]}
        assert await found(client, f"{q} 城东{tag}", area_id=town["west"]) == set()
        assert await found(client, q, product_id=2**31 - 1) == set()
        file = (await client.get("/meters/file", params={"kind": "csv", "q": q, "area_id": town["lake"]})).text
        assert file.count(f"人民路{tag}") == 1
        await world.owner.execute("UPDATE meter_state SET event_mask = 1 WHERE meter_id = $1", town["li"])
        await world.owner.execute("UPDATE meter_state SET last_seen_us = 1 WHERE meter_id = $1", town["wang"])
        await client.request("DELETE", f"/meters/{town['zhang']}?reason=test", headers={"If-Match": '"1"'})
        everyone = {town["zhang"], town["li"], town["wang"]}
        for status in ("active", "removed", "silent", "never_seen", "alarm"):
            listed = await client.get("/meters", params={"status": status, "sort": "-meter_id", "limit": 500})
            wanted = {row["meter_id"] for row in listed.json()["items"]} & everyone
            assert await found(client, q, status=status) == wanted, status


async def test_pages_of_a_search_hold_each_hit_once(world: World) -> None:
    tag = secrets.token_hex(3)
    async with world.client(world.a.token) as client:
        place = await area(client, f"分页{tag}")
        mine = {
            (await client.post("/meters", json=new_meter(world.a, area_id=place, address=f"长路{n}"))).json()[
                "meter_id"
            ]
            for n in range(7)
        }
        other = new_meter(world.a, address=f"长路 分页{tag}")  # the same word in the address
        mine.add((await client.post("/meters", json=other)).json()["meter_id"])
        seen: list[int] = []
        cursor = None
        while True:
            params = {"q": f"长路 分页{tag}", "limit": 3} | ({"cursor": cursor} if cursor else {})
            answer = (await client.get("/meters", params=params)).json()
            seen += [row["meter_id"] for row in answer["items"]]
            cursor = answer["next"]
            if cursor is None:
                break
    assert sorted(seen) == sorted(mine)


async def test_texts_of_an_earlier_edition_are_renewed(world: World, town: dict[str, int]) -> None:
    tag = f"{town['tag']:06x}"
    await world.owner.execute(
        "UPDATE meter_search SET edition = 1, text = 'x', grams = '{}' WHERE meter_id = $1", town["wang"]
    )
    async with world.client(world.a.token) as client:
        assert await found(client, f"KH{tag}003") == set()
        async with world.owner.transaction():
            assert await renew_outdated(world.owner) == 1
            assert await renew_outdated(world.owner) == 0
        assert await found(client, f"KH{tag}003") == {town["wang"]}


async def test_dead_letters_say_whose_they_are(world: World) -> None:
    async with world.client(world.a.token) as client:
        meter = (await client.get(f"/meters/{world.a.ids['meter_id']}")).json()
        letters = (await client.get(f"/dead-letters?meter_id={world.a.ids['meter_id']}&limit=1")).json()["items"]
    assert (letters[0]["number"], letters[0]["imei"]) == (meter["number"], meter["imei"])


async def test_steps_that_are_cut_or_not_over_are_partial(world: World) -> None:
    path = f"/meters/{world.a.ids['meter_id']}/readings"
    span = {"from": "2024-01-10T00:00:00+08:00", "to": "2024-04-01T00:00:00+08:00", "step": "month"}
    async with world.client(world.a.token) as client:
        points = (await client.get(path, params=span)).json()["points"]
        assert [point["partial"] for point in points] == [True, False, False]
        ahead = {"from": "2100-01-01T00:00:00+08:00", "to": "2100-01-02T00:00:00+08:00", "step": "day"}
        assert [point["partial"] for point in (await client.get(path, params=ahead)).json()["points"]] == [True]
