# SPDX-License-Identifier: Apache-2.0
"""Make a rule, give it another version, switch it on and off. What a version says is checked whole, with the place of what is wrong, and its
own tests are run: a rule that fails them is not kept."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from openmains.app.command.driver import CommandDrivers
from openmains.app.command.give import check_params
from openmains.app.fleet.ports import ProductStore
from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.identity.reason import stated
from openmains.app.problems import Problem
from openmains.app.rule.conditions import check_cases, check_condition, looked_at, worded
from openmains.app.rule.model import RuleCheck, RuleDraft, RuleVersion, StoredRule, judged
from openmains.app.rule.ports import RuleStore
from openmains.app.unit_of_work import Store, Work
from openmains.domain.command.kinds import Kind
from openmains.domain.ids import AreaId, ProductId, RuleId
from openmains.domain.rule.sentence import RuleSentence
from openmains.domain.rule.tree import Condition
from openmains.domain.work_order.kinds import INSPECTION, RECHECK, STANDARD

MOST_AHEAD_US = 366 * 86_400 * 1_000_000
MOST_RULES = 1_000
TRIED_WITHIN_US = 30 * 86_400 * 1_000_000
PROPOSABLE = frozenset(
    {
        Kind.READ_NOW, Kind.READ_INTERVALS, Kind.READ_STATUS, Kind.READ_PARAMETERS, Kind.LOG_PULL, Kind.VALVE_CLOSE, Kind.VALVE_OPEN,
        Kind.SET_PARAMETERS, Kind.SET_SIGNED_PARAMETERS, Kind.SET_CLOCK, Kind.RESTART,
    }
)  # fmt: skip
"""Not money, and no safety closing: its evidence is what a person saw."""


@dataclass(frozen=True, slots=True)
class RuleDrivers:
    """What rules ask of drivers: a page's volume exponent, and what its meters can be told."""

    exponent: Callable[[str], int]
    commands: CommandDrivers | None


@dataclass(frozen=True, slots=True)
class CheckedRule:
    """A draft that can be kept. ``areas``: None all."""

    condition: Condition
    sentence: RuleSentence
    areas: list[AreaId] | None


async def look_at_rule(store: Store, drivers: RuleDrivers, actor: Actor, draft: RuleDraft) -> RuleCheck:
    """In words, with cases for its tests; nothing is kept. Raises ``invalid-input``."""
    async with store.tenant(actor.tenant_id) as work:
        return looked_at(draft, await _exponent(work, drivers, draft))


async def checked(work: Work, drivers: RuleDrivers, draft: RuleDraft, *, with_cases: bool = True) -> CheckedRule:
    """Raises ``invalid-input``, and ``no-such-command``, ``safety-closing-incomplete`` for the command that it proposes."""
    exponent = await _exponent(work, drivers, draft)
    condition = check_condition(draft, exponent)
    areas = None
    if draft.area_id is not None:
        areas = await work[RuleStore].areas_of(AreaId(draft.area_id))
        if not areas:
            raise Problem("invalid-input", fields=(("/area_id", "unknown-reference"),))
    if draft.command is not None:
        await _check_command(work, drivers, draft)
    if draft.work_order is not None and not await _is_order_kind(work, draft.work_order):
        raise Problem("invalid-input", fields=(("/work_order", "unknown-reference"),))
    if with_cases:
        check_cases(draft, condition, exponent)
    return CheckedRule(condition, worded(draft, condition, exponent), areas)


async def create_rule(
    store: Store, drivers: RuleDrivers, actor: Actor, name: str, draft: RuleDraft, now_us: int
) -> StoredRule:
    """Off, with its first version. Raises as ``checked``, and ``rule-name-taken``, ``too-many-rules``."""
    name = " ".join(name.split())
    if not name:
        raise Problem("invalid-input", fields=(("/name", "blank"),))
    async with store.tenant(actor.tenant_id) as work:
        found, rules = await checked(work, drivers, draft), work[RuleStore]
        if len(await rules.page(MOST_RULES, None, now_us)) >= MOST_RULES:
            raise Problem("too-many-rules", most=MOST_RULES)
        rule_id = await rules.add(name, actor.user_id)
        if rule_id is None:
            raise Problem("rule-name-taken", name=name)
        await rules.add_version(rule_id, draft, found.sentence, now_us, actor.user_id, now_us, "")
        made = await _lock(rules, rule_id, now_us)
        await work[AuditTrail].record(actor, "create_rule", "rule", rule_id, None, made)
    return made


