# SPDX-License-Identifier: Apache-2.0
"""Monitors (R3.7) with what they say: a page of the registry beside the newest values and what is beyond its limits."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from litestar import Request, get
from litestar.params import FromQuery, QueryParameter
from msgspec import Struct

from openmains.app.alarm.ports import LimitStore
from openmains.app.fleet.model import Meter, MeterFilter, MeterStatus
from openmains.app.fleet.ports import MeterStore
from openmains.app.paging import decode_cursor
from openmains.app.readings.quantities import curves_of, latest_values, unit_of
from openmains.domain.alarm.limits import Side
from openmains.domain.fleet.device_kind import MONITORS
from openmains.domain.identity.permission import Permission
from openmains.domain.ids import AreaId, MeterId
from openmains.domain.period import utc
from openmains.domain.readings.quantities import Stretch
from openmains.drivers.points import vocabulary
from openmains.edges.http.deps import actor_of, deps_of
from openmains.edges.http.inputs import Cursor, Key, OptionalId32, Page, optional, page
from openmains.edges.http.permissions import may
from openmains.edges.http.readings import exponent_of
from openmains.edges.http.readings_quantities import NewestValue, newest_told, quantity_store_of

SCOPE = "monitors"
Few = Annotated[int, QueryParameter(ge=1, le=200, description="Monitors a page.")]
Chosen = Annotated[
    str | None,
    QueryParameter(
        pattern=r"^[1-9]\d{0,17}(,[1-9]\d{0,17}){0,199}$",
        description="Only these, by their ids with commas between, whatever kind, area, status and page are: for what changed.",
    ),
]
Watching = Literal["pressure", "flow", "level", "quality", "pump", "pipe", "safety"]


class BeyondLimit(Struct, frozen=True):
    """A quantity outside its limits, as of its newest value."""

    quantity: str
    side: Literal["above", "below"]


class CurvePart(Struct, frozen=True):
    """The lowest and the highest value of a part of a curve, which begins at ``at``."""

    at: datetime
    low: int
    high: int


class MonitorCurve(Struct, frozen=True):
    """How a quantity went, in parts of one length; those without a value are left out. Value x 10^``exponent`` of ``unit``."""

    point: str
    unit: str
    exponent: int
    parts: list[CurvePart]


class MonitorRow(Struct, frozen=True):
    """A monitor, its newest values, which of them are beyond their limits, and how they went of late."""

    meter: Meter
    values: list[NewestValue]
    beyond: list[BeyondLimit]
    curves: list[MonitorCurve]


@get("/monitors", operation_id="list_monitors", tags=["meters"], opt=may(Permission.SEE_METERS))
async def list_monitors(
    request: Request[Any, Any, Any],
    kind: Annotated[Watching | None, QueryParameter(description="What they watch; all without it.")] = None,
    area_id: OptionalId32 = None,
    status: FromQuery[MeterStatus | None] = None,
    curve_h: Annotated[
        int, QueryParameter(ge=0, le=72, description="Hours of curve of what each watches; 0: none.")
    ] = 0,
    meters: Chosen = None,
    limit: Few = 50,
    cursor: Cursor = None,
) -> Page[MonitorRow]:
    """Monitors by number, with their newest values of the last 400 days. A monitor's own pages are those of a meter."""
    deps, actor = deps_of(request), actor_of(request)
    after = decode_cursor(SCOPE, cursor, tuple[str, Key])
    chosen = MeterFilter(
        optional(AreaId, area_id),
        None,
        status,
        limit=limit + 1,
        after=after,
        now_us=deps.now_us(),
        kind=kind or "monitor",
    )
    async with deps.store.tenant(actor.tenant_id) as work:
        if meters is None:
            rows = await work[MeterStore].page(chosen)
            shown = page(SCOPE, rows, limit, lambda meter: (meter.number, meter.meter_id))
        else:
            named = await work[MeterStore].by_ids([MeterId(int(one)) for one in meters.split(",")])
            shown = Page(items=[meter for meter in named if meter.kind in MONITORS], next=None)
        ids = [meter.meter_id for meter in shown.items]
        beyond = await work[LimitStore].beyond(ids) if ids else {}
    newest = await latest_values(quantity_store_of(deps), actor.tenant_id, ids, deps.now_s()) if ids else {}
    curves: Mapping[int, Mapping[str, Sequence[Stretch]]] = {}
    if ids and curve_h:
        curves = await curves_of(quantity_store_of(deps), actor.tenant_id, ids, curve_h, deps.now_s())
    return Page(
        items=[
            MonitorRow(
                meter,
                newest_told(deps, meter.driver, newest.get(meter.meter_id, {})),
                [
                    BeyondLimit(name, "above" if side is Side.ABOVE else "below")
                    for name, side in beyond.get(meter.meter_id, {}).items()
                ],
                _curves(curves.get(meter.meter_id, {}), exponent_of(deps, meter.driver)),
            )
            for meter in shown.items
        ],
        next=shown.next,
    )


def _curves(found: Mapping[str, Sequence[Stretch]], volume_exponent: int) -> list[MonitorCurve]:
    points = vocabulary().points
    return [
        MonitorCurve(
            name, *unit_of(points[name], volume_exponent), [CurvePart(utc(one.at), one.low, one.high) for one in parts]
        )
        for name in vocabulary().quantities
        if (parts := found.get(name))
    ]


HANDLERS: list[Any] = [list_monitors]
