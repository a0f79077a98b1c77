# SPDX-License-Identifier: Apache-2.0
"""Every quantity of ``points.toml`` from the frame to the screen's data, the file and the rules: value and unit equal (R1.2, R4.9).

The driver is made from the list itself, so that a line added there is tried as a spot value and as a series at once.
"""

import csv
import io
import secrets
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from importlib import resources
from typing import Any, cast

import pytest

from openmains.app.ingest.pipeline.replay import REPLAY, replay_handlers
from openmains.app.ingest.pipeline.worker import ShardWorker, Stream
from openmains.app.ingest.uplink import Uplink
from openmains.app.job.ports import ClaimedJob, JobCancelled
from openmains.app.readings.quantities import latest_values, unit_of
from openmains.domain.ids import MeterId, ProductId, TenantId
from openmains.domain.period import utc, zone
from openmains.drivers.catalog import Driver, load_from, pages_in
from openmains.drivers.model import MISSING_VALUE, Kind
from openmains.drivers.points import vocabulary
from openmains.edges.clickhouse.client import ClickHouse
from openmains.edges.clickhouse.frame_log import ClickHouseFrameLog
from openmains.edges.clickhouse.ingest import ClickHouseReadingSink
from openmains.edges.clickhouse.quantities import ClickHouseQuantities
from openmains.edges.postgres.db import Pool
from openmains.edges.postgres.ingest.pipeline_store import PostgresPipelineStore
from tests.edges.http.world import World, new_meter

ZONE = zone("Asia/Shanghai")
QUANTITIES = vocabulary().quantities
AS_SERIES = [name for name, kept in QUANTITIES.items() if not kept.logged]
HALF_HOUR = 1800
BALANCES: dict[str, dict[str, int]] = {
    "balance_volume": {"balance_kind": 1},
    "balance_unknown": {"balance_kind": MISSING_VALUE},
}
"""Said as ``balance``: what it counts is told by its kind."""


def page_of_all_points() -> str:
    """A driver with a message of all quantities as spot values, and one for each of them as a series."""
    spots = [name for name in QUANTITIES if name not in BALANCES]
    lines = [
        '[driver]\nname = "trial/points-1"\nmedium = "water"\ngrade = "reference"\nunit_exponent = -3\nzh = "z"\nen = "e"',
        '[frame]\nbyte_order = "big"\ntype = "message_type"\ncrc = "crc16-1021-0000"',
        '[header]\nfields = [\n{ name = "magic", type = "u16", value = 0x5454 },\n{ name = "message_type", type = "u8" },',
        '{ name = "frame_seq", type = "u16", point = "frame_seq" },\n{ name = "device_at", type = "u32", point = "device_at" },',
        '{ name = "meter_number", type = "bcd6", point = "meter_number" },\n]',
        '[[message]]\nname = "spots"\ntype = 1\nkind = "heartbeat"\nzh = "z"\nen = "e"\nfields = [',
        '{ name = "balance_kind", type = "u8", point = "balance_kind", missing = 255 },',
        *(f'{{ name = "{name}", type = "i32", point = "{name}", missing = -2147483648 }},' for name in spots),
        "]",
    ]
    for place, name in enumerate(AS_SERIES):
        lines += [
            f'[[message]]\nname = "run_{name}"\ntype = {place + 2}\nkind = "heartbeat"\nzh = "z"\nen = "e"\nfields = [',
            '{ name = "start_at", type = "u32", point = "start_at" },',
            '{ name = "interval_min", type = "u8", point = "interval_s", scale = 60, min = 1 },',
            '{ name = "count", type = "u8", max = 48 },',
            f'{{ name = "{name}", type = "i32", count = "count", series = "{name}", missing = -2147483648 }},\n]',
        ]
    lines.append('[[vector]]\nname = "v"\nsource = "synthetic"\nhex = "00"\nfault = "length"')
    return "\n".join(lines)


CATALOG = load_from(pages_in(resources.files("openmains.drivers")) | {"trial/points-1.toml": page_of_all_points()})


