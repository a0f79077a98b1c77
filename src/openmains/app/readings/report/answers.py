# SPDX-License-Identifier: Apache-2.0
"""The collection report as the API asks for it: ``CollectionReports`` over the report's own stores."""

import tempfile
from pathlib import Path

from openmains.app.readings.report.build import NOT_RECEIVED, day_report, missing_pages, write_csv, write_xlsx
from openmains.app.readings.report.collection import DayReport, Line, due_s
from openmains.app.readings.report.model import CollectionReport, CollectionRow, MissingMeter, ReportBy
from openmains.app.readings.report.ports import DayStore, LabelStore
from openmains.domain.ids import MeterId, TenantId
from openmains.domain.period import day_to_date, utc
from openmains.domain.readings.expected import Collection


class Reports:
    """Computes every answer anew: a report of ten million meters takes seconds, and late readings count at once."""

    def __init__(self, days: DayStore, names: LabelStore) -> None:
        self._days = days
        self._names = names

    async def collection(self, tenant_id: TenantId, day: int, by: ReportBy) -> CollectionReport:
        """Counts of a day by one group."""
        return _answer(await day_report(tenant_id, day, self._days, self._names), by)

    async def missing(
        self,
        tenant_id: TenantId,
        day: int,
        limit: int,
        after_meter_id: MeterId,
        group: tuple[ReportBy, str] | None = None,
    ) -> list[MissingMeter]:
        """Meters whose day is not (fully) there, by id; those of one line of the report where ``group`` names it."""
        labels = await self._names.labels(tenant_id)
        areas, products = labels.ids_of(*group) if group else ([], [])
        if group and not areas and not products:
            return []
        page = await self._days.missing(
            tenant_id,
            day,
            due_s(day, labels.zone),
            labels.slots(day),
            after_meter_id,
            limit,
            NOT_RECEIVED,
            areas,
            products,
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

    async def csv(self, tenant_id: TenantId, day: int, by: ReportBy, locale: str) -> bytes:
        """The whole report with its missing list; ``by`` comes first in it."""
        return await self._file(tenant_id, day, by, locale, "csv")

    async def xlsx(self, tenant_id: TenantId, day: int, by: ReportBy, locale: str) -> bytes:
        """The same as a workbook."""
        return await self._file(tenant_id, day, by, locale, "xlsx")

    async def _file(self, tenant_id: TenantId, day: int, by: ReportBy, locale: str, kind: str) -> bytes:
        report = await day_report(tenant_id, day, self._days, self._names)
        report.groups = {by: report.groups[by], **{name: lines for name, lines in report.groups.items() if name != by}}
        missing = missing_pages(tenant_id, day, self._days, self._names)
        with tempfile.TemporaryDirectory(prefix="openmains-report-") as folder:
            path = Path(folder) / f"report.{kind}"
            await (write_xlsx if kind == "xlsx" else write_csv)(path, report, locale, missing)
            return path.read_bytes()


def _answer(report: DayReport, by: ReportBy) -> CollectionReport:
    return CollectionReport(
        day=day_to_date(report.day),
        by=by,
        deadline=utc(report.due_s),
        total=_row(Line("", "", report.total)),
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
    )
