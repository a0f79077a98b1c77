# SPDX-License-Identifier: Apache-2.0
"""Work orders: lists, one with all that was done, making, steps; kinds and technicians."""

from typing import Annotated, Any

from litestar import Request, delete, get, post, put
from litestar.params import FromQuery, JSONBody, PathParameter, QueryParameter
from msgspec import Struct

from openmains.app.problems import Problem
from openmains.app.work_order import act, kinds, make, technicians
from openmains.app.work_order.model import (
    KindSettings,
    NewOrder,
    OrderAct,
    OrderCandidate,
    OrderCounts,
    OrderFilter,
    OrderSort,
    OrderSource,
    OrderStatus,
    TechnicianRecord,
    TechnicianSettings,
    WorkOrder,
    WorkOrderDetail,
    WorkOrderKind,
)
from openmains.app.work_order.ports import OrderStore, TechnicianStore
from openmains.domain.identity.permission import Permission
from openmains.domain.ids import AccountId, AlarmId, AreaId, GroupId, MeterId, OrderId, UserId
from openmains.domain.work_order.life import OrderState
from openmains.edges.http.deps import actor_of, deps_of
from openmains.edges.http.inputs import (
    Cursor,
    Id,
    Limit,
    OptionalId,
    OptionalId32,
    Page,
    ReasonText,
    WhyQuery,
    Word,
    after_pair,
    optional,
    page,
)
from openmains.edges.http.permissions import may

