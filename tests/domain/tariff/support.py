# SPDX-License-Identifier: Apache-2.0
"""Plans as the tests write them: bounds in m³, prices in CNY."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from openmains.domain.period import date_to_day
from openmains.domain.tariff.exact import ML_OF_M3, whole
from openmains.domain.tariff.plan import Component, CustomerClass, Cycle, PersonsRule, Plan, Schedule

YEAR = date_to_day(date(2025, 1, 1))


def day(year: int, month: int, number: int) -> int:
    return date_to_day(date(year, month, number))


def schedule(
    bounds_m3: Sequence[int], prices: Sequence[str] | Mapping[str, Sequence[str]], persons: PersonsRule | None = None
) -> Schedule:
    parts = prices if isinstance(prices, Mapping) else {"price": prices}
    components = tuple(Component(name, tuple(whole(one, 6) for one in each)) for name, each in parts.items())
    return Schedule(tuple(bound * ML_OF_M3 for bound in bounds_m3), components, persons)


def plan(of: Schedule, **more: Any) -> Plan:
    given = {"number": 1, "from_day": YEAR - 3650, "medium": "water", "customer_class": CustomerClass.RESIDENT}
    return Plan(schedule=of, **{**given, **more})


def month_or_year(name: str) -> Cycle:
    return Cycle({"month": 1, "year": 12}[name])
