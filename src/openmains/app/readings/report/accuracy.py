# SPDX-License-Identifier: Apache-2.0
"""Accuracy of what is stored, measured (R6.2: 99 % at least): registers that the meter said at other times – spot and check reads,
those of alarms, the register of the report before – against the slots that a later message measured. Pure but for the store.

A check is a register within a slot of a day that is measured there by a later message. It agrees where it lies between the registers at
the slot's ends, give or take one unit, the product's resolution. Slots that are estimated prove nothing and are not counted.
"""

from collections.abc import Iterable

from openmains.app.readings.report.accuracy_model import AccuracyReport, AccuracyRow, RegisterCheck
from openmains.app.readings.report.collection import AsOf, Counts, Labels, namer
from openmains.app.readings.report.model import ReportBy
from openmains.app.readings.report.ports import DayStore, LabelStore
from openmains.domain.ids import TenantId
from openmains.domain.period import day_to_date
from openmains.domain.readings.expected import Status


async def accuracy(tenant_id: TenantId, day: int, by: ReportBy, days: DayStore, names: LabelStore) -> AccuracyReport:
    """Raises ``LookupError`` for an unknown tenant."""
    labels = await names.labels(tenant_id)
    zone = labels.zone
    checks = await days.checks(tenant_id, labels.asked(day, AsOf(0)), zone.start_of(day), zone.start_of(day + 1))
    return accuracy_of(day, by, [RegisterCheck(*check) for check in checks], labels)


def accuracy_of(day: int, by: ReportBy, checks: Iterable[RegisterCheck], labels: Labels) -> AccuracyReport:
    """Sum the checks into groups, named as in the collection report."""
    names_of, sums, checked, agreed = namer(by, labels), dict[tuple[str, str], list[int]](), 0, 0
    for check in checks:
        checked, agreed = checked + check.checked, agreed + check.agreed
        for name in names_of(Counts(check.area_id, check.product_id, Status.ON_TIME, check.checked)):
            so_far = sums.setdefault(name, [0, 0])
            so_far[0], so_far[1] = so_far[0] + check.checked, so_far[1] + check.agreed
    rows = [_row(*name, *sums[name]) for name in sorted(sums)]
    return AccuracyReport(day_to_date(day), by, _row("", "", checked, agreed), rows)


def _row(key: str, name: str, checked: int, agreed: int) -> AccuracyRow:
    return AccuracyRow(key, name, checked, agreed, agreed * 1_000_000 // checked if checked else None)