KindPath = Annotated[str, PathParameter(max_length=40, pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Mine = Annotated[bool, QueryParameter(description="Only those of whoever asks.")]


class KindChange(Struct, frozen=True, forbid_unknown_fields=True):
    """A kind as it is to be, and why."""

    settings: KindSettings
    reason: ReasonText = ""


@get("/work-orders", operation_id="list_work_orders", tags=["work orders"], opt=may(Permission.SEE_ORDERS))
async def list_work_orders(
    request: Request[Any, Any, Any],
    status: FromQuery[OrderStatus | None] = None,
    wanted: Annotated[OrderState | None, QueryParameter(name="state")] = None,
    kind: Word = None,
    source: FromQuery[OrderSource | None] = None,
    assignee_id: OptionalId = None,
    mine: Mine = False,
    area_id: OptionalId32 = None,
    meter_id: OptionalId = None,
    account_id: OptionalId = None,
    alarm_id: OptionalId = None,
    group_id: OptionalId = None,
    overdue: FromQuery[bool] = False,
    sort: FromQuery[OrderSort] = "-made",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[WorkOrder]:
    """Work orders, newest first unless ``sort`` says otherwise; an area includes the areas below it. ``overdue``:
    not done by the instant they were due."""
    deps, actor = deps_of(request), actor_of(request)
    chosen = OrderFilter(
        status, wanted, kind, source, actor.user_id if mine else optional(UserId, assignee_id), optional(AreaId, area_id),
        optional(MeterId, meter_id), optional(AccountId, account_id), optional(AlarmId, alarm_id), optional(GroupId, group_id), overdue, sort,
    )  # fmt: skip
    scope = f"work-orders {sort}"
    async with deps.store.tenant(actor.tenant_id) as work:
        rows = await work[OrderStore].page(limit + 1, after_pair(scope, cursor), chosen, deps.now_us())
    shown = page(scope, rows, limit, lambda row: (row[1], row[0].order_id))
    return Page([order for order, _ in shown.items], shown.next)


@get("/work-orders/counts", operation_id="count_work_orders", tags=["work orders"], opt=may(Permission.SEE_ORDERS))
async def count_work_orders(request: Request[Any, Any, Any], mine: Mine = False) -> OrderCounts:
    """Orders that have not ended, by state."""
    deps, actor = deps_of(request), actor_of(request)
    async with deps.store.tenant(actor.tenant_id) as work:
        return await work[OrderStore].counts(deps.now_us(), actor.user_id if mine else None)


@post("/work-orders", operation_id="make_work_order", tags=["work orders"], opt=may(Permission.HANDLE_ORDERS))
async def make_work_order(request: Request[Any, Any, Any], data: JSONBody[NewOrder]) -> WorkOrder:
    """Make an order: of an alarm or a group of alarms, which are dispatched by it, of a customer's report, of missing days, or by hand. The
    same key
    again is the same order."""
    deps = deps_of(request)
    return await make.make_order(deps.store, actor_of(request), data, deps.now_us())


@get(
    "/work-orders/{order_id:int}", operation_id="read_work_order", tags=["work orders"], opt=may(Permission.SEE_ORDERS)
)
async def read_work_order(request: Request[Any, Any, Any], order_id: Id) -> WorkOrderDetail:
    """One order with its checklist, answers, parts, pictures and all that was done."""
    deps = deps_of(request)
    async with deps.store.tenant(actor_of(request).tenant_id) as work:
        found = await make.got(work, OrderId(order_id), deps.now_us())
        kind, _ = await kinds.known_kind(work, found.kind)
        detail = await work[OrderStore].detail(found.order_id, kind, deps.now_us())
    if detail is None:
        raise Problem("not-found")
    return detail


@post(
    "/work-orders/{order_id:int}/acts",
    operation_id="act_on_work_order",
    status_code=200,
    tags=["work orders"],
    opt=may(Permission.HANDLE_ORDERS),
)  # fmt: skip
async def act_on_work_order(request: Request[Any, Any, Any], order_id: Id, data: JSONBody[OrderAct]) -> WorkOrder:
    """One step, once for its key; answered with the order as it is then. A technician's steps are those of whoever was sent; nobody closes
    what they
    ended themselves."""
    deps = deps_of(request)
    return await act.act_on_order(deps.store, actor_of(request), OrderId(order_id), data, deps.now_us())


@get(
    "/work-orders/{order_id:int}/candidates",
    operation_id="list_order_candidates",
    tags=["work orders"],
    opt=may(Permission.HANDLE_ORDERS),
)
async def list_order_candidates(request: Request[Any, Any, Any], order_id: Id) -> list[OrderCandidate]:
    """Who may be sent, those who fit first: by skill, by the smallest area that holds the place, by what they have to do."""
    deps = deps_of(request)
    async with deps.store.tenant(actor_of(request).tenant_id) as work:
        return await technicians.candidates_for(work, OrderId(order_id), deps.now_us())


@get("/work-order-kinds", operation_id="list_work_order_kinds", tags=["work orders"], opt=may(Permission.SEE_ORDERS))
async def list_work_order_kinds(request: Request[Any, Any, Any]) -> list[WorkOrderKind]:
    """Kinds with their checklists: those of the program, and the utility's own in their place."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        return await kinds.all_kinds(work)


@put(
    "/work-order-kinds/{code:str}",
    operation_id="set_work_order_kind",
    tags=["work orders"],
    opt=may(Permission.MANAGE_ORDERS),
)
async def set_work_order_kind(
    request: Request[Any, Any, Any], code: KindPath, data: JSONBody[KindChange]
) -> WorkOrderKind:
    """The utility's own kind; why is asked."""
    deps = deps_of(request)
    return await kinds.set_kind(deps.store, actor_of(request), code, data.settings, data.reason, deps.now_us())


@delete(
    "/work-order-kinds/{code:str}",
    operation_id="drop_work_order_kind",
    tags=["work orders"],
    opt=may(Permission.MANAGE_ORDERS),
)
async def drop_work_order_kind(request: Request[Any, Any, Any], code: KindPath, reason: WhyQuery = "") -> None:
    """The program's kind again, or none; why is asked."""
    await kinds.drop_kind(deps_of(request).store, actor_of(request), code, reason)


@get("/technicians", operation_id="list_technicians", tags=["work orders"], opt=may(Permission.SEE_ORDERS))
async def list_technicians(request: Request[Any, Any, Any]) -> list[TechnicianRecord]:
    """Users who go out, with their skills, places and what they have to do."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        return await work[TechnicianStore].all()


@put(
    "/technicians/{user_id:int}", operation_id="set_technician", tags=["work orders"], opt=may(Permission.MANAGE_ORDERS)
)
async def set_technician(
    request: Request[Any, Any, Any], user_id: Id, data: JSONBody[TechnicianSettings]
) -> TechnicianRecord:
    """What a user is sent for."""
    deps = deps_of(request)
    return await technicians.set_technician(deps.store, actor_of(request), UserId(user_id), data)


HANDLERS: list[Any] = [
    list_work_orders, count_work_orders, make_work_order, read_work_order, act_on_work_order, list_order_candidates, list_work_order_kinds,
    set_work_order_kind, drop_work_order_kind, list_technicians, set_technician,
]  # fmt: skip
