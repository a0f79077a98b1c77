# SPDX-License-Identifier: Apache-2.0
"""``PushBrowserStore``, on one tenant's transaction."""

from openmains.app.notice.model import PushBrowser
from openmains.app.notice.sealing import SealedKey
from openmains.domain.ids import TenantId, UserId
from openmains.domain.period import utc_of_us
from openmains.edges.postgres.db import Connection, rows_of
from openmains.edges.postgres.queries import load

_QUERIES = load(__package__, "browsers.sql")


class BrowserTable:
    """``PushBrowserStore``."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def channel(self) -> tuple[int, str] | None:
        row = await _QUERIES["web_push_channel"].fetchrow(self._connection)
        return None if row is None else (row["channel_id"], row["public_key"])

    async def all(self, user_id: UserId) -> list[PushBrowser]:
        rows = await _QUERIES["push_browsers"].fetch(self._connection, tenant_id=self._tenant_id, user_id=user_id)
        return [
            PushBrowser(
                browser_id=row["browser_id"],
                fingerprint=row["fingerprint"].hex(),
                label=row["label"],
                made_at=utc_of_us(row["made_us"]),
                last_accepted_at=None if row["accepted_us"] is None else utc_of_us(row["accepted_us"]),
                last_failed_at=None if row["failed_us"] is None else utc_of_us(row["failed_us"]),
                last_reason=row["reason"],
            )
            for row in rows
        ]

    async def add(self, user_id: UserId, channel_id: int, fingerprint: bytes, label: str, now_us: int) -> int:
        return int(
            await _QUERIES["add_push_browser"].fetchval(
                self._connection,
                tenant_id=self._tenant_id,
                user_id=user_id,
                channel_id=channel_id,
                fingerprint=fingerprint,
                label=label,
                now_us=now_us,
            )
        )

    async def seal(self, browser_id: int, sealed: SealedKey) -> None:
        await _QUERIES["seal_push_browser"].execute(
            self._connection,
            tenant_id=self._tenant_id,
            browser_id=browser_id,
            key_id=sealed.key_id,
            nonce=sealed.nonce,
            sealed=sealed.sealed,
        )

    async def remove(self, user_id: UserId, browser_id: int) -> None:
        await _QUERIES["remove_push_browser"].execute(
            self._connection, tenant_id=self._tenant_id, user_id=user_id, browser_id=browser_id
        )

    async def remove_all(self, channel_id: int) -> int:
        return rows_of(
            await _QUERIES["remove_push_browsers"].execute(
                self._connection, tenant_id=self._tenant_id, channel_id=channel_id
            )
        )
