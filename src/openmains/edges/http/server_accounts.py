# SPDX-License-Identifier: Apache-2.0
"""Accounts that are charged at the server, and what is deducted from them day by day."""

from datetime import date
from typing import Annotated, Any

from litestar import Request, get, post
from litestar.params import JSONBody, QueryParameter
from msgspec import Meta, Struct

from openmains.app.billing.charge_at_server import charge_at_server, end_server_charging
from openmains.app.billing.server_model import DeductedDay, ServerAccount
from openmains.app.billing.server_ports import ServerAccountStore
from openmains.domain.identity.permission import Permission
from openmains.domain.ledger.prepaid import BalanceStage
from openmains.domain.period import date_to_day
from openmains.edges.http.deps import actor_of, deps_of, today_number
from openmains.edges.http.inputs import Cursor, Id, Limit, OptionalId, Page, ReasonText, after_id, after_pair, page
from openmains.edges.http.permissions import may

MOST_FEN = 10**11
AccountIds = Annotated[list[Annotated[int, Meta(ge=1, le=2**63 - 1)]], Meta(min_length=1, max_length=500)]


class ServerCharging(Struct, frozen=True, forbid_unknown_fields=True):
    """``since_day``: the first day that is deducted, within 31 days of today; ``warn_fen``: below this balance the customer is warned;
    ``limit_fen``: how far below 0 the balance may be."""

    account_ids: AccountIds
    since_day: date
    warn_fen: Annotated[int, Meta(ge=-MOST_FEN, le=MOST_FEN)]
    limit_fen: Annotated[int, Meta(ge=0, le=MOST_FEN)] = 0
    reason: ReasonText = ""


class ServerChargingEnd(Struct, frozen=True, forbid_unknown_fields=True):
    """Accounts of which no day from today on is deducted."""

    account_ids: AccountIds
    reason: ReasonText = ""


class ChargedCount(Struct, frozen=True):
    """How many accounts changed."""

    accounts: int


@get("/server-accounts", operation_id="list_server_accounts", tags=["billing"], opt=may(Permission.SEE_MONEY))
async def list_server_accounts(
    request: Request[Any, Any, Any],
    account_id: OptionalId = None,
    stage: Annotated[BalanceStage | None, QueryParameter()] = None,
    in_doubt: Annotated[
        bool, QueryParameter(description="Only those of which a day is not deducted, for a doubt.")
    ] = False,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[ServerAccount]:
    """Accounts that are, or were, charged at the server, with their balances and the newest day that was deducted; by account."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        rows = await work[ServerAccountStore].page(
            limit + 1, after_id("server-accounts", cursor), account_id=account_id, stage=stage, in_doubt=in_doubt
        )
    return page("server-accounts", rows, limit, lambda one: one.account_id)


@post(
    "/server-accounts",
    operation_id="charge_at_server",
    status_code=200,
    tags=["billing"],
    opt=may(Permission.RUN_BILLING),
)
async def charge_accounts_at_server(request: Request[Any, Any, Any], data: JSONBody[ServerCharging]) -> ChargedCount:
    """From a day on each day that is read is deducted from the balance of these accounts, by their tariff. Of those that are charged so already
    only the levels change."""
    deps = deps_of(request)
    return ChargedCount(
        await charge_at_server(
            deps.store, actor_of(request), data.account_ids, data.since_day, data.warn_fen, data.limit_fen, data.reason,
            today_number(request), deps.now_us(),
        )
    )  # fmt: skip


@post(
    "/server-accounts/end",
    operation_id="end_server_charging",
    status_code=200,
    tags=["billing"],
    opt=may(Permission.RUN_BILLING),
)
async def end_accounts_at_server(request: Request[Any, Any, Any], data: JSONBody[ServerChargingEnd]) -> ChargedCount:
    """No day from today on is deducted; what was deducted stays until the next bill takes its place."""
    deps = deps_of(request)
    return ChargedCount(
        await end_server_charging(
            deps.store, actor_of(request), data.account_ids, data.reason, today_number(request), deps.now_us()
        )
    )


def _place(one: DeductedDay) -> tuple[int, int]:
    return date_to_day(date.fromisoformat(one.day)), one.version


@get(
    "/accounts/{account_id:int}/deductions",
    operation_id="list_deductions",
    tags=["billing"],
    opt=may(Permission.SEE_MONEY),
)
async def list_deductions(
    request: Request[Any, Any, Any], account_id: Id, limit: Limit = 50, cursor: Cursor = None
) -> Page[DeductedDay]:
    """What was deducted from an account by day and version, newest days first. A corrected day has its next version, the difference."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        rows = await work[ServerAccountStore].days(account_id, limit + 1, after_pair("deductions", cursor))
    return page("deductions", rows, limit, _place)


HANDLERS: list[Any] = [list_server_accounts, charge_accounts_at_server, end_accounts_at_server, list_deductions]
