# SPDX-License-Identifier: Apache-2.0
"""Values of any quantity of one meter: pressure, flow, temperature, battery, balance, volume … side by side, and as a file."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from litestar import Request, Response, get
from litestar.params import QueryParameter
from msgspec import Struct

from openmains.app.problems import Problem
from openmains.app.readings.ports import QuantityStore
from openmains.app.readings.quantities import REGISTER, VOLUME, LatestValue, Values, latest_values, unit_of, values_of
from openmains.app.spreadsheet import csv_bytes
from openmains.domain.identity.permission import Permission
from openmains.domain.ids import MeterId
from openmains.domain.period import utc, zone
from openmains.domain.quantity import decimal_of
from openmains.domain.readings.quality import slot_names
from openmains.drivers.model import Title
from openmains.drivers.points import vocabulary
from openmains.edges.http.deps import ApiDeps, actor_of, deps_of
from openmains.edges.http.inputs import Id
from openmains.edges.http.permissions import may
from openmains.edges.http.problems import language_of
from openmains.edges.http.readings import From, To, exponent_of, meter_of, metered_of, period_of, store_of

MOST_VALUES = 20_000
MOST_LINES = 500_000
HEADS = {
    "zh": ("时刻", "测点", "名称", "数值", "单位", "间隔 (s)", "质量", "整数值", "指数"),
    "en": ("at", "point", "name", "value", "unit", "interval (s)", "quality", "count", "exponent"),
}
Points = Annotated[
    list[str],
    QueryParameter(
        name="points",
        min_items=1,
        max_items=20,
        description="Names of quantities, such as pressure; see /meters/{id}/quantities.",
    ),
]


class QuantityTitle(Struct, frozen=True):
    """Name of a quantity for people."""

    zh: str
    en: str


class SeriesValue(Struct, frozen=True):
    """A value at an instant; null: a message came and did not know it. ``interval_s`` 0: a spot value. No ``quality``: measured,
    and nothing was found about it."""

    at: datetime
    value: int | None
    interval_s: int
    quality: list[str]


class QuantitySeries(Struct, frozen=True):
    """Values of one quantity in order of time; value x 10^``exponent`` of ``unit``."""

    point: str
    title: QuantityTitle
    unit: str
    exponent: int
    values: list[SeriesValue]


class MeterSeries(Struct, frozen=True):
    """Quantities of a meter over a period, in the order they were asked for."""

    meter_id: int
    zone: str
    series: list[QuantitySeries]


class NewestValue(Struct, frozen=True):
    """A quantity that the meter has said in the last 400 days, and its newest value; x 10^``exponent`` of ``unit``."""

    point: str
    title: QuantityTitle
    unit: str
    exponent: int
    at: datetime
    value: int
    quality: list[str]


class NewestValues(Struct, frozen=True):
    """The quantities of a meter besides volume."""

    meter_id: int
    items: list[NewestValue]


def quantity_store_of(deps: ApiDeps) -> QuantityStore:
    """Raises ``not-offered`` where the deployment keeps no readings."""
    if deps.quantities is None:
        raise Problem("not-offered")
    return deps.quantities


@get(
    "/meters/{meter_id:int}/series", operation_id="read_quantities", tags=["readings"], opt=may(Permission.SEE_READINGS)
)
async def read_quantities(
    request: Request[Any, Any, Any], meter_id: Id, points: Points, start: From, end: To
) -> MeterSeries:
    """Values of quantities over a period as they were measured, with their quality. At most 20,000 values."""
    found = await _values(request, meter_id, points, start, end, MOST_VALUES)
    return MeterSeries(meter_id, actor_of(request).zone, [_series(values) for values in found])


@get(
    "/meters/{meter_id:int}/series.csv",
    operation_id="download_quantities_csv",
    media_type="text/csv",
    tags=["readings"],
    opt=may(Permission.EXPORT_READINGS),
)
async def download_quantities_csv(
    request: Request[Any, Any, Any], meter_id: Id, points: Points, start: From, end: To
) -> Response[bytes]:
    """The same as CSV, a line for each value, decimal and as the integer it is kept as. At most 500,000 lines."""
    found = await _values(request, meter_id, points, start, end, MOST_LINES)
    language, place = language_of(request), zone(actor_of(request).zone)
    lines: list[Any] = [HEADS[language]]
    for values in found:
        name = values.title.zh if language == "zh" else values.title.en
        lines += [
            (
                place.iso(sample.at), values.name, name,
                None if sample.value is None else decimal_of(sample.value, values.exponent), values.unit, sample.interval_s,
                " ".join(slot_names(sample.quality)), sample.value, values.exponent,
            )
            for sample in values.samples
        ]  # fmt: skip
    headers = {"Content-Disposition": f'attachment; filename="series-{meter_id}.csv"'}
    return Response(b"".join(csv_bytes(lines)), media_type="text/csv; charset=utf-8", headers=headers)


@get(
    "/meters/{meter_id:int}/quantities",
    operation_id="list_quantities",
    tags=["readings"],
    opt=may(Permission.SEE_READINGS),
)
async def list_quantities(request: Request[Any, Any, Any], meter_id: Id) -> NewestValues:
    """Which quantities a meter says besides volume, with the newest value of each."""
    deps, actor = deps_of(request), actor_of(request)
    meter = await meter_of(deps, actor, meter_id)
    newest = await latest_values(quantity_store_of(deps), actor.tenant_id, [MeterId(meter_id)], deps.now_s())
    return NewestValues(meter_id, newest_told(deps, meter.driver, newest[meter_id]))


def newest_told(deps: ApiDeps, driver: str, newest: Mapping[str, LatestValue]) -> list[NewestValue]:
    """Newest values of a device of this driver, in the order of ``points.toml``."""
    exponent, points = exponent_of(deps, driver), vocabulary().points
    return [
        NewestValue(
            name, _title(points[name].title), *unit_of(points[name], exponent), utc(said.at), said.value,
            slot_names(said.quality),
        )
        for name in vocabulary().quantities
        if (said := newest.get(name)) is not None
    ]  # fmt: skip


async def _values(
    request: Request[Any, Any, Any], meter_id: int, points: list[str], start: datetime, end: datetime, most: int
) -> list[Values]:
    deps, actor = deps_of(request), actor_of(request)
    period = period_of(start, end)
    is_volume = not {VOLUME, REGISTER}.isdisjoint(points)
    meter = await (metered_of if is_volume else meter_of)(deps, actor, meter_id)
    return await values_of(
        quantity_store_of(deps),
        store_of(deps),
        actor.tenant_id,
        MeterId(meter_id),
        points,
        period,
        volume_exponent=exponent_of(deps, meter.driver),
        place=zone(actor.zone),
        most=most,
    )


def _series(values: Values) -> QuantitySeries:
    return QuantitySeries(
        point=values.name,
        title=_title(values.title),
        unit=values.unit,
        exponent=values.exponent,
        values=[
            SeriesValue(utc(sample.at), sample.value, sample.interval_s, slot_names(sample.quality))
            for sample in values.samples
        ],
    )


def _title(title: Title) -> QuantityTitle:
    return QuantityTitle(title.zh, title.en)


HANDLERS: list[Any] = [read_quantities, download_quantities_csv, list_quantities]
