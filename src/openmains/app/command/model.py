# SPDX-License-Identifier: Apache-2.0
"""Commands as the use cases and the API see them."""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from openmains.app.fleet.model import AreaRef, ProductRef, TagRef
from openmains.domain.command.batch import DAILY_SHARE_PPM, BatchState
from openmains.domain.command.kinds import Channel, Kind
from openmains.domain.command.life import State
from openmains.domain.command.safety import EARLIEST, LATEST, OFFICE_HOURS
from openmains.domain.ids import BatchId, CommandId, MeterId, UserId
from openmains.domain.period import DAY_S

Key = Annotated[str, Meta(min_length=8, max_length=100, pattern=r"^[A-Za-z0-9._:-]+$")]
Validity = Annotated[int, Meta(ge=60, le=60 * DAY_S)]
Params = dict[str, Any]


class SignerLogin(Struct, frozen=True, forbid_unknown_fields=True):
    """Sign-in at the signer, apart from the one to the console: who gives or approves a valve command or a top-up."""

    login: Annotated[str, Meta(min_length=1, max_length=64)]
    password: Annotated[str, Meta(min_length=1, max_length=256)]

    def __repr__(self) -> str:  # it must not get into a log by way of an error
        return f"SignerLogin({self.login!r})"


class NewCommand(Struct, frozen=True, forbid_unknown_fields=True):
    """A command to give. The same ``unique_key`` with the same content gives the same command, however often."""

    kind: Kind
    unique_key: Key
    params: Params = {}
    validity_s: Validity | None = None
    signer: SignerLogin | None = None


CommandSort = Literal["-given", "given"]
"""When they were given: newest first, oldest first."""


class Command(Struct, frozen=True):
    """A command and how far it is. ``difference`` is not part of it: see the meter's shadow. ``given_by``: login, or
    'batch' where a running batch gave it. ``params`` and ``answer`` are exact integers in the units that the parameters of the
    kind name (fen or L by ``balance_kind``, s, mV, 0.0001 CNY/m3) and ``drivers/points.toml``; never in yuan. Volumes of an
    answer count 10^``unit_exponent`` m3, which stands beside them."""

    command_id: CommandId
    meter_id: MeterId
    number: str
    kind: str
    params: Params
    unique_key: str
    state: State
    reason: str
    channel: Channel
    priority: int
    serial: int | None
    batch_id: BatchId | None
    attempts: int
    result: int | None
    answer: Params | None
    created_by: UserId | None
    given_by: str
    created_at: datetime
    not_after: datetime
    sent_at: datetime | None
    delivered_at: datetime | None
    ended_at: datetime | None


class CommandEvent(Struct, frozen=True):
    """One line of a command's history."""

    at: datetime
    event: str
    state: str
    actor: str
    detail: str


class CommandDetail(Command, frozen=True):
    """A command with its history, oldest first. ``frame_hex``: the bytes that went out; empty before."""

    frame_hex: str
    history: list[CommandEvent]


class SafetyClosing(Struct, frozen=True):
    """A meter closed for safety, or one that was: it counts from ``ordered_at`` until ``lifted_at``, whatever the command's ``state``.

    ``reason``: number, as in the command; null where it is none. ``closed_at``: the meter said that it has shut; ``failed_at``: it did
    not, or nobody knows; ``opened_at``: the meter said that its valve is open though the closing stands. ``inspected_by``, ``agreed_by``:
    logins at the signer of the two persons who lifted it.
    """

    safety_id: int
    meter_id: MeterId
    number: str
    command_id: CommandId | None
    state: State | None
    reason: int | None
    evidence: str
    work_order: str
    given_by: str
    ordered_at: datetime
    closed_at: datetime | None
    failed_at: datetime | None
    opened_at: datetime | None
    lifted_at: datetime | None
    inspected_by: str
    agreed_by: str
    lift_note: str


class SiteInspection(Struct, frozen=True, forbid_unknown_fields=True):
    """The site of a safety closing was inspected and the danger is over. ``inspector`` and ``approver``: sign-ins of two persons at the
    signer, the second one enrolled as an approver."""

    note: Annotated[str, Meta(min_length=5, max_length=500)]
    inspector: SignerLogin
    approver: SignerLogin


