# SPDX-License-Identifier: Apache-2.0
"""What the signer's rules rest on: where the registry differs from what persons signed, and the act that signs it."""

from typing import Any

from litestar import Request, get, post
from litestar.params import FromQuery, JSONBody

from openmains.app.command.sign_facts import FactsResult, NewFacts, list_facts, sign_new_facts
from openmains.app.command.signing_ports import FactsSummary
from openmains.domain.identity.permission import Permission
from openmains.domain.ids import MeterId
from openmains.edges.http.deps import actor_of, deps_of
from openmains.edges.http.inputs import OptionalId
from openmains.edges.http.permissions import may


@get(
    "/signed-facts",
    operation_id="list_unsigned_facts",
    tags=["commands"],
    opt=may(Permission.GIVE_COMMANDS, whole=True),
)
async def list_unsigned_facts(
    request: Request[Any, Any, Any], new_only: FromQuery[bool] = False, meter_id: OptionalId = None
) -> FactsSummary:
    """Where the registry differs from the signer's copies: of which meter, which fact, both values. The stricter of both holds meanwhile;
    a meter without a copy is not closed."""
    chosen = [] if meter_id is None else [MeterId(meter_id)]
    return await list_facts(deps_of(request).signer, actor_of(request), new_only=new_only, meter_ids=chosen)


@post(
    "/signed-facts",
    operation_id="sign_facts",
    status_code=200,
    tags=["commands"],
    opt=may(Permission.GIVE_COMMANDS, whole=True),
)
async def sign_the_facts(request: Request[Any, Any, Any], data: JSONBody[NewFacts]) -> FactsResult:
    """Sign exactly the list of this hash, with a sign-in at the signer; a second person's too where it loosens a rule or brings more than
    20 new meters."""
    deps = deps_of(request)
    return await sign_new_facts(deps.store, deps.signer, actor_of(request), data)


HANDLERS: list[Any] = [list_unsigned_facts, sign_the_facts]
