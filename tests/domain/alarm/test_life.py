# SPDX-License-Identifier: Apache-2.0
"""The life of an alarm: the table is complete, what it does not name is refused by name, and the database says the same of its states."""

import re
from importlib import resources
from itertools import product

import pytest

from openmains.domain.alarm.life import CHANGES, NEWS, OPEN, AlarmNews, AlarmState, AlarmStep, WrongStepError, advance

S, E = AlarmState, AlarmStep


@pytest.mark.parametrize(("state", "step"), list(product(AlarmState, AlarmStep)))
def test_a_step_leads_on_or_is_refused_by_name(state: AlarmState, step: AlarmStep) -> None:
    if step in CHANGES[state]:
        assert advance(state, step) in AlarmState
    else:
        with pytest.raises(WrongStepError, match=f"{state} has no step {step}"):
            advance(state, step)


def test_every_state_can_be_reached_and_whatever_is_open_can_be_cleared() -> None:
    reached, new = {S.RAISED}, {S.RAISED}
    while new:
        new = {after for state in new for after in CHANGES[state].values()} - reached
        reached |= new
    assert reached == set(AlarmState) == set(CHANGES)
    assert all(advance(state, E.CLEAR) is S.CLEARED for state in OPEN)


def test_being_shown_takes_nothing_back() -> None:
    for state in set(AlarmState) - {S.RAISED}:
        assert advance(state, E.SHOW) is state


def test_what_is_cleared_is_only_reopened() -> None:
    assert {step for step, after in CHANGES[S.CLEARED].items() if after is not S.CLEARED} == {E.REOPEN}


def test_the_table_of_the_database_knows_the_same_words() -> None:
    sql = (resources.files("openmains.edges.postgres") / "migrations" / "0053_alarm_life.sql").read_text("utf-8")
    computed = re.findall(r"GENERATED ALWAYS AS \((CASE .*?) END\) STORED", sql, re.DOTALL)
    assert [set(re.findall(r"(?:THEN|ELSE)\s+'(\w+)'", text)) for text in computed] == [set(AlarmState)] * 2
    allowed = re.search(r"news IN \((.*?)\)", sql, re.DOTALL)
    assert allowed is not None
    assert set(re.findall(r"'(\w+)'", allowed[1])) == set(AlarmNews) >= set(NEWS.values())
