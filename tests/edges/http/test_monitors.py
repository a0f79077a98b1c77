# SPDX-License-Identifier: Apache-2.0
"""Monitors (R3.7): registered, found and listed as devices, in no count of meters and no report; their values watched by limits."""

import secrets
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any, cast

import pytest

from openmains.app.fleet.imports.import_meters import import_meters
from openmains.app.fleet.sync_dims import sync_dims
from openmains.app.ingest.pipeline.worker import ShardWorker, Stream
from openmains.domain.fleet.identifiers import imei_of
from openmains.domain.ids import TenantId
from openmains.drivers.model import Kind
from openmains.edges.clickhouse.client import ClickHouse
from openmains.edges.clickhouse.fleet import MeterDims
from openmains.edges.clickhouse.ingest import ClickHouseReadingSink
from openmains.edges.postgres.db import Pool
from openmains.edges.postgres.fleet.imports import ChangedMeters, PostgresImport
from openmains.edges.postgres.ingest.pipeline_store import PostgresPipelineStore
from openmains.edges.postgres.queries import load
from tests.edges.http.test_quantities import CATALOG, House, _tell, iso
from tests.edges.http.world import World, new_meter
from tests.support.personal import personal_vault

PRESSURE = {"quantity": "pressure", "low": 2000, "high": 4000, "hysteresis": 50, "severity": "critical"}
WHY = {"reason": "limits of the pressure zone"}


async def product_of(world: World, driver: str) -> dict[str, Any]:
    body = {"code": f"m{secrets.token_hex(6)}", "name": "M", "maker": "M", "model": "1", "driver": driver}
    async with world.client(world.a.token) as client:
        answer = await client.post("/products", json=body)
    assert answer.status_code == 201, answer.text
    return cast("dict[str, Any]", answer.json())


async def monitor_of(world: World, clickhouse: ClickHouse, pipeline: Pool, driver: str) -> House:
    product_id = (await product_of(world, driver))["product_id"]
    async with world.client(world.a.token) as client:
        added = await client.post("/meters", json=new_meter(world.a, product_id=product_id))
    assert added.status_code == 201, added.text
    meter_id = added.json()["meter_id"]
    store, sink = PostgresPipelineStore(pipeline), ClickHouseReadingSink(clickhouse)
    worker = ShardWorker(
        20_000 + meter_id, cast(Stream, None), store, sink, CATALOG, tell=_tell, now_us=world.deps.now_us
    )
    return House(world, clickhouse, worker, CATALOG.driver(driver), meter_id, product_id, world.deps.now_s())


@pytest.fixture
async def gauge(world: World, clickhouse: ClickHouse, pipeline: Pool) -> AsyncIterator[House]:
    yield await monitor_of(world, clickhouse, pipeline, "openmains/pressure-1")


async def report(gauge: House, at: int, *pressures: int, **more: Any) -> None:
    """Half hours up to ``at``."""
    start = at - 1800 * (len(pressures) - 1)
    await gauge.say("report", at, Kind.REPORT, start_at=start, interval_s=1800, pressure=list(pressures), **more)


async def alarms(gauge: House, **params: Any) -> list[dict[str, Any]]:
    async with gauge.world.client(gauge.world.a.token) as client:
        answer = await client.get("/alarms", params={"meter_id": gauge.meter_id, **params})
    return cast("list[dict[str, Any]]", answer.json()["items"])


async def set_limits(gauge: House, path: str, *items: dict[str, Any], status: int = 200) -> dict[str, Any]:
    async with gauge.world.client(gauge.world.a.token) as client:
        answer = await client.put(f"/{path}/limits", json={"items": list(items)}, params=WHY)
    assert answer.status_code == status, answer.text
    gauge.worker._learned_at = float("-inf")
    return cast("dict[str, Any]", answer.json())


