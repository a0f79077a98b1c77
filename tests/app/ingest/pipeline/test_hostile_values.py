# SPDX-License-Identifier: Apache-2.0
"""Well-formed frames with numbers no column takes: they are left out and noted, the rest and the shard go on.

The frames are written by the drivers' own makers, go through the real processor and into the real ClickHouse.
"""

from collections.abc import Sequence

import numpy as np
import pytest

from openmains.app.ingest.pipeline.bounds import fit_days
from openmains.app.ingest.pipeline.ports import Effects, MeterRecord, Product
from openmains.app.ingest.pipeline.process import Processor
from openmains.app.ingest.pipeline.rows import columns_of, day_tables
from openmains.app.ingest.uplink import Uplink
from openmains.domain.period import zone
from openmains.domain.readings.model import MeterState
from openmains.drivers import catalog
from openmains.drivers.bounds import keep_sound
from openmains.drivers.model import MISSING_VALUE, Columns, Kind
from openmains.edges.clickhouse.client import ClickHouse
from openmains.edges.clickhouse.ingest import ClickHouseReadingSink

CATALOG = catalog.load()
WATER = CATALOG.driver("openmains/water-1")
NOW = 1_790_000_000
TENANT = 7


def processor(zone_key: str = "Asia/Shanghai", qmax: int = 6000) -> Processor:
    product = Product(1, WATER.name, 0, 1800, qmax)
    return Processor(CATALOG, {1: product}, {TENANT: zone(zone_key)})


def record(meter_id: int) -> MeterRecord:
    return MeterRecord(meter_id, TENANT, 1, 1, 0, 0, MeterState(), 0, 0)


def run(worker: Processor, frames: Sequence[bytes]) -> Effects:
    uplinks = [
        Uplink(meter, TENANT, 1, "coap", "r", NOW * 1_000_000 + meter, frame) for meter, frame in enumerate(frames, 1)
    ]
    return worker.run(uplinks, {item.meter_id: record(item.meter_id) for item in uplinks})


def report(start: int, increments: list[int], *, exponent: int = -3, base: int = 1000, device_at: int = NOW) -> bytes:
    scale = 10 ** (exponent + 3)
    values = {
        "frame_seq": 1, "device_at": device_at, "meter_number": 1, "frame_exponent": exponent, "interval_s": 1800,
        "start_at": start, "base": base * scale, "register": (base + sum(increments)) * scale,
        "increments": [value * scale for value in increments], "history": [], "history_at": [],
    }  # fmt: skip
    return WATER.encode(Kind.REPORT, values)


def log_frame(instants: list[int]) -> bytes:
    values = {
        "frame_seq": 1, "device_at": NOW, "meter_number": 1, "register_base": 5,
        "register_instants": instants, "register_values": [5] * len(instants),
    }  # fmt: skip
    return WATER.encode(Kind.REGISTERS, values)


def test_increments_beyond_the_column_are_noted_and_the_registers_are_stored() -> None:
    day = zone("Asia/Shanghai").day_of(NOW) - 1
    start = zone("Asia/Shanghai").start_of(day)
    effects = run(processor(), [report(start, [60_000] * 48, exponent=3), report(start, [2] * 48)])
    assert not effects.dead_letters
    assert 2 in [item.record.meter_id for item in effects.days]
    assert 60_000 * 10**6 not in [value for item in effects.days for value in item.row.increments]
    assert list(effects.frames["outcome"]) == ["partial", "ok"]
    assert effects.counters["damaged.increments"] == 1
    assert set(effects.registers["meter_id"]) == {1, 2}


@pytest.mark.parametrize("start", [0, 1800, 2**32 - 1 - 48 * 1800, 2**32 - 1])
@pytest.mark.parametrize("zone_key", ["Asia/Shanghai", "America/Los_Angeles", "Pacific/Kiritimati"])
def test_every_clock_makes_days_that_clickhouse_can_name(start: int, zone_key: str) -> None:
    effects = run(processor(zone_key), [report(start, [2] * 48, device_at=start)])
    assert not effects.dead_letters
    assert all(0 <= item.row.day <= 65_535 for item in effects.days)
    assert len(effects.registers["at"]) == 1, "the register is kept whatever its clock says"


