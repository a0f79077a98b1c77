# SPDX-License-Identifier: Apache-2.0
"""Readings of many meters at once: registers at an instant, values as files, sums with their gaps, kept questions."""

import csv
import io
import random
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import httpx
import pyarrow as pa
import pyarrow.ipc as ipc
import pyarrow.parquet as pq
import pytest
from python_calamine import CalamineWorkbook

from openmains.app.fleet.sync_dims import sync_dims
from openmains.domain.ids import AreaId, MeterId, TaskId
from openmains.domain.period import day_to_date, utc, zone
from openmains.domain.readings.at_instant import register_at
from openmains.domain.readings.expected import Expectation, Mode, Modes, Standing
from openmains.domain.readings.model import DayRow, RegisterRow
from openmains.domain.readings.quality import Rule, Slot, slot_names
from openmains.domain.readings.tasks import Frequency, Level, Place, Task, chain_of
from openmains.drivers.points import vocabulary
from openmains.edges.clickhouse.client import ClickHouse
from openmains.edges.clickhouse.fleet import MeterDims
from openmains.edges.postgres.db import Pool
from openmains.edges.postgres.fleet.imports import ChangedMeters
from tests.edges.http.world import Utility, World, new_meter

ZONE = zone("Asia/Shanghai")
DAY = 20_250
START = ZONE.start_of(DAY)
NUMBERS = {name: kept.number for name, kept in vocabulary().quantities.items()}


@dataclass
class Town:
    """A utility of its own, whose meters are stored row by row."""

    world: World
    clickhouse: ClickHouse
    utility: Utility
    meters: dict[str, int] = field(default_factory=dict)  # by number
    days: dict[int, list[DayRow]] = field(default_factory=dict)
    received: dict[int, list[RegisterRow]] = field(default_factory=dict)

    async def add(self, **values: Any) -> int:
        async with self.world.client(self.utility.token) as client:
            answer = await client.post("/meters", json=new_meter(self.utility, **values))
        assert answer.status_code == 201, answer.text
        meter = answer.json()
        self.meters[meter["number"]] = meter["meter_id"]
        return int(meter["meter_id"])

    async def store(self, meter: int, rows: list[DayRow], version: int = 1) -> None:
        self.days.setdefault(meter, []).extend(rows)
        flat = [row.quality or [0] * len(row.increments) for row in rows]
        await self.clickhouse.insert(
            "meter_day",
            {
                "tenant_id": [self.utility.tenant_id] * len(rows),
                "meter_id": [meter] * len(rows),
                "day": [day_to_date(row.day) for row in rows],
                "area_id": [self.utility.ids["area_id"]] * len(rows),
                "product_id": [self.utility.ids["product_id"]] * len(rows),
                "base": [row.base for row in rows],
                "interval_s": [row.interval_s for row in rows],
                "increments": [row.increments for row in rows],
                "quality": [row.quality if any(row.quality) else [] for row in rows],
                "total": [sum(row.increments) for row in rows],
                "flags": [row.flags for row in rows],
                "slots": [sum(not mark & Slot.MISSING for mark in marks) for marks in flat],
                "measured": [sum(not mark & (Slot.MISSING | Slot.ESTIMATED) for mark in marks) for marks in flat],
                "received_s": [ZONE.start_of(row.day + 1) + 7_200 for row in rows],
                "version": [version] * len(rows),
            },
        )

    async def receive(self, meter: int, rows: list[RegisterRow]) -> None:
        self.received.setdefault(meter, []).extend(rows)
        await self.clickhouse.insert(
            "register",
            {
                "tenant_id": [self.utility.tenant_id] * len(rows),
                "meter_id": [meter] * len(rows),
                "at": [utc(row.at) for row in rows],
                "register": [row.register for row in rows],
                "flags": [row.flags for row in rows],
                "position": list(range(len(rows))),
                "received_us": [row.at * 1_000_000 for row in rows],
                "version": [1] * len(rows),
            },
        )

    async def say(
        self, meter: int, point: str, at: int, every: int, values: list[int], version: int = 1, **more: Any
    ) -> None:
        await self.clickhouse.insert(
            "series",
            {
                "tenant_id": [self.utility.tenant_id], "meter_id": [meter], "point": [NUMBERS[point]], "start_s": [at],
                "version": [version], "interval_s": [every], "values": [values], "quality": [more.get("quality", [])],
                "received_us": [at * 1_000_000],
            },
        )  # fmt: skip

    async def get(self, path: str, expected: int = 200, token: str = "", **params: Any) -> httpx.Response:
        async with self.world.client(token or self.utility.token) as client:
            answer = await client.get(path, params=params)
        assert answer.status_code == expected, answer.text
        return answer

    async def trail(self, action: str) -> list[dict[str, Any]]:
        listed = (await self.get("/audit", limit=200)).json()["items"]
        return [entry["after"] for entry in listed if entry["action"] == action]

    async def dimensions(self, pool: Pool) -> None:
        await sync_dims(ChangedMeters(pool), MeterDims(self.clickhouse))


