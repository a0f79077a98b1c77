# SPDX-License-Identifier: Apache-2.0
"""LwM2M objects of a meter: what it registered, and operations on it while it is awake."""

from typing import Any

from litestar import Request, get, post
from litestar.params import JSONBody

from openmains.app.command.device_management import operations as operate
from openmains.app.command.device_management.model import (
    MeterObjects,
    MeterOperation,
    ObjectDefinition,
    OperationResult,
)
from openmains.app.problems import Problem
from openmains.domain.identity.permission import Permission
from openmains.domain.ids import MeterId
from openmains.edges.http.deps import ApiDeps, actor_of, deps_of
from openmains.edges.http.inputs import Id
from openmains.edges.http.permissions import may

TAGS = ["lwm2m"]


def _link(deps: ApiDeps) -> operate.MeterLink:
    if deps.meter_link is None:
        raise Problem("not-offered")
    return deps.meter_link


@get(
    "/lwm2m/objects",
    operation_id="list_lwm2m_objects",
    tags=TAGS,
    sync_to_thread=False,
    opt=may(Permission.SEE_PRODUCTS),
)
def list_lwm2m_objects() -> list[ObjectDefinition]:
    """All objects and resources that the platform knows, with their names."""
    return operate.known_objects()


@get("/meters/{meter_id:int}/objects", operation_id="read_meter_objects", tags=TAGS, opt=may(Permission.SEE_FRAMES))
async def read_meter_objects(request: Request[Any, Any, Any], meter_id: Id) -> MeterObjects:
    """What the meter registered and what is observed there; the meter itself is not asked."""
    deps = deps_of(request)
    return await operate.registered_objects(deps.store, _link(deps), actor_of(request), MeterId(meter_id))


# Reading needs the operator too: each question costs a meter's battery.
@post(
    "/meters/{meter_id:int}/operations",
    operation_id="operate_meter",
    status_code=200,
    tags=TAGS,
    opt=may(Permission.OPERATE_METERS),
)
async def operate_meter(
    request: Request[Any, Any, Any], meter_id: Id, data: JSONBody[MeterOperation]
) -> OperationResult:
    """Read, discover, write, execute, observe or cancel now; the answer is the meter's. A sleeping meter is a problem.

    What acts on valve, money, price, register, program or accounts is refused: it goes as a signed command.
    """
    deps = deps_of(request)
    return await operate.operate(deps.store, _link(deps), actor_of(request), MeterId(meter_id), data, deps.now_us)


HANDLERS: list[Any] = [list_lwm2m_objects, read_meter_objects, operate_meter]