def value_of(name: str, step: int = 0) -> int:
    """A value of the quantity that no other one has here."""
    point = QUANTITIES[name].point
    value = 1000 + QUANTITIES[name].number * 7 + step
    return value if point.most is None or value < point.most else point.most - QUANTITIES[name].number - step


@dataclass
class House:
    """A meter of a driver, and the pipeline worked by hand."""

    world: World
    clickhouse: ClickHouse
    worker: ShardWorker
    driver: Driver
    meter_id: int
    product_id: int
    now_s: int
    sequence: int = 0
    seq: int = 0

    @property
    def midnight(self) -> int:
        """Start of the day before."""
        return ZONE.start_of(ZONE.day_of(self.now_s) - 1)

    def uplink(self, payload: bytes, at: int) -> Uplink:
        tenant = TenantId(self.world.a.tenant_id)
        return Uplink(MeterId(self.meter_id), tenant, ProductId(self.product_id), "coap", "r", at * 1_000_000, payload)

    async def rows_of_series(self) -> int:
        """Stored, before merges put them together. By tenant too: other tests use the same engine."""
        values = {"t": self.world.a.tenant_id, "m": self.meter_id}
        sql = "SELECT count() FROM series WHERE tenant_id = {t:UInt32} AND meter_id = {m:UInt64}"
        return int((await self.clickhouse.query(sql, values))[0][0])

    async def apply(self, *uplinks: Uplink) -> None:
        await self.worker._apply(list(uplinks), self.sequence, self.sequence + 1)
        self.sequence += 1

    async def say(
        self, message: str | None, at: int, kind: Kind = Kind.HEARTBEAT, clock: int | None = None, **values: Any
    ) -> Uplink:
        self.seq += 1
        head = {"frame_seq": self.seq, "device_at": at if clock is None else clock, "meter_number": 0}
        sent = self.uplink(self.driver.encode(kind, head | values, message), at + 5)
        await self.apply(sent)
        return sent

    async def get(self, path: str, status: int = 200, **params: Any) -> Any:
        async with self.world.client(self.world.a.token) as client:
            answer = await client.get(
                f"/meters/{self.meter_id}/{path}", params=params, headers={"Accept-Language": "en"}
            )
        assert answer.status_code == status, answer.text
        return answer.text if path.endswith(".csv") else answer.json()

    async def series(self, *names: str, start: int = 0, end: int = 0) -> list[dict[str, Any]]:
        left, right = start or self.midnight - 86_400, end or self.midnight + 3 * 86_400
        told = await self.get("series", **{"points": list(names), "from": iso(left), "to": iso(right)})
        return cast("list[dict[str, Any]]", told["series"])

    async def file(self, *names: str) -> list[dict[str, str]]:
        left, right = self.midnight - 86_400, self.midnight + 3 * 86_400
        text = await self.get("series.csv", **{"points": list(names), "from": iso(left), "to": iso(right)})
        return list(csv.DictReader(io.StringIO(text.lstrip("\ufeff"))))

    async def latest(self) -> dict[str, Any]:
        tenant, now = TenantId(self.world.a.tenant_id), self.now_s
        return (await latest_values(ClickHouseQuantities(self.clickhouse), tenant, [MeterId(self.meter_id)], now))[
            self.meter_id
        ]


def iso(at: int) -> str:
    return utc(at).isoformat()


async def _tell(topic: str, data: bytes) -> None:
    del topic, data


async def house_of(driver: str, world: World, clickhouse: ClickHouse, pipeline: Pool) -> House:
    medium = CATALOG.driver(driver).medium
    async with world.client(world.a.token) as client:
        product = await client.post(
            "/products",
            json={"code": f"q{secrets.token_hex(6)}", "name": "Q", "maker": "M", "model": "1", "driver": f"openmains/{medium}-1",
                  "qmax_l_h": 3125, "dial": 100_000_000},
        )  # fmt: skip
        assert product.status_code == 201, product.text
        product_id = product.json()["product_id"]
        meter = await client.post("/meters", json=new_meter(world.a, product_id=product_id))
        assert meter.status_code == 201, meter.text
    await world.owner.execute("UPDATE product SET driver = $2 WHERE product_id = $1", product_id, driver)
    store, sink = PostgresPipelineStore(pipeline), ClickHouseReadingSink(clickhouse)
    meter_id = meter.json()["meter_id"]
    worker = ShardWorker(
        20_000 + meter_id, cast(Stream, None), store, sink, CATALOG, tell=_tell, now_us=world.deps.now_us
    )
    return House(world, clickhouse, worker, CATALOG.driver(driver), meter_id, product_id, world.deps.now_s())


