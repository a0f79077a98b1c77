# SPDX-License-Identifier: Apache-2.0
"""The collection report as the API asks for it: ``CollectionReports`` over the report's own stores."""

import tempfile
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Literal

from openmains.app.readings.report.accuracy import accuracy, accuracy_file
from openmains.app.readings.report.accuracy_model import AccuracyReport, FileKind
from openmains.app.readings.report.build import NOT_RECEIVED, day_report, missing_pages, write_csv, write_xlsx
from openmains.app.readings.report.collection import AsOf, DayReport, Frozen, Line, cell_lines, due_s, total_of
from openmains.app.readings.report.model import (
    CollectionReport,
    CollectionRow,
    DayVolume,
    DueCounts,
    Figures,
    MediumVolume,
    MissingMeter,
    ReportBy,
    ReportDay,
)
from openmains.app.readings.report.ports import DayStore, DueStore, LabelStore
from openmains.app.readings.report.within import WithinDays, WithinDue, WithinNames
from openmains.domain.ids import MeterId, TenantId
from openmains.domain.period import day_to_date, utc
from openmains.domain.readings.expected import Collection


class Reports:
    """Computes what is now anew for every answer: a report of ten million meters takes seconds, and late readings count at
    once. What was due stands beside it as it was kept. All within the reach of whoever asks (``within.py``)."""

    def __init__(self, days: DayStore, names: LabelStore, due: DueStore) -> None:
        self._names = WithinNames(names)
        self._days = WithinDays(days, names)
        self._due = WithinDue(due, names)

    async def collection(self, tenant_id: TenantId, day: int, by: ReportBy, now_s: int) -> CollectionReport:
        """Counts of a day by one group."""
        return _answer(await self._report(tenant_id, day, by, now_s), by)

    async def _report(self, tenant_id: TenantId, day: int, by: ReportBy, now_s: int) -> DayReport:
        """With the lines by cell only where they are asked for: they are counted apart."""
        report = await day_report(tenant_id, day, self._days, self._names, self._due, now_s)
        if by == "cell":
            asked = (await self._names.labels(tenant_id)).asked(day, AsOf(now_s))
            report.groups["cell"] = cell_lines(await self._days.counts_by_cell(tenant_id, asked))
        return report

    async def days(
        self,
        tenant_id: TenantId,
        first_day: int,
        last_day: int,
        figures: Figures,
        exponent_of: Callable[[str], int],
        now_s: int,
    ) -> list[ReportDay]:
        """Each day by its own count, one after the other: each is a merge of two sorted runs, and several at once hold up others. The
        labels of areas and products, and what was kept, are asked for once for all."""
        labels = await self._names.labels(tenant_id)
        kept = await self._due.frozen_totals(tenant_id, first_day, last_day)
        used: dict[date, list[MediumVolume]] = {}
        for row in await self.volumes(tenant_id, [], first_day, last_day, exponent_of):
            used.setdefault(row.day, []).append(MediumVolume(row.medium, row.meters, row.volume_m3))
        answer = []
        for day in range(first_day, last_day + 1):
            frozen: Frozen | None = kept.get(day)
            total = None
            if figures == "now" or frozen is None:
                counts = await self._days.counts(tenant_id, labels.asked(day, AsOf(now_s)), is_whole=True)
                total = _row(total_of(counts, frozen))
            answer.append(
                ReportDay(
                    day=day_to_date(day),
                    deadline=utc(due_s(day, labels.zone)),
                    frozen_at=None if frozen is None else utc(frozen.frozen_s),
                    total=total,
                    as_due=None if frozen is None else _as_due(total_of(frozen.counts).collection),
                    volumes=used.get(day_to_date(day), []),
                )
            )
        return answer

    async def missing(
        self,
        tenant_id: TenantId,
        day: int,
        limit: int,
        after_meter_id: MeterId,
        now_s: int,
        group: tuple[ReportBy, str] | None = None,
    ) -> list[MissingMeter]:
        """Meters whose day is not (fully) there, by id; those of one line of the report where ``group`` names it."""
        labels = await self._names.labels(tenant_id)
        cell = cell_key(group[1]) if group and group[0] == "cell" else None
        areas, products = labels.ids_of(*group) if group and group[0] != "cell" else ([], [])
        if group and not areas and not products and cell is None:
            return []
        page = await self._days.missing(
            tenant_id,
            labels.asked(day, AsOf(now_s)),
            after_meter_id,
            limit,
            NOT_RECEIVED,
            areas,
            products,
            cell,
        )
        told = await self._names.meter_labels(tenant_id, [meter.meter_id for meter in page])
        answer = []
        for meter in page:
            area, product = labels.areas.get(meter.area_id), labels.products.get(meter.product_id)
            label = told.get(meter.meter_id)
            seen = label.last_seen_s if label else None
            answer.append(
                MissingMeter(
                    meter_id=meter.meter_id,
                    number=label.number if label else f"#{meter.meter_id}",
                    area_code=area.code if area else "",
                    product_code=product.code if product else "",
                    address=label.address if label else "",
                    status=meter.status.value,
                    last_seen_at=utc(seen) if seen else None,
                )
            )
        return answer

    async def accuracy(self, tenant_id: TenantId, day: int, by: ReportBy) -> AccuracyReport:
        """Registers said at other times against what is stored, by one group."""
        return await accuracy(tenant_id, day, by, self._days, self._names)

    async def accuracy_file(self, tenant_id: TenantId, day: int, by: ReportBy, locale: str, kind: FileKind) -> bytes:
        """The same as CSV or a workbook."""
        return accuracy_file(await self.accuracy(tenant_id, day, by), locale, kind)

    async def volumes(
        self,
        tenant_id: TenantId,
        areas: Sequence[int],
        first_day: int,
        last_day: int,
        exponent_of: Callable[[str], int],
    ) -> list[DayVolume]:
        """By day and medium; products count in different units, so each is scaled before it is added. What is of a product that the
        registry does not know is of no medium."""
        products = await self._names.products(tenant_id)
        sums: dict[tuple[date, Literal["gas", "water"]], tuple[Decimal, int]] = {}
        for day, product_id, total, meters in await self._days.volumes_below(tenant_id, areas, first_day, last_day):
            if (product := products.get(product_id)) is None:
                continue
            volume, known = sums.get((day, product.medium), (Decimal(0), 0))
            more = Decimal(total).scaleb(exponent_of(product.driver))
            sums[day, product.medium] = (volume + more, known + meters)
        return [DayVolume(day, medium, known, f"{volume:f}") for (day, medium), (volume, known) in sorted(sums.items())]

    async def csv(self, tenant_id: TenantId, day: int, by: ReportBy, locale: str, now_s: int) -> bytes:
        """The whole report with its missing list; ``by`` comes first in it."""
        return await self._file(tenant_id, day, by, locale, "csv", now_s)

    async def xlsx(self, tenant_id: TenantId, day: int, by: ReportBy, locale: str, now_s: int) -> bytes:
        """The same as a workbook."""
        return await self._file(tenant_id, day, by, locale, "xlsx", now_s)

    async def _file(self, tenant_id: TenantId, day: int, by: ReportBy, locale: str, kind: str, now_s: int) -> bytes:
        report = await self._report(tenant_id, day, by, now_s)
        report.groups = {by: report.groups[by], **{name: lines for name, lines in report.groups.items() if name != by}}
        missing = missing_pages(tenant_id, day, self._days, self._names, now_s)
        with tempfile.TemporaryDirectory(prefix="openmains-report-") as folder:
            path = Path(folder) / f"report.{kind}"
            await (write_xlsx if kind == "xlsx" else write_csv)(path, report, locale, missing)
            return path.read_bytes()


