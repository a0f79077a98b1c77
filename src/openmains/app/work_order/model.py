# SPDX-License-Identifier: Apache-2.0
"""Work orders as the use cases and the API see them. Amounts are integers in fen, quantities of parts thousandths of their unit."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from openmains.app.alarm.model import Severity
from openmains.domain.command.kinds import Kind
from openmains.domain.ids import (
    AccountId,
    AlarmId,
    AreaId,
    CommandId,
    GroupId,
    HazardId,
    MeterId,
    OrderId,
    PlanId,
    PremisesId,
    UserId,
)
from openmains.domain.work_order.assign import Unfit
from openmains.domain.work_order.kinds import AnswerKind
from openmains.domain.work_order.life import HoldCause, OrderOutcome, OrderState, OrderStep

OrderSource = Literal["alarm", "customer", "lost_reading", "inspection", "hazard", "hand"]
PhotoPurpose = Literal["photo", "signature"]
OrderStatus = Literal["open", "to_assign", "to_check", "ended"]
OrderSort = Literal["-made", "made", "due", "-due", "severity", "-severity"]
"""When they were made; when they are due, those that stand as the last; the gravest or the least grave first, the older one before."""
ActWord = Literal[
    "make", "assign", "accept", "refuse", "start", "hold", "resume", "note", "finish", "mend", "send_back", "close", "cancel",
    "photo", "exchange", "reading", "hazard",
]  # fmt: skip
OrderKey = Annotated[
    str,
    Meta(
        min_length=4,
        max_length=64,
        pattern=r"^[A-Za-z0-9_.:-]+$",
        description="The caller's own for this act: the same again is the same act, however often an offline queue sends it.",
    ),
]
KindCode = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,39}$", max_length=40)]
Row64 = Annotated[int, Meta(ge=1, le=2**63 - 1)]
Row32 = Annotated[int, Meta(ge=1, le=2**31 - 1)]
Title = Annotated[str, Meta(min_length=1, max_length=100)]
Note = Annotated[str, Meta(max_length=1000)]
Whole = Annotated[int, Meta(ge=-(2**53), le=2**53)]
AnswerText = Annotated[str, Meta(max_length=400)]
Answers = Annotated[dict[KindCode, bool | Whole | AnswerText], Meta(max_length=60)]
Skill = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,39}$", max_length=40)]
Minutes = Annotated[int, Meta(ge=0, le=100_000)]
Fen = Annotated[int, Meta(ge=0, le=10**9)]


class CheckLine(Struct, frozen=True, forbid_unknown_fields=True):
    """A line of a checklist. ``least``, ``most``: of a whole number, in ``unit``; ``hazard``: a 'no' or a number outside is a hazard."""

    code: KindCode
    title: Title
    title_en: Title
    answer: AnswerKind = AnswerKind.YES_NO
    needed: bool = True
    unit: Annotated[str, Meta(max_length=16)] = ""
    least: Whole | None = None
    most: Whole | None = None
    hazard: bool = False


class KindSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """A kind as a utility sets it. ``due_min``: minutes of the calendar (null: of every day and night); ``sends_itself``: whoever fits best is
    sent when an order is made; ``fen_an_hour``: of work, as cost; ``mended_by``: commands that end it from afar once confirmed."""

    title: Title
    title_en: Title
    due_min: Annotated[int, Meta(ge=1, le=525_600)]
    checklist: Annotated[list[CheckLine], Meta(max_length=60)] = []
    skill: Annotated[str, Meta(pattern=r"^([a-z][a-z0-9_]{0,39})?$", max_length=40)] = ""
    signed: bool = False
    photos: Annotated[int, Meta(ge=0, le=20)] = 0
    calendar_id: Row64 | None = None
    sends_itself: bool = False
    fen_an_hour: Annotated[int, Meta(ge=0, le=10**7)] = 0
    is_on: bool = True
    mended_by: Annotated[list[Kind], Meta(max_length=20)] = []


class WorkOrderKind(Struct, frozen=True):
    """A kind with its code. ``is_own``: the utility's, not the one that comes with the program."""

    code: str
    settings: KindSettings
    is_own: bool


class TechnicianSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``area_ids``: looked after with all below; none: everywhere."""

    skills: Annotated[list[Skill], Meta(max_length=50)] = []
    area_ids: Annotated[list[Row32], Meta(max_length=200)] = []
    is_on: bool = True


class TechnicianRecord(Struct, frozen=True):
    """A user who goes out, with how many orders are not done yet."""

    user_id: UserId
    login: str
    name: str
    settings: TechnicianSettings
    open_orders: int


class OrderCandidate(Struct, frozen=True):
    """Who might be sent, those who fit first. ``unfit``: why somebody is sent for a reason only."""

    user_id: UserId
    name: str
    open_orders: int
    unfit: list[Unfit]


class NewOrder(Struct, frozen=True, forbid_unknown_fields=True):
    """Where: a meter, an account, premises, or an area; the first that is given says the others. Of what: an alarm, a group of alarms, a
    customer's report (``reporter``: by name), readings that are missing, or a person's own word."""

    key: OrderKey
    kind: KindCode
    title: Annotated[str, Meta(max_length=100)] = ""
    what: Note = ""
    severity: Severity | None = None
    source: Literal["alarm", "customer", "lost_reading", "hand"] = "hand"
    alarm_id: Row64 | None = None
    group_id: Row64 | None = None
    meter_id: Row64 | None = None
    account_id: Row64 | None = None
    premises_id: Row64 | None = None
    area_id: Row32 | None = None
    reporter: Annotated[str, Meta(max_length=100)] = ""
    due_at: datetime | None = None


class PartUsed(Struct, frozen=True, forbid_unknown_fields=True):
    """A part that was used. ``quantity_milli``: thousandths of the unit; ``fen``: of one unit."""

    name: Title
    quantity_milli: Annotated[int, Meta(ge=1, le=10**9)]
    fen: Fen = 0
    code: Annotated[str, Meta(max_length=40)] = ""
    unit: Annotated[str, Meta(max_length=16)] = ""


class OrderAct(Struct, frozen=True, forbid_unknown_fields=True):
    """One step. ``at``: when it was done, where that was before it is told (a phone without a network). What a step does not know is refused:
    ``assignee_id`` is of ``assign`` and ``send_back``, ``cause`` of ``hold``, ``outcome`` and ``signer`` of ``finish``, ``command_id`` of
    ``mend``, ``answers``, ``parts`` and
    ``labour_min`` (all minutes so far) of ``note`` and ``finish``."""

    key: OrderKey
    step: OrderStep
    reason: Annotated[str, Meta(max_length=400)] = ""
    at: datetime | None = None
    assignee_id: Row64 | None = None
    cause: HoldCause | None = None
    answers: Answers | None = None
    parts: Annotated[list[PartUsed], Meta(max_length=100)] | None = None
    labour_min: Minutes | None = None
    outcome: OrderOutcome | None = None
    result: Note | None = None
    signer: Annotated[str, Meta(max_length=100)] | None = None
    command_id: Row64 | None = None


class WorkOrder(Struct, frozen=True):
    """One work order. ``due_at`` null: its clock stands still, ``left_min`` are left when it goes on; ``overdue``: not done by then.
    ``cost_fen``: parts and work. ``is_remote``: a command that the meter confirmed mended it, nobody was there."""

    order_id: OrderId
    kind: str
    source: OrderSource
    state: OrderState
    severity: Severity
    title: str
    what: str
    reporter: str
    area_id: AreaId
    address: str
    premises_id: PremisesId | None
    account_id: AccountId | None
    meter_id: MeterId | None
    number: str | None
    alarm_id: AlarmId | None
    group_id: GroupId | None
    plan_id: PlanId | None
    hazard_id: HazardId | None
    assignee_id: UserId | None
    assignee: str
    made_at: datetime
    made_by: UserId | None
    due_at: datetime | None
    left_min: int | None
    overdue: bool
    started_at: datetime | None
    done_at: datetime | None
    done_by: UserId | None
    ended_at: datetime | None
    ended_by: UserId | None
    outcome: OrderOutcome | None
    result: str
    is_remote: bool
    command_id: CommandId | None
    new_meter_id: MeterId | None
    reading_id: int | None
    signer: str
    labour_min: int
    cost_fen: int


class OrderActRecord(Struct, frozen=True):
    """What was done, when it was told (``at``) and when it was said to have been done (``acted_at``), by whom and why."""

    act_id: int
    step: ActWord
    state: OrderState
    at: datetime
    acted_at: datetime
    user_id: UserId | None
    user: str
    reason: str


class OrderPart(Struct, frozen=True):
    """A part that was used; ``cost_fen``: of all of it."""

    part_id: int
    code: str
    name: str
    unit: str
    quantity_milli: int
    fen: int
    cost_fen: int


class OrderPhoto(Struct, frozen=True):
    """A picture or a signature of an order; its bytes are ``/work-orders/{order_id}/photos/{photo_id}``."""

    photo_id: int
    purpose: PhotoPurpose
    note: str
    media_type: str
    size: int
    at: datetime
    user_id: UserId | None


class WorkOrderDetail(WorkOrder, frozen=True, kw_only=True):
    """With its checklist, what was answered, all that was done, and where the place is: WGS-84, null where nobody has said."""

    checklist: list[CheckLine]
    answers: dict[str, bool | int | str]
    latitude: float | None
    longitude: float | None
    acts: list[OrderActRecord]
    parts: list[OrderPart]
    photos: list[OrderPhoto]
    steps: list[OrderStep]  # that the table knows from where it stands


class OrderFilter(Struct, frozen=True):
    """Which orders, in which order; what is None takes all. ``area_id``: with those below it."""

    status: OrderStatus | None = None
    state: OrderState | None = None
    kind: str | None = None
    source: OrderSource | None = None
    assignee_id: UserId | None = None
    area_id: AreaId | None = None
    meter_id: MeterId | None = None
    account_id: AccountId | None = None
    alarm_id: AlarmId | None = None
    group_id: GroupId | None = None
    overdue: bool = False
    sort: OrderSort = "-made"


class OrderCounts(Struct, frozen=True):
    """Orders that have not ended, by state, and those that are not done in time."""

    new: int
    assigned: int
    accepted: int
    working: int
    waiting: int
    done: int
    overdue: int
