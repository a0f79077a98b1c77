# SPDX-License-Identifier: Apache-2.0
"""Messages that were held because of their number: what is shown of them, and the two verdicts, over real engines."""

import json
from typing import Any

import httpx

from tests.edges.http.world import World, new_meter

US = 1_700_000_000_000_000


async def held(world: World, client: httpx.AsyncClient, carried: int, count: int = 2) -> tuple[int, int]:
    """(exception, meter): a meter whose module carries the number ``carried``, with so many held messages."""
    product = await client.post(
        "/products",
        json={"code": f"w{carried}", "name": "W", "maker": "M", "model": "2", "driver": "openmains/water-1"},
    )
    meter = await client.post("/meters", json=new_meter(world.a, product_id=product.json()["product_id"]))
    meter_id = meter.json()["meter_id"]
    for place in range(count):
        await world.owner.execute(
            "INSERT INTO dead_letter (tenant_id, meter_id, product_id, channel, path, received_us, payload, reason, number)"
            " VALUES ($1, $2, $3, 'coaps', 'r', $4, '\\x4f57', 'number_mismatch', $5)",
            world.a.tenant_id, meter_id, product.json()["product_id"], US + place, carried,
        )  # fmt: skip
    finding = await world.owner.fetchval(
        "INSERT INTO reading_exception (tenant_id, meter_id, version, rule, at, day, value, expected)"
        " VALUES ($1, $2, 0, 19, 1700000000, 19675, $3, 5) RETURNING exception_id",
        world.a.tenant_id, meter_id, carried,
    )  # fmt: skip
    return finding, meter_id


async def letters(world: World, meter_id: int) -> list[str]:
    rows = await world.owner.fetch(
        "SELECT status FROM dead_letter WHERE meter_id = $1 ORDER BY dead_letter_id", meter_id
    )
    return [row["status"] for row in rows]


async def test_without_another_meter_of_the_number_they_are_booked_where_they_came(world: World) -> None:
    sent = len(world.stream.uplinks)
    async with world.client(world.a.token) as client:
        finding, meter_id = await held(world, client, 911_000_000_001)
        shown = (await client.get(f"/exceptions/{finding}/held")).json()
        assert (shown["carried"], shown["messages"], shown["owner_meter_id"]) == ("911000000001", 2, None)
        done = await client.post(f"/exceptions/{finding}/judge", json={"verdict": "accept", "reason": "new module"})
        assert (done.status_code, done.json()["status"], done.json()["reason"]) == (200, "accepted", "new module")
        again = await client.post(f"/exceptions/{finding}/judge", json={"verdict": "reject"})
        assert (again.status_code, again.json()["type"]) == (409, "/api/v1/problems/already-done")
        trail = (await client.get("/audit", params={"limit": 1})).json()["items"][0]
        assert (trail["action"], trail["after"]["booked_to"]) == ("judge_number", meter_id)
    word, *replayed = world.stream.uplinks[sent:]
    assert (word.channel, json.loads(word.payload)["number"]) == ("number", 911_000_000_001)
    assert [(each.meter_id, each.channel, each.received_us) for each in replayed] == [
        (meter_id, "coaps", US), (meter_id, "coaps", US + 1),
    ]  # fmt: skip
    assert await letters(world, meter_id) == ["replayed", "replayed"]


async def test_they_go_to_the_meter_that_is_registered_under_the_number(world: World) -> None:
    sent = len(world.stream.uplinks)
    async with world.client(world.a.token) as client:
        owner: Any = (await client.post("/meters", json=new_meter(world.a, number="000912000000002"))).json()
        finding, meter_id = await held(world, client, 912_000_000_002)
        shown = (await client.get(f"/exceptions/{finding}/held")).json()
        assert (shown["owner_meter_id"], shown["owner_number"]) == (owner["meter_id"], "000912000000002")
        done = await client.post(f"/exceptions/{finding}/judge", json={"verdict": "accept"})
        assert done.json()["status"] == "accepted"
    assert [(each.meter_id, each.product_id, each.channel) for each in world.stream.uplinks[sent:]] == [
        (owner["meter_id"], owner["product_id"], "moved")
    ] * 2
    assert await letters(world, meter_id) == ["replayed", "replayed"]


async def test_two_meters_of_the_number_are_a_matter_for_the_registry(world: World) -> None:
    sent = len(world.stream.uplinks)
    async with world.client(world.a.token) as client:
        for number in ("00913000000003", "K-913000000003"):
            assert (await client.post("/meters", json=new_meter(world.a, number=number))).status_code == 201
        finding, meter_id = await held(world, client, 913_000_000_003)
        refused = await client.post(f"/exceptions/{finding}/judge", json={"verdict": "accept"})
        assert (refused.status_code, refused.json()["type"]) == (409, "/api/v1/problems/number-shared")
    assert (world.stream.uplinks[sent:], await letters(world, meter_id)) == ([], ["open", "open"])


async def test_rejected_ones_are_used_by_nobody(world: World) -> None:
    sent = len(world.stream.uplinks)
    async with world.client(world.a.token) as client:
        finding, meter_id = await held(world, client, 914_000_000_004)
        done = await client.post(f"/exceptions/{finding}/judge", json={"verdict": "reject", "reason": "wrong module"})
        assert (done.status_code, done.json()["status"]) == (200, "rejected")
    assert (world.stream.uplinks[sent:], await letters(world, meter_id)) == ([], ["dismissed", "dismissed"])


async def test_the_verdicts_of_values_and_of_numbers_are_kept_apart(world: World) -> None:
    async with world.client(world.a.token) as client:
        finding, _ = await held(world, client, 915_000_000_005)
        for verdict in ({"verdict": "keep_estimate"}, {"verdict": "edit", "volume": 1, "reason": "x"}):
            answer = await client.post(f"/exceptions/{finding}/judge", json=verdict)
            assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/verdict"), answer.text
        spike = world.a.ids["exception_id"]
        assert (await client.post(f"/exceptions/{spike}/judge", json={"verdict": "reject"})).status_code == 400
        assert (await client.get(f"/exceptions/{spike}/held")).status_code == 404
    async with world.client(world.b.token) as client:
        assert (await client.get(f"/exceptions/{finding}/held")).status_code == 404
        assert (await client.post(f"/exceptions/{finding}/judge", json={"verdict": "accept"})).status_code == 404
