# SPDX-License-Identifier: Apache-2.0
"""Work outside over real engines: routes, the kit, visits, tests on the spot, photographs. Nothing twice, nothing of another utility."""

import secrets
import time
from typing import Any

from openmains.domain.period import utc
from tests.edges.http.test_meter_lives import HUNG, WHY, Town, town

__all__ = ["town"]  # a fixture
JPEG = b"\xff\xd8\xff\xe0" + bytes(200)
NOW = int(time.time())


async def send_photo(town: Town, key: str, image: bytes = JPEG, status: int = 201, **values: Any) -> Any:
    query = {"key": key, "act": "act-1", "purpose": "site", "taken_at": utc(NOW - 60).isoformat()} | values
    answer = await town.client.post("/site-photos", params=query, files={"data": ("p.jpg", image)})
    assert answer.status_code == status, answer.text
    return answer.json()


async def hung(town: Town, count: int = 1, **values: Any) -> list[tuple[str, int]]:
    made = []
    for number in await town.issued(count, **values):
        life = await town.install(number, await town.account(), "1", at=HUNG)
        made.append((number, life["meter_id"]))
    return made


async def test_a_route_is_an_order_of_meters_and_goes_with_the_kit(town: Town) -> None:
    (first, meter), (second, _), (third, _) = await hung(town, 3)
    person = town.utility.ids["user_id"]
    named = {"name": "一册", "numbers": [second, first], "reader_id": person}
    route = await town.post("/reading-routes", named, 201)
    assert (route["meters"], route["reader_id"], route["revision"]) == (2, person, 1)
    assert (await town.refused("/reading-routes", named))[0] == "route-name-taken"
    wrong = {"name": "二册", "numbers": [third, "nobody", third]}
    answer = await town.client.post("/reading-routes", json=wrong)
    assert {(error["pointer"], error["code"]) for error in answer.json()["errors"]} == {
        ("/numbers/1", "no-such-meter"), ("/numbers/2", "twice"),
    }  # fmt: skip
    code, text = await town.refused("/reading-routes", {"name": "二册", "numbers": [third, first]})
    assert code == "in-another-route" and first in text
    assert [row["name"] for row in (await town.get("/reading-routes"))["items"]] == ["一册"]  # refused whole

    at = NOW - 30 * 86_400
    await town.world.owner.execute(
        "UPDATE meter_state SET register = 130000, register_at = $2 WHERE meter_id = $1", meter, at
    )
    await town.world.owner.execute(
        "INSERT INTO manual_reading (tenant_id, meter_id, at_s, register, digit, source, author_id, made_us, version)"
        " VALUES ($1, $2, $3, 120000, 1, 'form', $4, 0, 1)",
        town.utility.tenant_id, meter, at - 30 * 86_400, person,
    )  # fmt: skip
    issued = (await town.issued())[0]
    kit = await town.get("/field/kit")
    (told,) = kit["routes"]
    assert [line["number"] for line in told["meters"]] == [second, first]
    line = told["meters"][1]
    assert (line["last_m3"], line["low_m3"], line["decimals"]) == ("130.000", "130.000", 3)
    assert 160 <= float(line["high_m3"]) <= 162 and told["meters"][0]["last_m3"] is None
    assert "customer_name" not in line and issued in {one["number"] for one in kit["issued"]}
    assert {item["name"] for item in kit["checklist"]} >= {"fire_distance_cm", "leak_test_kpa"}

    path = f"/reading-routes/{route['route_id']}"
    stale = await town.client.patch(path, json={"name": "x"}, headers={"If-Match": '"7"'})
    assert stale.status_code == 412 and stale.json()["type"].endswith("revision-stale")
    changed = await town.client.patch(path, json={"numbers": [first], "reader_id": None}, headers={"If-Match": '"1"'})
    assert changed.status_code == 200 and changed.json()["meters"] == 1, changed.text
    assert (await town.get("/field/kit"))["routes"] == []
    assert (await town.client.delete(path)).json()["type"].endswith("reason-needed")
    assert (await town.client.delete(path, params={"reason": WHY})).status_code == 204


async def test_a_visit_is_noted_once_and_says_why(town: Town) -> None:
    ((_, meter),) = await hung(town)
    body = {
        "key": secrets.token_hex(8), "kind": "no_access", "meter_id": meter, "at": utc(NOW).isoformat(), "no_access": "locked",
        "note": "门锁",
    }  # fmt: skip
    made = await town.post("/site-visits", body, 201)
    assert await town.post("/site-visits", body, 201) == made
    assert (await town.refused("/site-visits", body | {"note": "x"}))[0] == "act-key-used"
    for wrong, pointer in (
        ({"no_access": None}, "/no_access"), ({"no_access": "other", "note": " "}, "/note"),
        ({"at": utc(NOW + 9000).isoformat()}, "/at"), ({"answers": {"no_leak": True}}, "/answers"),
    ):  # fmt: skip
        answer = await town.client.post("/site-visits", json=body | {"key": secrets.token_hex(8)} | wrong)
        assert [error["pointer"] for error in answer.json()["errors"]] == [pointer], answer.text
    good = {"field_mt": 3, "no_leak": True, "inlet_valve": True}
    sheet = {"key": secrets.token_hex(8), "kind": "installation", "meter_id": meter, "at": utc(NOW).isoformat()}
    answer = await town.client.post("/site-visits", json=sheet | {"answers": good | {"field_mt": 21}})
    assert answer.json()["errors"][0]["pointer"] == "/answers/field_mt"
    assert (await town.post("/site-visits", sheet | {"answers": good}, 201))["facts"] == good
    listed = (await town.get(f"/meters/{meter}/site-visits"))["items"]
    assert [row["kind"] for row in listed] == ["installation", "no_access"] and listed[1]["reason"] == "locked"
    async with town.world.client(town.world.a.token) as foreign:
        assert (await foreign.get(f"/meters/{meter}/site-visits")).json()["items"] == []
        other = await foreign.post("/site-visits", json=body | {"key": secrets.token_hex(8)})
        assert other.status_code == 404 and "门锁" not in other.text


