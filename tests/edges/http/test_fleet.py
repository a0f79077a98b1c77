# SPDX-License-Identifier: Apache-2.0
"""Areas, products, meters: changes with their trail, paging, search."""

import csv
import io
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from tests.edges.http.world import World, new_meter

CHINA = ZoneInfo("Asia/Shanghai")


async def test_meter_life_with_revisions_trail_and_changes_for_edges(world: World) -> None:
    async with world.client(world.a.token) as client:
        made = await client.post("/meters", json=new_meter(world.a, number="LIFE-1"))
        meter_id, etag = made.json()["meter_id"], made.headers["etag"]
        assert etag == '"1"'
        path = f"/meters/{meter_id}"
        assert (await client.patch(path, json={"address": "x"})).status_code == 428
        stale = await client.patch(path, json={"address": "x"}, headers={"If-Match": '"7"'})
        assert stale.status_code == 412
        changed = await client.patch(path, json={"address": "新街 3 号"}, headers={"If-Match": etag})
        assert changed.json()["address"] == "新街 3 号" and changed.headers["etag"] == '"2"'
        found = await client.get("/meters", params={"q": "新街"})
        assert meter_id in {m["meter_id"] for m in found.json()["items"]}
        late = await client.delete(path, params={"date": "2999-01-01"}, headers={"If-Match": '"2"'})
        assert late.json()["errors"][0] == {"pointer": "/date", "code": "in-the-future", "detail": "is in the future"}
        early = await client.delete(path, params={"date": "2020-01-01"}, headers={"If-Match": '"2"'})
        assert early.json()["errors"][0]["code"] == "before-installation"
        removed = await client.delete(
            path, params={"date": "2025-05-05", "reason": "replaced"}, headers={"If-Match": '"2"'}
        )
        assert removed.json()["removed_on"] == "2025-05-05" and removed.json()["imei"] is None
        again = await client.patch(path, json={"address": "y"}, headers={"If-Match": '"3"'})
        assert again.status_code == 409
        reused = await client.post("/meters", json=new_meter(world.a, imei=made.json()["imei"]))
        assert reused.status_code == 201, "the IMEI is free again"
        trail = await client.get("/audit", params={"object_type": "meter", "object_id": str(meter_id)})
        actions = [
            (e["action"], (e["before"] or {}).get("address"), e["after"]["address"]) for e in trail.json()["items"]
        ]
        assert [action for action, _, _ in actions] == ["remove_meter", "change_meter", "add_meter"]
        assert actions[1][1:] == ("人民路 12 号", "新街 3 号")
    seen = await world.owner.fetchval("SELECT count(*) FROM identity_change WHERE meter_id = $1", meter_id)
    assert seen == 3
    state = await world.owner.fetchrow("SELECT tenant_id, version FROM meter_state WHERE meter_id = $1", meter_id)
    assert state is not None and tuple(state) == (world.a.tenant_id, 0), "the pipeline knows a meter by its state"


async def test_taken_number_and_imei_also_of_another_tenant(world: World) -> None:
    async with world.client(world.a.token) as mine, world.client(world.b.token) as theirs:
        body = new_meter(world.a)
        assert (await mine.post("/meters", json=body)).status_code == 201
        assert (await mine.post("/meters", json=body)).status_code == 409
        taken = await theirs.post("/meters", json=new_meter(world.b, imei=body["imei"]))
        assert taken.status_code == 409 and taken.json()["type"].endswith("/number-taken")
        same_number = await theirs.post("/meters", json=new_meter(world.b, number=body["number"]))
        assert same_number.status_code == 201, "numbers are the tenant's own"


async def test_pages_are_stable_while_meters_come(world: World) -> None:
    async with world.client(world.b.token) as client:
        for number in range(7):
            answer = await client.post("/meters", json=new_meter(world.b, number=f"PAGE-{number}"))
            assert answer.status_code == 201
        for sort in ("number", "-number", "meter_id", "-meter_id"):
            everything = (await client.get("/meters", params={"sort": sort, "limit": 500})).json()["items"]
            seen: list[int] = []
            cursor = None
            while True:
                params = {"sort": sort, "limit": 3} | ({"cursor": cursor} if cursor else {})
                page = (await client.get("/meters", params=params)).json()
                seen += [m["meter_id"] for m in page["items"]]
                if not cursor:  # a meter that sorts before the place changes nothing after it
                    await client.post("/meters", json=new_meter(world.b, number="0-" + sort + str(len(seen))))
                cursor = page["next"]
                if cursor is None:
                    break
            known = [m["meter_id"] for m in everything]
            assert [m for m in seen if m in set(known)] == known
            assert len(seen) == len(set(seen))
        other = (await client.get("/meters", params={"sort": "number", "limit": 2})).json()["next"]
        wrong = await client.get("/meters", params={"sort": "-number", "cursor": other})
        assert wrong.status_code == 400 and wrong.json()["type"].endswith("/bad-cursor")


