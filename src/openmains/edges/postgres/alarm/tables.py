# SPDX-License-Identifier: Apache-2.0
"""Alarms as the API lists and handles them; the pipeline raises them (``pipeline_store``)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import asyncpg

from openmains.app.alarm.model import (
    Alarm,
    AlarmAges,
    AlarmCounts,
    AlarmDelays,
    AlarmGroup,
    AlarmHistoryEntry,
    AlarmMute,
    AlarmPlace,
    AlarmSort,
    AlarmStatus,
    Severity,
)
from openmains.app.problems import Problem
from openmains.domain.alarm.life import CHANGES, AlarmNews, AlarmState, AlarmStep
from openmains.domain.ids import AlarmId, AreaId, GroupId, MeterId, MuteId, TenantId, UserId
from openmains.domain.period import utc, utc_of_us
from openmains.edges.postgres.alarm.severity import rank_column, rank_of
from openmains.edges.postgres.compose import extended, in_order
from openmains.edges.postgres.db import Connection, Row
from openmains.edges.postgres.queries import load

_QUERIES = load(__package__)
_LOCK_ALARM = extended(_QUERIES["alarm"], "FOR UPDATE OF l")
_TARGET_MS = 20_000  # R7.1
_STATUS: dict[AlarmStatus | None, tuple[bool | None, bool | None]] = {  # (is cleared, is acknowledged)
    None: (None, None),
    "open": (False, None),
    "unacknowledged": (False, False),
    "acknowledged": (False, True),
    "cleared": (True, None),
}
# Conditions of the list, no optional values of its query: what is open has indexes of its own (migration 0153).
OPEN = "AND l.cleared_us IS NULL"
STATES: dict[AlarmStatus | None, tuple[str, ...]] = {
    None: (),
    "open": (OPEN,),
    "unacknowledged": (OPEN, "AND l.acknowledged_at IS NULL"),
    "acknowledged": (OPEN, "AND l.acknowledged_at IS NOT NULL"),
    "cleared": ("AND l.cleared_us IS NOT NULL",),
}
RANK = rank_column("l.severity")

_STEPS = {
    AlarmStep.ACKNOWLEDGE: _QUERIES["acknowledge"],
    AlarmStep.DISPATCH: _QUERIES["dispatch"],
    AlarmStep.RECALL: _QUERIES["recall"],
    AlarmStep.CLEAR: _QUERIES["clear"],
    AlarmStep.REOPEN: _QUERIES["reopen"],
}
_GROUP_STEPS = {
    AlarmStep.ACKNOWLEDGE: _QUERIES["acknowledge_group"],
    AlarmStep.DISPATCH: _QUERIES["dispatch_group"],
    AlarmStep.RECALL: _QUERIES["recall_group"],
    AlarmStep.CLEAR: _QUERIES["clear_group"],
}


def _alarm(row: Row) -> Alarm:
    return Alarm(
        alarm_id=row["alarm_id"],
        meter_id=row["meter_id"],
        number=row["number"],
        area_id=row["area_id"],
        event=row["event"],
        severity=row["severity"],
        raised_at=utc(row["raised_at"]),
        received_at=utc_of_us(row["received_us"]),
        delay_ms=max(0, (row["shown_us"] - row["received_us"]) // 1000),
        occurrences=row["occurrences"],
        last_at=utc_of_us(row["last_us"]),
        cleared_at=None if row["cleared_us"] is None else utc_of_us(row["cleared_us"]),
        acknowledged_by=row["acknowledged_by"],
        acknowledged_at=row["acknowledged_at"],
        quantity=row["quantity"],
        value=row["value"],
        bound=row["bound"],
        unit=row["unit"],
        exponent=row["exponent"],
        state=AlarmState(row["state"]),
        seen_at=_at(row["seen_us"]),
        seen_by=row["seen_by"],
        seen_ms=None if row["seen_us"] is None else max(0, (row["seen_us"] - row["received_us"]) // 1000),
        missed=row["missed"],
        dispatched_at=_at(row["dispatched_us"]),
        dispatched_by=row["dispatched_by"],
        dispatched_to=row["dispatched_to"],
        cleared_by=row["cleared_by"],
        group_id=row["group_id"],
        muted_until=_at(row["muted_until_us"]),
        rule=row["rule"],
        concentrator_id=row["concentrator_id"],
        relay=row["relay"],
    )


def _group(row: Row) -> AlarmGroup:
    return AlarmGroup(
        group_id=row["group_id"],
        event=row["event"],
        quantity=row["quantity"],
        severity=row["severity"],
        area_id=row["area_id"],
        cell=row["cell"],
        state=AlarmState(row["state"]),
        received_at=utc_of_us(row["received_us"]),
        last_at=utc_of_us(row["last_us"]),
        members=row["members"],
        open=row.get("open"),
        seen=row.get("seen"),
        waiting=row.get("waiting"),
        version=row["version"],
        seen_at=_at(row["seen_us"]),
        seen_by=row["seen_by"],
        acknowledged_at=row["acknowledged_at"],
        acknowledged_by=row["acknowledged_by"],
        dispatched_at=_at(row["dispatched_us"]),
        dispatched_by=row["dispatched_by"],
        dispatched_to=row["dispatched_to"],
        cleared_at=_at(row["cleared_us"]),
        missed=row["missed"],
        rule=row["rule"],
    )


def _at(instant_us: int | None) -> datetime | None:
    return None if instant_us is None else utc_of_us(instant_us)


def _states(step: AlarmStep) -> list[str]:
    """In which a step leads anywhere."""
    return [state.value for state, row in CHANGES.items() if row.get(step, state) is not state]


class Alarms:
    """``AlarmStore`` on one tenant's transaction."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def page(
        self,
        limit: int,
        after: tuple[int, Severity] | None,
        *,
        status: AlarmStatus | None,
        severity: Severity | None,
        event: str | None,
        meter_id: MeterId | None,
        area_id: AreaId | None,
        group_id: GroupId | None = None,
        alone: bool = False,
        sort: AlarmSort = "-received",
    ) -> list[Alarm]:
        by_grade, is_down = sort.endswith("severity"), sort.startswith("-")
        order = in_order("l.alarm_id", rank=RANK if by_grade else None, is_down=is_down, is_further=after is not None)
        values: dict[str, Any] = {
            "tenant_id": self._tenant_id,
            "severity": severity,
            "event": event,
            "area_id": area_id,
            "group_id": group_id,
            "alone": alone,
            "most": limit,
        }
        if after is not None:
            values["after"] = after[0]
            if by_grade:
                values["rank"] = rank_of(after[1])
        of_meters = extended(_QUERIES["alarms_of_meters"], *STATES[status], *order)
        alarms = [_alarm(row) for row in await of_meters.fetch(self._connection, meter_id=meter_id, **values)]
        if meter_id is None:
            of_nodes = extended(_QUERIES["alarms_of_nodes"], *STATES[status], *order)
            alarms += [_alarm(row) for row in await of_nodes.fetch(self._connection, **values)]
        alarms.sort(key=lambda one: (rank_of(one.severity) if by_grade else 0, one.alarm_id), reverse=is_down)
        return alarms[:limit]

    async def counts(
        self,
        now_us: int,
        *,
        severity: Severity | None,
        event: str | None,
        meter_id: MeterId | None,
        area_id: AreaId | None,
    ) -> AlarmCounts:
        row = await _QUERIES["alarm_counts"].fetchrow(
            self._connection,
            tenant_id=self._tenant_id,
            now_us=now_us,
            target_ms=_TARGET_MS,
            severity=severity,
            event=event,
            meter_id=meter_id,
            area_id=area_id,
        )
        assert row is not None  # noqa: S101 an aggregate has its row
        found = dict(row)
        ages = AlarmAges(found.pop("hour"), found.pop("day"), found.pop("week"), found.pop("older"))
        return AlarmCounts(ages=ages, target_ms=_TARGET_MS, **found)

    async def read(self, alarm_id: AlarmId) -> Alarm | None:
        row = await _QUERIES["alarm"].fetchrow(self._connection, tenant_id=self._tenant_id, alarm_id=alarm_id)
        return None if row is None else _alarm(row)

    async def get(self, alarm_id: AlarmId) -> Alarm | None:
        of = {"tenant_id": self._tenant_id, "alarm_id": alarm_id}
        await _QUERIES["lock_group_of"].execute(self._connection, **of)
        row = await _LOCK_ALARM.fetchrow(self._connection, **of)
        return None if row is None else _alarm(row)

    async def step(self, alarm_id: AlarmId, step: AlarmStep, user_id: UserId | None, now_us: int, to: str = "") -> bool:
        try:
            await self._step(step, alarm_id, None, user_id, now_us, to)
        except asyncpg.UniqueViolationError as error:  # the meter raised it again since it was looked at
            raise Problem("alarm-open-again") from error
        if step is not AlarmStep.REOPEN:
            return False
        status = await _QUERIES["reopen_group"].execute(
            self._connection, tenant_id=self._tenant_id, alarm_id=alarm_id, now_us=now_us
        )
        return status.endswith(" 1")

    async def step_group(
        self, group_id: GroupId, step: AlarmStep, user_id: UserId | None, now_us: int, to: str = ""
    ) -> None:
        await _QUERIES["lock_members"].execute(self._connection, tenant_id=self._tenant_id, group_id=group_id)
        await self._step(step, None, group_id, user_id, now_us, to)
        query = _GROUP_STEPS[step]
        given = {"tenant_id": self._tenant_id, "group_id": group_id, "user_id": user_id, "now_us": now_us, "to": to}
        await query.execute(self._connection, **{name: given[name] for name in query.params})

    async def _step(
        self,
        step: AlarmStep,
        alarm_id: AlarmId | None,
        group_id: GroupId | None,
        user_id: UserId | None,
        now_us: int,
        to: str,
    ) -> None:
        query = _STEPS[step]
        given = {
            "tenant_id": self._tenant_id, "alarm_id": alarm_id, "group_id": group_id, "user_id": user_id, "now_us": now_us, "to": to,
            "states": _states(step),
        }  # fmt: skip
        await query.execute(self._connection, **{name: given[name] for name in query.params})

    async def has_open(self, alarm: Alarm) -> bool:
        return bool(
            await _QUERIES["has_open"].fetchval(
                self._connection,
                tenant_id=self._tenant_id,
                meter_id=alarm.meter_id,
                concentrator_id=alarm.concentrator_id,
                relay=alarm.relay,
                event=alarm.event,
                quantity=alarm.quantity,
            )
        )

    async def shown(
        self, alarm_ids: Sequence[AlarmId], groups: Mapping[GroupId, int], user_id: UserId, now_us: int
    ) -> tuple[dict[AlarmId, bool], list[GroupId], int]:
        who = {"tenant_id": self._tenant_id, "user_id": user_id, "now_us": now_us}
        first = [
            row["group_id"]
            for row in await _QUERIES["show_groups"].fetch(self._connection, group_ids=list(groups), **who)
        ]
        rows = await _QUERIES["show_alarms"].fetch(
            self._connection,
            alarm_ids=list(alarm_ids),
            group_ids=list(groups),
            versions=list(groups.values()),
            **who,
        )
        return {row["alarm_id"]: row["is_muted"] for row in rows if row["group_id"] is None}, first, len(rows)

    async def say(
        self,
        news: AlarmNews,
        alarm_id: AlarmId | None,
        group_id: GroupId | None,
        user_id: UserId | None,
        now_us: int,
        why: str,
        *,
        is_quiet: bool = False,
    ) -> None:
        await _QUERIES["say_one"].execute(
            self._connection,
            tenant_id=self._tenant_id,
            news=news.value,
            alarm_id=alarm_id,
            group_id=group_id,
            now_us=now_us,
            user_id=user_id,
            reason=why,
            is_quiet=is_quiet,
        )

    async def history(self, alarm_id: AlarmId | None, group_id: GroupId | None) -> list[AlarmHistoryEntry]:
        rows = await _QUERIES["alarm_history"].fetch(
            self._connection, tenant_id=self._tenant_id, alarm_id=alarm_id, group_id=group_id
        )
        return [
            AlarmHistoryEntry(
                row["event_id"], AlarmNews(row["news"]), row["group_id"], utc_of_us(row["at_us"]), row["user_id"], row["reason"]
            )
            for row in rows
        ]  # fmt: skip

    async def groups(
        self, limit: int, after: int | None, *, status: AlarmStatus | None, event: str | None
    ) -> list[AlarmGroup]:
        is_cleared, is_acknowledged = _STATUS[status]
        rows = await _QUERIES["groups"].fetch(
            self._connection,
            tenant_id=self._tenant_id,
            after=after,
            is_cleared=is_cleared,
            is_acknowledged=is_acknowledged,
            event=event,
            most=limit,
        )
        return [_group(row) for row in rows]

    async def read_group(self, group_id: GroupId) -> AlarmGroup | None:
        row = await _QUERIES["group"].fetchrow(self._connection, tenant_id=self._tenant_id, group_id=group_id)
        return None if row is None else _group(row)

    async def group(self, group_id: GroupId) -> AlarmGroup | None:
        await _QUERIES["lock_group"].execute(self._connection, tenant_id=self._tenant_id, group_id=group_id)
        return await self.read_group(group_id)

    async def places(self, group_id: GroupId) -> list[AlarmPlace]:
        rows = await _QUERIES["group_places"].fetch(self._connection, tenant_id=self._tenant_id, group_id=group_id)
        return [AlarmPlace(**dict(row)) for row in rows]

    async def delays(self, hours: int, now_us: int) -> AlarmDelays:
        row = await _QUERIES["alarm_delays"].fetchrow(
            self._connection,
            tenant_id=self._tenant_id,
            since_us=now_us - hours * 3_600_000_000,
            target_ms=_TARGET_MS,
        )
        assert row is not None  # noqa: S101 an aggregate has its row
        return AlarmDelays(hours=hours, target_ms=_TARGET_MS, **dict(row))


