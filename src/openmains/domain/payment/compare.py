# SPDX-License-Identifier: Apache-2.0
"""A day's comparison: the channel's file ↔ the ledger ↔ the meter. Each side is lines of money with the channel's number; a refund is a
line of its own
kind with its own number, so that money given back is compared as money taken is.

    missing-here     in the channel's file, not in the ledger
    missing-there    in the ledger, not in the channel's file
    amount-differs   in both, with other amounts
    twice            more than once under the same number, on either side
    not-delivered    paid for a meter, and the meter has not confirmed it
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class DifferenceKind(StrEnum):
    """What is not as it should be."""

    MISSING_HERE = "missing-here"
    MISSING_THERE = "missing-there"
    AMOUNT_DIFFERS = "amount-differs"
    TWICE = "twice"
    NOT_DELIVERED = "not-delivered"


class MoneyKind(StrEnum):
    """Which way it went."""

    PAYMENT = "payment"
    REFUND = "refund"


@dataclass(frozen=True, slots=True)
class MoneyLine:
    """``number``: of our order, or of our refund; ``fen`` above 0 for both kinds. ``is_delivered``: the meter confirmed it; None: no meter is
    concerned."""

    kind: MoneyKind
    number: str
    fen: int
    is_delivered: bool | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference; None: that side has no line."""

    what: DifferenceKind
    kind: MoneyKind
    number: str
    here_fen: int | None
    there_fen: int | None


def compare(here: Sequence[MoneyLine], there: Sequence[MoneyLine]) -> list[Difference]:
    """All differences, by kind and number. A number that is there twice is compared by its sum, and told besides."""
    found: list[Difference] = []
    ours, theirs = _sums(here), _sums(there)
    counts = Counter((line.kind, line.number) for line in here), Counter((line.kind, line.number) for line in there)
    for key in sorted(ours.keys() | theirs.keys()):
        mine, other = ours.get(key), theirs.get(key)
        if counts[0][key] > 1 or counts[1][key] > 1:
            what = DifferenceKind.TWICE
        elif mine is None:
            what = DifferenceKind.MISSING_HERE
        elif other is None:
            what = DifferenceKind.MISSING_THERE
        elif mine != other:
            what = DifferenceKind.AMOUNT_DIFFERS
        else:
            continue
        found.append(Difference(what, *key, mine, other))
    for line in here:
        if line.is_delivered is False:
            found.append(
                Difference(
                    DifferenceKind.NOT_DELIVERED, line.kind, line.number, line.fen, theirs.get((line.kind, line.number))
                )
            )
    return found


def _sums(lines: Iterable[MoneyLine]) -> dict[tuple[MoneyKind, str], int]:
    sums: dict[tuple[MoneyKind, str], int] = {}
    for line in lines:
        sums[line.kind, line.number] = sums.get((line.kind, line.number), 0) + line.fen
    return sums
