# SPDX-License-Identifier: Apache-2.0
"""The reference protocols: sizes of R1.4, contents of R1.1 and R1.2, round trip over the whole range of values."""

import time
from binascii import crc_hqx
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openmains.drivers import catalog
from openmains.drivers.model import MISSING_VALUE, Driver, EncodeError, Kind
from openmains.drivers.points import vocabulary
from tests.drivers.test_all_drivers import meaning
from tests.support.properties import counted

CATALOG = catalog.load()
DRIVERS = [CATALOG.driver("openmains/water-1"), CATALOG.driver("openmains/gas-1")]
by_driver = pytest.mark.parametrize("driver", DRIVERS, ids=lambda d: d.name)
R1_1 = {"register", "balance", "history", "history_at", "meter_number", "maker", "device_type", "device_at"}
R1_1 |= {"rsrp_ddbm", "sinr_ddb", "ecl", "pci", "cell", "earfcn", "battery_pct", "valve", "events"}
R1_2 = {"start_at", "battery_mv", "daily_flow", "daily_reverse", "flow", "increments", "pressure", "temperature"}
R1_2 |= {"vibration", "events"}
VOLUME = st.integers(0, 999_999_999_999)
U32 = st.integers(0, 2**32 - 1)


def frame_named(driver: Driver, text: str) -> bytes:
    return next(v.frame for v in driver.vectors if v.name.startswith(text))


@by_driver
def test_sizes(driver: Driver) -> None:
    """R1.4."""
    assert len(frame_named(driver, "periodic report, 48")) == 194
    assert len(frame_named(driver, "enhanced report")) < 300
    assert len(frame_named(driver, "alarm")) < 50
    assert len(frame_named(driver, "register log, 20")) < 200
    assert 0 < len(driver.answer(frame_named(driver, "periodic"), 1_767_288_600, 480)) < 50


@by_driver
def test_carries_all_of_the_periodic_report(driver: Driver) -> None:
    found = meaning(driver, frame_named(driver, "periodic report, 48"))
    assert found is not None
    assert set(found) >= R1_1
    assert len(found["history"]) == 8
    assert len(found["increments"]) == 48


def test_carries_all_of_the_enhanced_water_report() -> None:
    found = meaning(DRIVERS[0], frame_named(DRIVERS[0], "enhanced"))
    assert found is not None
    assert set(found) >= R1_2 | R1_1


@by_driver
def test_answer_carries_time(driver: Driver) -> None:
    frame = frame_named(driver, "periodic")
    answer = driver.answer(frame, 1_767_288_600, -210)
    assert crc_hqx(answer, 0) == 0
    assert answer[:3] == frame[:3]
    assert answer[3] == 0x80
    assert answer[4:6] == frame[4:6]  # frame_seq
    assert answer[6] == frame[3]
    assert int.from_bytes(answer[7:11], "big") == 1_767_288_600
    assert int.from_bytes(answer[11:13], "big", signed=True) == -210
    assert answer[13] == 0
    assert driver.answer(frame[:3], 0, 0) == b""


