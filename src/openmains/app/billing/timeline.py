# SPDX-License-Identifier: Apache-2.0
"""Which price a meter held when, and where its billing period began: out of the prices that it confirmed and its own registers (R1.12).

The meter says neither; both follow. A price holds from its instant, or from the answer on where that is past; with it the billing period
begins anew where the command says so, and else at the starts that the price counts (``meter_period.py``). At each such instant the meter
settles to the litre, so the register there must be known: the answer's own, or that of a slot's edge. Where nobody knows it the state
says so by None, and whoever works with it makes a doubt of it.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from openmains.domain.period import Zone
from openmains.domain.tariff.meter_period import period_starts
from openmains.domain.tariff.meter_price import MeterPrice

RegisterAt = Callable[[int], int | None]
"""Litres on the dial at an instant of the meter's clock."""
US = 1_000_000
Key = tuple[int, int]
"""(the meter's clock, when it was received): reports in order."""


class BalanceReport(NamedTuple):
    """What a meter said: ``at`` by its clock, register in litres, balance in fen or, where ``kind`` is 1, in litres."""

    at: int
    received_us: int
    register_l: int
    balance: int
    kind: int

    @property
    def key(self) -> Key:
        """Its place among the reports."""
        return self.at, self.received_us


class GivenPrice(NamedTuple):
    """A price that was sent. ``effective_s``: from then on, 0: at once; ``answered_us`` None: the meter has not said that it is done;
    ``register_l``: what its answer said; ``is_dated``: the answer is the first one, and so of the moment of the change."""

    version: int
    price: MeterPrice
    effective_s: int
    period_start_s: int
    sent_us: int
    answered_us: int | None = None
    register_l: int | None = None
    is_dated: bool = True

    @property
    def is_confirmed(self) -> bool:
        """The meter said that it holds it."""
        return self.answered_us is not None

    def in_force(self, reports: Sequence[BalanceReport]) -> Key:
        """From when on, of one that is confirmed."""
        answered = self.answered_us or 0
        said = next((report.key for report in reports if report.received_us == answered), (answered // US, answered))
        return (self.effective_s, 0) if self.effective_s > said[0] else said


class State(NamedTuple):
    """From ``key`` on, register ``register_l``, this price holds, in a billing period begun at ``period_l``. None: not known."""

    key: Key
    register_l: int | None
    period_l: int | None
    price: GivenPrice | None
    is_dated: bool = True


def timeline(
    prices: Sequence[GivenPrice],
    reports: Sequence[BalanceReport],
    place: Zone,
    first_s: int,
    last_s: int,
    register_at: RegisterAt,
) -> list[State]:
    """States that hold at, or begin between, two instants, in order."""
    coming = sorted(
        ((price.in_force(reports), price.answered_us or 0, price) for price in prices if price.is_confirmed),
        key=lambda one: one[:2],
    )
    # a price that has not come into force when a newer one is confirmed never does
    events = [
        (key, price)
        for key, answered, price in coming
        if not any(later > answered and later // US < key[0] for _, later, _ in coming if key[1] == 0)
    ]
    found, period = list[State](), None
    for place_of, (key, price) in enumerate(events):
        held = events[place_of - 1][1] if place_of else None
        is_deferred = key[1] == 0
        register = register_at(key[0]) if is_deferred else price.register_l
        begins = is_deferred and held is not None and _begins(held, place, key[0])
        if price.price.clear_total or begins:
            period = register
        elif held is None:
            period = None
        found.append(State(key, register, period, price, price.is_dated or is_deferred))
        until = events[place_of + 1][0][0] - 1 if place_of + 1 < len(events) else last_s
        for at in _starts(price, place, key[0], until, first_s):
            period = register_at(at)
            found.append(State((at, 0), period, period, price))
    return found


def _starts(price: GivenPrice, place: Zone, after_s: int, until_s: int, first_s: int) -> list[int]:
    """Of billing periods: the last one before the first instant that matters, and those behind it."""
    starts = list(period_starts(price.period_start_s, price.price.cycle_months, place, after_s, until_s))
    before = [at for at in starts if at <= first_s]
    return [*before[-1:], *(at for at in starts if at > first_s)]


def _begins(price: GivenPrice, place: Zone, at: int) -> bool:
    return at in period_starts(price.period_start_s, price.price.cycle_months, place, at - 1, at)
