# SPDX-License-Identifier: Apache-2.0
"""What lives and installations ask of the store, within one tenant's transaction."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol

from openmains.app.fleet.lives.model import (
    ActKind,
    DueCount,
    DueFilter,
    DueMeter,
    Installation,
    LifetimeRule,
    MeterLife,
    NewStockMeter,
    StockMeter,
)
from openmains.domain.fleet.hanging import AccountFacts, Change, MeterInLife
from openmains.domain.fleet.issue_rows import NamedMeter
from openmains.domain.fleet.meter_life import Life
from openmains.domain.ids import AccountId, AreaId, CustomerId, InstallationId, MeterId, ProductId, UserId


@dataclass(frozen=True, slots=True)
class HeldMeter:
    """A meter that nobody else changes until the transaction ends. ``strange_number``: what its frames carry where that is another number
    than the registered one; ``unit_exponent``: its registers count 10^n m³."""

    facts: MeterInLife
    bar_code: str
    imei: int | None
    product: str
    driver: str
    is_meter: bool
    revision: int
    strange_number: int | None
    unit_exponent: int
    entered_by: UserId | None  # of its installation that goes on
    installation_id: InstallationId | None


@dataclass(frozen=True, slots=True)
class HeldAccount:
    """An account with where it is and who holds it."""

    facts: AccountFacts
    area_id: AreaId
    address: str
    customer_id: CustomerId | None


@dataclass(frozen=True, slots=True)
class ActNote:
    """What is kept of an act beside what it changes. ``asked``: fingerprint of the request."""

    key: str
    kind: ActKind
    at: datetime
    person: str
    contractor: str
    reason: str
    asked: str
    made_by: UserId | None


@dataclass(frozen=True, slots=True)
class KnownAct:
    """An act that was done under a key."""

    meter_id: MeterId
    kind: ActKind
    asked: str


@dataclass(frozen=True, slots=True)
class KnownIssue:
    """What was issued under a key. ``stands``: nothing else was done to any of its meters since."""

    made_at: datetime
    meters: int
    stands: bool


class LifeStore(Protocol):
    async def life(self, meter_id: MeterId) -> MeterLife | None: ...
    async def lock_key(self, key: str) -> list[KnownAct]:
        """Nobody else acts under this key until the transaction ends; what was done under it."""

    async def find(self, number: str, bar_code: str) -> list[MeterId]:
        """Meters of this number, or without a number of this bar code."""

    async def lock(self, meter_ids: Sequence[MeterId]) -> list[HeldMeter]:
        """In the order of their ids; those that are not there are left out."""

    async def account_of(self, number: str) -> AccountId | None: ...
    async def lock_account(self, account_id: AccountId) -> HeldAccount | None: ...
    async def account_where(self, meter_id: MeterId) -> AccountId | None:
        """The account at which a meter hangs now; not locked. None: it hangs nowhere."""

    async def hanging_at(self, account_id: AccountId) -> str | None:
        """Number of a meter that hangs at an account now; None: nothing does."""

    async def of_imei(self, imei: int) -> str | None:
        """Number of the tenant's meter with this IMEI."""

    async def write(self, change: Change, note: ActNote, other: MeterId | None) -> bool:
        """Life, installations and the act's row; False: somebody was faster (an exclusion)."""

    async def receive(self, meter: NewStockMeter, today: date, note: ActNote) -> MeterId | None:
        """None: number, bar code or IMEI is taken."""

    async def store(self, life: Life, limit: int, after: int) -> list[StockMeter]:
        """Meters that hang nowhere, of one life, by id."""

    async def named(self, names: Sequence[str]) -> dict[str, NamedMeter]:
        """Meters of the tenant by number or bar code."""

    async def issue(self, meter_ids: Sequence[MeterId], note: ActNote) -> int:
        """All of them; how many were in stock and are issued now."""

    async def issued_before(self, key: str) -> KnownIssue | None:
        """What a list issued under its key."""

    async def keeps_units(self, meter_id: MeterId, product_id: ProductId) -> bool:
        """Whether registers of the meter's installations mean the same as those of this product: the same medium and unit."""

    async def has_hung(self, product_id: ProductId) -> bool:
        """Whether a meter of the product hangs or hung somewhere."""

    async def change_facts(self, meter_id: MeterId, revision: int, values: Mapping[str, Any]) -> bool: ...
    async def parents(self, meter_id: MeterId) -> list[MeterId]:
        """The meters above one, nearest first."""

    async def installations(
        self, *, account_id: AccountId | None, to_accept: bool, limit: int, after: int | None
    ) -> list[Installation]:
        """Newest first."""

    async def installation(self, installation_id: InstallationId) -> Installation | None: ...
    async def due(self, chosen: DueFilter) -> list[DueMeter]: ...
    def due_pages(self, chosen: DueFilter) -> AsyncIterator[list[DueMeter]]:
        """All of them, ``limit`` at a time, looked for once: within one transaction."""

    async def due_counts(self, area_id: AreaId | None, until: date) -> list[DueCount]: ...
    async def lifetime_rules(self) -> list[LifetimeRule]: ...
    async def set_lifetime_rules(self, rules: Sequence[LifetimeRule]) -> None: ...
