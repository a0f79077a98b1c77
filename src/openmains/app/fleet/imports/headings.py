# SPDX-License-Identifier: Apache-2.0
"""Headings of other systems' files: what a person said once that each of them is, taken for every import of meters of the utility after it.

A heading that has a meaning here keeps it: nobody can make 'IMEI' a meter number.
"""

from typing import Annotated, Protocol

from msgspec import Meta, Struct

from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store
from openmains.domain.fleet.meter_row import heading_fault

MOST_HEADINGS = 300


class ImportHeading(Struct, frozen=True, forbid_unknown_fields=True):
    """``heading``: as the file has it; ``column``: name of a column of the import of meters (``domain/fleet/registry_columns.py``)."""

    heading: Annotated[str, Meta(min_length=1, max_length=100)]
    column: Annotated[str, Meta(min_length=1, max_length=40)]


class ImportHeadings(Protocol):
    """Of one tenant. Headings that differ in case, spaces or marks only are one, as they are when a file is read."""

    async def all(self) -> list[ImportHeading]: ...
    async def count(self) -> int: ...
    async def get(self, heading: str) -> str | None:
        """The column that it is; None: it is none."""

    async def put(self, wanted: ImportHeading) -> None:
        """The heading is this column from now on, whatever it was before."""

    async def remove(self, heading: str) -> str | None:
        """The column that it was; None: it was none."""


async def set_heading(store: Store, actor: Actor, wanted: ImportHeading) -> list[ImportHeading]:
    """All headings after it. Raises ``invalid-input`` for one that is known here already or a column that there is not, ``too-many-saved``."""
    heading = wanted.heading.strip()
    if (fault := heading_fault(heading, wanted.column)) is not None:
        place = "/column" if fault == "unknown-column" else "/heading"
        raise Problem("invalid-input", fields=((place, "not-accepted"),))
    async with store.tenant(actor.tenant_id) as work:
        before = await work[ImportHeadings].get(heading)
        if before is None and await work[ImportHeadings].count() >= MOST_HEADINGS:
            raise Problem("too-many-saved", limit=MOST_HEADINGS)
        await work[ImportHeadings].put(ImportHeading(heading, wanted.column))
        await work[AuditTrail].record(
            actor,
            "set_import_heading",
            "import_heading",
            heading,
            None if before is None else {"column": before},
            {"column": wanted.column},
        )
        return await work[ImportHeadings].all()


async def remove_heading(store: Store, actor: Actor, heading: str) -> list[ImportHeading]:
    """It is no column any more. Raises ``not-found``."""
    async with store.tenant(actor.tenant_id) as work:
        before = await work[ImportHeadings].remove(heading)
        if before is None:
            raise Problem("not-found")
        await work[AuditTrail].record(
            actor, "remove_import_heading", "import_heading", heading, {"column": before}, None
        )
        return await work[ImportHeadings].all()
