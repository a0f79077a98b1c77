# SPDX-License-Identifier: Apache-2.0
"""What the signer needs: its ledger, the registry's facts, the stop switch."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from openmains.domain.command.kinds import Kind
from openmains.domain.command.quota import Scope
from openmains.domain.command.safety import MeterFacts, OfficeHours
from openmains.domain.ids import AreaId, MeterId, TenantId


class Standing(StrEnum):
    """Where a request stands in the ledger."""

    AUTHORISED = "authorised"
    NEEDS_APPROVAL = "needs_approval"
    QUARANTINED = "quarantined"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who may give (operator) or give and approve (approver) signed commands of a tenant."""

    tenant_id: TenantId
    login: str
    password_hash: str
    role: str
    failures: int
    locked_until: int


@dataclass(slots=True)
class Entry:
    """A request as the ledger keeps it. ``content``: hash over meter, kind, parameters and end of validity. Instants in s."""

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


class Ledger(Protocol):
    """Durable before any method returns; within ``writing`` before the block ends."""

    def writing(self) -> AbstractContextManager[None]:
        """All writes of the block, or none."""

    def person(self, tenant_id: TenantId, login: str) -> Person | None: ...
    def note_attempt(self, person: Person, failures: int, locked_until: int) -> None: ...
    def entries(self, tenant_id: TenantId, unique_keys: Sequence[str]) -> dict[str, Entry]: ...
    def put(self, entry: Entry) -> None: ...
    def counts(
        self, kind: Kind, tenant_id: TenantId, operator: str, areas: Sequence[int], since: Mapping[Scope, int]
    ) -> tuple[dict[Scope, int], dict[int, int]]:
        """Authorised since: by operator, utility and platform, and by area."""

    def next_counter(self, meter_id: MeterId) -> int:
        """One more than ever given to this meter."""


class Registry(Protocol):
    """Read with the signer's own eyes."""

    async def facts(self, tenant_id: TenantId, meter_ids: Sequence[MeterId]) -> dict[int, MeterFacts]: ...
    async def zone(self, tenant_id: TenantId) -> str: ...
    async def office(self, tenant_id: TenantId) -> OfficeHours: ...
    async def sizes(self, tenant_id: TenantId) -> tuple[int, int, Mapping[int, int]]:
        """Meters in use: of the platform, of the tenant, by area of the tenant."""


class RegistryAwayError(Exception):
    """The registry cannot be read: nothing is authorised or signed."""
