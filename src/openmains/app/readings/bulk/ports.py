# SPDX-License-Identifier: Apache-2.0
"""What answers in bulk ask of the readings' store. All meters of a call are the tenant's, by id, at most some thousand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from openmains.domain.ids import MeterId, ProductId, TenantId
from openmains.domain.readings.expected import Mode
from openmains.domain.readings.model import DayRow, RegisterRow
from openmains.domain.readings.tasks import WantedModes

Form = Literal["arrow", "parquet", "csv"]


class SlotAround(NamedTuple):
    """The slot that holds an instant: its length and place in its day, the register at its start, what it adds, and flags of it and of
    the one before (``MISSING``: not known). ``is_edited``: a person set one of those before it that day."""

    interval_s: int
    place: int
    register: int
    increment: int
    before: int
    flags: int
    is_edited: bool


@dataclass(slots=True, frozen=True)
class BulkMeter:
    """A meter as an export names it; its volumes count 10^``exponent`` m³, ``dial`` 0: not known."""

    meter_id: MeterId
    number: str
    exponent: int
    dial: int


@dataclass(slots=True, frozen=True)
class Wanted:
    """Which values: ``names`` of quantities in the order of the answer with (unit, exponent) of each, over [left, right) s UTC."""

    names: tuple[str, ...]
    units: Mapping[str, tuple[str, int]]
    left_s: int
    right_s: int
    zone: str


@dataclass(slots=True, frozen=True)
class SumsWanted:
    """Days ``first`` to ``last``, both included, by day or month; of the products the seconds of a slot and the modes, by mode the last
    day due, and of days on which the clock changes how many seconds they have. ``tasks``: modes that tasks want, of which the company's
    is in ``modes`` already."""

    first: int
    last: int
    is_monthly: bool
    intervals: Mapping[ProductId, int]
    modes: Mapping[ProductId, Mode]
    dues: Mapping[Mode, int]
    odd_days: Mapping[int, int]
    tasks: WantedModes


class StepSum(NamedTuple):
    """What the days of a group, a product and a step add up to; ``step``: day number of its first day. Days that are due by how they
    stand: ``full``, ``estimated``, ``partial``."""

    group: int
    product_id: ProductId
    step: int
    volume: int
    days: int
    full: int
    estimated: int
    partial: int


class Expected(NamedTuple):
    """Meters of a group and product, and how many of their days are due."""

    group: int
    product_id: ProductId
    meters: int
    days: int


class BulkStore(Protocol):
    async def midnight_registers(
        self, tenant_id: TenantId, meter_ids: Sequence[MeterId], day: int
    ) -> dict[int, tuple[int, int]]:
        """(register, flags of the first slot) at the start of a day."""

    async def day_end_registers(
        self, tenant_id: TenantId, meter_ids: Sequence[MeterId], day: int
    ) -> dict[int, tuple[int, int, bool]]:
        """(register, flags of the last slot, is one edited) at the end of a day of which no slot is missing."""

    async def slots_around(
        self, tenant_id: TenantId, meter_ids: Sequence[MeterId], day: int, offset_s: int
    ) -> dict[int, SlotAround]:
        """Of days in which no slot is missing before the instant ``offset_s`` into the day."""

    async def received(
        self, tenant_id: TenantId, meter_ids: Sequence[MeterId], left_s: int, right_s: int
    ) -> dict[int, list[RegisterRow]]:
        """Registers as received within both ends, but for those not built upon."""

    async def neighbours(
        self, tenant_id: TenantId, meter_ids: Sequence[MeterId], at_s: int, day: int, days: int
    ) -> tuple[dict[int, list[DayRow]], dict[int, list[RegisterRow]]]:
        """Of each meter the nearest days and received registers on either side of ``at_s``, which lies in ``day``, within ``days``."""

    async def value_counts(self, tenant_id: TenantId, meter_ids: Sequence[MeterId], wanted: Wanted) -> dict[int, int]:
        """At most how many values there are of each."""

    async def values(self, tenant_id: TenantId, meters: Sequence[BulkMeter], wanted: Wanted, form: Form) -> bytes:
        """The values of these meters as one file, by meter, quantity and instant."""

    async def expected(
        self, tenant_id: TenantId, groups: Sequence[tuple[MeterId, int]], wanted: SumsWanted
    ) -> list[Expected]:
        """``groups``: (meter, group)."""

    async def sums(
        self, tenant_id: TenantId, groups: Sequence[tuple[MeterId, int]], wanted: SumsWanted
    ) -> list[StepSum]:
        """Totals by group, product and step."""
