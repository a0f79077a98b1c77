# SPDX-License-Identifier: Apache-2.0
"""``AnnouncementStore`` on one tenant's transaction."""

from typing import Any

from openmains.app.notice.announcement_model import (
    Announcement,
    AnnouncementDraft,
    Audience,
    AudiencePreview,
    ReachedArea,
)
from openmains.domain.ids import TenantId, UserId
from openmains.domain.notice.announcement import AnnouncementState
from openmains.domain.period import utc_of_us
from openmains.domain.tariff.plan import CustomerClass
from openmains.edges.postgres.db import Connection, Row
from openmains.edges.postgres.queries import load

_QUERIES = load(__package__, "announcements.sql")


def _announcement(row: Row) -> Announcement:
    customer_class = row["customer_class"]
    audience = Audience(
        row["area_id"], None if customer_class is None else CustomerClass(customer_class), row["medium"]
    )
    texts = {
        name: row[name] for name in ("topic", "title_zh", "title_en", "text_zh", "text_en", "channel_id", "language")
    }
    return Announcement(
        announcement_id=row["announcement_id"],
        state=AnnouncementState(row["state"]),
        draft=AnnouncementDraft(audience=audience, **texts),
        channel=row["channel"],
        made_by=UserId(row["made_by"]),
        made_by_name=row["made_by_name"],
        made_at=utc_of_us(row["made_us"]),
        approved_by_name=row["approved_by_name"],
        approved_at=None if row["approved_us"] is None else utc_of_us(row["approved_us"]),
        cancelled_by_name=row["cancelled_by_name"],
        cancelled_at=None if row["cancelled_us"] is None else utc_of_us(row["cancelled_us"]),
        recipients=row["recipients"],
        unreachable=row["unreachable"],
        waiting=row["waiting"],
        accepted=row["accepted"],
        failed=row["failed"],
    )


def _chosen(audience: Audience) -> dict[str, Any]:
    return {
        "area_id": audience.area_id,
        "customer_class": None if audience.customer_class is None else audience.customer_class.value,
        "medium": audience.medium,
    }


class Announcements:
    """``AnnouncementStore``."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def page(self, limit: int, after: int | None) -> list[Announcement]:
        return await self._rows(None, limit, after)

    async def get(self, announcement_id: int) -> Announcement | None:
        return next(iter(await self._rows(announcement_id, 1, None)), None)

    async def _rows(self, announcement_id: int | None, limit: int, after: int | None) -> list[Announcement]:
        rows = await _QUERIES["announcements"].fetch(
            self._connection, tenant_id=self._tenant_id, announcement_id=announcement_id, after=after, most=limit
        )
        return [_announcement(row) for row in rows]

    async def lock(self, announcement_id: int) -> Announcement | None:
        locked = await _QUERIES["lock_announcement"].fetchval(
            self._connection, tenant_id=self._tenant_id, announcement_id=announcement_id
        )
        return None if locked is None else await self.get(announcement_id)

    async def preview(self, audience: Audience) -> AudiencePreview:
        rows = await _QUERIES["preview_audience"].fetch(
            self._connection, tenant_id=self._tenant_id, **_chosen(audience)
        )
        (whole,) = [row for row in rows if row["area_id"] is None]
        areas = [ReachedArea(**dict(row)) for row in rows if row["area_id"] is not None]
        return AudiencePreview(
            whole["customers"], whole["reachable"], sorted(areas, key=lambda area: (-area.customers, area.area_id))
        )

    async def add(self, draft: AnnouncementDraft, user_id: UserId, now_us: int) -> int:
        made: int = await _QUERIES["add_announcement"].fetchval(
            self._connection,
            tenant_id=self._tenant_id,
            topic=draft.topic,
            title_zh=draft.title_zh,
            title_en=draft.title_en,
            text_zh=draft.text_zh,
            text_en=draft.text_en,
            language=draft.language,
            channel_id=draft.channel_id,
            user_id=user_id,
            now_us=now_us,
            **_chosen(draft.audience),
        )
        return made

    async def send(
        self, announcement: Announcement, user_id: UserId, *, title: str, text: str, severity: str, now_us: int
    ) -> None:
        await _QUERIES["send_announcement"].execute(
            self._connection,
            tenant_id=self._tenant_id,
            announcement_id=announcement.announcement_id,
            channel_id=announcement.draft.channel_id,
            facts={"title": title, "text": text},
            severity=severity,
            user_id=user_id,
            now_us=now_us,
            **_chosen(announcement.draft.audience),
        )

    async def cancel(self, announcement_id: int, user_id: UserId, now_us: int) -> int:
        ended: int = await _QUERIES["cancel_announcement"].fetchval(
            self._connection,
            tenant_id=self._tenant_id,
            announcement_id=announcement_id,
            user_id=user_id,
            now_us=now_us,
        )
        return ended
