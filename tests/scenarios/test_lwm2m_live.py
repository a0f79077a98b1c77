# SPDX-License-Identifier: Apache-2.0
"""Meters with objects on a running system: reports by every way, an operator's operations, a new key by bootstrap."""

import asyncio
import contextlib
import secrets
import socket
import time
from base64 import b64encode
from collections.abc import AsyncIterator
from decimal import Decimal
from enum import IntEnum, auto
from typing import Any

import pytest

from openmains.domain.fleet.identifiers import imei_of
from openmains.wire.coap.message import Code
from openmains.wire.lwm2m import content
from openmains.wire.lwm2m.client_events import BootstrapDone, Executed, Written
from openmains.wire.lwm2m.codec.senml import encode as senml
from openmains.wire.lwm2m.path import Path
from openmains.wire.lwm2m.value import Item, Value
from tests.support.daily import heartbeat
from tests.support.object_meter import KEY, ObjectMeter, rotate_keys
from tests.support.ports import free_port
from tests.support.secure import import_keys
from tests.support.system import System, Systems, add_product, found_utility, import_meters, until, until_async

FIRST_NUMBER = 340_000_000_000
FIRST_IMEI = 86_340_000_000_000
VOLUME: Path = (3424, 0, 1)
METER: dict[Path, Value] = {
    VOLUME: Decimal("1000.000"),
    (3, 0, 9): 91,
    (3, 0, 13): 1_789_000_000,
    (3, 0, 14): "+08:00",
    (19, 0, 0): b"",
    (19, 1, 0): b"",
    (26241, 0, 0): 0,
    (26241, 0, 1): b"",
}


class Place(IntEnum):
    """Meters, by what becomes of them."""

    SENDS = 0
    NOTIFIES = auto()
    PIPES = auto()
    POSTS = auto()
    LIVE = auto()
    HELD = auto()
    ROTATED = auto()
    UNFLASHED = auto()
    FLASHED = auto()
    UNTOUCHED = auto()
    FRAMES = auto()


STANDARD = (
    Place.SENDS,
    Place.NOTIFIES,
    Place.PIPES,
    Place.POSTS,
    Place.LIVE,
    Place.HELD,
)  # they speak LwM2M's own objects


def imei(index: int) -> int:
    return int(imei_of(FIRST_IMEI + index))


def number(index: int) -> int:
    return FIRST_NUMBER + index


class Town:
    def __init__(self, system: System) -> None:
        self.system = system
        self.keys = {index: secrets.token_bytes(16) for index in Place}
        self.meters: list[ObjectMeter] = []

    async def meter(self, index: int) -> ObjectMeter:
        """Connected and registered."""
        made = ObjectMeter(imei(index), self.keys[index], self.system.dtls, METER, seed=len(self.meters) + 1)
        self.meters.append(made)
        await made.come()
        return made

    def id_of(self, index: int) -> int:
        return self.system.meter_ids()[str(number(index))]

    def registers(self, index: int) -> list[int]:
        """Litres, by time."""
        now = int(time.time())
        found = self.system.get(
            f"/meters/{self.id_of(index)}/registers", **{"from": _text(now - 86_400), "to": _text(now + 3600)}
        )
        return [row["register"] for row in found["items"]]

    async def operate(self, index: int, operation: str, path: str, value: str = "") -> Any:
        """The API's answer, while the meter goes on listening."""
        body = {"operation": operation, "path": path, "value": value, "reason": "test"}
        place = f"/meters/{self.id_of(index)}/operations"
        return await asyncio.to_thread(self.system.api.post, place, json=body)

    async def settled(self, index: int) -> None:
        """Wait until the platform knows one key only."""
        await until(lambda: not self.system.get(f"/meters/{self.id_of(index)}/security")["key"]["rotating"])

    async def objects(self, index: int) -> Any:
        return await asyncio.to_thread(self.system.get, f"/meters/{self.id_of(index)}/objects")


def _text(instant: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(instant))


@pytest.fixture(scope="module")
async def town(systems: Systems) -> AsyncIterator[Town]:
    port = free_port(socket.SOCK_DGRAM)
    with systems(dtls_port=port, bootstrap_uri=f"coaps://127.0.0.1:{port}", meter_rate_per_min=10_000) as system:
        await found_utility(system)
        add_product(system, "water", "openmains/water-1")
        add_product(system, "standard", "lwm2m/water-1")
        made = Town(system)
        await import_meters(
            system,
            [
                (number(index), f"{imei(index):015d}", "standard" if index in STANDARD else "water")
                for index in made.keys
            ],
        )
        import_keys(system, {imei(index): key for index, key in made.keys.items()})
        yield made
        for meter in made.meters:
            meter.close()
        logs = "".join(file.read_text("utf-8", "replace") for file in system.var.glob("**/*.log*"))
        assert logs
        assert not [key for key in made.keys.values() if key.hex() in logs or b64encode(key).decode() in logs]


