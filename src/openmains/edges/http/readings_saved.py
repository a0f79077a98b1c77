# SPDX-License-Identifier: Apache-2.0
"""Questions in bulk that are kept under a name, and asked again by number."""

from datetime import date
from typing import Any
from urllib.parse import urlencode

from litestar import Request, delete, get, post, put
from litestar.params import JSONBody
from litestar.response import Redirect

from openmains.app.readings.bulk import saved
from openmains.app.readings.bulk.saved import NewSavedQuery, SavedQueries, SavedQuery, SavedQuestion
from openmains.domain.identity.permission import Permission
from openmains.domain.period import date_to_day, utc, zone
from openmains.edges.http.deps import actor_of, deps_of, today_of
from openmains.edges.http.inputs import Id, Page
from openmains.edges.http.permissions import may

_PATHS = {"registers": "/api/v1/bulk/registers", "values": "/api/v1/bulk/values", "sums": "/api/v1/bulk/sums"}


@get("/saved-queries", operation_id="list_saved_queries", tags=["readings"], opt=may(Permission.SEE_READINGS))
async def list_saved_queries(request: Request[Any, Any, Any]) -> Page[SavedQuery]:
    """One's own, and those that others share, by name."""
    actor = actor_of(request)
    async with deps_of(request).store.tenant(actor.tenant_id) as work:
        return Page(await work[SavedQueries].all(actor.user_id), None)


@post("/saved-queries", operation_id="save_query", status_code=201, tags=["readings"], opt=may(Permission.SEE_READINGS))
async def save_query(request: Request[Any, Any, Any], data: JSONBody[NewSavedQuery]) -> SavedQuery:
    """Keep a question in bulk under a name: which meters, what of them, of which period, in which form."""
    return await saved.add_saved(deps_of(request).store, actor_of(request), data)


@put(
    "/saved-queries/{saved_id:int}",
    operation_id="change_saved_query",
    tags=["readings"],
    opt=may(Permission.SEE_READINGS),
)
async def change_saved_query(
    request: Request[Any, Any, Any], saved_id: Id, data: JSONBody[NewSavedQuery]
) -> SavedQuery:
    """Put another one in its place. One's own; those that others share are an administrator's to change."""
    return await saved.change_saved(deps_of(request).store, actor_of(request), saved_id, data)


@delete(
    "/saved-queries/{saved_id:int}",
    operation_id="remove_saved_query",
    status_code=204,
    tags=["readings"],
    opt=may(Permission.SEE_READINGS),
)
async def remove_saved_query(request: Request[Any, Any, Any], saved_id: Id) -> None:
    """Forget it; what it asks of is not touched."""
    await saved.remove_saved(deps_of(request).store, actor_of(request), saved_id)


@get(
    "/saved-queries/{saved_id:int}/run",
    operation_id="run_saved_query",
    status_code=303,
    tags=["readings"],
    opt=may(Permission.SEE_READINGS),
)
async def run_saved_query(request: Request[Any, Any, Any], saved_id: Id) -> Redirect:
    """Ask it again, of its period as of today: leads to the answer. Who may not ask the question itself may not do so here."""
    deps, actor = deps_of(request), actor_of(request)
    found = await saved.run_saved(deps.store, actor, saved_id)
    return Redirect(address_of(found.question, today_of(deps, actor), actor.zone), status_code=303)


def address_of(question: SavedQuestion, today: date, zone_key: str) -> str:
    """Path and query of the operation that answers the question."""
    place = zone(zone_key)
    first, last = saved.days_of(question, today)
    left, right = place.start_of(date_to_day(first)), place.start_of(date_to_day(last) + 1)
    chosen = question.meters
    asked: list[tuple[str, Any]] = [
        ("area_id", chosen.area_id), ("product_id", chosen.product_id), ("medium", chosen.medium), ("place", chosen.place),
        ("customer_class", chosen.customer_class), ("status", chosen.status), ("devices", chosen.kind), ("tag_id", chosen.tag_id),
        *(("numbers", number) for number in chosen.numbers),
    ]  # fmt: skip
    path = _PATHS[question.kind]
    if question.kind == "values":
        asked += [("from", utc(left).isoformat()), ("to", utc(right).isoformat()), ("form", saved.form_of(question))]
        asked += [("points", name) for name in question.points]
    else:
        path += "" if question.form == "page" else f".{question.form}"
    if question.kind == "registers":
        asked.append(("at", utc(left).isoformat()))
    if question.kind == "sums":
        asked += [("first", first.isoformat()), ("last", last.isoformat()), ("by", question.by)]
        asked += [("every", question.every)] if question.form == "page" else []
    return f"{path}?{urlencode([(name, value) for name, value in asked if value is not None])}"


HANDLERS: list[Any] = [list_saved_queries, save_query, change_saved_query, remove_saved_query, run_saved_query]
