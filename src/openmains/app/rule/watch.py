# SPDX-License-Identifier: Apache-2.0
"""Rules in the pipeline: the messages of a part of a batch, judged by column, then taken in the order in which they came.

What a message changes of where a rule stands at its meter is written with the batch; the alarm of a rule whose condition need not hold, and
that gathers no meters, is raised with it. All else – what must hold, who is silent, how many there are – is the clock's (``clock.py``).
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from openmains.app.ingest.model import AlarmChange
from openmains.app.rule.columns import PointSteps, RulePlan, RuleVerdicts, values_of
from openmains.app.rule.model import ActiveRule, RuleChange
from openmains.app.rule.terms import RULE_EVENT, quantity_of
from openmains.domain.ids import AreaId, MeterId, ProductId, RuleId, TenantId
from openmains.domain.rule.judge import LastValue
from openmains.domain.rule.tree import GatherCondition
from openmains.drivers.model import MISSING_VALUE, Columns


@dataclass(slots=True)
class RuledMeter:
    """What rules know of a meter; a batch brings ``standing`` (versions of rules whose condition is fulfilled) and ``remembered`` (last
    values of points whose change is asked about) up to date."""

    customer_class: str = ""
    standing: dict[RuleId, int] = field(default_factory=dict)
    remembered: dict[str, LastValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RuledMessage:
    """A sound message that is not older than what was known. ``at_s``: of its values."""

    columns: Columns
    row: int
    tenant_id: TenantId
    product_id: ProductId
    meter_id: MeterId
    area_id: AreaId
    dn: int
    meter: RuledMeter
    at_s: int
    received_us: int


@dataclass(slots=True)
class RuleOutcome:
    """What a part of a batch changes. ``remembered``: of a point that no rule asks a rate of only values that are others than before."""

    changes: list[RuleChange] = field(default_factory=list)
    alarms: list[AlarmChange] = field(default_factory=list)
    remembered: dict[tuple[MeterId, str], tuple[TenantId, LastValue]] = field(default_factory=dict)


_Key = tuple[int, ProductId, TenantId]


def _key(message: RuledMessage) -> _Key:
    """Messages judged together. Columns alone are not enough: an edge may still name the product that a meter had before, and then meters of
    two products are in the same ones."""
    return id(message.columns), message.product_id, message.tenant_id


class RuleSet:
    """Rules in force; given anew when they change."""

    def __init__(self, rules: Iterable[ActiveRule] = ()) -> None:
        self.rules = tuple(rules)
        self._plans: dict[tuple[ProductId, TenantId], RulePlan] = {}
        self._tenants = {rule.tenant_id for rule in self.rules}
        self.remembered = frozenset(name for plan in [RulePlan(self.rules)] for name in plan.remembered)
        self.asks_classes = any(rule.classes is not None for rule in self.rules)

    def __bool__(self) -> bool:
        return bool(self.rules)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RuleSet) and self.rules == other.rules

    __hash__ = None  # type: ignore[assignment]  # compared, never looked up

    def plan(self, product_id: ProductId, tenant_id: TenantId) -> RulePlan | None:
        """Rules that messages of a product can fulfil; None where there are none."""
        if tenant_id not in self._tenants:
            return None
        key = (product_id, tenant_id)
        found = self._plans.get(key)
        if found is None:
            found = self._plans[key] = RulePlan(
                [rule for rule in self.rules if rule.tenant_id == tenant_id and rule.product_id in (None, product_id)]
            )
        return found if found.rules else None

    def watch(self, messages: Sequence[RuledMessage]) -> RuleOutcome:
        """Judge them all; each meter's standing and remembered values are brought up to date."""
        outcome = RuleOutcome()
        plans = {_key(message): self.plan(message.product_id, message.tenant_id) for message in messages}
        columns = {_key(message): message.columns for message in messages}
        steps = _remember(messages, plans, outcome)
        verdicts = {
            key: plan.judge(columns[key], steps.get(key, {})) for key, plan in plans.items() if plan is not None
        }
        for message in messages:
            key = _key(message)
            plan = plans[key]
            if plan is None:
                continue
            found, standing = verdicts[key].fulfilled.get(message.row), message.meter.standing
            if standing if found is None else found.stands is None or found.stands != standing:
                _apply(message, plan, verdicts[key], outcome)
        return outcome


NO_RULES = RuleSet()


