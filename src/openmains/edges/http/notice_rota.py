# SPDX-License-Identifier: Apache-2.0
"""Who is told: persons, duty calendars, policies with their preview, templates."""

from typing import Annotated, Any, Literal

from litestar import Request, delete, get, post, put
from litestar.params import JSONBody, PathParameter
from msgspec import Meta, Struct

from openmains.app.notice import change_rota as use
from openmains.app.notice.model import (
    Calendar,
    DutyShift,
    Locale,
    Name,
    NoticePerson,
    NoticePolicy,
    PersonSettings,
    PolicyQuestion,
    PolicySettings,
    PreviewLine,
    Template,
    TemplateKind,
)
from openmains.app.notice.ports import RotaStore
from openmains.domain.identity.permission import Permission
from openmains.domain.ids import UserId
from openmains.edges.http.deps import actor_of, deps_of
from openmains.edges.http.inputs import Id, WhyQuery
from openmains.edges.http.permissions import SIGNED_IN, may


class CalendarForm(Struct, frozen=True, forbid_unknown_fields=True):
    """A week of shifts."""

    name: Name
    shifts: Annotated[list[DutyShift], Meta(max_length=100)]


class MadeCalendar(Struct, frozen=True):
    """Its number."""

    calendar_id: int


class TemplateForm(Struct, frozen=True, forbid_unknown_fields=True):
    """Plain text with facts in braces."""

    subject: Annotated[str, Meta(min_length=1, max_length=200)]
    body: Annotated[str, Meta(min_length=1, max_length=2000)]


Kind = Annotated[TemplateKind, PathParameter()]
Language = Annotated[Literal["zh", "en"], PathParameter()]


@get("/notice-persons", operation_id="list_notice_persons", tags=["notices"], opt=may(Permission.MANAGE_NOTICES))
async def list_notice_persons(request: Request[Any, Any, Any]) -> list[NoticePerson]:
    """Users with how they are reached and when not."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        return await work[RotaStore].persons()


@get("/notice-persons/me", operation_id="read_own_notices", tags=["notices"], opt=SIGNED_IN)
async def read_own_notices(request: Request[Any, Any, Any]) -> PersonSettings:
    """How one is reached oneself."""
    actor = actor_of(request)
    async with deps_of(request).store.tenant(actor.tenant_id) as work:
        found = await work[RotaStore].person(actor.user_id)
    return PersonSettings() if found is None else found.settings


@put("/notice-persons/me", operation_id="set_own_notices", tags=["notices"], opt=SIGNED_IN)
async def set_own_notices(request: Request[Any, Any, Any], data: JSONBody[PersonSettings]) -> NoticePerson:
    """Set one's own address, quiet hours, digest and absences."""
    actor = actor_of(request)
    return await use.set_person(deps_of(request).store, actor, actor.user_id, data, "", is_own=True)


@put(
    "/notice-persons/{user_id:int}",
    operation_id="set_notice_person",
    tags=["notices"],
    opt=may(Permission.MANAGE_NOTICES),
)
async def set_notice_person(
    request: Request[Any, Any, Any], user_id: Id, data: JSONBody[PersonSettings], reason: WhyQuery = ""
) -> NoticePerson:
    """The same of another person."""
    actor = actor_of(request)
    return await use.set_person(deps_of(request).store, actor, UserId(user_id), data, reason, is_own=False)


@get("/notice-calendars", operation_id="list_calendars", tags=["notices"], opt=may(Permission.HANDLE_NOTICES))
async def list_calendars(request: Request[Any, Any, Any]) -> list[Calendar]:
    """Weeks of shifts, with who is on duty now."""
    deps = deps_of(request)
    return await use.calendars(deps.store, actor_of(request), deps.now_us())


@post("/notice-calendars", operation_id="add_calendar", tags=["notices"], opt=may(Permission.MANAGE_NOTICES))
async def add_calendar(
    request: Request[Any, Any, Any], data: JSONBody[CalendarForm], reason: WhyQuery = ""
) -> MadeCalendar:
    """A new week of shifts."""
    return MadeCalendar(
        await use.add_calendar(deps_of(request).store, actor_of(request), data.name, data.shifts, reason)
    )


@put(
    "/notice-calendars/{calendar_id:int}",
    operation_id="change_calendar",
    tags=["notices"],
    opt=may(Permission.MANAGE_NOTICES),
    status_code=204,
)
async def change_calendar(
    request: Request[Any, Any, Any], calendar_id: Id, data: JSONBody[CalendarForm], reason: WhyQuery = ""
) -> None:
    """In place of all its shifts."""
    await use.change_calendar(deps_of(request).store, actor_of(request), calendar_id, data.name, data.shifts, reason)