def test_each_point_is_held_against_its_column() -> None:
    points = {"battery_pct": np.array([100, 2**15, MISSING_VALUE]), "balance": np.array([0, 1, 2])}
    series = {"register_instants": np.array([[0, 1], [2, 3], [4, 2**32 + 1]])}
    columns = Columns(Kind.REGISTERS, [10, 11, 12], points, series)
    assert keep_sound(columns) == {}, "all of them say something still"
    assert [(damage.row, damage.name) for damage in columns.damages] == [(11, "battery_pct"), (12, "register_instants")]
    assert columns.points["battery_pct"].tolist() == [100, MISSING_VALUE, MISSING_VALUE]
    assert columns.points["balance"].tolist() == [0, 1, 2]
    assert columns.series["register_instants"].tolist() == [[0, 1], [2, 3], [4, MISSING_VALUE]]


def test_a_message_that_says_nothing_within_bounds_is_refused() -> None:
    columns = Columns(Kind.HEARTBEAT, [0], {"device_at": np.array([NOW]), "battery_pct": np.array([2**15])})
    assert keep_sound(columns) == {0: "battery_pct"}


def test_marks_for_not_known_are_missing_without_a_note() -> None:
    points = {"cell": np.array([2**32 - 1, 2**28 - 1, 19_114_957]), "battery_mv": np.array([65_535, 3584, 3584])}
    columns = Columns(Kind.HEARTBEAT, [0, 1, 2], points)
    assert keep_sound(columns) == {} and not columns.damages
    assert columns.points["cell"].tolist() == [MISSING_VALUE, MISSING_VALUE, 19_114_957]
    assert columns.points["battery_mv"].tolist() == [MISSING_VALUE, 3584, 3584]


def test_estimates_are_cut_to_the_column_and_say_so() -> None:
    days = columns_of(("flags", "increments"), [(0, [1, 2]), (1, [2**31, -(2**40)])])
    assert fit_days(days) == 1
    assert days["increments"][1] == [2**31 - 1, -(2**31) + 1]
    assert days["increments"][0] == [1, 2] and days["flags"][0] == 0 and days["flags"][1] != 1
    assert fit_days(days) == 0
    assert fit_days({}) == 0


def test_bounds_of_findings_fit_64_bits() -> None:
    start = zone("Asia/Shanghai").start_of(20_000)
    frames = [report(start, [60_000] * 48), log_frame([NOW - 2**30, NOW])]
    effects = run(processor(qmax=2**62), frames)
    for row in effects.exceptions:
        assert -(2**63) < row.value < 2**63 and (row.expected is None or -(2**63) < row.expected < 2**63)


def test_an_alarm_is_cleared_after_a_clock_that_was_decades_ahead() -> None:
    def heartbeat(seq: int, device_at: int, events: list[str]) -> Uplink:
        values = {"frame_seq": seq, "device_at": device_at, "meter_number": 1, "events": events}
        frame = WATER.encode(Kind.HEARTBEAT, values)
        return Uplink(1, TENANT, 1, "coap", "r", (NOW + seq) * 1_000_000, frame)

    messages = [heartbeat(1, 2**32 - 1, ["low_battery"]), heartbeat(2, NOW + 2, [])]
    effects = processor().run(messages, {1: record(1)})
    assert [(change.event, change.action) for change in effects.alarms] == [
        ("low_battery", "raised"),
        ("low_battery", "cleared"),
    ]


async def test_instants_of_a_hundred_years_in_one_batch_are_stored(clickhouse: ClickHouse) -> None:
    years = [year * 31_556_952 for year in range(130)]
    effects = run(processor(), [log_frame(years[:60]), log_frame(years[60:120]), log_frame(years[120:])])
    days = day_tables(effects.days, {})
    await ClickHouseReadingSink(clickhouse).write(
        days, effects.registers, effects.frames, effects.signals, effects.series
    )
    found = await clickhouse.query(
        "SELECT count() FROM register FINAL WHERE tenant_id = {tenant:UInt32}", {"tenant": TENANT}
    )
    assert found[0][0] == 130


def test_only_days_that_were_computed_are_looked_at() -> None:
    days = columns_of(("flags", "increments"), [(0, [1, 2]), (0, [2**31])])
    assert fit_days(days, []) == 0 and days["increments"][1] == [2**31]
    assert fit_days(days, [1]) == 1 and days["increments"][1] == [2**31 - 1]
