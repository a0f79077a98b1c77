# SPDX-License-Identifier: Apache-2.0
"""What the import asks of the registry's store. One ``RegistryImport`` is one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

# Order of a staged row's values.
STAGED = (
    "line", "number", "bar_code", "imei", "imsi", "iccid", "product_id", "area_id", "customer_code", "customer_name", "phone",
    "address", "is_protected", "place", "dn", "qmax_l_h", "installed_on", "search_text", "grams",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Conflict:
    """A staged row the registry does not allow; ``reason`` is a key of the row reasons, ``column`` a column name."""

    line: int
    column: str
    reason: str


@dataclass(frozen=True, slots=True)
class Applied:
    """What one chunk did: (line, meter id) of new and of changed meters; all others were as they are."""

    inserted: Sequence[tuple[int, int]]
    updated: Sequence[tuple[int, int]]


class RegistryImport(Protocol):
    """One import's transaction; nobody sees anything of it before ``commit``."""

    async def begin(self, tenant_id: int) -> None:
        """Open the transaction; waits for another import of this tenant."""

    async def products(self) -> dict[str, int]:
        """Product code → id."""

    async def areas(self) -> dict[str, int]:
        """Area code → id."""

    async def create_areas(self, codes: Sequence[str]) -> dict[str, int]:
        """Make areas named like their code; returns code → id."""

    async def stage(self, rows: Sequence[tuple[Any, ...]]) -> list[Conflict]:
        """Replace the staged chunk by these rows (values in the order ``STAGED``); returns and drops those in conflict."""

    async def apply(self) -> Applied:
        """Write the staged chunk into the registry."""

    async def commit(self) -> None:
        """Keep everything."""

    async def rollback(self) -> None:
        """Keep nothing."""
