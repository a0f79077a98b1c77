# SPDX-License-Identifier: Apache-2.0
"""What a meter says, from its socket to the API of a running system, and what happens to what can not be used."""

import time
from collections import Counter
from collections.abc import Iterator
from enum import IntEnum, auto
from typing import Any

import pytest

from openmains.app.ingest.edge.admission import METER_LIMIT
from openmains.domain.fleet.identifiers import imei_of
from openmains.wire.coap.message import Code
from tests.support.daily import DRIVER, Daily, alarm, heartbeat
from tests.support.system import (
    System,
    Systems,
    add_product,
    clock_of,
    found_utility,
    import_meters,
    instant_of,
    post,
    post_all,
    until,
    until_async,
)

FIRST_NUMBER = 320_000_000_000
FIRST_IMEI = 86_320_000_000_000


class Place(IntEnum):
    """Meters, by what becomes of them; ``STRANGE`` is not registered."""

    PLAIN = 0
    REPEATED = auto()
    ALARMING = auto()
    BROKEN = auto()
    MISREAD = auto()
    FLOODING = auto()
    STRANGE = auto()
    BEATER = auto()


@pytest.fixture(scope="module")
async def system(systems: Systems) -> Iterator[System]:  # type: ignore[misc]
    with systems() as running:
        await found_utility(running)
        add_product(running, "water", "openmains/water-1")
        add_product(running, "misread", "cjt188/water-2004")
        products = {Place.MISREAD: "misread"}
        meters = [k for k in Place if k != Place.STRANGE]
        await import_meters(running, [(FIRST_NUMBER + k, imei(k), products.get(k, "water")) for k in meters])
        yield running


def imei(index: int) -> str:
    return f"{imei_of(FIRST_IMEI + index)}"


def id_of(system: System, index: int) -> int:
    return system.meter_ids()[str(FIRST_NUMBER + index)]


async def series_of(system: System, meter_id: int, daily: Daily) -> Any:
    """Yesterday's half hours, as soon as they are there."""
    return await until(lambda: (s := system.series(meter_id, daily.start, daily.midnight))["total"] and s)


async def frames_of(system: System, meter_id: int, count: int) -> Any:
    """The frame log, newest first, as soon as it has so many."""
    return await items_of(system, f"/meters/{meter_id}/frames", count, direction="up")


async def items_of(system: System, path: str, count: int = 1, **query: Any) -> Any:
    """A list as soon as it has so many. The tables of a batch are written side by side: one may be seen before another."""

    def enough() -> Any:
        found = system.get(path, **query)["items"]
        return found if len(found) >= count else None

    return await until(enough)


async def test_a_report_is_in_every_view(system: System) -> None:
    daily = Daily(FIRST_NUMBER + Place.PLAIN)
    before = int(time.time())
    outcome = await post(system, imei(Place.PLAIN), daily.frame())
    assert outcome.code == Code.CHANGED
    platform_at, offset_min = clock_of(outcome.payload)  # R1.13
    assert before <= platform_at <= int(time.time())
    assert offset_min == 480

    meter_id = id_of(system, Place.PLAIN)
    found = await series_of(system, meter_id, daily)
    assert [point["volume"] for point in found["points"]] == daily.increments
    assert [instant_of(point["start"]) for point in found["points"]] == [daily.start + 1800 * k for k in range(48)]
    assert {(p["measured_s"], p["estimated_s"], p["missing_s"], len(p["rules"])) for p in found["points"]} == {
        (1800, 0, 0, 0)
    }
    assert found["points"][1]["volume_m3"] == f"0.{daily.increments[1]:03d}"
    day = system.series(meter_id, daily.start, daily.midnight, "day")
    assert [point["volume"] for point in day["points"]] == [sum(daily.increments)]

    frame = (await frames_of(system, meter_id, 1))[0]
    assert (frame["outcome"], frame["channel"], frame["length"]) == ("ok", "coap", 194)
    assert frame["payload_hex"] == daily.frame().hex()
    fields = {item["name"]: item["value"] for item in frame["fields"]}
    assert (fields["base"], fields["register"], fields["frame_seq"]) == (f"{daily.base}", f"{daily.register}", "1")
    assert sum(item["length"] for item in frame["fields"]) == 194

    signal = (await items_of(system, f"/meters/{meter_id}/signals"))[0]
    assert (signal["rsrp_dbm"], signal["sinr_db"], signal["ecl"], signal["pci"]) == (-101.3, 4.5, 1, 321)
    assert (signal["cell"], signal["earfcn"], signal["battery_pct"], signal["battery_mv"]) == (19114957, 3736, 87, 3584)
    assert signal["coverage"] == "CE1"


async def test_a_frame_once_more_has_no_second_effect(system: System) -> None:
    daily = Daily(FIRST_NUMBER + Place.REPEATED)
    for _ in range(3):  # new exchanges, as after a lost answer: not for CoAP to recognise
        assert (await post(system, imei(Place.REPEATED), daily.frame())).code == Code.CHANGED
    meter_id = id_of(system, Place.REPEATED)
    frames = await frames_of(system, meter_id, 3)
    assert [frame["outcome"] for frame in frames] == ["repeat", "repeat", "ok"]
    found = await series_of(system, meter_id, daily)
    assert [point["volume"] for point in found["points"]] == daily.increments
    assert len(await items_of(system, f"/meters/{meter_id}/signals")) == 1
    assert system.get("/exceptions", meter_id=meter_id)["items"] == []
    await until(lambda: system.counters().get("pipeline.repeat", 0) >= 2)


