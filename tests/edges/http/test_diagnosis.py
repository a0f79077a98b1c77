# SPDX-License-Identifier: Apache-2.0
"""Faults that were planted in the real tables are each the first guess, told with the evidence that they rest on (R7.4)."""

import secrets
from typing import Any

from tests.edges.http.world import Utility, World, new_meter

HOUR_US = 3_600_000_000
ALARM = (
    "INSERT INTO alarm (tenant_id, meter_id, event, severity, raised_at, received_us, shown_us, last_us, told)"
    " VALUES ($1, $2, $3, 'major', 1, 1, 1, 1, 3)"
)


async def planted(world: World, utility: Utility, **state: Any) -> int:
    """A meter of the utility that was heard an hour ago, and what else its state says."""
    async with world.client(utility.token) as client:
        made = await client.post("/meters", json=new_meter(utility))
    assert made.status_code == 201, made.text
    meter_id = int(made.json()["meter_id"])
    said = {"last_seen_us": world.deps.now_us() - HOUR_US, "battery_mv": 3600, "rsrp_ddbm": -950, "valve": 0} | state
    names = ", ".join(f"{name} = ${place}" for place, name in enumerate(said, 2))
    await world.owner.execute(f"UPDATE meter_state SET {names} WHERE meter_id = $1", meter_id, *said.values())  # noqa: S608 our names
    await world.owner.execute("UPDATE meter SET imei = NULL WHERE meter_id = $1", meter_id)
    return meter_id


async def asked(world: World, utility: Utility, meter_id: int, complaint: str = "silent") -> dict[str, Any]:
    async with world.client(utility.token) as client:
        answer = await client.get(f"/meters/{meter_id}/diagnosis", params={"complaint": complaint})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def facts(found: dict[str, Any]) -> dict[str, Any]:
    """Of the first guess."""
    (step,) = [step for step in found["steps"] if step["check"] == found["guess"]]
    assert step["verdict"] == "cause"
    assert step["act"] != ""
    told: dict[str, Any] = step["facts"]
    return told


async def test_what_was_planted_is_the_first_guess(world: World) -> None:
    utility, owner = await world.utility(), world.owner
    now_us = world.deps.now_us()
    old = now_us - 72 * HOUR_US
    well = await planted(world, utility)
    assert (await asked(world, utility, well))["guess"] == ""
    stopped = await planted(world, utility, last_seen_us=old)
    assert facts(await asked(world, utility, stopped))["last_seen_us"] == old
    dead = await planted(world, utility, last_seen_us=old, battery_mv=2800)
    assert facts(await asked(world, utility, dead)) == {"battery_mv": 2800}
    letters = await planted(world, utility, last_seen_us=old)
    await owner.execute(
        "INSERT INTO dead_letter (tenant_id, meter_id, product_id, channel, path, received_us, payload, reason, detail)"
        " SELECT tenant_id, meter_id, product_id, 'coap', '', $2, '\\x00', 'no_driver', 'no driver page a/b' FROM meter WHERE meter_id = $1",
        letters, now_us,
    )  # fmt: skip
    said = await asked(world, utility, letters)
    assert (said["guess"], facts(said)["detail"]) == ("driver", "no driver page a/b")
    wrong = await planted(world, utility, last_seen_us=old)
    imei = 860_000_000_000_000 + secrets.randbelow(10**9)
    await owner.execute("UPDATE meter SET imei = $2 WHERE meter_id = $1", wrong, imei)
    assert facts(await asked(world, utility, wrong)) == {"key": "none"}
    await owner.execute(
        "INSERT INTO device_key (imei, tenant_id, key_id, nonce, sealed) SELECT $1, $2, key_id, '\\x00', '\\x00' FROM tenant_key"
        " WHERE tenant_id = $2 LIMIT 1", imei, utility.tenant_id,
    )  # fmt: skip
    await owner.execute(
        "INSERT INTO access_refusal (tenant_id, name, imei, stage, reason, detail, address, first_us, last_us, attempts)"
        " VALUES ($1, $2, $3, 'handshake', 'bad_record_mac', '', '', $4, $4, 9)",
        utility.tenant_id, str(imei), imei, now_us,
    )  # fmt: skip
    refused = await asked(world, utility, wrong)
    assert refused["guess"] == "key"
    for event, guess in (("clock_fault", "clock"), ("module_mismatch", "module")):
        meter = await planted(world, utility, **({} if guess == "clock" else {"last_seen_us": old}))
        await owner.execute(ALARM, utility.tenant_id, meter, event)
        assert (await asked(world, utility, meter))["guess"] == guess
    # six of its cell are late too: not the meter
    for _ in range(6):
        await planted(world, utility, last_seen_us=old, cell=4711)
    cell = await planted(world, utility, last_seen_us=old, cell=4711)
    assert facts(await asked(world, utility, cell)) == {"meters": 6, "late": 6}


