# SPDX-License-Identifier: Apache-2.0
"""Meters of standard objects get the time: when what they say of their clock is off, /3/0/13 is written."""

from decimal import Decimal

import pytest

from openmains.app.link.lwm2m.clock_setting import CURRENT_TIME, EVERY_S
from openmains.domain.period import DAY_S
from openmains.wire.lwm2m import content
from openmains.wire.lwm2m.client_events import Written
from openmains.wire.lwm2m.codec.values import encode
from openmains.wire.lwm2m.definitions import definitions
from openmains.wire.lwm2m.value import Item
from tests.support.link_meter import World

VOLUME, STAMP = (3424, 0, 1), (3424, 0, 5518)
NOBODY = {"clock.off": 0, "clock.written": 0, "clock.set": 0}


def pack(*items: Item) -> bytes:
    return encode(list(items), content.SENML_CBOR, (), definitions().type)


def world(**more: str) -> World:
    made = World(driver=more.get("driver", "lwm2m/water-1"))
    made.device.tree.set(CURRENT_TIME, now_of(made))
    return made.registered()


def now_of(made: World) -> int:
    return made.clock.unix_us() // 1_000_000


async def send(made: World, *items: Item) -> None:
    made.device.post(("dp",), pack(*items), made.clock.now, content.SENML_CBOR)
    made.link.run()
    await made.stored()
    made.link.run()


def counted(made: World) -> dict[str, int]:
    return {name: made.traffic.counters.get(name, 0) for name in NOBODY}


def writes(made: World) -> int:
    return sum(CURRENT_TIME in event.paths for event in made.link.felt if isinstance(event, Written))


@pytest.mark.parametrize("off", [-3600, 3600, -1_700_000_000, 700])
async def test_a_clock_that_is_off_is_set_and_the_next_report_shows_it(off: int) -> None:
    made = world()
    made.device.tree.set(CURRENT_TIME, now_of(made) + off)
    await send(made, Item(VOLUME, Decimal("1.5")), Item(CURRENT_TIME, now_of(made) + off))
    assert counted(made) == {"clock.off": 1, "clock.written": 1, "clock.set": 1}
    told = made.device.tree.get(CURRENT_TIME)
    assert told == now_of(made)
    await send(made, Item(VOLUME, Decimal("1.6")), Item(CURRENT_TIME, told))
    assert counted(made) == {"clock.off": 1, "clock.written": 1, "clock.set": 1}


@pytest.mark.parametrize("off", [0, 600, -600])
async def test_a_clock_within_the_tolerance_is_left_alone(off: int) -> None:
    made = world()
    await send(made, Item(VOLUME, Decimal("1.5")), Item(CURRENT_TIME, now_of(made) + off))
    assert counted(made) == NOBODY and writes(made) == 0


@pytest.mark.parametrize("dated", ["stamp", "senml time"])
async def test_the_time_in_a_report_tells_the_clock_as_well(dated: str) -> None:
    made = world()
    wrong = now_of(made) - 7200
    volume = Item(VOLUME, Decimal("1.5"), wrong if dated == "senml time" else None)
    await send(made, volume, *([Item(STAMP, wrong)] if dated == "stamp" else []))
    assert counted(made) == {"clock.off": 1, "clock.written": 1, "clock.set": 1}
    assert made.device.tree.get(CURRENT_TIME) == now_of(made)


async def test_current_time_goes_before_the_time_of_a_value() -> None:
    made = world()
    await send(made, Item(VOLUME, Decimal("1.5"), now_of(made) - 40_000), Item(CURRENT_TIME, now_of(made)))
    assert counted(made) == NOBODY


async def test_one_that_says_no_time_at_all_is_asked_once_a_day() -> None:
    made = world()
    made.device.tree.set(CURRENT_TIME, 86_400 * 365)
    await send(made, Item(VOLUME, Decimal("1.5")))
    assert counted(made) == {"clock.off": 1, "clock.written": 1, "clock.set": 1}
    assert made.device.tree.get(CURRENT_TIME) == now_of(made)
    await send(made, Item(VOLUME, Decimal("1.6")))
    assert made.traffic.counters["clock.waits"] == 1
    made.clock.run(DAY_S)
    made.device.tree.set(CURRENT_TIME, now_of(made))
    await send(made, Item(VOLUME, Decimal("1.7")))
    assert counted(made)["clock.off"] == 1


async def test_a_meter_that_does_not_take_the_time_is_not_talked_to_at_every_report() -> None:
    made = world()
    for _ in range(5):
        await send(made, Item(VOLUME, Decimal("1.5")), Item(CURRENT_TIME, 5))
        made.clock.run(60)
    assert counted(made) == {"clock.off": 5, "clock.written": 1, "clock.set": 1}
    made.clock.run(EVERY_S)
    await send(made, Item(VOLUME, Decimal("1.5")), Item(CURRENT_TIME, 5))
    assert counted(made)["clock.written"] == 2


async def test_one_that_is_held_is_told_nothing() -> None:
    made = world()
    made.allowed = False
    await send(made, Item(VOLUME, Decimal("1.5")), Item(CURRENT_TIME, 5))
    assert counted(made) == {"clock.off": 1, "clock.written": 0, "clock.set": 0}
    assert made.traffic.counters["clock.not_reachable"] == 1


async def test_a_report_that_is_not_on_disk_sets_no_clock() -> None:
    made = world()
    made.disk.broken = True
    await send(made, Item(VOLUME, Decimal("1.5")), Item(CURRENT_TIME, 5))
    assert counted(made) == NOBODY


async def test_meters_with_frames_of_their_own_get_it_by_their_answer() -> None:
    made = world(driver="openmains/water-1")
    await send(made, Item(VOLUME, Decimal("1.5")), Item(CURRENT_TIME, 5))
    assert counted(made) == NOBODY
