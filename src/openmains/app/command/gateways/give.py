# SPDX-License-Identifier: Apache-2.0
"""Read and set the parameters of a gateway: drafted, agreed to by a second person where meters have to move, called off.

Setting takes a reason. What is out of bounds is refused here, with the bounds; the gateway judges once more, and by what it has: how many
meters, which relays.
"""

from typing import Final

from openmains.app.command.gateways.model import (
    GatewayCommandDetail,
    GatewayParameter,
    GatewayParameters,
    NewGatewayCommand,
)
from openmains.app.command.gateways.ports import GatewayCommandStore, GatewayStanding
from openmains.app.command.gateways.step import moved
from openmains.app.command.gateways.titles import TITLES, bounds
from openmains.app.command.ports import StopSwitch
from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.identity.reason import stated
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store, Work
from openmains.domain.command.life import Event, State
from openmains.domain.period import DAY_S
from openmains.wire.gateway.parameters import PARAMETERS, fault, together

VALIDITY_S: Final = DAY_S
MOST_OPEN: Final = 20  # of one gateway


def needs_second(wanted: NewGatewayCommand) -> bool:
    """Whether meters have to move."""
    return any(PARAMETERS[name].moves_meters for name in wanted.parameters)


async def gateway_parameters(store: Store, actor: Actor, concentrator_id: int) -> GatewayParameters:
    """Raises ``not-found``."""
    async with store.tenant(actor.tenant_id) as work:
        found = await work[GatewayCommandStore].gateway(concentrator_id)
    if found is None:
        raise Problem("not-found")
    listed = [
        GatewayParameter(
            each.name, each.kind, *TITLES[each.name], each.unit, each.low, each.high, each.least, each.most, list(each.words),
            each.moves_meters, found.parameters.get(each.name),
        )
        for each in PARAMETERS.values()
    ]  # fmt: skip
    return GatewayParameters(concentrator_id, found.number, found.reported_at if found.parameters else None, listed)


async def give_gateway_command(
    store: Store, switch: StopSwitch, actor: Actor, concentrator_id: int, wanted: NewGatewayCommand, now_us: int
) -> GatewayCommandDetail:
    """Raises ``not-found``, ``invalid-input``, ``gateway-parameter``, ``gateway-not-settable``, ``gateway-commands-open``, ``key-used``,
    ``commands-stopped``, ``reason-needed``."""
    is_set = wanted.kind == "set_parameters"
    if is_set == (not wanted.parameters):
        raise Problem("invalid-input", fields=(("/parameters", "required" if is_set else "not-accepted"),))
    if switch.stopped(actor.tenant_id):
        raise Problem("commands-stopped")
    note = stated(wanted.note, "note") if is_set else " ".join(wanted.note.split())
    async with store.tenant(actor.tenant_id) as work:
        gateway = await work[GatewayCommandStore].gateway(concentrator_id)
        if gateway is None:
            raise Problem("not-found")
        check(gateway, wanted)
        known = await work[GatewayCommandStore].by_key(wanted.unique_key)
        if known is not None:
            return _same(await _read(work, known), concentrator_id, wanted)
        if gateway.opened >= MOST_OPEN:
            raise Problem("gateway-commands-open", limit=MOST_OPEN)
        not_after = now_us // 1_000_000 + (wanted.validity_s or VALIDITY_S)
        made = await work[GatewayCommandStore].draft(concentrator_id, wanted, note, not_after, actor, now_us)
        if made is None:  # somebody was faster with the same key
            taken = await work[GatewayCommandStore].by_key(wanted.unique_key)
            if taken is None:
                raise Problem("key-used")
            return _same(await _read(work, taken), concentrator_id, wanted)
        event = Event.QUARANTINE if is_set and needs_second(wanted) else Event.APPROVE
        await _move(
            work, made, State.DRAFTED, event, actor, now_us, reason="second_person" if event is Event.QUARANTINE else ""
        )
        found = await _read(work, made)
        await work[AuditTrail].record(actor, "give_gateway_command", "gateway_command", made, None, found, reason=note)
    return found


