# SPDX-License-Identifier: Apache-2.0
"""The life of alarms (docs/alarms.md): who was shown them, who is on the way, groups of many, and mutes."""

from typing import Annotated, Any

from litestar import Request, get, post
from litestar.params import FromQuery, JSONBody, QueryParameter
from msgspec import Meta, Struct

from openmains.app.alarm import handle, mutes
from openmains.app.alarm.model import (
    Alarm,
    AlarmDelays,
    AlarmGroup,
    AlarmHistoryEntry,
    AlarmMute,
    AlarmPlace,
    AlarmStatus,
)
from openmains.app.alarm.ports import AlarmStore, MuteStore
from openmains.app.problems import Problem
from openmains.domain.alarm.life import AlarmStep
from openmains.domain.alarm.mutes import LONGEST_S, SHORTEST_S
from openmains.domain.alarm.nodes import NODE_EVENTS
from openmains.domain.identity.permission import Permission
from openmains.domain.ids import AlarmId, AreaId, GroupId, MeterId, MuteId
from openmains.drivers.points import vocabulary
from openmains.edges.http.deps import actor_of, deps_of
from openmains.edges.http.inputs import Cursor, Id, Limit, Page, Reason, ReasonText, Word, after_id, optional, page
from openmains.edges.http.permissions import may

Hours = Annotated[int, QueryParameter(ge=1, le=24 * 31, description="How far back.")]
SomeId = Annotated[int, Meta(ge=1, le=2**63 - 1)]
MOST_SHOWN = 500


class ShownGroup(Struct, frozen=True, forbid_unknown_fields=True):
    """A group as it stood at ``version`` when it was shown."""

    group_id: SomeId
    version: Annotated[int, Meta(ge=1, le=2**31 - 1)]


class ShownAlarms(Struct, frozen=True, forbid_unknown_fields=True):
    """What is before a person's eyes now."""

    alarms: Annotated[list[SomeId], Meta(max_length=MOST_SHOWN)] = []
    groups: Annotated[list[ShownGroup], Meta(max_length=MOST_SHOWN)] = []


class Shown(Struct, frozen=True):
    """How many alarms nobody had been shown before, members of groups among them."""

    shown: int


class Dispatch(Struct, frozen=True, forbid_unknown_fields=True):
    """Who goes there, or the number of the work order."""

    to: Annotated[str, Meta(min_length=1, max_length=200)]
    reason: ReasonText = ""


class NewMute(Struct, frozen=True, forbid_unknown_fields=True):
    """From now on for ``seconds``: of an area with what is below it, or of a meter, or everywhere; of an event, or without one of all that
    is not critical."""

    seconds: Annotated[int, Meta(ge=SHORTEST_S, le=LONGEST_S)]
    reason: ReasonText
    area_id: Annotated[int, Meta(ge=1, le=2**31 - 1)] | None = None
    meter_id: SomeId | None = None
    event: Annotated[str, Meta(min_length=1, max_length=100)] | None = None


@post("/alarms/shown", operation_id="show_alarms", status_code=200, tags=["alarms"], opt=may(Permission.HANDLE_ALARMS))
async def show_alarms(request: Request[Any, Any, Any], data: JSONBody[ShownAlarms]) -> Shown:
    """A channel says that these are before a person's eyes; saying it twice changes nothing."""
    deps = deps_of(request)
    groups = {GroupId(group.group_id): group.version for group in data.groups}
    alarm_ids = [AlarmId(alarm_id) for alarm_id in data.alarms]
    return Shown(await handle.note_shown(deps.store, actor_of(request), alarm_ids, groups, deps.now_us()))


@get("/alarms/delays", operation_id="read_alarm_delays", tags=["alarms"], opt=may(Permission.SEE_ALARMS))
async def read_alarm_delays(request: Request[Any, Any, Any], hours: Hours = 24) -> AlarmDelays:
    """How soon a person was shown the alarms of the last hours, and how many nobody was within 20 s."""
    deps = deps_of(request)
    async with deps.store.tenant(actor_of(request).tenant_id) as work:
        return await work[AlarmStore].delays(hours, deps.now_us())


