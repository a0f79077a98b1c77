# SPDX-License-Identifier: Apache-2.0
"""``SubscriptionStore`` on one tenant's transaction."""

from collections.abc import Sequence
from typing import Any

from openmains.app.notice.sealing import SealedKey
from openmains.app.notice.subscription_model import DeadState, PushDeadLetter, Subscription, SubscriptionSettings
from openmains.domain.ids import TenantId
from openmains.domain.period import utc_of_us
from openmains.edges.postgres.db import Connection, Row, rows_of
from openmains.edges.postgres.queries import Query, load

_QUERIES = load(__package__)


def _instant(us: int | None) -> Any:
    return None if not us else utc_of_us(us)


def _subscription(row: Row) -> Subscription:
    return Subscription(
        subscription_id=row["subscription_id"],
        name=row["name"],
        url=row["url"],
        login=row["login"],
        kinds=list(row["kinds"]),
        area_id=row["area_id"],
        is_signed=row["is_signed"],
        is_on=row["is_on"],
        waiting=row["waiting"],
        taken=row["taken"],
        taken_at=_instant(row["taken_us"]),
        tries=row["tries"],
        failing_since=_instant(row["failing_us"]),
        next_at=_instant(row["next_us"]),
        reason=row["reason"],
        dead=row["dead"],
    )


class Subscriptions:
    """``SubscriptionStore``."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def all(self) -> list[Subscription]:
        return await self._rows(None)

    async def get(self, subscription_id: int) -> Subscription | None:
        return next(iter(await self._rows(subscription_id)), None)

    async def _rows(self, subscription_id: int | None) -> list[Subscription]:
        rows = await _QUERIES["subscriptions"].fetch(
            self._connection, tenant_id=self._tenant_id, subscription_id=subscription_id
        )
        return [_subscription(row) for row in rows]

    async def is_taken(self, name: str, but: int | None) -> bool:
        return any(found.name == name and found.subscription_id != but for found in await self.all())

    async def add(self, settings: SubscriptionSettings, now_us: int) -> int | None:
        found: int | None = await _QUERIES["add_subscription"].fetchval(
            self._connection, tenant_id=self._tenant_id, **self._values(settings, now_us)
        )
        return found

    async def change(self, subscription_id: int, settings: SubscriptionSettings, now_us: int) -> None:
        await self._execute(_QUERIES["change_subscription"], subscription_id, **self._values(settings, now_us))

    def _values(self, settings: SubscriptionSettings, now_us: int) -> dict[str, Any]:
        return {
            "name": settings.name,
            "url": settings.url,
            "login": settings.login,
            "kinds": sorted(set(settings.kinds)),
            "area_id": settings.area_id,
            "is_on": settings.is_on,
            "now_us": now_us,
        }

    async def put_secret(self, subscription_id: int, sealed: SealedKey | None) -> None:
        await self._execute(
            _QUERIES["put_subscription_secret"],
            subscription_id,
            is_signed=sealed is not None,
            key_id=None if sealed is None else sealed.key_id,
            nonce=None if sealed is None else sealed.nonce,
            sealed=None if sealed is None else sealed.sealed,
        )

    async def remove(self, subscription_id: int, now_us: int) -> None:
        await self._execute(_QUERIES["remove_subscription"], subscription_id, now_us=now_us)

    async def oldest_us(self) -> int | None:
        found: int | None = await _QUERIES["oldest_event"].fetchval(self._connection, tenant_id=self._tenant_id)
        return found

    async def replay(self, subscription_id: int, from_us: int, now_us: int) -> int:
        await self._execute(_QUERIES["replay_subscription"], subscription_id, from_us=from_us, now_us=now_us)
        found = await self.get(subscription_id)
        return 0 if found is None else found.waiting

    async def dead_letters(
        self, subscription_id: int, limit: int, after: int | None, *, state: DeadState | None
    ) -> list[PushDeadLetter]:
        rows = await _QUERIES["push_dead_letters"].fetch(
            self._connection,
            tenant_id=self._tenant_id,
            subscription_id=subscription_id,
            after=after,
            state=state,
            most=limit,
        )
        return [
            PushDeadLetter(
                dead_id=row["dead_id"],
                event_id=row["event_key"],
                event_type=row["event_type"],
                event=row["body"].decode("utf-8", "replace"),
                reason=row["reason"],
                tries=row["tries"],
                since=utc_of_us(row["since_us"]),
                dead_at=utc_of_us(row["dead_us"]),
                state=row["state"],
            )
            for row in rows
        ]

    async def send_again(self, subscription_id: int, dead_ids: Sequence[int]) -> int:
        status = await self._execute(_QUERIES["push_again"], subscription_id, dead_ids=list(dead_ids))
        return rows_of(status)

    async def try_now(self, subscription_id: int) -> None:
        await self._execute(_QUERIES["try_subscription"], subscription_id)

    async def _execute(self, query: Query, subscription_id: int, **values: Any) -> str:
        return await query.execute(
            self._connection, tenant_id=self._tenant_id, subscription_id=subscription_id, **values
        )
