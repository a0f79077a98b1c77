# SPDX-License-Identifier: Apache-2.0
"""What technicians bring from the place: pictures, the exchange, a reading; plans of safety inspections and hazards."""

from typing import Annotated, Any

from litestar import Request, Response, get, post, put
from litestar.datastructures import UploadFile
from litestar.params import FromQuery, JSONBody, MultipartBody, QueryParameter
from msgspec import Meta, Struct

from openmains.app.fleet.lives.acts import LifeActs, fingerprint
from openmains.app.fleet.lives.model import ExchangeRequest
from openmains.app.notice.ports import RotaStore
from openmains.app.problems import Problem
from openmains.app.readings.manual import take
from openmains.app.readings.manual.model import ManualReading
from openmains.app.unit_of_work import Work
from openmains.app.work_order import fieldwork, kinds, make, pictures, plans
from openmains.app.work_order.hazard_model import Hazard, HazardNotice, InspectionPlan, NewHazard, PlanSettings
from openmains.app.work_order.hazard_text import notice_text
from openmains.app.work_order.model import OrderKey, PhotoPurpose, WorkOrder
from openmains.app.work_order.ports import InspectionStore
from openmains.domain.identity.permission import Permission
from openmains.domain.ids import HazardId, MeterId, OrderId, PlanId
from openmains.domain.work_order.inspection import HazardGrade
from openmains.domain.work_order.picture import LARGEST
from openmains.edges.http.deps import actor_of, deps_of, photo_keys, today_of
from openmains.edges.http.fleet_meters import dimensions_of
from openmains.edges.http.inputs import Cursor, Id, Limit, OptionalId, OptionalId32, Page, ReasonText, after_id, page
from openmains.edges.http.permissions import may
from openmains.edges.http.problems import language_of

ACT_KEY = r"^[A-Za-z0-9_.:-]+$"


class ReadingOfOrder(Struct, frozen=True, forbid_unknown_fields=True):
    """A reading made at the visit. ``at``: RFC 3339, or the utility's own time; m³ as the dial shows them."""

    key: OrderKey
    at: Annotated[str, Meta(max_length=40, pattern=r"^[0-9TtZz:+. -]+$")]
    register_m3: Annotated[str, Meta(max_length=24, pattern=r"^[0-9.]+$")]
    note: Annotated[str, Meta(max_length=400)] = ""


class PlanChange(Struct, frozen=True, forbid_unknown_fields=True):
    """A plan as it is to be, and why."""

    settings: PlanSettings
    reason: ReasonText = ""


@post(
    "/work-orders/{order_id:int}/photos",
    operation_id="add_order_photo",
    status_code=200,
    tags=["work orders"],
    request_max_body_size=LARGEST + 65_536,
    opt=may(Permission.HANDLE_ORDERS),
)
async def add_order_photo(
    request: Request[Any, Any, Any],
    order_id: Id,
    data: MultipartBody[UploadFile],
    key: Annotated[str, QueryParameter(min_length=4, max_length=64, pattern=ACT_KEY)],
    purpose: FromQuery[PhotoPurpose] = "photo",
    note: Annotated[
        str, QueryParameter(max_length=100, description="What it shows; of a signature: whose it is.")
    ] = "",
) -> WorkOrder:
    """A picture (JPEG, PNG or WebP by its bytes, 4 MiB at most) or a signature; the same key again adds nothing."""
    deps = deps_of(request)
    content = await data.read(LARGEST + 1)
    return await pictures.add_photo(
        deps.store, photo_keys(deps), actor_of(request), OrderId(order_id), key, purpose, note, content, deps.now_us()
    )  # fmt: skip


@get(
    "/work-orders/{order_id:int}/photos/{photo_id:int}",
    operation_id="read_order_photo",
    media_type="image/jpeg",
    tags=["work orders"],
    opt=may(Permission.SEE_PERSONAL),
)
async def read_order_photo(request: Request[Any, Any, Any], order_id: Id, photo_id: Id) -> Response[bytes]:
    """The bytes of a picture; the look is in the trail."""
    deps = deps_of(request)
    found = await pictures.see_photo(deps.store, photo_keys(deps), actor_of(request), OrderId(order_id), photo_id)
    return Response(found[1], media_type=found[0], headers={"Content-Disposition": "inline"})


@post(
    "/work-orders/{order_id:int}/exchange",
    operation_id="exchange_meter_for_order",
    status_code=200,
    tags=["work orders"],
    opt=may(Permission.INSTALL_METERS),
)  # fmt: skip
async def exchange_meter_for_order(
    request: Request[Any, Any, Any], order_id: Id, data: JSONBody[ExchangeRequest]
) -> WorkOrder:
    """The exchange of the order's meter, by the book's own act."""
    deps, actor = deps_of(request), actor_of(request)
    acts = LifeActs(deps.store, dimensions_of(deps), actor, deps.drivers.number_digits, deps.now_us())
    return await fieldwork.exchange_meter(deps.store, acts, actor, OrderId(order_id), data, deps.now_us())


@post(
    "/work-orders/{order_id:int}/reading",
    operation_id="take_reading_for_order",
    status_code=200,
    tags=["work orders"],
    opt=may(Permission.TAKE_READINGS),
)  # fmt: skip
async def take_reading_for_order(
    request: Request[Any, Any, Any], order_id: Id, data: JSONBody[ReadingOfOrder]
) -> WorkOrder:
    """A reading of the order's meter, into the ledger of manual readings."""
    deps, actor = deps_of(request), actor_of(request)
    if deps.replay is None:
        raise Problem("not-offered")
    stream = deps.replay

    async def enter(meter_id: MeterId) -> ManualReading:
        given = take.GivenReading(meter_id, "", "", data.at, data.register_m3, data.note)
        return await take.take_reading(deps.store, stream, deps.drivers, actor, given, deps.now_us())

    async def is_taken(work: Work, meter_id: MeterId) -> bool:
        return await take.is_taken(work, actor, meter_id, data.at)

    return await fieldwork.take_reading(
        deps.store, enter, is_taken, actor, OrderId(order_id), data.key, fingerprint(data), deps.now_us()
    )


