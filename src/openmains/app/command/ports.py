# SPDX-License-Identifier: Apache-2.0
"""What commands need of the outside.

``CommandStore`` is the API's side within one tenant's transaction and may only draft and call off. The other stores are the
pipeline's side, for all tenants, one for each who uses it: ``Dispatching`` sends, ``TimeWork`` takes in and ends by time,
``BatchLeading``, ``LogPulling`` and ``Onboarding`` make drafts. ``Downlink`` hands frames to the edges; ``StopSwitch`` is asked before
anything goes out and needs no engine. The signer's port: ``signing_ports``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from msgspec import Struct

from openmains.app.command.downlink import DownFrame
from openmains.app.command.model import (
    Batch,
    BatchLine,
    BatchMeter,
    Command,
    CommandDetail,
    CommandPolicy,
    NewBatch,
    SafetyClosing,
    SettingTimes,
    Shadow,
    Stop,
)
from openmains.domain.command.batch import BatchState, Plan, Progress
from openmains.domain.command.kinds import Channel, Kind, KindRule, Times
from openmains.domain.command.life import Event, State
from openmains.domain.command.log_pull import Pull
from openmains.domain.command.order import Waiting
from openmains.domain.ids import BatchId, CommandId, MeterId, ProductId, TenantId, UserId

NO_COMMAND = CommandId(0)  # of a response that names its command by serial

# Shapes ----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Draft:
    """A command before it is written."""

    meter_id: MeterId
    kind: Kind
    params: Mapping[str, Any]
    rule: KindRule
    slot: str
    channel: Channel
    unique_key: str
    content: bytes
    not_after: int
    batch_id: BatchId | None = None
    place: int | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """A meter as far as commands must know it."""

    meter_id: MeterId
    tenant_id: TenantId
    product_id: ProductId
    driver: str
    channel: Channel
    number: str = ""
    qmax_l_h: int = 0  # its own or the product's; 0: not known
    has_module: bool = True  # of its own
    is_carried: bool = False  # it is behind a gateway, which hands frames on as they are


class HeldCommand(Struct, frozen=True):
    """A command that the store has locked for a step (``step``)."""

    command_id: CommandId
    tenant_id: TenantId
    meter_id: MeterId
    serial: int | None
    kind: Kind
    params: Mapping[str, Any]
    state: State


class OpenCommand(HeldCommand, frozen=True, kw_only=True):
    """A command on its way, with what is needed to make its frame."""

    serial: int
    unique_key: str
    driver: str
    channel: Channel
    not_after: int
    attempts: int
    frame: bytes | None
    product_id: ProductId
    imei: int | None  # of its module, None where it has none now
    misfits: bool = False  # the meter's frames carry another number than the registered one
    concentrator: str = ""  # behind which the meter is
    is_carried: bool = False  # it is a gateway, which hands frames on as they are


@dataclass(frozen=True, slots=True)
class TimedCommand:
    """A command that time may end. Instants in s."""

    command_id: CommandId
    tenant_id: TenantId
    product_id: ProductId
    kind: Kind
    state: State
    attempts: int
    due_at: int
    not_after: int


@dataclass(frozen=True, slots=True)
class Drafted:
    """A command that no meter has seen yet: it waits for approval, or for its turn."""

    command_id: CommandId
    tenant_id: TenantId
    meter_id: MeterId
    product_id: ProductId
    kind: Kind
    slot: str
    state: State
    unique_key: str
    not_after: int


@dataclass(slots=True)
class Change:
    """A step of a command's life on its way to the store. ``due_at``: when its frame may go out next, None: as it is."""

    command_id: CommandId
    event: Event
    at_us: int
    actor: str
    detail: str = ""
    due_at: int | None = None
    frame: bytes | None = None
    counter: int | None = None
    result: int | None = None
    answer: Mapping[str, int] | None = None


@dataclass(slots=True)
class CommandResponse:
    """What an uplink says of a command. From the meter: ``serial`` with a result ``code`` and points, or (``code`` None) a part of
    the answer: settings read back by name, or a part of its log; said unasked (``serial`` 0) it is of no command. From the link:
    ``link`` (a key of ``results.LINK_EVENTS``), ``command_id`` and ``detail``."""

    tenant_id: TenantId
    meter_id: MeterId
    received_us: int
    serial: int = 0
    code: int | None = None
    points: dict[str, int] = field(default_factory=dict)
    settings: dict[str, int] = field(default_factory=dict)
    prices: dict[str, int] = field(default_factory=dict)  # versions of the prices it holds
    log: tuple[int, int, str] | None = None  # part, parts, text
    link: str = ""
    command_id: CommandId = NO_COMMAND
    detail: str = ""  # of the link's word


