# SPDX-License-Identifier: Apache-2.0
"""Mute alarms for a while, with a reason, and take a mute off before its end. What is muted is stored; what is still open when the mute is
over is told then (``loop.py``)."""

from collections.abc import Collection

from openmains.app.alarm.model import AlarmMute
from openmains.app.alarm.ports import MuteStore
from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.identity.reason import stated
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store
from openmains.domain.alarm.mutes import LONGEST_S, SHORTEST_S
from openmains.domain.ids import AreaId, MeterId, MuteId


async def mute_alarms(
    store: Store,
    actor: Actor,
    area_id: AreaId | None,
    meter_id: MeterId | None,
    event: str | None,
    seconds: int,
    reason: str,
    events: Collection[str],
    now_us: int,
) -> AlarmMute:
    """From now on for so long. Raises ``reason-needed``; ``invalid-input`` for a length out of bounds, an event that there is not, a place
    and a meter at once, or a mute of everything everywhere."""
    reason = stated(reason)
    wrong: list[tuple[str, str]] = []
    if not SHORTEST_S <= seconds <= LONGEST_S:
        wrong.append(("/seconds", "out-of-range"))
    if event is not None and event not in events:
        wrong.append(("/event", "not-accepted"))
    if area_id is not None and meter_id is not None:
        wrong.append(("/meter_id", "not-of-this-level"))
    if area_id is None and meter_id is None and event is None:
        wrong.append(("/event", "required"))
    if wrong:
        raise Problem("invalid-input", fields=tuple(wrong))
    async with store.tenant(actor.tenant_id) as work:
        mutes = work[MuteStore]
        if not await mutes.reaches(area_id, meter_id):
            raise Problem(
                "invalid-input", fields=(("/area_id" if area_id is not None else "/meter_id", "unknown-reference"),)
            )
        until_us = now_us + seconds * 1_000_000
        mute_id = await mutes.add(area_id, meter_id, event, reason, now_us, until_us, actor.user_id)
        made = await mutes.get(mute_id)
        assert made is not None  # noqa: S101 made in this transaction
        await work[AuditTrail].record(actor, "mute_alarms", "alarm_mute", mute_id, None, made, reason=reason)
    return made


async def end_mute(store: Store, actor: Actor, mute_id: MuteId, now_us: int, reason: str) -> AlarmMute:
    """Before its end. Raises ``not-found``, ``already-done``, ``reason-needed``."""
    reason = stated(reason)
    async with store.tenant(actor.tenant_id) as work:
        before = await work[MuteStore].get(mute_id)
        if before is None:
            raise Problem("not-found")
        if before.ended_at is not None or before.until_at.timestamp() * 1e6 <= now_us:
            raise Problem("already-done", state="ended")
        await work[MuteStore].end(mute_id, actor.user_id, now_us)
        after = await work[MuteStore].get(mute_id)
        assert after is not None  # noqa: S101 read in this transaction
        await work[AuditTrail].record(actor, "end_mute", "alarm_mute", mute_id, before, after, reason=reason)
    return after
