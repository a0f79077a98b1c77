# SPDX-License-Identifier: Apache-2.0
"""Announcements to customers as the use cases and the API see them (R7.5). No number of a customer is ever part of a record."""

from datetime import datetime
from typing import Annotated, Literal, Protocol

from msgspec import Meta, Struct

from openmains.app.notice.model import Row64
from openmains.domain.ids import UserId
from openmains.domain.notice.announcement import AnnouncementState
from openmains.domain.tariff.plan import CustomerClass

Topic = Literal["outage", "price", "safety"]
Language = Literal["zh", "en", "both"]
Title = Annotated[str, Meta(min_length=1, max_length=60)]
Body = Annotated[str, Meta(min_length=1, max_length=500)]


class Audience(Struct, frozen=True, forbid_unknown_fields=True):
    """Customers who hold an open account now: of an area with what is below it, of a class, of a medium; null: all."""

    area_id: Annotated[int, Meta(ge=1, le=2**31 - 1)] | None = None
    customer_class: CustomerClass | None = None
    medium: Literal["gas", "water"] | None = None


class AnnouncementDraft(Struct, frozen=True, forbid_unknown_fields=True):
    """Both languages are written; ``language`` says which are sent, ``both``: Chinese and then English. ``channel_id``: one that sends to a
    phone."""

    topic: Topic
    title_zh: Title
    title_en: Title
    text_zh: Body
    text_en: Body
    channel_id: Row64
    audience: Audience
    language: Language = "zh"


class ReachedArea(Struct, frozen=True):
    """Customers of one area that it concerns; ``reachable``: with a phone."""

    area_id: int
    area: str
    customers: int
    reachable: int


class AudiencePreview(Struct, frozen=True):
    """Whom it would reach now. ``areas``: those with most customers; a customer of several areas counts in each."""

    customers: int
    reachable: int
    areas: list[ReachedArea]


class Announcement(Struct, frozen=True):
    """One announcement. ``recipients``: customers for whom a notice was made; ``unreachable``: those it concerns who have no phone;
    ``waiting``, ``accepted``, ``failed``: of the notices."""

    announcement_id: int
    state: AnnouncementState
    draft: AnnouncementDraft
    channel: str
    made_by: UserId
    made_by_name: str
    made_at: datetime
    approved_by_name: str
    approved_at: datetime | None
    cancelled_by_name: str
    cancelled_at: datetime | None
    recipients: int
    unreachable: int
    waiting: int
    accepted: int
    failed: int


class AnnouncementStore(Protocol):
    """Within a tenant's transaction."""

    async def page(self, limit: int, after: int | None) -> list[Announcement]:
        """Newest first."""

    async def get(self, announcement_id: int) -> Announcement | None: ...
    async def lock(self, announcement_id: int) -> Announcement | None:
        """For the rest of the transaction nobody else takes a step."""

    async def preview(self, audience: Audience) -> AudiencePreview: ...
    async def add(self, draft: AnnouncementDraft, user_id: UserId, now_us: int) -> int: ...
    async def send(
        self, announcement: Announcement, user_id: UserId, *, title: str, text: str, severity: str, now_us: int
    ) -> None:
        """Approved: a notice to each customer whom it concerns, once for its key."""  # fmt: skip

    async def cancel(self, announcement_id: int, user_id: UserId, now_us: int) -> int:
        """How many notices waited and will not be sent."""
