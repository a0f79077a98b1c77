# SPDX-License-Identifier: Apache-2.0
"""What the signer needs: its ledger, the registry's facts, the stop switch."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from openmains.domain.command.held_facts import HeldFacts, UtilityFacts
from openmains.domain.command.kinds import Kind
from openmains.domain.command.quota import Scope
from openmains.domain.command.safety import MeterFacts
from openmains.domain.ids import AreaId, MeterId, TenantId


class Standing(StrEnum):
    """Where a request stands in the ledger."""

    AUTHORISED = "authorised"
    NEEDS_APPROVAL = "needs_approval"
    QUARANTINED = "quarantined"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who may give (operator) or give and approve (approver) signed commands of a tenant; ``is_administrator``: also the kinds that
    only administrators give."""

    tenant_id: TenantId
    login: str
    password_hash: str
    role: str
    is_administrator: bool = False


@dataclass(slots=True)
class Entry:
    """A request as the ledger keeps it. ``content``: hash over meter, kind, parameters and end of validity. ``effect``: another kind
    as which it counts too, because that is what it does. ``amount``: fen or litres that it gives. Instants in s."""

    tenant_id: TenantId
    unique_key: str
    meter_id: MeterId
    area_id: AreaId
    kind: Kind
    content: bytes
    not_after: int
    standing: Standing
    reason: str
    operator: str
    approver: str = ""
    asked_at: int = 0
    authorised_at: int = 0
    counter: int = 0
    serial: int = 0
    frame: bytes | None = None
    effect: Kind | None = None
    amount: int = 0


@dataclass(frozen=True, slots=True)
class Closing:
    """A safety closing as the ledger keeps it beside its entry. ``params``: what was said, reason and evidence with it.
    ``immediate``: one person alone, because the meter itself had reported the danger."""

    tenant_id: TenantId
    unique_key: str
    meter_id: MeterId
    params: Mapping[str, Any]
    operator: str
    immediate: bool


@dataclass(frozen=True, slots=True)
class FactsAct:
    """That persons signed a list of facts. ``approver``: '' where one was enough; ``added``: meters that had no copy."""

    tenant_id: TenantId
    list_hash: str
    operator: str
    approver: str
    reason: str
    at: int
    added: int


class Ledger(Protocol):
    """Durable before any method returns; within ``writing`` before the block ends."""

    def writing(self) -> AbstractContextManager[None]:
        """All writes of the block, or none."""

    def person(self, tenant_id: TenantId, login: str) -> Person | None: ...
    def is_known(self, tenant_id: TenantId, login: str, address: str) -> bool:
        """Whether this person signed in from this address before."""

    def note_known(self, tenant_id: TenantId, login: str, address: str) -> None:
        """The right password came from there."""

    def entries(self, tenant_id: TenantId, unique_keys: Sequence[str]) -> dict[str, Entry]: ...
    def put(self, entry: Entry) -> None: ...
    def counts(self, kind: Kind, scope: Scope, since: int, tenant_id: TenantId, operator: str) -> dict[int, int]:
        """Authorised since (s), of this kind or with its effect, within the scope: by area where it is areas, else all under 0."""

    def given_alone(self, kind: Kind, since: int, tenant_id: TenantId, operator: str) -> set[MeterId]:
        """Meters to which this person gave it, or its effect, since (s), without a second one."""

    def amounts(self, since: int, tenant_id: TenantId, operator: str) -> tuple[int, int]:
        """What was authorised since (s): by this person without a second one, and by the whole utility."""

    def price(self, tenant_id: TenantId, meter_id: MeterId) -> Mapping[str, Any] | None:
        """The price signed last for this meter."""

    def note_price(self, tenant_id: TenantId, meter_id: MeterId, params: Mapping[str, Any]) -> None:
        """It was signed for this meter."""

    def note_closing(self, closing: Closing) -> None:
        """Asked for; it stands once its entry is authorised."""

    def closed_for_safety(self, tenant_id: TenantId, meter_ids: Sequence[MeterId]) -> set[MeterId]:
        """Those of these meters at which an authorised safety closing stands."""

    def lift(self, tenant_id: TenantId, meter_id: MeterId, inspector: str, approver: str, note: str, now: int) -> bool:
        """The site was inspected: what stands at the meter ends. False: nothing stands."""

    def is_lifted(self, tenant_id: TenantId, unique_key: str) -> bool:
        """Whether this safety closing has ended."""

    def utility(self, tenant_id: TenantId) -> UtilityFacts | None:
        """The copy of a utility's own facts."""

    def held(self, tenant_id: TenantId, meter_ids: Sequence[MeterId]) -> dict[MeterId, HeldFacts]:
        """Copies by meter."""

    def held_between(self, tenant_id: TenantId, after: MeterId, until: MeterId | None) -> dict[MeterId, HeldFacts]:
        """Copies of meters above ``after`` up to ``until``; None: all above."""

    def held_elsewhere(self, tenant_id: TenantId, meter_ids: Sequence[MeterId]) -> set[MeterId]:
        """Those of these meters of which another tenant's persons signed what they are."""

    def added_alone(self, tenant_id: TenantId, since: int) -> int:
        """Meters that one person alone signed as new since (s)."""

    def sizes(self, tenant_id: TenantId) -> tuple[int, int, Mapping[int, int]]:
        """Copies: of the platform, of the tenant, by area of the tenant."""

    def paid(self, tenant_id: TenantId, meter_ids: Sequence[MeterId], since: int) -> set[MeterId]:
        """Those of these meters for which money was authorised since (s)."""

    def sign_facts(
        self, act: FactsAct, utility: UtilityFacts | None, meters: Mapping[MeterId, HeldFacts | None]
    ) -> None:
        """Write the copies; None: the meter's goes. All with one sync, or none."""

    def next_counter(self, meter_id: MeterId) -> int:
        """One more than ever given to this meter."""


class Registry(Protocol):
    """Read with the signer's own eyes."""

    async def facts(self, tenant_id: TenantId, meter_ids: Sequence[MeterId], now: int) -> dict[int, MeterFacts]:
        """``now``: s; a danger that a meter reported counts for a while only."""

    async def all_facts(self, tenant_id: TenantId, after: MeterId, most: int) -> list[tuple[HeldFacts, bool]]:
        """Of the tenant's meters above ``after``, in order; whether each is out of use."""

    async def utility(self, tenant_id: TenantId) -> UtilityFacts: ...
    async def sizes(self, tenant_id: TenantId) -> tuple[int, int, Mapping[int, int]]:
        """Meters in use: of the platform, of the tenant, by area of the tenant."""


class RegistryAwayError(Exception):
    """The registry cannot be read: nothing is authorised or signed."""
