# SPDX-License-Identifier: Apache-2.0
"""The demo utility's past: what its meters would have sent each night, through the real stream and pipeline.

Each meter reports once a night (R1.3) between 00:00 and 05:00, spread by its number (R2.1), 48 half hours and seven
earlier days. A few nights are missing, a few come late, some batteries are low: a town without faults teaches nothing.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from openmains.app.ingest.uplink import Uplink
from openmains.domain.ids import MeterId, ProductId, TenantId
from openmains.domain.period import DAY_S, Zone
from openmains.drivers.catalog import Driver
from openmains.drivers.model import Kind
from openmains.emulator.meter.battery import voltage_at
from openmains.emulator.meter.body import QMAX_L_H
from openmains.emulator.meter.consumption import Consumption, Medium
from openmains.emulator.meter.frames import PRESSURE_STEP, in_steps
from openmains.emulator.meter.piping import Cut, Flow, shown
from openmains.emulator.meter.prices import NONE
from openmains.emulator.meter.radio import RadioPlace, ecl_of, sinr_of
from openmains.emulator.meter.surroundings import ATMOSPHERE, pressure, temperature
from openmains.run.demo.town import DemoMeter

SLOTS = 48
SEED = 2026
FIRST_CELL = 110_200_000
MOST_PACKED = 4094  # litres in a half hour that the enhanced series report holds


@dataclass(frozen=True, slots=True)
class Registered:
    """A demo meter with its identity in the registry."""

    meter: DemoMeter
    meter_id: MeterId
    tenant_id: TenantId
    product_id: ProductId
    driver: Driver


def chance(number: int, day: int, salt: int) -> int:
    """0…9999, the same for the same meter and day."""
    value = (number * 0x9E3779B97F4A7C15 + day * 0xC2B2AE3D27D4EB4F + salt * 0x165667B19E3779F9) & (2**64 - 1)
    value = (value ^ value >> 29) * 0xBF58476D1CE4E5B9 & (2**64 - 1)
    return (value >> 40) % 10_000


def night(
    fleet: Sequence[Registered],
    day: int,
    zone: Zone,
    town: Consumption,
    changed: Mapping[int, tuple[Sequence[Cut], Sequence[Flow]]] = MappingProxyType({}),
    battery: Callable[[int, int], int] | None = None,
) -> Iterator[Uplink]:
    """Reports about ``day``, sent in the night after it, in the order they arrive. ``changed``: by number, where the register
    once stood still or something flowed beside what people use. ``battery``: percent by number and day, where it is not as usual."""
    start = zone.start_of(day)
    instants = np.arange(start - 7 * DAY_S, start + DAY_S + 18_000 + 1, 1800, dtype=np.int64)
    numbers = np.array([item.meter.number for item in fleet], np.int64)
    media = np.array([int(item.meter.medium) for item in fleet], np.int64)
    registers = town.grid(numbers, media, instants)
    first = 7 * SLOTS
    reports = []
    for row, item in enumerate(fleet):
        number = item.meter.number
        if chance(number, day, 1) < 40:  # 0.4 % of the nights nothing arrives
            continue
        minute = (number % 200) + 90 * (chance(number, day, 2) < 200)
        sent_at = start + DAY_S + minute * 60 + number % 60
        values = registers[row]
        if number in changed:
            values = np.array(shown(*changed[number], instants.tolist(), values.tolist()), np.int64)
        told: dict[str, Any] = {
            "frame_seq": day & 0xFFFF,
            "device_at": sent_at,
            "meter_number": number,
            "interval_s": 1800,
            "start_at": start,
            "base": int(values[first]),
            "increments": np.diff(values[first : first + SLOTS + 1]).tolist(),
            "register": between(values, first + SLOTS, sent_at - start - DAY_S),
            **signal(number, day, (battery or battery_pct)(number, day)),
        }
        if item.meter.medium is not Medium.GAS:
            told |= {"balance_kind": NONE, "balance": 0}  # water is paid afterwards
        if measures_more(number) and max(told["increments"]) <= MOST_PACKED:
            told |= sensors(item.meter, start + zone.offset_s(start), told["increments"])
            frame = item.driver.encode(Kind.REPORT, told, "enhanced_series")
        else:
            told["history_at"] = [start - back * DAY_S for back in range(1, 8)]
            told["history"] = [int(values[first - back * SLOTS]) for back in range(1, 8)]
            frame = item.driver.encode(Kind.REPORT, told, "report")
        arrived_us = sent_at * 1_000_000 + 1_200_000 + chance(number, day, 3) * 150
        reports.append(Uplink(item.meter_id, item.tenant_id, item.product_id, "coaps", "r", arrived_us, frame))
    reports.sort(key=lambda uplink: uplink.received_us)
    yield from reports


def measures_more(number: int) -> bool:
    """One meter in twenty has sensors and says series of all it measures (R1.2)."""
    return number % 20 == 0


def sensors(meter: DemoMeter, local_s: int, increments: Sequence[int]) -> dict[str, object]:
    """What they felt in each half hour from ``local_s`` on: pressure falls with the flow, temperature has its season."""
    medium, number = meter.medium, meter.number
    air = ATMOSPHERE if medium is Medium.GAS else 0
    flows = [used * 2 for used in increments]
    felt = [
        air + pressure(medium, number, local_s + slot * 1800, flow, QMAX_L_H[medium]) for slot, flow in enumerate(flows)
    ]
    return {
        "pressure": felt if air else in_steps(felt, PRESSURE_STEP),
        "pressure_now": felt[-1] * 10,
        "temperature": [temperature(medium, number, local_s + slot * 1800) for slot in range(len(flows))],
        "vibration": [10 + number % 9] * len(flows),
        "flow": flows[-1],
        "daily_flow": sum(increments),
        "daily_reverse": 0,
    }


def between(values: NDArray[np.int64], place: int, seconds: int) -> int:
    """Register ``seconds`` after the grid instant ``place``, on the line to the next one."""
    slot, rest = divmod(seconds, 1800)
    low = int(values[place + slot])
    return low + (int(values[place + slot + 1]) - low) * rest // 1800


def place_of(number: int) -> RadioPlace:
    """Where a meter stands; what it says live joins what it said at night."""
    return RadioPlace(-850 - chance(number, 0, 4) % 350, FIRST_CELL + number % 24, number % 504, 3_684)


def battery_pct(number: int, day: int) -> int:
    """What is left of its battery: they fall slowly."""
    return max(100 - (day - 19_700) // 60 - chance(number, 0, 6) % 8, 5)


def signal(number: int, day: int, battery: int) -> dict[str, int]:
    """Radio and battery: each meter has its place, each day its weather."""
    place = place_of(number)
    rsrp = place.rsrp_ddbm + chance(number, day, 5) % 41 - 20
    return {
        "valve": 0,
        "balance": 5_000 + chance(number, day // 10, 7),
        "rsrp_ddbm": rsrp,
        "sinr_ddb": sinr_of(rsrp),
        "ecl": ecl_of(rsrp),
        "pci": place.pci,
        "cell": place.cell,
        "earfcn": place.earfcn,
        "battery_pct": battery,
        "battery_mv": voltage_at(battery * 10),
    }
