# SPDX-License-Identifier: Apache-2.0
"""Views of lists that people keep, for themselves or for all of a role."""

from typing import Annotated, Any

from litestar import Request, delete, get, post, put
from litestar.params import JSONBody, QueryParameter

from openmains.app.identity import list_views
from openmains.app.identity.list_views import ListView, ListViews, NewListView
from openmains.edges.http.deps import actor_of, deps_of
from openmains.edges.http.inputs import Id, Page
from openmains.edges.http.permissions import SIGNED_IN


@get("/list-views", operation_id="list_list_views", tags=["identity"], opt=SIGNED_IN)
async def list_list_views(
    request: Request[Any, Any, Any],
    on: Annotated[
        str | None, QueryParameter(name="page", max_length=40, description="The console's name of the list's page.")
    ] = None,
) -> Page[ListView]:
    """One's own, and those that others share with a role of which one may do everything, by name."""
    actor = actor_of(request)
    async with deps_of(request).store.tenant(actor.tenant_id) as work:
        return Page(await work[ListViews].all(actor.user_id, list_views.audiences(actor), on), None)


@post("/list-views", operation_id="save_list_view", status_code=201, tags=["identity"], opt=SIGNED_IN)
async def save_list_view(request: Request[Any, Any, Any], data: JSONBody[NewListView]) -> ListView:
    """Keep a list as it is looked at – filters, order, columns – under a name."""
    return await list_views.add_view(deps_of(request).store, actor_of(request), data)


@put("/list-views/{view_id:int}", operation_id="change_list_view", tags=["identity"], opt=SIGNED_IN)
async def change_list_view(request: Request[Any, Any, Any], view_id: Id, data: JSONBody[NewListView]) -> ListView:
    """Put another one in its place. One's own; those that others share are for those to change who manage people."""
    return await list_views.change_view(deps_of(request).store, actor_of(request), view_id, data)


@delete("/list-views/{view_id:int}", operation_id="remove_list_view", status_code=204, tags=["identity"], opt=SIGNED_IN)
async def remove_list_view(request: Request[Any, Any, Any], view_id: Id) -> None:
    """Forget it; what it shows is not touched."""
    await list_views.remove_view(deps_of(request).store, actor_of(request), view_id)


HANDLERS: list[Any] = [list_list_views, save_list_view, change_list_view, remove_list_view]
