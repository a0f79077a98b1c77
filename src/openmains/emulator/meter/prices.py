# SPDX-License-Identifier: Apache-2.0
"""Money at the meter: tiered prices and the prepaid account (R1.10, R1.12). Integers only, and a sound meter rounds nothing.

The account counts in units of 10⁻⁵ fen, because a litre at p × 10⁻⁴ CNY/m³ costs exactly p of them. What is shown is
rounded down to the fen. All functions are pure: a settlement gives a new ``Account`` that the meter stores in one write
together with whatever made it settle. Instants are the meter's clock.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise

from openmains.domain.period import DAY_S, HOUR_S, MINUTE_S, utc

MONEY, VOLUME, NONE = 0, 1, 2  # balance_kind
UNITS_A_FEN = 100_000
LITRES_A_M3 = 1000

Register = Callable[[int], int]  # meter's clock → litres


@dataclass(frozen=True, slots=True)
class PriceSet:
    """Prices with a version. ``tier_from`` in m³ of the billing period, ``prices`` in 10⁻⁴ CNY/m³, both by tier."""

    version: int
    effective_at: int
    period_start: int
    cycle_months: int
    clear_total: bool
    tier_from: tuple[int, ...]
    prices: tuple[int, ...]

    @property
    def sound(self) -> bool:
        """Tiers begin at 0 and rise."""
        rising = all(a < b for a, b in zip(self.tier_from, self.tier_from[1:], strict=False))
        return bool(self.tier_from) and self.tier_from[0] == 0 and rising

    def cost(self, used: int, litres: int) -> int:
        """Units for ``litres`` after ``used`` litres of this billing period."""
        total, end = 0, used + litres
        for k, price in enumerate(self.prices):
            low = self.tier_from[k] * LITRES_A_M3
            high = self.tier_from[k + 1] * LITRES_A_M3 if k + 1 < len(self.tier_from) else end
            total += max(0, min(end, high) - max(used, low)) * price
        return total

    def next_period(self, after: int, utc_offset_s: int) -> int:
        """First start of a billing period later than this instant: months of the local calendar."""
        if after < self.period_start:
            return self.period_start
        first = utc(self.period_start + utc_offset_s)
        now = utc(after + utc_offset_s)
        cycles = ((now.year - first.year) * 12 + now.month - first.month) // self.cycle_months
        while (start := self._start(first, cycles) - utc_offset_s) <= after:
            cycles += 1
        return start

    def _start(self, first: datetime, cycles: int) -> int:
        months = first.year * 12 + first.month - 1 + cycles * self.cycle_months
        year, month = divmod(months, 12)
        # a period that began on the 31st begins on the last day of shorter months
        last = (datetime(year + month // 11, (month + 1) % 12 + 1, 1, tzinfo=UTC).timestamp() - DAY_S) // DAY_S
        day = datetime(year, month + 1, 1, tzinfo=UTC).timestamp() // DAY_S + first.day - 1
        return int(min(day, last)) * DAY_S + first.hour * HOUR_S + first.minute * MINUTE_S + first.second


@dataclass(frozen=True, slots=True)
class Account:
    """What the meter holds of its customer's credit.

    ``balance``: 10⁻⁵ fen, or litres; ``settled``: register up to which it is paid; ``period_register``: register at
    which the billing period's tier counting began; ``at``: instant of the latest settlement. Faults that are planted (docs/emulator.md):
    ``rounds_up``: litres of a step whose cost is rounded up to the fen (0: nothing is); ``keeps_price``: a new price is confirmed, and the
    old one goes on being deducted; ``forgets_top_ups``: they are confirmed, and not added.
    """

    kind: int = NONE
    balance: int = 0
    settled: int = 0
    period_register: int = 0
    at: int = 0
    price: PriceSet | None = None
    deferred: PriceSet | None = None
    emergency: bool = False  # the customer has pressed for the emergency credit
    rounds_up: int = 0
    keeps_price: bool = False
    forgets_top_ups: bool = False

    @property
    def unit(self) -> int:
        """Units of the balance in what is shown: fen or litres."""
        return UNITS_A_FEN if self.kind == MONEY else 1

    @property
    def shown(self) -> int:
        """Balance in fen or litres, rounded down."""
        return self.balance // self.unit

    @property
    def newest_version(self) -> int:
        """Highest price version held."""
        return max((p.version for p in (self.price, self.deferred) if p is not None), default=0)

    def cost(self, litres: int) -> int:
        """Of the next litres, at the price in force."""
        if self.kind == VOLUME:
            return litres
        if self.kind == NONE or self.price is None:
            return 0
        used = self.settled - self.period_register
        if not self.rounds_up:
            return self.price.cost(used, litres)
        first, last = self.settled, self.settled + litres
        ends = [first, *range((first // self.rounds_up + 1) * self.rounds_up, last, self.rounds_up), last]
        steps = (self.price.cost(used + left - first, right - left) for left, right in pairwise(ends))
        return sum(-(-cost // UNITS_A_FEN) * UNITS_A_FEN for cost in steps)

    def charged(self, until: int) -> "Account":
        """Paid up to this register."""
        if until <= self.settled:
            return self
        return replace(self, balance=self.balance - self.cost(until - self.settled), settled=until)

    def topped_up(self, amount: int) -> "Account":
        """More credit (fen or litres); the emergency credit is there again for the next time."""
        if self.forgets_top_ups:
            return self
        return replace(self, balance=self.balance + amount * self.unit, emergency=False)

    def with_price(self, new: PriceSet, register: int) -> "Account":
        """The price comes into force; the account is settled up to ``register``."""
        begin = register if new.clear_total or self.price is None else self.period_register
        if self.keeps_price and self.price is not None:
            new = replace(new, tier_from=self.price.tier_from, prices=self.price.prices)
        deferred = None if self.deferred is None or self.deferred.version <= new.version else self.deferred
        return replace(self, price=new, deferred=deferred, period_register=begin)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """In what is shown: fen or litres. ``step``: litres between two deductions."""

    warning: int
    arrears: int
    emergency: int
    step: int

    def floor(self, account: Account) -> int:
        """The valve closes when the balance is below this (units of the account)."""
        return (self.arrears - (self.emergency if account.emergency else 0)) * account.unit


@dataclass(frozen=True, slots=True)
class Settlement:
    """``steps``: whole metering steps deducted; ``switched``: a price came into force by itself;
    ``exhausted_at``: register (litres) of the step with which the balance fell below the floor."""

    account: Account
    steps: int = 0
    switched: bool = False
    exhausted_at: int | None = None


def settle(account: Account, now: int, register: Register, limits: Thresholds, utc_offset_s: int) -> Settlement:
    """Deduct what was used until ``now``: whole steps, and to the litre where the price or the period changes.

    It stops at the step that exhausts the credit, if it was not exhausted before: the owner closes the valve there
    and asks again.
    """
    steps, switched = 0, False
    while True:
        change = _next_change(account, utc_offset_s)
        until = now if change is None or change > now else max(change, account.at)
        reached = register(until)
        target = reached if until == change else reached // limits.step * limits.step
        if target > account.settled:
            end = _exhausted(account, target, limits)
            steps += (end or target) // limits.step - account.settled // limits.step
            account = account.charged(end or target)
            if end is not None:
                return Settlement(account, steps, switched, end)
        if until != change:
            return Settlement(replace(account, at=max(account.at, now)), steps, switched)
        deferred = account.deferred
        if deferred is not None and deferred.effective_at <= change:
            begins = account.price is not None and account.price.next_period(account.at, utc_offset_s) == change
            account, switched = replace(account.with_price(deferred, reached), deferred=None, at=change), True
            if begins:  # the price is new with the period: it begins all the same
                account = replace(account, period_register=reached)
        else:
            account = replace(account, period_register=reached, at=change)


def _next_change(account: Account, utc_offset_s: int) -> int | None:
    """Next instant at which the price or the billing period changes."""
    changes = []
    if account.deferred is not None:
        changes.append(max(account.deferred.effective_at, account.at))
    if account.price is not None:
        changes.append(account.price.next_period(account.at, utc_offset_s))
    return min(changes, default=None)


def _exhausted(account: Account, target: int, limits: Thresholds) -> int | None:
    """First step end in (settled, target] at which the balance is below the floor; None if it is not, or was before."""
    floor = limits.floor(account)
    if account.kind == NONE or account.balance < floor or account.charged(target).balance >= floor:
        return None
    low, high = account.settled // limits.step, -(-target // limits.step)
    while high - low > 1:
        middle = (low + high) // 2
        if account.charged(min(middle * limits.step, target)).balance < floor:
            high = middle
        else:
            low = middle
    return min(high * limits.step, target)
