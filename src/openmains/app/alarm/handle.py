# SPDX-License-Identifier: Apache-2.0
"""What people do with alarms and with groups of them (R7.2): the steps of ``domain/alarm/life.py``, each with its line in the trail and
its news in the same transaction."""

from collections.abc import Mapping, Sequence

from openmains.app.alarm.model import Alarm, AlarmGroup, Severity
from openmains.app.alarm.ports import AlarmStore
from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.identity.reason import stated
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store, Work
from openmains.domain.alarm.life import CHANGES, NEWS, AlarmState, AlarmStep, WrongStepError, advance
from openmains.domain.ids import AlarmId, GroupId

GRAVE: frozenset[Severity] = frozenset({"critical", "major"})  # cleared by a person only with a reason
REOPENED_WITHIN_US = (
    24 * 3600 * 1_000_000
)  # later the meter's own word counts: an old danger is not made a new one by hand
_LOOKED_AFTER = (AlarmState.ACKNOWLEDGED, AlarmState.DISPATCHED)
_FOR_THE_REST = (AlarmStep.ACKNOWLEDGE, AlarmStep.DISPATCH)
_TO = 200  # characters of whom somebody is sent


async def step_alarm(
    store: Store, actor: Actor, alarm_id: AlarmId, step: AlarmStep, now_us: int, reason: str = "", to: str = ""
) -> Alarm:
    """One step of a person. Raises ``not-found``, ``already-done`` or ``alarm-step`` for one that the table refuses, ``reason-needed``;
    ``alarm-open-again``, ``alarm-too-old`` for what cannot be reopened; ``invalid-input`` where nobody is named to be sent."""
    async with store.tenant(actor.tenant_id) as work:
        return await step_alarm_within(work, actor, alarm_id, step, now_us, reason, to)


async def step_alarm_within(
    work: Work, actor: Actor, alarm_id: AlarmId, step: AlarmStep, now_us: int, reason: str = "", to: str = ""
) -> Alarm:
    """The same as a part of what the caller's transaction does, such as a work order that is made or closed."""
    before = await work[AlarmStore].get(alarm_id)
    if before is None:
        raise Problem("not-found")
    _check(before.state, step)
    reason, to = _said(step, before.severity, reason, to)
    if step is AlarmStep.REOPEN:
        if before.cleared_at is not None and now_us - before.cleared_at.timestamp() * 1e6 > REOPENED_WITHIN_US:
            raise Problem("alarm-too-old")
        if await work[AlarmStore].has_open(before):
            raise Problem("alarm-open-again")
    is_group_open = await work[AlarmStore].step(alarm_id, step, actor.user_id, now_us, to)
    after = await work[AlarmStore].get(alarm_id)
    assert after is not None  # noqa: S101 read in this transaction
    is_quiet = before.group_id is not None or before.muted_until is not None
    await work[AlarmStore].say(NEWS[step], alarm_id, None, actor.user_id, now_us, reason, is_quiet=is_quiet)
    if is_group_open:
        await work[AlarmStore].say(NEWS[step], None, before.group_id, actor.user_id, now_us, reason)
    await work[AuditTrail].record(actor, f"{step}_alarm", "alarm", alarm_id, before, after, reason=reason)
    return after


async def step_group(
    store: Store, actor: Actor, group_id: GroupId, step: AlarmStep, now_us: int, reason: str = "", to: str = ""
) -> AlarmGroup:
    """The same of a group and of all its members that can take the step; raises the same. A group somebody looks after is acknowledged, or
    somebody sent, once more for the members that joined since."""
    async with store.tenant(actor.tenant_id) as work:
        return await step_group_within(work, actor, group_id, step, now_us, reason, to)


async def step_group_within(
    work: Work, actor: Actor, group_id: GroupId, step: AlarmStep, now_us: int, reason: str = "", to: str = ""
) -> AlarmGroup:
    """The same as a part of what the caller's transaction does."""
    before = await work[AlarmStore].group(group_id)
    if before is None:
        raise Problem("not-found")
    if step is AlarmStep.REOPEN:  # its members are, one by one; it follows them
        raise Problem("alarm-step", state=before.state.value, step=step.value)
    if not (before.waiting and before.state in _LOOKED_AFTER and step in _FOR_THE_REST):
        _check(before.state, step)
    reason, to = _said(step, before.severity, reason, to)
    await work[AlarmStore].step_group(group_id, step, actor.user_id, now_us, to)
    after = await work[AlarmStore].group(group_id)
    assert after is not None  # noqa: S101 read in this transaction
    await work[AlarmStore].say(NEWS[step], None, group_id, actor.user_id, now_us, reason)
    await work[AuditTrail].record(actor, f"{step}_alarm_group", "alarm_group", group_id, before, after, reason=reason)
    return after


async def acknowledge_alarm(store: Store, actor: Actor, alarm_id: AlarmId, now_us: int, reason: str = "") -> Alarm:
    """Somebody looks after it. Raises ``not-found`` or ``already-done``."""
    return await step_alarm(store, actor, alarm_id, AlarmStep.ACKNOWLEDGE, now_us, reason)


async def clear_alarm(store: Store, actor: Actor, alarm_id: AlarmId, now_us: int, reason: str = "") -> Alarm:
    """It is over although the meter has not said so. Raises ``not-found``, ``already-done``; ``reason-needed`` for a
    critical or major one: whoever comes on shift must find out why it is gone."""
    return await step_alarm(store, actor, alarm_id, AlarmStep.CLEAR, now_us, reason)


async def note_shown(
    store: Store, actor: Actor, alarm_ids: Sequence[AlarmId], groups: Mapping[GroupId, int], now_us: int
) -> int:
    """A person's channel says that these are before their eyes: alarms, and groups as they stood at a version. How many alarms nobody had
    been shown before. What is not known, or was shown already, changes nothing: a channel may say it twice."""
    async with store.tenant(actor.tenant_id) as work:
        alarms = work[AlarmStore]
        alone, first, shown = await alarms.shown(alarm_ids, groups, actor.user_id, now_us)
        for alarm_id, is_muted in alone.items():
            await alarms.say(NEWS[AlarmStep.SHOW], alarm_id, None, actor.user_id, now_us, "", is_quiet=is_muted)
        for group_id in first:
            await alarms.say(NEWS[AlarmStep.SHOW], None, group_id, actor.user_id, now_us, "")
    return shown


def _check(state: AlarmState, step: AlarmStep) -> None:
    try:
        advance(state, step)
    except WrongStepError as error:
        reached = state in {row.get(step) for row in CHANGES.values()}
        if reached or state is AlarmState.CLEARED or step is AlarmStep.ACKNOWLEDGE:
            raise Problem("already-done", state=state.value) from error
        raise Problem("alarm-step", state=state.value, step=step.value) from error


def _said(step: AlarmStep, severity: Severity, reason: str, to: str) -> tuple[str, str]:
    is_asked = step in (AlarmStep.RECALL, AlarmStep.REOPEN) or (step is AlarmStep.CLEAR and severity in GRAVE)
    reason = stated(reason) if is_asked else " ".join(reason.split())
    to = " ".join(to.split())[:_TO]
    if step is AlarmStep.DISPATCH and not to:
        raise Problem("invalid-input", fields=(("/to", "required"),))
    return reason, to