@pytest.fixture
async def town(world: World, clickhouse: ClickHouse) -> AsyncIterator[Town]:
    yield Town(world, clickhouse, await world.utility())


def code_of(answer: httpx.Response) -> str:
    return str(answer.json()["type"]).rsplit("/", 1)[-1].rsplit(":", 1)[-1]


def iso(at: int) -> str:
    return utc(at).isoformat()


def some_days(chance: random.Random, first: int, count: int) -> list[DayRow]:
    """Days in a row, some slots estimated, interpolated, edited or missing, some days not there at all."""
    rows, base = [], chance.randrange(10_000)
    for number in range(first, first + count):
        increments = [chance.choice((0, 0, 3, 17)) for _ in range(48)]
        quality = [chance.choice((0,) * 40 + (2, 4, 8, 16)) for _ in range(48)]
        row = DayRow(number, base, 1_800, increments, quality)
        base += sum(increments)
        fate = chance.random()
        if fate < 0.15:
            continue
        if fate < 0.3:
            cut = chance.randrange(48)
            row.increments[cut:], row.quality[cut:] = [0] * (48 - cut), [1] * (48 - cut)
        elif fate < 0.4:
            cut = chance.randrange(1, 48)
            row.increments[:cut], row.quality[:cut] = [0] * cut, [1] * cut
        rows.append(row)
    return rows


async def test_registers_at_an_instant_are_what_the_rule_says_of_all_rows(town: Town) -> None:
    chance = random.Random(7)  # noqa: S311 - the same each time
    for _ in range(25):
        meter = await town.add()
        await town.store(meter, some_days(chance, DAY - 4, 10))
        if chance.random() < 0.5:
            at = START + chance.randrange(-86_400, 86_400)
            await town.receive(meter, [RegisterRow(at, 20_000), RegisterRow(at + 60, 9, 1 << Rule.IMPOSSIBLE_BACK)])
    for number in list(town.meters)[:5]:  # what was stored before does not count
        meter = town.meters[number]
        newest = [DayRow(DAY, 777, 1_800, [1] * 48, [0] * 48)]
        await town.store(meter, newest, version=9)
        town.days[meter] = [row for row in town.days[meter] if row.day != DAY or row in newest]
    ids = {meter: number for number, meter in town.meters.items()}
    instants = [START, START + 86_400, START + 1_800 * 5, START + 1_800 * 11 + 777, START + 86_399, START - 5 * 86_400]
    kinds: set[tuple[bool, bool]] = set()
    for at in instants:
        listed, cursor = [], None
        while True:
            answer = await town.get("/bulk/registers", at=iso(at), limit=7, **({"cursor": cursor} if cursor else {}))
            listed += answer.json()["items"]
            cursor = answer.json()["next"]
            if cursor is None:
                break
        wanted = {}
        for meter, number in ids.items():
            known = register_at(town.days.get(meter, ()), town.received.get(meter, ()), at, ZONE)
            wanted[number] = (
                (None, False, []) if known is None else (known.register, known.is_estimated, slot_names(known.flags))
            )
        found = {number: said for number, said in wanted_of(listed).items() if number in wanted}
        assert found == wanted, at
        assert [row["meter_id"] for row in listed] == sorted(row["meter_id"] for row in listed)
        kinds |= {(said[0] is None, said[1]) for said in found.values()}
    assert kinds == {(True, False), (False, False), (False, True)}  # unknown, measured, estimated


