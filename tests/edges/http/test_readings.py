# SPDX-License-Identifier: Apache-2.0
"""Readings, registers, frames and signals out of ClickHouse; what waits for a person."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from openmains.domain.period import date_to_day, day_to_date, zone
from openmains.drivers import catalog
from openmains.edges.clickhouse.client import ClickHouse
from tests.edges.http.world import World

DAY = date_to_day(datetime(2024, 3, 10, tzinfo=UTC).date())
START = zone("Asia/Shanghai").start_of(DAY)
DRIVER = catalog.load().driver("cjt188/gas-2004")  # of the world's products
COMMAND = DRIVER.command("valve_close", {"meter_number": 12345}, serial=7, counter=1, not_after=0)
ANSWER = DRIVER.vectors[0].frame


async def _store(clickhouse: ClickHouse, world: World) -> None:
    meter, tenant = world.a.ids["meter_id"], world.a.tenant_id
    for version, first in ((1, 99), (2, 10)):  # the second version replaces the first
        await clickhouse.insert(
            "meter_day",
            {
                "tenant_id": [tenant],
                "meter_id": [meter],
                "day": [day_to_date(DAY)],
                "area_id": [1],
                "product_id": [1],
                "base": [1000],
                "interval_s": [1800],
                "increments": [[first] + [10] * 46 + [0]],
                "quality": [[0] * 40 + [2] * 7 + [1]],
                "total": [first + 460],
                "flags": [1 << 10],
                "slots": [47],
                "measured": [40],
                "received_s": [START + 90_000],
                "version": [version],
            },
        )
    await clickhouse.insert(
        "register",
        {
            "tenant_id": [tenant] * 3,
            "meter_id": [meter] * 3,
            "at": [datetime.fromtimestamp(START + s, UTC) for s in (0, 60, 60)],
            "register": [1000, 1001, 1002],
            "flags": [0, 0, 2],
            "position": [0, 0, 1],
            "received_us": [START * 1_000_000 + s for s in range(3)],
            "version": [1, 2, 2],
        },
    )
    await clickhouse.insert(
        "frame",
        {
            "tenant_id": [tenant] * 3,
            "meter_id": [meter] * 3,
            "received_us": [1_789_000_000_123_456, 1_789_000_000_123_000, 1_789_000_000_122_000],
            "version": [1, 4711, 2],
            "direction": ["up", "down", "down"],
            "channel": ["coap", "lwm2m", "coap"],
            "path": ["/r", "19/1/0;command=valve_close", "2.04;answer"],
            "outcome": ["ok", "not_sent", "sent"],
            "payload": [bytes(range(256)), COMMAND, ANSWER],
        },
    )
    await clickhouse.insert(
        "signal",
        {
            "tenant_id": [tenant],
            "meter_id": [meter],
            "received_us": [1_789_000_000_123_456],
            "version": [1],
            "rsrp_ddbm": [-1080],
            "sinr_ddb": [80],
            "ecl": [1],
            "pci": [-2147483648],
            "cell": [5],
            "earfcn": [3],
            "battery_pct": [99],
            "battery_mv": [3600],
        },
    )


async def test_series_registers_frames_signals(world: World, clickhouse: ClickHouse) -> None:
    await _store(clickhouse, world)
    base = f"/meters/{world.a.ids['meter_id']}"
    span = {"from": "2024-03-10T00:00:00+08:00", "to": "2024-03-11T00:00:00+08:00"}
    async with world.client(world.a.token) as client:
        for step, points in (("day", 1), ("hour", 24), ("slot", 48), ("21600", 4), ("month", 1)):
            answer = await client.get(f"{base}/readings", params={**span, "step": step})
            series = answer.json()
            assert (series["total"], series["total_m3"]) == (470, "0.470"), (step, series)
            assert len(series["points"]) == points
            assert series["quality"] == {
                "measured_s": 72_000,
                "estimated_s": 12_600,
                "suspect_s": 0,
                "edited_s": 0,
                "missing_s": 1_800,
                "not_due_s": 0,
                "not_expected_s": 0,
            }
            assert series["points"][0]["rules"] == ["spike"]
        backwards = await client.get(f"{base}/readings", params={"from": span["to"], "to": span["from"]})
        assert backwards.status_code == 400 and backwards.json()["type"].endswith("/bad-range")
        many = await client.get(f"{base}/readings", params={**span, "step": "1"})
        assert many.json()["type"].endswith("/too-many-points")
        no_offset = await client.get(f"{base}/readings", params={**span, "from": "2024-03-10T00:00:00"})
        assert no_offset.status_code == 400

        seen, cursor = [], None
        for _ in range(3):
            params = {"limit": 1} | ({"cursor": cursor} if cursor else {})
            page = (await client.get(f"{base}/registers", params=params)).json()
            seen += [(r["register"], r["register_m3"], r["rules"]) for r in page["items"]]
            cursor = page["next"]
        assert seen == [(1002, "1.002", ["duplicate_different"]), (1001, "1.001", []), (1000, "1.000", [])]
        assert cursor is None

        frame = (await client.get(f"{base}/frames")).json()["items"][0]
        assert frame["payload_hex"] == bytes(range(256)).hex() and frame["outcome"] == "ok"
        assert (frame["direction"], frame["what"], frame["command_id"]) == ("up", "", None)
        command, answer = (await client.get(f"{base}/frames", params={"direction": "down"})).json()["items"]
        assert (command["what"], command["command_id"], command["command_kind"]) == ("command", 4711, "valve_close")
        assert (command["outcome"], command["payload_hex"]) == ("not_sent", COMMAND.hex())
        assert "".join(field["raw_hex"] for field in command["fields"]) == COMMAND.hex()
        assert (answer["what"], answer["outcome"]) == ("answer", "sent")
        assert "".join(field["raw_hex"] for field in answer["fields"]) == ANSWER.hex()
        assert len((await client.get(f"{base}/frames", params={"direction": "up"})).json()["items"]) == 1
        first = (await client.get(f"{base}/frames", params={"limit": 1, "direction": "down"})).json()
        then = await client.get(f"{base}/frames", params={"limit": 1, "direction": "down", "cursor": first["next"]})
        assert [item["what"] for item in (*first["items"], *then.json()["items"])] == ["command", "answer"]
        assert (await client.get(f"{base}/frames", params={"direction": "sideways"})).status_code == 400
        signal = (await client.get(f"{base}/signals")).json()["items"][0]
        assert (signal["rsrp_dbm"], signal["pci"], signal["coverage"]) == (-108.0, None, "CE1")


async def test_alarm_is_acknowledged_and_cleared_once(world: World) -> None:
    path = f"/alarms/{world.a.ids['alarm_id']}"
    async with world.client(world.a.token) as client:
        listed = (await client.get("/alarms", params={"status": "open"})).json()["items"]
        assert [a["delay_ms"] for a in listed if a["alarm_id"] == world.a.ids["alarm_id"]] == [2000]
        assert (await client.post(f"{path}/acknowledge")).json()["acknowledged_by"] == world.a.ids["user_id"]
        assert (await client.post(f"{path}/acknowledge")).status_code == 409
        assert (await client.post(f"{path}/clear", json={"reason": "seen to"})).json()["cleared_at"]
        assert (await client.post(f"{path}/clear", json={"reason": "again"})).status_code == 409


async def test_exception_is_judged_once_and_audited(world: World) -> None:
    path = f"/exceptions/{world.a.ids['exception_id']}/judge"
    async with world.client(world.a.token) as client:
        assert (await client.post(path, json={"verdict": "edit", "reason": "no value"})).status_code == 400
        done = await client.post(path, json={"verdict": "keep_estimate", "reason": "photo of the dial"})
        assert (done.json()["status"], done.json()["reason"]) == ("estimated", "photo of the dial")
        assert (await client.post(path, json={"verdict": "accept"})).status_code == 409
        trail = (await client.get("/audit", params={"limit": 1})).json()["items"][0]
        assert trail["action"] == "judge_exception"


async def test_edit_goes_into_the_stream_once_the_day_is_complete(clickhouse: ClickHouse, world: World) -> None:
    meter, day = world.a.ids["meter_id"], 19_700
    start = zone("Asia/Shanghai").start_of(day)
    finding = await world.owner.fetchval(
        "INSERT INTO reading_exception (tenant_id, meter_id, version, rule, at, day, value, expected)"
        " VALUES ($1, $2, 9, 10, $3, $4, 5000, 100) RETURNING exception_id",
        world.a.tenant_id,
        meter,
        start + 1800,
        day,
    )
    path, sent = f"/exceptions/{finding}/judge", len(world.stream.uplinks)
    wanted = {
        "verdict": "edit",
        "volume": 7,
        "reason": "photo of the dial",
        "start": at(start),
        "end": at(start + 3600),
    }
    async with world.client(world.a.token) as client:
        early = await client.post(path, json=wanted)
        assert (early.status_code, early.json()["type"]) == (409, "/api/v1/problems/day-open")
        await clickhouse.insert("meter_day", day_row(world.a.tenant_id, meter, day, start))
        await world.owner.execute(
            "INSERT INTO meter_state (meter_id, tenant_id, grid_at) VALUES ($1, $2, $3)"
            " ON CONFLICT (meter_id) DO UPDATE SET grid_at = excluded.grid_at",
            meter,
            world.a.tenant_id,
            start + 86_400,
        )
        for fault in ({"reason": " "}, {"volume": None}, {"volume": -1}, {"end": at(start + 1000)}, {"start": None}):
            answer = await client.post(path, json=wanted | fault)
            good = fault == {"start": None}  # from midnight on
            assert answer.status_code == (200 if good else 400), (fault, answer.text)
        done = answer.json()
        assert (done["status"], done["reason"]) == ("edited", "photo of the dial")
        assert (await client.post(path, json=wanted)).status_code == 409
        trail = (await client.get("/audit", params={"limit": 1})).json()["items"][0]
        assert (trail["action"], trail["before"]["volume"], trail["after"]["volume"]) == ("edit_reading", 4, 7)
    (edit,) = world.stream.uplinks[sent:]
    assert (edit.channel, edit.meter_id, edit.tenant_id) == ("edit", meter, world.a.tenant_id)
    told = json.loads(edit.payload)
    assert told.pop("edit_id") > 0
    assert told | {"user_id": 0} == {
        "exception_id": finding, "user_id": 0, "day": day, "base": 1000, "interval_s": 1800, "slots": 48, "first": 0,
        "count": 2, "volume": 7, "received_s": start + 90_000, "reason": "photo of the dial",
    }  # fmt: skip


def at(instant: int) -> str:
    return datetime.fromtimestamp(instant, UTC).isoformat()


def day_row(tenant_id: int, meter_id: int, day: int, start: int) -> dict[str, list[Any]]:
    """One stored day of 48 half hours of 2 litres each."""
    return {
        "tenant_id": [tenant_id], "meter_id": [meter_id], "day": [day_to_date(day)], "area_id": [1], "product_id": [1],
        "base": [1000], "interval_s": [1800], "increments": [[2] * 48], "quality": [[]], "total": [96], "flags": [0],
        "slots": [48], "measured": [48], "received_s": [start + 90_000], "version": [1],
    }  # fmt: skip


async def test_dead_letter_is_replayed_as_it_came(world: World) -> None:
    ids = {"ids": [world.a.ids["dead_letter_id"]]}
    async with world.client(world.a.token) as client:
        assert (await client.post("/dead-letters/replay", json=ids)).json() == ids
        assert (await client.post("/dead-letters/replay", json=ids)).json() == {"ids": []}
    uplink = world.stream.uplinks[-1]
    assert (uplink.payload, uplink.received_us, uplink.tenant_id) == (b"\x01\x02", 1700000000123456, world.a.tenant_id)


async def test_import_is_kept_whole_and_asked_for_once(world: World) -> None:
    async with world.client(world.a.token) as client:
        file = {"data": ("meters.csv", b"number\n1\n")}
        first = await client.post("/imports", files=file)
        again = await client.post("/imports", files=file)
        assert first.status_code == again.status_code == 202, first.text
        assert first.json()["job_id"] == again.json()["job_id"]
        path = await world.owner.fetchval("SELECT file_path FROM job WHERE job_id = $1", first.json()["job_id"])
        with open(path, "rb") as stored:  # noqa: PTH123, ASYNC230 a few bytes
            assert stored.read() == b"number\n1\n"
        errors = Path(path).with_suffix(".errors.en.csv")
        await asyncio.to_thread(errors.write_text, "row,column")
        await world.owner.execute(
            "UPDATE job SET status = 'done', result = jsonb_build_object('error_file_en', $2::text) WHERE job_id = $1",
            first.json()["job_id"],
            str(errors),
        )
        shown = await client.get(f"/jobs/{first.json()['job_id']}")
        assert shown.json()["result"] == {"error_file_en": errors.name}
        got = await client.get(f"/jobs/{first.json()['job_id']}/file", params={"which": "errors"})
        assert got.text == "row,column"
        async with world.client(world.b.token) as other:
            stolen = await other.get(f"/jobs/{first.json()['job_id']}/file", params={"which": "errors"})
            assert stolen.status_code == 404
        later = await client.post("/imports", files=file)
        assert later.json()["job_id"] != first.json()["job_id"], "a finished one may be asked for again"
        refused = await client.post("/imports", files={"data": ("x.pdf", b"%PDF-1.4")})
        assert refused.status_code == 400 and refused.json()["errors"][0]["code"] == "not-csv-or-xlsx"
