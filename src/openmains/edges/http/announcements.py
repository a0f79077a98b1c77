# SPDX-License-Identifier: Apache-2.0
"""Announcements to customers: whom one would reach, draft, approval by another person, cancelling."""

from typing import Any

from litestar import Request, get, post
from litestar.params import JSONBody
from msgspec import Struct

from openmains.app.notice import announce as use
from openmains.app.notice.announcement_model import (
    Announcement,
    AnnouncementDraft,
    AnnouncementStore,
    Audience,
    AudiencePreview,
)
from openmains.domain.identity.permission import Permission
from openmains.edges.http.deps import actor_of, deps_of
from openmains.edges.http.inputs import Cursor, Id, Limit, Page, ReasonText, after_id, page
from openmains.edges.http.permissions import may


class AnnouncementAct(Struct, frozen=True, forbid_unknown_fields=True):
    """Why it is approved or cancelled."""

    reason: ReasonText = ""


@get("/announcements", operation_id="list_announcements", tags=["notices"], opt=may(Permission.HANDLE_NOTICES))
async def list_announcements(
    request: Request[Any, Any, Any], limit: Limit = 20, cursor: Cursor = None
) -> Page[Announcement]:
    """Newest first, each with what became of its notices."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        rows = await work[AnnouncementStore].page(limit + 1, after_id("announcements", cursor))
    return page("announcements", rows, limit, lambda one: one.announcement_id)


@post(
    "/announcements/preview",
    operation_id="preview_announcement",
    tags=["notices"],
    opt=may(Permission.HANDLE_NOTICES),
    status_code=200,
)
async def preview_announcement(request: Request[Any, Any, Any], data: JSONBody[Audience]) -> AudiencePreview:
    """Whom it would reach now, and how many have no phone. Nothing is kept."""
    return await use.preview_audience(deps_of(request).store, actor_of(request), data)


@post("/announcements", operation_id="add_announcement", tags=["notices"], opt=may(Permission.MANAGE_NOTICES))
async def add_announcement(request: Request[Any, Any, Any], data: JSONBody[AnnouncementDraft]) -> Announcement:
    """A draft: another person approves it before anything is sent."""
    deps = deps_of(request)
    return await use.add_announcement(deps.store, actor_of(request), data, deps.now_us())


@post(
    "/announcements/{announcement_id:int}/approve",
    operation_id="approve_announcement",
    tags=["notices"],
    opt=may(Permission.MANAGE_NOTICES),
    status_code=200,
)
async def approve_announcement(
    request: Request[Any, Any, Any], announcement_id: Id, data: JSONBody[AnnouncementAct]
) -> Announcement:
    """It goes to every customer whom it concerns: by day, what is about safety at once. Not by who wrote it."""
    deps = deps_of(request)
    return await use.approve_announcement(deps.store, actor_of(request), announcement_id, data.reason, deps.now_us())


@post(
    "/announcements/{announcement_id:int}/cancel",
    operation_id="cancel_announcement",
    tags=["notices"],
    opt=may(Permission.MANAGE_NOTICES),
    status_code=200,
)
async def cancel_announcement(
    request: Request[Any, Any, Any], announcement_id: Id, data: JSONBody[AnnouncementAct]
) -> Announcement:
    """What waits is not sent any more; what went out stays said."""
    deps = deps_of(request)
    return await use.cancel_announcement(deps.store, actor_of(request), announcement_id, data.reason, deps.now_us())


HANDLERS: list[Any] = [
    list_announcements,
    preview_announcement,
    add_announcement,
    approve_announcement,
    cancel_announcement,
]