def wanted_of(listed: list[dict[str, Any]]) -> dict[str, tuple[int | None, bool, list[str]]]:
    return {row["number"]: (row["register"], row["is_estimated"], row["quality"]) for row in listed}


async def test_registers_of_a_choice_as_files(town: Town) -> None:
    async with town.world.client(town.utility.token) as client:
        below = (
            await client.post("/areas", json={"code": "nw", "name": "NW", "parent_id": town.utility.ids["area_id"]})
        ).json()
        other = (await client.post("/areas", json={"code": "s", "name": "S"})).json()
    near = await town.add(area_id=below["area_id"], place="well")
    far = await town.add(area_id=other["area_id"])
    for meter, base in ((near, 1_234), (far, 5_678)):
        await town.store(meter, [DayRow(DAY, base, 1_800, [2] * 48, [0] * 48)])
    numbers = {meter: number for number, meter in town.meters.items()}

    async def lines(**choice: Any) -> list[dict[str, str]]:
        text = (await town.get("/bulk/registers.csv", at=iso(START + 900), **choice)).text
        return list(csv.DictReader(io.StringIO(text.lstrip("\ufeff"))))

    (line,) = await lines(area_id=town.utility.ids["area_id"], place="well")
    assert line["meter number"] == numbers[near] and Decimal(line["register (m³)"]) == Decimal("1.235")
    assert (line["estimated"], line["quality"], line["count"]) == ("yes", "interpolated", "1235")
    assert [line["meter number"] for line in await lines(numbers=[numbers[far], numbers[near]])] == [
        numbers[near],
        numbers[far],
    ]
    assert {line["meter number"] for line in await lines(area_id=other["area_id"])} == {numbers[far]}
    assert len(await lines(customer_class="none")) == 3 and await lines(customer_class="critical") == []
    assert len(await lines(devices="monitor")) == 0 and len(await lines(status="removed")) == 0
    book = (await town.get("/bulk/registers.xlsx", at=iso(START), numbers=[numbers[far]])).content
    rows = CalamineWorkbook.from_filelike(io.BytesIO(book)).get_sheet_by_index(0).to_python()
    assert rows[0][0] == "meter number" and rows[1][0] == numbers[far] and rows[1][2] == 5.678
    refused = await town.get("/bulk/registers", 400, at=iso(START), numbers=[numbers[far], "no-such"])
    assert code_of(refused) == "unknown-meters" and "no-such" in refused.json()["detail"]
    foreign = await town.get("/bulk/registers", 400, town.world.a.token, at=iso(START), numbers=[numbers[far]])
    assert code_of(foreign) == "unknown-meters"  # another utility's
    ahead = await town.get("/bulk/registers", 400, at=iso(town.world.deps.now_s() + 60))
    assert code_of(ahead) == "instant-ahead"
    said = await town.trail("export_registers")
    assert said[0]["form"] == "xlsx" and said[0]["meters"]["numbers"] == [numbers[far]] and len(said) == 8


def table_of(data: bytes, form: str) -> list[dict[str, Any]]:
    if form == "csv":
        rows = csv.DictReader(io.StringIO(data.decode()))
        return [
            {**row, "meter_id": int(row["meter_id"]), "value": None if row["value"] == "\\N" else int(row["value"]),
             "at": row["at"][:19].replace("T", " "), "exponent": int(row["exponent"]), "interval_s": int(row["interval_s"])}
            for row in rows
        ]  # fmt: skip
    table = ipc.open_stream(data).read_all() if form == "arrow" else pq.read_table(pa.BufferReader(data))
    return [{**row, "at": row["at"].strftime("%Y-%m-%d %H:%M:%S")} for row in table.to_pylist()]


