# SPDX-License-Identifier: Apache-2.0
"""Dead letters: messages that could not be used."""

from typing import Annotated, Any

from litestar import Request, get, post
from litestar.params import FromQuery, JSONBody
from msgspec import Meta, Struct

from openmains.app.ingest import dead_letters
from openmains.app.ingest.model import DeadLetter, DeadLetterStatus
from openmains.app.ingest.ports import DeadLetterStore
from openmains.app.problems import Problem
from openmains.domain.identity.permission import Permission
from openmains.domain.ids import MeterId, ProductId
from openmains.edges.http.deps import actor_of, deps_of
from openmains.edges.http.inputs import (
    Cursor,
    Limit,
    OptionalId,
    OptionalId32,
    Page,
    ReasonText,
    Word,
    after_id,
    optional,
    page,
)
from openmains.edges.http.permissions import may


class DeadLetterIds(Struct, frozen=True, forbid_unknown_fields=True):
    """Which dead letters."""

    ids: Annotated[list[Annotated[int, Meta(ge=1, le=2**63 - 1)]], Meta(min_length=1, max_length=500)]


class Dismissal(DeadLetterIds, frozen=True, forbid_unknown_fields=True):
    """Which dead letters are not to be used, and why."""

    reason: ReasonText = ""


class Handled(Struct, frozen=True):
    """Those that were open and are handled now."""

    ids: list[int]


@get("/dead-letters", operation_id="list_dead_letters", tags=["dead letters"], opt=may(Permission.SEE_FRAMES))
async def list_dead_letters(
    request: Request[Any, Any, Any],
    status: FromQuery[DeadLetterStatus | None] = None,
    reason: Word = None,
    meter_id: OptionalId = None,
    product_id: OptionalId32 = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[DeadLetter]:
    """Messages that could not be used, newest first."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        rows = await work[DeadLetterStore].page(
            limit + 1,
            after_id("dead_letters", cursor),
            status=status,
            reason=reason,
            meter_id=optional(MeterId, meter_id),
            product_id=optional(ProductId, product_id),
        )
    return page("dead_letters", rows, limit, lambda letter: letter.dead_letter_id)


@post(
    "/dead-letters/replay",
    operation_id="replay_dead_letters",
    status_code=200,
    tags=["dead letters"],
    opt=may(Permission.HANDLE_DEAD_LETTERS),
)
async def replay_dead_letters(request: Request[Any, Any, Any], data: JSONBody[DeadLetterIds]) -> Handled:
    """Put them into the stream once more, after the driver was mended."""
    deps = deps_of(request)
    if deps.replay is None:
        raise Problem("not-offered")
    actor = actor_of(request)
    return Handled(await dead_letters.replay_dead_letters(deps.store, deps.replay, actor, data.ids, deps.now_us()))


@post(
    "/dead-letters/dismiss",
    operation_id="dismiss_dead_letters",
    status_code=200,
    tags=["dead letters"],
    opt=may(Permission.HANDLE_DEAD_LETTERS),
)
async def dismiss_dead_letters(request: Request[Any, Any, Any], data: JSONBody[Dismissal]) -> Handled:
    """They will not be used; they stay in the list of dismissed ones."""
    store, actor = deps_of(request).store, actor_of(request)
    return Handled(await dead_letters.dismiss_dead_letters(store, actor, data.ids, data.reason))


HANDLERS: list[Any] = [list_dead_letters, replay_dead_letters, dismiss_dead_letters]
