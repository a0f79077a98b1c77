# SPDX-License-Identifier: Apache-2.0
"""What the API is made of, given by the role that runs it."""

import asyncio
import math
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from litestar.connection import ASGIConnection

from openmains.app.billing.invoice_ports import TaxAdapter
from openmains.app.billing.paper_ports import Typesetter
from openmains.app.billing.ports import DayVolumes
from openmains.app.command.device_management.operations import MeterLink
from openmains.app.command.driver import CommandDrivers
from openmains.app.command.plan_ports import CellLoads
from openmains.app.command.ports import StopSwitch
from openmains.app.command.signing_ports import Signer
from openmains.app.field.photos import PhotoKey
from openmains.app.fleet.driver_catalog import DriverCatalog
from openmains.app.fleet.ports import Dimensions
from openmains.app.home.summary import HomeSummaries
from openmains.app.identity.change_password import ChangePassword
from openmains.app.identity.model import Actor
from openmains.app.identity.ports import SignInStore
from openmains.app.identity.sign_in import SignIn
from openmains.app.ingest.ports import UplinkReplay
from openmains.app.notice.ports import PushAddressCheck
from openmains.app.notice.sealing import Sealer
from openmains.app.party.personal import PersonalVault
from openmains.app.payment.channels.port import Caller
from openmains.app.portal.model import Visitor
from openmains.app.portal.ports import PortalLookups
from openmains.app.portal.sign_in import CustomerSignIn
from openmains.app.problems import Problem
from openmains.app.readings.bulk.ports import BulkStore
from openmains.app.readings.changes import ChangeStore
from openmains.app.readings.ports import QuantityStore, ReadingStore
from openmains.app.readings.report.ports import CollectionReports
from openmains.app.rule.ports import RuleHistory
from openmains.app.sealing.vault import KeyVault
from openmains.app.security.model import OnSimSeparated
from openmains.app.security.ports import KeyFiles
from openmains.app.system.ports import LiveFeed, SystemView
from openmains.app.tariff.ports import VolumeStore
from openmains.app.unit_of_work import Store
from openmains.domain.period import date_to_day, day_to_date, utc_of_us, zone
from openmains.domain.security.ladder import Thresholds
from openmains.edges.http.limiter import Limiter
from openmains.edges.http.proxies import Hop, Proxies

Connection = ASGIConnection[Any, Any, Any, Any]
PASSWORDS_AT_ONCE = 2  # each takes 64 MiB and a processor for 60 ms
PUSH_RATE = (1000.0, 10_000)  # messages of one operator's platform; they push up to 800 a second
GUESS_RATE = (1 / 60, 20)  # wrong codes of an address, at whatever phones; wrong secrets, of whatever applications


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """``upload_dir``: where imports wait for the worker. Rates are requests per second and the burst above it."""

    upload_dir: Path
    session_hours: int  # of a session that is not used; each use begins them anew
    console_dir: Path | None = None  # None: the packaged console, if there is one
    secure_cookies: bool = False  # True behind a TLS proxy; a request over https has them anyway
    proxies: Proxies = field(default_factory=Proxies)  # whose word on where a request comes from is believed
    open_metrics: bool = False  # /metrics without a token for who connects from this machine and through no proxy
    allowed_origins: Sequence[str] = ()
    api_rate: tuple[float, int] = (50.0, 200)
    sign_in_rate: tuple[float, int] = (0.5, 20)

    @property
    def session(self) -> timedelta:
        """``session_hours`` as a span."""
        return timedelta(hours=self.session_hours)