async def test_product_needs_a_driver_of_the_catalogue(world: World) -> None:
    async with world.client(world.a.token) as client:
        body = {"code": "q", "name": "Q", "maker": "M", "model": "1", "driver": "no/such"}
        answer = await client.post("/products", json=body)
        assert answer.json()["errors"][0]["code"] == "unknown-driver"
        drivers = (await client.get("/drivers")).json()["items"]
        assert drivers
        for driver in drivers:
            vectors = (await client.get(f"/drivers/{driver['name']}/vectors")).json()["items"]
            trace = await client.post(f"/drivers/{driver['name']}/explain", json={"hex": vectors[0]["payload_hex"]})
            assert trace.json()["fields"], driver["name"]
            broken = await client.post(f"/drivers/{driver['name']}/explain", json={"hex": "00 ff"})
            assert broken.status_code == 200
            assert (await client.post(f"/drivers/{driver['name']}/explain", json={"hex": "zz"})).status_code == 400


async def test_area_cannot_be_below_itself(world: World) -> None:
    async with world.client(world.a.token) as client:
        top = (await client.post("/areas", json={"code": "loop-1", "name": "1"})).json()["area_id"]
        below = (await client.post("/areas", json={"code": "loop-2", "name": "2", "parent_id": top})).json()["area_id"]
        answer = await client.patch(f"/areas/{top}", json={"parent_id": below, "reason": "test"})
        assert answer.json()["errors"][0]["code"] == "would-loop"
        lifted = await client.patch(f"/areas/{below}", json={"parent_id": None, "reason": "test"})
        assert lifted.json()["parent_id"] is None


async def test_everybody_sees_a_masked_phone_and_finds_the_meter_by_the_whole_one(world: World) -> None:
    async with world.client(world.a.token) as client:
        told = await client.post("/customers", json={"code": "c1", "name": "王五", "phone": "138 1234 5678"})
        assert told.status_code == 201, told.text
        made = (await client.post("/meters", json=new_meter(world.a, customer_id=told.json()["customer_id"]))).json()
        assert made["customer"]["phone"] == "138****78"
        for q in ("13812345678", "+86 138-1234-5678"):
            found = (await client.get("/meters", params={"q": q})).json()["items"]
            assert [row["number"] for row in found] == [made["number"]], q
        for q in ("1381234567", "12345678"):  # a part finds nothing
            assert (await client.get("/meters", params={"q": q})).json()["items"] == [], q
        elsewhere = {"q": "13812345678", "status": "removed"}
        assert (await client.get("/meters", params=elsewhere)).json()["items"] == []
    async with world.client(await world.user(world.a, "viewer")) as viewer:
        seen = (await viewer.get(f"/meters/{made['meter_id']}")).json()
        assert seen["customer"]["phone"] == "138****78" and seen["customer"]["name"] == "王五"
    texts = await world.owner.fetch("SELECT after::text FROM audit WHERE tenant_id = $1", world.a.tenant_id)
    assert not any("13812345678" in (row["after"] or "") for row in texts)


async def test_a_customers_flags_are_set_at_a_meter_and_hold_for_all_its_meters(world: World) -> None:
    customer = await world.owner.fetchval(
        "INSERT INTO customer (tenant_id, code, name) VALUES ($1, 'flags', '医院') RETURNING customer_id",
        world.a.tenant_id,
    )
    async with world.client(world.a.token) as client:
        meter, other = [
            (await client.post("/meters", json=new_meter(world.a, customer_id=customer))).json() for _ in range(2)
        ]
        path = f"/meters/{meter['meter_id']}"
        assert (meter["customer"]["is_protected"], meter["customer"]["is_critical"]) == (False, False)
        done = await client.patch(path, json={"is_critical": True}, headers={"If-Match": '"1"'})
        assert (done.status_code, done.headers["ETag"]) == (200, '"2"')
        seen = (await client.get(f"/meters/{other['meter_id']}")).json()["customer"]
        assert (seen["is_protected"], seen["is_critical"]) == (False, True)
        stale = await client.patch(path, json={"is_critical": False}, headers={"If-Match": '"1"'})
        assert stale.status_code == 412
        assert (await client.get(path)).json()["customer"]["is_critical"]
        nobody = (await client.post("/meters", json=new_meter(world.a))).json()
        refused = await client.patch(
            f"/meters/{nobody['meter_id']}", json={"is_protected": True}, headers={"If-Match": '"1"'}
        )
        assert refused.status_code == 400 and refused.json()["errors"][0]["pointer"] == "/is_protected"
    async with world.client(await world.user(world.a, "viewer")) as viewer:
        denied = await viewer.patch(path, json={"is_critical": False}, headers={"If-Match": '"2"'})
        assert denied.status_code == 403