async def test_a_product_is_what_its_driver_says_for_ever(world: World) -> None:
    monitor, meter = await product_of(world, "openmains/pump-1"), await product_of(world, "openmains/water-1")
    assert (monitor["kind"], meter["kind"]) == ("pump", "meter")
    async with world.client(world.a.token) as client:
        for product, driver in (
            (monitor, "openmains/water-1"),
            (monitor, "openmains/flow-1"),
            (meter, "openmains/flow-1"),
        ):
            answer = await client.patch(f"/products/{product['product_id']}", json={"driver": driver})
            assert answer.status_code == 400
            assert answer.json()["errors"][0]["pointer"] == "/driver", answer.text


async def test_a_device_stays_what_it_is_and_a_monitor_has_no_customer(gauge: House) -> None:
    world = gauge.world
    water = await product_of(world, "openmains/water-1")
    customer = await world.owner.fetchval(
        "INSERT INTO customer (tenant_id, code, name) VALUES ($1, $2, 'N') RETURNING customer_id",
        world.a.tenant_id, secrets.token_hex(8),
    )  # fmt: skip
    async with world.client(world.a.token) as client:
        etag = (await client.get(f"/meters/{gauge.meter_id}")).headers["ETag"]
        for change, pointer in (
            ({"product_id": water["product_id"]}, "/product_id"),
            ({"customer_id": customer}, "/customer_id"),
        ):
            answer = await client.patch(f"/meters/{gauge.meter_id}", json=change, headers={"If-Match": etag})
            assert answer.status_code == 400, answer.text
            assert answer.json()["errors"][0]["pointer"] == pointer
        body = new_meter(world.a, product_id=gauge.product_id, customer_id=customer)
        assert (await client.post("/meters", json=body)).status_code == 400


async def test_it_is_in_lists_only_where_it_is_asked_for(gauge: House) -> None:
    path = f"/meters/{gauge.meter_id}"
    async with gauge.world.client(gauge.world.a.token) as client:
        number = (await client.get(path)).json()["number"]

        async def listed(**params: Any) -> bool:
            found = (await client.get("/meters", params={"limit": 500, "sort": "-meter_id", **params})).json()["items"]
            assert all(
                (item["kind"] == "meter") == (params.get("kind", "meter") == "meter") or params["kind"] == "any"
                for item in found
            )
            return gauge.meter_id in [item["meter_id"] for item in found]

        assert not await listed()
        assert not await listed(kind="flow")
        for kind in ("monitor", "pressure", "any"):
            assert await listed(kind=kind), kind
            assert await listed(kind=kind, q=number), kind
            assert await listed(kind=kind, q=number, status="never_seen"), kind
        assert not await listed(q=number)
        assert not await listed(product_id=gauge.product_id)
        assert await listed(product_id=gauge.product_id, kind="monitor")
        file = await client.get("/meters/file", params={"kind": "csv", "devices": "monitor", "sort": "-meter_id"})
        assert number in file.text
        assert (
            f"\n{number}," not in (await client.get("/meters/file", params={"kind": "csv", "sort": "-meter_id"})).text
        )


async def test_no_report_and_no_sum_knows_it(gauge: House, owner: Pool, clickhouse: ClickHouse) -> None:
    await report(gauge, gauge.midnight + 7200, 3000, 3001, 3002)
    await sync_dims(ChangedMeters(owner), MeterDims(clickhouse))
    asked = {"meter": gauge.meter_id}
    for table in ("meter_dim", "meter_day", "day_total", "register"):
        (count,) = await clickhouse.query(f"SELECT count() FROM {table} WHERE meter_id = {{meter:UInt64}}", asked)  # noqa: S608
        assert count[0] == 0, table
    left, right = iso(gauge.midnight), iso(gauge.midnight + 86_400)
    for path, params in (
        ("readings", {"from": left, "to": right}),
        ("registers", {}),
        ("series", {"points": ["increments"], "from": left, "to": right}),
    ):
        told = await gauge.get(path, 409, **params)
        assert told["type"].endswith("no-registers"), told
    state = await gauge.world.owner.fetchrow("SELECT * FROM meter_state WHERE meter_id = $1", gauge.meter_id)
    assert state is not None
    assert state["register"] is None
    assert state["last_seen_us"]


