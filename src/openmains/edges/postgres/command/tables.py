# SPDX-License-Identifier: Apache-2.0
"""``CommandStore`` on one tenant's transaction. The role behind it can draft and call off, and nothing else (migration 0006)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from openmains.app.command.closings import ANNOUNCED, NOT_DONE, OPENED
from openmains.app.command.model import (
    Command,
    CommandDetail,
    CommandEvent,
    CommandPolicy,
    SafetyClosing,
    SettingTimes,
    Shadow,
    ShadowEntry,
)
from openmains.app.command.ports import Draft, Target
from openmains.app.problems import Problem
from openmains.domain.command.batch import DAILY_SHARE_PPM, daily_allowance
from openmains.domain.command.kinds import CONFIGURATION, Channel, Kind
from openmains.domain.command.life import ENDS, State
from openmains.domain.command.log_pull import Pull
from openmains.domain.command.quota import SMALL
from openmains.domain.ids import BatchId, CommandId, MeterId, UserId
from openmains.domain.period import utc, utc_of_us
from openmains.edges.postgres.command import logs
from openmains.edges.postgres.command.batches import BatchTables
from openmains.edges.postgres.compose import extended, in_order
from openmains.edges.postgres.db import Row
from openmains.edges.postgres.queries import load

SQL = load(__package__, "tenant.sql")


def _at(us: int | None) -> datetime | None:
    return None if us is None else utc_of_us(us)


def _values(row: Row) -> dict[str, Any]:
    values = dict(row)
    created, not_after = values.pop("created_us"), values.pop("not_after")
    values["state"], values["channel"] = State(values["state"]), Channel(values["channel"])
    for name in ("sent", "delivered", "ended"):
        values[f"{name}_at"] = _at(values.pop(f"{name}_us"))
    values["created_at"] = utc_of_us(created)
    values["not_after"] = utc(not_after)
    return values


class Commands(BatchTables):
    """Drafts, lists, calling off, shadow, settings; batches are in ``batches``."""

    async def targets(self, meter_ids: Sequence[MeterId]) -> list[Target]:
        rows = await SQL["targets"].fetch(self._connection, tenant_id=self._tenant_id, meter_ids=list(meter_ids))
        return [
            Target(
                row["meter_id"],
                row["tenant_id"],
                row["product_id"],
                row["driver"],
                _channel(row["channel"]),
                row["number"],
                row["qmax_l_h"],
                row["has_module"],
                row["is_carried"],
            )
            for row in rows
        ]

    async def times(self) -> list[SettingTimes]:
        rows = await SQL["tenant_times"].fetch(self._connection, tenant_id=self._tenant_id)
        return [
            SettingTimes(Kind(row["kind"]), row["product_id"], row["validity_s"], row["attempts"], row["pause_s"])
            for row in rows
        ]

    async def set_times(self, times: SettingTimes) -> None:
        await SQL["set_times"].execute(
            self._connection,
            tenant_id=self._tenant_id,
            product_id=times.product_id,
            kind=times.kind,
            validity_s=times.validity_s,
            attempts=times.attempts,
            pause_s=times.pause_s,
        )

    async def policy(self) -> CommandPolicy:
        row = await SQL["policy"].fetchrow(self._connection, tenant_id=self._tenant_id)
        return CommandPolicy() if row is None else CommandPolicy(**row)

    async def set_policy(self, policy: CommandPolicy) -> None:
        await SQL["set_policy"].execute(
            self._connection,
            tenant_id=self._tenant_id,
            daily_share_ppm=policy.daily_share_ppm,
            office_from=policy.office_from,
            office_to=policy.office_to,
            office_days=sorted(set(policy.office_days)),
            remote_closing=policy.remote_closing,
        )

    async def may_configure(self, meter_id: MeterId, since_us: int) -> bool:
        row = await SQL["configured"].fetchrow(
            self._connection,
            tenant_id=self._tenant_id,
            meter_id=meter_id,
            since_us=since_us,
            kinds=sorted(CONFIGURATION),
        )
        assert row is not None  # noqa: S101 - an aggregate has a row
        share_ppm = DAILY_SHARE_PPM if row["share_ppm"] is None else row["share_ppm"]
        return row["is_among"] or daily_allowance(row["meters"], row["touched"], share_ppm, least=SMALL) > 0

    async def draft(self, draft: Draft, user_id: UserId, actor: str, now_us: int) -> tuple[CommandId, bool]:
        command_id = await SQL["draft"].fetchval(
            self._connection,
            tenant_id=self._tenant_id,
            meter_id=draft.meter_id,
            kind=draft.kind,
            params=dict(draft.params),
            lane=int(draft.rule.lane),
            priority=int(draft.rule.priority),
            slot=draft.slot,
            channel=draft.channel,
            unique_key=draft.unique_key,
            content=draft.content,
            not_after=draft.not_after,
            batch_id=draft.batch_id,
            place=draft.place,
            created_by=user_id,
            now_us=now_us,
        )
        if command_id is not None:
            await self._note([command_id], now_us, "draft", State.DRAFTED, actor, "")
            return command_id, True
        row = await SQL["by_key"].fetchrow(self._connection, tenant_id=self._tenant_id, unique_key=draft.unique_key)
        if row is None or bytes(row["content"]) != draft.content:
            raise Problem("key-used", fields=(("/unique_key", "not-accepted"),))
        return row["command_id"], False

    async def page(
        self,
        limit: int,
        after: int | None,
        *,
        meter_id: MeterId | None,
        state: State | None,
        kind: Kind | None,
        batch_id: BatchId | None,
        is_open: bool,
        is_oldest_first: bool = False,
    ) -> list[Command]:
        # Whoever asks for a state that is no end asks for open ones: these are found among few, from either side.
        query = SQL["page_open"] if is_open or (state is not None and state not in ENDS) else SQL["page"]
        order = in_order("c.command_id", is_down=not is_oldest_first, is_further=after is not None)
        rows = await extended(query, *order).fetch(
            self._connection,
            **({} if after is None else {"after": after}),
            tenant_id=self._tenant_id,
            meter_id=meter_id,
            state=state,
            kind=kind,
            batch_id=batch_id,
            most=limit,
        )
        return [Command(**_values(row)) for row in rows]

    async def get(self, command_id: CommandId) -> CommandDetail | None:
        row = await SQL["get"].fetchrow(self._connection, tenant_id=self._tenant_id, command_id=command_id)
        if row is None:
            return None
        events = await SQL["history"].fetch(self._connection, tenant_id=self._tenant_id, command_id=command_id)
        return CommandDetail(**_values(row), history=[_event(event) for event in events])

    async def log_pulls(self, command_id: CommandId) -> list[Pull]:
        return await logs.pulls(self._connection, self._tenant_id, command_id)

    async def cancel(self, command_id: CommandId, actor: str, reason: str, now_us: int) -> bool:
        done = await SQL["cancel"].execute(
            self._connection, tenant_id=self._tenant_id, command_id=command_id, reason=reason, now_us=now_us
        )
        if done != "UPDATE 1":
            return False
        await self._note([command_id], now_us, "cancel", State.CANCELLED, actor, reason)
        return True

    async def shadow(self, meter_id: MeterId) -> Shadow | None:
        row = await SQL["shadow"].fetchrow(self._connection, tenant_id=self._tenant_id, meter_id=meter_id)
        if row is None:
            return None
        desired, reported = row["desired"] or {}, row["reported"] or {}
        entries = [
            ShadowEntry(
                name,
                desired.get(name),
                reported.get(name),
                name in desired and desired[name] != reported.get(name),
            )
            for name in sorted({*desired, *reported})
        ]
        return Shadow(meter_id, entries, _at(row["desired_us"]), _at(row["reported_us"]))

    async def closings(
        self, limit: int, after: int | None, *, meter_id: MeterId | None, is_standing: bool
    ) -> list[SafetyClosing]:
        rows = await SQL["closings"].fetch(
            self._connection,
            tenant_id=self._tenant_id,
            after=after,
            meter_id=meter_id,
            is_standing=is_standing,
            most=limit,
        )
        return [_closing(row) for row in rows]

    async def withdraw_closing(self, meter_id: MeterId, now_us: int) -> None:
        if not await self.closings(1, None, meter_id=meter_id, is_standing=True):
            await SQL["clear_closing_alarms"].execute(
                self._connection, tenant_id=self._tenant_id, meter_id=meter_id, events=[ANNOUNCED], now_us=now_us
            )

    async def lift_closing(
        self, meter_id: MeterId, inspector: str, approver: str, note: str, now_us: int
    ) -> SafetyClosing | None:
        safety_id = await SQL["lift_closing"].fetchval(
            self._connection, tenant_id=self._tenant_id, meter_id=meter_id, inspector=inspector, approver=approver, note=note,
            now_us=now_us,
        )  # fmt: skip
        if safety_id is None:
            return None
        await SQL["clear_closing_alarms"].execute(
            self._connection,
            tenant_id=self._tenant_id,
            meter_id=meter_id,
            events=[ANNOUNCED, NOT_DONE, OPENED],
            now_us=now_us,
        )
        return (await self.closings(1, safety_id + 1, meter_id=meter_id, is_standing=False))[0]


def _event(row: Row) -> CommandEvent:
    at = utc_of_us(row["at_us"])
    return CommandEvent(at, row["event"], row["state"], row["actor"], row["detail"])


def _closing(row: Row) -> SafetyClosing:
    values = dict(row)
    for name in ("ordered", "closed", "failed", "opened", "lifted"):
        values[f"{name}_at"] = _at(values.pop(f"{name}_us"))
    values["state"] = None if values["state"] is None else State(values["state"])
    reason = values["reason"]
    values["reason"] = int(reason) if reason.isascii() and reason.isdigit() else None
    return SafetyClosing(**values)


def _channel(name: str) -> Channel:
    return Channel(name) if name in set(Channel) else Channel.DIRECT
