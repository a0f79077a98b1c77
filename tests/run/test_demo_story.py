# SPDX-License-Identifier: Apache-2.0
"""What the demo's town lived through: who leaked, who fell silent, what was told at once; the same at every start."""

from datetime import date

import numpy as np

from openmains.domain.period import DAY_S, date_to_day, zone
from openmains.drivers import catalog
from openmains.drivers.model import Kind
from openmains.emulator.meter.consumption import Consumption
from openmains.emulator.meter.piping import shown
from openmains.run.demo import story, town
from openmains.run.demo.history import SEED, Registered, night, place_of

ZONE = zone("Asia/Shanghai")
BEGAN = date_to_day(date(2026, 10, 1))
TOLD = story.Story(BEGAN, ZONE)


def fleet() -> list[Registered]:
    driver_of = {code: catalog.load().driver(driver) for code, _, _, driver, _ in town.PRODUCTS}
    return [Registered(meter, at, 1, 1, driver_of[meter.product]) for at, meter in enumerate(town.meters(), 1)]


def test_the_town_has_a_leak_a_theft_a_flat_battery_and_a_flooded_cell() -> None:
    meters = {meter.number: meter for meter in town.meters()}
    assert {story.LEAK, story.STOLEN, story.FLAT} <= set(meters)
    use = Consumption(SEED, ZONE.offset_s(ZONE.start_of(BEGAN)))
    (cuts, flows) = TOLD.flows()[story.LEAK]
    marks = np.array([ZONE.start_of(BEGAN + day) for day in (19, 20, 21, 47, 49, 50)], np.int64)
    dry = use.grid(np.array([story.LEAK]), np.array([int(meters[story.LEAK].medium)]), marks)[0]
    wet = shown(cuts, flows, marks.tolist(), dry.tolist())
    more = [one - other for one, other in zip(wet, dry.tolist(), strict=True)]
    assert more[0] == more[1] == 0 and more[2] == 22 * story.LEAK_LITRES_H  # from two o'clock on
    assert more[4] == more[5] > 27 * 24 * story.LEAK_LITRES_H  # mended, and what leaked stays on the register
    silent = [number for number in meters if TOLD.is_lost(number, BEGAN + town.HISTORY_DAYS - 1)]
    assert sorted(silent) == sorted(story.SILENT)
    flooded = [number for number in meters if TOLD.is_lost(number, BEGAN + story.FLOODED[1])]
    assert 20 < len(flooded) < 60 and {place_of(number).cell for number in set(flooded) - story.SILENT} == {
        story.FLOODED_CELL
    }
    charges = [TOLD.battery_pct(story.FLAT, BEGAN + day) for day in range(story.FLAT_ON)]
    assert charges == sorted(charges, reverse=True) and charges[-1] <= 5
    assert 0.1 < sum(map(story.is_nightly, meters)) / len(meters) < 0.3


def test_what_is_told_at_once_is_an_alarm_that_its_driver_reads() -> None:
    use = Consumption(SEED, ZONE.offset_s(ZONE.start_of(BEGAN)))
    everybody = fleet()
    found = [
        (item, uplink)
        for day in (story.STOLEN_ON, story.FLAT_LOW_ON)
        for uplink in TOLD.alarms(everybody, BEGAN + day, use)
        for item in everybody
        if item.meter_id == uplink.meter_id
    ]
    assert [item.meter.number for item, _ in found] == [story.STOLEN, story.FLAT]
    for item, uplink in found:
        columns, faults = item.driver.decode([uplink.payload], [uplink.received_us])
        assert not faults and [column.kind for column in columns] == [Kind.ALARM]
    assert list(TOLD.alarms(everybody, BEGAN, use)) == []


def test_a_nightly_meter_goes_on_where_its_history_ends() -> None:
    """Its report of a day comes at the minute to which its number spreads it, live as in the nights before."""
    day = BEGAN + 3
    use = Consumption(SEED, ZONE.offset_s(ZONE.start_of(day)))
    chosen = [item for item in fleet() if story.is_nightly(item.meter.number)][:40]
    seconds = {
        item.meter.number: uplink.received_us // 1_000_000 - ZONE.start_of(day) - DAY_S
        for uplink in night(chosen, day, ZONE, use)
        for item in chosen
        if item.meter_id == uplink.meter_id
    }
    early = [abs(at - (number % 200 * 60 + number % 60)) for number, at in seconds.items()]
    assert sum(gap < 5 for gap in early) > len(early) * 0.9