async def test_its_values_are_listed_with_what_is_beyond(gauge: House) -> None:
    await set_limits(gauge, f"products/{gauge.product_id}", PRESSURE)
    await report(gauge, gauge.midnight + 7200, 3000, 3001, 1500, temperature=181, battery_mv=3600)
    async with gauge.world.client(gauge.world.a.token) as client:
        rows: list[dict[str, Any]] = []
        cursor: str | None = None
        while cursor is not None or not rows:
            answer = await client.get(
                "/monitors", params={"kind": "pressure", "limit": 2} | ({"cursor": cursor} if cursor else {})
            )
            assert answer.status_code == 200, answer.text
            rows += answer.json()["items"]
            cursor = answer.json()["next"]
            if cursor is None:
                break
    (mine,) = [row for row in rows if row["meter"]["meter_id"] == gauge.meter_id]
    assert {value["point"]: value["value"] for value in mine["values"]} == {
        "pressure": 1500,
        "temperature": 181,
        "battery_mv": 3600,
    }
    assert mine["beyond"] == [{"quantity": "pressure", "side": "below"}]
    assert mine["meter"]["kind"] == "pressure"


async def test_how_its_values_went_is_asked_for_in_hours_and_no_peak_is_lost(gauge: House) -> None:
    at = gauge.now_s - 600
    await report(gauge, at, *(3000 + place for place in range(40)), 9000, 10, 3040)
    async with gauge.world.client(gauge.world.a.token) as client:

        async def curves(**params: Any) -> list[dict[str, Any]]:
            answer = await client.get("/monitors", params={"kind": "pressure", "limit": 200, **params})
            assert answer.status_code == 200, answer.text
            (mine,) = [row for row in answer.json()["items"] if row["meter"]["meter_id"] == gauge.meter_id]
            return cast("list[dict[str, Any]]", mine["curves"])

        assert await curves() == []
        (drawn,) = await curves(curve_h=6)
        assert (drawn["point"], drawn["unit"], drawn["exponent"]) == ("pressure", "kPa", -1)
        parts = drawn["parts"]
        assert (min(part["low"] for part in parts), max(part["high"] for part in parts)) == (10, 9000)
        assert len(parts) == 12, "the half hours of six hours"
        assert (await client.get("/monitors", params={"curve_h": 73})).status_code == 400


async def test_what_changed_is_asked_for_by_itself(gauge: House) -> None:
    """The console asks for newest values often, and for curves of those alone that said something since."""
    world, other = gauge.world, await meter_of(gauge.world)
    async with world.client(world.a.token) as client:
        named = (
            await client.get("/monitors", params={"meters": f"{gauge.meter_id},{other},999999999", "curve_h": 24})
        ).json()
        assert [row["meter"]["meter_id"] for row in named["items"]] == [gauge.meter_id] and named["next"] is None
        answer = await client.get("/monitors", params={"meters": "1,x"})
        assert answer.status_code == 400 and answer.json()["type"].endswith("invalid-input")
    async with world.client(world.b.token) as stranger:
        assert (await stranger.get("/monitors", params={"meters": str(gauge.meter_id)})).json()["items"] == []


async def meter_of(world: World) -> int:
    async with world.client(world.a.token) as client:
        added = await client.post("/meters", json=new_meter(world.a))
    assert added.status_code == 201, added.text
    return int(added.json()["meter_id"])