async def test_a_meter_is_found_by_its_sim(world: World) -> None:
    async with world.client(world.a.token) as client:
        sim = {"imsi": "460047712300456", "iccid": "89860477123000004567"}
        made = (await client.post("/meters", json=new_meter(world.a, **sim))).json()["meter_id"]
        for q in ("460047712300456", "77123000004567"):
            found = (await client.get("/meters", params={"q": q})).json()["items"]
            assert [meter["meter_id"] for meter in found] == [made], q


async def test_a_drivers_page_is_told_field_by_field(world: World) -> None:
    async with world.client(world.a.token) as client:
        layout = (await client.get("/drivers/openmains/water-1/layout")).json()
        report = next(message for message in layout["messages"] if message["kind"] == "report")
        fields = {item["name"]: item for item in report["fields"]}
        assert fields["magic"]["accepted"] == "0x4f57" and fields["magic"]["offset"] == 0
        assert (fields["meter_number"]["offset"], fields["meter_number"]["size"]) == (10, 6)
        assert fields["device_at"]["point"] == "device_at"
        assert any(item["count"] for item in report["fields"]), "intervals are counted"
        by_hook = (await client.get("/drivers/cjt188/water-2004/layout")).json()
        assert by_hook["messages"] == [] and "register_values" in by_hook["points"]
        assert (await client.get("/drivers/no/such/layout")).status_code == 404


async def test_the_list_of_meters_is_a_file_with_the_chosen_columns(world: World) -> None:
    await world.owner.execute("UPDATE meter SET address = '=1+1 路' WHERE meter_id = $1", world.a.ids["meter_id"])
    async with world.client(world.a.token) as client:
        listed = (await client.get("/meters", params={"limit": 500})).json()["items"]
        asked = {"kind": "csv", "columns": "number,address,register,last_seen"}
        answer = await client.get("/meters/file", params=asked)
        assert answer.headers["content-disposition"] == 'attachment; filename="meters.csv"'
        rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
        assert rows[0] == ["meter number", "address", "register (m³)", "last seen"]
        assert [row[0] for row in rows[1:]] == [meter["number"] for meter in listed]
        assert any(row[1] == "'=1+1 路" for row in rows), "a formula in a spreadsheet"
        book = await client.get("/meters/file", params={"area_id": world.a.ids["area_id"]})
        assert book.content[:2] == b"PK"
        assert (await client.get("/meters/file", params={"columns": "number,secret"})).status_code == 400
        found = await client.get("/meters/file", params={"kind": "csv", "q": listed[0]["number"]})
        assert listed[0]["number"] in found.text and found.text.count("\n") == 2


async def test_dates_no_meter_can_have_are_refused_at_each_door_and_change_nothing(world: World) -> None:
    """``installed_on: 2200-01-01`` was answered 500 'nothing was changed' although it was, and stopped the copy of all tenants."""
    today = datetime.now(CHINA).date()
    tomorrow = (today + timedelta(days=1)).isoformat()
    async with world.client(world.a.token) as client:
        path = f"/meters/{world.a.ids['meter_id']}"
        etag = {"If-Match": (await client.get(path)).headers["etag"]}
        before = await world.owner.fetchval("SELECT count(*) FROM meter WHERE tenant_id = $1", world.a.tenant_id)
        for field, day, code in (
            ("installed_on", "2200-01-01", "in-the-future"),
            ("installed_on", tomorrow, "in-the-future"),
            ("installed_on", "1949-12-31", "before-1950"),
            ("installed_on", "0001-01-01", "before-1950"),
            ("expected_from", "2200-01-01", "too-far-ahead"),
            ("expected_from", "1949-12-31", "before-1950"),
        ):
            body = new_meter(world.a) | {field: day}
            for answer in (
                await client.post("/meters", json=body),
                await client.patch(path, json={field: day}, headers=etag),
                await client.post(f"/onboarding/{world.a.ids['unknown']}/accept", json=body | {"imei": None}),
            ):
                assert answer.status_code == 400, (field, day, answer.text)
                assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [(f"/{field}", code)]
        assert (await client.get(path)).headers["etag"] == etag["If-Match"]
        after = await world.owner.fetchval("SELECT count(*) FROM meter WHERE tenant_id = $1", world.a.tenant_id)
        assert after == before