@pytest.fixture
async def house(world: World, clickhouse: ClickHouse, pipeline: Pool) -> AsyncIterator[House]:
    yield await house_of("trial/points-1", world, clickhouse, pipeline)


@pytest.fixture
async def water(world: World, clickhouse: ClickHouse, pipeline: Pool) -> AsyncIterator[House]:
    yield await house_of("openmains/water-1", world, clickhouse, pipeline)


def agrees(name: str, wanted: Sequence[tuple[int, int]], told: dict[str, Any], lines: list[dict[str, str]]) -> None:
    """Screen's data and file say (instant, value) as wanted, each with the unit of the list."""
    point = QUANTITIES[name].point
    unit, exponent = unit_of(point, -3)
    assert (told["point"], told["unit"], told["exponent"]) == (name, unit, exponent)
    assert told["title"] == {"zh": point.title.zh, "en": point.title.en}
    assert [(value["at"], value["value"]) for value in told["values"]] == [
        (iso(at).replace("+00:00", "Z"), value) for at, value in wanted
    ]
    assert [(line["point"], line["name"], line["unit"]) for line in lines] == [(name, point.title.en, unit)] * len(
        wanted
    )
    assert [Decimal(line["value"]) for line in lines] == [Decimal(value).scaleb(exponent) for _, value in wanted]
    assert [int(line["count"]) for line in lines] == [value for _, value in wanted]


@pytest.mark.parametrize("name", QUANTITIES)
async def test_a_spot_value_travels(house: House, name: str) -> None:
    at, value = house.midnight + 3600, value_of(name)
    said = {"balance": value} | BALANCES[name] if name in BALANCES else {name: value, "balance_kind": 0}
    await house.say("spots", at, **said)
    (told,) = await house.series(name)
    stored_at = at + 5 if QUANTITIES[name].logged else at
    agrees(name, [(stored_at, value)], told, await house.file(name))
    rule_input = (await house.latest())[name]
    assert (rule_input.at, rule_input.value) == (stored_at, value)
    (shown,) = (await house.get("quantities"))["items"]
    assert (shown["point"], shown["value"], shown["unit"], shown["exponent"]) == (
        name, value, *unit_of(QUANTITIES[name].point, -3),
    )  # fmt: skip


@pytest.mark.parametrize("name", AS_SERIES)
async def test_a_series_travels(house: House, name: str) -> None:
    start, values = house.midnight, [value_of(name, step) for step in range(48)]
    holed = [MISSING_VALUE if place == 7 else value for place, value in enumerate(values)]
    await house.say(f"run_{name}", start + 86_400 + 60, start_at=start, interval_s=HALF_HOUR, **{name: holed})
    (told,) = await house.series(name)
    (hole,) = [value for value in told["values"] if value["value"] is None]
    assert (hole["at"], hole["quality"]) == (iso(start + 7 * HALF_HOUR).replace("+00:00", "Z"), ["missing"])
    told["values"].remove(hole)
    lines = [line for line in await house.file(name) if line["count"]]
    agrees(name, [(start + k * HALF_HOUR, v) for k, v in enumerate(values) if k != 7], told, lines)
    assert {value["interval_s"] for value in told["values"]} == {HALF_HOUR}
    rule_input = (await house.latest())[name]
    assert (rule_input.at, rule_input.value) == (start + 47 * HALF_HOUR, values[47])


