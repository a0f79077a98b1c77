# SPDX-License-Identifier: Apache-2.0
"""Parameters of gateways, read and set from afar (R5.5): commands with the life that every command has."""

from typing import Annotated, Any

from litestar import Request, get, post
from litestar.params import JSONBody, QueryParameter

from openmains.app.command.gateways.give import (
    approve_gateway_command,
    cancel_gateway_command,
    gateway_parameters,
    give_gateway_command,
    reject_gateway_command,
)
from openmains.app.command.gateways.model import (
    GatewayCommandDetail,
    GatewayCommandInfo,
    GatewayParameters,
    NewGatewayCommand,
)
from openmains.app.command.gateways.ports import GatewayCommandStore
from openmains.app.problems import Problem
from openmains.domain.identity.permission import Permission
from openmains.edges.http.command import command_parts
from openmains.edges.http.deps import actor_of, deps_of
from openmains.edges.http.inputs import Cursor, Id, Limit, Page, Reason, after_id, page
from openmains.edges.http.permissions import may

Gateway = Annotated[int | None, QueryParameter(ge=1, le=2**63 - 1, description="Of this gateway alone.")]
_SCOPE = "gateway-commands"


@get(
    "/network/nodes/{concentrator_id:int}/parameters",
    operation_id="read_gateway_parameters",
    tags=["network"],
    opt=may(Permission.SEE_METERS),
)
async def read_gateway_parameters(request: Request[Any, Any, Any], concentrator_id: Id) -> GatewayParameters:
    """What of a gateway can be set from afar, within which bounds, and by what it goes as it said last."""
    return await gateway_parameters(deps_of(request).store, actor_of(request), concentrator_id)


@post(
    "/network/nodes/{concentrator_id:int}/commands",
    operation_id="give_gateway_command",
    tags=["network"],
    opt=may(Permission.MANAGE_CONCENTRATORS),
)
async def give_to_gateway(
    request: Request[Any, Any, Any], concentrator_id: Id, data: JSONBody[NewGatewayCommand]
) -> GatewayCommandDetail:
    """Set some of a gateway's parameters, or have it say all of them. It is confirmed by what the gateway then goes by. What makes its meters
    join anew waits for a second person."""
    deps = deps_of(request)
    switch, _ = command_parts(deps)
    return await give_gateway_command(deps.store, switch, actor_of(request), concentrator_id, data, deps.now_us())


@get("/network/commands", operation_id="list_gateway_commands", tags=["network"], opt=may(Permission.SEE_METERS))
async def list_gateway_commands(
    request: Request[Any, Any, Any],
    concentrator_id: Gateway = None,
    waiting: Annotated[bool, QueryParameter(description="Only those that wait for a second person.")] = False,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[GatewayCommandInfo]:
    """Commands to gateways, newest first."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        rows = await work[GatewayCommandStore].page(
            limit + 1, after_id(_SCOPE, cursor), concentrator_id, waiting=waiting
        )
    return page(_SCOPE, rows, limit, lambda row: row.command_id)


@get(
    "/network/commands/{command_id:int}",
    operation_id="read_gateway_command",
    tags=["network"],
    opt=may(Permission.SEE_METERS),
)
async def read_gateway_command(request: Request[Any, Any, Any], command_id: Id) -> GatewayCommandDetail:
    """One, with its history."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        found = await work[GatewayCommandStore].get(command_id)
    if found is None:
        raise Problem("not-found")
    return found


@post(
    "/network/commands/{command_id:int}/approve",
    operation_id="approve_gateway_command",
    status_code=200,
    tags=["network"],
    opt=may(Permission.APPROVE_COMMANDS),
)
async def approve_for_gateway(request: Request[Any, Any, Any], command_id: Id) -> GatewayCommandDetail:
    """The second person agrees; never who gave it."""
    deps = deps_of(request)
    return await approve_gateway_command(deps.store, actor_of(request), command_id, deps.now_us())


@post(
    "/network/commands/{command_id:int}/reject",
    operation_id="reject_gateway_command",
    status_code=200,
    tags=["network"],
    opt=may(Permission.APPROVE_COMMANDS),
)
async def reject_for_gateway(
    request: Request[Any, Any, Any], command_id: Id, data: JSONBody[Reason]
) -> GatewayCommandDetail:
    """The second person does not agree, and says why."""
    deps = deps_of(request)
    return await reject_gateway_command(deps.store, actor_of(request), command_id, data.reason, deps.now_us())


@post(
    "/network/commands/{command_id:int}/cancel",
    operation_id="cancel_gateway_command",
    status_code=200,
    tags=["network"],
    opt=may(Permission.MANAGE_CONCENTRATORS),
)
async def cancel_for_gateway(
    request: Request[Any, Any, Any], command_id: Id, data: JSONBody[Reason]
) -> GatewayCommandDetail:
    """Call off what was not sent yet."""
    deps = deps_of(request)
    return await cancel_gateway_command(deps.store, actor_of(request), command_id, data.reason, deps.now_us())


HANDLERS = (
    read_gateway_parameters,
    give_to_gateway,
    list_gateway_commands,
    read_gateway_command,
    approve_for_gateway,
    reject_for_gateway,
    cancel_for_gateway,
)
