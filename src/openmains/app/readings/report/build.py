# SPDX-License-Identifier: Apache-2.0
"""Build a day's collection report, list what is missing, and write both as CSV or XLSX."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from openmains.app.readings.report.collection import (
    AsOf,
    DayReport,
    Labels,
    Line,
    MeterLabel,
    MissingMeter,
    report_of,
)
from openmains.app.readings.report.ports import DayStore, DueStore, LabelStore
from openmains.app.spreadsheet import csv_bytes, neutral
from openmains.app.workbook import workbook
from openmains.domain.ids import TenantId
from openmains.domain.period import day_text
from openmains.domain.readings.expected import Collection, Status

PAGE = 20_000
SHEET_ROWS = 1_000_000  # a sheet ends at 1,048,576
PAUSE_ROWS = 1_000  # after which others are served
NOT_RECEIVED = (Status.MISSING, Status.PARTIAL, Status.ESTIMATED)
HEAD = {
    "zh": ["日期", "分组", "代码", "名称", "应抄", "实抄", "抄表率%", "及时", "迟到", "估算", "不完整", "未抄", "未到期",
           "到期时应抄", "到期时实抄", "到期时抄表率%", "到期时未抄"],
    "en": ["day", "group", "code", "name", "expected", "received", "reading rate %", "on time", "late", "estimated", "partial",
           "missing", "not due yet", "expected as due", "received as due", "reading rate % as due", "missing as due"],
}  # fmt: skip
MISSING_HEAD = {
    "zh": ["表号", "区域", "产品", "地址", "状态", "最后通信"],
    "en": ["meter number", "area", "product", "address", "status", "last seen"],
}
GROUP = {
    "zh": {"total": "合计", "area": "区域（含下级）", "product": "产品", "model": "型号", "maker": "厂家",
           "driver": "驱动", "cell": "无线小区"},
    "en": {"total": "total", "area": "area with those below", "product": "product", "model": "model",
           "maker": "maker", "driver": "driver", "cell": "radio cell"},
}  # fmt: skip
STATUS = {
    "zh": {
        Status.MISSING: "未抄",
        Status.PARTIAL: "不完整",
        Status.ESTIMATED: "估算",
        Status.LATE: "迟到",
        Status.ON_TIME: "及时",
        Status.NOT_DUE: "未到期",
    },
    "en": {status: str(status).replace("_", " ") for status in Status},
}


async def day_report(
    tenant_id: TenantId, day: int, days: DayStore, names: LabelStore, due: DueStore, now_s: int
) -> DayReport:
    """The report of a day as of ``now_s``, with what was kept of it. Raises ``LookupError`` for an unknown tenant."""
    labels = await names.labels(tenant_id)
    counts = await days.counts(tenant_id, labels.asked(day, AsOf(now_s)))
    return report_of(day, counts, labels, await due.frozen(tenant_id, day))


async def missing_pages(
    tenant_id: TenantId,
    day: int,
    days: DayStore,
    names: LabelStore,
    now_s: int,
    statuses: Sequence[Status] = NOT_RECEIVED,
) -> AsyncIterator[list[list[Any]]]:
    """Pages of the list of meters to read again: the columns of MISSING_HEAD with ``Status`` and seconds as they are."""
    labels = await names.labels(tenant_id)
    asked, after = labels.asked(day, AsOf(now_s)), 0
    while True:
        page = await days.missing(tenant_id, asked, after, PAGE, statuses)
        if page:
            told = await names.meter_labels(tenant_id, [meter.meter_id for meter in page])
            yield [_missing_row(meter, told.get(meter.meter_id), labels) for meter in page]
            after = page[-1].meter_id
        if len(page) < PAGE:
            return


def _missing_row(meter: MissingMeter, told: MeterLabel | None, labels: Labels) -> list[Any]:
    area, product = labels.areas.get(meter.area_id), labels.products.get(meter.product_id)
    return [
        told.number if told else f"#{meter.meter_id}", area.code if area else "", product.code if product else "",
        told.address if told else "", meter.status,
        labels.zone.iso(told.last_seen_s) if told and told.last_seen_s else "",
    ]  # fmt: skip


def report_rows(report: DayReport, locale: str) -> Iterator[list[Any]]:
    """Header and lines of the report, all groups below each other."""
    yield HEAD[locale]
    day = day_text(report.day)
    yield [day, GROUP[locale]["total"], "", "", *_cells(report.total)]
    for group, lines in report.groups.items():
        for line in lines:
            yield [day, GROUP[locale][group], line.key, line.name, *_cells(line)]


def _cells(line: Line) -> list[Any]:
    counts, then = line.collection, line.as_due
    as_due = ["", "", "", ""] if then is None else [then.expected, then.received, _rate(then), then.missing]
    return [counts.expected, counts.received, _rate(counts), counts.on_time, counts.late, counts.estimated, counts.partial,
            counts.missing, counts.not_due, *as_due]  # fmt: skip


def _rate(counts: Collection) -> Decimal:
    return Decimal(counts.rate_ppm) / 10_000


def _shown(row: list[Any], locale: str) -> list[Any]:
    return [STATUS[locale][cell] if isinstance(cell, Status) else cell for cell in row]


async def write_csv(
    path: Path, report: DayReport, locale: str, missing: AsyncIterator[list[list[Any]]] | None = None
) -> None:
    """The report, and below it after an empty line the missing list. The file appears when it is complete."""
    part = path.with_name(path.name + ".part")
    with part.open("wb") as file:
        for chunk in csv_bytes(report_rows(report, locale)):
            file.write(chunk)
            await asyncio.sleep(0)
        if missing is not None:
            _append(file, [[], MISSING_HEAD[locale]])
            async for page in missing:
                for first in range(0, len(page), PAUSE_ROWS):
                    _append(file, [_shown(row, locale) for row in page[first : first + PAUSE_ROWS]])
                    await asyncio.sleep(0)
    part.replace(path)


def _append(file: Any, rows: list[list[Any]]) -> None:
    chunks = csv_bytes(rows)
    next(chunks)  # the mark stands only at the file's start
    for chunk in chunks:
        file.write(chunk)


async def write_xlsx(
    path: Path, report: DayReport, locale: str, missing: AsyncIterator[list[list[Any]]] | None = None
) -> None:
    """The same as sheets: the report, then the missing list (further sheets after a million rows)."""
    part = path.with_name(path.name + ".part")
    async with workbook(part) as book:
        sheet = book.add_worksheet("抄表日报" if locale == "zh" else "collection")
        for place, row in enumerate(report_rows(report, locale)):
            _write_row(sheet, place, row)
            if place % PAUSE_ROWS == PAUSE_ROWS - 1:
                await asyncio.sleep(0)
        if missing is not None:
            name = "未抄表具" if locale == "zh" else "missing"
            sheet, place, number = book.add_worksheet(name), 0, 1
            _write_row(sheet, 0, MISSING_HEAD[locale])
            async for page in missing:
                for row in page:
                    place += 1
                    if place == SHEET_ROWS:
                        number += 1
                        sheet, place = book.add_worksheet(f"{name} {number}"), 1
                        _write_row(sheet, 0, MISSING_HEAD[locale])
                    _write_row(sheet, place, _shown(row, locale))
                    if place % PAUSE_ROWS == 0:
                        await asyncio.sleep(0)
    part.replace(path)


def _write_row(sheet: Any, place: int, row: Sequence[Any]) -> None:
    for column, cell in enumerate(row):
        if isinstance(cell, str):
            sheet.write_string(place, column, neutral(cell))  # it may be saved as CSV from there
        else:
            sheet.write_number(place, column, cell)