async def test_values_of_all_meters_are_those_of_each(town: Town) -> None:
    chance = random.Random(3)  # noqa: S311 - the same each time
    points = ["pressure", "increments", "battery_mv", "register", "temperature"]
    for _ in range(6):
        meter = await town.add()
        await town.store(meter, some_days(chance, DAY - 1, 3))
        await town.say(meter, "pressure", START + 600, 1_800, [chance.randrange(2_000, 4_000) for _ in range(48)], 5)
        await town.say(
            meter, "pressure", START + 600 + 1_800 * 3, 1_800, [1, 2, 3], 7, quality=[0, int(Slot.MISSING), 0]
        )
        await town.say(meter, "temperature", START + 50, 0, [215], 5, quality=[int(Slot.SUSPECT)])
        await town.say(meter, "temperature", START - 20 * 86_400, 86_400, list(range(25)), 2)  # began long before
        await town.clickhouse.insert(
            "signal",
            {
                "tenant_id": [town.utility.tenant_id], "meter_id": [meter], "received_us": [(START + 7) * 1_000_000 + 123],
                "version": [5], "battery_mv": [3_600 + chance.randrange(9)],
                **{name: [-2147483648] for name in ("rsrp_ddbm", "sinr_ddb", "ecl", "pci", "cell", "earfcn", "battery_pct")},
            },
        )  # fmt: skip
    asked: dict[str, Any] = {"points": points, "from": iso(START - 40_000), "to": iso(START + 86_400)}
    wanted = []
    for number, meter in sorted(town.meters.items(), key=lambda item: item[1]):
        told = (await town.get(f"/meters/{meter}/series", **asked)).json()
        wanted += [
            (meter, number, series["point"], value["at"][:19].replace("T", " "), value["value"], series["exponent"], series["unit"],
             value["interval_s"], " ".join(value["quality"]))
            for series in told["series"] for value in series["values"]
        ]  # fmt: skip
    assert len(wanted) > 800
    keys = ("meter_id", "number", "point", "at", "value", "exponent", "unit", "interval_s", "quality")
    for form in ("arrow", "parquet", "csv"):
        answer = await town.get("/bulk/values", form=form, **asked)
        assert "Next-Cursor" not in answer.headers
        assert [tuple(row[key] for key in keys) for row in table_of(answer.content, form)] == wanted, form
        parts, cursor = [], None
        while True:  # the server keeps nothing between two parts
            part = await town.get(
                "/bulk/values", form=form, rows=500, **asked, **({"cursor": cursor} if cursor else {})
            )
            parts += table_of(part.content, form)
            cursor = part.headers.get("Next-Cursor")
            if cursor is None:
                break
            assert f"cursor={cursor}" in part.headers["Link"] and 'rel="next"' in part.headers["Link"]
        assert [tuple(row[key] for key in keys) for row in parts] == wanted, form
    async with town.world.client(town.utility.token) as client:
        accepted = await client.get("/bulk/values", params=asked, headers={"Accept": "application/vnd.apache.parquet"})
    assert accepted.content[:4] == b"PAR1"
    said = await town.trail("export_readings")
    assert said[0]["points"] == points and said[0]["meters_in_part"] == 6 and len(said) > 10


