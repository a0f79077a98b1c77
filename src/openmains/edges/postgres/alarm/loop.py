# SPDX-License-Identifier: Apache-2.0
"""``AlarmLoop`` over a pool of role openmains_pipeline: set-based, one statement a table and turn."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager

from openmains.app.alarm.loop import AlarmTurn, ClearedAlarm, NewAlarm, NewsRow
from openmains.app.alarm.model import AlarmEvent
from openmains.domain.alarm.life import AlarmNews
from openmains.domain.alarm.mutes import StandingMute
from openmains.domain.alarm.storm import WHOLE, Kind, NewGroup, OpenGroup, StormAlarm
from openmains.domain.ids import AlarmId, AreaId, GroupId, MuteId, TenantId
from openmains.edges.postgres.alarm.events import event_of, events_by_id
from openmains.edges.postgres.db import Connection, Pool, Row, rows_of
from openmains.edges.postgres.queries import load

_QUERIES = load(__package__, "loop.sql")
_STEP = 8  # hexadecimal digits of an area in a path (migration 0040)


def _places(path: str) -> tuple[AreaId, ...]:
    return tuple(AreaId(int(path[at : at + _STEP], 16)) for at in range(0, len(path), _STEP))


def _alarm(row: Row) -> StormAlarm:
    return StormAlarm(
        row["alarm_id"], row["tenant_id"], row["event"], row["quantity"], row["severity"], _places(row["path"]),
        row["cell"], row["received_us"],
    )  # fmt: skip


def _columns(kinds: Sequence[Kind]) -> dict[str, list[object]]:
    return {
        "tenant_ids": [tenant for tenant, _, _, _ in kinds],
        "events": [event for _, event, _, _ in kinds],
        "quantities": [quantity for _, _, quantity, _ in kinds],
        "severities": [severity for _, _, _, severity in kinds],
    }


class _Turn:
    """``AlarmTurn`` on a transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def let_go(self, now_us: int) -> None:
        await _QUERIES["let_go"].execute(self._connection, now_us=now_us)
        await _QUERIES["end_mutes"].execute(self._connection, now_us=now_us)

    async def untold(self, most: int) -> list[NewAlarm]:
        rows = await _QUERIES["untold"].fetch(self._connection, most=most)
        return [NewAlarm(_alarm(row), row["meter_id"]) for row in rows]

    async def mutes(self, tenant_ids: Sequence[TenantId], now_us: int) -> list[StandingMute]:
        rows = await _QUERIES["standing_mutes"].fetch(self._connection, tenant_ids=list(tenant_ids), now_us=now_us)
        return [StandingMute(**dict(row)) for row in rows]

    async def open_groups(self, kinds: Sequence[Kind]) -> list[OpenGroup]:
        rows = await _QUERIES["open_groups"].fetch(self._connection, **_columns(kinds))
        return [
            OpenGroup(
                row["group_id"], (row["tenant_id"], row["event"], row["quantity"], row["severity"]), row["area_id"], row["cell"],
                row["last_us"],
            )
            for row in rows
        ]  # fmt: skip

    async def told_alone(self, kinds: Sequence[Kind], since_us: int) -> list[StormAlarm]:
        rows = await _QUERIES["told_alone"].fetch(self._connection, since_us=since_us, **_columns(kinds))
        return [_alarm(row) for row in rows]

    async def sizes(self, places: Sequence[tuple[TenantId, AreaId]]) -> Mapping[tuple[TenantId, AreaId], int]:
        rows = await _QUERIES["place_sizes"].fetch(self._connection, area_ids=[area for _, area in places])
        found = {(row["tenant_id"], row["area_id"]): row["meters"] for row in rows}
        tenants = sorted({tenant for tenant, area in places if area == WHOLE})
        for row in await _QUERIES["utility_sizes"].fetch(self._connection, tenant_ids=tenants):
            found[(row["tenant_id"], WHOLE)] = row["meters"]
        return found

    async def begin(self, begun: NewGroup, now_us: int) -> GroupId:
        tenant_id, event, quantity, severity = begun.kind
        group_id: GroupId = await _QUERIES["begin_group"].fetchval(
            self._connection,
            tenant_id=tenant_id,
            event=event,
            quantity=quantity,
            severity=severity,
            area_id=begun.area_id or None,
            cell=begun.cell,
            received_us=begun.members[0].received_us,
            last_us=now_us,
            members=len(begun.members),
        )
        await self._join(group_id, 1, begun.members)
        return group_id

    async def join(self, group_id: GroupId, members: Sequence[StormAlarm], now_us: int) -> bool:
        version = await _QUERIES["grow_group"].fetchval(
            self._connection, group_id=group_id, members=len(members), last_us=now_us
        )
        if version is None:
            return False
        await self._join(group_id, version, members)
        return True

    async def _join(self, group_id: GroupId, version: int, members: Iterable[StormAlarm]) -> None:
        await _QUERIES["join_group"].execute(
            self._connection,
            group_id=group_id,
            version=version,
            alarm_ids=[alarm.alarm_id for alarm in members],
        )

    async def quiet(self, muted: Mapping[AlarmId, MuteId]) -> None:
        await _QUERIES["quiet"].execute(self._connection, alarm_ids=list(muted), mute_ids=list(muted.values()))

    async def told(self, alarm_ids: Sequence[AlarmId]) -> None:
        await _QUERIES["told"].execute(self._connection, alarm_ids=list(alarm_ids))

    async def ended(self, most: int) -> list[ClearedAlarm]:
        groups = [row["group_id"] for row in await _QUERIES["ending_groups"].fetch(self._connection)]
        rows = await _QUERIES["ended"].fetch(self._connection, group_ids=groups, most=most)
        return [ClearedAlarm(**dict(row)) for row in rows]

    async def close_groups(self, group_ids: Sequence[GroupId]) -> list[NewsRow]:
        rows = await _QUERIES["close_groups"].fetch(self._connection, group_ids=list(group_ids))
        return [NewsRow(row["tenant_id"], AlarmNews.CLEARED, None, row["group_id"], row["cleared_us"]) for row in rows]

    async def miss(self, before_us: int, most: int, now_us: int) -> list[NewsRow]:
        late = [
            row["group_id"] for row in await _QUERIES["missing_groups"].fetch(self._connection, before_us=before_us)
        ]
        rows = await _QUERIES["miss"].fetch(self._connection, before_us=before_us, group_ids=late, most=most)
        said = [
            NewsRow(row["tenant_id"], AlarmNews.MISSED, row["alarm_id"], None, now_us)
            for row in rows
            if row["group_id"] is None
        ]
        groups = sorted({row["group_id"] for row in rows if row["group_id"] is not None})
        if groups:
            for row in await _QUERIES["miss_groups"].fetch(self._connection, group_ids=groups):
                said.append(NewsRow(row["tenant_id"], AlarmNews.MISSED, None, row["group_id"], now_us))
        return said

    async def say(self, news: Sequence[NewsRow]) -> list[AlarmEvent]:
        rows = await _QUERIES["say"].fetch(
            self._connection,
            tenant_ids=[each.tenant_id for each in news],
            news=[each.news.value for each in news],
            alarm_ids=[each.alarm_id for each in news],
            group_ids=[each.group_id for each in news],
            at_us=[each.at_us for each in news],
        )
        return await self._events(rows)

    async def hear(self, most: int) -> list[AlarmEvent]:
        return await self._events(await _QUERIES["hear"].fetch(self._connection, most=most))

    async def _events(self, rows: Sequence[Row]) -> list[AlarmEvent]:
        return await events_by_id(self._connection, [row["event_id"] for row in rows])

    async def grown(self, group_ids: Sequence[GroupId]) -> list[AlarmEvent]:
        rows = await _QUERIES["grown"].fetch(self._connection, group_ids=list(group_ids))
        return [event_of(row) for row in rows]


class PostgresAlarmLoop:
    """``AlarmLoop``."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[AlarmTurn | None]:
        """One transaction; None where another loop is at work."""
        async with self._pool.acquire() as connection, connection.transaction():
            yield _Turn(connection) if await _QUERIES["take_turn"].fetchval(connection) else None

    async def forget(self, before_us: int, most: int) -> int:
        """News made before an instant; how many."""
        status = await _QUERIES["forget_events"].execute(self._pool, before_us=before_us, most=most)
        return rows_of(status)
