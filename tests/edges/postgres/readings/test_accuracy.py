# SPDX-License-Identifier: Apache-2.0
"""Accuracy of what is stored: registers said at other times against the slots that a later message measured."""

from typing import Any

from openmains.app.fleet.sync_dims import sync_dims
from openmains.app.readings.report.answers import Reports
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