async def test_a_limit_of_the_product_raises_counts_and_ends_an_alarm(gauge: House) -> None:
    told = await set_limits(gauge, f"products/{gauge.product_id}", PRESSURE)
    assert [item["quantity"] for item in told["quantities"]][:2] == ["pressure", "temperature"]
    at = gauge.midnight + 7200
    await report(gauge, at, 3000, 1990, 2010)
    (alarm,) = await alarms(gauge)
    assert (alarm["event"], alarm["quantity"], alarm["severity"]) == ("below_limit", "pressure", "critical")
    assert (alarm["value"], alarm["bound"], alarm["unit"], alarm["exponent"]) == (1990, 2000, "kPa", -1)
    assert alarm["raised_at"] == iso(at - 1800).replace("+00:00", "Z")
    await report(gauge, at + 3600, 1900, 1800)
    (alarm,) = await alarms(gauge)
    assert (alarm["occurrences"], alarm["value"], alarm["cleared_at"]) == (2, 1900, None)
    async with gauge.world.client(gauge.world.a.token) as client:
        shown = (await client.get("/meters", params={"kind": "any", "status": "alarm", "limit": 500})).json()["items"]
        assert gauge.meter_id in [item["meter_id"] for item in shown]
    await report(gauge, at + 7200, 2000, 2060)
    (alarm,) = await alarms(gauge)
    assert alarm["cleared_at"] is not None
    await report(gauge, at - 3600, 100)  # older than what was judged: says nothing of now
    assert len(await alarms(gauge, status="open")) == 0


async def test_who_clears_it_by_hand_hears_of_it_again(gauge: House) -> None:
    await set_limits(gauge, f"meters/{gauge.meter_id}", PRESSURE)
    at = gauge.midnight + 7200
    await report(gauge, at, 4500)
    (alarm,) = await alarms(gauge, status="open")
    async with gauge.world.client(gauge.world.a.token) as client:
        done = await client.post(f"/alarms/{alarm['alarm_id']}/clear", json={"reason": "looked at it on the spot"})
        assert done.status_code == 200, done.text
    await report(gauge, at + 1800, 4600)
    (again,) = await alarms(gauge, status="open")
    assert (again["event"], again["value"]) == ("above_limit", 4600)


async def test_two_quantities_have_an_alarm_each(gauge: House) -> None:
    temperature = {"quantity": "temperature", "high": 300, "severity": "minor"}
    await set_limits(
        gauge, f"products/{gauge.product_id}", PRESSURE, temperature, {"quantity": "battery_mv", "low": 3300}
    )
    await report(gauge, gauge.midnight + 7200, 4500, temperature=400, battery_mv=3000)
    found = {(alarm["event"], alarm["quantity"]): alarm["severity"] for alarm in await alarms(gauge, status="open")}
    assert found == {
        ("above_limit", "pressure"): "critical",
        ("above_limit", "temperature"): "minor",
        ("below_limit", "battery_mv"): "major",
    }


async def test_a_devices_own_limit_stands_in_place_and_what_is_unwatched_has_no_alarm(gauge: House) -> None:
    await set_limits(gauge, f"products/{gauge.product_id}", PRESSURE)
    await report(gauge, gauge.midnight + 7200, 1900)
    assert len(await alarms(gauge, status="open")) == 1
    told = await set_limits(gauge, f"meters/{gauge.meter_id}", {"quantity": "pressure"})
    assert told["in_force"] == []
    assert len(await alarms(gauge, status="open")) == 0
    await report(gauge, gauge.midnight + 9000, 1800)
    assert len(await alarms(gauge, status="open")) == 0
    await set_limits(gauge, f"meters/{gauge.meter_id}", PRESSURE | {"low": 1000})
    await report(gauge, gauge.midnight + 10_800, 1800, 900)
    (alarm,) = await alarms(gauge, status="open")
    assert (alarm["value"], alarm["bound"]) == (900, 1000)
    await set_limits(gauge, f"meters/{gauge.meter_id}")
    assert len(await alarms(gauge, status="open")) == 1, "its product still watches it"
    await set_limits(gauge, f"products/{gauge.product_id}")
    assert len(await alarms(gauge, status="open")) == 0


