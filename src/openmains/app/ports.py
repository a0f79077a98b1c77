# SPDX-License-Identifier: Apache-2.0
"""What the use cases need of the outside. Each port has one adapter per engine in ``edges/`` and is wired in ``run/``.

Every ``tenant_id`` given to a port comes from the caller's credential, never from a request.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, Protocol

from msgspec import Struct

from openmains.app.alarm.model import (
    Alarm,
    AlarmStatus,
    DeadLetter,
    DeadLetterStatus,
    ExceptionStatus,
    Job,
    JobStatus,
    ReadingException,
    Severity,
)
from openmains.app.command.ports import CommandStore
from openmains.app.fleet.model import (
    Area,
    Dimension,
    Meter,
    MeterDetail,
    MeterFilter,
    NewMeter,
    NewProduct,
    Product,
)
from openmains.app.fleet.search import MeterHit
from openmains.app.identity.model import Actor, ApiToken, AuditEntry, SignInRecord, User
from openmains.app.ingest.uplink import Uplink
from openmains.app.security.ports import AccessStore
from openmains.domain.identity.role import Role

# Identity ------------------------------------------------------------------------------------------------------------


class SignInStore(Protocol):
    """The only look-ups across tenants: they happen before a tenant is known."""

    async def only_tenant_code(self) -> str | None:
        """Code of the tenant when there is exactly one."""

    async def find_sign_in(self, tenant_code: str, login: str) -> SignInRecord | None: ...

    async def find_credential(self, secret_hash: bytes) -> Actor | None:
        """Who a session or token belongs to, if it is valid now."""


class UserStore(Protocol):
    async def page(self, limit: int, after: int) -> list[User]: ...
    async def get(self, user_id: int) -> User | None: ...
    async def add(self, login: str, name: str, password_hash: str, role: Role, locale: str) -> User | None:
        """None: the login is taken. The new user must change the password."""

    async def change(self, user_id: int, values: dict[str, Any]) -> User | None: ...
    async def remove(self, user_id: int) -> bool: ...
    async def password_hash(self, user_id: int) -> str | None: ...
    async def set_password(self, user_id: int, password_hash: str, *, must_change: bool) -> None: ...
    async def note_failure(self, user_id: int, failures: int, locked_until: datetime | None) -> None: ...
    async def clear_failures(self, user_id: int) -> None: ...
    async def other_administrators(self, user_id: int) -> int:
        """Enabled administrators apart from this user."""


class CredentialStore(Protocol):
    async def add_session(self, secret_hash: bytes, user_id: int, expires_at: datetime, address: str) -> None: ...
    async def extend_session(self, secret_hash: bytes, expires_at: datetime) -> None: ...
    async def touch_token(self, secret_hash: bytes) -> None: ...
    async def end_session(self, secret_hash: bytes) -> None: ...
    async def end_sessions_of(self, user_id: int, keep: bytes | None = None) -> None: ...
    async def tokens(self, user_id: int | None, limit: int, after: int) -> list[ApiToken]: ...
    async def token(self, token_id: int) -> ApiToken | None: ...
    async def add_token(
        self, user_id: int, name: str, secret_hash: bytes, role: Role, expires_at: datetime | None
    ) -> ApiToken: ...
    async def revoke_token(self, token_id: int) -> bool: ...
    async def revoke_tokens_of(self, user_id: int) -> None: ...


class AuditTrail(Protocol):
    async def record(
        self, actor: Actor, action: str, object_type: str, object_id: int | str, before: Any, after: Any
    ) -> None:
        """One line, in the caller's transaction. ``before``/``after``: plain values or records without secrets."""

    async def page(
        self, limit: int, after: int | None, object_type: str | None, object_id: str | None, user_id: int | None
    ) -> list[AuditEntry]: ...


# Fleet ---------------------------------------------------------------------------------------------------------------


class AreaStore(Protocol):
    async def all(self) -> list[Area]: ...
    async def get(self, area_id: int) -> Area | None: ...
    async def add(self, code: str, name: str, parent_id: int | None) -> Area | None: ...
    async def change(self, area_id: int, values: dict[str, Any]) -> Area | None: ...
    async def is_below(self, area_id: int, ancestor_id: int) -> bool: ...


class ProductStore(Protocol):
    async def page(self, limit: int, after: int) -> list[Product]: ...
    async def get(self, product_id: int) -> Product | None: ...
    async def add(self, product: NewProduct, medium: str) -> Product | None: ...
    async def change(self, product_id: int, values: dict[str, Any]) -> Product | None: ...


class MeterStore(Protocol):
    async def page(self, chosen: MeterFilter) -> list[Meter]: ...
    async def by_ids(self, meter_ids: Sequence[int]) -> list[Meter]: ...
    async def get(self, meter_id: int) -> MeterDetail | None: ...
    async def customer_exists(self, customer_id: int) -> bool: ...
    async def add(self, meter: NewMeter) -> int | None:
        """Identity of the new meter with its search text and identity change; None: number or IMEI is taken."""

    async def set_customer_flags(self, customer_id: int, flags: Mapping[str, bool]) -> None:
        """``is_protected`` and ``is_critical`` of a customer of the tenant; those not given stay."""

    async def change(self, meter_id: int, revision: int, values: dict[str, Any]) -> bool | None:
        """False: the revision is not the current one. None: IMEI is taken."""

    async def dimension(self, meter_id: int) -> Dimension: ...


