# SPDX-License-Identifier: Apache-2.0
"""A bill as it is kept: what its sum follows from, its lines, and what is counted after it. Rows are JSON arrays, so that ten million
bills a month stay small; integers only, and a fraction of a fen as text ``n/d``.

The tariff's plans are named by number: they are never changed. Days are cited by meter, day and version (ADR 0014).
"""

from collections.abc import Sequence
from fractions import Fraction
from itertools import accumulate
from typing import NamedTuple

from msgspec import Struct

from openmains.domain.tariff.billing import Count, Line, Payer, Use


class CountRow(Struct, frozen=True, array_like=True):
    """``Count`` of the kernel."""

    until: int
    cycle_day: int
    cycle_ml: int
    season_day: int
    season_ml: int
    remainder: str
    unsettled_fen: int

    @classmethod
    def of(cls, count: Count) -> "CountRow":
        """As it is kept."""
        return cls(
            count.until, count.cycle_day, count.cycle_ml, count.season_day, count.season_ml, str(count.remainder),
            count.unsettled_fen,
        )  # fmt: skip

    def count(self) -> Count:
        """As the kernel knows it."""
        return Count(
            self.until, self.cycle_day, self.cycle_ml, self.season_day, self.season_ml, Fraction(self.remainder),
            self.unsettled_fen,
        )  # fmt: skip


class BillPart(Struct, frozen=True, array_like=True):
    """Days of a bill with one tariff and one payer. ``plans``: numbers of the tariff's plans that were approved then; ``uses``:
    [first day, day after the last, ml, kJ/m³] each; ``months``: whole months that end with it."""

    tariff_id: int
    plans: list[int]
    persons: int
    households: int
    anniversary: tuple[int, int]
    uses: list[tuple[int, int, int, int]]
    months: int

    def payer(self) -> Payer:
        """As the kernel knows them."""
        return Payer(self.persons, self.households, self.anniversary)

    def exact_uses(self) -> list[Use]:
        """As the kernel knows them."""
        return [Use(*one) for one in self.uses]


class CitedDays(Struct, frozen=True, array_like=True):
    """Days of a meter, from ``first_day`` on one after the other. ``steps``: the version of the first, then by how much each is above the
    one before; ``unit_ml``: ml of the meter's unit."""

    meter_id: int
    first_day: int
    unit_ml: int
    steps: list[int]

    @classmethod
    def of(cls, meter_id: int, first_day: int, unit_ml: int, versions: Sequence[int]) -> "CitedDays":
        """Of the versions."""
        return cls(meter_id, first_day, unit_ml, [*versions[:1], *map(int.__sub__, versions[1:], versions[:-1])])

    def versions(self) -> list[int]:
        """By day."""
        return list(accumulate(self.steps))


class BillInputs(Struct, frozen=True, array_like=True):
    """All that a bill follows from. ``before``: what was counted."""

    before: CountRow
    parts: list[BillPart]
    cited: list[CitedDays]


class LineRow(Struct, frozen=True, array_like=True):
    """A line of the sum. ``part``: of the inputs; the other fields as in the kernel's ``Line``."""

    part: int
    plan: int
    first_day: int
    end_day: int
    season: str
    tier: int
    component: str
    price: int
    heat: int
    volume_ml: int
    fen: int

    @classmethod
    def of(cls, part: int, line: Line) -> "LineRow":
        """As it is kept."""
        return cls(
            part, line.plan, line.first_day, line.end_day, line.season, line.tier, line.component, line.price, line.heat,
            line.volume_ml, line.fen,
        )  # fmt: skip


class BillRow(NamedTuple):
    """A bill as it is written: what is kept of it as text already, and what its entry asks for, by component in the lines' order."""

    account_id: int
    first_day: int
    end_day: int
    tariff_id: int
    meter_id: int
    volume_ml: int
    total_fen: int
    estimated_days: int
    by_days: bool
    fee_ppm: int
    fee_grace: int
    fee_cap_ppm: int
    inputs: str
    lines: str
    counted: str
    components: dict[str, int]