async def test_an_alarm_is_raised_and_cleared(system: System) -> None:
    number, meter_id = FIRST_NUMBER + Place.ALARMING, id_of(system, Place.ALARMING)

    def alarms(status: str) -> Any:
        return system.get("/alarms", meter_id=meter_id, status=status)["items"]

    began = time.monotonic()
    assert (await post(system, imei(Place.ALARMING), alarm(number, 1, ["magnetic"], 5000))).code == Code.CHANGED
    raised = (await until(lambda: alarms("open")))[0]
    seen_ms = (time.monotonic() - began) * 1000
    assert raised["event"] == "magnetic"
    assert raised["occurrences"] == 1
    assert instant_of(raised["raised_at"]) < instant_of(raised["received_at"]) + 1
    assert raised["delay_ms"] > 0

    assert (await post(system, imei(Place.ALARMING), alarm(number, 2, [], 5000))).code == Code.CHANGED
    cleared = (await until(lambda: alarms("cleared")))[0]
    assert cleared["alarm_id"] == raised["alarm_id"]
    assert alarms("open") == []
    print(f"alarm: {raised['delay_ms']} ms from socket to store, in the API's answer after {seen_ms:.0f} ms")


async def test_a_malformed_frame_is_kept_with_the_wrong_byte(system: System) -> None:
    vector = next(vector for vector in DRIVER.vectors if vector.name == "unknown message type")
    outcome = await post(system, imei(Place.BROKEN), vector.frame)
    assert (outcome.code, outcome.payload) == (Code.BAD_REQUEST, b"malformed: type")
    meter_id = id_of(system, Place.BROKEN)
    letters = await until(lambda: system.get("/dead-letters", meter_id=meter_id)["items"])
    assert (letters[0]["reason"], letters[0]["byte_offset"], letters[0]["status"]) == ("type", 3, "open")
    assert letters[0]["detail"]
    assert letters[0]["payload_hex"] == vector.frame.hex()
    assert (await frames_of(system, meter_id, 1))[0]["outcome"] == "type"
    await until(lambda: system.counters().get("edge.malformed.type", 0) >= 1)


async def test_a_mended_driver_reads_what_was_dead(system: System) -> None:
    daily = Daily(FIRST_NUMBER + Place.MISREAD)
    meter_id = id_of(system, Place.MISREAD)
    assert (await post(system, imei(Place.MISREAD), daily.frame())).code == Code.BAD_REQUEST
    letter = (await until(lambda: system.get("/dead-letters", meter_id=meter_id)["items"]))[0]
    assert letter["status"] == "open"

    system.send("PATCH", f"/products/{system.products['misread']}", {"driver": "openmains/water-1"})

    async def mended() -> bool:
        return (await post(system, imei(Place.MISREAD), heartbeat(daily.number, 900))).code == Code.CHANGED

    await until_async(mended, every_s=60 / METER_LIMIT)  # more often it would be refused for a minute
    system.send("POST", "/dead-letters/replay", {"ids": [letter["dead_letter_id"]]})
    found = await series_of(system, meter_id, daily)
    assert [point["volume"] for point in found["points"]] == daily.increments
    of_frame = [
        item
        for item in system.pages("/dead-letters", meter_id=meter_id, limit=50)
        if item["payload_hex"] == daily.frame().hex()
    ]
    assert [(item["dead_letter_id"], item["status"]) for item in of_frame] == [(letter["dead_letter_id"], "replayed")]


async def test_what_is_refused_is_counted(system: System) -> None:
    before = system.counters()
    assert (await post(system, imei(Place.STRANGE), b"x")).code == Code.NOT_FOUND
    assert (await post(system, "12345", b"x")).code == Code.NOT_FOUND
    large = await post(system, imei(Place.PLAIN), bytes(513))
    assert large.code == Code.REQUEST_ENTITY_TOO_LARGE
    for _ in range(3):  # the meter's window may turn meanwhile
        frames = [heartbeat(FIRST_NUMBER + Place.FLOODING, seq) for seq in range(2 * METER_LIMIT)]
        answers = await post_all(system, imei(Place.FLOODING), frames)
        codes = Counter(answer.code for answer in answers)
        assert set(codes) <= {Code.CHANGED, Code.TOO_MANY_REQUESTS}, codes
        if codes[Code.TOO_MANY_REQUESTS]:
            break
    assert codes[Code.TOO_MANY_REQUESTS], codes

    def counted() -> bool:
        now = system.counters()
        names = ("unknown_meter", "not_an_imei", "too_large", "too_many")
        return all(now.get(f"edge.refused.{name}", 0) > before.get(f"edge.refused.{name}", 0) for name in names)

    await until(counted)