async def change_rule(
    store: Store,
    drivers: RuleDrivers,
    actor: Actor,
    rule_id: RuleId,
    draft: RuleDraft,
    effective_us: int | None,
    reason: str,
    now_us: int,
) -> StoredRule:
    """Another version, in force from an instant on: now unless given, at most a year ahead. Of a rule that is on it was tried before, and
    proposes no command: a second person switches that on. Raises as ``checked``, and ``not-found``, ``reason-needed``, ``rule-not-tried``,
    ``rule-changes-when-off``."""
    begins = now_us if effective_us is None else effective_us
    async with store.tenant(actor.tenant_id) as work:
        rules = work[RuleStore]
        before = await _lock(rules, rule_id, now_us)
        found = await checked(work, drivers, draft)
        if not now_us <= begins <= now_us + MOST_AHEAD_US:
            raise Problem("invalid-input", fields=(("/effective_at", "out-of-range"),))
        reason = stated(reason)
        if before.is_on:
            if draft.command is not None:
                raise Problem("rule-changes-when-off")
            await _check_tried(rules, [draft], now_us)
        await rules.add_version(rule_id, draft, found.sentence, begins, actor.user_id, now_us, reason)
        after = await _lock(rules, rule_id, now_us)
        await work[AuditTrail].record(actor, "change_rule", "rule", rule_id, before, after, reason=reason)
    return after


async def switch_rule(store: Store, actor: Actor, rule_id: RuleId, is_on: bool, reason: str, now_us: int) -> StoredRule:
    """From now on it fires, or does not: its open alarms end with it. Whoever switches it on has seen what it would have done: it was tried
    within the last 30 days. One that proposes commands is switched on by another person than who wrote it. Raises ``not-found``,
    ``already-done``, ``reason-needed``, ``rule-not-tried``, ``rule-second-person``."""
    async with store.tenant(actor.tenant_id) as work:
        rules = work[RuleStore]
        before = await _lock(rules, rule_id, now_us)
        if before.is_on == is_on:
            raise Problem("already-done", state="on" if is_on else "off")
        reason = stated(reason)
        if is_on:
            coming = _counting(await rules.versions(rule_id, now_us))
            await _check_tried(rules, [version.draft for version in coming], now_us)
            mine = [one for one in coming if one.draft.command is not None and one.made_by == actor.user_id]
            if mine:
                raise Problem("rule-second-person", version=mine[0].version)
        await rules.switch(rule_id, is_on)
        after = await _lock(rules, rule_id, now_us)
        await work[AuditTrail].record(actor, "switch_rule", "rule", rule_id, before, after, reason=reason)
    return after


def _counting(versions: Sequence[RuleVersion]) -> list[RuleVersion]:
    """Of versions, newest first: the one that is in force, and those that will be."""
    now = next((version for version in versions if version.in_force), None)
    return [one for one in versions if now is None or one is now or one.effective_at > now.effective_at]


async def _check_tried(rules: RuleStore, drafts: Sequence[RuleDraft], now_us: int) -> None:
    """Raises ``rule-not-tried``."""
    found = await rules.tried([judged(draft) for draft in drafts])
    for draft in drafts:
        trial = found.get(judged(draft))
        if trial is None or now_us - trial.at.timestamp() * 1e6 > TRIED_WITHIN_US:
            raise Problem("rule-not-tried")


async def _is_order_kind(work: Work, code: str) -> bool:
    """A kind that a plan or a hazard makes orders of is none for a rule."""
    if code in (INSPECTION, RECHECK):
        return False
    return code in STANDARD or await work[RuleStore].has_order_kind(code)


async def _lock(rules: RuleStore, rule_id: RuleId, now_us: int) -> StoredRule:
    found = await rules.lock(rule_id, now_us)
    if found is None:
        raise Problem("not-found")
    return found


async def exponent_for(store: Store, drivers: RuleDrivers, actor: Actor, product_id: int | None) -> int | None:
    """Of a product's driver, 10^n m³; None: of no product. Raises ``not-found``."""
    if product_id is None:
        return None
    async with store.tenant(actor.tenant_id) as work:
        product = await work[ProductStore].get(ProductId(product_id))
    if product is None:
        raise Problem("not-found")
    return drivers.exponent(product.driver)


async def _exponent(work: Work, drivers: RuleDrivers, draft: RuleDraft) -> int | None:
    driver = await _driver(work, draft)
    return None if driver is None else drivers.exponent(driver)


async def _driver(work: Work, draft: RuleDraft) -> str | None:
    if draft.product_id is None:
        return None
    product = await work[ProductStore].get(ProductId(draft.product_id))
    if product is None:
        raise Problem("invalid-input", fields=(("/product_id", "unknown-reference"),))
    return product.driver


async def _check_command(work: Work, drivers: RuleDrivers, draft: RuleDraft) -> None:
    """What a meter can be told is its driver's to say: a rule with a command is for one product."""
    driver, command = await _driver(work, draft), draft.command
    assert command is not None  # noqa: S101 asked by the caller
    if driver is None:
        raise Problem("invalid-input", fields=(("/product_id", "product-for-command"),))
    if drivers.commands is None:
        raise Problem("not-offered")
    found = drivers.commands.command_driver(driver)
    kind = None if found is None else found.command_kinds.get(command.kind)
    if kind is None or command.kind not in PROPOSABLE:
        raise Problem("invalid-input", fields=(("/command/kind", "not-accepted"),))
    known = {param.name for param in getattr(kind, "params", ())}
    if unknown := sorted(set(command.params) - known):
        raise Problem("invalid-input", fields=((f"/command/params/{unknown[0]}", "unknown-field"),))
    check_params(drivers.commands, driver, command.kind, command.params)
