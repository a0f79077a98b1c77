# SPDX-License-Identifier: Apache-2.0
"""What work orders ask of the store, within one tenant's transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from openmains.app.alarm.model import Severity
from openmains.app.work_order.hazard_model import (
    DuePlace,
    Hazard,
    HazardNotice,
    InspectionPlan,
    NewHazard,
    PlanSettings,
)
from openmains.app.work_order.model import (
    ActWord,
    KindSettings,
    OrderCounts,
    OrderFilter,
    OrderSource,
    PartUsed,
    PhotoPurpose,
    TechnicianRecord,
    TechnicianSettings,
    WorkOrder,
    WorkOrderDetail,
)
from openmains.domain.ids import (
    AccountId,
    AlarmId,
    AreaId,
    HazardId,
    MeterId,
    OrderId,
    PlanId,
    PremisesId,
    RuleId,
    TenantId,
    UserId,
)
from openmains.domain.work_order.assign import Technician
from openmains.domain.work_order.inspection import HazardGrade
from openmains.domain.work_order.kinds import OrderKind
from openmains.domain.work_order.life import OrderState
from openmains.domain.work_order.order import Kept, Order


@dataclass(frozen=True, slots=True)
class OrderPlace:
    """Where an order is, with all that is known of it. ``path``: of its area."""

    area_id: AreaId
    path: str
    area: str
    address: str
    premises_id: PremisesId | None
    account_id: AccountId | None
    meter_id: MeterId | None
    number: str | None


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """What an order is, for good."""

    kind: str
    source: OrderSource
    severity: Severity
    title: str
    what: str
    reporter: str
    alarm_id: int | None = None
    group_id: int | None = None
    plan_id: PlanId | None = None
    hazard_id: HazardId | None = None


@dataclass(frozen=True, slots=True)
class LastStep:
    """Of an order, the newest that moved it on: when it was done, and when that was received."""

    acted_us: int
    at_us: int


@dataclass(frozen=True, slots=True)
class HeldOrder:
    """An order that nobody else changes until the transaction ends."""

    order_id: OrderId
    facts: OrderFacts
    place: OrderPlace
    order: Order
    made_us: int
    made_by: UserId | None
    kept: Kept
    last: LastStep


@dataclass(frozen=True, slots=True)
class OrderActNote:
    """What is kept of an act. ``asked``: fingerprint of the request, by which a repeat of its key is known."""

    key: str
    asked: str
    step: ActWord
    state: OrderState
    at_us: int
    acted_us: int
    user_id: UserId | None
    reason: str = ""
    facts: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class KnownOrderAct:
    """An act that was done under a key."""

    order_id: OrderId
    asked: str


@dataclass(frozen=True, slots=True)
class RequestedOrder:
    """An order that a rule asks for. ``rule``: its name."""

    alarm_id: AlarmId
    rule_id: RuleId
    kind: str
    rule: str


@dataclass(frozen=True, slots=True)
class KeptPicture:
    """A picture as it is stored: sealed under ``key_id``, or as it came where that is None. ``sha256``: of the picture; ``act_key``: of the act
    by which it came, to which it is sealed."""

    media_type: str
    content: bytes
    sha256: bytes
    act_key: str
    key_id: int | None
    nonce: bytes | None


class RuleOrderStore(Protocol):
    """Orders that rules ask for, within one tenant's transaction of the worker."""

    async def take(self, most: int) -> list[RequestedOrder]:
        """Of alarms that people were told of or that are over, oldest first; nobody else has them until the transaction ends."""

    async def decide(self, alarm_id: AlarmId, state: str, order_id: OrderId | None, said: str) -> None:
        """What became of one: ``made``, ``over``, ``refused``."""


class KindStore(Protocol):
    """What a utility set of kinds."""

    async def own(self) -> dict[str, KindSettings]: ...
    async def set(self, code: str, settings: KindSettings, user_id: UserId, now_us: int) -> None: ...
    async def drop(self, code: str) -> bool: ...
    async def is_used(self, code: str) -> bool:
        """Whether an order or a plan has it."""


class TechnicianStore(Protocol):
    """Users who go out."""

    async def all(self) -> list[TechnicianRecord]:
        """Those in service, by login."""

    async def get(self, user_id: UserId) -> TechnicianRecord | None: ...
    async def set(self, user_id: UserId, settings: TechnicianSettings) -> None: ...
    async def is_user(self, user_id: UserId) -> bool:
        """Somebody of the tenant who is not disabled and may handle orders."""

    async def known_areas(self, area_ids: Sequence[int]) -> frozenset[int]: ...
    async def in_service(self) -> list[Technician]:
        """As they are chosen from; whether somebody is away is not told here."""