@dataclass(frozen=True, slots=True)
class RunningBatch:
    """A running batch as the dispatcher leads it."""

    batch_id: BatchId
    tenant_id: TenantId
    kind: Kind
    params: Mapping[str, Any]
    validity_s: int
    plan: Plan
    progress: Progress
    created_by: UserId | None


@dataclass(frozen=True, slots=True)
class LostLog:
    """A pulled log of which parts were lost. ``validity_s``: how long the pull was valid."""

    command_id: CommandId
    tenant_id: TenantId
    product_id: ProductId
    unique_key: str
    validity_s: int
    pull: Pull


@dataclass(frozen=True, slots=True)
class LogAgain:
    """A further pull after ``command_id``, over the span of lost parts (s of the meter's clock, both ends included); an empty
    ``unique_key``: it was asked often enough, which is only noted."""

    command_id: CommandId
    since: int
    until: int
    unique_key: str
    not_after: int


# The API's side ----------------------------------------------------------------------------------------------------------


class CommandStore(Protocol):
    """One tenant's commands in one transaction; its role cannot do more than the names say."""

    async def targets(self, meter_ids: Sequence[MeterId]) -> list[Target]: ...
    async def times(self) -> list[SettingTimes]: ...
    async def set_times(self, times: SettingTimes) -> None: ...
    async def policy(self) -> CommandPolicy: ...
    async def set_policy(self, policy: CommandPolicy) -> None: ...
    async def may_configure(self, meter_id: MeterId, since_us: int) -> bool:
        """Whether one more meter, or this one again, is within the share of meters that are configured in a day (R4.3)."""

    async def draft(self, draft: Draft, user_id: UserId, actor: str, now_us: int) -> tuple[CommandId, bool]:
        """Id and whether it is new. Raises ``Problem('key-used')`` where the key stands for something else."""

    async def page(
        self, limit: int, after: int | None, *, meter_id: MeterId | None, state: State | None, kind: Kind | None,
        batch_id: BatchId | None, is_open: bool, is_oldest_first: bool = False,
    ) -> list[Command]:  # fmt: skip
        """Those given after the one before them, or before it; ``after``: the last that was shown."""

    async def get(self, command_id: CommandId) -> CommandDetail | None: ...
    async def log_pulls(self, command_id: CommandId) -> list[Pull]:
        """A log pull and those that asked for its lost parts, in order; empty where it is none."""

    async def cancel(self, command_id: CommandId, actor: str, reason: str, now_us: int) -> bool:
        """False: it was sent, or has ended."""

    async def shadow(self, meter_id: MeterId) -> Shadow | None: ...
    async def closings(
        self, limit: int, after: int | None, *, meter_id: MeterId | None, is_standing: bool
    ) -> list[SafetyClosing]:
        """Safety closings, newest first; ``is_standing``: only those that no inspection has lifted."""

    async def withdraw_closing(self, meter_id: MeterId, now_us: int) -> None:
        """A safety closing was called off: its alarm is over, unless one stands at the meter."""

    async def lift_closing(
        self, meter_id: MeterId, inspector: str, approver: str, note: str, now_us: int
    ) -> SafetyClosing | None:
        """What stands at the meter ends, and its alarms; None: nothing stands."""

    async def choose(self, batch: NewBatch) -> tuple[list[BatchMeter], list[str]]:
        """Meters of the filter in order, and numbers that are not the tenant's."""

    async def add_batch(
        self,
        batch: NewBatch,
        validity_s: int,
        meters: Sequence[BatchMeter],
        user_id: UserId,
        inverse_of: BatchId | None,
    ) -> tuple[BatchId, bool]: ...
    async def batch(self, batch_id: BatchId) -> Batch | None: ...
    async def batches(self, limit: int, after: int | None) -> list[Batch]: ...
    async def batch_lines(self, batch_id: BatchId, limit: int, after: int) -> list[BatchLine]: ...
    async def batch_keys(self, batch_id: BatchId) -> list[tuple[str, MeterId, dict[str, Any], int]]:
        """(unique key, meter, parameters, end of validity in s) of a batch's commands, made or to be made."""

    async def set_batch_state(self, batch_id: BatchId, before: BatchState, after: BatchState, reason: str) -> bool: ...
    async def cancel_batch_commands(self, batch_id: BatchId, actor: str, now_us: int) -> int: ...
    async def inverse_meters(self, batch_id: BatchId) -> list[BatchMeter]:
        """Meters of a batch whose value before it is known, with that value."""


