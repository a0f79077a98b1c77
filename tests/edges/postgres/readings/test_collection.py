# SPDX-License-Identifier: Apache-2.0
"""The collection report against a count made here, by the domain's own rule, row by row."""

import csv
import io
import random
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

from python_calamine import CalamineWorkbook

from openmains.app.readings.report.build import day_report, missing_pages, write_csv, write_xlsx
from openmains.app.readings.report.collection import due_s
from openmains.domain.period import date_to_day, zone
from openmains.domain.readings.expected import Known, Status, status_of
from openmains.edges.clickhouse.client import ClickHouse
from openmains.edges.clickhouse.report import DayReports
from openmains.edges.postgres.db import Pool
from openmains.edges.postgres.readings.due import KeptReports
from openmains.edges.postgres.readings.report import ReportLabels

DAY = date(2026, 5, 10)
DUE = due_s(date_to_day(DAY), zone("Asia/Shanghai"))
NOW = DUE + 40 * 86_400


async def make_fleet(owner: Pool, code: str) -> tuple[int, list[int], list[int], list[int]]:
    """(tenant, areas, products with half-hour and hour grids, meters)."""
    tenant = await owner.fetchval("INSERT INTO tenant (code, name) VALUES ($1, $1) RETURNING tenant_id", code)
    areas = [
        await owner.fetchval(
            "INSERT INTO area (tenant_id, code, name) VALUES ($1, $2, $3) RETURNING area_id", tenant, f"A{i}", "=cmd()"
        )
        for i in range(3)
    ]
    products = [
        await owner.fetchval(
            "INSERT INTO product (tenant_id, code, name, maker, model, medium, driver, interval_s) "
            "VALUES ($1, $2, $2, 'same', 'm', 'gas', $2, $3) RETURNING product_id", tenant, f"P{seconds}", seconds,
        )
        for seconds in (1800, 3600)
    ]  # fmt: skip
    meters = await owner.fetch(
        "INSERT INTO meter (tenant_id, number, product_id, area_id, address, installed_on) "
        "SELECT $1, 'N' || i, ($2::int[])[1 + i % 2], ($3::int[])[1 + i % 3], '@地址', '2026-01-01' "
        "FROM generate_series(1, 600) i RETURNING meter_id", tenant, products, areas,
    )  # fmt: skip
    return tenant, areas, products, [meter[0] for meter in meters]


def day_row(tenant: int, meter: int, area: int, product: int, known: Known, version: int) -> dict[str, Any]:
    return {
        "tenant_id": tenant, "meter_id": meter, "day": DAY, "area_id": area, "product_id": product, "base": 0,
        "interval_s": 1800, "increments": [1], "quality": [0], "total": meter % 97, "flags": 0, "slots": known.slots,
        "measured": known.measured, "received_s": known.received_s, "version": version,
    }  # fmt: skip


async def test_report_equals_an_independent_count(owner: Pool, clickhouse: ClickHouse, tmp_path: Path) -> None:
    tenant, areas, products, meters = await make_fleet(owner, "report-count")
    chance = random.Random(5)  # noqa: S311 - repeatable
    dims, rows = [], []
    expected: Counter[tuple[int, int, Status]] = Counter()
    sums: Counter[int] = Counter()
    missing = []
    for place, meter in enumerate(meters, 1):
        product, area = products[place % 2], areas[place % 3]
        slots = 48 if place % 2 == 0 else 24
        installed = date(2026, 1, 1) if place % 10 else DAY  # one in ten is put up on that day: no whole one
        removed = date(2026, 5, 10) if place % 17 == 0 else date(2149, 6, 6)
        dims.append((tenant, meter, area, product, installed, removed, 1))
        known = None
        if chance.random() < 0.8:
            have = chance.choice([slots, slots, slots, slots - 1, 0])
            measured = chance.choice([have, have, have // 2])
            known = Known(have, measured, DUE + chance.choice([-3600, -1, 0, 1]))
            # versions before it that do not count any more
            for old in range(chance.randint(0, 2)):
                rows.append(day_row(tenant, meter, area, product, Known(1, 1, DUE - 9999), old + 1))
            rows.append(day_row(tenant, meter, area, product, known, 9))
            if have:
                sums[area] += meter % 97
        if installed < DAY < removed:
            status = status_of(known, slots, DUE)
            expected[area, product, status] += 1
            if status in (Status.MISSING, Status.PARTIAL, Status.ESTIMATED):
                missing.append((f"N{place}", status))
    chance.shuffle(rows)
    columns = ("tenant_id", "meter_id", "area_id", "product_id", "installed_on", "removed_on", "revision")
    await clickhouse.insert("meter_dim", dict(zip(columns, map(list, zip(*dims, strict=True)), strict=True)))
    for start in range(0, len(rows), 300):
        part = rows[start : start + 300]
        await clickhouse.insert("meter_day", {name: [each[name] for each in part] for name in part[0]})

    days, names = DayReports(clickhouse), ReportLabels(owner)
    report = await day_report(tenant, date_to_day(DAY), days, names, KeptReports(owner), NOW)
    total = report.total.collection
    assert total.expected == sum(expected.values())
    for status in Status:
        assert getattr(total, status) == sum(n for key, n in expected.items() if key[2] == status), status
    for place, line in enumerate(report.groups["area"]):
        assert line.key == f"A{place}"
        assert line.collection.on_time == sum(
            n for key, n in expected.items() if key[0] == areas[place] and key[2] == Status.ON_TIME
        )
    assert [line.key for line in report.groups["maker"]] == ["same"]
    assert [line.key for line in report.groups["driver"]] == ["P1800", "P3600"]
    got = await days.area_sums(tenant, date_to_day(DAY), date_to_day(DAY))
    assert {row[1]: row[2] for row in got} == dict(sums)
    of_all, of_two = [
        await days.volumes_below(tenant, chosen, date_to_day(DAY), date_to_day(DAY)) for chosen in ((), areas[:2])
    ]
    assert sum(row[2] for row in of_all) == sum(sums.values())
    assert sum(row[2] for row in of_two) == sum(sums[area] for area in areas[:2])
    one = [row["meter_id"] for row in rows if row["version"] == 9 and row["slots"]][:1]
    of_one = await days.volumes_below(tenant, (), date_to_day(DAY), date_to_day(DAY), one)
    assert [row[3] for row in of_one] == [1]
    assert await names.branches(tenant, ()) >= set(areas) and await names.branches(tenant, areas[1:2]) == {areas[1]}
    listed = [
        (row[0], row[4]) async for page in missing_pages(tenant, date_to_day(DAY), days, names, NOW) for row in page
    ]
    assert listed == missing

    path = tmp_path / "r.csv"
    await write_csv(path, report, "zh", missing_pages(tenant, date_to_day(DAY), days, names, NOW))
    lines = list(csv.reader(io.StringIO(path.read_text("utf-8-sig"))))
    assert lines[1][4] == str(total.expected)
    assert lines[2][3] == "'=cmd()"  # an area's name is no formula
    assert lines[-1][0] == missing[-1][0] and lines[-1][3] == "'@地址"
    path = tmp_path / "r.xlsx"
    await write_xlsx(path, report, "en", missing_pages(tenant, date_to_day(DAY), days, names, NOW))
    book = CalamineWorkbook.from_path(path)
    assert book.sheet_names == ["collection", "missing"]
    sheet = book.get_sheet_by_index(0).to_python()
    assert sheet[1][4] == total.expected and sheet[2][3] == "'=cmd()"
    assert len(book.get_sheet_by_index(1).to_python()) == len(missing) + 1