@get(
    "/alarms/{alarm_id:int}/history", operation_id="read_alarm_history", tags=["alarms"], opt=may(Permission.SEE_ALARMS)
)
async def read_alarm_history(request: Request[Any, Any, Any], alarm_id: Id) -> list[AlarmHistoryEntry]:
    """What happened to an alarm and to its group, oldest first."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        if await work[AlarmStore].read(AlarmId(alarm_id)) is None:
            raise Problem("not-found")
        return await work[AlarmStore].history(AlarmId(alarm_id), None)


async def _alarm_step(
    request: Request[Any, Any, Any], alarm_id: int, step: AlarmStep, reason: str = "", to: str = ""
) -> Alarm:
    deps = deps_of(request)
    return await handle.step_alarm(deps.store, actor_of(request), AlarmId(alarm_id), step, deps.now_us(), reason, to)


async def _group_step(
    request: Request[Any, Any, Any], group_id: int, step: AlarmStep, reason: str = "", to: str = ""
) -> AlarmGroup:
    deps = deps_of(request)
    return await handle.step_group(deps.store, actor_of(request), GroupId(group_id), step, deps.now_us(), reason, to)


@post(
    "/alarms/{alarm_id:int}/dispatch",
    operation_id="dispatch_alarm",
    status_code=200,
    tags=["alarms"],
    opt=may(Permission.HANDLE_ALARMS),
)
async def dispatch_alarm(request: Request[Any, Any, Any], alarm_id: Id, data: JSONBody[Dispatch]) -> Alarm:
    """Somebody is on the way."""
    return await _alarm_step(request, alarm_id, AlarmStep.DISPATCH, data.reason, data.to)


@post(
    "/alarms/{alarm_id:int}/recall",
    operation_id="recall_alarm",
    status_code=200,
    tags=["alarms"],
    opt=may(Permission.HANDLE_ALARMS),
)
async def recall_alarm(request: Request[Any, Any, Any], alarm_id: Id, data: JSONBody[Reason]) -> Alarm:
    """Nobody is on the way any more; why is asked."""
    return await _alarm_step(request, alarm_id, AlarmStep.RECALL, data.reason)


@post(
    "/alarms/{alarm_id:int}/reopen",
    operation_id="reopen_alarm",
    status_code=200,
    tags=["alarms"],
    opt=may(Permission.HANDLE_ALARMS),
)
async def reopen_alarm(request: Request[Any, Any, Any], alarm_id: Id, data: JSONBody[Reason]) -> Alarm:
    """It was not over: within 24 h after it was cleared, while no other about the same is open. Why is asked."""
    return await _alarm_step(request, alarm_id, AlarmStep.REOPEN, data.reason)


@get("/alarm-groups", operation_id="list_alarm_groups", tags=["alarms"], opt=may(Permission.SEE_ALARMS))
async def list_alarm_groups(
    request: Request[Any, Any, Any],
    status: FromQuery[AlarmStatus | None] = None,
    event: Word = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[AlarmGroup]:
    """Groups of alarms of one kind in one place, newest first."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        rows = await work[AlarmStore].groups(limit + 1, after_id("alarm-groups", cursor), status=status, event=event)
    return page("alarm-groups", rows, limit, lambda group: group.group_id)


@get("/alarm-groups/{group_id:int}", operation_id="read_alarm_group", tags=["alarms"], opt=may(Permission.SEE_ALARMS))
async def read_alarm_group(request: Request[Any, Any, Any], group_id: Id) -> AlarmGroup:
    """One group; its members are ``/alarms?group_id=``."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        found = await work[AlarmStore].read_group(GroupId(group_id))
    if found is None:
        raise Problem("not-found")
    return found


@get(
    "/alarm-groups/{group_id:int}/places",
    operation_id="list_alarm_group_places",
    tags=["alarms"],
    opt=may(Permission.SEE_ALARMS),
)
async def list_alarm_group_places(request: Request[Any, Any, Any], group_id: Id) -> list[AlarmPlace]:
    """Where its members are, by area, for a map."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        return await work[AlarmStore].places(GroupId(group_id))


