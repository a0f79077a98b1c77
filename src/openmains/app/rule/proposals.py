# SPDX-License-Identifier: Apache-2.0
"""Commands that rules propose: a person gives one – by the same way as any command, with all of its rules, its second person and its signer –
or declines it. A rule itself gives none."""

from openmains.app.command.driver import CommandDrivers
from openmains.app.command.give import Given, give_command
from openmains.app.command.model import NewCommand, SignerLogin
from openmains.app.command.ports import StopSwitch
from openmains.app.command.signing_ports import Signer
from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.identity.reason import stated
from openmains.app.problems import Problem
from openmains.app.rule.model import RuleProposal
from openmains.app.rule.ports import RuleStore
from openmains.app.unit_of_work import Store
from openmains.domain.command.kinds import Kind


async def give_proposed(
    store: Store,
    signer: Signer | None,
    switch: StopSwitch,
    drivers: CommandDrivers,
    actor: Actor,
    proposal_id: int,
    person: SignerLogin | None,
    reason: str,
    now_us: int,
) -> Given:
    """Once. It is taken before anything goes out, so that nobody declines it meanwhile and no alarm that ends makes it 'over'; what is refused
    lets go of it. Its key is the proposal's: who is cut off and does it again gives the same command. Raises as ``give_command``, and
    ``not-found``, ``already-done``, ``reason-needed``."""
    proposal = await _found(store, actor, proposal_id)
    if proposal.state != "open" and not _is_cut_off(proposal):
        raise Problem("already-done", state=proposal.state)
    reason = stated(reason)
    async with store.tenant(actor.tenant_id) as work:
        if not await work[RuleStore].take_proposal(proposal_id, actor.user_id, reason, now_us):
            raise Problem("already-done", state="decided")
    wanted = NewCommand(Kind(proposal.kind), f"rule-proposal-{proposal_id}", proposal.params, signer=person)
    try:
        given = await give_command(store, signer, switch, drivers, actor, proposal.meter_id, wanted, now_us)
    except Problem:
        async with store.tenant(actor.tenant_id) as work:
            await work[RuleStore].release_proposal(proposal_id)
        raise
    command_id = given.command.command_id
    async with store.tenant(actor.tenant_id) as work:
        if await work[RuleStore].name_command(proposal_id, actor.user_id, reason, command_id, now_us):
            after = {"state": "given", "command_id": command_id}
            await work[AuditTrail].record(
                actor, "give_proposal", "rule_proposal", proposal_id, proposal, after, reason=reason
            )
    return given


async def decline_proposed(store: Store, actor: Actor, proposal_id: int, reason: str, now_us: int) -> None:
    """Raises ``not-found``, ``already-done``, ``reason-needed``."""
    proposal = await _found(store, actor, proposal_id)
    if proposal.state != "open":
        raise Problem("already-done", state=proposal.state)
    reason = stated(reason)
    async with store.tenant(actor.tenant_id) as work:
        if not await work[RuleStore].decline(proposal_id, actor.user_id, reason, now_us):
            raise Problem("already-done", state="decided")
        await work[AuditTrail].record(
            actor, "decline_proposal", "rule_proposal", proposal_id, proposal, {"state": "declined"}, reason=reason
        )


async def _found(store: Store, actor: Actor, proposal_id: int) -> RuleProposal:
    async with store.tenant(actor.tenant_id) as work:
        found = await work[RuleStore].proposals(1, None, None, proposal_id)
    if not found:
        raise Problem("not-found")
    return found[0]


def _is_cut_off(proposal: RuleProposal) -> bool:
    """Taken, and its command is not known: who gave it was cut off, or is at it now."""
    return proposal.state == "given" and proposal.command_id is None
