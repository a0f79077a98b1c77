# SPDX-License-Identifier: Apache-2.0
"""What the planner of report times asks of the stores: who can be planned, what cells carry, what was measured."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Protocol

from msgspec import Meta, Struct

from openmains.domain.ids import AreaId, MeterId, ProductId, TenantId
from openmains.domain.network.capacity import DEFAULT_CAPACITY, CellCapacity
from openmains.domain.network.coverage import Coverage
from openmains.domain.readings.expected import Mode

PerMinute = Annotated[int, Meta(ge=1, le=100_000)]


class NetworkCapacity(Struct, frozen=True, forbid_unknown_fields=True):
    """Reports a minute that a cell of this network carries if all its meters were of one coverage class (R12.1).

    ``network``: MCC and MNC as an IMSI begins with them (46000, 46011 …); "": every network without a line of its own.
    """

    network: Annotated[str, Meta(pattern=r"^([0-9]{5,6})?$")] = ""
    ce0_per_min: PerMinute = DEFAULT_CAPACITY.ce0_per_min
    ce1_per_min: PerMinute = DEFAULT_CAPACITY.ce1_per_min
    ce2_per_min: PerMinute = DEFAULT_CAPACITY.ce2_per_min

    def line(self) -> CellCapacity:
        """As the rules have it."""
        return CellCapacity(self.network, self.ce0_per_min, self.ce1_per_min, self.ce2_per_min)


class CellMeter(Struct, frozen=True):
    """A meter with a known cell. ``settings``: what it said, where it did not what it was told; ``spreading``: its product's own;
    ``mode``: by which its days are due."""

    cell: int
    meter_id: MeterId
    number: str
    driver: str
    imsi: str
    coverage: Coverage | None
    report_s: int
    settings: Mapping[str, Any]
    spreading: Mapping[str, Any] | None
    mode: Mode = Mode.DAY


class UsualReport(Struct, frozen=True):
    """When a meter reports: the middle of the minutes after local midnight in which its reports came; on how many days; how many."""

    minute: int
    days: int
    reports: int


class Measured(Struct, frozen=True):
    """What cells carried in a span: reports that named the cell. ``days`` of it on which anything was heard at all.

    ``by_minute``: cell → minute after local midnight → reports. ``lateness_ppm``: cell → minutes after the meter's usual one
    (1439: one before) → reports of those that report once a day, in millionths for each meter and day.
    """

    days: int
    by_minute: Mapping[int, Mapping[int, int]]
    usual: Mapping[int, UsualReport]
    lateness_ppm: Mapping[int, Mapping[int, int]]


class CellLoads(Protocol):
    """Measured load."""

    async def measured(self, tenant_id: TenantId, from_s: int, to_s: int, midnight_s: int) -> Measured:
        """From the signal log of the span; ``midnight_s``: a local midnight."""


class PlanStore(Protocol):
    """One tenant's meters and cells in one transaction."""

    async def cell_meters(self, area_id: AreaId | None, product_id: ProductId | None) -> list[CellMeter]:
        """By cell and meter; of an area with those below it."""

    async def capacities(self) -> list[NetworkCapacity]: ...
    async def set_capacities(self, lines: Sequence[NetworkCapacity]) -> None:
        """In place of all that were there."""