async def test_an_export_says_what_it_refuses(town: Town) -> None:
    await town.add()
    asked: dict[str, Any] = {"points": ["pressure"], "from": iso(START), "to": iso(START + 86_400)}
    empty = table_of((await town.get("/bulk/values", form="arrow", **asked)).content, "arrow")
    assert empty == [] == table_of((await town.get("/bulk/values", form="parquet", **asked)).content, "parquet")
    many = await town.get("/bulk/values", 400, form="parquet", rows=2_000_000, **asked)
    assert code_of(many) == "too-many-rows" and "1000000" in many.json()["detail"].replace(",", "")
    for meter in town.meters.values():
        await town.say(meter, "pressure", START, 1_800, [1] * 4)
        await town.say(meter, "pressure", START + 10_000, 1_800, [1] * 4)
    await town.add()
    for meter in town.meters.values():
        await town.say(meter, "pressure", START, 1_800, [1] * 4)
    first = await town.get("/bulk/values", rows=1, **asked)
    other = await town.get(
        "/bulk/values", 400, rows=1, **(asked | {"points": ["flow"]}), cursor=first.headers["Next-Cursor"]
    )
    assert code_of(other) == "bad-cursor"
    unknown = await town.get("/bulk/values", 400, **(asked | {"points": ["presure"]}))
    assert code_of(unknown) == "unknown-quantity" and "presure" in unknown.json()["detail"]
    theirs = await town.get("/bulk/values", 200, town.world.b.token, **asked)
    assert not {row["meter_id"] for row in table_of(theirs.content, "csv")} & set(town.meters.values())


