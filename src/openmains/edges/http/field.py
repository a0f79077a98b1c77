# SPDX-License-Identifier: Apache-2.0
"""Work outside (ADR 0039): reading routes, the kit of a phone, visits, tests on the spot, photographs."""

from typing import Annotated, Any

from litestar import Request, Response, delete, get, patch, post
from litestar.datastructures import UploadFile
from litestar.params import FromQuery, JSONBody, MultipartBody, QueryParameter

from openmains.app.field import photos, routes
from openmains.app.field.model import (
    Kit,
    NewRoute,
    Purpose,
    ReadingRoute,
    RouteChange,
    RouteDetail,
    SitePhoto,
    SiteTest,
    SiteTestRequest,
    SiteVisit,
    VisitRequest,
)
from openmains.app.field.ports import PhotoStore, RouteStore, VisitStore
from openmains.app.field.visits import Visits
from openmains.app.fleet.wording import Wording
from openmains.app.readings.manual.take import exponents
from openmains.domain.identity.permission import Permission
from openmains.domain.ids import MeterId, PhotoId, RouteId
from openmains.domain.period import utc
from openmains.edges.http.deps import ApiDeps, actor_of, deps_of, photo_keys
from openmains.edges.http.inputs import (
    Cursor,
    Id,
    IfMatch,
    Instant,
    Limit,
    Page,
    WhyQuery,
    after_id,
    page,
    revision_of,
    seconds,
)
from openmains.edges.http.permissions import may

ActKeyQuery = Annotated[
    str,
    QueryParameter(
        min_length=1, max_length=64, pattern=r"^\S+$", description="The caller's own: the same again is the same one."
    ),
]


def _wording(deps: ApiDeps) -> Wording:
    return Wording(exponents=exponents(deps.drivers))


def _visits(request: Request[Any, Any, Any]) -> Visits:
    deps = deps_of(request)

    def has_valve(driver: str) -> bool:
        found = None if deps.command_drivers is None else deps.command_drivers.command_driver(driver)
        return found is not None and {"valve_close", "valve_open"} <= set(found.command_kinds)

    return Visits(deps.store, actor_of(request), _wording(deps), has_valve, deps.now_us())


@get("/field/kit", operation_id="take_kit", tags=["field"], opt=may(Permission.WORK_OUTSIDE))
async def take_kit(request: Request[Any, Any, Any]) -> Kit:
    """All that one's phone needs for a day without network: own reading routes, issued meters, the checklist."""
    deps = deps_of(request)
    return await routes.kit(deps.store, actor_of(request), _wording(deps), deps.now_us())


@get("/reading-routes", operation_id="list_reading_routes", tags=["field"], opt=may(Permission.SEE_READINGS))
async def list_reading_routes(
    request: Request[Any, Any, Any], limit: Limit = 50, cursor: Cursor = None
) -> Page[ReadingRoute]:
    """Reading routes (抄表册): meters in the order in which a reader comes by."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        rows = await work[RouteStore].all(limit + 1, after_id("routes", cursor) or 0, None)
    return page("routes", rows, limit, lambda row: row.route_id)


@post("/reading-routes", operation_id="add_reading_route", tags=["field"], opt=may(Permission.MANAGE_ROUTES))
async def add_reading_route(request: Request[Any, Any, Any], data: JSONBody[NewRoute]) -> ReadingRoute:
    """Make a route of meters in their order, for a reader's phone or nobody's yet."""
    return await routes.add_route(deps_of(request).store, actor_of(request), data)


@get(
    "/reading-routes/{route_id:int}",
    operation_id="read_reading_route",
    tags=["field"],
    opt=may(Permission.SEE_READINGS),
)
async def read_reading_route(request: Request[Any, Any, Any], route_id: Id) -> RouteDetail:
    """A route with its meters in order, their newest registers and what the next one plausibly is."""
    deps = deps_of(request)
    return await routes.route_detail(deps.store, actor_of(request), RouteId(route_id), _wording(deps), deps.now_s())


@patch(
    "/reading-routes/{route_id:int}",
    operation_id="change_reading_route",
    tags=["field"],
    opt=may(Permission.MANAGE_ROUTES),
)
async def change_reading_route(
    request: Request[Any, Any, Any], route_id: Id, data: JSONBody[RouteChange], if_match: IfMatch = None
) -> ReadingRoute:
    """Another name, another reader, another order. A meter is in one route: ``take`` brings it over."""
    return await routes.change_route(
        deps_of(request).store, actor_of(request), RouteId(route_id), revision_of(if_match), data
    )


@delete(
    "/reading-routes/{route_id:int}",
    operation_id="remove_reading_route",
    status_code=204,
    tags=["field"],
    opt=may(Permission.MANAGE_ROUTES),
)
async def remove_reading_route(request: Request[Any, Any, Any], route_id: Id, reason: WhyQuery = "") -> None:
    """Forget the order; meters and their readings stay."""
    await routes.remove_route(deps_of(request).store, actor_of(request), RouteId(route_id), reason)


@post("/site-visits", operation_id="note_visit", tags=["field"], opt=may(Permission.WORK_OUTSIDE))
async def note_visit(request: Request[Any, Any, Any], data: JSONBody[VisitRequest]) -> SiteVisit:
    """Note what was found at a meter: no access with its reason, or the checklist of an installation. The same key again is the same visit."""
    return await _visits(request).note(data)


@get(
    "/meters/{meter_id:int}/site-visits",
    operation_id="list_site_visits",
    tags=["field"],
    opt=may(Permission.SEE_METERS),
)
async def list_site_visits(
    request: Request[Any, Any, Any], meter_id: Id, limit: Limit = 50, cursor: Cursor = None
) -> Page[SiteVisit]:
    """What people found and did at a meter, newest first."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        rows = await work[VisitStore].of_meter(MeterId(meter_id), limit + 1, after_id("visits", cursor))
    return page("visits", rows, limit, lambda row: row.visit_id)


