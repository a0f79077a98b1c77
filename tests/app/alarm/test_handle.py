# SPDX-License-Identifier: Apache-2.0
"""What a person does with an alarm (R7.2)."""

import pytest

from openmains.app.alarm.handle import acknowledge_alarm, clear_alarm
from openmains.app.alarm.ports import AlarmStore
from openmains.domain.ids import AlarmId
from tests.support.doubles import THEN, Alarms, alarm
from tests.support.work import ACTOR, GivenStore, refused

ONE = AlarmId(1)


async def test_an_open_alarm_is_acknowledged_by_whom_asks_and_the_trail_says_so() -> None:
    store = GivenStore({AlarmStore: Alarms(alarm(1))})
    after = await acknowledge_alarm(store, ACTOR, ONE)
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
    told = await refused(acknowledge_alarm(store, ACTOR, ONE), store)
    assert (told.code, told.values.get("state")) == (code, state)
    assert alarms.rows == before


@pytest.mark.parametrize(("known", "code"), [([], "not-found"), ([alarm(1, cleared_at=THEN)], "already-done")])
async def test_what_cannot_be_cleared(known: list[object], code: str) -> None:
    store = GivenStore({AlarmStore: Alarms(*known)})  # type: ignore[arg-type]
    assert (await refused(clear_alarm(store, ACTOR, ONE, 0, "seen to"), store)).code == code