class Stop(Struct, frozen=True):
    """A stop of commands. ``everywhere``: the platform's own, ended at the machine only; ``at`` None: made by hand."""

    everywhere: bool
    who: str
    at: datetime | None
    reason: str


class ShadowEntry(Struct, frozen=True):
    """One parameter: wanted, said by the meter; ``differs`` where both are known and not the same, or it was never said."""

    name: str
    desired: Any
    reported: Any
    differs: bool


class Shadow(Struct, frozen=True):
    """What a meter should be set to and what it said (R3.4)."""

    meter_id: MeterId
    entries: list[ShadowEntry]
    desired_at: datetime | None
    reported_at: datetime | None


class BatchFilter(Struct, frozen=True, forbid_unknown_fields=True):
    """Which meters: all of an area (with those below it), a product and a tag, or a list of numbers alone."""

    area_id: AreaRef | None = None
    product_id: ProductRef | None = None
    tag_id: TagRef | None = None
    numbers: Annotated[list[Annotated[str, Meta(max_length=64)]], Meta(max_length=100_000)] | None = None


class NewBatch(Struct, frozen=True, forbid_unknown_fields=True):
    """A change over many meters."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]
    kind: Kind
    unique_key: Key
    chosen: BatchFilter
    params: Params = {}
    validity_s: Validity | None = None
    groups: Annotated[list[Annotated[int, Meta(ge=1, le=100_000)]], Meta(max_length=8)] = msgspec.field(
        default_factory=lambda: [1, 10, 100]
    )
    hold_s: Annotated[int, Meta(ge=0, le=7 * DAY_S)] = 3600
    failure_limit_ppm: Annotated[int, Meta(ge=0, le=1_000_000)] = 20_000


class Batch(Struct, frozen=True):
    """A batch with its counts; ``states`` are those of the commands given so far."""

    batch_id: BatchId
    name: str
    kind: str
    params: Params
    state: BatchState
    reason: str
    total: int
    released: int
    states: dict[str, int]
    groups: list[int]
    hold_s: int
    failure_limit_ppm: int
    inverse_of: BatchId | None
    created_by: UserId | None
    created_at: datetime


class BatchLine(Struct, frozen=True):
    """One meter of a batch, for the result file. ``params``: what this meter is told, its own or the batch's."""

    place: int
    meter_id: MeterId
    number: str
    command_id: CommandId | None
    state: str
    reason: str
    params: Params


class BatchMeter(Struct, frozen=True):
    """A meter chosen for a batch, with parameters of its own where they differ from the batch's."""

    meter_id: MeterId
    params: Params | None = None


class SettingTimes(Struct, frozen=True, forbid_unknown_fields=True):
    """Times of a kind for a tenant or one of its products; null: as in the table of kinds."""

    kind: Kind
    product_id: Annotated[int, Meta(ge=0, le=2**31 - 1)] = 0
    validity_s: Validity | None = None
    attempts: Annotated[int, Meta(ge=1, le=100)] | None = None
    pause_s: Annotated[int, Meta(ge=1, le=DAY_S)] | None = None


Weekday = Annotated[int, Meta(ge=0, le=6)]


class CommandPolicy(Struct, frozen=True, forbid_unknown_fields=True):
    """What a utility sets for its commands. ``daily_share_ppm``: of its meters that batches may configure in a day.
    Office hours, when one person may close a valve alone, are minutes of its day; weekdays with 0 = Monday. ``remote_closing`` false:
    no valve is closed from afar but for safety (R4.8)."""

    daily_share_ppm: Annotated[int, Meta(ge=0, le=1_000_000)] = DAILY_SHARE_PPM
    office_from: Annotated[int, Meta(ge=EARLIEST, le=LATEST)] = OFFICE_HOURS.from_minute
    office_to: Annotated[int, Meta(ge=EARLIEST, le=LATEST)] = OFFICE_HOURS.to_minute
    office_days: Annotated[list[Weekday], Meta(max_length=7)] = msgspec.field(
        default_factory=lambda: sorted(OFFICE_HOURS.days)
    )
    remote_closing: bool = True


BatchAction = Literal["start", "pause", "resume", "cancel"]
