# SPDX-License-Identifier: Apache-2.0
"""Rules that people make without code: written, tried on what is stored, switched on; and the commands that they propose (R7.2)."""

from datetime import datetime
from typing import Annotated, Any

from litestar import Request, get, post
from litestar.params import JSONBody, QueryParameter
from msgspec import Struct

from openmains.app.command.give import Given
from openmains.app.command.model import SignerLogin
from openmains.app.problems import Problem
from openmains.app.rule import make, proposals
from openmains.app.rule.make import RuleDrivers
from openmains.app.rule.model import (
    ProposalState,
    RuleCheck,
    RuleDraft,
    RuleName,
    RuleProposal,
    RuleTrial,
    RuleVersion,
    StoredRule,
)
from openmains.app.rule.ports import RuleStore
from openmains.app.rule.terms import rule_vocabulary
from openmains.app.rule.trial import try_rule
from openmains.domain.identity.permission import Permission
from openmains.domain.ids import RuleId
from openmains.domain.rule.sentence import RuleTerm
from openmains.edges.http.command import command_parts
from openmains.edges.http.deps import ApiDeps, actor_of, deps_of
from openmains.edges.http.inputs import (
    Cursor,
    Id,
    Id32,
    Limit,
    OptionalId32,
    Page,
    ReasonText,
    after_id,
    page,
    seconds,
)
from openmains.edges.http.permissions import may
from openmains.edges.http.readings import exponent_of


class NewRule(Struct, frozen=True, forbid_unknown_fields=True):
    """A rule and its first version; it is off until it is switched on."""

    name: RuleName
    draft: RuleDraft


class NewRuleVersion(Struct, frozen=True, forbid_unknown_fields=True):
    """What the rule says from ``effective_at`` on, null: from now."""

    draft: RuleDraft
    effective_at: datetime | None = None
    reason: ReasonText = ""


class RuleSwitch(Struct, frozen=True, forbid_unknown_fields=True):
    """On or off."""

    is_on: bool
    reason: ReasonText = ""


class ProposedCommand(Struct, frozen=True, forbid_unknown_fields=True):
    """Give what the rule proposes; ``signer``: a sign-in at the signer, for kinds that it signs."""

    signer: SignerLogin | None = None
    reason: ReasonText = ""


class ProposalRefusal(Struct, frozen=True, forbid_unknown_fields=True):
    """Do not give it."""

    reason: ReasonText = ""


class RulePoint(Struct, frozen=True):
    """A point that rules can ask about: integers from ``least`` to ``most`` x 10^``exponent`` of ``unit``. ``is_kept``: its past can be
    looked at."""

    name: str
    zh: str
    en: str
    unit: str
    exponent: int
    least: int
    most: int
    is_kept: bool


class RuleWord(Struct, frozen=True):
    """An event, or a kind of command."""

    name: str
    zh: str
    en: str


class RuleTermsView(Struct, frozen=True):
    """What conditions can ask about."""

    points: list[RulePoint]
    events: list[RuleWord]
    commands: list[RuleWord]


def _drivers(deps: ApiDeps) -> RuleDrivers:
    return RuleDrivers(lambda driver: exponent_of(deps, driver), deps.command_drivers)


@get("/rule-terms", operation_id="list_rule_terms", tags=["rules"], opt=may(Permission.SEE_RULES))
async def list_rule_terms(request: Request[Any, Any, Any], product_id: OptionalId32 = None) -> RuleTermsView:
    """Points, events and commands that conditions can ask about; volumes only of rules of one product."""
    deps = deps_of(request)
    exponent = await make.exponent_for(deps.store, _drivers(deps), actor_of(request), product_id)
    found, history = rule_vocabulary(exponent), deps.rule_history
    points = [
        RulePoint(
            name, term.zh, term.en, term.unit, term.exponent, *found.terms.points[name],
            is_kept=history is not None and history.is_stored(name),
        )
        for name, term in found.words.points.items()
    ]  # fmt: skip
    return RuleTermsView(points, _words(found.words.events), _words(found.words.commands))


def _words(terms: Any) -> list[RuleWord]:
    listed: dict[str, RuleTerm] = dict(terms)
    return [RuleWord(name, term.zh, term.en) for name, term in listed.items()]


@get("/rules", operation_id="list_rules", tags=["rules"], opt=may(Permission.SEE_RULES))
async def list_rules(request: Request[Any, Any, Any], limit: Limit = 50, cursor: Cursor = None) -> Page[StoredRule]:
    """Rules, newest first, each with its newest version."""
    deps = deps_of(request)
    async with deps.store.tenant(actor_of(request).tenant_id) as work:
        rows = await work[RuleStore].page(limit + 1, after_id("rules", cursor), deps.now_us())
    return page("rules", rows, limit, lambda rule: rule.rule_id)


@get("/rules/{rule_id:int}", operation_id="read_rule", tags=["rules"], opt=may(Permission.SEE_RULES))
async def read_rule(request: Request[Any, Any, Any], rule_id: Id32) -> StoredRule:
    """One rule."""
    deps = deps_of(request)
    async with deps.store.tenant(actor_of(request).tenant_id) as work:
        found = await work[RuleStore].get(RuleId(rule_id), deps.now_us())
    if found is None:
        raise Problem("not-found")
    return found


