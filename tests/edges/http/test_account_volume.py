# SPDX-License-Identifier: Apache-2.0
"""A real year of a household whose meter is exchanged in the middle: daily totals and the sum of the account are those of the file itself
(``plain_year.py``, which imports nothing of ours), as if there were one meter.

What the household used after the exchange is what the file says; only the register it is read from begins anew.
"""

import secrets
from datetime import date, datetime

import pytest

from openmains.domain.period import utc
from openmains.drivers.model import Kind
from openmains.edges.clickhouse.client import ClickHouse
from openmains.edges.postgres.db import Pool
from tests.edges.http.test_bulk_real_year import moved
from tests.edges.http.test_quantities import House, house_of
from tests.edges.http.world import World
from tests.support.hanging import hang_all
from tests.support.plain_year import plain_totals, plain_valid
from tests.support.real_water import MADRID, Reading, readings, source

OPENING = 3
PATH, IS_FULL = source()
WHY = "work order 18"


async def new_meter_of(house: House, at: int) -> tuple[int, str]:
    """A meter of the same product, issued before ``at``."""
    number = f"{secrets.randbelow(10**10):010d}"
    async with house.world.client(house.world.a.token) as client:
        meter = {"number": number, "product_id": house.product_id, "area_id": house.world.a.ids["area_id"]}
        body = {"key": f"d{number}", "meters": [meter], "at": utc(at - 7200).isoformat()}
        assert (await client.post("/stock", json=body)).status_code == 201
        code = await house.world.owner.fetchval("SELECT code FROM product WHERE product_id = $1", house.product_id)
        line = {"product": code, "number": number}
        body = {"key": f"i{number}", "lines": [line], "person": "p", "reason": WHY, "at": utc(at - 3600).isoformat()}
        assert (await client.post("/stock/issue", json=body)).status_code == 200
    meter_id = await house.world.owner.fetchval("SELECT meter_id FROM meter WHERE number = $1", number)
    return meter_id, number


async def send(house: House, entries: list[Reading]) -> None:
    """Registers in messages of a day each, in their order: what comes late is told by other tests, and not by the file."""
    messages = []
    for place in range(0, len(entries), 24):
        part = entries[place : place + 24]
        sent = max(at for at, _ in part) + 60
        values = {
            "frame_seq": place // 24 & 0xFFFF, "device_at": sent, "meter_number": 0,
            "register_base": min(litres for _, litres in part), "register_instants": [at for at, _ in part],
            "register_values": [litres for _, litres in part],
        }  # fmt: skip
        messages.append(house.uplink(house.driver.encode(Kind.REGISTERS, values), sent))
    for place in range(0, len(messages), 60):
        await house.apply(*messages[place : place + 60])


async def check_household(entries: list[Reading], world: World, clickhouse: ClickHouse, pipeline: Pool) -> int:
    """Days that were compared."""
    house = await house_of("openmains/water-1", world, clickhouse, pipeline)
    year = moved(entries)
    valid, _ = plain_valid(year)
    middle = len(valid) // 2
    at, closing = valid[middle]
    place = year.index((at, closing))
    await send(house, year[: place + 1])
    await hang_all(pipeline)
    old = await world.owner.fetchval("SELECT number FROM meter WHERE meter_id = $1", house.meter_id)
    new_id, new = await new_meter_of(house, at)
    swap = {
        "key": f"x{new}", "old": {"number": old}, "new": {"number": new}, "reason": WHY, "at": utc(at).isoformat(),
        "closing": {"m3": f"{closing / 1000:.3f}", "source": "photographed"}, "opening": {"m3": f"{OPENING / 1000:.3f}", "source": "read"},
    }  # fmt: skip
    async with world.client(world.a.token) as client:
        answer = await client.post("/installations/exchange", json=swap)
        assert answer.status_code == 201, answer.text
        account_id = answer.json()["installations"][0]["account_id"]
        house.meter_id = new_id
        await send(house, [(instant, litres - closing + OPENING) for instant, litres in year[place + 1 :]])
        totals = plain_totals(valid, 1800)
        whole = sorted(totals)[1:-1]
        first, last = whole[0], min(whole[-1], date.fromordinal(whole[0].toordinal() + 365))
        whole = [day for day in whole if first <= day <= last]
        asked = {"first": first.isoformat(), "last": last.isoformat()}
        answer = await client.get(f"/accounts/{account_id}/volume", params=asked)
        assert answer.status_code == 200, answer.text
        told = answer.json()
    days = {date.fromisoformat(day["day"]): day for day in told["days"]}
    told_days = {day: days[day]["volume"] for day in whole}
    assert {day: (told_days[day], totals[day]) for day in whole if told_days[day] != totals[day]} == {}
    assert days[datetime.fromtimestamp(at, MADRID).date()]["meters"] == [old, new]
    assert told["volume"] == sum(totals[day] for day in whole) == sum(part["volume"] for part in told["parts"])
    assert [part["number"] for part in told["parts"]] == [old, new] and told["missing_days"] == 0
    assert told["parts"][0]["last"] == closing and told["parts"][1]["first"] == OPENING
    return len(whole)


async def check(world: World, clickhouse: ClickHouse, pipeline: Pool, households: list[list[Reading]]) -> None:
    before = await world.owner.fetchval("SELECT zone FROM tenant WHERE tenant_id = $1", world.a.tenant_id)
    await world.owner.execute("UPDATE tenant SET zone = 'Europe/Madrid' WHERE tenant_id = $1", world.a.tenant_id)
    try:
        compared = [await check_household(entries, world, clickhouse, pipeline) for entries in households]
    finally:
        await world.owner.execute("UPDATE tenant SET zone = $2 WHERE tenant_id = $1", world.a.tenant_id, before)
    print(f"{sum(compared)} days of {len(compared)} accounts with an exchange each")


async def test_an_accounts_days_and_sum_are_whole_across_an_exchange(
    world: World, clickhouse: ClickHouse, pipeline: Pool
) -> None:
    longest = sorted(readings(PATH).values(), key=len, reverse=True)
    await check(world, clickhouse, pipeline, longest[:1])


@pytest.mark.usefixtures("takes_minutes")
async def test_the_same_of_many_households(world: World, clickhouse: ClickHouse, pipeline: Pool) -> None:
    await check(
        world, clickhouse, pipeline, [entries for entries in readings(PATH).values() if len(entries) > 300][:12]
    )
