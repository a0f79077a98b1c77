# SPDX-License-Identifier: Apache-2.0
"""What was sent, to whom, and when the channel acknowledged it; the console's inbox."""

from typing import Annotated, Any

from litestar import Request, get, post
from litestar.params import JSONBody, QueryParameter
from msgspec import Meta, Struct

from openmains.app.notice import read
from openmains.app.notice.change_channels import send_again
from openmains.app.notice.model import Inbox, Notice, NoticeDetail, NoticeState, NoticeSummary, Row64
from openmains.app.notice.ports import NoticeLog
from openmains.domain.identity.permission import Permission
from openmains.edges.http.deps import actor_of, deps_of
from openmains.edges.http.inputs import Cursor, Id, Limit, OptionalId, Page, after_id, page
from openmains.edges.http.permissions import SIGNED_IN, may
from openmains.edges.http.problems import language_of

Hours = Annotated[int, QueryParameter(ge=1, le=720, description="Of alarms received so lately.")]
Ids = Annotated[list[Row64], Meta(max_length=200)]


class InboxNews(Struct, frozen=True, forbid_unknown_fields=True):
    """``shown``: notices that the console shows the person now: the inbox's acknowledgement; ``seen``: those that the person opened."""

    shown: Ids = []
    seen: Ids = []


@get("/notices", operation_id="list_notices", tags=["notices"], opt=may(Permission.HANDLE_NOTICES))
async def list_notices(
    request: Request[Any, Any, Any],
    wanted: Annotated[NoticeState | None, QueryParameter(name="state")] = None,
    channel_id: OptionalId = None,
    alarm_id: OptionalId = None,
    user_id: OptionalId = None,
    announcement_id: OptionalId = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[Notice]:
    """The delivery log, newest first."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        rows = await work[NoticeLog].page(
            limit + 1,
            after_id("notices", cursor),
            state=wanted,
            channel_id=channel_id,
            alarm_id=alarm_id,
            user_id=user_id,
            announcement_id=announcement_id,
        )
    return page("notices", rows, limit, lambda notice: notice.notice_id)


@get(
    "/notices/summary", operation_id="read_notice_summary", tags=["notices"], opt=may(Permission.SEE_ALARMS, whole=True)
)
async def read_notice_summary(request: Request[Any, Any, Any], hours: Hours = 24) -> NoticeSummary:
    """Of the alarms received lately: how many somebody's channel acknowledged within 20 s (R7.1), and what missed it."""
    deps = deps_of(request)
    async with deps.store.tenant(actor_of(request).tenant_id) as work:
        return await work[NoticeLog].summary(hours, deps.now_us())


@get("/notices/{notice_id:int}", operation_id="read_notice", tags=["notices"], opt=may(Permission.HANDLE_NOTICES))
async def read_notice(request: Request[Any, Any, Any], notice_id: Id) -> NoticeDetail:
    """One notice with its text and each try."""
    return await read.detail(deps_of(request).store, actor_of(request), notice_id, language_of(request))


@post(
    "/notices/{notice_id:int}/again",
    operation_id="send_notice_again",
    tags=["notices"],
    opt=may(Permission.HANDLE_NOTICES),
    status_code=204,
)
async def send_notice_again(request: Request[Any, Any, Any], notice_id: Id) -> None:
    """One that failed waits once more."""
    deps = deps_of(request)
    await send_again(deps.store, actor_of(request), notice_id, deps.now_us())


@post("/inbox", operation_id="take_inbox", tags=["notices"], opt=SIGNED_IN, status_code=200)
async def take_inbox(request: Request[Any, Any, Any], data: JSONBody[InboxNews], limit: Limit = 20) -> Inbox:
    """The newest notices of the person who asks; what its console shows is acknowledged by that."""
    deps = deps_of(request)
    return await read.inbox(
        deps.store, actor_of(request), data.shown, data.seen, limit, language_of(request), deps.now_us()
    )


HANDLERS: list[Any] = [list_notices, read_notice_summary, read_notice, send_notice_again, take_inbox]