def _remember(
    messages: Sequence[RuledMessage], plans: Mapping[_Key, RulePlan | None], outcome: RuleOutcome
) -> dict[_Key, dict[str, PointSteps]]:
    """What each message's meter said before, in the order in which they came; and what it says now, for the next."""
    steps: dict[_Key, dict[str, PointSteps]] = {}
    reported: dict[tuple[_Key, str], list[int | None] | None] = {}
    for message in messages:
        key = _key(message)
        plan = plans[key]
        if plan is None or not plan.remembered:
            continue
        for point in plan.remembered:
            if (key, point) not in reported:
                reported[key, point] = _last_said(message.columns, point)
                count = len(message.columns.rows)
                steps.setdefault(key, {})[point] = PointSteps(
                    np.full(count, MISSING_VALUE, dtype=np.int64), np.zeros(count, dtype=np.int64)
                )
            known = reported[key, point]
            value = None if known is None else known[message.row]
            if value is None:
                continue
            last = message.meter.remembered.get(point)
            if last is not None and message.at_s > last.at_s:
                found = steps[key][point]
                found.value[message.row], found.taken_s[message.row] = last.value, message.at_s - last.at_s
            if last is None or message.at_s > last.at_s:
                now = LastValue(value, message.at_s)
                message.meter.remembered[point] = now
                if (
                    last is None or value != last.value or point in plan.rated
                ):  # when it was said counts for rates alone
                    outcome.remembered[message.meter_id, point] = (message.tenant_id, now)
    return steps


def _last_said(columns: Columns, point: str) -> list[int | None] | None:
    """The last value of each row."""
    found = values_of(columns, point)
    if found is None:
        return None
    values, known = found
    if values.ndim == 2:
        last = known.shape[1] - 1 - np.argmax(known[:, ::-1], axis=1)
        values, known = values[np.arange(len(values)), last], np.asarray(known.any(axis=1))
    pairs: Iterable[tuple[int, bool]] = zip(values.tolist(), known.tolist(), strict=True)
    return [value if is_said else None for value, is_said in pairs]


def _apply(message: RuledMessage, plan: RulePlan, verdicts: RuleVerdicts, outcome: RuleOutcome) -> None:
    meter, row = message.meter, message.row
    found = verdicts.fulfilled.get(row)
    for place in () if found is None else found.places:
        rule = plan.rules[place]
        if meter.standing.get(rule.rule_id) == rule.version or not _is_for(rule, message):
            continue
        meter.standing[rule.rule_id] = rule.version
        gathers = isinstance(rule.condition, GatherCondition)  # the clock looks at how long its meters have
        due_us = message.received_us + rule.held_s * 1_000_000 if rule.held_s and not gathers else None
        outcome.changes.append(_change(rule, message, True, due_us))
        if fires_at_once(rule):
            outcome.alarms.append(alarm_of(rule, message.tenant_id, message.meter_id, "raised", message.received_us))
    for rule in _over(meter.standing, plan, verdicts, message):
        del meter.standing[rule.rule_id]
        outcome.changes.append(_change(rule, message, False, None))
        if not isinstance(rule.condition, GatherCondition):  # one that must hold may have fired meanwhile
            outcome.alarms.append(alarm_of(rule, message.tenant_id, message.meter_id, "cleared", message.received_us))


def _over(
    standing: Mapping[RuleId, int], plan: RulePlan, verdicts: RuleVerdicts, message: RuledMessage
) -> Iterator[ActiveRule]:
    """Rules that stood and do no more: their condition is over, or the meter is none of those that they are for now."""
    known: Collection[RuleId] = sorted(standing)
    for rule_id in known:
        place = plan.place_of.get(rule_id)
        if place is None:  # of the clock, or not in force: the clock forgets it
            continue
        rule = plan.rules[place]
        if verdicts.is_over(place, message.row) or not _is_for(rule, message):
            yield rule


def _is_for(rule: ActiveRule, message: RuledMessage) -> bool:
    return rule.is_for(message.area_id, message.dn, message.meter.customer_class)


def fires_at_once(rule: ActiveRule) -> bool:
    """Whether the message that fulfils the condition raises the alarm."""
    return not rule.held_s and not isinstance(rule.condition, GatherCondition)


def _change(rule: ActiveRule, message: RuledMessage, is_fulfilled: bool, due_us: int | None) -> RuleChange:
    return RuleChange(
        message.tenant_id, message.meter_id, rule.rule_id, rule.version, is_fulfilled, message.received_us, due_us
    )


def alarm_of(rule: ActiveRule, tenant_id: TenantId, meter_id: MeterId, action: str, at_us: int) -> AlarmChange:
    """The alarm of a rule begins or is over."""
    return AlarmChange(
        tenant_id, meter_id, RULE_EVENT, rule.severity, action, at_us // 1_000_000, at_us, quantity_of(rule.rule_id)
    )