@get(
    "/alarm-groups/{group_id:int}/history",
    operation_id="read_alarm_group_history",
    tags=["alarms"],
    opt=may(Permission.SEE_ALARMS),
)
async def read_alarm_group_history(request: Request[Any, Any, Any], group_id: Id) -> list[AlarmHistoryEntry]:
    """What happened to a group, oldest first."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        return await work[AlarmStore].history(None, GroupId(group_id))


@post(
    "/alarm-groups/{group_id:int}/acknowledge",
    operation_id="acknowledge_alarm_group",
    status_code=200,
    tags=["alarms"],
    opt=may(Permission.HANDLE_ALARMS),
)
async def acknowledge_alarm_group(request: Request[Any, Any, Any], group_id: Id) -> AlarmGroup:
    """Somebody looks after all of them, also after those that joined since somebody did."""
    return await _group_step(request, group_id, AlarmStep.ACKNOWLEDGE)


@post(
    "/alarm-groups/{group_id:int}/dispatch",
    operation_id="dispatch_alarm_group",
    status_code=200,
    tags=["alarms"],
    opt=may(Permission.HANDLE_ALARMS),
)
async def dispatch_alarm_group(request: Request[Any, Any, Any], group_id: Id, data: JSONBody[Dispatch]) -> AlarmGroup:
    """Somebody is on the way."""
    return await _group_step(request, group_id, AlarmStep.DISPATCH, data.reason, data.to)


@post(
    "/alarm-groups/{group_id:int}/recall",
    operation_id="recall_alarm_group",
    status_code=200,
    tags=["alarms"],
    opt=may(Permission.HANDLE_ALARMS),
)
async def recall_alarm_group(request: Request[Any, Any, Any], group_id: Id, data: JSONBody[Reason]) -> AlarmGroup:
    """Nobody is on the way any more; why is asked."""
    return await _group_step(request, group_id, AlarmStep.RECALL, data.reason)


@post(
    "/alarm-groups/{group_id:int}/clear",
    operation_id="clear_alarm_group",
    status_code=200,
    tags=["alarms"],
    opt=may(Permission.HANDLE_ALARMS),
)
async def clear_alarm_group(request: Request[Any, Any, Any], group_id: Id, data: JSONBody[Reason]) -> AlarmGroup:
    """All of them are over although their meters have not said so; a critical or major one needs a reason."""
    return await _group_step(request, group_id, AlarmStep.CLEAR, data.reason)


@get("/alarm-mutes", operation_id="list_alarm_mutes", tags=["alarms"], opt=may(Permission.SEE_ALARMS))
async def list_alarm_mutes(
    request: Request[Any, Any, Any], standing: FromQuery[bool] = False, limit: Limit = 50, cursor: Cursor = None
) -> Page[AlarmMute]:
    """Mutes, newest first; ``standing``: only those that hold now."""
    deps = deps_of(request)
    async with deps.store.tenant(actor_of(request).tenant_id) as work:
        rows = await work[MuteStore].page(
            limit + 1, after_id("alarm-mutes", cursor), standing_us=deps.now_us() if standing else None
        )
    return page("alarm-mutes", rows, limit, lambda mute: mute.mute_id)


@post("/alarm-mutes", operation_id="mute_alarms", tags=["alarms"], opt=may(Permission.HANDLE_ALARMS))
async def mute_alarms(request: Request[Any, Any, Any], data: JSONBody[NewMute]) -> AlarmMute:
    """Alarms are stored and told to nobody for a while, at most 31 days; why is asked. What is open when it ends is told then."""
    deps = deps_of(request)
    return await mutes.mute_alarms(
        deps.store,
        actor_of(request),
        optional(AreaId, data.area_id),
        optional(MeterId, data.meter_id),
        data.event,
        data.seconds,
        data.reason,
        vocabulary().events.keys() | NODE_EVENTS.keys(),
        deps.now_us(),
    )


@post(
    "/alarm-mutes/{mute_id:int}/end",
    operation_id="end_alarm_mute",
    status_code=200,
    tags=["alarms"],
    opt=may(Permission.HANDLE_ALARMS),
)
async def end_alarm_mute(request: Request[Any, Any, Any], mute_id: Id, data: JSONBody[Reason]) -> AlarmMute:
    """Before its end; why is asked."""
    deps = deps_of(request)
    return await mutes.end_mute(deps.store, actor_of(request), MuteId(mute_id), deps.now_us(), data.reason)


HANDLERS: list[Any] = [
    show_alarms, read_alarm_delays, read_alarm_history, dispatch_alarm, recall_alarm, reopen_alarm, list_alarm_groups, read_alarm_group,
    list_alarm_group_places, read_alarm_group_history, acknowledge_alarm_group, dispatch_alarm_group, recall_alarm_group,
    clear_alarm_group, list_alarm_mutes, mute_alarms, end_alarm_mute,
]  # fmt: skip
