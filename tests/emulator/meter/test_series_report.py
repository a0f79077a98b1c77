# SPDX-License-Identifier: Apache-2.0
"""The enhanced series report of emulated meters: a day of everything in less than 300 bytes, and each quantity as physics has it."""

from collections.abc import Sequence

import pytest

from openmains.drivers.catalog import load
from openmains.drivers.model import MISSING_VALUE
from openmains.emulator.meter.consumption import Medium
from openmains.emulator.meter.frames import DriverFrames
from openmains.emulator.meter.meter import Meter
from openmains.emulator.meter.profile import UNKNOWN, Profile, Snapshot
from openmains.emulator.meter.surroundings import pressure, temperature

START = 1_777_564_800  # 2026-05-01 00:00 in Shanghai
LOCAL = START + 8 * 3600
DAY = 86_400


def snapshot(number: int, medium: Medium, step: int = 7) -> Snapshot:
    """A day of a meter whose use rises and falls, with what its sensors felt."""
    freezes = [1000]
    for slot in range(48):
        freezes.append(freezes[-1] + step * (slot % 12))
    shot = Snapshot(START + DAY + 600, 7, freezes[-1], frozenset(), START, 1800, freezes)
    shot.felt = [
        (pressure(medium, number, LOCAL + k * 1800, (freezes[k + 1] - freezes[k]) * 2, 3125),
         temperature(medium, number, LOCAL + k * 1800), 15)
        for k in range(48)
    ]  # fmt: skip
    shot.pressure = shot.felt[-1][0]
    return shot


@pytest.mark.parametrize("medium", list(Medium))
def test_a_day_of_everything_is_less_than_300_bytes_and_exact(medium: Medium) -> None:
    driver = load().driver(f"openmains/{medium.name.lower()}-1")
    for number in range(1, 60):
        shot = snapshot(number, medium)
        frame = DriverFrames(driver.name, number, series=True).report(shot)
        assert len(frame) < 300 and driver.check(frame) is None
        (columns,), rejected = driver.decode([frame], [shot.device_at])
        assert rejected == []
        assert columns.series["increments"][0].tolist() == [
            b - a for a, b in zip(shot.freezes, shot.freezes[1:], strict=False)
        ]
        said = columns.series["pressure"][0].tolist()
        air, step = (1013, 1) if medium is Medium.GAS else (0, 2)
        assert all(0 <= air + felt - told < step for (felt, _, _), told in zip(shot.felt, said, strict=True))
        assert columns.series["temperature"][0].tolist() == [warmth for _, warmth, _ in shot.felt]
        assert columns.points["interval_s"][0] == 1800


def test_pressure_falls_with_flow_and_temperature_has_a_season() -> None:
    still, busy = snapshot(5, Medium.WATER, 0), snapshot(5, Medium.WATER, 60)
    pairs = list(zip(still.felt, busy.felt, strict=True))
    assert all(b[0] <= a[0] for a, b in pairs) and any(b[0] < a[0] for a, b in pairs)
    january = temperature(Medium.WATER, 5, LOCAL - 100 * DAY)
    assert temperature(Medium.WATER, 5, LOCAL + 100 * DAY) > january + 50


def test_what_the_bits_do_not_hold_goes_out_as_the_enhanced_report() -> None:
    shot = snapshot(5, Medium.WATER)
    shot.felt[3] = (shot.felt[3][0] + 4000, *shot.felt[3][1:])  # 400 kPa more than the others
    frame = DriverFrames("openmains/water-1", 5, series=True).report(shot)
    assert frame[3] == 0x02


def test_a_broken_sensor_says_that_it_does_not_know() -> None:
    shot = snapshot(5, Medium.WATER)
    shot.felt[3] = (UNKNOWN, *shot.felt[3][1:])
    driver = load().driver("openmains/water-1")
    (columns,), _ = driver.decode([DriverFrames(driver.name, 5, series=True).report(shot)], [shot.device_at])
    assert columns.series["pressure"][0].tolist().count(MISSING_VALUE) == 1


def test_a_meter_feels_each_half_hour_by_the_flow_of_that_half_hour() -> None:
    def supply(instants: Sequence[int]) -> list[int]:
        """Nothing until noon, then 1,200 litres/h."""
        return [1000 + max(0, at - START - DAY // 2) // 3 for at in instants]

    meter = Meter(5, Profile(), supply, DriverFrames("openmains/water-1", 5, series=True))
    shot = meter._report_snapshot(START + DAY + 600)
    assert len(shot.felt) == len(shot.freezes) - 1 == 48
    for slot, (felt, warmth, _) in enumerate(shot.felt):
        local = LOCAL + slot * 1800
        assert felt == pressure(Medium.WATER, 5, local, 0 if slot < 24 else 1200, 3125)
        assert warmth == temperature(Medium.WATER, 5, local)
    assert shot.flow == 1200
