# SPDX-License-Identifier: Apache-2.0
"""Limits of quantities: when a value is beyond its bounds, and when it is well again (R3.7, R7).

A quantity stands below, within or beyond its limits. It leaves them with the first value outside; it is well again with the first
that is inside by the hysteresis at least, so that a value that trembles about a bound raises one alarm and not a hundred. Values
are judged in the order of their instants; one that is not newer than what was judged says nothing of now and is not judged again.
As long as it stands outside, each message that says so counts: who cleared the alarm by hand while nothing got better hears of it
again.

| stood | value | stands | alarms |
|---|---|---|---|
| within | outside | outside | raised |
| outside | the same side, or inside by less than the hysteresis | outside | repeated, once a message |
| outside | inside by the hysteresis | within | cleared |
| below | beyond (or the other way round) | beyond | cleared, raised |
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from openmains.domain.alarm.events import Action


class Side(IntEnum):
    """Where a quantity stands."""

    BELOW = -1
    WITHIN = 0
    ABOVE = 1


@dataclass(slots=True, frozen=True)
class Limit:
    """Bounds of a quantity, themselves still well; None: none on that side. Integers in the point's unit."""

    low: int | None
    high: int | None
    hysteresis: int
    severity: str

    def side_of(self, value: int, stood: Side) -> Side:
        """Where a value stands that follows one which stood there."""
        if self.low is not None:
            least = self.low + (self.hysteresis if stood is Side.BELOW else 0)
            if value < least and not self._is_above(value, 0):
                return Side.BELOW
        if self._is_above(value, self.hysteresis if stood is Side.ABOVE else 0):
            return Side.ABOVE
        return Side.WITHIN

    def _is_above(self, value: int, hysteresis: int) -> bool:
        return self.high is not None and value > self.high - hysteresis


@dataclass(slots=True, frozen=True)
class WatchedLimits:
    """All limits, by quantity. A device's own stands in place of its product's; None: not watched at this device."""

    of_products: Mapping[int, Mapping[str, Limit]] = field(default_factory=dict)
    of_devices: Mapping[int, Mapping[str, Limit | None]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.of_products or self.of_devices)

    def of(self, product_id: int, meter_id: int) -> Mapping[str, Limit]:
        """What is watched of a device of this product."""
        common = self.of_products.get(product_id, {})
        own = self.of_devices.get(meter_id)
        if own is None:
            return common
        return {name: limit for name, limit in {**common, **own}.items() if limit is not None}


NO_LIMITS = WatchedLimits()


@dataclass(slots=True, frozen=True)
class Standing:
    """Where a quantity of a device stands, as of the newest value judged (s UTC)."""

    at: int = 0
    side: Side = Side.WITHIN


@dataclass(slots=True, frozen=True)
class Crossing:
    """What happens to the alarm of a side."""

    side: Side
    action: Action
    at: int
    value: int
    bound: int


def judge(
    standing: Standing, limit: Limit, values: Iterable[tuple[int, int]], newest: int
) -> tuple[Standing, list[Crossing]]:
    """Where the quantity stands after the values of a message, (instant, value) in order, and what of its alarms changes. No
    instant counts as later than ``newest``, the message's arrival: a clock that ran ahead once must not silence what follows."""
    side, judged, said = standing.side, standing.at, False
    crossings: list[Crossing] = []
    for instant, value in values:
        at = min(instant, newest)
        if at <= judged:
            continue
        judged, before = at, side
        side = limit.side_of(value, before)
        if side is not before and before is not Side.WITHIN:
            crossings.append(Crossing(before, Action.CLEARED, at, value, _bound(limit, before)))
        if side is not Side.WITHIN and (side is not before or not said):
            action = Action.REPEATED if side is before else Action.RAISED
            crossings.append(Crossing(side, action, at, value, _bound(limit, side)))
            said = True
    return Standing(judged, side), crossings


def _bound(limit: Limit, side: Side) -> int:
    """0 where there is no such bound any more."""
    bound = limit.low if side is Side.BELOW else limit.high
    return 0 if bound is None else bound