@get("/meters/{meter_id:int}/site-test", operation_id="read_site_test", tags=["field"], opt=may(Permission.SEE_METERS))
async def read_site_test(request: Request[Any, Any, Any], meter_id: Id, since: Instant) -> SiteTest:
    """How a test on the spot stands: heard since the press, signal (RSRP above -117.4 dBm, SINR above -3 dB), valve gone and come back."""
    return await _visits(request).look(MeterId(meter_id), utc(seconds(since, "since")))


@post(
    "/meters/{meter_id:int}/site-test", operation_id="note_site_test", tags=["field"], opt=may(Permission.WORK_OUTSIDE)
)
async def note_site_test(request: Request[Any, Any, Any], meter_id: Id, data: JSONBody[SiteTestRequest]) -> SiteVisit:
    """Note a test that is passed, judged by what the platform heard itself. Another meter's number in the frames is answered with both."""
    return await _visits(request).test(MeterId(meter_id), data)


@post(
    "/site-photos",
    operation_id="add_photo",
    tags=["field"],
    request_max_body_size=photos.LARGEST + 4096,
    opt=may(Permission.WORK_OUTSIDE),
)
async def add_photo(
    request: Request[Any, Any, Any],
    data: MultipartBody[UploadFile],
    key: ActKeyQuery,
    meter_id: Annotated[int, QueryParameter(ge=1, le=2**63 - 1)],
    act: ActKeyQuery,
    purpose: FromQuery[Purpose],
    taken_at: Instant,
) -> SitePhoto:
    """Keep a photograph or signature (JPEG, PNG, WebP), sealed. The same again under its key is the one that is there."""
    deps = deps_of(request)
    image = await data.read()
    new = photos.NewPhoto(key, MeterId(meter_id), act, purpose, utc(seconds(taken_at, "taken_at")), image)
    return await photos.add_photo(deps.store, photo_keys(deps), actor_of(request), new, deps.now_us())


@get("/meters/{meter_id:int}/photos", operation_id="list_photos", tags=["field"], opt=may(Permission.SEE_METERS))
async def list_photos(
    request: Request[Any, Any, Any], meter_id: Id, limit: Limit = 50, cursor: Cursor = None
) -> Page[SitePhoto]:
    """Photographs of a meter without their bytes, newest first."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        rows = await work[PhotoStore].of_meter(MeterId(meter_id), limit + 1, after_id("photos", cursor))
    return page("photos", rows, limit, lambda row: row.photo_id)


@get(
    "/site-photos/{photo_id:int}",
    operation_id="see_photo",
    tags=["field"],
    opt=may(Permission.SEE_PERSONAL),
    media_type="image/jpeg",
)
async def see_photo(request: Request[Any, Any, Any], photo_id: Id) -> Response[bytes]:
    """A photograph itself. Personal data may be seen in it: each look is in the audit log."""
    deps = deps_of(request)
    media, image = await photos.see_photo(deps.store, photo_keys(deps), actor_of(request), PhotoId(photo_id))
    return Response(image, media_type=media)


HANDLERS: list[Any] = [
    take_kit,
    list_reading_routes,
    add_reading_route,
    read_reading_route,
    change_reading_route,
    remove_reading_route,
    note_visit,
    list_site_visits,
    read_site_test,
    note_site_test,
    add_photo,
    list_photos,
    see_photo,
]