class OrderStore(Protocol):
    """Work orders with what was done, used and pictured."""

    async def place(
        self, meter_id: int | None, account_id: int | None, premises_id: int | None, area_id: int | None
    ) -> OrderPlace | None:
        """Of the first that is given; None: it is not the tenant's."""

    async def of_key(self, key: str) -> KnownOrderAct | None:
        """The order or the act that has this key."""

    async def open_of(
        self, *, alarm_id: int | None = None, group_id: int | None = None, hazard_id: int | None = None
    ) -> OrderId | None:
        """The one that has not ended."""

    async def add(
        self,
        key: str,
        asked: str,
        facts: OrderFacts,
        place: OrderPlace,
        order: Order,
        fen_an_hour: int,
        user_id: UserId | None,
        now_us: int,
    ) -> OrderId | None:
        """None: the key is taken, or such an order is open, by somebody who was faster."""  # fmt: skip

    async def read(self, order_id: OrderId) -> HeldOrder | None: ...
    async def lock(self, order_id: OrderId) -> HeldOrder | None: ...
    async def write(self, order_id: OrderId, order: Order) -> None: ...
    async def add_act(self, order_id: OrderId, note: OrderActNote) -> int | None:
        """None: the key is taken by an act of another order."""

    async def add_parts(self, order_id: OrderId, act_id: int, parts: Sequence[PartUsed]) -> None: ...
    async def add_photo(
        self, order_id: OrderId, act_id: int, purpose: PhotoPurpose, note: str, picture: KeptPicture
    ) -> int: ...
    async def photo(self, order_id: OrderId, photo_id: int) -> KeptPicture | None: ...

    async def get(self, order_id: OrderId, now_us: int) -> WorkOrder | None: ...
    async def detail(self, order_id: OrderId, kind: OrderKind, now_us: int) -> WorkOrderDetail | None: ...
    async def page(
        self, limit: int, after: tuple[int, int] | None, chosen: OrderFilter, now_us: int
    ) -> list[tuple[WorkOrder, int]]:
        """Each with its place in the order that is chosen, which with its number is the key of ``after``."""

    async def counts(self, now_us: int, assignee_id: UserId | None) -> OrderCounts: ...
    async def overdue(self, now_us: int, most: int) -> list[HeldOrder]:
        """Those of the tenant that are not done in time and of which nobody was told; locked, those that are locked are left out."""

    async def note_told(self, order_ids: Sequence[OrderId], now_us: int) -> None: ...


class InspectionStore(Protocol):
    """Plans of safety inspections and hazards."""

    async def plans(self, plan_id: PlanId | None = None) -> list[InspectionPlan]: ...
    async def add_plan(self, settings: PlanSettings, user_id: UserId, now_us: int) -> PlanId | None:
        """None: the name is taken."""

    async def change_plan(self, plan_id: PlanId, settings: PlanSettings, user_id: UserId, now_us: int) -> bool:
        """False: the name is another's."""

    async def due(
        self, plan: InspectionPlan, inspected_before_us: int, tried_before_us: int, most: int
    ) -> list[DuePlace]:
        """Accounts of a plan that have no open order of it, and were neither inspected nor tried since these instants – a
        cancelled order counts as tried –; never inspected first, then those that wait longest."""

    async def plans_to_look(self, today: int) -> list[InspectionPlan]:
        """In force and not looked through on this day; their counts are not told."""

    async def note_looked(self, plan_id: PlanId, today: int) -> None:
        """Nothing more is to be made of it on this day."""

    async def made_on(self, plan_id: PlanId, since_us: int) -> int:
        """Orders of a plan made since."""

    async def hazard_of_key(self, key: str) -> tuple[HazardId, str] | None:
        """With the fingerprint of what was asked."""

    async def add_hazard(
        self, order_id: OrderId, wanted: NewHazard, asked: str, until_day: int, found_us: int, user_id: UserId
    ) -> HazardId | None:
        """None: the key is taken."""

    async def hazard(self, hazard_id: HazardId, *, today: date, lock: bool = False) -> Hazard | None: ...
    async def hazards(
        self,
        limit: int,
        after: int | None,
        *,
        today: date,
        order_id: int | None = None,
        grade: HazardGrade | None = None,
        is_open: bool | None = None,
        late: bool = False,
        area_id: int | None = None,
        account_id: int | None = None,
    ) -> list[Hazard]:
        """Newest first; ``late``: not removed in time."""

    async def note_notice(self, hazard_id: HazardId, notice: HazardNotice, user_id: UserId, now_us: int) -> None: ...
    async def remove_hazard(self, hazard_id: HazardId, order_id: OrderId, now_us: int) -> None: ...


class OrderWork(Protocol):
    """The worker's look over all tenants."""

    async def with_overdue(self, now_us: int) -> list[TenantId]:
        """Tenants that have orders of which somebody is to be told."""

    async def with_asked(self) -> list[tuple[TenantId, str]]:
        """Tenants whose rules ask for orders, with their zone."""

    async def with_plans(self) -> list[tuple[TenantId, str]]:
        """Tenants that have plans in force, with their zone."""
