# SPDX-License-Identifier: Apache-2.0
"""The checker of random operations (``tests/edges/http/test_books_model.py``) sees one update that went wrong, also where debit and credit
still add up."""

import random
from datetime import date

import pytest

from openmains.domain.period import date_to_day
from tests.support.plain_books import PlainAccount, PlainTown, Seen, faults


def _books(seed: int) -> PlainTown:
    """A town in the middle of its second month, with exchanges and a price that changed."""
    rng, first = random.Random(seed), date_to_day(date(2025, 3, 1))  # noqa: S311 - the same books each time
    town = PlainTown(first, [(0, 21_234, 43_210), (first + 40, 25_431, 47_777)], first + 50)
    for number in range(1, 5):
        town.accounts[number] = PlainAccount([(0, number)], paid=rng.randint(1, 99_999))
        town.litres[number] = {day: rng.randint(0, 900) for day in range(first, first + 50)}
        town.receipts[f"k{number}"] = (number, town.accounts[number].paid)
    town.bill(first + 31)
    town.accounts[1].meters.append((first + 35, 2))
    town.accounts[2].meters.append((first + 35, 1))
    return town


def _spoilt(town: PlainTown, how: str) -> Seen:
    """Books in which one update went wrong."""
    one = town.accounts[1]
    day = town.open_day + 5
    if how == "a payment is lost":
        one.paid -= town.receipts.pop("k1")[1]
    elif how == "a payment is booked twice":
        one.paid *= 2
    elif how == "a payment came to another account":
        one.paid, town.accounts[2].paid = one.paid - 1, town.accounts[2].paid + 1
    elif how == "a return is lost":
        one.paid += 500
    elif how == "a correction is lost":
        town.litres[2][day] += 1
    elif how == "a price is stale":
        town.prices.pop()
    elif how == "an exchange is lost":
        one.meters.pop()
        town.accounts[2].meters.pop()
    seen = town.expected()
    if how == "a day's deduction is lost":
        days = dict(seen.days)
        fen = days.pop((1, day))[0]
        mine = {"balance": seen.accounts[1]["balance"] + fen, "deducted": seen.accounts[1]["deducted"] - fen}
        sums = {**seen.sums, "deducted": seen.sums["deducted"] + fen, "customers": seen.sums["customers"] - fen}
        return seen._replace(days=days, accounts={**seen.accounts, 1: mine}, sums=sums)
    if how == "one of two lines is lost":
        return seen._replace(unbalanced=1, sums={**seen.sums, "clearing": seen.sums["clearing"] - 5})
    if how == "a difference is booked twice":
        fen, told, litres = seen.days[1, day]
        return seen._replace(days={**seen.days, (1, day): (fen * 2, told, litres)})
    if how == "a receipt is there twice":
        return seen._replace(receipts={**seen.receipts, "k2": seen.receipts["k2"] * 2})
    return seen


@pytest.mark.parametrize(
    "how",
    [
        "a payment is lost", "a payment is booked twice", "a payment came to another account", "a return is lost", "a correction is lost",
        "a price is stale", "an exchange is lost", "a day's deduction is lost", "one of two lines is lost", "a difference is booked twice",
        "a receipt is there twice",
    ],
)  # fmt: skip
def test_one_lost_update_is_seen(how: str) -> None:
    assert faults(_books(1).expected(), _books(1).expected()) == []
    assert faults(_books(1).expected(), _spoilt(_books(1), how)) != [], how
