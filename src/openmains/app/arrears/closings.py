# SPDX-License-Identifier: Apache-2.0
"""Closings and reopenings that arrears propose: a person gives one – by the way of all commands, with its rules, second person, signer and
quotas – or declines it. At the moment of giving a closing everything is asked again: who paid a minute ago, or is protected since, is not
closed, and none is given on the eve of a day off.
"""

from dataclasses import replace

from openmains.app.arrears.nightly import debt_of, exact
from openmains.app.arrears.ports import ArrearsStore, HeldStep
from openmains.app.billing.ports import ArrearsWanted, SettlementStore
from openmains.app.command.driver import CommandDrivers
from openmains.app.command.give import Given, give_command
from openmains.app.command.model import NewCommand, SignerLogin
from openmains.app.command.ports import StopSwitch
from openmains.app.command.signing_ports import Signer
from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.identity.reason import stated
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store, Work
from openmains.domain.arrears.decide import Consequence, decide
from openmains.domain.command.kinds import Kind

KINDS = {"closing": Kind.VALVE_CLOSE, "reopening": Kind.VALVE_OPEN}


async def give_step(
    store: Store,
    signer: Signer | None,
    switch: StopSwitch,
    drivers: CommandDrivers,
    actor: Actor,
    step_id: int,
    person: SignerLogin | None,
    reason: str,
    today: int,
    now_us: int,
) -> Given:
    """Once: its key is the step's, so that who is cut off and does it again gives the same command. Raises as ``give_command``, and
    ``not-found``, ``already-done``, ``reason-needed``, ``closing-not-due``."""
    why = stated(reason)
    async with store.tenant(actor.tenant_id) as work:
        step = await work[ArrearsStore].lock_step(step_id)
        if step is None:
            raise Problem("not-found")
        if step.state != "open" and not (step.state == "given" and step.command_id is None):
            raise Problem("already-done", state=step.state)
        if step.kind == "closing":
            await _still_due(work, drivers, step, today)
        await work[ArrearsStore].take(step_id, actor.user_id, why, now_us)
    wanted = NewCommand(KINDS[step.kind], f"arrears-{step_id}", {}, signer=person)
    try:
        given = await give_command(store, signer, switch, drivers, actor, step.meter_id, wanted, now_us)
    except Problem:
        async with store.tenant(actor.tenant_id) as work:
            await work[ArrearsStore].let_go(step_id)
        raise
    command_id = given.command.command_id
    async with store.tenant(actor.tenant_id) as work:
        if await work[ArrearsStore].name_command(step_id, command_id):
            await work[AuditTrail].record(
                actor, "give_arrears_step", "arrears_step", step_id, {"state": "open"},
                {"state": "given", "command_id": command_id}, reason=why,
            )  # fmt: skip
    return given


async def _still_due(work: Work, drivers: CommandDrivers, step: HeldStep, today: int) -> None:
    """Raises ``closing-not-due`` with why."""
    rows = await work[SettlementStore].in_arrears(ArrearsWanted(today, account_id=step.account_id), 1)
    if not rows:
        raise Problem("closing-not-due", why="paid")
    (row,) = rows
    known = (await work[ArrearsStore].known([row.account_id], [row.oldest_due], today))[row.account_id]
    rules = {one.customer_class: one for one in await work[ArrearsStore].rules() if one.is_on}
    rule = rules.get(row.label.customer_class)
    debt = replace(debt_of(row, known, drivers), is_asked=False)  # it is this one that was asked
    outcome = decide(debt, None if rule is None else exact(rule), await work[ArrearsStore].calendar(), today)
    if outcome.consequence is not Consequence.CLOSE:
        raise Problem("closing-not-due", why=outcome.reason)


async def decline_step(store: Store, actor: Actor, step_id: int, reason: str, now_us: int) -> None:
    """Raises ``not-found``, ``already-done``, ``reason-needed``."""
    why = stated(reason)
    async with store.tenant(actor.tenant_id) as work:
        step = await work[ArrearsStore].lock_step(step_id)
        if step is None:
            raise Problem("not-found")
        if step.state != "open" or not await work[ArrearsStore].decline(step_id, actor.user_id, why, now_us):
            raise Problem("already-done", state=step.state)
        await work[AuditTrail].record(
            actor, "decline_arrears_step", "arrears_step", step_id, {"state": "open"}, {"state": "declined"}, reason=why
        )
