# SPDX-License-Identifier: Apache-2.0
"""Plans of a tariff: draft, simulate, approve, withdraw, take as a file; and the calculator."""

from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, post
from litestar.params import JSONBody
from msgspec import Meta, Struct

from openmains.app.problems import Problem
from openmains.app.tariff import calculate, plans, simulate
from openmains.app.tariff.document import day_of, plan_of, sound_plan
from openmains.app.tariff.model import Day, Decimal, Medium, PlanDocument, TariffPlan
from openmains.app.tariff.ports import TariffStore
from openmains.domain.identity.permission import Permission
from openmains.domain.tariff.plan import CustomerClass, doubts
from openmains.edges.http.deps import actor_of, deps_of, today_number
from openmains.edges.http.inputs import Id, Id32, Reason, ReasonText
from openmains.edges.http.permissions import may
from openmains.edges.http.readings import exponent_of


class NewPlan(Struct, frozen=True, forbid_unknown_fields=True):
    """A plan as it is drafted, taken as a file and put in again: one shape for all three."""

    from_day: Day
    document: PlanDocument
    reason: ReasonText = ""


class PlanDoubt(Struct, frozen=True):
    """What often is a slip: to be looked at, not refused. ``place``: a JSON pointer into the document."""

    place: str
    code: str


class ShownPlan(Struct, frozen=True):
    """A plan and the doubts about it."""

    plan: TariffPlan
    doubts: list[PlanDoubt]


class Calculation(Struct, frozen=True, forbid_unknown_fields=True):
    """``document``: of a plan not yet drafted; ``plan_id``: one that is stored, with those approved before it. One of both.

    ``before_m3``: counted in the cycle before the first use; ``months``: whose least charge ends with this bill.
    """

    uses: Annotated[list[calculate.UseEntry], Meta(min_length=1, max_length=100)]
    document: PlanDocument | None = None
    plan_id: Annotated[int, Meta(ge=1, le=2**63 - 1)] | None = None
    medium: Medium = "water"
    customer_class: CustomerClass = CustomerClass.RESIDENT
    payer: calculate.PayerEntry | None = None
    before_m3: Decimal = "0"
    months: Annotated[int, Meta(ge=0, le=120)] = 0


@get("/tariffs/{tariff_id:int}/plans", operation_id="list_plans", tags=["tariffs"], opt=may(Permission.SEE_TARIFFS))
async def list_plans(request: Request[Any, Any, Any], tariff_id: Id32) -> list[TariffPlan]:
    """All plans of a tariff, by number."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        await plans.tariff_of(work, tariff_id, today_number(request))
        return await work[TariffStore].plans(tariff_id)


@get("/tariff-plans/{plan_id:int}", operation_id="read_plan", tags=["tariffs"], opt=may(Permission.SEE_TARIFFS))
async def read_plan(request: Request[Any, Any, Any], plan_id: Id) -> ShownPlan:
    """A plan with its last simulation, and what is odd about it."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        plan = await work[TariffStore].plan(plan_id)
        if plan is None:
            raise Problem("not-found")
        tariff = await plans.tariff_of(work, plan.tariff_id, today_number(request))
        before = [
            one for one in plans.approved(await work[TariffStore].plans(plan.tariff_id)) if one.from_day < plan.from_day
        ]
    exact = plans.exact_plan(tariff, plan)
    found = doubts(exact, plans.exact_plan(tariff, before[-1]) if before else None)
    return ShownPlan(plan, [PlanDoubt(*one) for one in found])


