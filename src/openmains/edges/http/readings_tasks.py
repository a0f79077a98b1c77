# SPDX-License-Identifier: Apache-2.0
"""Collection tasks by level (R4.7), what became of days that were not well, and the visits that are left (R6.3)."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.params import JSONBody, QueryParameter
from msgspec import Struct

from openmains.app.command.reread_ports import EffectOfDay, EffectStore, MeterGap, VisitMeter
from openmains.app.command.visits import ask_again, close_visit
from openmains.app.fleet.ports import MeterStore
from openmains.app.identity.exports import note_visits_export
from openmains.app.problems import Problem
from openmains.app.readings.tasks.change import end_task, set_task
from openmains.app.readings.tasks.model import CollectionTask, MeterTask, NewTask
from openmains.app.readings.tasks.ports import TaskStore
from openmains.app.readings.tasks.resolve import task_of_meter
from openmains.app.spreadsheet import csv_bytes
from openmains.domain.identity.permission import Permission
from openmains.domain.ids import AreaId, MeterId, TaskId
from openmains.domain.period import DAY_S, date_to_day, zone
from openmains.edges.http.deps import actor_of, deps_of
from openmains.edges.http.inputs import Cursor, Id, Limit, OptionalId32, Page, Reason, after_id, optional, page
from openmains.edges.http.permissions import may
from openmains.edges.http.problems import language_of

MOST_EXPORTED = 100_000
EFFECT_DAYS = 31
MOST_GAPS = 400
HEADS = {
    "zh": ("表号", "区域", "地址", "用户", "原因", "天数", "首日", "末日", "最后通信", "自"),
    "en": ("meter number", "area", "address", "customer", "why", "days", "first day", "last day", "last seen", "since"),
}
WHY = {
    "zh": {"silent": "连续两期未上报", "cannot_be_asked": "无法下发补抄", "asked_in_vain": "多次补抄未果", "too_old": "表内已不保存",
           "not_to_be_asked": "任务规定不补抄"},
    "en": {"silent": "two reports in a row did not come", "cannot_be_asked": "cannot be asked for it",
           "asked_in_vain": "asked in vain", "too_old": "the meter keeps it no longer", "not_to_be_asked": "its task says not to ask"},
}  # fmt: skip
Ended = Annotated[bool, QueryParameter(description="Those that are over, too.")]
TheDay = Annotated[date | None, QueryParameter(description="Calendar day of the tenant; today without it.")]


class RereadEffect(Struct, frozen=True):
    """The last 31 days, newest first. ``asks``: re-reads given in them, of ``meters`` meters: each costs a battery about what a report
    costs."""

    days: list[EffectOfDay]
    asks: int
    meters: int


class SettledDays(Struct, frozen=True):
    """How many days a person's word was about."""

    days: int


@get("/collection-tasks", operation_id="list_collection_tasks", tags=["readings"], opt=may(Permission.SEE_READINGS))
async def list_collection_tasks(
    request: Request[Any, Any, Any], ended: Ended = False, limit: Limit = 50, cursor: Cursor = None
) -> Page[CollectionTask]:
    """What is wanted of whom, by level, newest first; what is in force and what is planned."""
    deps, actor = deps_of(request), actor_of(request)
    today = zone(actor.zone).day_of(deps.now_s())
    async with deps.store.tenant(actor.tenant_id) as work:
        rows = await work[TaskStore].page(limit + 1, after_id("tasks", cursor), ended=ended, today=today)
    return page("tasks", rows, limit, lambda task: task.task_id)


@post(
    "/collection-tasks",
    operation_id="set_collection_task",
    status_code=201,
    tags=["readings"],
    opt=may(Permission.MANAGE_TASKS),
)
async def set_collection_task(request: Request[Any, Any, Any], data: JSONBody[NewTask]) -> CollectionTask:
    """Set what a level wants; it takes over from that level's present task on its first day, and where it has a last day, that one goes on
    after it. Needs a reason."""
    deps = deps_of(request)
    return await set_task(deps.store, actor_of(request), data, deps.now_s())


@post(
    "/collection-tasks/{task_id:int}/end",
    operation_id="end_collection_task",
    status_code=204,
    tags=["readings"],
    opt=may(Permission.MANAGE_TASKS),
)
async def end_collection_task(request: Request[Any, Any, Any], task_id: Id, data: JSONBody[Reason]) -> None:
    """It held until yesterday; from today on the levels above count. Needs a reason."""
    deps = deps_of(request)
    await end_task(deps.store, actor_of(request), TaskId(task_id), deps.now_s(), data.reason)


@get("/meters/{meter_id:int}/task", operation_id="read_meter_task", tags=["readings"], opt=may(Permission.SEE_READINGS))
async def read_meter_task(request: Request[Any, Any, Any], meter_id: Id, day: TheDay = None) -> MeterTask:
    """What is wanted of a meter on a day, where each part comes from, and the mode by which the day is due."""
    deps, actor = deps_of(request), actor_of(request)
    number = zone(actor.zone).day_of(deps.now_s()) if day is None else date_to_day(day)
    if not 0 <= number <= 65_000:
        raise Problem("invalid-input", fields=(("/day", "out-of-range"),))
    return await task_of_meter(deps.store, actor, MeterId(meter_id), number)


