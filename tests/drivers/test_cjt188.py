# SPDX-License-Identifier: Apache-2.0
"""What the options of a CJ/T 188 page change."""

from importlib import resources

from openmains.drivers import catalog
from openmains.drivers.model import Driver, Kind
from openmains.wire.cjt188.data import TIME, DataUnit, WallTime, decode_time_untrusted, decode_unit_untrusted
from openmains.wire.cjt188.frame import WRITE, decode_frame_untrusted
from tests.drivers.test_all_drivers import meaning

FILE = "cjt188/water-2004.toml"
TEXT = resources.files("openmains.drivers").joinpath(FILE).read_text("utf-8")
NOW = 1_767_288_600  # 2026-01-02 01:30:00 in UTC+8


def made(*changes: tuple[str, str]) -> Driver:
    text = TEXT
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return catalog.load_from({FILE: text}).driver("cjt188/water-2004")


def reading(driver: Driver, **values: object) -> bytes:
    given = {"register_values": [12_340], "register_instants": [NOW], "meter_number": 12, "serial": 7}
    return driver.encode(Kind.REGISTERS, given | values)


def test_clock_answer_writes_the_meters_wall_clock() -> None:
    assert made().answer(reading(made()), NOW, 480) == b""
    driver = made(('clock_answer = "none"', 'clock_answer = "write-time"'))
    frame = decode_frame_untrusted(driver.answer(reading(driver), NOW, 0))
    assert (frame.control, frame.address, frame.meter_type) == (WRITE, "00000000000012", 0x10)
    unit = decode_unit_untrusted(frame.data)
    assert unit == DataUnit(TIME, 8, unit.payload)
    assert decode_time_untrusted(unit.payload) == WallTime(2026, 1, 2, 1, 30, 0)


def test_identifier_order_is_kept_to() -> None:
    high = made(('id_order = "any"', 'id_order = "high-first"'))
    low = made(('id_order = "any"', 'id_order = "low-first"'))
    assert high.check(reading(high)) is None
    assert high.check(reading(low)) == "type"
    assert low.check(reading(high)) == "type"
    assert made().check(reading(low)) is made().check(reading(high)) is None


def test_status_with_other_masks() -> None:
    driver = made(
        ("mask = 0x03", "mask = 0xC0"),
        ("closed = 0x01", "closed = 0x40"),
        ("mask = 0x04", "mask = 0x20"),
        ("active = 0x04", "active = 0x20"),
    )
    for valve in (0, 1, 2):
        for events in ([], ["low_battery"]):
            found = meaning(driver, reading(driver, valve=valve, events=events))
            assert found is not None
            assert (found["valve"], found["events"]) == (valve, events)


def test_time_not_set_is_dated_by_arrival() -> None:
    driver = made()
    found = meaning(driver, reading(driver, register_instants=[0]), 1_700_000_000)
    assert found is not None
    assert found["register_at"] == found["device_at"] == 1_700_000_000
    assert found["register_instants"] == [1_700_000_000]
