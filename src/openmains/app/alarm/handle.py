# SPDX-License-Identifier: Apache-2.0
"""Acknowledge and clear an alarm (R7.2)."""

from openmains.app.alarm.model import Alarm, Severity
from openmains.app.alarm.ports import AlarmStore
from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.identity.reason import stated
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store
from openmains.domain.ids import AlarmId

GRAVE: frozenset[Severity] = frozenset({"critical", "major"})  # cleared by a person only with a reason


async def acknowledge_alarm(store: Store, actor: Actor, alarm_id: AlarmId) -> Alarm:
    """Somebody looks after it. Raises ``not-found`` or ``already-done``."""
    async with store.tenant(actor.tenant_id) as work:
        before = await work[AlarmStore].get(alarm_id)
        if before is None:
            raise Problem("not-found")
        if before.cleared_at is not None:
            raise Problem("already-done", state="cleared")
        if before.acknowledged_at is not None:
            raise Problem("already-done", state="acknowledged")
        await work[AlarmStore].acknowledge(alarm_id, actor.user_id)
        after = await work[AlarmStore].get(alarm_id)
        assert after is not None  # noqa: S101 read in this transaction
        await work[AuditTrail].record(actor, "acknowledge_alarm", "alarm", alarm_id, before, after)
    return after


async def clear_alarm(store: Store, actor: Actor, alarm_id: AlarmId, now_us: int, reason: str = "") -> Alarm:
    """It is over although the meter has not said so. Raises ``not-found``, ``already-done``; ``reason-needed`` for a
    critical or major one: whoever comes on shift must find out why it is gone."""
    async with store.tenant(actor.tenant_id) as work:
        before = await work[AlarmStore].get(alarm_id)
        if before is None:
            raise Problem("not-found")
        if before.cleared_at is not None:
            raise Problem("already-done", state="cleared")
        if before.severity in GRAVE:
            reason = stated(reason)
        await work[AlarmStore].clear(alarm_id, now_us)
        after = await work[AlarmStore].get(alarm_id)
        assert after is not None  # noqa: S101 read in this transaction
        await work[AuditTrail].record(actor, "clear_alarm", "alarm", alarm_id, before, after, reason=reason)
    return after
