# SPDX-License-Identifier: Apache-2.0
"""Driver pages that a utility adds to a running system (ADR 0042): given, looked at, taken back."""

from datetime import datetime
from typing import Annotated, Protocol

from msgspec import Meta, Struct

from openmains.domain.fleet.device_kind import DeviceKind

LARGEST_PAGE = 256 * 1024  # bytes
PageText = Annotated[str, Meta(min_length=1, max_length=LARGEST_PAGE, description="The page's TOML, whole.")]
PageReason = Annotated[str, Meta(max_length=400, description="Why; kept with the version and in the audit log.")]


class GivenDriverPage(Struct, frozen=True, forbid_unknown_fields=True):
    """A page's text, to be looked at or taken."""

    text: PageText
    reason: PageReason = ""


class DriverPageChoice(Struct, frozen=True, forbid_unknown_fields=True):
    """The version that is to hold."""

    version: Annotated[int, Meta(ge=1, le=2**31 - 1)]
    reason: PageReason = ""


class CheckedDriverPage(Struct, frozen=True):
    """What a page would be: read, and true to its own vectors."""

    name: str
    medium: str
    kind: DeviceKind
    grade: str
    unit_exponent: int
    vectors: int
    points: list[str]


class UtilityDriverPage(Struct, frozen=True):
    """A page of the utility. ``version``: the one that holds, 0: it was taken away; ``products``: that are read by it."""

    name: str
    version: int
    medium: str
    kind: DeviceKind
    grade: str
    unit_exponent: int
    vectors: int
    made_at: datetime
    made_by: str
    products: int


class DriverPageVersion(Struct, frozen=True):
    """One text of a page; texts are never changed."""

    version: int
    grade: str
    vectors: int
    made_at: datetime
    made_by: str
    reason: str
    is_active: bool


class DriverPageVersions(Struct, frozen=True):
    """Newest first."""

    items: list[DriverPageVersion]


class UtilityDriverPages(Struct, frozen=True):
    """By name."""

    items: list[UtilityDriverPage]


class StoredDriverPage(Struct, frozen=True):
    """A version as it was given."""

    name: str
    version: int
    text: str


class DriverPageStore(Protocol):
    """One tenant's pages, in one transaction."""

    async def pages(self, name: str | None = None) -> list[UtilityDriverPage]: ...
    async def versions(self, name: str) -> list[DriverPageVersion]: ...
    async def text(self, name: str, version: int) -> str | None: ...
    async def claim(self, name: str) -> bool:
        """Hold the name until the transaction ends, as one of the tenant's; False: it is another utility's."""

    async def hold(self, name: str) -> bool:
        """The same of a page that is there; False: the tenant has none of this name."""

    async def add(self, page: CheckedDriverPage, text: str, made_us: int, made_by: str, reason: str) -> int:
        """The next version; its number."""

    async def activate(self, name: str, version: int | None) -> None:
        """This version holds; None: none does."""


class PageChecks(Protocol):
    """What is asked of the drivers about a text."""

    def check_page(self, text: str) -> CheckedDriverPage:
        """Raises ``driver-page-broken`` with line and reason."""

    def is_packaged(self, name: str) -> bool: ...
