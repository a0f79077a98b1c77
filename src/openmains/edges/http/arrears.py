# SPDX-License-Identifier: Apache-2.0
"""What follows from arrears: rules by class, days off, the simulation, and what is proposed to people."""

from datetime import date
from typing import Annotated, Any

from litestar import Request, get, post, put
from litestar.params import JSONBody, PathParameter, QueryParameter
from msgspec import Meta, Struct

from openmains.app.arrears import closings, set_rules
from openmains.app.arrears.model import ArrearsSimulation, ArrearsStep, ClassRule, DayOff, StepKind, StepState
from openmains.app.arrears.nightly import simulate
from openmains.app.arrears.ports import ArrearsStore
from openmains.app.command.give import Given
from openmains.app.command.model import SignerLogin
from openmains.app.problems import Problem
from openmains.domain.arrears.decide import LONGEST_DAYS, ArrearsRule
from openmains.domain.identity.permission import Permission
from openmains.domain.tariff.plan import CustomerClass
from openmains.edges.http.command import command_parts
from openmains.edges.http.deps import actor_of, deps_of, today_number
from openmains.edges.http.inputs import Cursor, Id, Limit, OptionalId, Page, Reason, ReasonText, after_id, page
from openmains.edges.http.permissions import may

Year = Annotated[int, PathParameter(ge=2000, le=2200)]
OfClass = Annotated[CustomerClass, PathParameter()]
Days = Annotated[int, Meta(ge=1, le=LONGEST_DAYS)]


class RuleEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """``warn_days``: days after the due day on which each warning is due, rising; ``close_days`` null: never closed; ``grace_days``:
    between the last warning and a closing; ``least_fen``: below it nothing follows; ``most_closings``: proposed in a day."""

    warn_days: Annotated[list[Days], Meta(max_length=5)]
    close_days: Days | None
    grace_days: Annotated[int, Meta(ge=1, le=90)]
    least_fen: Annotated[int, Meta(ge=1, le=10**11)]
    most_closings: Annotated[int, Meta(ge=0, le=100_000)]
    reason: ReasonText = ""


class ArrearsSwitch(Struct, frozen=True, forbid_unknown_fields=True):
    """On or off."""

    is_on: bool
    reason: ReasonText = ""


class DayOffEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """As ``DayOff``."""

    day: Annotated[str, Meta(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
    is_off: bool
    name: Annotated[str, Meta(max_length=40)] = ""


class DaysOffEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """All days of a year that are not as the week says; an empty list says that there are none."""

    days: Annotated[list[DayOffEntry], Meta(max_length=set_rules.MOST_DAYS_OFF)]
    reason: ReasonText = ""


class HoldEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """``until``: the last day on which nothing follows; null: held no more."""

    until: date | None
    reason: ReasonText = ""


class StepGiven(Struct, frozen=True, forbid_unknown_fields=True):
    """Give what is proposed; ``signer``: a sign-in at the signer."""

    signer: SignerLogin
    reason: ReasonText = ""


@get("/arrears-rules", operation_id="list_arrears_rules", tags=["arrears"], opt=may(Permission.SEE_MONEY))
async def list_arrears_rules(request: Request[Any, Any, Any]) -> list[ClassRule]:
    """Rules by class of customers; of a class without one nothing follows from its arrears."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        return await work[ArrearsStore].rules()


@put(
    "/arrears-rules/{customer_class:str}",
    operation_id="set_arrears_rule",
    tags=["arrears"],
    opt=may(Permission.RUN_BILLING),
)
async def set_arrears_rule(
    request: Request[Any, Any, Any], customer_class: OfClass, data: JSONBody[RuleEntry]
) -> ClassRule:
    """The rule of a class. A changed rule is off until its consequences were looked at and it is switched on."""
    deps = deps_of(request)
    rule = ArrearsRule(tuple(data.warn_days), data.close_days, data.grace_days, data.least_fen)
    return await set_rules.set_rule(
        deps.store, actor_of(request), customer_class, rule, data.most_closings, data.reason, deps.now_us()
    )


@post(
    "/arrears-rules/{customer_class:str}/switch",
    operation_id="switch_arrears_rule",
    status_code=200,
    tags=["arrears"],
    opt=may(Permission.RUN_BILLING),
)
async def switch_arrears_rule(
    request: Request[Any, Any, Any], customer_class: OfClass, data: JSONBody[ArrearsSwitch]
) -> ClassRule:
    """On or off; on only after somebody looked at what would follow from exactly this rule."""
    deps = deps_of(request)
    return await set_rules.switch_rule(
        deps.store, actor_of(request), customer_class, data.reason, deps.now_us(), is_on=data.is_on
    )


@post(
    "/arrears/simulation",
    operation_id="simulate_arrears",
    status_code=200,
    tags=["arrears"],
    opt=may(Permission.SEE_MONEY, whole=True),
)
async def simulate_arrears(request: Request[Any, Any, Any]) -> ArrearsSimulation:
    """Who would be warned and closed today, with the reason of each, and why the others would not; nobody is. Rules count as
    looked at where the caller may switch them on."""
    deps = deps_of(request)
    _, drivers = command_parts(deps)
    actor = actor_of(request)
    counts = actor.may(Permission.RUN_BILLING)
    return await simulate(deps.store, drivers, actor.tenant_id, today_number(request), counts=counts)


@get("/days-off/{year:int}", operation_id="read_days_off", tags=["arrears"], opt=may(Permission.SEE_MONEY))
async def read_days_off(request: Request[Any, Any, Any], year: Year) -> list[DayOff]:
    """Days of a year that are not as the week says; ``not-found`` where the year was not entered: nothing is closed in it then."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        found = await work[ArrearsStore].days_off(year)
    if found is None:
        raise Problem("not-found")
    return found


@put("/days-off/{year:int}", operation_id="set_days_off", tags=["arrears"], opt=may(Permission.RUN_BILLING))
async def set_days_off(request: Request[Any, Any, Any], year: Year, data: JSONBody[DaysOffEntry]) -> list[DayOff]:
    """All of a year's, in place of what was there: holidays, and Saturdays and Sundays that are worked."""
    deps = deps_of(request)
    days = [DayOff(one.day, one.is_off, one.name) for one in data.days]
    return await set_rules.set_days_off(deps.store, actor_of(request), year, days, data.reason, deps.now_us())


@put(
    "/accounts/{account_id:int}/arrears-hold",
    operation_id="hold_arrears",
    status_code=204,
    tags=["arrears"],
    opt=may(Permission.ASK_FOR_MONEY),
)
async def hold_arrears(request: Request[Any, Any, Any], account_id: Id, data: JSONBody[HoldEntry]) -> None:
    """Nothing follows from an account's arrears until after a day: it disputes a bill, or promised to pay."""
    deps = deps_of(request)
    await set_rules.hold_account(
        deps.store, actor_of(request), account_id, data.until, data.reason, today_number(request), deps.now_us()
    )


@get("/arrears-steps", operation_id="list_arrears_steps", tags=["arrears"], opt=may(Permission.SEE_MONEY))
async def list_arrears_steps(
    request: Request[Any, Any, Any],
    kind: Annotated[StepKind | None, QueryParameter()] = None,
    wanted: Annotated[StepState | None, QueryParameter(name="state")] = None,
    account_id: OptionalId = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[ArrearsStep]:
    """Warnings, and closings and reopenings that are proposed, newest first."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        rows = await work[ArrearsStore].steps(
            limit + 1, after_id("arrears-steps", cursor), kind=kind, state=wanted, account_id=account_id
        )
    return page("arrears-steps", rows, limit, lambda one: one.step_id)


@post(
    "/arrears-steps/{step_id:int}/give",
    operation_id="give_arrears_step",
    status_code=200,
    tags=["arrears"],
    opt=may(Permission.GIVE_COMMANDS),
)
async def give_arrears_step(request: Request[Any, Any, Any], step_id: Id, data: JSONBody[StepGiven]) -> Given:
    """Give the closing or reopening, by the way of any command: with its rules, second person, signer and quotas. A closing is asked once more:
    who paid meanwhile, is protected since, or on the eve of a day off, is not closed."""
    deps = deps_of(request)
    switch, drivers = command_parts(deps)
    return await closings.give_step(
        deps.store, deps.signer, switch, drivers, actor_of(request), step_id, data.signer, data.reason,
        today_number(request), deps.now_us(),
    )  # fmt: skip


@post(
    "/arrears-steps/{step_id:int}/decline",
    operation_id="decline_arrears_step",
    status_code=204,
    tags=["arrears"],
    opt=may(Permission.GIVE_COMMANDS),
)
async def decline_arrears_step(request: Request[Any, Any, Any], step_id: Id, data: JSONBody[Reason]) -> None:
    """Do not give it; a closing may be proposed again after a week."""
    deps = deps_of(request)
    await closings.decline_step(deps.store, actor_of(request), step_id, data.reason, deps.now_us())


HANDLERS: list[Any] = [
    list_arrears_rules,
    set_arrears_rule,
    switch_arrears_rule,
    simulate_arrears,
    read_days_off,
    set_days_off,
    hold_arrears,
    list_arrears_steps,
    give_arrears_step,
    decline_arrears_step,
]
