# SPDX-License-Identifier: Apache-2.0
"""Work orders that rules ask for (``work_order`` of a rule's draft): one for an alarm that stands alone, one for a group of them. They are made
once people have been told of the alarm, so that a storm is one order and what is muted is none; an alarm that is over by then needs none.

An order that waits for somebody to be sent dispatches nothing: until a person is sent, or looks after the alarm, it escalates as any other."""

from openmains.app.alarm.model import Alarm
from openmains.app.alarm.ports import AlarmStore
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store, Work
from openmains.app.work_order.kinds import settings_for
from openmains.app.work_order.make import place_order
from openmains.app.work_order.ports import OrderFacts, OrderStore, RequestedOrder, RuleOrderStore
from openmains.domain.alarm.life import NEWS, AlarmState, AlarmStep
from openmains.domain.ids import AlarmId, GroupId, OrderId, TenantId

AT_ONCE = 100  # orders of one transaction


async def make_asked(store: Store, tenant_id: TenantId, zone_key: str, now_us: int) -> int:
    """Of one utility; how many were asked for. What is taken is decided in the same transaction, so no kill makes two."""
    done = 0
    while True:
        async with store.tenant(tenant_id) as work:
            asked = await work[RuleOrderStore].take(AT_ONCE)
            for one in asked:
                await _make(work, one, zone_key, now_us)
        done += len(asked)
        if len(asked) < AT_ONCE:
            return done


async def _make(work: Work, asked: RequestedOrder, zone_key: str, now_us: int) -> None:
    decided, orders = work[RuleOrderStore], work[OrderStore]
    alarm = await work[AlarmStore].get(asked.alarm_id)
    if alarm is None or alarm.state is AlarmState.CLEARED:
        return await decided.decide(asked.alarm_id, "over", None, "")
    group_id = None if alarm.group_id is None else GroupId(alarm.group_id)
    opened = await orders.open_of(alarm_id=None if group_id is not None else asked.alarm_id, group_id=group_id)
    if opened is not None:
        return await decided.decide(asked.alarm_id, "made", opened, "")
    settings = await settings_for(work, asked.kind)
    if settings is None or not settings.is_on:
        return await decided.decide(asked.alarm_id, "refused", None, "no-such-kind")
    place = await orders.place(alarm.meter_id, None, None, None)
    if place is None:
        return await decided.decide(asked.alarm_id, "refused", None, "no-place")
    title = " ".join(f"{settings.title} {settings.title_en} {place.number or place.area}".split())[:100]
    facts = OrderFacts(
        asked.kind, "alarm", alarm.severity, title, asked.rule, "",
        None if group_id is not None else asked.alarm_id, group_id,
    )  # fmt: skip
    key = f"rule {asked.rule_id} {asked.alarm_id}"  # with spaces: no key of a caller
    try:
        order_id = await place_order(work, None, key, key, facts, place, settings, now_us, zone_key=zone_key)
    except Problem as problem:  # its calendar is never open: said with the order, and the rule goes on
        return await decided.decide(asked.alarm_id, "refused", None, problem.code)
    await decided.decide(
        asked.alarm_id, "refused" if order_id is None else "made", order_id, "" if order_id else "taken"
    )
    if order_id is not None:
        held = await orders.lock(order_id)
        if held is not None and held.order.assignee_id is not None:
            await _send(work, alarm, group_id, order_id, now_us)
    return None


async def _send(work: Work, alarm: Alarm, group_id: GroupId | None, order_id: OrderId, now_us: int) -> None:
    """Somebody was sent by the platform itself: the alarm or its group is dispatched."""
    alarms, to, news = work[AlarmStore], f"work order {order_id}", NEWS[AlarmStep.DISPATCH]
    if group_id is not None:
        await alarms.step_group(group_id, AlarmStep.DISPATCH, None, now_us, to)
        await alarms.say(news, None, group_id, None, now_us, to)
    elif alarm.state is not AlarmState.DISPATCHED:
        await alarms.step(AlarmId(alarm.alarm_id), AlarmStep.DISPATCH, None, now_us, to)
        await alarms.say(news, AlarmId(alarm.alarm_id), None, None, now_us, to)
