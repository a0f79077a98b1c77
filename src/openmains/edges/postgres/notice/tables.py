# SPDX-License-Identifier: Apache-2.0
"""Channels, and what was sent by them, on one tenant's transaction."""

from collections.abc import Mapping, Sequence
from typing import Any

from openmains.app.notice.model import Attempt, ChannelKind, Notice, NoticeChannel, NoticeState, NoticeSummary
from openmains.app.notice.sealing import SealedKey
from openmains.domain.ids import TenantId, UserId
from openmains.domain.period import HOUR_S, utc_of_us
from openmains.edges.postgres.db import Connection, Row
from openmains.edges.postgres.queries import Query, load

_QUERIES = load(__package__)
TARGET_MS = 20_000  # R7.1


def _instant(us: int | None) -> Any:
    return None if us is None else utc_of_us(us)


def _channel(row: Row) -> NoticeChannel:
    return NoticeChannel(
        channel_id=row["channel_id"],
        name=row["name"],
        kind=row["kind"],
        settings=row["settings"],
        secrets=list(row["secrets"]),
        per_minute=row["per_minute"],
        is_on=row["is_on"],
        changed_at=utc_of_us(row["changed_us"]),
        last_accepted_at=_instant(row["accepted_us"]),
        last_failed_at=_instant(row["failed_us"]),
        last_reason=row["reason"],
    )


