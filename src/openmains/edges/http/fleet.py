# SPDX-License-Identifier: Apache-2.0
"""Products, drivers."""

from typing import Annotated, Any

from litestar import Request, get, patch, post
from litestar.params import JSONBody
from msgspec import Meta, Struct

from openmains.app.command.onboard import check_product
from openmains.app.fleet import change_products
from openmains.app.fleet.driver_catalog import (
    DriverFault,
    DriverIdentity,
    DriverLayout,
    DriverPage,
    DriverVector,
    TracedField,
)
from openmains.app.fleet.model import NewProduct, Product, ProductChange
from openmains.app.fleet.ports import ProductStore
from openmains.app.problems import Problem
from openmains.domain.identity.permission import Permission
from openmains.domain.ids import ProductId, TenantId
from openmains.edges.http.deps import ApiDeps, actor_of, deps_of, today_of
from openmains.edges.http.inputs import Cursor, Id32, Limit, Page, PathWord, after_id, changes, hex_bytes, page
from openmains.edges.http.permissions import may


class DriverList(Struct, frozen=True):
    """All drivers of the catalogue."""

    items: list[DriverPage]


class VectorList(Struct, frozen=True):
    """Example frames of a driver."""

    items: list[DriverVector]


class FrameBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A frame in hexadecimal; white space is allowed."""

    hex: Annotated[str, Meta(max_length=8192)]


class FrameTrace(Struct, frozen=True):
    """A frame, field by field."""

    driver: str
    length: int
    fields: list[TracedField]


def identity_of(deps: ApiDeps, driver: str, tenant_id: TenantId) -> DriverIdentity | None:
    """Medium and kind of a driver; None where the catalogue has no such, or it is another utility's page."""
    pages = deps.drivers.pages(tenant_id)
    return next(
        (DriverIdentity(page.medium, page.kind, page.unit_exponent) for page in pages if page.name == driver), None
    )


@get("/products", operation_id="list_products", tags=["fleet"], opt=may(Permission.SEE_PRODUCTS))
async def list_products(request: Request[Any, Any, Any], limit: Limit = 50, cursor: Cursor = None) -> Page[Product]:
    """Products of the tenant."""
    after = after_id("products", cursor) or 0
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        rows = await work[ProductStore].page(limit + 1, min(after, 2**31 - 1))
    return page("products", rows, limit, lambda product: product.product_id)


@get("/products/{product_id:int}", operation_id="read_product", tags=["fleet"], opt=may(Permission.SEE_PRODUCTS))
async def read_product(request: Request[Any, Any, Any], product_id: Id32) -> Product:
    """One product."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        found = await work[ProductStore].get(ProductId(product_id))
    if found is None:
        raise Problem("not-found")
    return found


@post("/products", operation_id="add_product", tags=["fleet"], opt=may(Permission.MANAGE_PRODUCTS))
async def add_product(request: Request[Any, Any, Any], data: JSONBody[NewProduct]) -> Product:
    """Add a product; its driver must be in the catalogue."""
    deps = deps_of(request)
    return await change_products.add_product(
        deps.store,
        actor_of(request),
        data,
        lambda driver: identity_of(deps, driver, actor_of(request).tenant_id),
        lambda driver, settings, qmax: check_product(deps.command_drivers, driver, settings, qmax),
    )


@patch("/products/{product_id:int}", operation_id="change_product", tags=["fleet"], opt=may(Permission.MANAGE_PRODUCTS))
async def change_product(request: Request[Any, Any, Any], product_id: Id32, data: JSONBody[ProductChange]) -> Product:
    """Change a product; the next message is read with it."""
    deps = deps_of(request)
    return await change_products.change_product(
        deps.store,
        actor_of(request),
        ProductId(product_id),
        changes(data),
        lambda driver: identity_of(deps, driver, actor_of(request).tenant_id),
        lambda driver, settings, qmax: check_product(deps.command_drivers, driver, settings, qmax),
        today_of(deps, actor_of(request)),
    )


def _driver_of(request: Request[Any, Any, Any], maker: str, model: str) -> str:
    """The driver's name. Another utility's page is none: its example frames name its meters."""
    name = f"{maker}/{model}"
    if not deps_of(request).drivers.is_open_to(name, actor_of(request).tenant_id):
        raise Problem("not-found")
    return name


@get("/drivers", operation_id="list_drivers", tags=["drivers"], opt=may(Permission.SEE_PRODUCTS))
async def list_drivers(request: Request[Any, Any, Any]) -> DriverList:
    """The driver catalogue."""
    return DriverList(deps_of(request).drivers.pages(actor_of(request).tenant_id))


@get("/drivers/{maker:str}/{model:str}", operation_id="read_driver", tags=["drivers"], opt=may(Permission.SEE_PRODUCTS))
async def read_driver(request: Request[Any, Any, Any], maker: PathWord, model: PathWord) -> DriverPage:
    """One driver; its name is ``maker/model``."""
    for found in deps_of(request).drivers.pages(actor_of(request).tenant_id):
        if found.name == f"{maker}/{model}":
            return found
    raise Problem("not-found")


@get(
    "/drivers/{maker:str}/{model:str}/vectors",
    operation_id="list_driver_vectors",
    tags=["drivers"],
    opt=may(Permission.SEE_PRODUCTS),
)
async def list_driver_vectors(request: Request[Any, Any, Any], maker: PathWord, model: PathWord) -> VectorList:
    """Example frames of a driver with what they mean."""
    found = deps_of(request).drivers.vectors(_driver_of(request, maker, model))
    if found is None:
        raise Problem("not-found")
    return VectorList(found)


@get(
    "/drivers/{maker:str}/{model:str}/fault-codes",
    operation_id="list_driver_faults",
    tags=["drivers"],
    opt=may(Permission.SEE_PRODUCTS),
)
async def list_driver_faults(request: Request[Any, Any, Any], maker: PathWord, model: PathWord) -> list[DriverFault]:
    """The maker's fault codes of a driver page: code, meaning and act in both languages, by the event that they raise."""
    found = deps_of(request).drivers.fault_codes(_driver_of(request, maker, model))
    if found is None:
        raise Problem("not-found")
    return found


@get(
    "/drivers/{maker:str}/{model:str}/layout",
    operation_id="read_driver_layout",
    tags=["drivers"],
    opt=may(Permission.SEE_PRODUCTS),
)
async def read_driver_layout(request: Request[Any, Any, Any], maker: PathWord, model: PathWord) -> DriverLayout:
    """A driver's messages field by field, and the points it gives."""
    found = deps_of(request).drivers.layout(_driver_of(request, maker, model))
    if found is None:
        raise Problem("not-found")
    return found


@post(
    "/drivers/{maker:str}/{model:str}/explain",
    operation_id="explain_frame",
    status_code=200,
    tags=["drivers"],
    opt=may(Permission.SEE_PRODUCTS),
)
async def explain_frame(
    request: Request[Any, Any, Any], maker: PathWord, model: PathWord, data: JSONBody[FrameBody]
) -> FrameTrace:
    """A frame field by field, also a broken one as far as it can be read. Changes nothing."""
    name, payload = _driver_of(request, maker, model), hex_bytes(data.hex, "hex")
    fields = deps_of(request).drivers.explain(name, payload)
    if fields is None:
        raise Problem("not-found")
    return FrameTrace(driver=name, length=len(payload), fields=fields)


HANDLERS: list[Any] = [
    list_products,
    read_product,
    add_product,
    change_product,
    list_drivers,
    read_driver,
    list_driver_vectors,
    list_driver_faults,
    read_driver_layout,
    explain_frame,
]