# The pipeline's side -----------------------------------------------------------------------------------------------------


class Stepping(Protocol):
    """Moves commands on. Each method of these stores is one transaction."""

    async def apply(self, changes: Sequence[Change]) -> list[CommandId]:
        """Lock the commands, write what ``step`` makes of the changes; ``Moves.sent``."""

    async def times(self) -> Mapping[tuple[int, int, str], Times]:
        """Settings by (tenant, product or 0, kind)."""


class Dispatching(Stepping, Protocol):
    """What sends."""

    async def waiting(self, meter_ids: Sequence[MeterId]) -> dict[MeterId, list[Waiting]]:
        """Open, sendable commands of these meters: the one indexed query of a batch. Absent: none waits."""

    async def due(self, now: int, limit: int) -> list[MeterId]:
        """Always reachable meters with a command whose time has come, and such that may still listen with a safety closing."""

    async def open(self, command_ids: Sequence[CommandId]) -> list[OpenCommand]:
        """What is needed to make their frames."""


class TimeWork(Stepping, Protocol):
    """What takes in, and ends by time."""

    async def drafts(self, limit: int, after: int, quarantined: bool) -> list[Drafted]:
        """Drafted and approved commands and, if asked, quarantined ones, oldest first."""

    async def unsent_settings(self, meter_ids: Sequence[MeterId]) -> list[Drafted]:
        """Settings of these meters that were not sent."""

    async def enqueue(self, command_ids: Sequence[CommandId], now_us: int) -> None:
        """Approved → queued, each with its meter's next serial."""

    async def timed(self, now: int, limit: int) -> list[TimedCommand]:
        """Sendable commands near or past their end, and those that may have used up their attempts."""


class BatchLeading(Protocol):
    """What leads batches."""

    async def zones(self) -> Mapping[int, str]:
        """Time zone of each tenant."""

    async def running_batches(self) -> list[RunningBatch]: ...
    async def touched_today(self, tenant_id: TenantId, since_us: int) -> tuple[int, int]:
        """(meters of the tenant, meters given a configuration since)."""

    async def daily_share_ppm(self, tenant_id: TenantId) -> int:
        """Of its meters that may be given a configuration by batches in a day."""

    async def release(self, batch: RunningBatch, count: int, rule: KindRule, now_us: int) -> int:
        """Write the next drafts of a batch; how many."""

    async def end_batch(self, batch_id: BatchId, state: BatchState, reason: str) -> None: ...


class LogPulling(Protocol):
    """What asks again for lost parts of logs."""

    async def incomplete_logs(self, since_us: int, until_us: int, limit: int) -> list[LostLog]:
        """Confirmed log pulls that ended within (since, until] with parts lost and that nobody asked again for."""

    async def pull_again(self, asked: Sequence[LogAgain], now_us: int) -> int:
        """Draft further pulls, each once, and note it in the history of the one before; how many were drafted."""


class Onboarding(Protocol):
    """What gives new meters their defaults."""

    async def onboard(self, now_us: int, limit: int) -> int:
        """Draft the default configuration of meters that spoke for the first time; how many."""


# What stops and what carries ---------------------------------------------------------------------------------------------


class StopSwitch(Protocol):
    """The switch that stops all commands; works without any engine and is seen by every process within a second."""

    def stopped(self, tenant_id: TenantId) -> bool: ...
    def standing(self, tenant_id: TenantId) -> Stop | None:
        """The stop that holds this tenant's commands, the platform's own first; None: they go out."""

    def stop(self, tenant_id: TenantId | None, who: str, reason: str = "") -> None:
        """None: the whole platform."""


class Downlink(Protocol):
    """To the edge that knows the meter's link (``downlink.<node>``)."""

    async def publish(self, frames: Sequence[DownFrame]) -> None: ...
