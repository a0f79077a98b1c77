# SPDX-License-Identifier: Apache-2.0
"""What a command does to a customer by its effect, told from the meter's last known balance. Rules of closing apply to effects, not
to names: a threshold above what is left in the meter shuts it as surely as a closing does.

A setting with ``closes_below`` shuts the valve while the balance is below it. So of one that is set:
    above 0                          customers who have paid would be shut: never signed, whoever it is now
    above the balance, 0 or less     shuts now: it is a closing, with all rules, second persons and quotas of one
    balance not known, prepaid       nobody can tell: as a closing on a guess, never signed
Settings as delivered have the same effect as if they were set one by one.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from openmains.domain.command.kinds import SETTINGS, Kind
from openmains.domain.command.order import settings_of
from openmains.domain.command.safety import MeterFacts, Refusal, refusal


class SettingFacts(Protocol):
    """A setting of a driver page (``drivers.model.Setting``), as far as effects need it."""

    @property
    def default(self) -> int: ...
    @property
    def closes_below(self) -> bool: ...


def thresholds(kind: Kind, params: Mapping[str, Any], settings: Mapping[str, SettingFacts]) -> list[int]:
    """Balances below which the valve shuts, as this command would leave them."""
    closing = {name: setting for name, setting in settings.items() if setting.closes_below}
    if kind is Kind.FACTORY_RESET:
        return [setting.default for setting in closing.values()]
    if kind not in SETTINGS:
        return []
    return [value for name, value in settings_of(params).items() if name in closing and isinstance(value, int)]


def closes(kind: Kind, params: Mapping[str, Any], facts: MeterFacts, settings: Mapping[str, SettingFacts]) -> bool:
    """Whether it shuts the valve of this meter, as far as its last known balance tells. A closing by name is none by effect."""
    return any(_shuts(value, facts) for value in thresholds(kind, params, settings))


def refusal_by_effect(
    kind: Kind, params: Mapping[str, Any], facts: MeterFacts, settings: Mapping[str, SettingFacts]
) -> Refusal | None:
    """The rule of closing that its effect breaks, or None."""
    found = thresholds(kind, params, settings)
    if any(value > 0 for value in found):
        return Refusal.HAS_CREDIT
    if not found or not (closes(kind, params, facts, settings) or (facts.prepaid and facts.balance is None)):
        return None
    return refusal(Kind.VALVE_CLOSE, facts, validity_s=0)


def _shuts(threshold: int, facts: MeterFacts) -> bool:
    return facts.balance is not None and facts.balance < threshold