@get("/rules/{rule_id:int}/versions", operation_id="list_rule_versions", tags=["rules"], opt=may(Permission.SEE_RULES))
async def list_rule_versions(request: Request[Any, Any, Any], rule_id: Id32) -> list[RuleVersion]:
    """What it said and says, newest first: who changed it, when, why, and from when on it counts."""
    deps = deps_of(request)
    async with deps.store.tenant(actor_of(request).tenant_id) as work:
        found = await work[RuleStore].versions(RuleId(rule_id), deps.now_us())
    if not found:
        raise Problem("not-found")
    return found


@post("/rules/check", operation_id="check_rule", status_code=200, tags=["rules"], opt=may(Permission.MANAGE_RULES))
async def check_rule(request: Request[Any, Any, Any], data: JSONBody[RuleDraft]) -> RuleCheck:
    """The condition as a sentence in both languages, with cases on either side of its bounds; nothing is kept."""
    deps = deps_of(request)
    return await make.look_at_rule(deps.store, _drivers(deps), actor_of(request), data)


@post("/rules/trial", operation_id="try_rule", status_code=200, tags=["rules"], opt=may(Permission.MANAGE_RULES))
async def try_a_rule(request: Request[Any, Any, Any], data: JSONBody[RuleDraft]) -> RuleTrial:
    """When it would have fired in the last 30 days, by what is stored. What it found is kept: a rule that says the same may be switched on
    within 30 days."""
    deps = deps_of(request)
    if deps.rule_history is None:
        raise Problem("not-offered")
    return await try_rule(deps.store, deps.rule_history, _drivers(deps), actor_of(request), data, deps.now_s())


@post("/rules", operation_id="create_rule", tags=["rules"], opt=may(Permission.MANAGE_RULES))
async def create_a_rule(request: Request[Any, Any, Any], data: JSONBody[NewRule]) -> StoredRule:
    """A new rule, off. Its own tests are run: one that fires and one that does not, at least."""
    deps = deps_of(request)
    return await make.create_rule(deps.store, _drivers(deps), actor_of(request), data.name, data.draft, deps.now_us())


@post("/rules/{rule_id:int}/versions", operation_id="change_rule", tags=["rules"], opt=may(Permission.MANAGE_RULES))
async def change_a_rule(request: Request[Any, Any, Any], rule_id: Id32, data: JSONBody[NewRuleVersion]) -> StoredRule:
    """Another version, from an instant on. What stands goes on where it asks the same of the same product; else each meter is judged anew by
    its next message, without a word where the condition is fulfilled still. Of a rule that is on it was tried before."""
    deps = deps_of(request)
    effective_us = None if data.effective_at is None else seconds(data.effective_at, "effective_at") * 1_000_000
    return await make.change_rule(
        deps.store, _drivers(deps), actor_of(request), RuleId(rule_id), data.draft, effective_us, data.reason, deps.now_us()
    )  # fmt: skip


@post(
    "/rules/{rule_id:int}/switch",
    operation_id="switch_rule",
    status_code=200,
    tags=["rules"],
    opt=may(Permission.MANAGE_RULES),
)
async def switch_a_rule(request: Request[Any, Any, Any], rule_id: Id32, data: JSONBody[RuleSwitch]) -> StoredRule:
    """On – it was tried within the last 30 days, and where it proposes commands another person wrote it – or off: its open alarms end."""
    deps = deps_of(request)
    return await make.switch_rule(
        deps.store, actor_of(request), RuleId(rule_id), data.is_on, data.reason, deps.now_us()
    )


@get("/rule-proposals", operation_id="list_rule_proposals", tags=["rules"], opt=may(Permission.SEE_COMMANDS))
async def list_rule_proposals(
    request: Request[Any, Any, Any],
    wanted: Annotated[ProposalState | None, QueryParameter(name="state")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[RuleProposal]:
    """Commands that rules propose, newest first; a person decides."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        rows = await work[RuleStore].proposals(limit + 1, after_id("rule-proposals", cursor), wanted)
    return page("rule-proposals", rows, limit, lambda proposal: proposal.proposal_id)


@post(
    "/rule-proposals/{proposal_id:int}/give",
    operation_id="give_proposal",
    status_code=200,
    tags=["rules"],
    opt=may(Permission.GIVE_COMMANDS),
)
async def give_proposal(request: Request[Any, Any, Any], proposal_id: Id, data: JSONBody[ProposedCommand]) -> Given:
    """Give it, by the way of any command: with its rules, and its second person where it takes one."""
    deps = deps_of(request)
    switch, drivers = command_parts(deps)
    return await proposals.give_proposed(
        deps.store, deps.signer, switch, drivers, actor_of(request), proposal_id, data.signer, data.reason, deps.now_us()
    )  # fmt: skip


@post(
    "/rule-proposals/{proposal_id:int}/decline",
    operation_id="decline_proposal",
    status_code=204,
    tags=["rules"],
    opt=may(Permission.GIVE_COMMANDS),
)
async def decline_proposal(request: Request[Any, Any, Any], proposal_id: Id, data: JSONBody[ProposalRefusal]) -> None:
    """Do not give it."""
    deps = deps_of(request)
    await proposals.decline_proposed(deps.store, actor_of(request), proposal_id, data.reason, deps.now_us())


HANDLERS: list[Any] = [
    list_rule_terms,
    list_rules,
    read_rule,
    list_rule_versions,
    check_rule,
    try_a_rule,
    create_a_rule,
    change_a_rule,
    switch_a_rule,
    list_rule_proposals,
    give_proposal,
    decline_proposal,
]
