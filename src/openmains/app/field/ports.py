# SPDX-License-Identifier: Apache-2.0
"""What work outside asks of the store. All of one tenant."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from openmains.app.field.model import (
    PhotoMedia,
    Purpose,
    ReadingRoute,
    SitePhoto,
    SiteVisit,
    VisitKind,
)
from openmains.app.fleet.model import Medium
from openmains.domain.field.plausible import KnownRegister
from openmains.domain.ids import MeterId, PhotoId, RouteId, UserId


@dataclass(frozen=True, slots=True)
class StoredRouteMeter:
    """A meter of a route with what its range is told from; ``qmax_l_h``, ``dial``: 0 where not known."""

    meter_id: MeterId
    number: str
    bar_code: str
    medium: Medium
    address: str
    driver: str
    qmax_l_h: int
    dial: int
    last: KnownRegister | None
    before: KnownRegister | None


@dataclass(frozen=True, slots=True)
class StoredIssue:
    """A meter that was issued, as it is stored."""

    meter_id: MeterId
    number: str
    bar_code: str
    imei: int | None
    medium: Medium
    product: str
    driver: str
    person: str


@dataclass(frozen=True, slots=True)
class SiteMeter:
    """What a test on the spot looks at, as stored. ``register``: the newest; ``closed``, ``opened``: such a command was confirmed since."""

    meter_id: MeterId
    number: str
    medium: Medium
    driver: str
    life: str
    last_seen_us: int | None
    register: int | None
    strange_number: int | None
    rsrp_ddbm: int | None
    sinr_ddb: int | None
    closed: bool
    opened: bool


@dataclass(frozen=True, slots=True)
class NewVisit:
    """Ready to be written."""

    key: str
    asked: str
    kind: VisitKind
    meter_id: MeterId
    at: datetime
    reason: str
    note: str
    facts: dict[str, Any]
    made_by: UserId


@dataclass(frozen=True, slots=True)
class SealedPhoto:
    """Ready to be written; the bytes are sealed and bound to tenant and key."""

    key: str
    meter_id: MeterId
    act: str
    purpose: Purpose
    media: PhotoMedia
    size: int
    sha256: bytes
    taken_at: datetime
    made_by: UserId
    key_id: int
    nonce: bytes = field(repr=False)
    sealed: bytes = field(repr=False)


class RouteStore(Protocol):
    """Reading routes."""

    async def all(self, limit: int, after: int, reader_id: UserId | None) -> list[ReadingRoute]: ...
    async def get(self, route_id: RouteId) -> ReadingRoute | None: ...
    async def add(self, name: str, reader_id: UserId | None) -> RouteId | None:
        """None: the name is taken."""

    async def change(
        self, route_id: RouteId, revision: int, name: str | None, reader: tuple[UserId | None] | None
    ) -> bool:
        """``name`` None, ``reader`` None: stays. False: the revision is another one. Raises ``Problem`` ``route-name-taken``."""

    async def remove(self, route_id: RouteId) -> None: ...
    async def knows_person(self, user_id: UserId) -> bool:
        """Whether there is such a person who may sign in."""

    async def meters_of(self, numbers: Sequence[str]) -> dict[str, tuple[MeterId, bool, RouteId | None]]:
        """By number: id, whether it is a meter that hangs or may hang, and the route that has it."""

    async def set_meters(self, route_id: RouteId, meter_ids: Sequence[MeterId]) -> None:
        """The whole order anew; out of other routes they are gone."""

    async def meters_on(self, route_id: RouteId) -> list[StoredRouteMeter]:
        """Its meters in order, those that were taken down left out."""

    async def issued(self, most: int) -> list[StoredIssue]:
        """Meters that were issued, the last ones first."""


class VisitStore(Protocol):
    """What was found and done at meters."""

    async def site_meter(self, meter_id: MeterId, since: datetime) -> SiteMeter | None: ...
    async def known(self, key: str) -> tuple[SiteVisit, str] | None:
        """What was noted under a key, and what was asked then; the key is locked."""

    async def add(self, visit: NewVisit) -> SiteVisit: ...
    async def of_meter(self, meter_id: MeterId, limit: int, after: int | None) -> list[SiteVisit]: ...


class PhotoStore(Protocol):
    """Photographs."""

    async def known(self, key: str) -> tuple[SitePhoto, bytes] | None:
        """What is there under a key, and its SHA-256; the key is locked."""

    async def made_since(self, user_id: UserId, since: datetime) -> int:
        """How many a person sent in since an instant."""

    async def has_meter(self, meter_id: MeterId) -> bool: ...
    async def add(self, photo: SealedPhoto) -> SitePhoto: ...
    async def of_meter(self, meter_id: MeterId, limit: int, after: int | None) -> list[SitePhoto]: ...
    async def sealed(self, photo_id: PhotoId) -> SealedPhoto | None: ...