def _notice(row: Row) -> Notice:
    accepted, received = row["accepted_us"], row["received_us"]
    shown = None if accepted is None or received is None else max(0, (accepted - received) // 1000)
    return Notice(
        notice_id=row["notice_id"],
        kind=row["kind"],
        state=row["state"],
        severity=row["severity"],
        event=row["event"],
        alarm_id=row["alarm_id"],
        number=row["facts"].get("number") or "",
        members=row["facts"].get("members") or 1,
        level=row["level"],
        user_id=row["user_id"],
        user=row["user_name"],
        channel_id=row["channel_id"],
        channel=row["channel"],
        channel_kind=row["channel_kind"],
        made_at=utc_of_us(row["made_us"]),
        due_at=utc_of_us(row["due_us"]),
        held=row["held"],
        tries=row["tries"],
        accepted_at=_instant(accepted),
        shown_ms=shown,
        seen_at=_instant(row["seen_us"]),
        bundle=row["bundle"],
        reason=row["reason"],
        customer_id=row["customer_id"],
    )


class Channels:
    """``ChannelStore``."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def all(self) -> list[NoticeChannel]:
        return await self._channels(None)

    async def get(self, channel_id: int) -> NoticeChannel | None:
        return next(iter(await self._channels(channel_id)), None)

    async def _channels(self, channel_id: int | None) -> list[NoticeChannel]:
        rows = await _QUERIES["channels"].fetch(self._connection, tenant_id=self._tenant_id, channel_id=channel_id)
        return [_channel(row) for row in rows]

    async def is_taken(self, name: str, but: int | None) -> bool:
        return any(channel.name == name and channel.channel_id != but for channel in await self.all())

    async def add(
        self, name: str, kind: ChannelKind, settings: Mapping[str, str], per_minute: int, now_us: int
    ) -> int | None:
        found: int | None = await _QUERIES["add_channel"].fetchval(
            self._connection,
            tenant_id=self._tenant_id,
            name=name,
            kind=kind,
            settings=dict(settings),
            per_minute=per_minute,
            now_us=now_us,
        )
        return found

    async def change(
        self, channel_id: int, name: str, settings: Mapping[str, str], per_minute: int, is_on: bool, now_us: int
    ) -> None:
        await _QUERIES["change_channel"].execute(
            self._connection,
            tenant_id=self._tenant_id,
            channel_id=channel_id,
            name=name,
            settings=dict(settings),
            per_minute=per_minute,
            is_on=is_on,
            now_us=now_us,
        )

    async def put_secrets(self, channel_id: int, names: Sequence[str], sealed: SealedKey) -> None:
        await _QUERIES["put_channel_secrets"].execute(
            self._connection,
            tenant_id=self._tenant_id,
            channel_id=channel_id,
            names=list(names),
            key_id=sealed.key_id,
            nonce=sealed.nonce,
            sealed=sealed.sealed,
        )

    async def remove(self, channel_id: int, now_us: int) -> None:
        await _QUERIES["remove_channel"].execute(
            self._connection, tenant_id=self._tenant_id, channel_id=channel_id, now_us=now_us
        )


class Log:
    """``NoticeLog``."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def _rows(self, limit: int, **filters: Any) -> list[Row]:
        names = ("after", "notice_id", "state", "channel_id", "alarm_id", "user_id", "channel_kind", "announcement_id")
        chosen = {name: filters.get(name) for name in names}
        return await _QUERIES["notices"].fetch(self._connection, tenant_id=self._tenant_id, most=limit, **chosen)

    async def page(
        self,
        limit: int,
        after: int | None,
        *,
        state: NoticeState | None,
        channel_id: int | None,
        alarm_id: int | None,
        user_id: int | None,
        announcement_id: int | None = None,
    ) -> list[Notice]:
        rows = await self._rows(
            limit,
            after=after,
            state=state,
            channel_id=channel_id,
            alarm_id=alarm_id,
            user_id=user_id,
            announcement_id=announcement_id,
        )
        return [_notice(row) for row in rows]

    async def detail(self, notice_id: int) -> tuple[Notice, dict[str, Any], list[Attempt]] | None:
        rows = await self._rows(1, notice_id=notice_id)
        if not rows:
            return None
        tries = await _QUERIES["attempts"].fetch(self._connection, tenant_id=self._tenant_id, notice_id=notice_id)
        attempts = [Attempt(utc_of_us(row["at_us"]), row["took_ms"], row["outcome"], row["reason"]) for row in tries]
        return _notice(rows[0]), rows[0]["facts"], attempts

    async def add_test(self, key: str, channel_id: int, user_id: UserId | None, now_us: int) -> int:
        found = await _QUERIES["add_test"].fetchval(
            self._connection,
            tenant_id=self._tenant_id,
            key=key,
            channel_id=channel_id,
            user_id=user_id,
            now_us=now_us,
        )
        if found is None:
            found = await _QUERIES["notice_of_key"].fetchval(self._connection, tenant_id=self._tenant_id, key=key)
        return int(found)

    async def add(
        self, key: str, kind: str, user_id: UserId, channel_id: int, severity: str, facts: Mapping[str, Any], due_us: int, held: str,
        now_us: int,
    ) -> int:  # fmt: skip
        is_new = await _QUERIES["add_personal"].fetchval(
            self._connection,
            key=key,
            kind=kind,
            user_id=user_id,
            channel_id=channel_id,
            severity=severity,
            facts=dict(facts),
            due_us=due_us,
            held=held,
            now_us=now_us,
        )
        return int(is_new)

    async def again(self, notice_id: int, now_us: int) -> bool:
        status = await _QUERIES["send_again"].execute(
            self._connection, tenant_id=self._tenant_id, notice_id=notice_id, now_us=now_us
        )
        return status.endswith(" 1")

    async def inbox(self, user_id: UserId, limit: int, now_us: int) -> tuple[int, list[tuple[Notice, dict[str, Any]]]]:
        unseen = await _QUERIES["unseen"].fetchval(
            self._connection, tenant_id=self._tenant_id, user_id=user_id, now_us=now_us
        )
        rows = await self._rows(limit, user_id=user_id, channel_kind="inbox")
        return int(unseen), [(_notice(row), row["facts"]) for row in rows if row["due_us"] <= now_us]

    async def note_shown(self, user_id: UserId, notice_ids: Sequence[int], now_us: int) -> None:
        await self._note(_QUERIES["note_shown"], user_id, notice_ids, now_us)

    async def note_seen(self, user_id: UserId, notice_ids: Sequence[int], now_us: int) -> None:
        await self._note(_QUERIES["note_seen"], user_id, notice_ids, now_us)

    async def _note(self, query: Query, user_id: UserId, notice_ids: Sequence[int], now_us: int) -> None:
        await query.execute(
            self._connection,
            tenant_id=self._tenant_id,
            user_id=user_id,
            notice_ids=list(notice_ids),
            now_us=now_us,
        )

    async def summary(self, hours: int, now_us: int) -> NoticeSummary:
        row = await _QUERIES["notice_summary"].fetchrow(
            self._connection,
            tenant_id=self._tenant_id,
            since_us=now_us - hours * HOUR_S * 1_000_000,
            target_ms=TARGET_MS,
        )
        assert row is not None  # noqa: S101 an aggregate has its row
        return NoticeSummary(hours=hours, target_ms=TARGET_MS, **dict(row))
