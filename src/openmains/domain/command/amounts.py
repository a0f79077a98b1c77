# SPDX-License-Identifier: Apache-2.0
"""Money that commands give: how much one act, one person and one utility may (R13.4). Counted in fen, or litres where a balance counts
a volume; the limits are the same numbers for both. What is credit by its effect counts as a top-up: an emergency credit is one.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from openmains.domain.command.kinds import SETTINGS, Kind
from openmains.domain.command.order import settings_of

ALONE_ACT = 500_000  # 5,000.00: a household's year; more needs a second person
ALONE_DAY = 10_000_000  # 100,000.00 by one person alone within a day; more needs a second one
MOST_ACT = 100_000_000  # 1,000,000.00: more is a slip of the hand, and never signed
UTILITY_DAY_LEAST = 100_000_000
UTILITY_DAY_A_METER = 2_000  # 20.00 for each meter of a utility within a day; nobody lifts it


class CreditSetting(Protocol):
    """A setting of a driver page (``drivers.model.Setting``), as far as amounts need it."""

    @property
    def effect(self) -> str: ...
    @property
    def unit(self) -> str: ...


def amount_of(kind: Kind, params: Mapping[str, Any], settings: Mapping[str, CreditSetting]) -> int:
    """What a command gives to its customer; 0: nothing."""
    if kind is Kind.TOP_UP:
        found = params.get("amount", 0)
        return found if isinstance(found, int) else 0
    if kind not in SETTINGS:
        return 0
    credits = {name for name, one in settings.items() if one.effect == "money" and one.unit.startswith("fen")}
    return sum(value for name, value in settings_of(params).items() if name in credits and isinstance(value, int))


def utility_day(meters: int) -> int:
    """What a utility of this size may give within a day."""
    return max(UTILITY_DAY_LEAST, meters * UTILITY_DAY_A_METER)
