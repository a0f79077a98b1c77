# SPDX-License-Identifier: Apache-2.0
"""Channels of notices: ways to send, their test."""

from typing import Annotated, Any

from litestar import Request, delete, get, post, put
from litestar.params import JSONBody
from msgspec import Meta, Struct

from openmains.app.notice import change_channels as use
from openmains.app.notice.change_channels import ChannelDraft
from openmains.app.notice.model import ChannelKind, Name, NoticeChannel
from openmains.app.notice.ports import ChannelStore
from openmains.app.notice.sealing import Sealer
from openmains.app.problems import Problem
from openmains.domain.identity.permission import Permission
from openmains.edges.http.deps import actor_of, deps_of
from openmains.edges.http.inputs import Id, ReasonText, WhyQuery
from openmains.edges.http.permissions import may

Values = Annotated[
    dict[Annotated[str, Meta(max_length=40)], Annotated[str, Meta(max_length=2000)]],
    Meta(max_length=20, description="Settings and secrets by name; a secret left out stays as it is."),
]
PerMinute = Annotated[int, Meta(ge=1, le=6000, description="Most messages a minute; what waits goes together.")]
UniqueKey = Annotated[str, Meta(min_length=4, max_length=100, pattern=r"^[A-Za-z0-9_.:-]+$")]


class NewChannel(Struct, frozen=True, forbid_unknown_fields=True):
    """A way to send."""

    kind: ChannelKind
    name: Name
    settings: Values
    per_minute: PerMinute = 20
    reason: ReasonText = ""


class ChannelChange(Struct, frozen=True, forbid_unknown_fields=True):
    """All but its kind. Secrets together or not at all."""

    name: Name
    settings: Values
    per_minute: PerMinute = 20
    is_on: bool = True


class ChannelTest(Struct, frozen=True, forbid_unknown_fields=True):
    """``key``: the same key again sends no second test."""

    key: UniqueKey


class QueuedTest(Struct, frozen=True):
    """Its line of the delivery log says what became of it."""

    notice_id: int


def sealer_of(request: Request[Any, Any, Any]) -> Sealer:
    """Raises ``not-offered`` where the deployment has none."""
    found = deps_of(request).sealer
    if found is None:
        raise Problem("not-offered")
    return found


@get("/notice-channels", operation_id="list_channels", tags=["notices"], opt=may(Permission.HANDLE_NOTICES))
async def list_channels(request: Request[Any, Any, Any]) -> list[NoticeChannel]:
    """Ways to send, with what became of the last message; secrets are named and never told."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        return await work[ChannelStore].all()


@post("/notice-channels", operation_id="add_channel", tags=["notices"], opt=may(Permission.MANAGE_NOTICES))
async def add_channel(request: Request[Any, Any, Any], data: JSONBody[NewChannel]) -> NoticeChannel:
    """A new way to send. Its secrets are sealed before they are written."""
    deps, form = deps_of(request), ChannelDraft(data.name, data.settings, data.per_minute)
    return await use.add_channel(
        deps.store, actor_of(request), sealer_of(request), data.kind, form, data.reason, deps.now_us()
    )


@put(
    "/notice-channels/{channel_id:int}",
    operation_id="change_channel",
    tags=["notices"],
    opt=may(Permission.MANAGE_NOTICES),
)
async def change_channel(
    request: Request[Any, Any, Any], channel_id: Id, data: JSONBody[ChannelChange], reason: WhyQuery = ""
) -> NoticeChannel:
    """All of it but its kind."""
    deps, form = deps_of(request), ChannelDraft(data.name, data.settings, data.per_minute, data.is_on)
    return await use.change_channel(
        deps.store, actor_of(request), sealer_of(request), channel_id, form, reason, deps.now_us()
    )


@delete(
    "/notice-channels/{channel_id:int}",
    operation_id="remove_channel",
    tags=["notices"],
    opt=may(Permission.MANAGE_NOTICES),
    status_code=204,
)
async def remove_channel(request: Request[Any, Any, Any], channel_id: Id, reason: WhyQuery = "") -> None:
    """Its log stays, its secrets go."""
    deps = deps_of(request)
    await use.remove_channel(deps.store, actor_of(request), channel_id, reason, deps.now_us())


@post(
    "/notice-channels/{channel_id:int}/test",
    operation_id="test_channel",
    tags=["notices"],
    opt=may(Permission.HANDLE_NOTICES),
)
async def test_channel(request: Request[Any, Any, Any], channel_id: Id, data: JSONBody[ChannelTest]) -> QueuedTest:
    """Send a test by it, to oneself where it needs a person."""
    deps = deps_of(request)
    return QueuedTest(await use.test_channel(deps.store, actor_of(request), channel_id, data.key, deps.now_us()))


HANDLERS: list[Any] = [list_channels, add_channel, change_channel, remove_channel, test_channel]