@delete(
    "/notice-calendars/{calendar_id:int}",
    operation_id="remove_calendar",
    tags=["notices"],
    opt=may(Permission.MANAGE_NOTICES),
    status_code=204,
)
async def remove_calendar(request: Request[Any, Any, Any], calendar_id: Id, reason: WhyQuery = "") -> None:
    """Only while no policy names it."""
    await use.remove_calendar(deps_of(request).store, actor_of(request), calendar_id, reason)


@get("/notice-policies", operation_id="list_policies", tags=["notices"], opt=may(Permission.HANDLE_NOTICES))
async def list_policies(request: Request[Any, Any, Any]) -> list[NoticePolicy]:
    """Who is told of what."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        return await work[RotaStore].policies()


@post("/notice-policies", operation_id="add_policy", tags=["notices"], opt=may(Permission.MANAGE_NOTICES))
async def add_policy(
    request: Request[Any, Any, Any], data: JSONBody[PolicySettings], reason: WhyQuery = ""
) -> NoticePolicy:
    """A new policy; it decides from now on."""
    deps = deps_of(request)
    return await use.add_policy(deps.store, actor_of(request), data, reason, deps.now_us())


@put(
    "/notice-policies/{policy_id:int}",
    operation_id="change_policy",
    tags=["notices"],
    opt=may(Permission.MANAGE_NOTICES),
)
async def change_policy(
    request: Request[Any, Any, Any], policy_id: Id, data: JSONBody[PolicySettings], reason: WhyQuery = ""
) -> NoticePolicy:
    """All of it; escalations under way go on by the new one."""
    deps = deps_of(request)
    return await use.change_policy(deps.store, actor_of(request), policy_id, data, reason, deps.now_us())


@delete(
    "/notice-policies/{policy_id:int}",
    operation_id="remove_policy",
    tags=["notices"],
    opt=may(Permission.MANAGE_NOTICES),
    status_code=204,
)
async def remove_policy(request: Request[Any, Any, Any], policy_id: Id, reason: WhyQuery = "") -> None:
    """It tells nobody any more."""
    deps = deps_of(request)
    await use.remove_policy(deps.store, actor_of(request), policy_id, reason, deps.now_us())


@post(
    "/notice-policies/preview",
    operation_id="preview_notices",
    tags=["notices"],
    opt=may(Permission.HANDLE_NOTICES),
    status_code=200,
)
async def preview_notices(request: Request[Any, Any, Any], data: JSONBody[PolicyQuestion]) -> list[PreviewLine]:
    """Who would get this, at each level if nobody acknowledged."""
    deps = deps_of(request)
    return await use.preview(deps.store, actor_of(request), data, deps.now_us())


@get("/notice-templates", operation_id="list_templates", tags=["notices"], opt=may(Permission.HANDLE_NOTICES))
async def list_templates(request: Request[Any, Any, Any]) -> list[Template]:
    """Words of all kinds of notices in both languages."""
    return await use.templates(deps_of(request).store, actor_of(request))


@put(
    "/notice-templates/{kind:str}/{locale:str}",
    operation_id="set_template",
    tags=["notices"],
    opt=may(Permission.MANAGE_NOTICES),
    status_code=204,
)
async def set_template(
    request: Request[Any, Any, Any], kind: Kind, locale: Language, data: JSONBody[TemplateForm], reason: WhyQuery = ""
) -> None:
    """In place of the program's words."""
    chosen: tuple[TemplateKind, Locale] = (kind, locale)
    await use.set_template(deps_of(request).store, actor_of(request), *chosen, data.subject, data.body, reason)


@delete(
    "/notice-templates/{kind:str}/{locale:str}",
    operation_id="drop_template",
    tags=["notices"],
    opt=may(Permission.MANAGE_NOTICES),
    status_code=204,
)
async def drop_template(request: Request[Any, Any, Any], kind: Kind, locale: Language, reason: WhyQuery = "") -> None:
    """The program's words again."""
    await use.drop_template(deps_of(request).store, actor_of(request), kind, locale, reason)


HANDLERS: list[Any] = [
    list_notice_persons,
    read_own_notices,
    set_own_notices,
    set_notice_person,
    list_calendars,
    add_calendar,
    change_calendar,
    remove_calendar,
    list_policies,
    add_policy,
    change_policy,
    remove_policy,
    preview_notices,
    list_templates,
    set_template,
    drop_template,
]
