# SPDX-License-Identifier: Apache-2.0
"""Tariffs, who pays by them, and prices as meters hold them (R9.1, R1.12)."""

from typing import Annotated, Any

from litestar import Request, get, post
from litestar.params import JSONBody, QueryParameter
from msgspec import Meta, Struct

from openmains.app.tariff import members, meter_prices, plans
from openmains.app.tariff.model import ConfirmedPrice, Day, Medium, NewMember, Tariff, TariffMember
from openmains.app.tariff.ports import TariffStore
from openmains.domain.identity.permission import Permission
from openmains.domain.ids import MeterId
from openmains.domain.tariff.billing import Payer
from openmains.domain.tariff.meter_price import MeterLimits, Rounding
from openmains.domain.tariff.plan import CustomerClass
from openmains.edges.http.deps import actor_of, deps_of, today_number
from openmains.edges.http.inputs import Cursor, Id, Id32, Limit, Page, ReasonText, after_id, page
from openmains.edges.http.permissions import may

Persons = Annotated[int, QueryParameter(ge=0, le=99, description="Persons of the household, for the persons rule.")]
Households = Annotated[int, QueryParameter(ge=1, le=1000, description="Households behind the meter (合表).")]
Tiers = Annotated[int, QueryParameter(ge=1, le=6, description="Tiers the meter holds.")]
Decimals = Annotated[int, QueryParameter(ge=2, le=4, description="Decimals of a price the meter holds.")]
PriceRounding = Annotated[Rounding, QueryParameter(name="rounding")]


class NewTariff(Struct, frozen=True, forbid_unknown_fields=True):
    """``code``: of the utility's own, unique."""

    code: Annotated[str, Meta(min_length=1, max_length=60)]
    name: Annotated[str, Meta(min_length=1, max_length=200)]
    medium: Medium
    customer_class: CustomerClass


class NewMembers(Struct, frozen=True, forbid_unknown_fields=True):
    """From ``from_day`` on these meters pay by the tariff, all or none."""

    from_day: Day
    members: Annotated[list[NewMember], Meta(min_length=1, max_length=1000)]
    reason: ReasonText = ""


class MeterKind(Struct, frozen=True, forbid_unknown_fields=True):
    """What the price is put into, and for whom."""

    persons: Annotated[int, Meta(ge=0, le=99)] = 0
    households: Annotated[int, Meta(ge=1, le=1000)] = 1
    tiers: Annotated[int, Meta(ge=1, le=6)] = 6
    decimals: Annotated[int, Meta(ge=2, le=4)] = 4
    rounding: Rounding = Rounding.HALF_UP


@get("/tariffs", operation_id="list_tariffs", tags=["tariffs"], opt=may(Permission.SEE_TARIFFS))
async def list_tariffs(request: Request[Any, Any, Any], limit: Limit = 50, cursor: Cursor = None) -> Page[Tariff]:
    """Tariffs with the plan that holds today, and drafts that wait for another person."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        rows = await work[TariffStore].page(limit + 1, after_id("tariffs", cursor) or 0, today_number(request))
    return page("tariffs", rows, limit, lambda tariff: tariff.tariff_id)


@get("/tariffs/{tariff_id:int}", operation_id="read_tariff", tags=["tariffs"], opt=may(Permission.SEE_TARIFFS))
async def read_tariff(request: Request[Any, Any, Any], tariff_id: Id32) -> Tariff:
    """One tariff, with how many meters pay by it."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        return await plans.tariff_of(work, tariff_id, today_number(request), counted=True)


@post("/tariffs", operation_id="create_tariff", tags=["tariffs"], opt=may(Permission.DRAFT_TARIFFS))
async def create_tariff(request: Request[Any, Any, Any], data: JSONBody[NewTariff]) -> Tariff:
    """A tariff without plans: nobody pays by it until one is approved."""
    deps, actor = deps_of(request), actor_of(request)
    return await plans.create_tariff(
        deps.store, actor, data.code, data.name, data.medium, data.customer_class, today_number(request), deps.now_us()
    )