# --- one uplink, whatever the way ---


async def test_a_report_by_send_becomes_a_reading(town: Town) -> None:
    meter = await town.meter(Place.SENDS)
    at = int(time.time()) - 600
    assert await meter.send([Item(VOLUME, Decimal("1234.567"), at), Item((3, 0, 9), 88)]) == int(Code.CHANGED)
    await until(lambda: 1_234_567 in town.registers(Place.SENDS) or None)


async def test_a_report_by_notify_becomes_a_reading(town: Town) -> None:
    """The driver's page says what is observed after the registration; a changed value is all it takes."""
    meter = await town.meter(Place.NOTIFIES)
    await meter.observed((3424, 0))
    meter.set(VOLUME, Decimal("1000.250"))
    await meter.noted((3424, 0))
    await until(lambda: 1_000_250 in town.registers(Place.NOTIFIES) or None)


async def test_a_report_through_object_19_becomes_a_reading(town: Town) -> None:
    """By POST to /19/0/0, and as a notification of /19/0/0."""
    meter = await town.meter(Place.PIPES)
    at = int(time.time()) - 600
    first = senml([Item(VOLUME, Decimal("2000.001"), at)], content.SENML_CBOR)
    assert await meter.post(("19", "0", "0"), first, content.OPAQUE) == int(Code.CHANGED)
    await meter.observed((19, 0, 0))
    meter.set((19, 0, 0), senml([Item(VOLUME, Decimal("2000.002"), at + 60)], content.SENML_CBOR))
    await meter.noted((19, 0, 0))
    await until(lambda: {2_000_001, 2_000_002} <= set(town.registers(Place.PIPES)) or None)


async def test_a_report_by_post_becomes_a_reading(town: Town) -> None:
    meter = await town.meter(Place.POSTS)
    pack = senml([Item(VOLUME, Decimal("3000.003"), int(time.time()) - 600)], content.SENML_JSON)
    assert await meter.post(("r",), pack, content.SENML_JSON) == int(Code.CHANGED)
    await until(lambda: 3_000_003 in town.registers(Place.POSTS) or None)


async def test_a_frame_by_notify_of_object_19_needs_no_standard_objects(town: Town) -> None:
    meter = await town.meter(Place.FRAMES)
    await meter.observed((19, 0, 0))
    sent = heartbeat(number(Place.FRAMES), 77)
    meter.set((19, 0, 0), sent)
    await meter.noted((19, 0, 0))

    def stored() -> Any:
        frames = town.system.pages(f"/meters/{town.id_of(Place.FRAMES)}/frames", limit=200, direction="up")
        return [frame for frame in frames if frame["outcome"] == "ok" and frame["payload_hex"] == sent.hex()]

    await until(stored)


# --- operations ---


async def test_an_operator_reads_writes_discovers_and_observes_a_meter_that_is_awake(town: Town) -> None:
    meter = await town.meter(Place.LIVE)
    objects = await town.objects(Place.LIVE)
    assert objects["awake"]
    assert {one["object_id"]: one["instances"] for one in objects["objects"]}[3424] == [0]
    read = (await town.operate(Place.LIVE, "read", "/3/0/9")).json()
    assert (read["ok"], read["code"], read["values"][0]["value"]) == (True, "2.05", "91")
    whole = (await town.operate(Place.LIVE, "read", "/3424/0")).json()
    assert {one["path"]: one["value"] for one in whole["values"]}["/3424/0/1"] == "1000"
    assert (await town.operate(Place.LIVE, "write", "/3/0/14", "+07:00")).json()["ok"]
    assert meter.tree.get((3, 0, 14)) == "+07:00"
    links = (await town.operate(Place.LIVE, "discover", "/3")).json()["values"]
    assert "/3/0/9" in {one["path"] for one in links}
    missing = (await town.operate(Place.LIVE, "read", "/3/0/1")).json()
    assert (missing["ok"], missing["code"]) == (False, "4.04")
    assert (await town.operate(Place.LIVE, "observe", "/3/0/9")).json()["ok"]
    meter.set((3, 0, 9), 90)
    await meter.noted((3, 0, 9))
    seen = {one["path"]: one for one in (await town.objects(Place.LIVE))["observations"]}["/3/0/9"]
    assert (seen["values"][0]["value"], seen["at"] is not None) == ("90", True)
    assert (await town.operate(Place.LIVE, "cancel", "/3/0/9")).json()["ok"]
    assert "/3/0/9" not in {one["path"] for one in (await town.objects(Place.LIVE))["observations"]}
    trail = [entry for entry in town.system.pages("/audit", limit=100) if entry["action"] == "operate_meter"]
    assert {"operation": "write", "path": "/3/0/14", "value": "+07:00"} in [entry["after"] for entry in trail]
    wrong = await town.operate(Place.LIVE, "write", "/7/0/8", "noon")
    assert wrong.json()["type"].endswith("/operation-not-sent"), wrong.text


