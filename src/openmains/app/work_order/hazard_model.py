# SPDX-License-Identifier: Apache-2.0
"""Plans of safety inspections (安检) and hazards as the use cases and the API see them (R8.6)."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from openmains.app.fleet.model import Medium
from openmains.app.work_order.model import KindCode, OrderKey, Row32, Title
from openmains.domain.ids import AccountId, AreaId, HazardId, MeterId, OrderId, PlanId, UserId
from openmains.domain.work_order.inspection import HazardGrade, HazardState

NoticeMeans = Literal["handed", "posted", "sms", "app", "refused"]


class PlanSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Every account of a medium in an area with what is below it, each ``months``; ``a_day``: orders made in a day at most."""

    name: Title
    area_id: Row32
    medium: Medium
    months: Annotated[int, Meta(ge=1, le=120)]
    begins_on: date
    a_day: Annotated[int, Meta(ge=1, le=10_000)] = 50
    kind: KindCode = "safety_inspection"
    is_on: bool = True


class InspectionPlan(Struct, frozen=True):
    """A plan, with how far it is: accounts it speaks of, inspected within the period, orders that are open."""

    plan_id: PlanId
    settings: PlanSettings
    accounts: int
    inspected: int
    open_orders: int
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class DuePlace:
    """An account that is due, with its last visits under the plan (µs): one that was let in, one that was not."""

    account_id: AccountId
    inspected_us: int | None
    tried_us: int | None


class NewHazard(Struct, frozen=True, forbid_unknown_fields=True):
    """What was found. ``item``: of the order's checklist, '' something else; ``is_shut``: the supply was shut at the place, as a critical one
    needs."""

    key: OrderKey
    grade: HazardGrade
    what: Annotated[str, Meta(min_length=2, max_length=1000)]
    item: Annotated[str, Meta(pattern=r"^([a-z][a-z0-9_]{0,39})?$", max_length=40)] = ""
    is_shut: bool = False
    at: datetime | None = None


class HazardNotice(Struct, frozen=True, forbid_unknown_fields=True):
    """How the customer was told; ``refused``: would not take it, in front of ``to``."""

    means: NoticeMeans
    to: Annotated[str, Meta(min_length=1, max_length=100)]


class Hazard(Struct, frozen=True):
    """A hazard of a place. ``until``: to be removed by the end of this day; ``late``: it was not. ``recheck_id``: the open order to look
    again."""

    hazard_id: HazardId
    order_id: OrderId
    area_id: AreaId
    address: str
    account_id: AccountId | None
    meter_id: MeterId | None
    item: str
    grade: HazardGrade
    what: str
    is_shut: bool
    found_at: datetime
    found_by: UserId
    until: date
    late: bool
    state: HazardState
    removed_at: datetime | None
    removed_in: OrderId | None
    notice_means: NoticeMeans | None
    notice_to: str
    notice_at: datetime | None
    recheck_id: OrderId | None