@get(
    "/tariff-plans/{plan_id:int}/file", operation_id="download_plan", tags=["tariffs"], opt=may(Permission.SEE_TARIFFS)
)
async def download_plan(request: Request[Any, Any, Any], plan_id: Id) -> Response[bytes]:
    """The plan as a JSON file that ``draft_plan`` takes as it is."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        plan = await work[TariffStore].plan(plan_id)
    if plan is None:
        raise Problem("not-found")
    data = msgspec.json.format(msgspec.json.encode(NewPlan(plan.from_day, plan.document, plan.reason)), indent=2)
    headers = {"Content-Disposition": f'attachment; filename="plan-{plan.tariff_id}-{plan.number}.json"'}
    return Response(data, media_type="application/json", headers=headers)


@post("/tariffs/{tariff_id:int}/plans", operation_id="draft_plan", tags=["tariffs"], opt=may(Permission.DRAFT_TARIFFS))
async def draft_plan(request: Request[Any, Any, Any], tariff_id: Id32, data: JSONBody[NewPlan]) -> TariffPlan:
    """A plan as a draft: it holds for nobody until another person approves it."""
    deps, actor = deps_of(request), actor_of(request)
    return await plans.draft_plan(
        deps.store, actor, tariff_id, data.from_day, data.document, data.reason, today_number(request), deps.now_us()
    )


@post(
    "/tariff-plans/{plan_id:int}/simulate",
    operation_id="simulate_plan",
    status_code=200,
    tags=["tariffs"],
    opt=may(Permission.DRAFT_TARIFFS),
)
async def simulate_plan(request: Request[Any, Any, Any], plan_id: Id) -> TariffPlan:
    """Last month's bills of all members under the plan in force and under this one: who pays how much more."""
    deps, actor = deps_of(request), actor_of(request)
    if deps.volumes is None:
        raise Problem("not-offered")

    def unit_of(driver: str) -> int:
        return exponent_of(deps, driver)

    return await simulate.simulate_plan(
        deps.store, deps.volumes, unit_of, actor, plan_id, today_number(request), deps.now_us()
    )


@post(
    "/tariff-plans/{plan_id:int}/approve",
    operation_id="approve_plan",
    status_code=200,
    tags=["tariffs"],
    opt=may(Permission.APPROVE_TARIFFS),
)
async def approve_plan(request: Request[Any, Any, Any], plan_id: Id, data: JSONBody[Reason]) -> TariffPlan:
    """Another person than its author agrees: the plan holds from its day on and is never changed."""
    deps, actor = deps_of(request), actor_of(request)
    return await plans.approve_plan(deps.store, actor, plan_id, data.reason, today_number(request), deps.now_us())


@post(
    "/tariff-plans/{plan_id:int}/reject",
    operation_id="reject_plan",
    status_code=200,
    tags=["tariffs"],
    opt=may(Permission.DRAFT_TARIFFS),
)
async def reject_plan(request: Request[Any, Any, Any], plan_id: Id, data: JSONBody[Reason]) -> TariffPlan:
    """A draft is rejected, or an approved plan withdrawn before its day, the newest first and by administrators."""
    deps, actor = deps_of(request), actor_of(request)
    return await plans.reject_plan(deps.store, actor, plan_id, data.reason, today_number(request), deps.now_us())


@post(
    "/tariffs/calculate",
    operation_id="calculate_bill",
    status_code=200,
    tags=["tariffs"],
    opt=may(Permission.SEE_TARIFFS),
)
async def calculate_bill(request: Request[Any, Any, Any], data: JSONBody[Calculation]) -> calculate.CalculatedBill:
    """What uses cost, with every line of the sum. Nothing is stored."""
    if (data.document is None) == (data.plan_id is None):
        raise Problem("invalid-input", fields=(("/document", "document-or-plan"),))
    if data.document is not None:
        first = day_of(min(use.first_day for use in data.uses), "/uses/0/first_day")
        exact = plan_of(data.document, data.medium, data.customer_class, 1, first, "/document")
        return calculate.calculate(
            [sound_plan(exact, None, "/document")],
            data.payer or calculate.PayerEntry(),
            data.before_m3,
            data.uses,
            data.months,
        )
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        plan = await work[TariffStore].plan(data.plan_id or 0)
        if plan is None:
            raise Problem("not-found")
        tariff = await plans.tariff_of(work, plan.tariff_id, today_number(request))
        stored = plans.approved(await work[TariffStore].plans(plan.tariff_id))
    chain = [one for one in stored if one.from_day < plan.from_day] + [plan]
    return calculate.calculate(
        [plans.exact_plan(tariff, one) for one in chain],
        data.payer or calculate.PayerEntry(),
        data.before_m3,
        data.uses,
        data.months,
    )


HANDLERS: list[Any] = [
    calculate_bill,
    list_plans,
    read_plan,
    download_plan,
    draft_plan,
    simulate_plan,
    approve_plan,
    reject_plan,
]