@pytest.mark.parametrize(
    ("operation", "path"),
    [
        ("write", "/26241/0/1"), ("write", "/26242/0/4"), ("write", "/26243/0/1"), ("write", "/19/1/0"),
        ("write", "/5/0/1"), ("execute", "/5/0/2"), ("execute", "/3/0/4"), ("execute", "/3/0/5"), ("write", "/3/0/13"), ("write", "/1/0/1"),
        ("execute", "/1/0/9"), ("write", "/0/1/5"), ("execute", "/3424/0/2"), ("write", "/3424/0/6"),
    ],
)  # fmt: skip
async def test_what_needs_a_signature_does_not_go_this_way(town: Town, operation: str, path: str) -> None:
    refused = await town.operate(Place.LIVE, operation, path, "1")
    assert refused.status_code == 403
    assert refused.json()["type"].endswith("/signed-command-only")


async def test_keys_are_not_read(town: Town) -> None:
    assert (await town.operate(Place.LIVE, "read", "/0/1/5")).status_code == 403
    assert (await town.operate(Place.LIVE, "discover", "/0")).status_code == 403


async def test_a_meter_without_a_session_is_said_to_have_none(town: Town) -> None:
    refused = await town.operate(Place.UNTOUCHED, "read", "/3/0/9")
    assert (refused.status_code, refused.json()["type"].split("/")[-1]) == (409, "meter-not-connected")


async def test_a_quarantined_terminal_is_sent_nothing(town: Town) -> None:
    meter = await town.meter(Place.HELD)
    place = f"/meters/{town.id_of(Place.HELD)}/security"
    town.system.send("POST", f"{place}/hold", {"state": "quarantine", "note": "test"})

    async def held() -> bool:
        refused = await town.operate(Place.HELD, "execute", "/3/0/12")
        return refused.status_code == 409 and bool(refused.json()["type"].endswith("/terminal-held"))

    await until_async(held)
    before = len([event for event in meter.told if isinstance(event, Executed)])
    await town.operate(Place.HELD, "execute", "/3/0/12")
    assert len([event for event in meter.told if isinstance(event, Executed)]) == before


# --- a new key ---


async def test_a_rotated_key_reaches_its_meter_and_nobody_is_cut_off(town: Town) -> None:
    meter = await town.meter(Place.ROTATED)
    old = meter.key
    (new,) = rotate_keys(town.system, [imei(Place.ROTATED)]).values()
    town.keys[Place.ROTATED] = new  # searched for in the logs at the end
    assert (await meter.post(("r",), heartbeat(number(Place.ROTATED), 1), content.OPAQUE)) == int(Code.CHANGED)
    meter.update()  # a session may be months old: the next sign of life is enough
    await meter.hears(BootstrapDone)
    assert meter.key == new != old
    assert meter.tree.get((0, 0, 5)) == new
    meter.power_on()
    await meter.come()
    assert (await meter.post(("r",), heartbeat(number(Place.ROTATED), 2), content.OPAQUE)) == int(Code.CHANGED)
    await town.settled(Place.ROTATED)
    assert not [event for event in meter.told if isinstance(event, Executed)]  # it has its key; nobody asks again
    thief = ObjectMeter(imei(Place.ROTATED), old, town.system.dtls, METER, seed=99)
    town.meters.append(thief)
    with contextlib.suppress(TimeoutError):
        assert not await asyncio.wait_for(thief.connect(), 3.0)  # the old key is over


@pytest.mark.parametrize("flashed", [False, True])
async def test_a_bootstrap_that_breaks_off_leaves_a_key_that_works(town: Town, flashed: bool) -> None:
    """It loses its power at the first write: before its new account was kept, or after that and before Finish."""
    index = Place.FLASHED if flashed else Place.UNFLASHED
    meter = await town.meter(index)
    old = meter.key
    (new,) = rotate_keys(town.system, [imei(index)]).values()
    town.keys[index] = new
    meter.breaks_at = KEY
    meter.update()
    await meter.hears(Written)
    meter.breaks_at = None
    if not flashed:
        meter.tree.set(KEY, old)
    meter.power_on()
    await meter.come()
    assert await meter.post(("r",), heartbeat(number(index), 10 + flashed), content.OPAQUE) == int(Code.CHANGED)
    if not flashed:  # it came with its old key: it is asked again
        await meter.hears(BootstrapDone)
        meter.power_on()
        await meter.come()
    assert meter.key == new
