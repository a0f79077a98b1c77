# SPDX-License-Identifier: Apache-2.0
"""Quantities in a command held against the meter they go to: a driver's page bounds what its frame can say, for every size of meter.

A threshold above Qmax switches its alarm off without saying so; a volume topped up that the meter cannot pass in a year is a
slip of the point; so is one that its register cannot count. Money has no such bound: the price is not the meter's.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from openmains.domain.command.kinds import SETTINGS, Kind

YEAR_H = 366 * 24


class MeterBound(NamedTuple):
    """A value that is too much for the meter: its name, its place in the parameters, and the bound, in ``unit``."""

    name: str
    pointer: str
    value: int
    bound: int
    unit: str


def beyond_meter(
    kind: Kind, params: Mapping[str, Any], units: Mapping[str, str], qmax_l_h: int, dial: int = 0
) -> MeterBound | None:
    """The first value beyond the meter. ``units``: of the driver's settings by name; ``qmax_l_h``, ``dial`` (L) 0: not known, no
    bound."""
    if kind in SETTINGS and qmax_l_h:
        values = params.get("values")
        for name, value in values.items() if isinstance(values, Mapping) else ():
            if units.get(name) == "L/h" and isinstance(value, int) and value > qmax_l_h:
                return MeterBound(name, f"/params/values/{name}", value, qmax_l_h, "L/h")
    amount = params.get("amount")
    bounds = [bound for bound in (qmax_l_h * YEAR_H, dial) if bound]
    if kind is Kind.TOP_UP and params.get("balance_kind") == 1 and isinstance(amount, int) and bounds:
        bound = min(bounds)
        if amount > bound:
            return MeterBound("amount", "/params/amount", amount, bound, "L")
    return None
