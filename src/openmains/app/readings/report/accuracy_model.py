# SPDX-License-Identifier: Apache-2.0
"""Accuracy of a day as it is counted and told."""

from datetime import date
from typing import NamedTuple

from msgspec import Struct

from openmains.app.readings.report.model import ReportBy
from openmains.domain.ids import AreaId, ProductId


class RegisterCheck(NamedTuple):
    """How many registers of a day were checked in one area and product, and how many agreed."""

    area_id: AreaId
    product_id: ProductId
    checked: int
    agreed: int


class AccuracyRow(Struct, frozen=True):
    """One group's checks of a day; ``rate_ppm`` = agreed / checked in millionths, null where nothing was checked."""

    key: str
    name: str
    checked: int
    agreed: int
    rate_ppm: int | None


class AccuracyReport(Struct, frozen=True):
    """Accuracy of a day by group."""

    day: date
    by: ReportBy
    total: AccuracyRow
    rows: list[AccuracyRow]