def cell_key(key: str) -> int | None:
    """The number of a radio cell, 0: those of which none is known; None: it is no number of one."""
    return int(key) if key.isascii() and key.isdigit() and len(key) < 19 else None


def _answer(report: DayReport, by: ReportBy) -> CollectionReport:
    return CollectionReport(
        day=day_to_date(report.day),
        by=by,
        deadline=utc(report.due_s),
        frozen_at=None if report.frozen_s is None else utc(report.frozen_s),
        set_aside=report.set_aside,
        total=_row(report.total),
        rows=[_row(line) for line in report.groups[by]],
    )


def _row(line: Line) -> CollectionRow:
    counts: Collection = line.collection
    return CollectionRow(
        key=line.key,
        name=line.name,
        expected=counts.expected,
        received=counts.received,
        rate_ppm=counts.rate_ppm,
        on_time=counts.on_time,
        late=counts.late,
        estimated=counts.estimated,
        partial=counts.partial,
        missing=counts.missing,
        not_due=counts.not_due,
        as_due=None if line.as_due is None else _as_due(line.as_due),
    )


def _as_due(counts: Collection) -> DueCounts:
    return DueCounts(
        expected=counts.expected,
        received=counts.received,
        rate_ppm=counts.rate_ppm,
        estimated=counts.estimated,
        partial=counts.partial,
        missing=counts.missing,
    )