def check(gateway: GatewayStanding, wanted: NewGatewayCommand) -> None:
    """Raises ``gateway-not-settable``, ``gateway-parameter``."""
    if not gateway.parameters:
        raise Problem("gateway-not-settable", number=gateway.number)
    for name, value in wanted.parameters.items():
        why = fault(name, value)
        if why or name not in gateway.parameters:
            raise _unfit(name, bounds(name))
    if wanted.parameters and (name := together({**gateway.parameters, **wanted.parameters})):
        raise _unfit(
            name,
            (
                "须不小于 60 个时隙（slice_s），且能整除 86400 s",
                "is 60 slices (slice_s) or more, and 86400 s is a multiple of it",
            ),
        )


async def approve_gateway_command(store: Store, actor: Actor, command_id: int, now_us: int) -> GatewayCommandDetail:
    """By another person than who gave it. Raises ``not-found``, ``own-gateway-command``, ``already-done``."""
    return await _decide(store, actor, command_id, Event.APPROVE, "", now_us)


async def reject_gateway_command(
    store: Store, actor: Actor, command_id: int, reason: str, now_us: int
) -> GatewayCommandDetail:
    """Raises ``not-found``, ``own-gateway-command``, ``already-done``, ``reason-needed``."""
    return await _decide(store, actor, command_id, Event.REFUSE, stated(reason), now_us)


async def cancel_gateway_command(
    store: Store, actor: Actor, command_id: int, reason: str, now_us: int
) -> GatewayCommandDetail:
    """Raises ``not-found``; ``already-done`` for what was sent: it cannot be called back."""
    async with store.tenant(actor.tenant_id) as work:
        state = await _locked(work, command_id)
        before = await _read(work, command_id)
        await _move(work, command_id, state, Event.CANCEL, actor, now_us, reason="cancelled", detail=reason)
        after = await _read(work, command_id)
        await work[AuditTrail].record(
            actor, "cancel_gateway_command", "gateway_command", command_id, {"state": before.state}, {"state": after.state}, reason=reason
        )  # fmt: skip
    return after


async def _decide(
    store: Store, actor: Actor, command_id: int, event: Event, reason: str, now_us: int
) -> GatewayCommandDetail:
    async with store.tenant(actor.tenant_id) as work:
        state = await _locked(work, command_id)
        before = await _read(work, command_id)
        if before.created_by == actor.user_id:
            raise Problem("own-gateway-command")
        if state is not State.QUARANTINED:
            raise Problem("already-done", state=state.value)
        ended = "rejected" if event is Event.REFUSE else ""
        await _move(work, command_id, state, event, actor, now_us, reason=ended, detail=reason)
        after = await _read(work, command_id)
        await work[AuditTrail].record(
            actor, "reject_gateway_command" if event is Event.REFUSE else "approve_gateway_command", "gateway_command", command_id,
            {"state": before.state}, {"state": after.state}, reason=reason,
        )  # fmt: skip
    return after


async def _locked(work: Work, command_id: int) -> State:
    state = await work[GatewayCommandStore].lock(command_id)
    if state is None:
        raise Problem("not-found")
    return state


async def _move(
    work: Work,
    command_id: int,
    state: State,
    event: Event,
    actor: Actor,
    now_us: int,
    *,
    reason: str = "",
    detail: str = "",
) -> None:
    step = moved(state, event, reason, detail)
    if step is None:
        raise Problem("already-done", state=state.value)
    await work[GatewayCommandStore].step(command_id, step, actor.login, now_us)


async def _read(work: Work, command_id: int) -> GatewayCommandDetail:
    found = await work[GatewayCommandStore].get(command_id)
    if found is None:
        raise Problem("not-found")
    return found


def _same(found: GatewayCommandDetail, concentrator_id: int, wanted: NewGatewayCommand) -> GatewayCommandDetail:
    is_same = (found.concentrator_id, found.kind, found.parameters) == (concentrator_id, wanted.kind, wanted.parameters)
    if not is_same:
        raise Problem("key-used")
    return found


def _unfit(name: str, why: tuple[str, str]) -> Problem:
    return Problem("gateway-parameter", fields=((f"/parameters/{name}", "not-accepted"),), name=name, why=why)