@pytest.mark.parametrize(
    ("items", "pointer"),
    [
        ([{"quantity": "flow", "low": 1}], "/items/0/quantity"),
        ([{"quantity": "nonsense", "low": 1}], "/items/0/quantity"),
        ([PRESSURE, PRESSURE], "/items/1/quantity"),
        ([{"quantity": "pressure"}], "/items/0/low"),
        ([PRESSURE | {"low": 5000}], "/items/0/high"),
        ([PRESSURE | {"hysteresis": 1001}], "/items/0/hysteresis"),
        ([PRESSURE | {"high": 10_000_000}], "/items/0/high"),
        ([PRESSURE | {"severity": "awful"}], "/items[0]/severity"),
    ],
)
async def test_limits_that_cannot_be_are_refused_by_place(
    gauge: House, items: list[dict[str, Any]], pointer: str
) -> None:
    await set_limits(gauge, f"products/{gauge.product_id}", PRESSURE)
    told = await set_limits(gauge, f"products/{gauge.product_id}", *items, status=400)
    assert pointer in [error["pointer"] for error in told["errors"]], told
    async with gauge.world.client(gauge.world.a.token) as client:
        kept = (await client.get(f"/products/{gauge.product_id}/limits")).json()
        assert [item["low"] for item in kept["items"]] == [2000]
        bare = await client.put(f"/products/{gauge.product_id}/limits", json={"items": []})
        assert bare.status_code == 400
        assert bare.json()["type"].endswith("reason-needed")


async def test_a_file_registers_monitors_and_turns_none_into_a_meter(
    gauge: House, pipeline: Pool, tmp_path: Path
) -> None:
    world = gauge.world
    water = await product_of(world, "openmains/water-1")
    async with world.client(world.a.token) as client:
        codes = {item["product_id"]: item["code"] for item in (await client.get("/products?limit=500")).json()["items"]}
        area = (await client.get("/areas")).json()["items"][0]["code"]
        number = (await client.get(f"/meters/{gauge.meter_id}")).json()["number"]
    fresh = f"P{secrets.token_hex(5)}"
    lines = [
        "number,product,area,installed_on,imei,customer_code",
        f"{fresh},{codes[gauge.product_id]},{area},2026-01-01,{imei_of(35_000_000_000_000 + secrets.randbelow(10**12))},",
        f"{fresh}x,{codes[gauge.product_id]},{area},2026-01-01,,C1",
        f"{number},{water['code']},{area},2026-01-01,,",
    ]
    path = tmp_path / "monitors.csv"
    path.write_text("\n".join(lines), "utf-8")
    async with PostgresImport(pipeline, personal_vault(pipeline)) as store:
        result = await import_meters(path, TenantId(world.a.tenant_id), store, today=date(2026, 11, 1), partial=True)
    assert result.inserted == 1
    assert [(error.row, error.reason) for error in result.errors] == [(3, "monitor_customer"), (4, "other_kind")]
    async with world.client(world.a.token) as client:
        found = (await client.get("/meters", params={"kind": "pressure", "q": fresh})).json()["items"]
    assert [item["number"] for item in found] == [fresh]


async def test_meters_are_counted_without_monitors(gauge: House) -> None:
    queries = load("openmains.edges.postgres.system")
    tenant = gauge.world.a.tenant_id
    counted = await queries["waiting_for"].fetchrow(gauge.world.owner, tenant_id=tenant)
    assert counted is not None
    async with gauge.world.client(gauge.world.a.token) as client:
        meters = (await client.get("/meters", params={"status": "active", "limit": 500})).json()["items"]
        monitors = (await client.get("/meters", params={"status": "active", "kind": "monitor", "limit": 500})).json()[
            "items"
        ]
    assert counted["meters"] == len(meters)
    assert counted["monitors"] == len(monitors) > 0
