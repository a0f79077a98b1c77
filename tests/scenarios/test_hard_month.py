# SPDX-License-Identifier: Apache-2.0
"""A hard month of emulated meters through a whole running system: what stands in its alarm table is what happened.

The month ended last midnight; its uplinks are put into the real stream day by day, as the edge would have put them there, and the
system's own pipeline works them off. Small in `make test`, 2,000 meters in `make test-slow`.
"""

import asyncio
import time

import asyncpg
import pytest

from openmains.domain.fleet.identifiers import imei_of
from openmains.domain.ids import MeterId, ProductId, TenantId
from openmains.domain.period import DAY_S, zone
from openmains.edges.nats.stream import StreamReplay, UplinkStream, connect
from openmains.emulator.meter.consumption import Medium
from openmains.emulator.meter.valve import Position
from tests.support.hard_month import DRIVERS, FIRST_NUMBER, NEXT_PRICE, Identity, Month
from tests.support.month_check import PlatformAlarm, check
from tests.support.system import (
    System,
    Systems,
    add_product,
    engine_urls,
    found_utility,
    import_meters,
    until_async,
)

FIRST_IMEI = 86_520_000_000_000
SHARDS = 2  # as delivered
SPARE = 1  # a meter beside the town, which the import asks the edge with
ALARMS = """SELECT meter_id, event, raised_at, received_us / 1000000 AS received_at, cleared_us / 1000000 AS cleared_at
  FROM alarm WHERE tenant_id = $1"""


async def registered(system: System, owner: asyncpg.Connection, count: int) -> list[Identity]:
    """The town's meters in the registry, by place."""
    for medium, driver in DRIVERS.items():
        add_product(system, medium.name.lower(), driver)
    rows = [(FIRST_NUMBER + k * 17, str(imei_of(FIRST_IMEI + k)), Medium(k % 2).name.lower()) for k in range(count)]
    spare = (FIRST_NUMBER - SPARE, str(imei_of(FIRST_IMEI - SPARE)), "water")
    await import_meters(system, [*rows, spare])
    found = await owner.fetch("SELECT number, meter_id, tenant_id, product_id FROM meter")
    by_number = {row["number"]: row for row in found}
    return [
        Identity(MeterId(row["meter_id"]), TenantId(row["tenant_id"]), ProductId(row["product_id"]))
        for number, _, _ in rows
        if (row := by_number[str(number)])
    ]


async def live_through(month: Month, urls: dict[str, str], owner: asyncpg.Connection) -> None:
    """Every day's uplinks into the stream, until the pipeline has committed the last one."""
    client = await connect(urls["nats"], name="month")
    try:
        stream = UplinkStream(client, max_bytes=1 << 31)
        replay = StreamReplay(stream, SHARDS)
        days = month.run()
        # A day of a town takes a while to live through: this loop goes on answering the stream's server meanwhile.
        while (day := await asyncio.to_thread(next, days, None)) is not None:
            await replay.replay(day)

        async def worked_off() -> bool:
            rows = await owner.fetch("SELECT shard, position FROM pipeline_position")
            positions = {row["shard"]: row["position"] for row in rows}
            return not sum([await stream.waiting(shard, positions.get(shard, 0)) for shard in range(SHARDS)])

        await until_async(worked_off, 800)
    finally:
        await client.close()


async def hard_month(systems: Systems, count: int) -> None:
    here = zone("Asia/Shanghai")
    start = here.start_of(here.day_of(int(time.time())) - 30)
    with systems() as system:
        await found_utility(system)
        urls = engine_urls(system.var)
        owner = await asyncpg.connect(urls["postgres_owner"])
        try:
            month = Month(count, 30, start, identities=await registered(system, owner, count))
            await live_through(month, urls, owner)
            tenant = month.residents[0].identity.tenant_id
            names = {event for one in month.residents for event in one.terminal.meter.profile.immediate}
            names |= {entry.name for one in month.residents for entry in one.terminal.diary.entries}
            alarms = [PlatformAlarm(**row) for row in await owner.fetch(ALARMS, tenant) if row["event"] in names]
            seen = check(month.residents, alarms)
            print(f"hard month of {count} meters: {dict(seen)} {dict(month.counts)}")
            assert seen["told"] > seen["events"] * 9 // 10 > count
            assert seen["at once"] > 10 * seen["late by the radio"] > 0
            assert min(seen["closings"], seen["resets at the meter"], seen["low balance at the crossing"]) > count // 50
            await states_agree(month, owner)
            assert not await owner.fetchval("SELECT count(*) FROM dead_letter WHERE tenant_id = $1", tenant)
        finally:
            await owner.close()


async def states_agree(month: Month, owner: asyncpg.Connection) -> None:
    """Valve and price, of meters that the radio let speak on the last day."""
    rows = await owner.fetch(
        "SELECT s.meter_id, s.valve, w.reported ->> 'price_version' AS price FROM meter_state s"
        " LEFT JOIN meter_shadow w USING (meter_id)"
    )
    known = {row["meter_id"]: row for row in rows}
    for one in month.residents:
        row = known[one.identity.meter_id]
        quiet = not one.troubles or one.troubles[-1][0] < month.start + (month.days - 1) * DAY_S
        terminal = one.terminal
        if quiet and not terminal.meter.dead and terminal.valve.position is not Position.FAULT:
            assert row["valve"] == terminal.valve.position, terminal.number
        price = terminal.store.held.account.price
        if price is not None and price.version == NEXT_PRICE:
            assert row["price"] == str(NEXT_PRICE), terminal.number


async def test_a_hard_month(systems: Systems) -> None:
    await hard_month(systems, 60)


@pytest.mark.usefixtures("takes_minutes")
async def test_a_hard_month_of_2000_meters(systems: Systems) -> None:
    await hard_month(systems, 2_000)
