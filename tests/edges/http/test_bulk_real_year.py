# SPDX-License-Identifier: Apache-2.0
"""The real year through the pipeline: registers at each month's first instant are what the file itself says (``plain_year.py``, which
imports nothing of ours), and every version of late and edited days is there after the store has merged all its parts.

The readings are moved on by nine years, with their seconds, so that nothing of them is beyond its time to be kept.
"""

from datetime import date, datetime

import pytest

from openmains.app.readings.edits import Edit, edit_uplink
from openmains.domain.ids import ExceptionId, MeterId, ProductId, TenantId, UserId
from openmains.domain.period import DAY_S, date_to_day, day_to_date, utc
from openmains.drivers.model import Kind
from openmains.edges.clickhouse.client import ClickHouse
from openmains.edges.postgres.db import Pool
from tests.edges.http.test_quantities import House, house_of
from tests.edges.http.world import World
from tests.support.plain_year import plain_register, plain_valid
from tests.support.real_water import MADRID, Reading, readings, source

LATER_S = 3287 * DAY_S  # 2016-03 becomes 2025-03
AT_ONCE = 24
FEW = 3
PATH, IS_FULL = source()


def moved(entries: list[Reading]) -> list[Reading]:
    return [(at + LATER_S, litres) for at, litres in entries]


def month_starts(valid: list[Reading]) -> list[int]:
    """Instants at which a month begins between the first and the last reading."""
    first, found = datetime.fromtimestamp(valid[0][0], MADRID).date(), []
    for place in range(first.month, first.month + 14):
        begins = date(first.year + place // 12, place % 12 + 1, 1)
        at = int(datetime(begins.year, begins.month, 1, tzinfo=MADRID).timestamp())
        if valid[0][0] <= at < valid[-1][0] - 2 * DAY_S:
            found.append(at)
    return found


async def send(house: House, entries: list[Reading]) -> None:
    """Registers in messages of a day each; now and then, in the middle of a month, a message comes after the one that follows it."""
    messages = []
    for place in range(0, len(entries), AT_ONCE):
        part = entries[place : place + AT_ONCE]
        sent = max(at for at, _ in part) + 60
        values = {
            "frame_seq": place // AT_ONCE & 0xFFFF, "device_at": sent, "meter_number": 0,
            "register_base": min(litres for _, litres in part), "register_instants": [at for at, _ in part],
            "register_values": [litres for _, litres in part],
        }  # fmt: skip
        messages.append(house.uplink(house.driver.encode(Kind.REGISTERS, values), sent))
    for place in range(40, len(messages) - 1, 60):
        if 8 <= utc(messages[place].received_us // 1_000_000).day <= 22:
            messages[place], messages[place + 1] = messages[place + 1], messages[place]
    for place in range(0, len(messages), 60):
        await house.apply(*messages[place : place + 60])


async def edit(house: House, day: int, now_s: int) -> None:
    """A person sets two half hours of a day."""
    rows = await house.clickhouse.query(
        "SELECT base, interval_s, length(increments), received_s FROM meter_day FINAL WHERE tenant_id = {tenant:UInt32}"
        " AND meter_id = {meter:UInt64} AND day = {day:Date}",
        {"tenant": house.world.a.tenant_id, "meter": house.meter_id, "day": day_to_date(day)},
    )
    base, interval_s, slots, received_s = rows[0]
    told = Edit(
        ExceptionId(1), UserId(1), day, base, interval_s, slots, 20, 2, 7, received_s, edit_id=1, reason="seen on site"
    )
    tenant, product = TenantId(house.world.a.tenant_id), ProductId(house.product_id)
    await house.apply(edit_uplink(told, MeterId(house.meter_id), tenant, product, now_s * 1_000_000))


async def stored_days(house: House) -> list[int]:
    asked = {"tenant": house.world.a.tenant_id, "meter": house.meter_id}
    rows = await house.clickhouse.query(
        "SELECT day FROM meter_day FINAL WHERE tenant_id = {tenant:UInt32} AND meter_id = {meter:UInt64} AND slots = 48 ORDER BY day",
        asked,
    )
    return [date_to_day(row[0]) for row in rows]


async def versions(house: House, days: list[int]) -> list[tuple[str, str, bool, int]]:
    found = []
    for day in days:
        told = (await house.get(f"days/{day_to_date(day).isoformat()}/versions"))["items"]
        found += [(day_to_date(day).isoformat(), one["cause"], one["is_newest"], one["total"]) for one in told]
    return found


async def check_year(world: World, clickhouse: ClickHouse, pipeline: Pool, most: int) -> None:
    before = await world.owner.fetchval("SELECT zone FROM tenant WHERE tenant_id = $1", world.a.tenant_id)
    await world.owner.execute("UPDATE tenant SET zone = 'Europe/Madrid' WHERE tenant_id = $1", world.a.tenant_id)
    try:
        compared = 0
        kept: dict[int, tuple[House, list[int], list[tuple[str, str, bool, int]]]] = {}
        wanted: dict[int, dict[int, int]] = {}  # by instant and meter
        for entries in list(readings(PATH).values())[:most]:
            house = await house_of("openmains/water-1", world, clickhouse, pipeline)
            year = moved(entries)
            await send(house, year)
            valid, _ = plain_valid(year)
            for at in month_starts(valid):
                wanted.setdefault(at, {})[house.meter_id] = plain_register(valid, at)
            days = await stored_days(house)
            days = days[len(days) // 2 :][:2]
            for day in days:
                await edit(house, day, house.now_s)
            kept[house.meter_id] = (house, days, await versions(house, days))
            assert [one[1] for one in kept[house.meter_id][2]].count("edit") == len(days)
        for table in ("meter_day", "day_version", "day_cause", "register"):
            await clickhouse.command(f"OPTIMIZE TABLE {table} FINAL")
        for house, days, told in kept.values():
            assert await versions(house, days) == told and len(told) >= 2 * len(days)
        numbers = {
            row["meter_id"]: row["number"]
            for row in await world.owner.fetch(
                "SELECT meter_id, number FROM meter WHERE meter_id = ANY ($1)", list(kept)
            )
        }
        async with world.client(world.a.token) as client:
            for at, registers in sorted(wanted.items()):
                asked = {"at": utc(at).isoformat(), "numbers": [numbers[meter] for meter in registers], "limit": 100}
                answer = await client.get("/bulk/registers", params=asked)
                assert answer.status_code == 200, answer.text
                told_now = {row["meter_id"]: row["register"] for row in answer.json()["items"]}
                assert told_now == registers, utc(at)
                assert all(row["is_estimated"] == bool(row["quality"]) for row in answer.json()["items"])
                compared += len(registers)
        assert compared >= (most * 6 if IS_FULL else 0)
        print(f"{compared} registers at the first instants of {len(wanted)} months, {len(kept)} meters")
    finally:
        await world.owner.execute("UPDATE tenant SET zone = $2 WHERE tenant_id = $1", world.a.tenant_id, before)


async def test_registers_at_each_months_first_instant(world: World, clickhouse: ClickHouse, pipeline: Pool) -> None:
    await check_year(world, clickhouse, pipeline, FEW)


@pytest.mark.usefixtures("takes_minutes")
async def test_registers_of_all_meters_at_each_months_first_instant(
    world: World, clickhouse: ClickHouse, pipeline: Pool
) -> None:
    await check_year(world, clickhouse, pipeline, 62)
