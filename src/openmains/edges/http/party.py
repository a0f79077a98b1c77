# SPDX-License-Identifier: Apache-2.0
"""Customers and their contacts. Personal data comes in clear and goes out masked; one value is seen in clear by who says why."""

from typing import Annotated, Any

from litestar import Request, Response, delete, get, patch, post
from litestar.params import FromQuery, JSONBody, QueryParameter

from openmains.app.paging import decode_cursor
from openmains.app.party import customers
from openmains.app.party.customer_model import (
    CustomerChange,
    CustomerDetail,
    CustomerFilter,
    CustomerSort,
    NewContact,
    NewCustomer,
    PartyCustomer,
    PersonalRequest,
    PersonalValue,
)
from openmains.app.party.personal import PersonalVault
from openmains.app.problems import Problem
from openmains.domain.identity.permission import Permission
from openmains.domain.ids import AreaId, ContactId, CustomerId
from openmains.domain.tariff.plan import CustomerClass
from openmains.edges.http.deps import ApiDeps, actor_of, deps_of
from openmains.edges.http.inputs import (
    Cursor,
    Id,
    IfMatch,
    Key,
    Limit,
    OptionalId32,
    Page,
    WhyQuery,
    changes,
    optional,
    page,
    revision_of,
)
from openmains.edges.http.permissions import may


def vault_of(deps: ApiDeps) -> PersonalVault:
    """Raises ``not-offered`` where the deployment has none."""
    if deps.personal is None:
        raise Problem("not-offered")
    return deps.personal


def _told(made: CustomerDetail, status: int = 200) -> Response[CustomerDetail]:
    return Response(made, status_code=status, headers={"ETag": f'"{made.revision}"'})


@get("/customers", operation_id="list_customers", tags=["parties"], opt=may(Permission.SEE_CUSTOMERS))
async def list_customers(
    request: Request[Any, Any, Any],
    q: Annotated[
        str | None,
        QueryParameter(
            min_length=1,
            max_length=64,
            description="Parts of code, name, address, contact or account number; or a whole phone, identity number or bank account.",
        ),
    ] = None,
    area_id: OptionalId32 = None,
    customer_class: Annotated[CustomerClass | None, QueryParameter()] = None,
    sort: FromQuery[CustomerSort] = "customer_id",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[PartyCustomer]:
    """Customers with masked phones; an area: who holds an account there or below. Who looks at more than a hundred is in the audit log. Hits of
    a search come as they were entered: ``sort`` does not go with ``q``."""
    deps, actor = deps_of(request), actor_of(request)
    if q is not None and sort != "customer_id":
        raise Problem("invalid-input", fields=(("/sort", "not-with-search"),))
    scope = f"customers {sort}"
    after = decode_cursor(scope, cursor, tuple[Key, str, Key])
    seen = after[2] if after else 0
    chosen = CustomerFilter(
        optional(AreaId, area_id), customer_class, limit=limit + 1, after=after[:2] if after else None, sort=sort
    )
    rows = await customers.list_customers(deps.store, vault_of(deps), actor, chosen, q, seen)
    return page(scope, rows, limit, lambda row: (row.customer_id, row.code, seen + limit))


@get("/customers/{customer_id:int}", operation_id="read_customer", tags=["parties"], opt=may(Permission.SEE_CUSTOMERS))
async def read_customer(request: Request[Any, Any, Any], customer_id: Id) -> Response[CustomerDetail]:
    """One customer with contacts and accounts, those of the past too; the ETag is for the next change."""
    deps = deps_of(request)
    return _told(await customers.read_customer(deps.store, vault_of(deps), actor_of(request), CustomerId(customer_id)))


@post("/customers", operation_id="add_customer", tags=["parties"], opt=may(Permission.MANAGE_CUSTOMERS))
async def add_customer(request: Request[Any, Any, Any], data: JSONBody[NewCustomer]) -> Response[CustomerDetail]:
    """Add a customer."""
    deps = deps_of(request)
    return _told(await customers.add_customer(deps.store, vault_of(deps), actor_of(request), data), 201)


@patch(
    "/customers/{customer_id:int}",
    operation_id="change_customer",
    tags=["parties"],
    opt=may(Permission.MANAGE_CUSTOMERS),
)
async def change_customer(
    request: Request[Any, Any, Any], customer_id: Id, data: JSONBody[CustomerChange], if_match: IfMatch = None
) -> Response[CustomerDetail]:
    """Change what is known of a customer."""
    deps, revision = deps_of(request), revision_of(if_match)
    return _told(
        await customers.change_customer(
            deps.store, vault_of(deps), actor_of(request), CustomerId(customer_id), revision, changes(data)
        )
    )


@post(
    "/customers/{customer_id:int}/contacts",
    operation_id="add_contact",
    tags=["parties"],
    opt=may(Permission.MANAGE_CUSTOMERS),
)
async def add_contact(
    request: Request[Any, Any, Any], customer_id: Id, data: JSONBody[NewContact]
) -> Response[CustomerDetail]:
    """Add a person to speak with."""
    deps = deps_of(request)
    return _told(
        await customers.add_contact(deps.store, vault_of(deps), actor_of(request), CustomerId(customer_id), data), 201
    )


@delete(
    "/customers/{customer_id:int}/contacts/{contact_id:int}",
    operation_id="remove_contact",
    status_code=200,
    tags=["parties"],
    opt=may(Permission.MANAGE_CUSTOMERS),
)
async def remove_contact(
    request: Request[Any, Any, Any], customer_id: Id, contact_id: Id, reason: WhyQuery = ""
) -> Response[CustomerDetail]:
    """Remove a contact and its phone for good."""
    deps, actor = deps_of(request), actor_of(request)
    return _told(
        await customers.remove_contact(
            deps.store, vault_of(deps), actor, CustomerId(customer_id), ContactId(contact_id), reason
        )
    )


@post(
    "/customers/{customer_id:int}/personal",
    operation_id="see_personal",
    status_code=200,
    tags=["parties"],
    opt=may(Permission.SEE_PERSONAL),
)
async def see_personal(
    request: Request[Any, Any, Any], customer_id: Id, data: JSONBody[PersonalRequest]
) -> PersonalValue:
    """One value in clear, for a reason; each look is in the audit log."""
    deps = deps_of(request)
    return await customers.see_personal(deps.store, vault_of(deps), actor_of(request), CustomerId(customer_id), data)


HANDLERS: list[Any] = [
    list_customers,
    read_customer,
    add_customer,
    change_customer,
    add_contact,
    remove_contact,
    see_personal,
]