def _mute(row: Row) -> AlarmMute:
    return AlarmMute(
        mute_id=row["mute_id"],
        area_id=row["area_id"],
        meter_id=row["meter_id"],
        event=row["event"],
        reason=row["reason"],
        from_at=utc_of_us(row["from_us"]),
        until_at=utc_of_us(row["until_us"]),
        made_by=row["made_by"],
        ended_at=_at(row["ended_us"]),
        ended_by=row["ended_by"],
        muted=row["muted"],
    )


class Mutes:
    """``MuteStore`` on one tenant's transaction."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def page(self, limit: int, after: int | None, *, standing_us: int | None) -> list[AlarmMute]:
        rows = await _QUERIES["mutes"].fetch(
            self._connection, tenant_id=self._tenant_id, after=after, standing_us=standing_us, most=limit
        )
        return [_mute(row) for row in rows]

    async def get(self, mute_id: MuteId) -> AlarmMute | None:
        row = await _QUERIES["mute"].fetchrow(self._connection, tenant_id=self._tenant_id, mute_id=mute_id)
        return None if row is None else _mute(row)

    async def add(
        self,
        area_id: AreaId | None,
        meter_id: MeterId | None,
        event: str | None,
        reason: str,
        from_us: int,
        until_us: int,
        user_id: UserId,
    ) -> MuteId:
        added: MuteId = await _QUERIES["add_mute"].fetchval(
            self._connection,
            tenant_id=self._tenant_id,
            area_id=area_id,
            meter_id=meter_id,
            event=event,
            reason=reason,
            from_us=from_us,
            until_us=until_us,
            user_id=user_id,
        )
        return added

    async def end(self, mute_id: MuteId, user_id: UserId, now_us: int) -> None:
        await _QUERIES["end_mute"].execute(
            self._connection, tenant_id=self._tenant_id, mute_id=mute_id, user_id=user_id, now_us=now_us
        )

    async def reaches(self, area_id: AreaId | None, meter_id: MeterId | None) -> bool:
        return bool(
            await _QUERIES["mute_reaches"].fetchval(
                self._connection, tenant_id=self._tenant_id, area_id=area_id, meter_id=meter_id
            )
        )
