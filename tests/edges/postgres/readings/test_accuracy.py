# SPDX-License-Identifier: Apache-2.0
"""Accuracy of what is stored: registers said at other times against the slots that a later message measured."""

from typing import Any

from openmains.app.fleet.sync_dims import sync_dims
from openmains.app.readings.report.answers import Reports
from openmains.domain.ids import MeterId
from openmains.domain.period import day_to_date, utc
from openmains.edges.clickhouse.fleet import MeterDims
from openmains.edges.postgres.fleet.imports import ChangedMeters
from tests.edges.postgres.readings.test_due import DAY, HERE, Utility, utility

__all__ = ["utility"]  # the fixture
START = HERE.start_of(DAY)


async def stored(town: Utility, meter: int, version: int, quality: list[int]) -> None:
    area, product = await town.owner.fetchrow("SELECT area_id, product_id FROM meter WHERE meter_id = $1", meter)
    row: dict[str, Any] = {
        "tenant_id": town.tenant, "meter_id": meter, "day": day_to_date(DAY), "area_id": area, "product_id": product, "base": 1_000,
        "interval_s": 1_800, "increments": [10] * 48, "quality": quality, "total": 480, "flags": 0, "slots": 48,
        "measured": 48, "received_s": START, "version": version,
    }  # fmt: skip
    await town.clickhouse.insert("meter_day", {name: [value] for name, value in row.items()})


async def said(town: Utility, meter: int, version: int, *registers: tuple[int, int]) -> None:
    count = len(registers)
    await town.clickhouse.insert(
        "register",
        {
            "tenant_id": [town.tenant] * count, "meter_id": [meter] * count, "at": [utc(START + at) for at, _ in registers],
            "register": [register for _, register in registers], "flags": [0] * count, "position": list(range(count)),
            "received_us": [START * 1_000_000] * count, "version": [version] * count,
        },
    )  # fmt: skip


async def heard(town: Utility, cells: dict[int, int]) -> None:
    """A message of each of these meters that names a cell, the day before."""
    count = len(cells)
    row = {"rsrp_ddbm": -900, "sinr_ddb": 80, "ecl": 0, "pci": 1, "earfcn": 1, "battery_pct": 90, "battery_mv": 3_600}
    await town.clickhouse.insert(
        "signal",
        {
            "tenant_id": [town.tenant] * count, "meter_id": list(cells), "received_us": [(START - 3_600) * 1_000_000] * count,
            "version": [1] * count, "cell": list(cells.values()), **{name: [value] * count for name, value in row.items()},
        },
    )  # fmt: skip


async def read(town: Utility, meter: int, at: int, register: int, digit: int) -> None:
    await town.owner.execute(
        "INSERT INTO manual_reading (tenant_id, meter_id, at_s, register, digit, source, author_id, made_us)"
        " VALUES ($1, $2, $3, $4, $5, 'form', 1, 1)", town.tenant, meter, START + at, register, digit,
    )  # fmt: skip