@get(
    "/tariffs/{tariff_id:int}/members",
    operation_id="list_tariff_members",
    tags=["tariffs"],
    opt=may(Permission.SEE_TARIFFS),
)
async def list_tariff_members(
    request: Request[Any, Any, Any], tariff_id: Id32, limit: Limit = 50, cursor: Cursor = None
) -> Page[TariffMember]:
    """Meters that pay by a tariff today."""
    scope, today = f"members {tariff_id}", today_number(request)
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        await plans.tariff_of(work, tariff_id, today)
        rows = await work[TariffStore].members(tariff_id, limit + 1, after_id(scope, cursor) or 0, today)
    return page(scope, rows, limit, lambda member: member.meter_id)


@post(
    "/tariffs/{tariff_id:int}/members",
    operation_id="add_tariff_members",
    tags=["tariffs"],
    status_code=204,
    opt=may(Permission.DRAFT_TARIFFS),
)
async def add_tariff_members(request: Request[Any, Any, Any], tariff_id: Id32, data: JSONBody[NewMembers]) -> None:
    """Meters that pay by the tariff from a day on; the entry before stays as it was."""
    deps, actor = deps_of(request), actor_of(request)
    await members.add_members(
        deps.store, actor, tariff_id, data.members, data.from_day, data.reason, today_number(request), deps.now_us()
    )


@get(
    "/tariff-plans/{plan_id:int}/meter-price",
    operation_id="read_meter_price",
    tags=["tariffs"],
    opt=may(Permission.SEE_TARIFFS),
)
async def read_meter_price(
    request: Request[Any, Any, Any],
    plan_id: Id,
    persons: Persons = 0,
    households: Households = 1,
    tiers: Tiers = 6,
    decimals: Decimals = 4,
    rounding: PriceRounding = Rounding.HALF_UP,
) -> meter_prices.MeterPriceSet:
    """The plan as a meter would hold it, with each price that is rounded, or why it cannot; version 0: not given out."""
    kind = MeterKind(persons, households, tiers, decimals, rounding)
    return await _price(request, plan_id, kind, number=False)


@post(
    "/tariff-plans/{plan_id:int}/meter-price",
    operation_id="number_meter_price",
    status_code=200,
    tags=["tariffs"],
    opt=may(Permission.APPROVE_TARIFFS),
)
async def number_meter_price(
    request: Request[Any, Any, Any], plan_id: Id, data: JSONBody[MeterKind]
) -> meter_prices.MeterPriceSet:
    """The parameters of ``set_price`` for an approved plan, with the version number by which a meter's confirmation is known again."""
    return await _price(request, plan_id, data, number=True)


@get(
    "/meters/{meter_id:int}/price",
    operation_id="read_confirmed_price",
    tags=["tariffs"],
    opt=may(Permission.SEE_TARIFFS),
)
async def read_confirmed_price(request: Request[Any, Any, Any], meter_id: Id) -> ConfirmedPrice:
    """The price version a meter confirmed, and what it stands for."""
    return await meter_prices.confirmed_price(deps_of(request).store, actor_of(request), MeterId(meter_id))


async def _price(
    request: Request[Any, Any, Any], plan_id: int, kind: MeterKind, *, number: bool
) -> meter_prices.MeterPriceSet:
    deps, actor = deps_of(request), actor_of(request)
    payer = Payer(kind.persons, kind.households)
    limits = MeterLimits(tiers=kind.tiers, decimals=kind.decimals, rounding=kind.rounding)
    return await meter_prices.price_for_meter(
        deps.store, actor, plan_id, payer, limits, today_number(request), deps.now_us(), number=number
    )


HANDLERS: list[Any] = [
    list_tariffs,
    read_tariff,
    create_tariff,
    list_tariff_members,
    add_tariff_members,
    read_meter_price,
    number_meter_price,
    read_confirmed_price,
]
