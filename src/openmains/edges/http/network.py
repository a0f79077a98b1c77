# SPDX-License-Identifier: Apache-2.0
"""Network management (R5.5): the topology, one node with its days and its log, names and places."""

from typing import Annotated, Any

from litestar import Request, get, put
from litestar.params import JSONBody, QueryParameter

from openmains.app.network.history import history
from openmains.app.network.model import NetworkEvent, NetworkHistory, NetworkNode, NetworkPlace, Topology
from openmains.app.network.ports import NetworkStore
from openmains.app.network.set_place import set_place
from openmains.app.problems import Problem
from openmains.domain.identity.permission import Permission
from openmains.domain.period import utc_of_us, zone
from openmains.edges.http.deps import actor_of, deps_of
from openmains.edges.http.inputs import Cursor, Id, Limit, OptionalId, Page, after_id, page
from openmains.edges.http.permissions import may

Relay = Annotated[int, QueryParameter(ge=0, le=255, description="A relay's number; 0: none.")]
MeterNumber = Annotated[
    str, QueryParameter(max_length=64, description="A meter's number; empty: none, the gateway itself or the relay.")
]
Days = Annotated[int, QueryParameter(ge=1, le=800, description="How many days back.")]


@get("/network/topology", operation_id="read_topology", tags=["network"], opt=may(Permission.SEE_METERS))
async def read_topology(request: Request[Any, Any, Any]) -> Topology:
    """All gateways, concentrators and operators' platforms with the relays and meters behind them, in columns; where meters are with the
    right to see premises. At most 20,000 meters. Operators' platforms are of the whole utility: not told to people of limited reach."""
    deps, actor = deps_of(request), actor_of(request)
    limited = bool(actor.places or actor.media or actor.products)
    async with deps.store.tenant(actor.tenant_id) as work:
        return await work[NetworkStore].topology(
            utc_of_us(deps.now_us()), placed=actor.may(Permission.SEE_PREMISES), platforms=not limited
        )


@get(
    "/network/nodes/{concentrator_id:int}",
    operation_id="read_network_node",
    tags=["network"],
    opt=may(Permission.SEE_METERS),
)
async def read_network_node(
    request: Request[Any, Any, Any], concentrator_id: Id, relay: Relay = 0, meter: MeterNumber = ""
) -> NetworkNode:
    """A gateway, or a relay or meter of it."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        found = await work[NetworkStore].node(concentrator_id, *_named(relay, meter))
    if found is None:
        raise Problem("not-found")
    return found


@get(
    "/network/nodes/{concentrator_id:int}/days",
    operation_id="read_network_days",
    tags=["network"],
    opt=may(Permission.SEE_METERS),
)
async def read_network_days(
    request: Request[Any, Any, Any], concentrator_id: Id, relay: Relay = 0, meter: MeterNumber = "", days: Days = 90
) -> NetworkHistory:
    """How well it carried day by day, and what that lets expect: a straight line, only where the values bear one."""
    deps, actor = deps_of(request), actor_of(request)
    today = zone(actor.zone).day_of(deps.now_us() // 1_000_000)
    async with deps.store.tenant(actor.tenant_id) as work:
        if await work[NetworkStore].node(concentrator_id, *_named(relay, meter)) is None:
            raise Problem("not-found")
        found = await work[NetworkStore].days(concentrator_id, relay, meter, today - days + 1)
    return history(found, is_gateway=not relay and not meter)


@get("/network/events", operation_id="list_network_events", tags=["network"], opt=may(Permission.SEE_METERS))
async def list_network_events(
    request: Request[Any, Any, Any],
    concentrator_id: OptionalId = None,
    relay: Annotated[int | None, QueryParameter(ge=0, le=255)] = None,
    meter: Annotated[str | None, QueryParameter(max_length=64)] = None,
    faults: Annotated[bool, QueryParameter(description="Only what somebody is to look at.")] = False,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[NetworkEvent]:
    """The network's log, newest first: joins, losses, clocks, power. Kept for 400 days."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        rows = await work[NetworkStore].events(
            limit + 1, after_id("network-events", cursor), concentrator_id=concentrator_id, relay=relay, meter=meter, faults=faults
        )  # fmt: skip
    return page("network-events", rows, limit, lambda row: row.event_id)


@put(
    "/network/nodes/{concentrator_id:int}/place",
    operation_id="place_network_node",
    tags=["network"],
    opt=may(Permission.MANAGE_CONCENTRATORS),
)
async def place_network_node(
    request: Request[Any, Any, Any], concentrator_id: Id, data: JSONBody[NetworkPlace], relay: Relay = 0
) -> NetworkPlace:
    """What a gateway or relay is called and where it stands (WGS-84)."""
    return await set_place(deps_of(request).store, actor_of(request), concentrator_id, relay, data)


def _named(relay: int, meter: str) -> tuple[int, str]:
    if relay and meter:
        raise Problem("invalid-input", fields=(("/relay", "not-accepted"), ("/meter", "not-accepted")))
    return relay, meter


HANDLERS = (read_topology, read_network_node, read_network_days, list_network_events, place_network_node)
