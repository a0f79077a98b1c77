# SPDX-License-Identifier: Apache-2.0
"""What the pipeline needs of the stores, and the shapes that pass between."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, NamedTuple, Protocol

from openmains.app.command.ports import CommandResponse
from openmains.app.ingest.model import AlarmChange
from openmains.app.ingest.uplink import Uplink
from openmains.app.readings.manual.message import ManualEntry
from openmains.app.readings.manual.model import ManualOutcome
from openmains.app.rule.model import RuleChange
from openmains.app.rule.watch import RuledMeter, RuleSet
from openmains.app.security.report import AccessEntry
from openmains.domain.alarm.limits import Standing, WatchedLimits
from openmains.domain.ids import AreaId, MeterId, ProductId, TenantId
from openmains.domain.readings.model import DayRow, MeterState
from openmains.domain.readings.versions import VersionCause
from openmains.domain.rule.judge import LastValue


@dataclass(slots=True)
class Product:
    """What the pipeline must know of a product; changes rarely and is kept in memory."""

    product_id: ProductId
    driver: str
    dial: int
    interval_s: int
    qmax_per_h: int
    report_s: int = 86_400


@dataclass(slots=True)
class MeterRecord:
    """A meter as loaded for a batch: registry facts and hot state."""

    meter_id: MeterId
    tenant_id: TenantId
    product_id: ProductId
    area_id: AreaId
    qmax_per_h: int  # 0: the product's
    installed_day: int
    state: MeterState
    event_mask: int
    last_seen_us: int
    device_at: int = 0  # newest device time whose events were applied
    latest: dict[str, int] = field(default_factory=dict)  # newest values of state points (drivers/points.toml)
    imei: int | None = None
    is_held_back: bool = False  # quarantined or blocked: its readings are kept and marked (docs/security-terminals.md)
    number: str = ""  # as registered
    bar_code: str = ""
    plain_number: int = -1  # the number where it is digits only: the quick comparison
    strange_number: int | None = None  # in the frames, while it is not the registered one
    accepted_number: int | None = None  # such a one that a person took for right
    runs: int = 0  # bits of the rules of which an exception goes on
    standings: dict[str, Standing] = field(default_factory=dict)  # of quantities that are watched, by name
    report_mode: str = ""  # what the meter says of its own; '': its product's
    dn: int = 0  # mm; 0: not known
    ruled: RuledMeter | None = None  # what rules know of it; None: nothing
    frames_before: bytes = b""  # prints (8 bytes each, newest first) of frames before the last one; see ``repeats.py``


@dataclass(slots=True)
class DeadLetter:
    """An uplink that could not be used, with the byte that was wrong."""

    uplink: Uplink
    reason: str
    offset: int
    detail: str
    number: int | None = None  # in its frame, of a message held because it is not the registered one


class Entry(Enum):
    """How an exception enters the list."""

    ONCE = "once"  # unless the very same stands there, whatever its status
    GAP = "gap"  # joined to one that is open and touches it
    LASTS = "lasts"  # one for as long as the cause lasts: joined to the open one
    GOES_ON = "goes_on"  # the same again: joined to the open one; where somebody judged it meanwhile, nothing


@dataclass(slots=True)
class ExceptionRow:
    """A finding on its way to the exception list."""

    tenant_id: TenantId
    meter_id: MeterId
    version: int
    rule: int
    at: int
    day: int
    value: int
    expected: int | None
    entry: Entry = Entry.ONCE
    occurrences: int = 1
    status: str = "open"


@dataclass(frozen=True, slots=True)
class ReadingToCheck:
    """A register that a person read at a time of which more is known already: to be held against the day as it is stored."""

    record: MeterRecord
    word: ManualEntry
    version: int
    dial: int


@dataclass(slots=True)
class EndedException:
    """Exceptions that end by themselves: of a rule whose cause is over, or gaps whose time [start, end) was measured after all."""

    meter_id: MeterId
    rule: int
    start: int = 0
    end: int = 0


Table = dict[str, Sequence[Any]]  # column → values, equal lengths


@dataclass(frozen=True, slots=True)
class DayCause:
    """A version of a day that a person made: what the row itself cannot tell. All else is told by it (domain/readings/versions.py)."""

    why: VersionCause
    user_id: int  # who wanted it
    approved_by: int = 0  # the second person; 0: none was needed
    edit_id: int = 0  # of the edit or undo; 0: a replay
    reason: str = ""


@dataclass(slots=True)
class PendingDay:
    """A meter-day row before it is merged with what is stored."""

    record: MeterRecord
    row: DayRow
    version: int
    received_s: int
    made_s: int = 0  # instant of the message, edit or replay that makes this version
    cause: DayCause | None = None
    restores: tuple[int, int] | None = None  # (first slot, count) that an undo puts back whatever ranks above it


class StoredDay(NamedTuple):
    """The newest version of a day as stored."""

    version: int
    row: DayRow
    received_s: int = 0


class DayTables(NamedTuple):
    """``days``: the newest versions. ``versions``: those that they take the place of. ``causes``: what persons made (ADR 0014).
    ``computed``: places in ``days`` of rows whose increments are not all as they came, so that nobody has held them to bounds.
    ``begun``: (shard, position at which the batch began): under it the changes stand in their own order (ADR 0022); None: days made
    anew, which change nothing."""

    days: Table
    versions: Table
    causes: Table
    computed: Sequence[int] = ()
    begun: tuple[int, int] | None = None


@dataclass(slots=True)
class Effects:
    """All that a batch means. ClickHouse tables first (idempotent), then the rest in one transaction."""

    days: list[PendingDay] = field(default_factory=list)
    registers: Table = field(default_factory=dict)
    frames: Table = field(default_factory=dict)
    signals: Table = field(default_factory=dict)
    series: Table = field(default_factory=dict)  # other quantities than volume
    meters: list[MeterRecord] = field(default_factory=list)
    alarms: list[AlarmChange] = field(default_factory=list)
    exceptions: list[ExceptionRow] = field(default_factory=list)
    ended: list[EndedException] = field(default_factory=list)  # before ``exceptions``
    dead_letters: list[DeadLetter] = field(default_factory=list)
    access: list[AccessEntry] = field(default_factory=list)  # judged by app/security/score.py within the commit
    standings: dict[tuple[int, str], tuple[TenantId, Standing]] = field(
        default_factory=dict
    )  # of watched quantities that were judged, by device and name
    rules: list[RuleChange] = field(default_factory=list)  # where conditions of rules began or ceased to be fulfilled
    remembered: dict[tuple[MeterId, str], tuple[TenantId, LastValue]] = field(
        default_factory=dict
    )  # last values of points whose change a rule asks about
    responses: list[CommandResponse] = field(default_factory=list)  # of commands: results, and what links saw
    manual: list[ManualOutcome] = field(default_factory=list)  # what became of readings that persons took
    late_manual: list[ReadingToCheck] = field(default_factory=list)  # of these, what ``manual.py`` is to look at
    counters: Counter[str] = field(default_factory=Counter)


class PositionConflictError(Exception):
    """Another pipeline committed this shard: give up the batch and read the position anew."""


class PipelineStore(Protocol):
    """PostgreSQL side."""

    async def position(self, shard: int) -> int:
        """Last committed stream sequence of a shard; 0 when new."""
        ...

    async def load(self, meter_ids: Sequence[MeterId]) -> dict[int, MeterRecord]:
        """Records of these meters; unknown ones are absent."""
        ...

    async def products(self) -> dict[int, Product]:
        """All products."""
        ...

    async def zones(self) -> dict[int, str]:
        """Time zone of each tenant."""
        ...

    async def limits(self) -> WatchedLimits:
        """Limits of quantities; ``load`` tells where the devices in it stand."""
        ...

    async def rules(self, now_us: int) -> RuleSet:
        """Rules in force, the same object as long as nothing changes; ``load`` tells what they know of the meters."""
        ...

    async def applied_manual(self, reading_ids: Sequence[int]) -> set[int]:
        """Of a person's readings those that were applied."""
        ...

    async def raise_early(
        self, shard: int, raised: Sequence[AlarmChange], sequences: Mapping[MeterId, int], now_us: int
    ) -> Sequence[AlarmChange]:
        """Alarms before the turn of their messages: where none is open, and only those of meters whose message, the first at a position of
        ``sequences``, the shard has not committed meanwhile. Returns those that were raised. Their messages will raise them again, and only
        that is counted."""
        ...

    async def commit(self, shard: int, before: int, after: int, effects: Effects, now_us: int) -> Sequence[AlarmChange]:
        """State, exceptions, alarms, dead letters and the position in one transaction.

        Returns the alarms that changed: those of ``effects`` and those of the terminals, judged while they are locked.

        :raises PositionConflictError: the stored position is not ``before``.
        """
        ...


class ReadingSink(Protocol):
    """ClickHouse side."""

    async def stored_days(self, keys: Sequence[tuple[int, int, int]]) -> dict[tuple[int, int], StoredDay]:
        """Newest rows of (tenant, meter, day) keys, by (meter, day)."""
        ...

    def forget(self) -> None:
        """Somebody else may have written meanwhile: know nothing that was not asked anew."""
        ...

    async def write(self, days: DayTables, registers: Table, frames: Table, signals: Table, series: Table) -> None:
        """Insert; returns when on disk and visible. Earlier versions are there before what takes their place."""
        ...
