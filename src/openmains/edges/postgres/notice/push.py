# SPDX-License-Identifier: Apache-2.0
"""``PushWork`` of the worker: what happened in its order, and how far each subscription is."""

from collections.abc import Sequence
from typing import Any

from openmains.app.notice.cloud_events import CloudEvent, OutboxEvent
from openmains.app.notice.push import DeadEvent, PushAccount
from openmains.domain.ids import TenantId
from openmains.domain.notice.pace import EVENTS_DAYS
from openmains.domain.period import DAY_S
from openmains.edges.postgres.db import Pool, rows_of
from openmains.edges.postgres.queries import load
from openmains.edges.postgres.sealed import sealed_of
from openmains.edges.postgres.turn import Connect, Turn

_QUERIES = load(__package__, "push.sql")
_LOCK = 0x6F6D_7075  # 'ompu': any number that is the project's own


class PostgresPushWork:
    """Over a pool of role openmains_pipeline; ``connect``: a connection outside it, which holds the turn."""

    def __init__(self, pool: Pool, connect: Connect) -> None:
        self._pool = pool
        self._turn = Turn(connect, _LOCK)

    async def hold(self) -> bool:
        return await self._turn.hold()

    async def close(self) -> None:
        """Give the turn back."""
        await self._turn.close()

    async def number(self, most: int) -> int:
        return rows_of(await _QUERIES["number_events"].execute(self._pool, most=most))

    async def numbered(self) -> int:
        return int(await _QUERIES["numbered"].fetchval(self._pool))

    async def due(self, now_us: int) -> list[PushAccount]:
        rows = await _QUERIES["due_subscriptions"].fetch(self._pool, now_us=now_us)
        return [
            PushAccount(
                row["subscription_id"],
                TenantId(row["tenant_id"]),
                row["utility_code"],
                row["url"],
                row["login"],
                frozenset(row["kinds"]),
                row["area_id"],
                sealed_of(row),
                row["seq"],
                row["readings"],
                row["tries"],
                row["failing_us"],
            )
            for row in rows
        ]

    async def after(self, account: PushAccount, seq: int, until: int, most: int) -> list[OutboxEvent]:
        rows = await _QUERIES["events_after"].fetch(
            self._pool,
            tenant_id=account.tenant_id,
            seq=seq,
            until=until,
            kinds=sorted(account.kinds),
            area_id=account.area_id,
            most=most,
        )
        return [OutboxEvent(**dict(row)) for row in rows]

    async def again(self, subscription_id: int) -> list[DeadEvent]:
        rows = await _QUERIES["letters_again"].fetch(self._pool, subscription_id=subscription_id)
        return [DeadEvent(row["dead_id"], row["event_key"], row["event_type"], row["body"]) for row in rows]

    async def took_again(self, dead_id: int, reason: str) -> None:
        await _QUERIES["took_again"].execute(self._pool, dead_id=dead_id, reason=reason)

    async def took(self, subscription_id: int, before: int, seq: int, now_us: int, *, events: int) -> bool:
        status = await _QUERIES["took"].execute(
            self._pool, subscription_id=subscription_id, before=before, seq=seq, now_us=now_us, events=events
        )
        return status.endswith(" 1")

    async def took_readings(self, subscription_id: int, cursor: Any, now_us: int, *, events: int) -> None:
        await _QUERIES["took_readings"].execute(
            self._pool, subscription_id=subscription_id, cursor=cursor, now_us=now_us, events=events
        )

    async def refused(self, subscription_id: int, tries: int, failing_us: int, next_us: int, reason: str) -> None:
        await _QUERIES["push_refused"].execute(
            self._pool,
            subscription_id=subscription_id,
            tries=tries,
            failing_us=failing_us,
            next_us=next_us,
            reason=reason,
        )

    async def bury(
        self, account: PushAccount, event: CloudEvent, reason: str, tries: int, since_us: int, now_us: int
    ) -> None:
        await _QUERIES["bury"].execute(
            self._pool,
            tenant_id=account.tenant_id,
            subscription_id=account.subscription_id,
            key=event.key,
            kind=event.kind,
            body=event.body,
            reason=reason,
            tries=tries,
            since_us=since_us,
            now_us=now_us,
        )

    async def meters_below(self, tenant_id: TenantId, meter_ids: Sequence[int], area_id: int | None) -> dict[int, str]:
        rows = await _QUERIES["meters_below"].fetch(
            self._pool, tenant_id=tenant_id, meter_ids=list(meter_ids), area_id=area_id
        )
        return {row["meter_id"]: row["number"] for row in rows}

    async def forget(self, now_us: int) -> int:
        before = now_us - EVENTS_DAYS * DAY_S * 1_000_000
        return rows_of(await _QUERIES["forget_events"].execute(self._pool, before_us=before))
