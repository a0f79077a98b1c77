# SPDX-License-Identifier: Apache-2.0
"""What a utility's books must come to, whatever came in whatever order: each account's payments, its meters' days, prices that change, meters
that are exchanged – by plain sums, out of what the test did. Imports nothing of the program on purpose.

``faults`` says what is not so in books as they are read out of the database. An update that was lost, done twice, done in half or for another
account has a name there, also where debit and credit still add up.

A month's first ``BOUND_L`` litres cost the lower price of the day, what is above the higher; all that an account used costs the exact sum,
rounded half up once. What a day takes is the difference of two such sums.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

UNITS = 100_000  # of a fen: a litre at 10^-4 CNY/m³
BOUND_L = 10_000
EPOCH = date(1970, 1, 1).toordinal()


class Seen(NamedTuple):
    """Books as they stand. ``unbalanced``: entries whose lines do not add up to 0; ``sums``: fen by ledger account; ``accounts``: of each
    customer's account; ``receipts``: (account, fen) by the channel's number, once for each that is there; ``days``: of each account and day
    that is deducted and not billed (fen of all its versions, fen that the newest says, litres)."""

    unbalanced: int
    sums: Mapping[str, int]
    accounts: Mapping[int, Mapping[str, int]]
    receipts: Mapping[str, list[tuple[int, int]]]
    days: Mapping[tuple[int, int], tuple[int, int, int]]


@dataclass
class PlainAccount:
    """``meters``: which hung there from which day on; ``paid``: less what was given back; ``billed``: fen of all before the open days."""

    meters: list[tuple[int, int]]
    paid: int = 0
    billed_units: int = 0

    def meter(self, day: int) -> int:
        return next(meter for since, meter in reversed(self.meters) if since <= day)

    @property
    def billed(self) -> int:
        return rounded(self.billed_units)


def rounded(units: int) -> int:
    """Half up."""
    return (2 * units + UNITS) // (2 * UNITS)


def is_first(day: int) -> bool:
    """Of a month."""
    return date.fromordinal(EPOCH + day).day == 1


@dataclass
class PlainTown:
    """``prices``: (from which day, lower, higher), by day; ``litres``: by meter and day; ``open_day``: the first that is not billed;
    ``until``: the first that nobody read yet; ``receipts``: of the payments that were taken since they were looked at."""

    open_day: int
    prices: list[tuple[int, int, int]]
    until: int = 0
    litres: dict[int, dict[int, int]] = field(default_factory=dict)
    accounts: dict[int, PlainAccount] = field(default_factory=dict)
    receipts: dict[str, tuple[int, int]] = field(default_factory=dict)

    def price(self, day: int) -> tuple[int, int]:
        return next((low, high) for since, low, high in reversed(self.prices) if since <= day)

    def units(self, account: PlainAccount, first: int, end: int) -> list[int]:
        """What an account used up to the end of each day, from a month's first on."""
        found, total, month = list[int](), 0, 0
        for day in range(first, end):
            month = 0 if is_first(day) else month
            litres = self.litres[account.meter(day)][day]
            lower, (low, high) = max(0, min(BOUND_L - month, litres)), self.price(day)
            total, month = total + lower * low + (litres - lower) * high, month + litres
            found.append(total)
        return found

    def days(self, account: PlainAccount) -> dict[int, tuple[int, int]]:
        """Of the open days: (fen, litres)."""
        found, before = dict[int, tuple[int, int]](), account.billed
        for day, units in enumerate(self.units(account, self.open_day, self.until), self.open_day):
            now = rounded(account.billed_units + units)
            found[day], before = (now - before, self.litres[account.meter(day)][day]), now
        return found

    def bill(self, end: int) -> None:
        """All before ``end`` is billed."""
        for account in self.accounts.values():
            account.billed_units += ([0, *self.units(account, self.open_day, end)])[-1]
        self.open_day = end

    def expected(self) -> Seen:
        """The books as they must be."""
        accounts, days = dict[int, dict[str, int]](), dict[tuple[int, int], tuple[int, int, int]]()
        for number, account in self.accounts.items():
            mine = self.days(account)
            taken = sum(fen for fen, _ in mine.values())
            accounts[number] = {"balance": account.paid - account.billed - taken, "deducted": taken}
            days |= {(number, day): (fen, fen, litres) for day, (fen, litres) in mine.items()}
        paid, billed = (sum(getattr(one, name) for one in self.accounts.values()) for name in ("paid", "billed"))
        sums = {
            "clearing": paid, "revenue": -billed, "deducted": -sum(one["deducted"] for one in accounts.values()),
            "customers": -sum(one["balance"] for one in accounts.values()),
        }  # fmt: skip
        return Seen(0, sums, accounts, {key: [one] for key, one in self.receipts.items()}, days)


def faults(wanted: Seen, seen: Seen) -> list[str]:
    """What is not as it must be, by name; []: nothing."""
    found = list[str]()
    if seen.unbalanced:
        found.append(f"{seen.unbalanced} entries are not balanced")
    if sum(seen.sums.values()):
        found.append(f"the ledger adds up to {sum(seen.sums.values())}")
    for name in wanted.sums.keys() | seen.sums.keys():
        if wanted.sums.get(name, 0) != seen.sums.get(name, 0):
            found.append(f"{name}: {seen.sums.get(name, 0)}, not {wanted.sums.get(name, 0)}")
    for number in sorted(wanted.accounts.keys() | seen.accounts.keys()):
        mine, there = wanted.accounts.get(number, {}), seen.accounts.get(number, {})
        for name in ("balance", "deducted"):
            if mine.get(name, 0) != there.get(name, 0):
                found.append(f"account {number}, {name}: {there.get(name, 0)}, not {mine.get(name, 0)}")
    for key in sorted(wanted.receipts.keys() | seen.receipts.keys()):
        if wanted.receipts.get(key) != seen.receipts.get(key):
            found.append(f"receipt {key}: {seen.receipts.get(key)}, not {wanted.receipts.get(key)}")
    for place in sorted(wanted.days.keys() | seen.days.keys()):
        if wanted.days.get(place) != seen.days.get(place):
            found.append(f"account and day {place}: {seen.days.get(place)}, not {wanted.days.get(place)}")
    return found