class MeterSearch(Protocol):
    """Fuzzy search over number, IMEI, customer, phone and address."""

    async def search(self, q: str, limit: int, cursor: str | None) -> list[MeterHit]:
        """Exact hits first; ``cursor`` is a hit's. Raises ``ValueError`` for a query or cursor that is none."""


class AlarmStore(Protocol):
    async def page(
        self,
        limit: int,
        after: int | None,
        *,
        status: AlarmStatus | None,
        severity: Severity | None,
        event: str | None,
        meter_id: int | None,
        area_id: int | None,
    ) -> list[Alarm]: ...
    async def get(self, alarm_id: int) -> Alarm | None: ...
    async def acknowledge(self, alarm_id: int, user_id: int) -> None: ...
    async def clear(self, alarm_id: int, now_us: int) -> None: ...


class ExceptionStore(Protocol):
    async def page(
        self, limit: int, after: int | None, *, status: ExceptionStatus | None, rule: int | None, meter_id: int | None
    ) -> list[ReadingException]: ...
    async def get(self, exception_id: int) -> ReadingException | None: ...
    async def judge(self, exception_id: int, status: ExceptionStatus, user_id: int, reason: str) -> None: ...
    async def settled_until(self, meter_id: int) -> int | None:
        """Newest slot boundary whose register is known; a report of an earlier day is merged, never put in its place."""


class DeadLetterStore(Protocol):
    async def page(
        self,
        limit: int,
        after: int | None,
        *,
        status: DeadLetterStatus | None,
        reason: str | None,
        meter_id: int | None,
        product_id: int | None,
    ) -> list[DeadLetter]: ...
    async def take(self, ids: Sequence[int]) -> list[DeadLetter]:
        """The open ones of these, locked until the transaction ends."""

    async def mark(self, ids: Sequence[int], status: DeadLetterStatus, user_id: int) -> None: ...


class JobStore(Protocol):
    async def page(self, limit: int, after: int | None, *, status: JobStatus | None, kind: str | None) -> list[Job]: ...
    async def get(self, job_id: int) -> Job | None: ...
    async def add(
        self, kind: str, params: dict[str, Any], *, file_path: str, unique_key: str | None, user_id: int
    ) -> Job: ...
    async def release_key(self, unique_key: str) -> None:
        """A finished job gives its key back, so that the same work can be asked for again."""

    async def file_path(self, job_id: int, which: str) -> str | None:
        """Where the worker put a file of the job's result; ``which`` is a key of the result."""

    async def cancel(self, job_id: int) -> bool: ...


class Work(Protocol):
    """One transaction of one tenant: everything in it happens or nothing does."""

    @property
    def users(self) -> UserStore: ...
    @property
    def credentials(self) -> CredentialStore: ...
    @property
    def audit(self) -> AuditTrail: ...
    @property
    def areas(self) -> AreaStore: ...
    @property
    def products(self) -> ProductStore: ...
    @property
    def meters(self) -> MeterStore: ...
    @property
    def search(self) -> MeterSearch: ...
    @property
    def alarms(self) -> AlarmStore: ...
    @property
    def exceptions(self) -> ExceptionStore: ...
    @property
    def dead_letters(self) -> DeadLetterStore: ...
    @property
    def jobs(self) -> JobStore: ...
    @property
    def access(self) -> AccessStore: ...
    @property
    def commands(self) -> CommandStore: ...


class Store(Protocol):
    """The transactional store as the API uses it."""

    @property
    def sign_in(self) -> SignInStore: ...
    def tenant(self, tenant_id: int) -> AbstractAsyncContextManager[Work]: ...
    async def reachable(self) -> bool: ...


# Readings ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StoredDay:
    """A meter-day as stored; ``day`` counts from 1970-01-01, volumes in the product's unit."""

    day: int
    base: int
    interval_s: int
    increments: list[int]
    quality: list[int]
    total: int
    flags: int
    received_s: int
    version: int


class StoredRegister(Struct, frozen=True):
    """A register exactly as received."""

    at: datetime
    register: int
    flags: int
    position: int
    received_us: int
    version: int


class StoredFrame(Struct, frozen=True):
    """One message of the communication log."""

    received_us: int
    version: int
    direction: str
    channel: str
    path: str
    outcome: str
    payload: bytes


class StoredSignal(Struct, frozen=True):
    """Radio and battery of one report; None: not sent. RSRP 0.1 dBm, SINR 0.1 dB, battery mV."""

    received_us: int
    version: int
    rsrp_ddbm: int | None
    sinr_ddb: int | None
    ecl: int | None
    pci: int | None
    cell: int | None
    earfcn: int | None
    battery_pct: int | None
    battery_mv: int | None