async def test_the_platform_judges_the_test_on_the_spot_itself(town: Town) -> None:
    ((number, meter),) = await hung(town)
    since = NOW - 30
    path, state = f"/meters/{meter}/site-test", town.world.owner

    async def heard(at: int, rsrp: int, strange: int | None = None) -> None:
        await state.execute(
            "UPDATE meter_state SET last_seen_us = $2, rsrp_ddbm = $3, sinr_ddb = 0, strange_number = $4 WHERE meter_id = $1",
            meter, at * 1_000_000, rsrp, strange,
        )  # fmt: skip

    async def test(status: int = 201, **values: Any) -> Any:
        body = {"key": secrets.token_hex(8), "since": utc(since).isoformat()} | values
        return await town.post(path, body, status) if status == 201 else await town.refused(path, body)

    await heard(since - 1, -900)
    assert (await town.get(path, since=utc(since).isoformat()))["fault"] == "not-heard-yet"
    assert (await test(409, reason="地下室"))[0] == "not-heard-yet"  # no reason stands for a message
    await heard(since, -900, 12345)
    code, text = await test(409, reason="地下室")
    assert code == "pair-differs" and "12345" in text and number in text
    await heard(since, -1200)
    code, text = await test(409)
    assert code == "weak-signal" and "-120.0" in text
    taken = await test(reason="地下室，无他处可装")
    assert taken["facts"]["signal"] == "weak" and taken["reason"].startswith("地下室")
    await heard(since, -900)
    has_valve = (await town.get(path, since=utc(since).isoformat()))["closed"] is not None
    if has_valve:
        assert (await test(409))[0] == "valve-not-tested"
        for kind in ("valve_close", "valve_open"):
            await state.execute(
                "INSERT INTO command (tenant_id, meter_id, kind, lane, priority, unique_key, content, not_after, created_us, state)"
                " VALUES ($1, $2, $3, 1, 0, $4, '\\x00', 1, $5, 'confirmed')",
                town.utility.tenant_id, meter, kind, secrets.token_hex(8), NOW * 1_000_000,
            )  # fmt: skip
    assert (await test())["facts"]["signal"] == "strong"
    (loose,) = await town.issued()
    ids = {row["number"]: row["meter_id"] for row in (await town.get("/stock", life="issued"))["items"]}
    body = {"key": "loose", "since": utc(since).isoformat()}
    assert (await town.refused(f"/meters/{ids[loose]}/site-test", body))[0] == "not-hanging"


async def test_photographs_are_sealed_kept_once_and_each_look_is_noted(town: Town) -> None:
    ((_, meter),) = await hung(town)
    made = await send_photo(town, "photo-1", meter_id=meter)
    assert await send_photo(town, "photo-1", meter_id=meter) == made
    told = await send_photo(town, "photo-1", JPEG + b"x", 409, meter_id=meter)
    assert told["type"].endswith("act-key-used")
    for image, status, code in (
        (b"GIF89a" + bytes(20), 400, "photo-not-read"),
        (b"", 400, ""),
        (JPEG + bytes(700_000), 413, ""),
    ):
        told = await send_photo(town, secrets.token_hex(8), image, status, meter_id=meter)
        assert told["type"].endswith(code) and told["detail"]
    row = await town.world.owner.fetchrow("SELECT sealed, size FROM site_photo WHERE photo_id = $1", made["photo_id"])
    assert row["size"] == len(JPEG) and JPEG[:4] not in bytes(row["sealed"])
    seen = await town.client.get(f"/site-photos/{made['photo_id']}")
    assert (
        seen.content == JPEG
        and seen.headers["content-type"] == "image/jpeg"
        and seen.headers["cache-control"] == "no-store"
    )
    trail = await town.get("/audit", object_type="meter", object_id=str(meter))
    assert [line["action"] for line in trail["items"]][:2] == ["see_photo", "add_photo"]
    await town.world.owner.execute("UPDATE site_photo SET key = 'moved' WHERE photo_id = $1", made["photo_id"])
    moved = await town.client.get(f"/site-photos/{made['photo_id']}")
    assert moved.status_code == 409 and moved.json()["type"].endswith("photo-unreadable")
    async with town.world.client(town.world.a.token) as foreign:
        assert (await foreign.get(f"/site-photos/{made['photo_id']}")).status_code == 404
        assert (await foreign.get(f"/meters/{meter}/photos")).json()["items"] == []
    viewer = await town.world.user(town.utility, "viewer")
    async with town.world.client(viewer) as client:
        assert (await client.get(f"/site-photos/{made['photo_id']}")).status_code == 403
