# SPDX-License-Identifier: Apache-2.0
"""What a person does with an alarm (R7.2)."""

import pytest

from openmains.app.alarm.handle import acknowledge_alarm, clear_alarm, step_alarm
from openmains.app.alarm.ports import AlarmStore
from openmains.domain.alarm.life import AlarmNews, AlarmState, AlarmStep
from openmains.domain.ids import AlarmId
from tests.support.doubles import THEN, Alarms, alarm
from tests.support.work import ACTOR, GivenStore, refused

ONE = AlarmId(1)
AT = int(THEN.timestamp()) * 1_000_000


async def test_an_open_alarm_is_acknowledged_by_whom_asks_and_the_trail_says_so() -> None:
    store = GivenStore({AlarmStore: Alarms(alarm(1))})
    after = await acknowledge_alarm(store, ACTOR, ONE, AT)
    assert (after.acknowledged_by, after.acknowledged_at, after.cleared_at) == (ACTOR.user_id, THEN, None)
    (line,) = store.trail
    assert (line.action, line.object_id, line.before, line.after) == ("acknowledge_alarm", 1, alarm(1), after)
    assert store.tenants == [ACTOR.tenant_id]


async def test_an_alarm_is_cleared_at_the_instant_given_also_after_it_was_acknowledged() -> None:
    store = GivenStore({AlarmStore: Alarms(alarm(1, acknowledged_by=71, acknowledged_at=THEN))})
    after = await clear_alarm(store, ACTOR, ONE, int(THEN.timestamp() + 60) * 1_000_000, "seen to")
    assert after.cleared_at is not None and (after.cleared_at - THEN).total_seconds() == 60
    assert after.acknowledged_by == 71
    assert store.actions == ["clear_alarm"]


@pytest.mark.parametrize(
    ("known", "code", "state"),
    [
        ([], "not-found", None),
        ([alarm(1, cleared_at=THEN)], "already-done", "cleared"),
        ([alarm(1, acknowledged_by=71, acknowledged_at=THEN)], "already-done", "acknowledged"),
        ([alarm(1, acknowledged_by=71, acknowledged_at=THEN, cleared_at=THEN)], "already-done", "cleared"),
    ],
)
async def test_what_cannot_be_acknowledged(known: list[object], code: str, state: str | None) -> None:
    alarms = Alarms(*known)  # type: ignore[arg-type]
    store = GivenStore({AlarmStore: alarms})
    before = dict(alarms.rows)
    told = await refused(acknowledge_alarm(store, ACTOR, ONE, AT), store)
    assert (told.code, told.values.get("state")) == (code, state)
    assert alarms.rows == before


@pytest.mark.parametrize(("known", "code"), [([], "not-found"), ([alarm(1, cleared_at=THEN)], "already-done")])
async def test_what_cannot_be_cleared(known: list[object], code: str) -> None:
    store = GivenStore({AlarmStore: Alarms(*known)})  # type: ignore[arg-type]
    assert (await refused(clear_alarm(store, ACTOR, ONE, 0, "seen to"), store)).code == code


async def test_every_step_of_the_table_is_taken_with_its_news_and_its_line_in_the_trail() -> None:
    alarms = Alarms(alarm(1))
    store = GivenStore({AlarmStore: alarms})
    for step in (AlarmStep.ACKNOWLEDGE, AlarmStep.DISPATCH, AlarmStep.RECALL, AlarmStep.CLEAR, AlarmStep.REOPEN):
        await step_alarm(store, ACTOR, ONE, step, AT, "crew is back", "crew 3")
    assert [news for news, _ in alarms.news] == [
        AlarmNews.ACKNOWLEDGED, AlarmNews.DISPATCHED, AlarmNews.RECALLED, AlarmNews.CLEARED, AlarmNews.REOPENED,
    ]  # fmt: skip
    assert store.actions == ["acknowledge_alarm", "dispatch_alarm", "recall_alarm", "clear_alarm", "reopen_alarm"]
    assert {line.reason for line in store.trail} == {"crew is back"}


@pytest.mark.parametrize(
    ("known", "step", "code"),
    [
        ([alarm(1)], AlarmStep.RECALL, "alarm-step"),
        ([alarm(1)], AlarmStep.REOPEN, "alarm-step"),
        ([alarm(1, dispatched_at=THEN)], AlarmStep.DISPATCH, "already-done"),
        ([alarm(1, cleared_at=THEN)], AlarmStep.DISPATCH, "already-done"),
        ([alarm(1, cleared_at=THEN), alarm(2)], AlarmStep.REOPEN, "alarm-open-again"),
    ],
)
async def test_what_the_table_does_not_name_is_refused_by_name(known: list[object], step: AlarmStep, code: str) -> None:
    alarms = Alarms(*known)  # type: ignore[arg-type]
    store = GivenStore({AlarmStore: alarms})
    told = await refused(step_alarm(store, ACTOR, ONE, step, AT, "seen to", "crew 3"), store)
    assert told.code == code
    if code != "alarm-open-again":
        assert told.values["state"] == alarms.rows[ONE].state.value
    assert alarms.news == []


async def test_acts_on_members_and_on_what_is_muted_are_history_and_told_to_nobody() -> None:
    for known, is_quiet in ((alarm(1), False), (alarm(1, group_id=5), True), (alarm(1, muted_until=THEN), True)):
        alarms = Alarms(known)
        await acknowledge_alarm(GivenStore({AlarmStore: alarms}), ACTOR, ONE, AT)
        assert alarms.quiet == [is_quiet]
    alarms = Alarms(alarm(1, group_id=5, cleared_at=THEN, state=AlarmState.CLEARED))
    alarms.reopens_group = True
    await step_alarm(GivenStore({AlarmStore: alarms}), ACTOR, ONE, AlarmStep.REOPEN, AT, "leaks again")
    assert list(zip(alarms.news, alarms.quiet, strict=True)) == [
        ((AlarmNews.REOPENED, ONE), True),
        ((AlarmNews.REOPENED, None), False),  # the group's own word
    ]


@pytest.mark.parametrize("step", [AlarmStep.RECALL, AlarmStep.REOPEN])
async def test_a_step_back_asks_why(step: AlarmStep) -> None:
    known = alarm(1, dispatched_at=THEN) if step is AlarmStep.RECALL else alarm(1, cleared_at=THEN)
    store = GivenStore({AlarmStore: Alarms(known)})
    assert (await refused(step_alarm(store, ACTOR, ONE, step, AT), store)).code == "reason-needed"


async def test_an_old_danger_is_not_made_a_new_one_by_hand() -> None:
    store = GivenStore({AlarmStore: Alarms(alarm(1, cleared_at=THEN, state=AlarmState.CLEARED))})
    late = AT + 25 * 3600 * 1_000_000
    assert (
        await refused(step_alarm(store, ACTOR, ONE, AlarmStep.REOPEN, late, "leaks again"), store)
    ).code == "alarm-too-old"
