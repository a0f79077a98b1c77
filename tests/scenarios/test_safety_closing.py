# SPDX-License-Identifier: Apache-2.0
"""A leak, from the meter's word to the shut valve and the inspected site, on a running system with real meters on sockets (R4.8)."""

import json
import time
from collections.abc import AsyncIterator
from enum import IntEnum, auto
from typing import Any

import pytest

from openmains.emulator.meter.valve import Position
from tests.support.commanded import ANN, BEN, CommandedMeter, CommandedTown, awake, commanded_town
from tests.support.system import Systems, until, until_async

SAID = {"reason": 1, "evidence": "neighbour reports a smell of gas at 02:10"}


class Place(IntEnum):
    """Meters that a test has to itself."""

    SLEEPS = 0
    LISTENS = auto()


@pytest.fixture(scope="module")
async def town(systems: Systems) -> AsyncIterator[CommandedTown]:
    with systems(meter_rate_per_min=10_000) as system:
        async with commanded_town(system, len(Place)) as made:
            yield made


async def protect(town: CommandedTown, place: int) -> None:
    """The meter's customer is protected and has paid; the utility forbids remote closing."""
    town.system.send("PUT", "/command-policy?reason=test", {"remote_closing": False})
    await town.sql(
        "WITH made AS (INSERT INTO customer (tenant_id, code, name, is_protected) VALUES ($2, $3, 'hospital', true)"
        " RETURNING customer_id) UPDATE meter SET customer_id = (SELECT customer_id FROM made) WHERE meter_id = $1",
        town.id_of(place), town.tenant_id, f"hospital-{place}",
    )  # fmt: skip


def standing(town: CommandedTown, place: int) -> Any:
    items = town.system.get("/safety-closings", meter_id=town.id_of(place), standing=True)["items"]
    return items[0] if items else None


def open_alarms(town: CommandedTown, place: int) -> set[str]:
    return {alarm["event"] for alarm in town.system.get("/alarms", meter_id=town.id_of(place), status="open")["items"]}


async def shut(meter: CommandedMeter, *, speaks: bool) -> None:
    async def is_shut() -> bool:
        if speaks:
            await meter.speak()
        return meter.terminal.valve.position == Position.CLOSED

    await until_async(is_shut)


async def test_two_persons_shut_a_sleeping_meter_at_its_next_wake(town: CommandedTown) -> None:
    place = Place.SLEEPS
    meter = await awake(town, place)
    await protect(town, place)
    body = {"kind": "valve_close", "unique_key": "leak-plain", "signer": ANN}
    refused = town.system.send("POST", f"/meters/{town.id_of(place)}/commands", body)
    assert (refused["verdict"], refused["reason"]) == ("refused", "closing_forbidden")
    # it has not been heard for a while: nothing goes out to a meter that sleeps
    await town.sql(
        "UPDATE meter_state SET last_seen_us = last_seen_us - 600000000 WHERE meter_id = $1", town.id_of(place)
    )
    asked = time.monotonic()
    command_id = town.give(place, "safety_close", "leak-night", signed=True, params=SAID)  # Ann gives, Ben agrees
    await town.reaches(command_id, "queued")
    assert meter.frames == []
    woken = time.monotonic()
    await shut(meter, speaks=True)
    done = time.monotonic()
    assert (await town.reaches(command_id, "confirmed"))["answer"]["closed_for_safety"] == 1
    print(
        json.dumps(
            {"agreed_to_queued_ms": round(1000 * (woken - asked)), "wake_to_shut_ms": round(1000 * (done - woken))}
        )
    )
    assert "safety_closing" in open_alarms(town, place)
    # nobody opens it: not the signer, not a frame of before, not the button
    body = {"kind": "valve_open", "unique_key": "leak-open", "signer": ANN}
    refused = town.system.send("POST", f"/meters/{town.id_of(place)}/commands", body)
    assert (refused["verdict"], refused["reason"]) == ("refused", "closed_for_safety")
    await meter.carry_out(meter.terminal.press(meter.now))
    top_up = town.give(place, "top_up", "leak-money", signed=True, params={"amount": 500_000, "balance_kind": 0})
    await until_async(lambda: _speaks_until(town, meter, top_up))
    assert meter.terminal.valve.position == Position.CLOSED
    # the key on the spot, which the meter tells at once
    await meter.carry_out(meter.terminal.turn_key(meter.now))
    await until(lambda: meter.terminal.valve.position == Position.OPEN)
    await until(lambda: (standing(town, place) or {}).get("opened_at"))
    assert {"safety_closing", "safety_opened"} <= open_alarms(town, place)
    inspection = {"note": "union nut renewed, tight", "inspector": ANN, "approver": BEN}
    lifted = town.system.send("POST", f"/meters/{town.id_of(place)}/site-inspection", inspection)
    assert (lifted["inspected_by"], lifted["agreed_by"]) == ("ann", "ben")
    assert standing(town, place) is None
    assert not open_alarms(town, place) & {"safety_closing", "safety_opened"}
    body = {"kind": "valve_open", "unique_key": "leak-over", "signer": ANN}
    assert town.system.send("POST", f"/meters/{town.id_of(place)}/commands", body)["verdict"] == "authorised"
    trail = town.system.get("/audit", object_type="meter", object_id=town.id_of(place))["items"]
    assert "inspect_site" in [line["action"] for line in trail]


async def _speaks_until(town: CommandedTown, meter: CommandedMeter, command_id: int) -> bool:
    await meter.speak()
    return town.state(command_id) == "confirmed"


async def test_the_meters_own_word_and_one_person_shut_it_at_once_while_it_listens(town: CommandedTown) -> None:
    place = Place.LISTENS
    meter = await awake(town, place)
    await protect(town, place)
    await meter.carry_out(meter.terminal.set_event("burst", True, meter.now))
    await meter.speak()
    await until(lambda: "burst" in open_alarms(town, place))
    frames = len(set(meter.frames))
    body = {"kind": "safety_close", "unique_key": "burst-now", "signer": ANN, "params": SAID | {"reason": 5}}
    given_at = time.monotonic()
    given = town.system.send("POST", f"/meters/{town.id_of(place)}/commands", body)
    assert given["verdict"] == "authorised"  # one person: the meter is the other witness
    await shut(meter, speaks=False)  # without a further word of the meter
    print(json.dumps({"given_to_shut_ms": round(1000 * (time.monotonic() - given_at))}))
    await town.reaches(given["command"]["command_id"], "confirmed")
    assert len(set(meter.frames)) == frames + 1
    assert standing(town, place)["closed_at"] is not None
