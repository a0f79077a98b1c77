# SPDX-License-Identifier: Apache-2.0
"""What a rule can ask about: points and events of ``drivers/points.toml`` and kinds of commands, with names and units; never typed in here.

Points counted in the driver's volume can be asked about by rules of one product only: the same number would be another quantity at another
product. A balance is money or volume by its kind, so it is two; one whose kind is not said has no unit and cannot be asked about.
"""

from dataclasses import dataclass
from functools import lru_cache

from openmains.app.readings.quantities import unit_of
from openmains.domain.command.kinds import RULES
from openmains.domain.rule.sentence import RuleTerm, RuleWords
from openmains.domain.rule.tree import RuleTerms
from openmains.drivers.points import vocabulary

RULE_EVENT = "rule_fired"
"""The event of alarms that rules raise; no rule asks for it."""
METERS_EVENTS = 48
"""Bits from here on are the platform's: no meter sends them."""
STATES = ("valve", "rsrp_ddbm", "sinr_ddb", "ecl")
"""State points that are numbers and no quantities."""
_PLAIN = frozenset({"state", "level", "count", "number"})


@dataclass(frozen=True, slots=True)
class RuleVocabulary:
    """The same things as a condition is checked by, and as it is worded."""

    terms: RuleTerms
    words: RuleWords


@lru_cache(maxsize=64)
def rule_vocabulary(volume_exponent: int | None) -> RuleVocabulary:
    """``volume_exponent``: of the product's driver, 10^n m³; None: the rule is for all products."""
    words = vocabulary()
    points: dict[str, RuleTerm] = {}
    bounds: dict[str, tuple[int, int]] = {}
    for name in (*STATES, *words.quantities):
        point = words.points[name]
        if point.unit == "unknown" or (point.unit.startswith("volume") and volume_exponent is None):
            continue
        unit, exponent = unit_of(point, volume_exponent or 0)
        points[name] = RuleTerm(point.title.zh, point.title.en, "" if unit in _PLAIN else unit, exponent)
        kept = words.quantities.get(name)
        bounds[name] = words.latest[name].bounds if kept is None else kept.bounds
    events = {
        event.name: RuleTerm(event.title.zh, event.title.en)
        for event in words.events.values()
        if event.bit < METERS_EVENTS
    }
    commands = {kind.value: RuleTerm(rule.zh, rule.en) for kind, rule in RULES.items()}
    return RuleVocabulary(RuleTerms(bounds, events, commands), RuleWords(points, events, commands))


def quantity_of(rule_id: int) -> str:
    """Which rule an alarm is of: its ``quantity``."""
    return f"rule.{rule_id}"
