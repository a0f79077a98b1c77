# SPDX-License-Identifier: Apache-2.0
"""Two meters whose modules were swapped, from their frames to a person's verdict and back, over real engines."""

import time
from typing import Any

from openmains.app.ingest.pipeline.ports import Effects
from openmains.app.ingest.pipeline.process import Processor
from openmains.app.ingest.uplink import Uplink
from openmains.domain.period import zone
from openmains.drivers import catalog
from openmains.edges.postgres.db import Pool
from openmains.edges.postgres.ingest.pipeline_store import PostgresPipelineStore
from tests.edges.http.world import World, new_meter
from tests.support.daily import Daily

SHARD = 7_200  # of nobody else
DRIVERS = catalog.load()


class Line:
    """The pipeline of this test: its store is the real one."""

    def __init__(self, pipeline: Pool) -> None:
        self.store = PostgresPipelineStore(pipeline)

    async def run(self, *uplinks: Uplink) -> Effects:
        products = await self.store.products()
        zones = {key: zone(name) for key, name in (await self.store.zones()).items()}
        records = await self.store.load([uplink.meter_id for uplink in uplinks])
        effects = Processor(DRIVERS, products, zones).run(uplinks, records)
        position = await self.store.position(SHARD)
        await self.store.commit(SHARD, position, position + 1, effects, time.time_ns() // 1000)
        return effects


def booked(effects: Effects) -> dict[int, int]:
    """Litres of a day by meter, of days that are complete."""
    return {item.record.meter_id: sum(item.row.increments) for item in effects.days}


async def test_swapped_modules_are_held_judged_and_booked_to_whom_they_are_of(world: World, pipeline: Pool) -> None:
    line = Line(pipeline)
    async with world.client(world.a.token) as client:
        product = await client.post(
            "/products",
            json={"code": "swap", "name": "W", "maker": "M", "model": "2", "driver": "openmains/water-1"},
        )
        numbers = (921_000_000_001, 921_000_000_002)
        meters: list[Any] = [
            (
                await client.post(
                    "/meters", json=new_meter(world.a, number=str(number), product_id=product.json()["product_id"])
                )
            ).json()
            for number in numbers
        ]
        ids = [meter["meter_id"] for meter in meters]
        dailies = [Daily(number, base=100_000 * place) for place, number in enumerate(numbers, 1)]
        uplinks = [
            Uplink(meter_id, world.a.tenant_id, product.json()["product_id"], "coaps", "r", daily.sent_at * 1_000_000, daily.frame())
            for meter_id, daily in zip(ids, reversed(dailies), strict=True)
        ]  # fmt: skip
        effects = await line.run(*uplinks)
        assert (booked(effects), list(effects.registers["at"])) == ({}, [])

        alarms = (await client.get("/alarms", params={"status": "open"})).json()["items"]
        mine = [alarm for alarm in alarms if alarm["event"] == "module_mismatch"]
        assert {alarm["meter_id"] for alarm in mine} == set(ids)
        states = [(await client.get(f"/meters/{meter_id}")).json()["state"] for meter_id in ids]
        assert [(state["register"], state["events"]) for state in states] == [(None, ["bit_55"])] * 2, (
            "a world without words"
        )

        listed = (await client.get("/exceptions", params={"rule": "number_mismatch", "status": "open"})).json()["items"]
        open_ones = {item["meter_id"]: item for item in listed if item["meter_id"] in ids}
        assert [(open_ones[key]["value"], open_ones[key]["expected"]) for key in ids] == [
            (numbers[1], numbers[0]), (numbers[0], numbers[1]),
        ]  # fmt: skip
        sent = len(world.stream.uplinks)
        for meter_id in ids:
            done = await client.post(
                f"/exceptions/{open_ones[meter_id]['exception_id']}/judge",
                json={"verdict": "accept", "reason": "swapped"},
            )
            assert done.json()["status"] == "accepted", done.text
        replayed = world.stream.uplinks[sent:]
        effects = await line.run(*replayed)
        assert booked(effects) == {ids[0]: sum(dailies[0].increments), ids[1]: sum(dailies[1].increments)}
        assert effects.frames["outcome"] == ("ok", "ok")

        # Until the registry has the modules where they are now, the next reports are held and asked about again …
        effects = await line.run(*uplinks)
        assert booked(effects) == {}
        # … and then the numbers agree: the alarms end.
        right = [
            Uplink(meter_id, world.a.tenant_id, product.json()["product_id"], "coaps", "r", daily.sent_at * 1_000_000 + 9, frame)
            for meter_id, daily, frame in zip(ids, dailies, (daily.frame() for daily in later(dailies)), strict=True)
        ]  # fmt: skip
        await line.run(*right)
        alarms = (await client.get("/alarms", params={"status": "open"})).json()["items"]
        assert [alarm for alarm in alarms if alarm["event"] == "module_mismatch" and alarm["meter_id"] in ids] == []


def later(dailies: list[Daily]) -> list[Daily]:
    """The same meters' frames under another sequence number: no repeats."""
    return [Daily(daily.number, seq=daily.seq + 1, base=daily.base, sent_at=daily.sent_at) for daily in dailies]
