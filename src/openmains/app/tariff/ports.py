# SPDX-License-Identifier: Apache-2.0
"""What tariffs ask of the stores."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from openmains.app.tariff.model import (
    ConfirmedPrice,
    Medium,
    MeterPriceNumber,
    NewMember,
    PlanDocument,
    PlanSimulation,
    PlanState,
    Tariff,
    TariffMember,
    TariffPlan,
)
from openmains.domain.ids import MeterId, TenantId, UserId
from openmains.domain.tariff.meter_price import MeterPrice, Rounding
from openmains.domain.tariff.plan import CustomerClass


class TariffStore(Protocol):
    """Tariffs and their plans. A plan is added once; nothing but its state is ever changed."""

    async def page(self, limit: int, after: int, today: int) -> list[Tariff]: ...
    async def get(self, tariff_id: int, today: int, *, counted: bool = False) -> Tariff | None:
        """``counted``: with how many members it has, which reads them all."""

    async def has_members(self, tariff_id: int, today: int) -> bool: ...
    async def lock(self, tariff_id: int) -> None:
        """Nobody else adds or decides plans of this tariff until the transaction ends."""

    async def add(self, code: str, name: str, medium: Medium, customer_class: CustomerClass, now_us: int) -> int | None:
        """None: the code is taken."""

    async def plans(self, tariff_id: int) -> list[TariffPlan]:
        """All of them, by number."""

    async def plan(self, plan_id: int) -> TariffPlan | None: ...
    async def add_plan(
        self, tariff_id: int, from_day: int, document: PlanDocument, reason: str, author: UserId, now_us: int
    ) -> int: ...
    async def decide(self, plan_id: int, state: PlanState, user_id: UserId, decision: str, now_us: int) -> None: ...
    async def keep_simulation(self, plan_id: int, found: PlanSimulation, user_id: UserId, now_us: int) -> None: ...
    async def members(self, tariff_id: int, limit: int, after: int, today: int) -> list[TariffMember]:
        """Those whose newest entry is of this tariff, by meter."""

    async def unknown_meters(self, meter_ids: Sequence[int], medium: Medium) -> list[int]:
        """Those that are no meters of this utility and medium."""

    async def hung_elsewhere(self, members: Sequence[NewMember], day: int) -> list[int]:
        """Meters that hang at another account on ``day`` or after it, and never again at the one they are said to pay for."""

    async def add_members(
        self, tariff_id: int, members: Sequence[NewMember], from_day: int, user_id: UserId, now_us: int
    ) -> None: ...


class MeterPriceStore(Protocol):
    """Price sets as meters get them, each under a number of its own in the utility (1 to 65535)."""

    async def number(
        self, plan_id: int, persons: int, households: int, rounding: Rounding, price: MeterPrice, now_us: int
    ) -> int | None:
        """The number of this price set, a new one where it has none; None where all are used up."""

    async def of_number(self, number: int) -> MeterPriceNumber | None: ...
    async def confirmed(self, meter_id: MeterId) -> ConfirmedPrice | None:
        """What the meter said; None: no such meter."""


@dataclass(frozen=True, slots=True)
class MonthVolume:
    """Volumes of a meter in its driver's unit: of the running cycle before the month, and of the month; days with a row in it."""

    before: int
    month: int
    days: int


class VolumeStore(Protocol):
    """Sums of days, from the readings."""

    async def volumes(
        self, tenant_id: TenantId, meters: Sequence[MeterId], cycle_day: int, first_day: int, end_day: int
    ) -> Mapping[int, MonthVolume]:
        """By meter: [``cycle_day``, ``first_day``) and [``first_day``, ``end_day``); a meter without any day is not in it."""