async def test_sums_by_group_and_what_part_of_them_is_a_gap(town: Town, pipeline: Pool) -> None:
    utility, world = town.utility, town.world
    async with world.client(utility.token) as client:
        below = (
            await client.post("/areas", json={"code": "nw", "name": "NW", "parent_id": utility.ids["area_id"]})
        ).json()
    meters = [await town.add(), await town.add(area_id=below["area_id"]), await town.add(area_id=below["area_id"])]
    customer = await world.owner.fetchval(
        "INSERT INTO customer (tenant_id, code, name, is_protected) VALUES ($1, $2, 'Wang', true) RETURNING customer_id",
        utility.tenant_id, secrets.token_hex(4),
    )  # fmt: skip
    await world.owner.execute("UPDATE meter SET customer_id = $1 WHERE meter_id = $2", customer, meters[1])
    await world.owner.execute("DELETE FROM identity_change WHERE meter_id = $1", utility.ids["meter_id"])
    whole, estimated = [0] * 48, [0] * 24 + [2] * 24
    partial = [0] * 24 + [1] * 24
    for place, meter in enumerate(meters):
        marks = {1: [whole, estimated, whole, whole], 0: [whole] * 4, 2: [whole, partial]}[place]
        half = [3] * 24 + [0] * 24
        rows = [
            DayRow(DAY + k, 0, 1_800, half if mark == partial else [place + 1] * 48, mark)
            for k, mark in enumerate(marks)
        ]
        await town.store(meter, rows)
    await town.dimensions(pipeline)
    first, last = day_to_date(DAY), day_to_date(DAY + 3)
    told = (await town.get("/bulk/sums", first=first, last=last, by="area", numbers=list(town.meters))).json()
    assert [(row["key"], row["meters"], row["volume"]) for row in told["rows"]] == [
        ("all", 3, 192 + 384 + 216), ("north", 3, 792), ("nw", 2, 600),
    ][-len(told["rows"]):]  # fmt: skip
    (total,) = told["totals"]
    assert (
        total["due_days"],
        total["full_days"],
        total["estimated_days"],
        total["partial_days"],
        total["missing_days"],
    ) == (12, 8, 1, 1, 2)
    assert (
        total["gap_ppm"] == -(-4_000_000 // 12)
        and total["volume"] == 792
        and Decimal(total["volume_m3"]) == Decimal("0.792")
    )
    assert [(step["start"], step["volume"]) for step in told["trend"]] == [
        (day_to_date(DAY + k).isoformat(), volume) for k, volume in enumerate((288, 216, 144, 144))
    ]
    by_class = (
        await town.get("/bulk/sums", first=first, last=last, by="class", numbers=list(town.meters), every="month")
    ).json()
    assert [(row["key"], row["volume"]) for row in by_class["rows"]] == [("none", 408), ("protected", 384)]
    assert sum(step["volume"] for step in by_class["trend"]) == 792 and len(by_class["trend"]) <= 2
    by_customer = (
        await town.get("/bulk/sums", first=first, last=last, by="customer", numbers=list(town.meters))
    ).json()
    assert {row["name"]: row["volume"] for row in by_customer["rows"]} == {"": 408, "Wang": 384}
    text = (await town.get("/bulk/sums.csv", first=first, last=last, by="product", numbers=list(town.meters))).text
    lines = list(csv.DictReader(io.StringIO(text.lstrip("\ufeff"))))
    assert [(line["code"], line["volume (m³)"], line["gap %"]) for line in lines] == [
        ("p", "0.792", "33.3334"),
        ("total", "0.792", "33.3334"),
    ]
    book = (await town.get("/bulk/sums.xlsx", first=first, last=last, by="area", numbers=list(town.meters))).content
    assert CalamineWorkbook.from_filelike(io.BytesIO(book)).get_sheet_by_index(0).to_python()[-1][4] == 0.792
    ahead = day_to_date(ZONE.day_of(world.deps.now_s()))
    now = (await town.get("/bulk/sums", first=ahead, last=ahead, numbers=list(town.meters))).json()
    assert now["totals"] == [] or now["totals"][0]["due_days"] == 0  # nobody misses what is not due
    wrong = await town.get("/bulk/sums", 400, first=last, last=first)
    assert code_of(wrong) == "bad-range"
    assert len(await town.trail("export_sums")) == 2


async def test_sums_count_as_due_what_tasks_make_due(town: Town, pipeline: Pool) -> None:
    utility, world, now_s = town.utility, town.world, town.world.deps.now_s()
    area = utility.ids["area_id"]
    async with world.client(utility.token) as client:
        below = (await client.post("/areas", json={"code": "nw", "name": "NW", "parent_id": area})).json()["area_id"]
    plain, deep, own, said = await town.add(), await town.add(area_id=below), await town.add(), await town.add()
    other = await world.owner.fetchval(
        "INSERT INTO area (tenant_id, code, name) VALUES ($1, 'far', 'Far') RETURNING area_id", utility.tenant_id
    )
    await world.owner.execute("UPDATE meter SET area_id = $1 WHERE meter_id = $2", other, plain)
    await world.owner.execute("UPDATE meter SET report_mode = 'ten_days' WHERE meter_id = $1", said)
    await world.owner.execute("DELETE FROM identity_change WHERE meter_id = $1", utility.ids["meter_id"])
    await town.dimensions(pipeline)
    today = ZONE.day_of(now_s)
    first, last = today - 45, today + 2
    tasks: list[Task] = []

    async def task(level: Level, target: int | None, frequency: Frequency, start: int = today - 400) -> None:
        column = {Level.AREA: "area_id", Level.PRODUCT: "product_id", Level.METER: "meter_id"}.get(level, "area_id")
        task_id = await world.owner.fetchval(
            f"INSERT INTO collection_task (tenant_id, level, {column}, first_day, frequency, made_by)"  # noqa: S608
            " VALUES ($1, $2, $3, $4, $5, 1) RETURNING task_id",
            utility.tenant_id, level, target, day_to_date(start), frequency,
        )  # fmt: skip
        tasks.append(Task(TaskId(task_id), level, target, start, frequency=frequency))

    def due_of(meter: int, line: list[int]) -> int:
        chain = chain_of(tasks, Place([AreaId(one) for one in line], utility.ids["product_id"], MeterId(meter)))
        word = Modes(Mode.TEN_DAYS) if meter == said else Modes()
        expected = Expectation(0, own=word, product=Modes(Mode.DAY), tasks=chain)
        return sum(expected.standing(day, now_s, ZONE) is Standing.DUE for day in range(first, last + 1))

    params: dict[str, Any] = {"first": day_to_date(first), "last": day_to_date(last), "numbers": list(town.meters)}

    async def check() -> None:
        (told,) = (await town.get("/bulk/sums", **params)).json()["totals"]
        lines = {plain: [other], deep: [below, area], own: [area], said: [area]}
        due = sum(due_of(meter, line) for meter, line in lines.items())
        assert (told["due_days"], told["missing_days"], told["meters"]) == (due, due, 4)

    await check()
    for level, target, frequency in (
        (Level.COMPANY, None, Frequency.MONTH), (Level.AREA, area, Frequency.WEEK), (Level.METER, own, Frequency.DENSE),
        (Level.PRODUCT, utility.ids["product_id"], Frequency.TEN_DAYS), (Level.AREA, below, Frequency.MONTH),
    ):  # fmt: skip
        await task(level, target, frequency)
        await check()
    before = (await town.get("/bulk/sums", **params)).json()
    await task(Level.METER, plain, Frequency.DAY, today + 1)  # is planned, and counts for nothing yet
    assert (await town.get("/bulk/sums", **params)).json() == before


async def test_questions_are_kept_and_asked_again(town: Town) -> None:
    world, utility = town.world, town.utility
    meter = await town.add()
    yesterday = ZONE.day_of(world.deps.now_s()) - 1
    await town.store(meter, [DayRow(yesterday, 4_321, 1_800, [1] * 48, [0] * 48)])
    (number,) = town.meters
    question = {"kind": "registers", "form": "csv", "period": "yesterday", "meters": {"numbers": [number]}}
    viewer = await world.user(utility, "viewer")
    async with (
        world.client(viewer) as client,
        world.client(utility.token) as boss,
        world.client(world.b.token) as foreign,
    ):
        made = await client.post("/saved-queries", json={"name": "mine", "question": question})
        assert made.status_code == 201, made.text
        saved = made.json()
        assert saved["is_own"] and not saved["is_shared"]
        again = await client.post("/saved-queries", json={"name": "mine", "question": question})
        assert (again.status_code, code_of(again)) == (409, "name-taken")
        address = f"/saved-queries/{saved['saved_id']}"
        assert (await boss.get(f"{address}/run")).status_code == 404  # not shared
        shared = await client.put(address, json={"name": "ours", "question": question, "is_shared": True})
        assert shared.status_code == 200, shared.text
        assert [row["name"] for row in (await boss.get("/saved-queries")).json()["items"]] == ["ours"]
        assert (await foreign.get(f"{address}/run")).status_code == 404
        led = await boss.get(f"{address}/run")
        assert led.status_code == 303
        to = urlsplit(led.headers["location"])
        answer = await boss.get(f"http://om.test{to.path}?{to.query}")
        (line,) = csv.DictReader(io.StringIO(answer.text.lstrip("\ufeff")))
        assert line["count"] == "4321"
        operator = await world.user(utility, "operator")
        async with world.client(operator) as third:
            refused = await third.put(address, json={"name": "x", "question": question})
            assert (refused.status_code, code_of(refused)) == (403, "not-your-query")
        for fault, pointer in (
            ({"kind": "values"}, "/question/points"), ({"form": "arrow"}, "/question/form"), ({"period": "fixed"}, "/question/first"),
            ({"meters": {"area_id": 2**31 - 1}}, "/question/meters/area_id"), ({"first": "2026-01-01"}, "/question/period"),
        ):  # fmt: skip
            wrong = await client.post("/saved-queries", json={"name": "w", "question": question | fault})
            assert wrong.status_code == 400 and code_of(wrong) == "invalid-input", wrong.text
            assert pointer in {item["pointer"] for item in wrong.json()["errors"]}, wrong.text
        assert (await boss.delete(address)).status_code == 204
        assert (await client.get("/saved-queries")).json()["items"] == []
    listed = (await town.get("/audit", limit=200)).json()["items"]
    assert {"save_query", "change_query", "run_query", "remove_query"} <= {entry["action"] for entry in listed}