@st.composite
def reports(draw: st.DrawFn) -> dict[str, Any]:
    exponent = draw(st.integers(-3, 3))
    factor = 10 ** (exponent + 3)
    newest = draw(st.integers(20_000_000, 10**11))
    backs = draw(st.lists(st.none() | st.integers(0, 2**24 - 2), max_size=14))
    at = draw(st.integers(14 * 86_400 + 1, 2**32 - 1))
    history = [newest, *(MISSING_VALUE if b is None else newest - b for b in backs)]
    return {
        "frame_exponent": exponent,
        "frame_seq": draw(st.integers(0, 65_535)),
        "device_at": draw(U32),
        "meter_number": draw(st.integers(0, 10**12 - 1)),
        "maker": draw(st.integers(0, 65_535)),
        "device_type": draw(st.integers(0, 255)),
        "interval_s": 60 * draw(st.integers(1, 255)),
        "start_at": draw(U32),
        "base": draw(VOLUME) * factor,
        "register": draw(VOLUME) * factor,
        "increments": [
            MISSING_VALUE if v is None else v * factor
            for v in draw(st.lists(st.none() | st.integers(0, 65_534), max_size=96))
        ],
        "history": [v if v == MISSING_VALUE else v * factor for v in history],
        "history_at": [at - 86_400 * k for k in range(len(history))],
        "valve": draw(st.integers(0, 3)),
        "balance_kind": draw(st.integers(0, 3)),
        "balance": draw(st.integers(-(2**31), 2**31 - 1)),
        "events": draw(st.lists(st.sampled_from(["over_flow", "low_battery", "sensor_fault"]), unique=True)),
        "rsrp_ddbm": draw(st.integers(-32_767, 32_767)),
        "sinr_ddb": draw(st.integers(-32_767, 32_767)),
        "ecl": draw(st.integers(0, 254)),
        "pci": draw(st.integers(0, 65_534)),
        "cell": draw(st.integers(0, 2**32 - 2)),
        "earfcn": draw(st.integers(0, 2**24 - 2)),
        "battery_pct": draw(st.integers(0, 254)),
        "battery_mv": draw(st.integers(0, 65_534)),
    }


@by_driver
@settings(max_examples=counted(150), deadline=None)
@given(values=reports())
def test_report_round_trip(driver: Driver, values: dict[str, Any]) -> None:
    found = meaning(driver, driver.encode(Kind.REPORT, values))
    assert found is not None
    values["events"] = sorted(values["events"], key=lambda e: vocabulary().events[e].bit)
    assert found == values | {"kind": "report", "register_at": values["device_at"]}


@by_driver
@settings(max_examples=counted(100), deadline=None)
@given(
    entries=st.lists(st.tuples(U32, st.integers(-(2**31), 2**31 - 1)), min_size=1, max_size=60),
    base=VOLUME,
)
def test_log_round_trip(driver: Driver, entries: list[tuple[int, int]], base: int) -> None:
    """Registers may go back, instants may be in any order and any distance."""
    values = {
        "frame_seq": 1,
        "device_at": 1_767_288_600,
        "meter_number": 5,
        "register_base": base,
        "register_instants": [instant for instant, _ in entries],
        "register_values": [base + delta for _, delta in entries],
    }
    frame = driver.encode(Kind.REGISTERS, values)
    assert len(frame) <= 512
    found = meaning(driver, frame)
    assert found is not None
    assert found["register_values"] == values["register_values"]
    assert found["register_instants"] == values["register_instants"]


@by_driver
@pytest.mark.parametrize(
    "change",
    [
        {"register": -1},
        {"register": 10**12},
        {"increments": [65_535]},
        {"increments": [-1]},
        {"interval_s": 90},
        {"interval_s": 0},
        {"frame_exponent": 4},
        {"frame_exponent": -1, "base": 1},
        {"events": ["no_such_event"]},
        {"history": [10, 20], "history_at": [86_400 * 9, 86_400 * 8]},
        {"history": [20, 10], "history_at": [86_400 * 9, 0]},
        {"valve": 4},
        {"device_at": None},
        {"increments": [0] * 97},
        {"pressure_now_": 1},
    ],
    ids=str,
)
def test_encode_refuses(driver: Driver, change: dict[str, Any]) -> None:
    values = {"frame_seq": 1, "device_at": 2, "meter_number": 3, "start_at": 4, "base": 0, "register": 0}
    driver.encode(Kind.REPORT, values)
    with pytest.raises(EncodeError):
        driver.encode(Kind.REPORT, values | change)


@by_driver
def test_decodes_a_batch_fast(driver: Driver) -> None:
    """Goal ≥ 300,000 daily reports a second and core; the bound here is low because the machine may be shared."""
    frames = [frame_named(driver, "periodic report, 48")] * 500
    instants = [0] * 500
    best = 0.0
    for _ in range(20):
        start = time.process_time()
        for _ in range(4):
            driver.decode(frames, instants)
        best = max(best, 2000 / max(time.process_time() - start, 1e-9))
    assert best > 150_000
