# SPDX-License-Identifier: Apache-2.0
"""What water costs by a notice's words, and what each of the three ways to charge makes of it: worked out from registers and prices alone.
Imports nothing of the program on purpose; it is what the program is held to (R1.10–R1.12, R9.1).

Units: litres, and 10^-5 fen (a litre at 10^-4 CNY/m³ costs one). An *era* begins where a cycle of the tiers or a price does.

* a bill's sum is rounded half up, and what was rounded off goes into the next one: up to any day the bills are the exact cost, rounded once
* what the server deducts up to any day is that, too
* a meter takes whole steps of its dial, and to the litre where an era begins; it keeps what is less than a fen, and shows full fen
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

UNITS = 100_000  # of a fen
DAY, OFFSET = 86_400, 8 * 3600  # s; all days are those of UTC+8, where no clock is ever turned


def midnight(day: date) -> int:
    """Its first instant, s UTC."""
    return (day - date(1970, 1, 1)).days * DAY - OFFSET


@dataclass(frozen=True)
class Notice:
    """A tariff as a notice has it: bounds in m³ that belong to the tier they end, prices of all components together in 10^-4 CNY/m³, from
    ``changed`` on others. ``is_cleared``: the tiers begin anew then; ``is_yearly``: they do so each January, else each month."""

    bounds_m3: tuple[int, ...]
    prices: tuple[int, ...]
    changed: date
    later: tuple[int, ...]
    is_cleared: bool
    is_yearly: bool

    def begins(self, first: date, end: date) -> list[tuple[date, bool, bool]]:
        """Eras in [first, end): (day, the tiers begin anew, by the later prices)."""
        found, day = [], first
        while day < end:
            is_cycle = day == first or (day.day == 1 and (day.month == 1 or not self.is_yearly))
            if is_cycle or day == self.changed:
                found.append((day, is_cycle or self.is_cleared, day >= self.changed))
            day += timedelta(days=1)
        return found


def cost(prices: Sequence[int], bounds_m3: Sequence[int], used_l: int, litres: int) -> int:
    """Of the litres that come after ``used_l`` of a cycle."""
    edges = [0, *(bound * 1000 for bound in bounds_m3), 10**15]
    return sum(
        price * max(0, min(high, used_l + litres) - max(low, used_l))
        for price, (low, high) in zip(prices, pairwise(edges), strict=True)
    )


@dataclass(frozen=True)
class Era:
    """From ``at``, register ``register_l``, on; tiers are counted from ``period_l``."""

    at: int
    register_l: int
    period_l: int
    prices: tuple[int, ...]


class Charges:
    """What a customer's water costs from ``first`` to before ``end``. ``register``: litres at an instant; ``keeps_price``: the later prices
    are never used."""

    def __init__(
        self, notice: Notice, register: Callable[[int], int], first: date, end: date, *, keeps_price: bool = False
    ) -> None:
        self.notice, self.register, self.first, self.end = notice, register, first, end
        self.eras = list[Era]()
        for day, is_anew, is_later in notice.begins(first, end):
            here = register(midnight(day))
            period = here if is_anew else self.eras[-1].period_l
            prices = notice.later if is_later and not keeps_price else notice.prices
            self.eras.append(Era(midnight(day), here, period, prices))

    def settled(self, at: int, step_l: int) -> int:
        """The register up to which a meter has taken its due at an instant."""
        begun = [era.register_l for era in self.eras if era.at <= at]
        return max(begun[-1], self.register(at) // step_l * step_l)

    def pieces(self, first: int, end: int, first_l: int, end_l: int) -> list[tuple[Era, int, int]]:
        """Registers of each era between two instants at which these are counted."""
        inside = [era for era in self.eras if era.at <= end]
        ends = [*(era.register_l for era in inside[1:]), end_l]
        found = [
            (era, max(first_l, era.register_l), last) for era, last in zip(inside, ends, strict=True) if last > first_l
        ]
        return [(era, low, high) for era, low, high in found if high > low]

    def units(self, first: int, end: int, first_l: int, end_l: int, *, up_l: int = 0) -> int:
        """What these litres cost. ``up_l``: each step of so many litres is rounded up to the fen."""
        found = 0
        for era, low, high in self.pieces(first, end, first_l, end_l):
            ends = [low, *range((low // up_l + 1) * up_l, high, up_l), high] if up_l else [low, high]
            for left, right in pairwise(ends):
                part = cost(era.prices, self.notice.bounds_m3, left - era.period_l, right - left)
                found += -(-part // UNITS) * UNITS if up_l else part
        return found

    def until(self, day: date) -> int:
        """Fen of all before ``day``, rounded half up once: what bills, and deductions of the server, add up to."""
        first, end = midnight(self.first), midnight(day)
        exact = self.units(first, end, self.register(first), self.register(end))
        return (2 * exact + UNITS) // (2 * UNITS)
