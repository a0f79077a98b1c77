# SPDX-License-Identifier: Apache-2.0
"""What operations on very many meters take in common: which meters, and on which days."""

from datetime import date
from typing import Annotated, Literal

from litestar.di import NamedDependency, Provide
from litestar.params import FromQuery, QueryParameter

from openmains.app.fleet.choice import MOST_NUMBERS, CustomerClass, MeterChoice, Place
from openmains.app.fleet.model import KindFilter, MeterStatus
from openmains.app.problems import Problem
from openmains.app.readings.bulk.ports import BulkStore
from openmains.domain.ids import AreaId, ProductId, TagId
from openmains.domain.period import date_to_day
from openmains.edges.http.deps import ApiDeps
from openmains.edges.http.inputs import OptionalId32, optional

MOST_SUM_DAYS = 3_700
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV = "text/csv; charset=utf-8"
First = Annotated[date, QueryParameter(description="First calendar day of the utility, included.")]
Last = Annotated[date, QueryParameter(description="Last calendar day, included.")]


def chosen_meters(
    area_id: OptionalId32 = None,
    product_id: OptionalId32 = None,
    medium: FromQuery[Literal["gas", "water"] | None] = None,
    place: FromQuery[Place | None] = None,
    customer_class: Annotated[
        CustomerClass | None,
        QueryParameter(
            description="Of the meter's customer; critical goes before protected, none: without a customer."
        ),
    ] = None,
    status: FromQuery[MeterStatus | None] = None,
    devices: Annotated[KindFilter, QueryParameter(description="Which devices, as in the list of meters.")] = "meter",
    numbers: Annotated[
        list[str] | None,
        QueryParameter(
            max_items=MOST_NUMBERS, description="Meter numbers: these alone. One that no meter has is refused."
        ),
    ] = None,
    tag_id: OptionalId32 = None,
) -> MeterChoice:
    """Meters by filter; an area includes the areas below it."""
    if numbers and any(not number or len(number) > 64 for number in numbers):
        raise Problem("invalid-input", fields=(("/numbers", "out-of-range"),))
    return MeterChoice(
        optional(AreaId, area_id),
        optional(ProductId, product_id),
        medium,
        devices,
        place,
        customer_class,
        status,
        tuple(dict.fromkeys(numbers or ())),
        optional(TagId, tag_id),
    )


Chosen = NamedDependency[MeterChoice]
CHOICE = {"meters": Provide(chosen_meters, sync_to_thread=False)}
"""What makes the parameter ``meters: Chosen`` of an operation."""


def bulk_of(deps: ApiDeps) -> BulkStore:
    """Raises ``not-offered`` where the deployment keeps no readings."""
    if deps.bulk is None:
        raise Problem("not-offered")
    return deps.bulk


def days_of(first: date, last: date) -> tuple[int, int]:
    """Day numbers of a period, both ends included; raises ``bad-range``."""
    if not 1970 <= first.year <= 2100 or not first <= last <= date(2100, 12, 31):
        raise Problem("bad-range", fields=(("/last", "out-of-range"),), limit=f"{MOST_SUM_DAYS} d")
    left, right = date_to_day(first), date_to_day(last)
    if right - left >= MOST_SUM_DAYS:
        raise Problem("bad-range", fields=(("/last", "out-of-range"),), limit=f"{MOST_SUM_DAYS} d")
    return left, right
