# SPDX-License-Identifier: Apache-2.0
"""Exact money and volume. No float; there is one rounding, ``to_fen``, and one way to share a rounded sum, ``shared``.

Units, all integers: money in **fen** (0.01 CNY), volume in **ml** (10^-6 m³: every driver's unit is a whole number of it), prices in
**micro** (10^-6 CNY for a m³), heat values in kJ/m³. What a line costs is a fraction of a fen until the bill's sum is rounded.

Law: the sum of a bill is what is rounded, half up; its lines are shares of that sum. Rounding line by line would give another sum:
three components of 0.3333, 0.3333 and 0.3334 fen are 1 fen together and 0 each.
"""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from fractions import Fraction

ML_OF_M3 = 1_000_000
LITRE_ML = 1_000
MICRO_OF_CNY = 1_000_000
FEN_OF_CNY = 100
MICRO_ML_OF_FEN = MICRO_OF_CNY * ML_OF_M3 // FEN_OF_CNY  # a price in micro times a volume in ml is 1/10^10 fen
MOST_DIGITS = 15  # of a number in a tariff: within a bigint in every unit above


def to_fen(amount: Fraction) -> int:
    """The nearest fen, halves upwards (towards +∞): 2.5 → 3, -2.5 → -2. So ``amount - to_fen(amount)`` is in [-1/2, 1/2)."""
    return (2 * amount.numerator + amount.denominator) // (2 * amount.denominator)


def shared(total: int, exact: Sequence[Fraction]) -> list[int]:
    """``total`` as one whole number for each exact part, none further than 1 from it: floors, then 1 more for the largest remainders,
    the earlier of equal ones first. A part that is whole stays as it is.

    ``total`` must lie between the sum of the floors and that of the ceilings, which a rounded sum does. Raises ``ValueError``.
    """
    floors = [part.numerator // part.denominator for part in exact]
    missing = total - sum(floors)
    left = sorted(
        (index for index, part in enumerate(exact) if part != floors[index]), key=lambda i: (floors[i] - exact[i], i)
    )
    if not 0 <= missing <= len(left):
        raise ValueError(f"{total} is no rounding of the sum of {len(exact)} parts")
    for index in left[:missing]:
        floors[index] += 1
    return floors


def whole(text: str, decimals: int) -> int:
    """A number written as digits with a point, counted in its last decimal: ('2.61', 6) → 2_610_000.

    Raises ``ValueError`` for what is no such number: exponents, signs, more decimals than that, more than 15 digits.
    """
    plain = text.strip()
    before, _, after = plain.partition(".")
    if not plain.isascii() or not before.isdigit() or (("." in plain) and not after.isdigit()):
        raise ValueError(f"{text!r} is no number")
    if len(after.rstrip("0")) > decimals or len(before.lstrip("0")) + decimals > MOST_DIGITS:
        raise ValueError(f"{text!r} has more digits than are kept")
    try:
        return int(Decimal(plain).scaleb(decimals))
    except InvalidOperation as error:  # never reached after the checks above; kept so that no other error can come out
        raise ValueError(f"{text!r} is no number") from error


def written(count: int, decimals: int, least: int = 0) -> str:
    """The other way: (2_610_000, 6, 2) → '2.61'; at least ``least`` decimals, no zeros beyond them."""
    digits = str(abs(count)).rjust(decimals + 1, "0")
    before, after = (digits[:-decimals], digits[-decimals:]) if decimals else (digits, "")
    after = after.rstrip("0").ljust(least, "0")
    return f"{'-' if count < 0 else ''}{before}{'.' if after else ''}{after}"
