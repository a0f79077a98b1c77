# SPDX-License-Identifier: Apache-2.0
"""What follows from an order for what it was made of, in the order's own transaction.

| | made | closed: mended, nothing found | closed: not mended, nobody let in | cancelled |
|---|---|---|---|---|
| alarm, group | dispatched | cleared, unless the meter has cleared it | looked after again; cleared meanwhile: reopened | looked after again |
| days missing (lost reading) | – | closed, where a reading was taken | – | – |
| hazard that was looked at again | – | removed, where the checklist says so | stays open | stays open |

An order that a rule asked for dispatches once somebody is sent. An alarm that somebody handled meanwhile stays as that person left it.
"""

from openmains.app.alarm.handle import REOPENED_WITHIN_US, step_alarm_within, step_group_within
from openmains.app.alarm.ports import AlarmStore
from openmains.app.command.reread_ports import EffectStore
from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.unit_of_work import Work
from openmains.app.work_order.ports import HeldOrder, InspectionStore
from openmains.domain.alarm.life import AlarmState, AlarmStep
from openmains.domain.ids import AlarmId, GroupId, HazardId
from openmains.domain.work_order.life import OrderOutcome, OrderState

REMOVED = "hazard_removed"  # of the checklist of a re-check
_OVER = frozenset({OrderOutcome.MENDED, OrderOutcome.NOTHING_FOUND})


async def alarm_is_sent(
    work: Work,
    actor: Actor,
    alarm_id: int | None,
    group_id: int | None,
    to: str,
    now_us: int,
    *,
    stays_over: bool = False,
) -> None:
    """Somebody looks after it by an order. One that is over stays so where ``stays_over``; else raises ``already-done``."""
    over = {AlarmState.CLEARED} if stays_over else set()
    if alarm_id is not None:
        alarm = await work[AlarmStore].get(AlarmId(alarm_id))
        if alarm is not None and alarm.state not in over | {AlarmState.DISPATCHED}:
            await step_alarm_within(work, actor, AlarmId(alarm_id), AlarmStep.DISPATCH, now_us, to=to)
    if group_id is not None:
        group = await work[AlarmStore].group(GroupId(group_id))
        if (
            group is not None
            and group.state not in over
            and (group.state is not AlarmState.DISPATCHED or group.waiting)
        ):
            await step_group_within(work, actor, GroupId(group_id), AlarmStep.DISPATCH, now_us, to=to)


async def order_is_sent(work: Work, actor: Actor, held: HeldOrder, now_us: int) -> None:
    """Somebody was named: an alarm that its order had not dispatched yet, as one that a rule asked for, is now. One that is over stays over."""
    facts, to = held.facts, f"work order {held.order_id}"
    await alarm_is_sent(work, actor, facts.alarm_id, facts.group_id, to, now_us, stays_over=True)


async def order_has_ended(work: Work, actor: Actor, held: HeldOrder, state: OrderState, now_us: int) -> None:
    """Everything that follows from its end; ``held``: with its outcome."""
    outcome = held.order.outcome
    is_over = state is OrderState.CLOSED and outcome in _OVER
    said = f"work order {held.order_id}: {outcome or 'cancelled'}"
    if held.facts.alarm_id is not None:
        await _end_alarm(work, actor, AlarmId(held.facts.alarm_id), is_over, state, said, now_us)
    if held.facts.group_id is not None:
        await _end_group(work, actor, GroupId(held.facts.group_id), is_over, said, now_us)
    # Without a value the days stay missing, whatever the outcome says; what fills them from afar closes them itself.
    was_read = is_over and held.order.reading_id is not None
    if was_read and held.facts.source == "lost_reading" and held.place.meter_id is not None:
        days = await work[EffectStore].close(held.place.meter_id, said, now_us // 1_000_000)
        if days:
            await work[AuditTrail].record(
                actor, "close_visit", "meter", held.place.meter_id, None, {"days": days}, reason=said
            )
    if is_over and held.facts.hazard_id is not None and held.order.answers.get(REMOVED) is True:
        await work[InspectionStore].remove_hazard(HazardId(held.facts.hazard_id), held.order_id, now_us)


async def _end_alarm(
    work: Work, actor: Actor, alarm_id: AlarmId, is_over: bool, ended: OrderState, said: str, now_us: int
) -> None:
    alarm = await work[AlarmStore].get(alarm_id)
    if alarm is None:
        return
    if is_over:
        if alarm.state is not AlarmState.CLEARED:
            await step_alarm_within(work, actor, alarm_id, AlarmStep.CLEAR, now_us, said)
    elif alarm.state is AlarmState.DISPATCHED:
        await step_alarm_within(work, actor, alarm_id, AlarmStep.RECALL, now_us, said)
    elif alarm.state is AlarmState.CLEARED and ended is OrderState.CLOSED and alarm.cleared_at is not None:
        is_new = now_us - alarm.cleared_at.timestamp() * 1e6 <= REOPENED_WITHIN_US
        if is_new and not await work[AlarmStore].has_open(alarm):
            await step_alarm_within(work, actor, alarm_id, AlarmStep.REOPEN, now_us, said)


async def _end_group(work: Work, actor: Actor, group_id: GroupId, is_over: bool, said: str, now_us: int) -> None:
    group = await work[AlarmStore].group(group_id)
    if group is None or group.state is AlarmState.CLEARED:
        return
    if is_over:
        await step_group_within(work, actor, group_id, AlarmStep.CLEAR, now_us, said)
    elif group.state is AlarmState.DISPATCHED:
        await step_group_within(work, actor, group_id, AlarmStep.RECALL, now_us, said)