@get("/meters/{meter_id:int}/gaps", operation_id="list_meter_gaps", tags=["readings"], opt=may(Permission.SEE_READINGS))
async def list_meter_gaps(request: Request[Any, Any, Any], meter_id: Id) -> list[MeterGap]:
    """Days of a meter that were due and not well, newest first, and what became of each; at most 400."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        if await work[MeterStore].get(MeterId(meter_id)) is None:
            raise Problem("not-found")
        return await work[EffectStore].gaps(MeterId(meter_id), MOST_GAPS)


@get("/rereads/effect", operation_id="read_reread_effect", tags=["readings"], opt=may(Permission.SEE_READINGS))
async def read_reread_effect(request: Request[Any, Any, Any]) -> RereadEffect:
    """Reading rate by day as it was when due and with what came since, and what that cost."""
    deps, actor = deps_of(request), actor_of(request)
    now_s = deps.now_s()
    today = zone(actor.zone).day_of(now_s)
    async with deps.store.tenant(actor.tenant_id) as work:
        days = await work[EffectStore].effect(today - EFFECT_DAYS, today)
        asks, meters = await work[EffectStore].asks(now_s - EFFECT_DAYS * DAY_S)
    return RereadEffect(days, asks, meters)


@get("/visits", operation_id="list_visits", tags=["readings"], opt=may(Permission.SEE_READINGS))
async def list_visits(
    request: Request[Any, Any, Any], area_id: OptionalId32 = None, limit: Limit = 50, cursor: Cursor = None
) -> Page[VisitMeter]:
    """Meters that somebody has to go to, because days of them can be had in no other way; of an area with those below it."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        rows = await work[EffectStore].visits(limit + 1, after_id("visits", cursor), optional(AreaId, area_id))
    return page("visits", rows, limit, lambda meter: meter.meter_id)


@get(
    "/visits.csv",
    operation_id="download_visits_csv",
    media_type="text/csv",
    tags=["readings"],
    opt=may(Permission.EXPORT_READINGS),
)
async def download_visits_csv(request: Request[Any, Any, Any], area_id: OptionalId32 = None) -> Response[bytes]:
    """The first 100,000 of them as CSV (UTF-8 with byte order mark, for spreadsheets)."""
    actor = actor_of(request)
    async with deps_of(request).store.tenant(actor.tenant_id) as work:
        rows = await work[EffectStore].visits(MOST_EXPORTED, None, optional(AreaId, area_id))
    await note_visits_export(deps_of(request).store, actor, len(rows), {"area_id": area_id})
    data = b"".join(csv_bytes(_lines(rows, zone(actor.zone).iso, language_of(request))))
    headers = {"Content-Disposition": 'attachment; filename="visits.csv"'}
    return Response(data, media_type="text/csv; charset=utf-8", headers=headers)


def _lines(rows: Sequence[VisitMeter], iso: Any, language: str) -> list[Sequence[Any]]:
    def at(instant: Any) -> str:
        return "" if instant is None else iso(int(instant.timestamp()))

    return [
        HEADS[language],
        *(
            (
                row.number, row.area_code, row.address, row.customer_name, WHY[language][row.why], row.days,
                row.first_day.isoformat(), row.last_day.isoformat(), at(row.last_seen_at), at(row.since),
            )
            for row in rows
        ),
    ]  # fmt: skip


@post(
    "/meters/{meter_id:int}/visit/close",
    operation_id="close_visit",
    status_code=200,
    tags=["readings"],
    opt=may(Permission.RUN_VISITS),
)
async def close_meter_visit(request: Request[Any, Any, Any], meter_id: Id, data: JSONBody[Reason]) -> SettledDays:
    """Nothing is to be done about the days for which a meter waits for a visit. Needs a reason."""
    deps = deps_of(request)
    return SettledDays(await close_visit(deps.store, actor_of(request), MeterId(meter_id), data.reason, deps.now_s()))


@post(
    "/meters/{meter_id:int}/visit/again",
    operation_id="ask_again",
    status_code=200,
    tags=["readings"],
    opt=may(Permission.RUN_VISITS),
)
async def ask_meter_again(request: Request[Any, Any, Any], meter_id: Id, data: JSONBody[Reason]) -> SettledDays:
    """Remedy the meter for these days once more, as if nobody had, within the same limits. Needs a reason."""
    deps = deps_of(request)
    return SettledDays(await ask_again(deps.store, actor_of(request), MeterId(meter_id), data.reason, deps.now_s()))


HANDLERS: list[Any] = [
    list_collection_tasks,
    set_collection_task,
    end_collection_task,
    read_meter_task,
    list_meter_gaps,
    read_reread_effect,
    list_visits,
    download_visits_csv,
    close_meter_visit,
    ask_meter_again,
]