async def test_readings_are_expected_from_the_registration_or_a_day_that_is_set_and_the_trail_tells(
    world: World,
) -> None:
    today = datetime.now(CHINA).date().isoformat()
    async with world.client(world.a.token) as client:
        body = new_meter(world.a, installed_on="2024-05-05")
        del body["expected_from"]
        made = await client.post("/meters", json=body)
        assert (made.status_code, made.json()["expected_from"], made.json()["report_mode"]) == (201, today, "day")
        path = f"/meters/{made.json()['meter_id']}"
        moved = await client.patch(path, json={"expected_from": "2024-06-01"}, headers={"If-Match": '"1"'})
        assert moved.json()["expected_from"] == "2024-06-01"
        trail = await client.get("/audit", params={"object_type": "meter", "object_id": path.rsplit("/", 1)[1]})
        told = [((e["before"] or {}).get("expected_from"), e["after"]["expected_from"]) for e in trail.json()["items"]]
        assert told == [(today, "2024-06-01"), (None, today)]


async def test_a_product_says_how_often_its_meters_report(world: World) -> None:
    body = {"name": "Q", "maker": "M", "model": "1", "driver": "openmains/water-1"}
    async with world.client(world.a.token) as client:
        given: list[tuple[dict[str, object], tuple[str, int] | None]] = [
            ({}, ("day", 86_400)),
            ({"report_s": 3_600}, ("day", 3_600)),
            ({"report_s": 864_000}, ("ten_days", 864_000)),
            ({"report_mode": "month"}, ("month", 31 * 86_400)),
            ({"report_mode": "month", "report_s": 28 * 86_400}, ("month", 28 * 86_400)),
            ({"report_mode": "week", "report_s": 86_400}, None),
        ]
        for place, (more, told) in enumerate(given):
            answer = await client.post("/products", json=body | {"code": f"mode-{place}"} | more)
            if told is None:
                assert answer.json()["errors"][0]["pointer"] == "/report_mode", answer.text
                continue
            assert (answer.json()["report_mode"], answer.json()["report_s"]) == told
        dense = (await client.get("/products", params={"limit": 500})).json()["items"]
        path = next(f"/products/{each['product_id']}" for each in dense if each["code"] == "mode-1")
        changes = [({"report_mode": "day"}, 3_600), ({"report_mode": "ten_days"}, 864_000), ({"report_s": 60}, 60)]
        for change, report_s in changes:
            assert (await client.patch(path, json=change)).json()["report_s"] == report_s
    row = await world.owner.fetchrow(
        "SELECT report_mode, report_mode_since IS NOT NULL, report_mode_before FROM product WHERE product_id = $1",
        int(path.rsplit("/", 1)[1]),
    )
    assert row is not None and tuple(row) == ("day", True, "day")  # twice in a day: the mode of the days before stays


async def test_a_meter_is_silent_when_two_of_its_reports_are_missed(world: World) -> None:
    async with world.client(world.a.token) as client:
        made = (await client.post("/meters", json=new_meter(world.a))).json()["meter_id"]

        async def silent(mode: str | None, days: int) -> bool:
            await world.owner.execute("UPDATE meter SET report_mode = $2 WHERE meter_id = $1", made, mode)
            await world.owner.execute(
                "UPDATE meter_state SET last_seen_us = (extract(epoch FROM now())::bigint - $2 * 86400::bigint) * 1000000"
                " WHERE meter_id = $1", made, days,
            )  # fmt: skip
            found = (await client.get("/meters", params={"status": "silent", "limit": 500})).json()["items"]
            return made in {meter["meter_id"] for meter in found}

        asked = [
            (None, 1),
            (None, 3),
            ("week", 13),
            ("week", 15),
            ("ten_days", 19),
            ("ten_days", 21),
            ("month", 61),
            ("month", 63),
        ]
        assert [await silent(mode, days) for mode, days in asked] == [False, True] * 4


async def test_a_blocked_meter_does_not_look_healthy(world: World) -> None:
    async with world.client(world.a.token) as client:
        made = (await client.post("/meters", json=new_meter(world.a))).json()
        path = f"/meters/{made['meter_id']}"
        held = await client.post(f"{path}/security/hold", json={"state": "blocked", "note": "stolen module"})
        assert held.status_code == 200, held.text
        (first, *_) = (await client.get(path)).json()["signs"]
        assert (first["code"], first["note"]) == ("blocked", "stolen module") and first["since"] is not None
        listed = (await client.get("/meters?limit=500")).json()["items"]
        signs = next(row["signs"] for row in listed if row["meter_id"] == made["meter_id"])
        assert signs[0]["code"] == "blocked"
        await client.post(f"{path}/security/release", json={"note": "found"})
        assert "blocked" not in [sign["code"] for sign in (await client.get(path)).json()["signs"]]
