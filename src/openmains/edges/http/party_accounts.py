# SPDX-License-Identifier: Apache-2.0
"""Accounts (户号): lists, history, opening, and what becomes of them."""

from typing import Annotated, Any

from litestar import Request, get, post
from litestar.params import FromQuery, JSONBody, QueryParameter
from msgspec import Struct, structs

from openmains.app.paging import decode_cursor
from openmains.app.party import act_on_accounts, change_accounts
from openmains.app.party.customers import note_seen
from openmains.app.party.model import Account, AccountFilter, AccountSort, Holder, NewAccount, RecordedAct, WantedAct
from openmains.app.party.ports import AccountStore
from openmains.domain.identity.permission import Permission
from openmains.domain.ids import AccountId, AreaId, CustomerId, PremisesId
from openmains.edges.http.deps import actor_of, deps_of
from openmains.edges.http.inputs import Cursor, Id, Key, Limit, OptionalId, OptionalId32, Page, optional, page
from openmains.edges.http.permissions import may


class AccountDetail(Account, frozen=True, kw_only=True):
    """An account with who held it when, and all that was done with it."""

    holders: list[Holder]
    history: list[RecordedAct]


class ActOutcome(Struct, frozen=True):
    """Accounts as they are after an act: the one it was asked of, and the other of a split or merge."""

    items: list[Account]


@get("/accounts", operation_id="list_accounts", tags=["parties"], opt=may(Permission.SEE_CUSTOMERS))
async def list_accounts(
    request: Request[Any, Any, Any],
    area_id: OptionalId32 = None,
    premises_id: OptionalId = None,
    customer_id: OptionalId = None,
    past: Annotated[bool, QueryParameter(description="With ``customer_id``: also what was held before.")] = False,
    number: Annotated[
        str | None, QueryParameter(min_length=1, max_length=64, description="How the number begins.")
    ] = None,
    sort: FromQuery[AccountSort] = "account_id",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[Account]:
    """Accounts; an area includes the areas below it. Who looks at more than a hundred is in the audit log."""
    deps, actor = deps_of(request), actor_of(request)
    scope = f"accounts {sort}"
    after = decode_cursor(scope, cursor, tuple[Key, str, Key])
    seen = after[2] if after else 0
    chosen = AccountFilter(
        optional(AreaId, area_id),
        optional(PremisesId, premises_id),
        optional(CustomerId, customer_id),
        number,
        past,
        limit + 1,
        None if after is None else after[0] if sort == "account_id" else after[1],
        sort,
    )
    async with deps.store.tenant(actor.tenant_id) as work:
        rows = await work[AccountStore].page(chosen)
        said = {"area_id": area_id, "premises_id": premises_id, "customer_id": customer_id, "number": number}
        await note_seen(work, actor, "account", seen, min(len(rows), limit), said)
    return page(scope, rows, limit, lambda row: (row.account_id, row.number, seen + limit))


@get("/accounts/{account_id:int}", operation_id="read_account", tags=["parties"], opt=may(Permission.SEE_CUSTOMERS))
async def read_account(request: Request[Any, Any, Any], account_id: Id) -> AccountDetail:
    """One account with its holders and its history."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        found = await act_on_accounts.present(work, AccountId(account_id))
        holders = await work[AccountStore].holders(found.account_id)
        history = await work[AccountStore].history(found.account_id)
    return AccountDetail(**structs.asdict(found), holders=holders, history=history)


@post("/accounts", operation_id="open_account", tags=["parties"], opt=may(Permission.MANAGE_CUSTOMERS))
async def open_account(request: Request[Any, Any, Any], data: JSONBody[NewAccount]) -> Account:
    """Open an account; the same key again changes nothing."""
    deps = deps_of(request)
    return await act_on_accounts.open_account(deps.store, actor_of(request), data, deps.now_us())


@post(
    "/accounts/{account_id:int}/acts",
    operation_id="act_on_account",
    tags=["parties"],
    opt=may(Permission.MANAGE_CUSTOMERS),
)
async def act_on_account(request: Request[Any, Any, Any], account_id: Id, data: JSONBody[WantedAct]) -> ActOutcome:
    """Move-in, move-out, transfer, split, merge or close; for a reason, and once for a key."""
    deps = deps_of(request)
    made = await change_accounts.change_account(
        deps.store, actor_of(request), AccountId(account_id), data, deps.now_us()
    )
    return ActOutcome(made)


HANDLERS: list[Any] = [list_accounts, read_account, open_account, act_on_account]
