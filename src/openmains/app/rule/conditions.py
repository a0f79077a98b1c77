# SPDX-License-Identifier: Apache-2.0
"""A draft checked whole: its condition, its tests, for whom it is; every fault with its place."""

from openmains.app.problems import Problem
from openmains.app.rule.model import RuleCase, RuleCheck, RuleDraft
from openmains.app.rule.terms import rule_vocabulary
from openmains.domain.command.kinds import Kind
from openmains.domain.rule.examples import CaseFacts, examples, facts_of
from openmains.domain.rule.judge import judge
from openmains.domain.rule.sentence import RuleSentence, sentence
from openmains.domain.rule.tree import CLOCK, Condition, ConditionError, GatherCondition, leaves, parse


def condition_of(draft: RuleDraft, volume_exponent: int | None) -> Condition:
    """Raises ``ConditionError``. ``volume_exponent``: of its product's driver; None: it is for all products."""
    return parse(draft.condition, rule_vocabulary(volume_exponent).terms)


def check_condition(draft: RuleDraft, volume_exponent: int | None) -> Condition:
    """The condition, and what belongs to it. Raises ``invalid-input`` with the places of all that is wrong in the draft."""
    try:
        condition = condition_of(draft, volume_exponent)
    except ConditionError as error:
        raise Problem("invalid-input", fields=((f"/condition{error.place}", error.code),)) from error
    wrong: list[tuple[str, str]] = []
    if draft.held_s and any(isinstance(leaf, CLOCK) for leaf in leaves(condition)):
        wrong.append(("/held_s", "clock-says-how-long"))
    if draft.dn_from is not None and draft.dn_to is not None and draft.dn_from > draft.dn_to:
        wrong.append(("/dn_to", "below-low"))
    if len(set(draft.customer_classes)) < len(draft.customer_classes):
        wrong.append(("/customer_classes", "twice"))
    if wrong:
        raise Problem("invalid-input", fields=tuple(wrong))
    return condition


def check_cases(draft: RuleDraft, condition: Condition, volume_exponent: int | None) -> None:
    """Run the draft's own tests. Raises ``invalid-input`` with each that fails, and where one that fires or one that does not is missing."""
    terms = rule_vocabulary(volume_exponent).terms
    wrong: list[tuple[str, str]] = []
    for number, case in enumerate(draft.cases):
        at = f"/cases/{number}"
        for name in sorted({*case.reported, *case.before} - set(terms.points)):
            wrong.append((f"{at}/{'reported' if name in case.reported else 'before'}", "not-accepted"))
        if any(event not in terms.events for event in case.events):
            wrong.append((f"{at}/events", "not-accepted"))
    if not wrong:
        wrong = [
            (f"/cases/{number}", "case-fires" if not case.fires else "case-does-not-fire")
            for number, case in enumerate(draft.cases)
            if (judge(condition, facts_of(_facts(case))) is True) is not case.fires
        ]
    if not wrong and len({case.fires for case in draft.cases}) < 2:
        wrong.append(("/cases", "one-of-each"))
    if wrong:
        raise Problem("invalid-input", fields=tuple(wrong))


def worded(draft: RuleDraft, condition: Condition, volume_exponent: int | None) -> RuleSentence:
    """The condition in words."""
    return sentence(condition, rule_vocabulary(volume_exponent).words, draft.held_s)


def looked_at(draft: RuleDraft, volume_exponent: int | None) -> RuleCheck:
    """A draft in words, with cases for its tests. Raises ``invalid-input``; ``condition-settled`` where it always fires, or never."""
    condition = check_condition(draft, volume_exponent)
    found = examples(condition, rule_vocabulary(volume_exponent).terms)
    if len({fires for _, fires in found}) < 2 and not isinstance(condition, GatherCondition):
        raise Problem("invalid-input", fields=(("/condition", "always-the-same"),))
    said = worded(draft, condition, volume_exponent)
    return RuleCheck(said.zh, said.en, [_case(facts, fires) for facts, fires in found])


def _facts(case: RuleCase) -> CaseFacts:
    return CaseFacts(
        reported=dict(case.reported), before=dict(case.before), after_s=case.after_s, events=tuple(case.events),
        silent_h=case.silent_h, missing_days=case.missing_days, unanswered_h=case.unanswered_h, command=case.command or "",
        meters=case.meters, meters_in_all=case.meters_in_all,
    )  # fmt: skip


def _case(facts: CaseFacts, fires: bool) -> RuleCase:
    return RuleCase(
        fires=fires, reported=facts.reported, before=facts.before, after_s=facts.after_s, events=list(facts.events),
        silent_h=facts.silent_h, missing_days=facts.missing_days, unanswered_h=facts.unanswered_h,
        command=Kind(facts.command) if facts.command else None,
        meters=facts.meters, meters_in_all=facts.meters_in_all,
    )  # fmt: skip