async def test_the_same_message_again_changes_nothing_and_a_later_one_takes_its_place(house: House) -> None:
    start, first = house.midnight, [2000 + k for k in range(48)]
    grid: dict[str, Any] = {"start_at": start, "interval_s": HALF_HOUR}
    sent = await house.say("run_pressure", start + 90_000, **grid, pressure=first)
    before = await house.rows_of_series()
    await house.apply(sent)
    await house.apply(sent, sent)
    assert (before, await house.rows_of_series()) == (1, 1)
    # a later message knows the second half only, and that otherwise: what it does not know stays
    later = [MISSING_VALUE] * 24 + [3000 + k for k in range(24)]
    await house.say("run_pressure", start + 93_600, **grid, pressure=later)
    for _ in range(2):
        (told,) = await house.series("pressure")
        assert [value["value"] for value in told["values"]] == first[:24] + later[24:]
        assert {tuple(value["quality"]) for value in told["values"]} == {()}
        await house.clickhouse.command("OPTIMIZE TABLE series FINAL")


async def test_a_batch_taken_again_after_a_kill_leaves_one_row(house: House) -> None:
    start = house.midnight
    grid: dict[str, Any] = {"start_at": start, "interval_s": HALF_HOUR}
    payload = house.driver.encode(
        Kind.HEARTBEAT,
        {"frame_seq": 9, "device_at": start + 90_000, "meter_number": 0, **grid, "pressure": [5] * 48},
        "run_pressure",
    )
    sent = house.uplink(payload, start + 90_005)
    before = await house.worker._store.load([MeterId(house.meter_id)])
    await house.apply(sent)
    effects = house.worker._processor.run([sent], before)  # the state from before, as after a kill between the stores
    await house.clickhouse.insert("series", effects.series)
    await house.clickhouse.command("OPTIMIZE TABLE series FINAL")
    assert await house.rows_of_series() == 1


async def test_a_clock_that_was_never_set_places_no_series_and_marks_spot_values(house: House) -> None:
    at = house.midnight + 3600
    await house.say("spots", at, clock=946_684_800, balance_kind=0, flow=77)
    await house.say("run_pressure", at, start_at=946_684_800, interval_s=HALF_HOUR, pressure=[1, 2, 3])
    flow, pressure = await house.series("flow", "pressure", start=946_000_000, end=house.now_s + 86_400)
    ((value,), nothing) = flow["values"], pressure["values"]
    assert (value["value"], value["quality"], nothing) == (77, ["suspect"], [])
    frames = (await house.get("frames"))["items"]
    assert {frame["outcome"] for frame in frames} == {"ok", "partial"}


async def test_what_cannot_be_is_left_out_and_what_is_beside_it_is_kept(house: House) -> None:
    at = house.midnight + 3600
    await house.say("spots", at, balance_kind=0, ph=2000, turbidity=120)
    ph, turbidity = await house.series("ph", "turbidity")
    assert ph["values"] == [] and [value["value"] for value in turbidity["values"]] == [120]
    assert (await house.get("frames"))["items"][0]["outcome"] == "partial"


async def test_volume_is_asked_for_beside_the_others(water: House) -> None:
    start, increments = water.midnight, [k % 5 for k in range(48)]
    await water.say(
        "enhanced", start + 90_000, Kind.REPORT, start_at=start, interval_s=HALF_HOUR, base=1000, increments=increments,
        register=1000 + sum(increments), pressure=[2500 + k for k in range(24)], pressure_interval_s=3600,
        temperature=123, vibration=15, flow=-40, daily_flow=10, daily_reverse=MISSING_VALUE, valve=0, balance_kind=0, balance=990,
        battery_mv=3600,
    )  # fmt: skip
    names = ("increments", "register", "pressure", "temperature", "flow", "daily_reverse", "balance", "battery_mv")
    volume, register, pressure, temperature, flow, reverse, balance, battery = await water.series(*names)
    assert [value["value"] for value in volume["values"]] == increments
    assert (volume["unit"], volume["exponent"], flow["unit"], flow["exponent"]) == ("m3", -3, "m3/h", -3)
    assert [value["value"] for value in register["values"]] == [1000 + sum(increments[:k]) for k in range(48)]
    assert [value["value"] for value in pressure["values"]] == [2500 + k for k in range(24)]
    assert [value["interval_s"] for value in pressure["values"]] == [3600] * 24
    assert [v["value"] for v in temperature["values"] + flow["values"] + balance["values"] + battery["values"]] == [
        123, -40, 990, 3600,
    ]  # fmt: skip
    assert reverse["values"] == []


