# SPDX-License-Identifier: Apache-2.0
"""Tariffs as people write, read and approve them. Amounts are decimal text (``2.61`` CNY, ``180`` m³): JSON numbers would be floats."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from openmains.domain.tariff.meter_price import Rounding
from openmains.domain.tariff.plan import AtChange, CustomerClass

Decimal = Annotated[str, Meta(max_length=24, pattern=r"^[0-9]+(\.[0-9]+)?$", description="Digits with a point.")]
Day = Annotated[
    str, Meta(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$", description="Calendar day of the utility, YYYY-MM-DD.")
]
DayOfYear = Annotated[str, Meta(pattern="^[0-9]{2}-[0-9]{2}$", description="MM-DD.")]
Name = Annotated[str, Meta(min_length=1, max_length=60)]
Medium = Literal["gas", "water"]
PlanState = Literal["draft", "approved", "rejected", "withdrawn"]


class ComponentEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """``prices``: CNY for a m³ in each tier; ``by_heat``: at the reference heat value."""

    name: Name
    prices: Annotated[list[Decimal], Meta(max_length=12)]
    by_heat: bool = False


class PersonsEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """For each bound: above how many persons it rises, and by how many m³ for each."""

    above: Annotated[list[Annotated[int, Meta(ge=0, le=99)]], Meta(max_length=12)]
    add_m3: Annotated[list[Decimal], Meta(max_length=12)]


class SeasonEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """Days of a year with tiers of their own, both ends included."""

    name: Name
    first: DayOfYear
    last: DayOfYear
    bounds_m3: Annotated[list[Decimal], Meta(max_length=12)]
    components: Annotated[list[ComponentEntry], Meta(max_length=12)]
    persons: PersonsEntry | None = None
    own_count: bool = False


class LateFeeEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """``per_day`` and ``cap`` are shares: 0.005 is 5 ‰ a day."""

    per_day: Decimal
    grace_days: Annotated[int, Meta(ge=0, le=366)] = 0
    cap: Decimal = "1"


class PlanDocument(Struct, frozen=True, forbid_unknown_fields=True):
    """All that holds from a day on. ``bounds_m3``: upper ends of the tiers but the last, each within its tier; none: a flat price.

    ``heat_reference``: MJ/m³ that prices ``by_heat`` mean; ``minimum_month``: CNY.
    """

    bounds_m3: Annotated[list[Decimal], Meta(max_length=12)]
    components: Annotated[list[ComponentEntry], Meta(max_length=12)]
    cycle_months: Literal[1, 2, 3, 4, 6, 12] = 12
    anniversary: bool = False
    persons: PersonsEntry | None = None
    seasons: Annotated[list[SeasonEntry], Meta(max_length=4)] = []
    heat_reference: Decimal = "0"
    minimum_month: Decimal = "0"
    late_fee: LateFeeEntry | None = None
    at_change: AtChange = AtChange.CARRIED


class Tariff(Struct, frozen=True):
    """``in_force``: number of the plan that holds today, None: none yet; ``drafts``: plans that wait for another person;
    ``members``: null in a list, they are counted where one tariff is read."""

    tariff_id: int
    code: str
    name: str
    medium: Medium
    customer_class: CustomerClass
    created_at: datetime
    in_force: int | None
    in_force_from: str | None
    drafts: int
    members: int | None


class SimulatedBand(Struct, frozen=True):
    """``from_pct`` None: less than ``to_pct``."""

    from_pct: int | None
    to_pct: int | None
    members: int
    difference_fen: int


class SimulatedMember(Struct, frozen=True):
    """One of those whose bill changes most."""

    account_id: int
    meter_id: int
    number: str
    volume_ml: int
    old_fen: int
    new_fen: int


class PlanSimulation(Struct, frozen=True):
    """What members would have paid for a month under the plan in force (``old_fen``) and under this one.

    ``without_readings``: members left out, for no volume of all days of the month is known; ``negative``: left out, for what was counted
    in the cycle or the month is below 0, which has no bill; ``bands``: how many pay how much more, by
    percent of what they paid: [from, to) with None for no end.
    """

    month: str
    simulated_at: datetime
    members: int
    without_readings: int
    old_fen: int
    new_fen: int
    more: int
    same: int
    less: int
    bands: list[SimulatedBand]
    largest: list[SimulatedMember]
    negative: int = 0


class TariffPlan(Struct, frozen=True):
    """A version of a tariff. ``doubts``: (place, code) of what often is a slip; ``before``: number of the plan it follows."""

    plan_id: int
    tariff_id: int
    number: int
    from_day: str
    state: PlanState
    document: PlanDocument
    reason: str
    author_id: int
    author: str
    made_at: datetime
    decided_by: int | None
    decider: str | None
    decided_at: datetime | None
    decision: str
    simulation: PlanSimulation | None


class TariffMember(Struct, frozen=True):
    """Who pays by a tariff: a meter of an account, since a day. ``began``: the day its cycles count from (周年)."""

    account_id: int
    meter_id: int
    number: str
    driver: str
    persons: int
    households: int
    began: str
    from_day: str


class NewMember(Struct, frozen=True, forbid_unknown_fields=True):
    """A meter that pays by a tariff from a day on."""

    account_id: Annotated[int, Meta(ge=1, le=2**63 - 1)]
    meter_id: Annotated[int, Meta(ge=1, le=2**63 - 1)]
    began: Day
    persons: Annotated[int, Meta(ge=0, le=99)] = 0
    households: Annotated[int, Meta(ge=1, le=100_000)] = 1


class MeterPriceNumber(Struct, frozen=True):
    """A price set with the version number under which meters are given it."""

    number: int
    plan_id: int
    tariff_id: int
    plan_number: int
    tariff_code: str
    persons: int
    households: int
    rounding: Rounding
    tier_from: list[int]
    prices: list[int]


class ConfirmedPrice(Struct, frozen=True):
    """Which price a meter said it holds. ``confirmed``: version in force, ``deferred``: one that waits for its day; None: it never said
    so, and ``known`` or ``known_deferred`` None: a version that no tariff gave out."""

    meter_id: int
    confirmed: int | None
    deferred: int | None
    reported_at: datetime | None
    known: MeterPriceNumber | None
    known_deferred: MeterPriceNumber | None
