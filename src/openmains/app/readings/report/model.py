# SPDX-License-Identifier: Apache-2.0
"""The collection report as the API tells it."""

from datetime import date, datetime
from typing import Literal

from msgspec import Struct

from openmains.domain.ids import MeterId

ReportBy = Literal["area", "product", "maker", "driver"]


class CollectionRow(Struct, frozen=True):
    """Collection of one group of meters on one day (R2.4, R6.2); ``rate_ppm`` = received / expected in millionths."""

    key: str
    name: str
    expected: int
    received: int
    rate_ppm: int
    on_time: int
    late: int
    estimated: int
    partial: int
    missing: int


class CollectionReport(Struct, frozen=True):
    """The report of a day. ``deadline``: 08:00 of the next day in the tenant's zone."""

    day: date
    by: ReportBy
    deadline: datetime
    total: CollectionRow
    rows: list[CollectionRow]


class MissingMeter(Struct, frozen=True):
    """A meter whose day is not (fully) there; ``status``: missing, partial or estimated."""

    meter_id: MeterId
    number: str
    area_code: str
    product_code: str
    address: str
    status: str
    last_seen_at: datetime | None