@post(
    "/work-orders/{order_id:int}/hazards",
    operation_id="record_hazard",
    tags=["inspections"],
    opt=may(Permission.HANDLE_ORDERS),
)
async def record_hazard(request: Request[Any, Any, Any], order_id: Id, data: JSONBody[NewHazard]) -> Hazard:
    """A hazard found at the place of an order; an order to look again is made with it."""
    deps = deps_of(request)
    return await fieldwork.record_hazard(deps.store, actor_of(request), OrderId(order_id), data, deps.now_us())


@get("/hazards", operation_id="list_hazards", tags=["inspections"], opt=may(Permission.SEE_ORDERS))
async def list_hazards(
    request: Request[Any, Any, Any],
    order_id: OptionalId = None,
    account_id: OptionalId = None,
    area_id: OptionalId32 = None,
    grade: FromQuery[HazardGrade | None] = None,
    is_open: FromQuery[bool | None] = None,
    late: FromQuery[bool] = False,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[Hazard]:
    """Hazards, newest first; ``late``: open and not removed in time."""
    deps, actor = deps_of(request), actor_of(request)
    async with deps.store.tenant(actor.tenant_id) as work:
        rows = await work[InspectionStore].hazards(
            limit + 1, after_id("hazards", cursor), today=today_of(deps, actor), order_id=order_id, grade=grade, is_open=is_open,
            late=late, area_id=area_id, account_id=account_id,
        )  # fmt: skip
    return page("hazards", rows, limit, lambda hazard: hazard.hazard_id)


@get("/hazards/{hazard_id:int}", operation_id="read_hazard", tags=["inspections"], opt=may(Permission.SEE_ORDERS))
async def read_hazard(request: Request[Any, Any, Any], hazard_id: Id) -> Hazard:
    """One hazard."""
    deps, actor = deps_of(request), actor_of(request)
    async with deps.store.tenant(actor.tenant_id) as work:
        return await fieldwork.got_hazard(work, HazardId(hazard_id), today_of(deps, actor))


@get(
    "/hazards/{hazard_id:int}/notice",
    operation_id="print_hazard_notice",
    media_type="text/plain",
    tags=["inspections"],
    opt=may(Permission.SEE_ORDERS),
)
async def print_hazard_notice(request: Request[Any, Any, Any], hazard_id: Id) -> Response[str]:
    """What the customer is handed (隐患整改通知书), as text in the caller's language."""
    deps, actor = deps_of(request), actor_of(request)
    async with deps.store.tenant(actor.tenant_id) as work:
        hazard = await fieldwork.got_hazard(work, HazardId(hazard_id), today_of(deps, actor))
        order = await make.got(work, hazard.order_id, deps.now_us())
        kind, _ = await kinds.known_kind(work, order.kind)
        utility = await work[RotaStore].utility()
    item = next((one.title for one in kind.checklist if one.code == hazard.item), None)
    text = notice_text(hazard, utility, item, language_of(request))
    return Response(text, media_type="text/plain; charset=utf-8")


@post(
    "/hazards/{hazard_id:int}/notice",
    operation_id="note_hazard_notice",
    status_code=200,
    tags=["inspections"],
    opt=may(Permission.HANDLE_ORDERS),
)
async def note_hazard_notice(request: Request[Any, Any, Any], hazard_id: Id, data: JSONBody[HazardNotice]) -> Hazard:
    """The customer was told, in which way; or would not take it, in front of whom."""
    deps = deps_of(request)
    return await plans.note_notice(deps.store, actor_of(request), HazardId(hazard_id), data, deps.now_us())


@get("/inspection-plans", operation_id="list_inspection_plans", tags=["inspections"], opt=may(Permission.SEE_ORDERS))
async def list_inspection_plans(request: Request[Any, Any, Any]) -> list[InspectionPlan]:
    """Plans of safety inspections, with how far each is."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        return await work[InspectionStore].plans()


@post("/inspection-plans", operation_id="add_inspection_plan", tags=["inspections"], opt=may(Permission.MANAGE_ORDERS))
async def add_inspection_plan(request: Request[Any, Any, Any], data: JSONBody[PlanChange]) -> InspectionPlan:
    """A new plan: orders are made of it each day from its begin on; why is asked."""
    deps = deps_of(request)
    return await plans.add_plan(deps.store, actor_of(request), data.settings, data.reason, deps.now_us())


@put(
    "/inspection-plans/{plan_id:int}",
    operation_id="change_inspection_plan",
    tags=["inspections"],
    opt=may(Permission.MANAGE_ORDERS),
)
async def change_inspection_plan(
    request: Request[Any, Any, Any], plan_id: Id, data: JSONBody[PlanChange]
) -> InspectionPlan:
    """All of it; orders that are made stay. Why is asked."""
    deps = deps_of(request)
    return await plans.change_plan(
        deps.store, actor_of(request), PlanId(plan_id), data.settings, data.reason, deps.now_us()
    )


HANDLERS: list[Any] = [
    add_order_photo, read_order_photo, exchange_meter_for_order, take_reading_for_order, record_hazard, list_hazards, read_hazard,
    print_hazard_notice, note_hazard_notice, list_inspection_plans, add_inspection_plan, change_inspection_plan,
]  # fmt: skip
