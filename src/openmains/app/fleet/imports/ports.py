# SPDX-License-Identifier: Apache-2.0
"""What the import asks of the registry's store. One ``RegistryImport`` is one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from openmains.domain.ids import CustomerId, TenantId


@dataclass(frozen=True, slots=True)
class SealedPhone:
    """A customer's phone as it is stored (``app/party/personal.py``)."""

    customer_id: CustomerId
    key_id: int
    nonce: bytes = field(repr=False)
    sealed: bytes = field(repr=False)
    blind: bytes = field(repr=False)


class PhoneSealing(Protocol):
    """Seals what a file says of customers before it is written."""

    async def seal_phones(self, tenant_id: TenantId, phones: Mapping[CustomerId, str]) -> list[SealedPhone]: ...


@dataclass(frozen=True, slots=True)
class Conflict:
    """A staged row the registry does not allow; ``reason`` is a key of the row reasons, ``column`` a column name."""

    line: int
    column: str
    value: str
    reason: str


@dataclass(frozen=True, slots=True)
class Applied:
    """What one chunk did: ids of new and of changed meters; all others were as they are."""

    inserted: Sequence[int]
    updated: Sequence[int]


class StagedMeter(NamedTuple):
    """A row of the staged chunk with its meter, which a new one has after ``apply``."""

    line: int
    number: str
    product: str
    area: str
    address: str
    meter_id: int | None


class RegistryImport(Protocol):
    """One import's transaction; nobody sees anything of it before ``commit``."""

    async def begin(self, tenant_id: TenantId, job_id: int | None = None) -> None:
        """Open the transaction; waits for another import of this tenant. What is written is noted under ``job_id``, for an undo."""

    async def products(self) -> dict[str, int]:
        """Product code → id."""

    async def areas(self) -> dict[str, int]:
        """Area code → id."""

    async def headings(self) -> dict[str, str]:
        """Headings of other systems' files, as they are compared, that the tenant said are columns."""

    async def create_areas(self, codes: Sequence[str]) -> dict[str, int]:
        """Make areas named like their code; returns code → id."""

    async def stage(self, copy: bytes, rows: int) -> list[Conflict]:
        """Replace the staged chunk by these rows (``staging.staged_bytes``); returns and drops those in conflict."""

    async def apply(self) -> Applied:
        """Write the staged chunk into the registry."""

    async def staged(self, limit: int) -> list[StagedMeter]:
        """The first rows of the chunk that was written last, in the order of the file."""

    async def commit(self) -> None:
        """Keep everything."""

    async def rollback(self) -> None:
        """Keep nothing."""
