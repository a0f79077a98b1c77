# SPDX-License-Identifier: Apache-2.0
"""Findings of validation that wait for a person's judgement."""

from datetime import date, datetime
from typing import Annotated, Any

from litestar import Request, get, post
from litestar.params import FromQuery, JSONBody, QueryParameter
from msgspec import Meta, Struct, structs

from openmains.app.identity.model import Actor
from openmains.app.problems import Problem
from openmains.app.readings.held import NUMBER_RULE, HeldMessages, held_messages, judge_number
from openmains.app.readings.model import ExceptionFilter, ExceptionGroup, ExceptionStatus, GroupBy, ReadingException
from openmains.app.readings.ports import ExceptionStore
from openmains.app.readings.resolve import Correction, Verdict, edit_reading
from openmains.app.readings.resolve import judge_exception as judge
from openmains.domain.identity.permission import Permission
from openmains.domain.ids import AreaId, ExceptionId, MeterId
from openmains.domain.period import date_to_day
from openmains.domain.readings.edit import MOST_VOLUME
from openmains.domain.readings.quality import Rule
from openmains.edges.http.deps import ApiDeps, actor_of, deps_of
from openmains.edges.http.inputs import Cursor, Id, Limit, OptionalId, Page, Word, after_id, optional, page, seconds
from openmains.edges.http.permissions import may

MOST_GROUPS = 200


class Judgement(Struct, frozen=True, forbid_unknown_fields=True):
    """``accept``: the value is right; ``keep_estimate``: it is not, the estimate stays; ``edit``: ``volume`` is right.

    Of an exception about a number there are ``accept`` (the held messages are booked, see ``held``) and ``reject`` (they are
    not used). An edit needs a reason. ``volume`` is in the product's unit and passed in [``start``, ``end``): whole slots of the
    finding's day, all of it unless told otherwise. More than Qmax × time or the dial is refused; more than one person
    may set waits as ``pending_edit`` for another (docs/readings.md).
    """

    verdict: Verdict
    reason: Annotated[str, Meta(max_length=1000)] = ""
    volume: Annotated[int, Meta(ge=0, le=MOST_VOLUME)] | None = None
    start: datetime | None = None
    end: datetime | None = None


@get("/exceptions", operation_id="list_exceptions", tags=["readings"], opt=may(Permission.SEE_READINGS))
async def list_exceptions(
    request: Request[Any, Any, Any],
    status: FromQuery[ExceptionStatus | None] = None,
    rule: Word = None,
    meter_id: OptionalId = None,
    area_id: Annotated[
        int | None, QueryParameter(ge=1, le=2**31 - 1, description="Of meters of this area, not of those below it.")
    ] = None,
    day: FromQuery[date | None] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[ReadingException]:
    """Findings of validation, newest first."""
    chosen = ExceptionFilter(
        status,
        _number_of(rule),
        optional(MeterId, meter_id),
        optional(AreaId, area_id),
        None if day is None else date_to_day(day),
    )
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        rows = await work[ExceptionStore].page(limit + 1, after_id("exceptions", cursor), chosen)
    actor = actor_of(request)
    return page("exceptions", [_shown(actor, row) for row in rows], limit, lambda found: found.exception_id)


def _shown(actor: Actor, found: ReadingException) -> ReadingException:
    """Whose meter it is, only to who may see customers."""
    return found if actor.may(Permission.SEE_CUSTOMERS) else structs.replace(found, customer_name=None)


def _number_of(rule: str | None) -> int | None:
    if rule is None:
        return None
    number = next((r.value for r in Rule if r.name.lower() == rule), None)
    if number is None:
        raise Problem("invalid-input", fields=(("/rule", "not-accepted"),))
    return number


class ExceptionGroups(Struct, frozen=True):
    """``is_more``: there are others, which come when these were judged."""

    items: list[ExceptionGroup]
    is_more: bool


@get("/exceptions/groups", operation_id="group_exceptions", tags=["readings"], opt=may(Permission.SEE_READINGS))
async def group_exceptions(
    request: Request[Any, Any, Any], by: FromQuery[GroupBy] = "meter", rule: Word = None
) -> ExceptionGroups:
    """Findings that wait, gathered by meter, by the meter's own area or by day: the largest groups first, of days the newest."""
    number = _number_of(rule)
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        groups = await work[ExceptionStore].groups(by, number, MOST_GROUPS + 1)
    return ExceptionGroups(groups[:MOST_GROUPS], len(groups) > MOST_GROUPS)


@get(
    "/exceptions/{exception_id:int}", operation_id="read_exception", tags=["readings"], opt=may(Permission.SEE_READINGS)
)
async def read_exception(request: Request[Any, Any, Any], exception_id: Id) -> ReadingException:
    """One finding."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        found = await work[ExceptionStore].get(ExceptionId(exception_id))
    if found is None:
        raise Problem("not-found")
    return _shown(actor_of(request), found)


@post(
    "/exceptions/{exception_id:int}/judge",
    operation_id="judge_exception",
    status_code=200,
    tags=["readings"],
    opt=may(Permission.JUDGE_READINGS),
)
async def judge_exception(
    request: Request[Any, Any, Any], exception_id: Id, data: JSONBody[Judgement]
) -> ReadingException:
    """Accept the value, keep the estimate, or set another value; accept or reject messages held for their number."""
    actor = actor_of(request)
    return _shown(actor, await _judged(deps_of(request), actor, exception_id, data))


async def _judged(deps: ApiDeps, actor: Actor, exception_id: int, data: Judgement) -> ReadingException:
    if data.verdict == "reject" or (data.verdict == "accept" and await _is_about_a_number(deps, actor, exception_id)):
        if deps.replay is None:
            raise Problem("not-offered")
        return await judge_number(
            deps.store,
            deps.replay,
            actor,
            ExceptionId(exception_id),
            data.verdict,
            data.reason,
            deps.drivers.number_digits,
            deps.now_us(),
        )
    if data.verdict != "edit":
        return await judge(deps.store, actor, ExceptionId(exception_id), data.verdict, data.reason)
    if deps.replay is None or deps.readings is None:
        raise Problem("not-offered")
    if data.volume is None:
        raise Problem("invalid-input", fields=(("/volume", "required"),))
    correction = Correction(
        data.volume,
        None if data.start is None else seconds(data.start, "start"),
        None if data.end is None else seconds(data.end, "end"),
    )
    return await edit_reading(
        deps.store,
        deps.readings,
        deps.replay,
        deps.drivers,
        actor,
        ExceptionId(exception_id),
        correction,
        data.reason,
        deps.now_us(),
    )


async def _is_about_a_number(deps: ApiDeps, actor: Actor, exception_id: int) -> bool:
    async with deps.store.tenant(actor.tenant_id) as work:
        found = await work[ExceptionStore].get(ExceptionId(exception_id))
    return found is not None and found.rule == NUMBER_RULE


@get(
    "/exceptions/{exception_id:int}/held",
    operation_id="read_held_messages",
    tags=["readings"],
    opt=may(Permission.SEE_FRAMES),
)
async def read_held_messages(request: Request[Any, Any, Any], exception_id: Id) -> HeldMessages:
    """What is held because of a number, and to which meter accepting would book it."""
    deps = deps_of(request)
    return await held_messages(deps.store, actor_of(request), ExceptionId(exception_id), deps.drivers.number_digits)


HANDLERS: list[Any] = [list_exceptions, group_exceptions, read_exception, read_held_messages, judge_exception]
