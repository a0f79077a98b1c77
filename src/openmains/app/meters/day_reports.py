# SPDX-License-Identifier: Apache-2.0
"""``CollectionReports`` of the API over the report's use cases."""

import tempfile
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

from openmains.app.ports import CollectionReport, CollectionRow, MissingMeter, ReportBy
from openmains.app.report.build import NOT_RECEIVED, day_report, write_csv, write_xlsx
from openmains.app.report.collection import DayReport, due_s
from openmains.app.report.ports import DayStore, LabelStore
from openmains.domain.period import day_to_date
from openmains.domain.readings.expected import Collection

Writer = Callable[[Path, DayReport, str], Awaitable[None]]


class DayReports:
    """Made on demand; nothing is kept."""

    def __init__(self, days: DayStore, names: LabelStore) -> None:
        self._days = days
        self._names = names

    async def collection(self, tenant_id: int, day: int, by: ReportBy) -> CollectionReport:
        report = await day_report(tenant_id, day, self._days, self._names)
        return CollectionReport(
            day=day_to_date(day),
            by=by,
            deadline=datetime.fromtimestamp(report.due_s, UTC),
            total=_row("", "", report.total),
            rows=[_row(line.key, line.name, line.collection) for line in report.groups.get(by, [])],
        )

    async def missing(self, tenant_id: int, day: int, limit: int, after_meter_id: int) -> list[MissingMeter]:
        labels = await self._names.labels(tenant_id)
        found = await self._days.missing(
            tenant_id, day, due_s(day, labels.zone), labels.slots(day), after_meter_id, limit, NOT_RECEIVED
        )
        told = await self._names.meter_labels(tenant_id, [meter.meter_id for meter in found])
        shown = []
        for meter in found:
            label = told.get(meter.meter_id)
            area, product = labels.areas.get(meter.area_id), labels.products.get(meter.product_id)
            seen = label.last_seen_s if label else None
            shown.append(
                MissingMeter(
                    meter_id=meter.meter_id,
                    number=label.number if label else f"#{meter.meter_id}",
                    area_code=area.code if area else "",
                    product_code=product.code if product else "",
                    address=label.address if label else "",
                    status=meter.status.value,
                    last_seen_at=datetime.fromtimestamp(seen, UTC) if seen else None,
                )
            )
        return shown

    async def csv(self, tenant_id: int, day: int, by: ReportBy, locale: str) -> bytes:
        return await self._file(tenant_id, day, by, locale, write_csv)

    async def xlsx(self, tenant_id: int, day: int, by: ReportBy, locale: str) -> bytes:
        return await self._file(tenant_id, day, by, locale, write_xlsx)

    async def _file(self, tenant_id: int, day: int, by: ReportBy, locale: str, write: Writer) -> bytes:
        report = await day_report(tenant_id, day, self._days, self._names)
        report.groups = {by: report.groups.get(by, [])}
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "report"
            await write(path, report, locale)
            return path.read_bytes()


def _row(key: str, name: str, counts: Collection) -> CollectionRow:
    return CollectionRow(
        key=key,
        name=name,
        expected=counts.expected,
        received=counts.received,
        rate_ppm=counts.rate_ppm,
        on_time=counts.on_time,
        late=counts.late,
        estimated=counts.estimated,
        partial=counts.partial,
        missing=counts.missing,
    )
