# SPDX-License-Identifier: Apache-2.0
"""The collection report as the API tells it."""

from datetime import date, datetime
from typing import Literal

from msgspec import Struct

from openmains.domain.ids import MeterId

ReportBy = Literal["area", "product", "model", "maker", "driver", "cell"]
"""An area with those below it; a cell is the radio cell in which a meter spoke last before the day was due, 0 where none is known."""


class DueCounts(Struct, frozen=True):
    """The figures as they stood when the day was due; nothing changes them afterwards."""

    expected: int
    received: int
    rate_ppm: int
    estimated: int
    partial: int
    missing: int


class CollectionRow(Struct, frozen=True):
    """Collection of one group of meters on one day (R2.4, R6.2); ``rate_ppm`` = received / expected in millionths.

    As of now: with what came late, was edited or is expected since. ``expected`` are the meters whose day is due, and those
    whose day was there before; ``not_due`` the others, who report by the week, the ten days or the month, or whose morning is yet
    to come. ``as_due``: null where nothing was kept, before the day was due or before the utility was here.
    """

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
    not_due: int
    as_due: DueCounts | None


class CollectionReport(Struct, frozen=True):
    """The report of a day. ``deadline``: 08:00 of the next day in the tenant's zone, for daily meters. ``frozen_at``: when the
    newest of ``as_due`` was kept. ``set_aside``: meters of the utility that are counted nowhere, because their dates can not be
    copied to the readings (correct their installation date)."""

    day: date
    by: ReportBy
    deadline: datetime
    frozen_at: datetime | None
    set_aside: int
    total: CollectionRow
    rows: list[CollectionRow]


Figures = Literal["now", "due"]


class MediumVolume(Struct, frozen=True):
    """What meters of a medium used on a day: exact m³. ``meters``: how many of them are known that day."""

    medium: Literal["gas", "water"]
    meters: int
    volume_m3: str


class ReportDay(Struct, frozen=True):
    """A day of the utility: what was read and what was used. ``total``: as of now, with ``as_due`` beside; null where only the figures
    as due were asked for and are kept. ``as_due``: null where nothing was kept. Water and gas are never added up."""

    day: date
    deadline: datetime
    frozen_at: datetime | None
    total: CollectionRow | None
    as_due: DueCounts | None
    volumes: list[MediumVolume]


class ReportDays(Struct, frozen=True):
    """Days from ``first`` to ``last``, both included, oldest first."""

    first: date
    last: date
    items: list[ReportDay]


class MissingMeter(Struct, frozen=True):
    """A meter whose day is not (fully) there; ``status``: missing, partial or estimated."""

    meter_id: MeterId
    number: str
    area_code: str
    product_code: str
    address: str
    status: str
    last_seen_at: datetime | None


class DayVolume(Struct, frozen=True):
    """What meters used on a day, by medium: exact m³. ``meters``: how many of them are known that day."""

    day: date
    medium: Literal["gas", "water"]
    meters: int
    volume_m3: str
