# SPDX-License-Identifier: Apache-2.0
"""Accuracy of what is stored, measured (R6.2: 99 % at least): registers known from elsewhere against the slots that meters measured.

Two kinds are checked. What the meter said at other times – spot and check reads, those of alarms, the register of the report before –
where a later message measured the slot it falls into: it agrees where it lies between the registers at the slot's ends, give or take one
unit, the product's resolution. And what a person read at the meter, whenever it was entered: it agrees by the digits that were read and a
person's watch (``domain/readings/manual.py``). Slots that are estimated or were set by a person prove nothing and are not counted.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from io import BytesIO
from typing import Any

from openmains.app.readings.report.accuracy_model import (
    AccuracyReport,
    AccuracyRow,
    FileKind,
    ManualRead,
    RegisterCheck,
)
from openmains.app.readings.report.build import GROUP
from openmains.app.readings.report.collection import AsOf, Counts, Labels, namer
from openmains.app.readings.report.model import ReportBy
from openmains.app.readings.report.ports import DayStore, LabelStore
from openmains.app.spreadsheet import csv_bytes, neutral
from openmains.app.workbook import workbook_in
from openmains.domain.ids import TenantId
from openmains.domain.period import Zone, day_to_date
from openmains.domain.readings.expected import Status
from openmains.domain.readings.manual import check_of_day
from openmains.domain.readings.model import DayRow

PAGE = 5_000  # days of meters with all their slots
HEAD = {
    "zh": ["日期", "分组", "代码", "名称", "核对数", "一致", "准确率%", "其中人工核对", "人工一致"],
    "en": ["day", "group", "code", "name", "checked", "agree", "accuracy %", "of these read by persons", "agree with persons"],
}  # fmt: skip


async def accuracy(tenant_id: TenantId, day: int, by: ReportBy, days: DayStore, names: LabelStore) -> AccuracyReport:
    """Raises ``LookupError`` for an unknown tenant."""
    labels = await names.labels(tenant_id)
    zone = labels.zone
    start_s, end_s = zone.start_of(day), zone.start_of(day + 1)
    checks = await days.checks(tenant_id, labels.asked(day, AsOf(0)), start_s, end_s, by_cell=by == "cell")
    manual: list[RegisterCheck] = []
    after = (start_s, 0)
    while reads := await names.manual_reads(tenant_id, start_s, end_s, after, PAGE):
        stored = await days.days_of(tenant_id, day, sorted({read.meter_id for read in reads}))
        manual += manual_checks(reads, stored, zone)
        after = (reads[-1].at, reads[-1].reading_id)
        if len(reads) < PAGE:
            break
    return accuracy_of(day, by, checks, manual, labels)


def manual_checks(reads: Iterable[ManualRead], stored: dict[int, DayRow], zone: Zone) -> list[RegisterCheck]:
    """A check for each reading of which the meter itself measured the time."""
    found = []
    for read in reads:
        row = stored.get(read.meter_id)
        agrees = None if row is None else check_of_day(row, read.at, read.register, read.digit, read.dial, zone)
        if agrees is not None:
            found.append(RegisterCheck(read.area_id, read.product_id, read.cell, 1, int(agrees)))
    return found


def accuracy_of(
    day: int, by: ReportBy, checks: Iterable[RegisterCheck], manual: Iterable[RegisterCheck], labels: Labels
) -> AccuracyReport:
    """Sum the checks into groups, named as in the collection report."""
    names_of = namer(by, labels) if by != "cell" else None
    sums, total = dict[tuple[str, str], list[int]](), [0, 0, 0, 0]
    for place, listed in ((0, checks), (2, manual)):
        for check in listed:
            if names_of is None:
                names: Sequence[tuple[str, str]] = [(str(check.cell), "")]
            else:
                names = names_of(Counts(check.area_id, check.product_id, Status.ON_TIME, check.checked))
            for so_far in (total, *(sums.setdefault(name, [0, 0, 0, 0]) for name in names)):
                so_far[place] += check.checked
                so_far[place + 1] += check.agreed
    order = sorted(sums) if by != "cell" else sorted(sums, key=lambda name: int(name[0]))
    return AccuracyReport(day_to_date(day), by, _row("", "", total), [_row(*name, sums[name]) for name in order])


def _row(key: str, name: str, counted: Sequence[int]) -> AccuracyRow:
    said, said_well, manual, manual_well = counted
    checked, agreed = said + manual, said_well + manual_well
    return AccuracyRow(
        key, name, checked, agreed, agreed * 1_000_000 // checked if checked else None, manual, manual_well
    )


def accuracy_file(report: AccuracyReport, locale: str, kind: FileKind) -> bytes:
    """The report as CSV (UTF-8 with byte order mark) or a workbook; the sum of all comes first."""
    rows = [
        _cells(report, "total", report.total, locale),
        *(_cells(report, report.by, row, locale) for row in report.rows),
    ]
    if kind == "csv":
        return b"".join(csv_bytes([HEAD[locale], *rows]))
    out = BytesIO()
    with workbook_in(out) as book:
        sheet = book.add_worksheet("准确率" if locale == "zh" else "accuracy")
        for place, row in enumerate([HEAD[locale], *rows]):
            for column, cell in enumerate(row):
                if isinstance(cell, str):
                    sheet.write_string(place, column, neutral(cell))
                elif cell is not None:
                    sheet.write_number(place, column, cell)
    return out.getvalue()


def _cells(report: AccuracyReport, group: str, row: AccuracyRow, locale: str) -> list[Any]:
    rate = None if row.rate_ppm is None else Decimal(row.rate_ppm) / 10_000
    return [
        report.day.isoformat(), GROUP[locale][group], row.key, row.name, row.checked, row.agreed, rate, row.manual_checked,
        row.manual_agreed,
    ]  # fmt: skip
