# SPDX-License-Identifier: Apache-2.0
"""From what is stored (bits, counts) to what is shown (event names, m³)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from openmains.domain.quantity import LITRE_EXPONENT, to_m3


@dataclass(frozen=True, slots=True)
class Wording:
    """``events``: bit number → name (``points.toml``); ``exponents``: driver name → unit exponent."""

    events: Mapping[int, str] = field(default_factory=dict)
    exponents: Mapping[str, int] = field(default_factory=dict)

    def event_names(self, mask: int) -> list[str]:
        """Names of the active events; a bit that the table lacks shows as ``bit_<n>``."""
        return [self.events.get(bit, f"bit_{bit}") for bit in range(63) if mask >> bit & 1]

    def m3(self, count: int, driver: str) -> str:
        """Exact decimal text in m³."""
        return f"{to_m3(count, self.exponent(driver)):f}"

    def exponent(self, driver: str) -> int:
        """Its registers count 10^n m³."""
        return self.exponents.get(driver, LITRE_EXPONENT)

    def knows(self, driver: str) -> bool:
        """Whether there is such a driver; where none are listed nobody can say."""
        return not self.exponents or driver in self.exponents
