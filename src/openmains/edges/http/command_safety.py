# SPDX-License-Identifier: Apache-2.0
"""Meters closed for safety: which, why, how far, and the act that ends it. The closing itself is a command of kind ``safety_close``."""

from typing import Any

from litestar import Request, get, post
from litestar.params import FromQuery, JSONBody

from openmains.app.command import inspect_site
from openmains.app.command.model import SafetyClosing, SiteInspection
from openmains.app.command.ports import CommandStore
from openmains.domain.identity.permission import Permission
from openmains.domain.ids import MeterId
from openmains.edges.http.deps import actor_of, deps_of
from openmains.edges.http.inputs import Cursor, Id, Limit, OptionalId, Page, after_id, page
from openmains.edges.http.permissions import may


@get("/safety-closings", operation_id="list_safety_closings", tags=["commands"], opt=may(Permission.SEE_COMMANDS))
async def list_safety_closings(
    request: Request[Any, Any, Any],
    meter_id: OptionalId = None,
    standing: FromQuery[bool] = False,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[SafetyClosing]:
    """Safety closings, newest first; ``standing``: those that no inspection has lifted."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        rows = await work[CommandStore].closings(
            limit + 1,
            after_id("safety-closings", cursor),
            meter_id=None if meter_id is None else MeterId(meter_id),
            is_standing=standing,
        )
    return page("safety-closings", rows, limit, lambda closing: closing.safety_id)


@post(
    "/meters/{meter_id:int}/site-inspection",
    operation_id="inspect_site",
    status_code=200,
    tags=["commands"],
    opt=may(Permission.INSPECT_SITES),
)
async def inspect_the_site(
    request: Request[Any, Any, Any], meter_id: Id, data: JSONBody[SiteInspection]
) -> SafetyClosing:
    """Two persons say that the site was inspected: the safety closing is lifted. The meter itself opens by its key on the spot."""
    deps = deps_of(request)
    return await inspect_site.inspect_site(
        deps.store, deps.signer, actor_of(request), MeterId(meter_id), data, deps.now_us()
    )


HANDLERS: list[Any] = [list_safety_closings, inspect_the_site]
