# SPDX-License-Identifier: Apache-2.0
"""Exact volumes: an integer count of a unit 10^-n m³ ('milli' = litre). No float anywhere on a reading's path."""

from decimal import Decimal

LITRE_EXPONENT = -3


def to_m3(count: int, exponent: int = LITRE_EXPONENT) -> Decimal:
    """Volume in m³, exact. ``count`` litres with the default exponent."""
    return Decimal(count).scaleb(exponent)


def decimal_of(count: int, exponent: int) -> Decimal:
    """``count`` x 10^``exponent``, exact, and written without an exponent for all units of ``drivers/points.toml``."""
    return Decimal(count * 10**exponent) if exponent > 0 else Decimal(count).scaleb(exponent)


def rescale(count: int, from_exponent: int, to_exponent: int) -> int:
    """The same volume in another decimal unit, rounded towards zero where the target is coarser."""
    shift = from_exponent - to_exponent
    if shift >= 0:
        return count * int(10**shift)
    factor = int(10**-shift)
    return count // factor if count >= 0 else -(-count // factor)
