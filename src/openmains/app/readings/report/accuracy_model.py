# SPDX-License-Identifier: Apache-2.0
"""Accuracy of a day as it is counted and told."""

from datetime import date
from typing import Literal, NamedTuple

from msgspec import Struct

from openmains.app.readings.report.model import ReportBy
from openmains.domain.ids import AreaId, MeterId, ProductId

FileKind = Literal["csv", "xlsx"]


class RegisterCheck(NamedTuple):
    """How many registers of a day were checked in one area, product and radio cell, and how many agreed."""

    area_id: AreaId
    product_id: ProductId
    cell: int
    checked: int
    agreed: int


class ManualRead(NamedTuple):
    """A register that a person read, in units of the meter's driver; ``digit``: of the last one that was read."""

    at: int
    reading_id: int
    meter_id: MeterId
    area_id: AreaId
    product_id: ProductId
    cell: int
    register: int
    digit: int
    dial: int


class AccuracyRow(Struct, frozen=True):
    """One group's checks of a day; ``rate_ppm`` = agreed / checked in millionths, null where nothing was checked. Of these
    ``manual_checked`` were read by persons, of which ``manual_agreed`` agree."""

    key: str
    name: str
    checked: int
    agreed: int
    rate_ppm: int | None
    manual_checked: int
    manual_agreed: int


class AccuracyReport(Struct, frozen=True):
    """Accuracy of a day by group."""

    day: date
    by: ReportBy
    total: AccuracyRow
    rows: list[AccuracyRow]
