# SPDX-License-Identifier: Apache-2.0
"""Driver pages that the utility adds to the running system: look at a text, take it, go back, take it away."""

from typing import Any

from litestar import Request, delete, get, post
from litestar.params import JSONBody

from openmains.app.fleet import change_driver_pages as use
from openmains.app.fleet.driver_pages import (
    LARGEST_PAGE,
    CheckedDriverPage,
    DriverPageChoice,
    DriverPageStore,
    DriverPageVersions,
    GivenDriverPage,
    StoredDriverPage,
    UtilityDriverPage,
    UtilityDriverPages,
)
from openmains.app.problems import Problem
from openmains.domain.identity.permission import Permission
from openmains.edges.http.deps import actor_of, deps_of
from openmains.edges.http.inputs import Id32, PathWord, WhyQuery
from openmains.edges.http.permissions import may

_BODY = 6 * LARGEST_PAGE  # as JSON escapes it


@get("/driver-pages", operation_id="list_driver_pages", tags=["drivers"], opt=may(Permission.SEE_PRODUCTS))
async def list_driver_pages(request: Request[Any, Any, Any]) -> UtilityDriverPages:
    """The utility's own pages, by name."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        return UtilityDriverPages(await work[DriverPageStore].pages())


@get(
    "/driver-pages/{maker:str}/{model:str}/versions",
    operation_id="list_driver_page_versions",
    tags=["drivers"],
    opt=may(Permission.SEE_PRODUCTS),
)
async def list_driver_page_versions(
    request: Request[Any, Any, Any], maker: PathWord, model: PathWord
) -> DriverPageVersions:
    """All texts of a page, newest first."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        found = await work[DriverPageStore].versions(f"{maker}/{model}")
    if not found:
        raise Problem("not-found")
    return DriverPageVersions(found)


@get(
    "/driver-pages/{maker:str}/{model:str}/versions/{version:int}",
    operation_id="read_driver_page",
    tags=["drivers"],
    opt=may(Permission.SEE_PRODUCTS),
)
async def read_driver_page(
    request: Request[Any, Any, Any], maker: PathWord, model: PathWord, version: Id32
) -> StoredDriverPage:
    """A text as it was given."""
    name = f"{maker}/{model}"
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        text = await work[DriverPageStore].text(name, version)
    if text is None:
        raise Problem("not-found")
    return StoredDriverPage(name, version, text)


@post(
    "/driver-pages/check",
    operation_id="check_driver_page",
    status_code=200,
    tags=["drivers"],
    opt=may(Permission.MANAGE_DRIVERS),
    request_max_body_size=_BODY,
)
async def check_driver_page(request: Request[Any, Any, Any], data: JSONBody[GivenDriverPage]) -> CheckedDriverPage:
    """Look at a text without taking it: whether it is a page and reads its own vectors as they say."""
    return deps_of(request).drivers.check_page(data.text)


@post(
    "/driver-pages",
    operation_id="add_driver_page",
    tags=["drivers"],
    opt=may(Permission.MANAGE_DRIVERS),
    request_max_body_size=_BODY,
)
async def add_driver_page(request: Request[Any, Any, Any], data: JSONBody[GivenDriverPage]) -> UtilityDriverPage:
    """Take a text as the newest version of its page, and let it hold. Every process takes it up within seconds."""
    deps = deps_of(request)
    return await use.add_page(deps.store, deps.drivers, actor_of(request), data, deps.now_us())


@post(
    "/driver-pages/{maker:str}/{model:str}/choose",
    operation_id="choose_driver_page",
    status_code=200,
    tags=["drivers"],
    opt=may(Permission.MANAGE_DRIVERS),
)
async def choose_driver_page(
    request: Request[Any, Any, Any], maker: PathWord, model: PathWord, data: JSONBody[DriverPageChoice]
) -> UtilityDriverPage:
    """Another text of the page holds, such as the one before."""
    deps = deps_of(request)
    return await use.choose_version(deps.store, deps.drivers, actor_of(request), f"{maker}/{model}", data)


@delete(
    "/driver-pages/{maker:str}/{model:str}",
    operation_id="take_driver_page_away",
    tags=["drivers"],
    opt=may(Permission.MANAGE_DRIVERS),
)
async def take_driver_page_away(
    request: Request[Any, Any, Any], maker: PathWord, model: PathWord, reason: WhyQuery = ""
) -> None:
    """The page holds no more; its texts stay. Refused while products are read by it."""
    await use.take_away(deps_of(request).store, actor_of(request), f"{maker}/{model}", reason)


HANDLERS = (
    list_driver_pages,
    list_driver_page_versions,
    read_driver_page,
    check_driver_page,
    add_driver_page,
    choose_driver_page,
    take_driver_page_away,
)