async def test_what_is_asked_wrongly_is_said(house: House, world: World) -> None:
    period = {"from": iso(house.midnight), "to": iso(house.now_s)}
    wrong = await house.get("series", 400, points=["pressure", "presure"], **period)
    assert wrong["type"].endswith("/unknown-quantity") and "presure" in wrong["detail"]
    await house.get("series", 400, **period)
    await house.get("series", 400, points=["pressure"], **{"from": period["to"], "to": period["from"]})
    async with world.client(world.b.token) as client:
        for path in ("series", "series.csv"):
            answer = await client.get(f"/meters/{house.meter_id}/{path}", params={"points": ["pressure"], **period})
            assert answer.status_code == 404
        assert (await client.get(f"/meters/{house.meter_id}/quantities")).status_code == 404


class Context:
    """A job of the house's utility; stopped after ``steps`` looks at it."""

    def __init__(self, house: House, steps: int = 10**6, **params: Any) -> None:
        self.job = ClaimedJob(1, TenantId(house.world.a.tenant_id), REPLAY, params, "", float(house.now_s))
        self._left = steps

    def progress(self, done: int, total: int) -> None:
        del done, total

    def should_stop(self) -> bool:
        self._left -= 1
        return self._left < 0


async def test_old_frames_are_read_again_and_again_without_a_second_row(water: House) -> None:
    start = water.midnight
    for day in (0, 1):
        await water.say(
            "enhanced", start + day * 86_400 + 90_000, Kind.REPORT, start_at=start + day * 86_400, interval_s=HALF_HOUR, base=1000 + day * 96,
            increments=[2] * 48, register=1096 + day * 96, pressure=[2500 + k for k in range(24)], pressure_interval_s=3600,
            temperature=123, vibration=MISSING_VALUE, flow=40, daily_flow=10, daily_reverse=MISSING_VALUE, valve=0, balance_kind=0,
            balance=990, battery_mv=3600,
        )  # fmt: skip
    period = {"start": start, "end": start + 4 * 86_400}
    names = ("pressure", "temperature", "flow", "balance", "increments")
    before = await water.series(*names, **period)
    assert [len(told["values"]) for told in before] == [48, 2, 2, 2, 96]
    await water.clickhouse.command("DELETE FROM series WHERE meter_id = {m:UInt64}", {"m": water.meter_id})
    assert [len(told["values"]) for told in await water.series(*names, **period)] == [0, 0, 0, 2, 96]
    store, log = PostgresPipelineStore(water.worker._store._pool), ClickHouseFrameLog(water.clickhouse)  # type: ignore[attr-defined]
    run = replay_handlers(store, log, CATALOG)[REPLAY]
    with pytest.raises(JobCancelled):
        await run(Context(water, 0, days=30))
    done = await run(Context(water, days=30))
    assert done["frames"] >= 2 and done["values"] >= 52
    assert await water.series(*names, **period) == before
    await run(Context(water, days=30, again=True))
    for table in ("series", "signal"):
        await water.clickhouse.command(f"OPTIMIZE TABLE {table} FINAL")
    assert await water.series(*names, **period) == before
    rows = await water.clickhouse.query(
        "SELECT count() FROM series WHERE meter_id = {m:UInt64} AND point = 1", {"m": water.meter_id}
    )
    assert rows == [(2,)]


async def test_a_balance_alone_is_no_row_of_radio_and_battery(water: House) -> None:
    at = water.midnight + 3600
    said = {
        "command_serial": 5,
        "command_code": 0x99,
        "command_result": 0,
        "register": 5,
        "balance_kind": 0,
        "balance": 1234,
    }
    await water.say("command_result", at, Kind.COMMAND_RESULT, **said)
    (balance,) = await water.series("balance")
    assert [value["value"] for value in balance["values"]] == [1234]
    assert (await water.get("signals"))["items"] == []
