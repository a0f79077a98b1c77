# SPDX-License-Identifier: Apache-2.0
"""What holds for all of a utility's commands: times of kinds, share and office hours, the stop switch."""

from typing import Annotated, Any

from litestar import Request, get, post, put
from litestar.params import JSONBody
from msgspec import Meta, Struct

from openmains.app.command import set_policy
from openmains.app.command.give import resume_commands, stop_commands
from openmains.app.command.model import CommandPolicy, SettingTimes, Stop
from openmains.app.command.plan_ports import NetworkCapacity, PlanStore
from openmains.app.command.ports import CommandStore, StopSwitch
from openmains.app.identity.model import Actor
from openmains.domain.identity.permission import Permission
from openmains.edges.http.command import ApprovalOf, command_parts
from openmains.edges.http.deps import actor_of, deps_of
from openmains.edges.http.inputs import Reason, WhyQuery
from openmains.edges.http.permissions import may


class CellCapacities(Struct, frozen=True):
    """``default`` holds where no line's network fits."""

    lines: list[NetworkCapacity]
    default: NetworkCapacity


class StopState(Struct, frozen=True):
    """Whether this utility's commands are stopped, and by whom."""

    stopped: bool
    stop: Stop | None


@get("/command-times", operation_id="list_command_times", tags=["commands"], opt=may(Permission.SEE_COMMANDS))
async def list_command_times(request: Request[Any, Any, Any]) -> list[SettingTimes]:
    """Times of kinds that this utility, or one of its products, sets for itself."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        return await work[CommandStore].times()


@put("/command-times", operation_id="set_command_times", tags=["commands"], opt=may(Permission.MANAGE_COMMANDS))
async def set_command_times(
    request: Request[Any, Any, Any], data: JSONBody[SettingTimes], reason: WhyQuery = ""
) -> SettingTimes:
    """Set validity, attempts and pause of a kind; null as in the table of kinds. Not for commands already given."""
    await set_policy.set_times(deps_of(request).store, actor_of(request), data, reason)
    return data


@get("/command-policy", operation_id="read_command_policy", tags=["commands"], opt=may(Permission.SEE_COMMANDS))
async def read_command_policy(request: Request[Any, Any, Any]) -> CommandPolicy:
    """This utility's share of meters that batches may configure in a day, and its office hours."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        return await work[CommandStore].policy()


@put("/command-policy", operation_id="set_command_policy", tags=["commands"], opt=may(Permission.MANAGE_COMMANDS))
async def set_command_policy(
    request: Request[Any, Any, Any], data: JSONBody[CommandPolicy], reason: WhyQuery = ""
) -> CommandPolicy:
    """Set both; what is not given is as at the start. Out of office hours a closing needs a second person."""
    await set_policy.set_policy(deps_of(request).store, actor_of(request), data, reason)
    return data


@get("/cell-capacities", operation_id="list_cell_capacities", tags=["commands"], opt=may(Permission.SEE_COMMANDS))
async def list_cell_capacities(request: Request[Any, Any, Any]) -> CellCapacities:
    """What this utility says that radio cells carry, and what holds for networks of which it says nothing."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        return CellCapacities(await work[PlanStore].capacities(), NetworkCapacity())


@put("/cell-capacities", operation_id="set_cell_capacities", tags=["commands"], opt=may(Permission.MANAGE_COMMANDS))
async def set_cell_capacities(
    request: Request[Any, Any, Any], data: JSONBody[Annotated[list[NetworkCapacity], Meta(max_length=100)]]
) -> CellCapacities:
    """Say it anew, by network and coverage class; all lines at once. It limits report plans and what goes down (R2.2, R2.3)."""
    await set_policy.set_capacities(deps_of(request).store, actor_of(request), data)
    return CellCapacities(data, NetworkCapacity())


@get("/command-stop", operation_id="read_command_stop", tags=["commands"], opt=may(Permission.SEE_COMMANDS))
async def read_command_stop(request: Request[Any, Any, Any]) -> StopState:
    """Whether commands are stopped."""
    switch, _ = command_parts(deps_of(request))
    return _stop_state(switch, actor_of(request))


def _stop_state(switch: StopSwitch, actor: Actor) -> StopState:
    return StopState(switch.stopped(actor.tenant_id), switch.standing(actor.tenant_id))


@post(
    "/command-stop", operation_id="stop_commands", status_code=200, tags=["commands"], opt=may(Permission.STOP_COMMANDS)
)
async def stop_all_commands(request: Request[Any, Any, Any], data: JSONBody[Reason]) -> StopState:
    """Stop all commands of this utility at once: nothing is signed, nothing goes out."""
    deps, actor = deps_of(request), actor_of(request)
    switch, _ = command_parts(deps)
    await stop_commands(deps.store, switch, actor, data.reason)
    return _stop_state(switch, actor)


@post(
    "/command-stop/resume",
    operation_id="resume_commands",
    status_code=200,
    tags=["commands"],
    opt=may(Permission.MANAGE_COMMANDS),
)
async def resume_all_commands(request: Request[Any, Any, Any], data: JSONBody[ApprovalOf]) -> StopState:
    """End the stop, with an approver's sign-in at the signer. The platform's own stop ends at the machine only."""
    deps, actor = deps_of(request), actor_of(request)
    switch, _ = command_parts(deps)
    await resume_commands(deps.store, deps.signer, actor, data.signer)
    return _stop_state(switch, actor)


HANDLERS: list[Any] = [
    list_command_times,
    set_command_times,
    read_command_policy,
    set_command_policy,
    list_cell_capacities,
    set_cell_capacities,
    read_command_stop,
    stop_all_commands,
    resume_all_commands,
]
