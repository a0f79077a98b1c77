# SPDX-License-Identifier: Apache-2.0
"""Subscriptions of other systems: what happens goes to them in order; dead letters; replay from a time."""

from datetime import datetime
from typing import Annotated, Any

from litestar import Request, delete, get, post, put
from litestar.params import JSONBody, QueryParameter
from msgspec import Meta, Struct

from openmains.app.notice import subscriptions as use
from openmains.app.notice.model import Row64
from openmains.app.notice.subscription_model import (
    DeadState,
    PushDeadLetter,
    Subscription,
    SubscriptionSettings,
    SubscriptionStore,
)
from openmains.domain.identity.permission import Permission
from openmains.edges.http.deps import actor_of, deps_of
from openmains.edges.http.inputs import Cursor, Id, Limit, Page, ReasonText, WhyQuery, after_id, page
from openmains.edges.http.notice import sealer_of
from openmains.edges.http.permissions import may


class ReplayRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """``since``: what happened from then on comes again."""

    since: datetime
    reason: ReasonText = ""


class DeadAgain(Struct, frozen=True, forbid_unknown_fields=True):
    """Dead letters to send again."""

    dead_ids: Annotated[list[Row64], Meta(min_length=1, max_length=500)]
    reason: ReasonText = ""


class SentAgain(Struct, frozen=True):
    """How many of them were open and wait now."""

    count: int


@get("/subscriptions", operation_id="list_subscriptions", tags=["subscriptions"], opt=may(Permission.HANDLE_NOTICES))
async def list_subscriptions(request: Request[Any, Any, Any]) -> list[Subscription]:
    """Other systems, how far each is, and what it was refused."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        return await work[SubscriptionStore].all()


@post(
    "/subscriptions", operation_id="add_subscription", tags=["subscriptions"], opt=may(Permission.MANAGE_SUBSCRIPTIONS)
)
async def add_subscription(
    request: Request[Any, Any, Any], data: JSONBody[SubscriptionSettings], reason: WhyQuery = ""
) -> Subscription:
    """It gets what happens from now on, as CloudEvents 1.0."""
    deps = deps_of(request)
    return await use.add_subscription(deps.store, actor_of(request), sealer_of(request), data, reason, deps.now_us())


@put(
    "/subscriptions/{subscription_id:int}",
    operation_id="change_subscription",
    tags=["subscriptions"],
    opt=may(Permission.MANAGE_SUBSCRIPTIONS),
)
async def change_subscription(
    request: Request[Any, Any, Any],
    subscription_id: Id,
    data: JSONBody[SubscriptionSettings],
    reason: WhyQuery = "",
) -> Subscription:
    """Its place stays; it is tried at once."""
    deps = deps_of(request)
    return await use.change_subscription(
        deps.store, actor_of(request), sealer_of(request), subscription_id, data, reason, deps.now_us()
    )


@delete(
    "/subscriptions/{subscription_id:int}",
    operation_id="remove_subscription",
    tags=["subscriptions"],
    opt=may(Permission.MANAGE_SUBSCRIPTIONS),
    status_code=204,
)
async def remove_subscription(request: Request[Any, Any, Any], subscription_id: Id, reason: WhyQuery = "") -> None:
    """Nothing is sent any more."""
    deps = deps_of(request)
    await use.remove_subscription(deps.store, actor_of(request), subscription_id, reason, deps.now_us())


@post(
    "/subscriptions/{subscription_id:int}/replay",
    operation_id="replay_subscription",
    tags=["subscriptions"],
    opt=may(Permission.MANAGE_SUBSCRIPTIONS),
    status_code=200,
)
async def replay_subscription(
    request: Request[Any, Any, Any], subscription_id: Id, data: JSONBody[ReplayRequest]
) -> Subscription:
    """Everything from an instant on comes again, in order, with the ids it had."""
    deps = deps_of(request)
    return await use.replay(deps.store, actor_of(request), subscription_id, data.since, data.reason, deps.now_us())


@get(
    "/subscriptions/{subscription_id:int}/dead-letters",
    operation_id="list_push_dead_letters",
    tags=["subscriptions"],
    opt=may(Permission.HANDLE_NOTICES),
)
async def list_push_dead_letters(
    request: Request[Any, Any, Any],
    subscription_id: Id,
    wanted: Annotated[DeadState | None, QueryParameter(name="state")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[PushDeadLetter]:
    """What its receiver never took, newest first."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        rows = await work[SubscriptionStore].dead_letters(
            subscription_id, limit + 1, after_id("push-dead", cursor), state=wanted
        )
    return page("push-dead", rows, limit, lambda letter: letter.dead_id)


@post(
    "/subscriptions/{subscription_id:int}/dead-letters/again",
    operation_id="send_push_dead_letters",
    tags=["subscriptions"],
    opt=may(Permission.MANAGE_SUBSCRIPTIONS),
    status_code=200,
)
async def send_push_dead_letters(
    request: Request[Any, Any, Any], subscription_id: Id, data: JSONBody[DeadAgain]
) -> SentAgain:
    """They are sent once more, before what stands next."""
    deps = deps_of(request)
    return SentAgain(
        await use.send_dead_again(deps.store, actor_of(request), subscription_id, data.dead_ids, data.reason)
    )


HANDLERS: list[Any] = [
    list_subscriptions,
    add_subscription,
    change_subscription,
    remove_subscription,
    replay_subscription,
    list_push_dead_letters,
    send_push_dead_letters,
]
