# SPDX-License-Identifier: Apache-2.0
"""Limits of quantities, of a product and of a device: beyond them an alarm is raised (R3.7)."""

from typing import Annotated, Any

from litestar import Request, get, put
from litestar.params import JSONBody
from msgspec import Meta, Struct

from openmains.app.alarm import limits
from openmains.app.alarm.model import QuantityLimit
from openmains.app.readings.quantities import unit_of
from openmains.domain.identity.permission import Permission
from openmains.domain.ids import MeterId, ProductId
from openmains.drivers.points import vocabulary
from openmains.edges.http.deps import ApiDeps, actor_of, deps_of
from openmains.edges.http.inputs import Id, Id32, WhyQuery
from openmains.edges.http.permissions import may
from openmains.edges.http.readings import exponent_of


class WantedLimits(Struct, frozen=True, forbid_unknown_fields=True):
    """All limits, in place of those before; none: nothing is watched (of a device: by its product's)."""

    items: Annotated[list[QuantityLimit], Meta(max_length=100)]


class LimitedQuantity(Struct, frozen=True):
    """A quantity that the product's messages say; its bounds are integers x 10^``exponent`` of ``unit``."""

    quantity: str
    zh: str
    en: str
    unit: str
    exponent: int


class Limits(Struct, frozen=True):
    """``items``: what was set here, ``product``: of a device, what its product has; ``in_force``: what is watched. ``quantities``:
    what there can be limits of."""

    items: list[QuantityLimit]
    product: list[QuantityLimit]
    in_force: list[QuantityLimit]
    quantities: list[LimitedQuantity]


def _points_of(deps: ApiDeps) -> limits.PointsOf:
    def points(driver: str) -> list[str]:
        layout = deps.drivers.layout(driver)
        return [] if layout is None else layout.points

    return points


def _told(deps: ApiDeps, found: limits.LimitsOf, *, of_device: bool) -> Limits:
    points, exponent = _points_of(deps)(found.driver), exponent_of(deps, found.driver)
    kept = [quantity for name, quantity in vocabulary().quantities.items() if name in points]
    return Limits(
        items=found.device if of_device else found.product,
        product=found.product if of_device else [],
        in_force=found.in_force,
        quantities=[
            LimitedQuantity(item.name, item.point.title.zh, item.point.title.en, *unit_of(item.point, exponent))
            for item in kept
        ],
    )


@get(
    "/products/{product_id:int}/limits",
    operation_id="list_product_limits",
    tags=["alarms"],
    opt=may(Permission.SEE_PRODUCTS),
)
async def list_product_limits(request: Request[Any, Any, Any], product_id: Id32) -> Limits:
    """Limits of quantities of all devices of a product."""
    deps = deps_of(request)
    found = await limits.limits_of_product(deps.store, actor_of(request), ProductId(product_id))
    return _told(deps, found, of_device=False)


@put(
    "/products/{product_id:int}/limits",
    operation_id="set_product_limits",
    tags=["alarms"],
    opt=may(Permission.MANAGE_PRODUCTS),
)
async def set_product_limits(
    request: Request[Any, Any, Any], product_id: Id32, data: JSONBody[WantedLimits], reason: WhyQuery = ""
) -> Limits:
    """Set them, all at once; with the next values, seconds later, devices are watched by them."""
    deps = deps_of(request)
    found = await limits.set_product_limits(
        deps.store, actor_of(request), ProductId(product_id), data.items, _points_of(deps), deps.now_us(), reason
    )
    return _told(deps, found, of_device=False)


@get(
    "/meters/{meter_id:int}/limits", operation_id="list_device_limits", tags=["alarms"], opt=may(Permission.SEE_ALARMS)
)
async def list_device_limits(request: Request[Any, Any, Any], meter_id: Id) -> Limits:
    """Limits of quantities of a device: its own, its product's, and what is watched of them."""
    deps = deps_of(request)
    found = await limits.limits_of_device(deps.store, actor_of(request), MeterId(meter_id))
    return _told(deps, found, of_device=True)


@put("/meters/{meter_id:int}/limits", operation_id="set_device_limits", tags=["alarms"], opt=may(Permission.SET_LIMITS))
async def set_device_limits(
    request: Request[Any, Any, Any], meter_id: Id, data: JSONBody[WantedLimits], reason: WhyQuery = ""
) -> Limits:
    """Set a device's own, all at once; each stands in place of its product's, without bounds it switches that one off."""
    deps = deps_of(request)
    found = await limits.set_device_limits(
        deps.store, actor_of(request), MeterId(meter_id), data.items, _points_of(deps), deps.now_us(), reason
    )
    return _told(deps, found, of_device=True)


HANDLERS: list[Any] = [list_product_limits, set_product_limits, list_device_limits, set_device_limits]
