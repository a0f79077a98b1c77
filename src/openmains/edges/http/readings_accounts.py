# SPDX-License-Identifier: Apache-2.0
"""Volume of an account by day, across exchanges of its meters (R8.2)."""

from typing import Any

from litestar import Request, get

from openmains.app.readings.accounts import AccountVolume, account_volume
from openmains.domain.identity.permission import Permission
from openmains.domain.ids import AccountId
from openmains.domain.period import zone
from openmains.edges.http.bulk_inputs import First, Last, bulk_of, days_of
from openmains.edges.http.deps import actor_of, deps_of
from openmains.edges.http.inputs import Id
from openmains.edges.http.permissions import may
from openmains.edges.http.readings import exponents_of, store_of


@get(
    "/accounts/{account_id:int}/volume",
    operation_id="read_account_volume",
    tags=["readings"],
    opt=may(Permission.SEE_READINGS),
)
async def read_account_volume(
    request: Request[Any, Any, Any], account_id: Id, first: First, last: Last
) -> AccountVolume:
    """Days of an account and their sum, a year at the most: whole across an exchange, each meter counted by its own registers."""
    deps, actor = deps_of(request), actor_of(request)
    left, right = days_of(first, last)
    return await account_volume(
        deps.store, store_of(deps), bulk_of(deps), actor.tenant_id, AccountId(account_id), left, right, zone(actor.zone), deps.now_s(),
        exponents_of(deps),
    )  # fmt: skip


HANDLERS: list[Any] = [read_account_volume]
