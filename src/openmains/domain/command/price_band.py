# SPDX-License-Identifier: Apache-2.0
"""Whether a price is near the one before: a slip by a power of ten, or a gift, needs a second person.

Compared tier by tier with the price that was last signed for the meter. Where none is known there is nothing to compare, and a
second person looks at it.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, TypeGuard

BAND_PPM = 200_000  # a fifth up or down


def within_band(price: Mapping[str, Any], before: Mapping[str, Any] | None) -> bool:
    """``price``, ``before``: parameters of ``set_price``; exact integers."""
    if before is None:
        return False
    for name in ("prices", "tier_from"):
        new, old = price.get(name), before.get(name)
        if not _numbers(new) or not _numbers(old) or len(new) != len(old):
            return False
        if any(abs(a - b) * 1_000_000 > BAND_PPM * b for a, b in zip(new, old, strict=True)):
            return False
    tiers = price["tier_from"]
    return all(low < high for low, high in pairwise(tiers)) and price.get("cycle_months") == before.get("cycle_months")


def _numbers(value: object) -> TypeGuard[Sequence[int]]:
    return isinstance(value, list | tuple) and all(isinstance(item, int) for item in value)
