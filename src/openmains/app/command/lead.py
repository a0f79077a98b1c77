# SPDX-License-Identifier: Apache-2.0
"""Batches as people make and steer them; the dispatcher leads them (``work.lead_batches``)."""

from collections import Counter
from collections.abc import Iterable, Sequence

from msgspec import Struct

from openmains.app.command.driver import CommandDrivers
from openmains.app.command.give import (
    check_may_give,
    check_named,
    check_params,
    check_quantities,
    check_role,
    times_for,
)
from openmains.app.command.model import Batch, BatchAction, BatchFilter, BatchMeter, NewBatch, SignerLogin
from openmains.app.command.ports import CommandStore, StopSwitch
from openmains.app.command.signing import KeyVerdict, approve, authorise, check_person
from openmains.app.command.signing_ports import Signer, SignRequest
from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store, Work
from openmains.domain.command.batch import BatchEvent, BatchState, advance
from openmains.domain.command.kinds import RULES, Kind
from openmains.domain.ids import BatchId, ProductId


class MadeBatch(Struct, frozen=True):
    """A batch that was made, numbers that are not the tenant's, and for signed kinds how many stand how at the signer."""

    batch: Batch
    unknown_numbers: list[str]
    verdicts: dict[str, int]


async def make_batch(
    store: Store,
    signer: Signer | None,
    switch: StopSwitch,
    drivers: CommandDrivers,
    actor: Actor,
    wanted: NewBatch,
    person: SignerLogin | None,
    meters: Sequence[BatchMeter] | None = None,
    inverse_of: BatchId | None = None,
) -> MadeBatch:
    """Draft a batch over a filter, or over ``meters`` with values of their own. Raises as ``give_command``, ``nothing-chosen``,
    ``not-in-batches``, ``invalid-input``."""
    check_may_give(actor, switch, wanted.kind, person)
    if not RULES[wanted.kind].in_batches:
        raise Problem("not-in-batches")
    check_chosen(wanted.chosen)
    signed = RULES[wanted.kind].signed
    if person is not None and signed:
        await check_person(signer, actor, [wanted.kind], person)
    async with store.tenant(actor.tenant_id) as work:
        chosen, unknown = (list(meters), []) if meters is not None else await work[CommandStore].choose(wanted)
        if not chosen:
            raise Problem("nothing-chosen")
        products = await _check(work, drivers, wanted, chosen)
        validity_s = wanted.validity_s or await _shortest_validity(work, wanted.kind, products)
        batch_id, is_new = await work[CommandStore].add_batch(wanted, validity_s, chosen, actor.user_id, inverse_of)
        made = await _read(work, batch_id)
        keys = await work[CommandStore].batch_keys(batch_id) if signed else []
        if is_new:
            await work[AuditTrail].record(actor, "make_batch", "command_batch", batch_id, None, made)
    if person is None or not signed:
        return MadeBatch(made, unknown, {})
    requests = [SignRequest(key, meter_id, wanted.kind, params, end) for key, meter_id, params, end in keys]
    verdicts = await authorise(signer, actor, requests, person)
    return MadeBatch(made, unknown, dict(Counter(verdict.state for verdict in verdicts)))


def check_chosen(chosen: BatchFilter) -> None:
    """Raises ``invalid-input`` where numbers stand beside a filter: which of the two is meant nobody can say."""
    if chosen.numbers is not None:
        beside = [name for name in ("area_id", "product_id", "tag_id") if getattr(chosen, name) is not None]
        if beside:
            raise Problem("invalid-input", fields=tuple((f"/batch/chosen/{name}", "numbers-alone") for name in beside))


async def _shortest_validity(work: Work, kind: Kind, products: Iterable[ProductId]) -> int:
    """One validity for the batch: the shortest of its products, so that none gets more than it allows."""
    times = await work[CommandStore].times()
    return min(times_for(times, kind, product).validity_s for product in products)


async def _check(work: Work, drivers: CommandDrivers, wanted: NewBatch, chosen: Sequence[BatchMeter]) -> set[ProductId]:
    """The products among the meters. Each must know the command, with the first own values of a meter as the example."""
    targets = await work[CommandStore].targets([meter.meter_id for meter in chosen])
    own = {meter.meter_id: meter.params for meter in chosen}
    seen: set[str] = set()
    for target in targets:
        params = own.get(target.meter_id) or wanted.params
        if target.driver not in seen:
            seen.add(target.driver)
            check_params(drivers, target.driver, wanted.kind, params)
        check_named(params, target.number)
        check_quantities(drivers, target.driver, wanted.kind, params, target.qmax_l_h, target.number)
    return {target.product_id for target in targets} or {ProductId(0)}


async def steer_batch(store: Store, actor: Actor, batch_id: BatchId, action: BatchAction, now_us: int) -> Batch:
    """Start, pause, resume or cancel. Cancelling calls off what was not sent. Raises ``not-found``, ``already-done``."""
    async with store.tenant(actor.tenant_id) as work:
        before = await _read(work, batch_id)
        check_role(actor, Kind(before.kind))
        after = advance(before.state, BatchEvent(action))
        if after is None or not await work[CommandStore].set_batch_state(batch_id, before.state, after, ""):
            raise Problem("already-done", state=before.state.value)
        if after is BatchState.CANCELLED:
            await work[CommandStore].cancel_batch_commands(batch_id, actor.login, now_us)
        found = await _read(work, batch_id)
        await work[AuditTrail].record(
            actor, f"{action}_batch", "command_batch", batch_id, {"state": before.state}, {"state": after}
        )
    return found


async def approve_batch(
    store: Store, signer: Signer | None, actor: Actor, batch_id: BatchId, person: SignerLogin
) -> list[KeyVerdict]:
    """A second person agrees to all of a signed batch."""
    async with store.tenant(actor.tenant_id) as work:
        await _read(work, batch_id)
        keys = [line[0] for line in await work[CommandStore].batch_keys(batch_id)]
    return await approve(store, signer, actor, keys, "command_batch", batch_id, person)


async def invert_batch(
    store: Store, switch: StopSwitch, drivers: CommandDrivers, actor: Actor, batch_id: BatchId, unique_key: str
) -> MadeBatch:
    """The batch that puts back what the meters said before this one; only where that is known. Raises ``nothing-chosen``."""
    async with store.tenant(actor.tenant_id) as work:
        batch = await _read(work, batch_id)
        meters = await work[CommandStore].inverse_meters(batch_id)
    if Kind(batch.kind) is not Kind.SET_PARAMETERS:
        raise Problem("nothing-chosen")
    wanted = NewBatch(
        name=f"{batch.name} ↩"[:200], kind=Kind.SET_PARAMETERS, unique_key=unique_key, chosen=BatchFilter(numbers=[]),
        groups=batch.groups, hold_s=batch.hold_s, failure_limit_ppm=batch.failure_limit_ppm,
    )  # fmt: skip
    return await make_batch(store, None, switch, drivers, actor, wanted, None, meters, batch_id)


async def _read(work: Work, batch_id: BatchId) -> Batch:
    found = await work[CommandStore].batch(batch_id)
    if found is None:
        raise Problem("not-found")
    return found