@dataclass(slots=True)
class ApiDeps:
    """The ports of ``app/<context>/ports.py``; None: not offered in this deployment (501)."""

    store: Store
    sign_in_store: SignInStore
    settings: ApiSettings
    now_us: Callable[[], int]  # the clock of all operations, µs UTC
    drivers: DriverCatalog
    system: SystemView
    live: LiveFeed
    readings: ReadingStore | None = None
    quantities: QuantityStore | None = None
    rule_history: RuleHistory | None = None
    changes: ChangeStore | None = None
    volumes: VolumeStore | None = None
    billed_days: DayVolumes | None = None
    typeset: Typesetter | None = None
    bulk: BulkStore | None = None
    dimensions: Dimensions | None = None
    replay: UplinkReplay | None = None
    reports: CollectionReports | None = None
    key_files: KeyFiles | None = None
    personal: PersonalVault | None = None
    photos: KeyVault[PhotoKey] | None = None
    thresholds: Thresholds = field(default_factory=Thresholds)
    on_sim_separated: OnSimSeparated = "alarm"
    signer: Signer | None = None
    stop_switch: StopSwitch | None = None
    command_drivers: CommandDrivers | None = None
    cell_loads: CellLoads | None = None
    meter_link: MeterLink | None = None
    sealer: Sealer | None = None
    push_addresses: PushAddressCheck | None = None  # which push services may be called
    customer_lookups: PortalLookups | None = None
    provider_call: Caller | None = None  # to providers of payments
    tax: TaxAdapter | None = None  # issues invoices
    away: tuple[type[Exception], ...] = ()  # what the engines' clients raise when theirs is not there
    sign_in: SignIn = field(init=False)
    customer_sign_in: CustomerSignIn | None = field(init=False)
    change_password: ChangePassword = field(init=False)
    home: HomeSummaries = field(init=False)
    api_limiter: Limiter = field(init=False)
    sign_in_limiter: Limiter = field(init=False)
    guess_limiter: Limiter = field(init=False)
    push_limiter: Limiter = field(init=False)
    application_limiters: dict[int, Limiter] = field(init=False)

    def application_limiter(self, rate: int | None) -> Limiter:
        """Of applications that may ask ``rate`` times a second, with as many in ten seconds at once; None: as everybody."""
        if rate is None:
            return self.api_limiter
        return self.application_limiters.setdefault(rate, Limiter(rate, 10 * rate))

    def now_s(self) -> int:
        """The clock in whole seconds UTC."""
        return self.now_us() // 1_000_000

    def nonce(self) -> str:
        """Fresh random text."""
        return secrets.token_hex(16)

    def now(self) -> datetime:
        """The clock as an instant with its offset."""
        return utc_of_us(self.now_us())

    def __post_init__(self) -> None:
        gate = asyncio.Semaphore(PASSWORDS_AT_ONCE)
        self.sign_in = SignIn(self.store, self.sign_in_store, self.settings.session, self.now, gate)
        self.customer_sign_in = None
        if self.customer_lookups is not None and self.personal is not None and self.sealer is not None:
            self.customer_sign_in = CustomerSignIn(
                self.store, self.customer_lookups, self.personal, self.sealer, self.now_us
            )
        self.change_password = ChangePassword(self.store, self.now, gate)
        self.home = HomeSummaries(self.store, self.now_us)
        self.api_limiter = Limiter(*self.settings.api_rate)
        self.sign_in_limiter = Limiter(*self.settings.sign_in_rate)
        self.guess_limiter = Limiter(*GUESS_RATE)
        self.push_limiter = Limiter(*PUSH_RATE)
        self.application_limiters = {}


def deps_of(connection: Connection) -> ApiDeps:
    """The application's dependencies."""
    deps: ApiDeps = connection.app.state.deps
    return deps


def actor_of(connection: Connection) -> Actor:
    """Who asks; set by the guard of every operation that is not public."""
    actor: Actor = connection.scope["state"]["actor"]
    return actor


def visitor_of(connection: Connection) -> Visitor:
    """Which customer asks; set by the guard of customers' operations."""
    visitor: Visitor = connection.scope["state"]["visitor"]
    return visitor


def let_wait(wait_s: float) -> None:
    """What a limiter says. Raises ``too-many-requests`` unless it is 0."""
    if wait_s > 0:
        raise Problem("too-many-requests", retry_after_s=max(1, math.ceil(wait_s)))


def limit_visitor(connection: Connection, what: str) -> None:
    """Dear acts of one customer, as often as one may sign in. Raises ``too-many-requests``."""
    of = visitor_of(connection).customer_ids[0]
    let_wait(deps_of(connection).sign_in_limiter.wait_s(f"{what} of customer {of}"))


def today_of(deps: ApiDeps, actor: Actor) -> date:
    """The calendar day of the actor's utility."""
    return day_to_date(zone(actor.zone).day_of(deps.now_s()))


def today_number(connection: Connection) -> int:
    """The same day, counted from 1970-01-01."""
    return date_to_day(today_of(deps_of(connection), actor_of(connection)))


def client_hop(connection: Connection) -> Hop:
    """Who asks, as far as the settings let others be believed; found once for a request."""
    state = connection.scope.setdefault("state", {})
    found: Hop | None = state.get("client_hop")
    if found is None:
        peer = connection.client.host if connection.client else ""
        found = deps_of(connection).settings.proxies.client(peer, connection.scope["headers"])
        state["client_hop"] = found
    return found


def client_address(connection: Connection) -> str:
    """Address of the client, for limits and the trail."""
    return client_hop(connection).address


def photo_keys(deps: ApiDeps) -> KeyVault[PhotoKey]:
    """Keys of photographs. Raises ``not-offered`` where this process has none."""
    if deps.photos is None:
        raise Problem("not-offered")
    return deps.photos