async def test_no_gas_is_led_back_to_why_the_valve_is_shut(world: World) -> None:
    utility, owner = await world.utility(), world.owner
    owes = await planted(world, utility, valve=1, balance=-120)
    assert facts(await asked(world, utility, owes, "no_supply"))["balance_fen"] == -120
    shut = await planted(world, utility, valve=1)
    await owner.execute(
        "INSERT INTO meter_safety (tenant_id, meter_id, reason, evidence, ordered_us) VALUES ($1, $2, '1', 'smell', 1)",
        utility.tenant_id, shut,
    )  # fmt: skip
    assert facts(await asked(world, utility, shut, "no_supply")) == {"reason": "leak"}
    magnet = await planted(world, utility, valve=1)
    await owner.execute(ALARM, utility.tenant_id, magnet, "magnetic")
    assert (await asked(world, utility, magnet, "no_supply"))["guess"] == "magnet"
    await owner.execute(ALARM, utility.tenant_id, shut, "pump_stopped")  # in the same area: the district's matter
    district = await asked(world, utility, magnet, "no_supply")
    assert (district["guess"], facts(district)["event"]) == ("district", "pump_stopped")
    waiting = await planted(world, utility)
    await owner.execute(
        "INSERT INTO command (tenant_id, meter_id, kind, lane, priority, unique_key, content, not_after, created_us, state)"
        " VALUES ($1, $2, 'read_now', 3, 2, $3, '\\x00', 1, 1, 'queued')",
        utility.tenant_id, waiting, f"d{waiting}",
    )  # fmt: skip
    assert (await asked(world, utility, waiting, "unanswered"))["guess"] == "waits"
    async with world.client(utility.token) as client:
        assert (await client.get("/meters/999999999/diagnosis")).status_code == 404


async def test_what_stands_is_told_as_the_maker_calls_it_with_what_to_do(world: World) -> None:
    utility = await world.utility()  # of the first driver page: CJ/T 188, gas
    well, low = await planted(world, utility), await planted(world, utility, event_mask=1 << 5)
    async with world.client(utility.token) as client:
        told = [(await client.get(f"/meters/{meter}/fault-codes")).json() for meter in (well, low)]
        driver = (await client.get(f"/meters/{low}")).json()["driver"]
        page = await client.get(f"/drivers/{driver}/fault-codes")
        assert (await client.get("/drivers/no/page/fault-codes")).status_code == 404
    assert [[(code["event"], code["code"], code["is_open"]) for code in codes] for codes in told] == [
        [("low_battery", "ST0 D2", False)],
        [("low_battery", "ST0 D2", True)],
    ]
    first = told[1][0]
    assert first["title_zh"] and first["act_zh"] and first["title_en"] and first["act_en"]
    assert [code["code"] for code in page.json()] == ["ST0 D2"]
    async with world.client((await world.utility()).token) as client:
        assert (await client.get(f"/meters/{low}/fault-codes")).status_code == 404