async def test_what_persons_read_is_held_against_what_was_measured_by_its_digits(utility: Utility) -> None:
    meter, other, third = await utility.add("W1", 3)
    await sync_dims(ChangedMeters(utility.pipeline), MeterDims(utility.clickhouse))
    await stored(utility, meter, 5, [])
    await stored(utility, other, 5, [2] * 48)
    await heard(utility, {meter: 4_711})
    await read(utility, meter, 20 * 1_800, 1_000, 1_000)  # m³ alone were read: 1,200 L are as good
    await read(utility, meter, 22 * 1_800, 1_100, 1)  # 1,220 measured
    await read(utility, other, 20 * 1_800, 77, 1)  # nothing was measured
    await read(utility, third, 20 * 1_800, 77, 1)  # and nothing is stored
    await said(utility, meter, 4, (5 * 1_800 + 600, 1_055))
    reports = Reports(utility.days, utility.names, utility.kept)
    total = (await reports.accuracy(utility.tenant, DAY, "area")).total
    assert (total.checked, total.agreed, total.manual_checked, total.manual_agreed) == (3, 2, 2, 1)
    by_cell = await reports.accuracy(utility.tenant, DAY, "cell")
    assert {(row.key, row.checked) for row in by_cell.rows} == {
        ("4711", 1),
        ("0", 2),
    }  # the registry has no cell of it yet
    await utility.owner.execute(
        "INSERT INTO meter_state (meter_id, tenant_id, cell) VALUES ($1, $2, 4711) ON CONFLICT (meter_id) DO UPDATE SET cell = 4711",
        meter, utility.tenant,
    )  # fmt: skip
    assert [(row.key, row.checked) for row in (await reports.accuracy(utility.tenant, DAY, "cell")).rows] == [
        ("4711", 3)
    ]
    told = (await reports.accuracy_file(utility.tenant, DAY, "cell", "en", "csv")).decode("utf-8-sig").splitlines()
    assert [line.split(",")[1:7] for line in told[1:]] == [
        ["total", "", "", "3", "2", "66.6666"],
        ["radio cell", "4711", "", "3", "2", "66.6666"],
    ]
    assert (await reports.accuracy_file(utility.tenant, DAY, "cell", "zh", "xlsx"))[:2] == b"PK"


async def test_the_rate_by_radio_cell_counts_each_meter_once(utility: Utility) -> None:
    meters = await utility.add("W1", 5)
    await sync_dims(ChangedMeters(utility.pipeline), MeterDims(utility.clickhouse))
    await heard(utility, dict(zip(meters[:4], (11, 11, 12, 12), strict=True)))
    for meter in meters[:2]:
        await stored(utility, meter, 5, [])
    now_s = HERE.start_of(DAY + 1) + 9 * 3_600
    reports = Reports(utility.days, utility.names, utility.kept)
    report = await reports.collection(utility.tenant, DAY, "cell", now_s)
    assert [(row.key, row.expected, row.received) for row in report.rows] == [("0", 1, 0), ("11", 2, 2), ("12", 2, 0)]
    assert report.total.expected == 5
    listed = {
        key: [one.meter_id for one in await reports.missing(utility.tenant, DAY, 10, MeterId(0), now_s, ("cell", key))]
        for key in ("0", "11", "12", "13", "x")
    }
    assert listed == {"0": meters[4:], "11": [], "12": meters[2:4], "13": [], "x": []}
    lines = (await reports.csv(utility.tenant, DAY, "cell", "en", now_s)).decode("utf-8-sig").splitlines()
    assert [line.split(",")[1:5] for line in lines[2:5]] == [
        ["radio cell", "0", "", "1"],
        ["radio cell", "11", "", "2"],
        ["radio cell", "12", "", "2"],
    ]


async def test_registers_said_before_are_held_against_what_was_measured(utility: Utility) -> None:
    meter, other = await utility.add("W1", 2)
    await sync_dims(ChangedMeters(utility.pipeline), MeterDims(utility.clickhouse))
    await stored(utility, meter, 5, [])
    await stored(utility, other, 5, [2] * 24 + [0] * 24)
    # within its slot, at its end with one unit to spare, and one that nobody used; a slot is 10 L and begins at 1,000 + 10 k
    await said(utility, meter, 4, (5 * 1_800 + 600, 1_055), (7 * 1_800, 1_069), (9 * 1_800, 1_102), (10 * 1_800, 100))
    await said(utility, meter, 5, (11 * 1_800, 9_000))  # of the same message: no check
    await said(utility, other, 4, (600, 5_000), (30 * 1_800, 1_300))  # the first falls into an estimate
    reports = Reports(utility.days, utility.names, utility.kept)
    found = await reports.accuracy(utility.tenant, DAY, "area")
    assert (found.total.checked, found.total.agreed, found.total.rate_ppm) == (4, 3, 750_000)
    assert [(row.key, row.checked) for row in found.rows] == [("A1", 4)]
    assert (await reports.accuracy(utility.tenant, DAY + 1, "maker")).total.rate_ppm is None