class ReadingStore(Protocol):
    """Readings, frames and signals of one meter. Pages go from new to old; ``before``: key of the last row seen."""

    async def days(self, tenant_id: int, meter_id: int, first_day: int, last_day: int) -> list[StoredDay]:
        """The newest version of each stored day, in order, both ends included."""

    async def registers(
        self, tenant_id: int, meter_id: int, from_s: int, to_s: int, limit: int, before: tuple[int, int, int] | None
    ) -> list[StoredRegister]:
        """``before``: (at s, version, position)."""

    async def frames(
        self, tenant_id: int, meter_id: int, limit: int, before: tuple[int, int] | None
    ) -> list[StoredFrame]:
        """``before``: (received µs, version)."""

    async def signals(
        self, tenant_id: int, meter_id: int, from_us: int, to_us: int, limit: int, before: tuple[int, int] | None
    ) -> list[StoredSignal]:
        """``before``: (received µs, version)."""


class Dimensions(Protocol):
    """The registry's copy beside the readings."""

    async def put(self, rows: Sequence[Dimension]) -> None: ...


class UplinkReplay(Protocol):
    """Messages put into the stream once more; returns when they are on disk there."""

    async def replay(self, uplinks: Sequence[Uplink]) -> None: ...


# Reports -------------------------------------------------------------------------------------------------------------

ReportBy = Literal["area", "product", "maker", "driver"]


class CollectionRow(Struct, frozen=True):
    """Collection of one group of meters on one day (R2.4, R6.2); ``rate_ppm`` = received / expected in millionths."""

    key: str
    name: str
    expected: int
    received: int
    rate_ppm: int
    on_time: int
    late: int
    estimated: int
    partial: int
    missing: int


class CollectionReport(Struct, frozen=True):
    """The report of a day. ``deadline``: 08:00 of the next day in the tenant's zone."""

    day: date
    by: ReportBy
    deadline: datetime
    total: CollectionRow
    rows: list[CollectionRow]


class MissingMeter(Struct, frozen=True):
    """A meter whose day is not (fully) there; ``status``: missing, partial or estimated."""

    meter_id: int
    number: str
    area_code: str
    product_code: str
    address: str
    status: str
    last_seen_at: datetime | None


class CollectionReports(Protocol):
    async def collection(self, tenant_id: int, day: int, by: ReportBy) -> CollectionReport: ...
    async def missing(
        self, tenant_id: int, day: int, limit: int, after_meter_id: int, group: tuple[ReportBy, str] | None = None
    ) -> list[MissingMeter]:
        """``group``: (by, key) of one line of the report."""

    async def csv(self, tenant_id: int, day: int, by: ReportBy, locale: str) -> bytes: ...
    async def xlsx(self, tenant_id: int, day: int, by: ReportBy, locale: str) -> bytes: ...


# The running system --------------------------------------------------------------------------------------------------


class LiveEvent(Struct, frozen=True):
    """Something for the live view. ``kind``: 'counters', 'alarm', 'reading', …; ``data`` is plain JSON."""

    kind: str
    data: dict[str, Any]


class LiveFeed(Protocol):
    def subscribe(self, tenant_id: int) -> AbstractAsyncContextManager[AsyncIterator[LiveEvent]]:
        """Events of this tenant and of the system from now on; a slow reader loses the oldest, never memory."""


class ProcessInfo(Struct, frozen=True):
    name: str
    pid: int
    started_at: datetime
    rss_bytes: int
    state: str


class StorageSample(Struct, frozen=True):
    """What all stores held together at an instant."""

    at: datetime
    bytes: int


class SystemSnapshot(Struct, frozen=True):
    """What runs and how far behind it is.

    ``scope`` tenant: the platform is run by somebody else; only ``version`` and ``counters`` are filled, these with what
    waits for this tenant's own people.
    """

    version: str
    scope: Literal["platform", "tenant"]
    processes: list[ProcessInfo]
    stream_lag: dict[str, int]  # shard → messages not yet processed
    counters: dict[str, int]  # name → count since start; refusals as refused.<reason>
    engines: dict[str, str]  # engine → version or what is wrong
    storage: dict[str, int]  # what → bytes
    growth: list[StorageSample] = []  # last 30 days, oldest first


class Metric(Struct, frozen=True):
    """One sample in Prometheus' terms."""

    name: str
    kind: Literal["counter", "gauge"]
    help: str
    value: float
    labels: dict[str, str] = {}


class SystemView(Protocol):
    async def snapshot(self, tenant_id: int) -> SystemSnapshot:
        """Everything for the tenant that runs the platform; for the others what concerns them alone."""

    async def runs_platform(self, tenant_id: int) -> bool:
        """Whether this tenant may see figures of the whole platform."""

    async def not_ready(self) -> list[str]:
        """What keeps this process from serving; empty: ready."""

    async def metrics(self) -> list[Metric]: ...
