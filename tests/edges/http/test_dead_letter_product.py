# SPDX-License-Identifier: Apache-2.0
"""A meter registered under the wrong product: once that is mended, its dead letters are read as the right one."""

from tests.edges.http.world import World, new_meter


async def test_replay_takes_the_meters_present_product(world: World) -> None:
    async with world.client(world.a.token) as client:
        driver = (await client.get(f"/products/{world.a.ids['product_id']}")).json()["driver"]
        body = {"code": "right", "name": "Right", "maker": "M", "model": "2", "driver": driver}
        right = (await client.post("/products", json=body)).json()["product_id"]
        meter = await client.post("/meters", json=new_meter(world.a))
        meter_id = meter.json()["meter_id"]
        letter_id = await world.owner.fetchval(
            "INSERT INTO dead_letter (tenant_id, meter_id, product_id, channel, path, received_us, payload, reason)"
            " VALUES ($1, $2, $3, 'coap', 'r', 1700000000123456, '\\x0102', 'type') RETURNING dead_letter_id",
            world.a.tenant_id,
            meter_id,
            world.a.ids["product_id"],
        )
        mended = await client.patch(
            f"/meters/{meter_id}", json={"product_id": right}, headers={"If-Match": meter.headers["etag"]}
        )
        assert mended.status_code == 200, mended.text
        assert (await client.post("/dead-letters/replay", json={"ids": [letter_id]})).json() == {"ids": [letter_id]}
    assert (world.stream.uplinks[-1].meter_id, world.stream.uplinks[-1].product_id) == (meter_id, right)
