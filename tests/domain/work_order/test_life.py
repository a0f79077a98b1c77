# SPDX-License-Identifier: Apache-2.0
"""The life of a work order: the table is complete, every open order can come to an end, and the database knows the same words."""

import re
from importlib import resources
from itertools import product

import pytest

from openmains.domain.work_order.life import (
    CHANGES,
    ENDED,
    STATE_WORDS,
    STEP_WORDS,
    OrderOutcome,
    OrderState,
    OrderStep,
    WrongOrderStepError,
    advance,
)

S, E = OrderState, OrderStep


def test_a_step_leads_on_or_is_refused_by_name() -> None:
    for state, step in product(OrderState, OrderStep):
        if step in CHANGES[state]:
            assert advance(state, step) in OrderState
        else:
            with pytest.raises(WrongOrderStepError, match=f"{state} has no step {step}"):
                advance(state, step)
    assert set(STATE_WORDS) == set(OrderState) and set(STEP_WORDS) == set(OrderStep)


def test_every_state_is_reached_and_every_open_one_can_end() -> None:
    reached, new = {S.NEW}, {S.NEW}
    while new:
        new = {after for state in new for after in CHANGES[state].values()} - reached
        reached |= new
    assert reached == set(OrderState) == set(CHANGES)
    assert all(CHANGES[state] == {} for state in ENDED)
    ending = set(ENDED)
    for _ in OrderState:
        ending |= {state for state in OrderState if set(CHANGES[state].values()) & ending}
    assert ending == set(OrderState)


def test_nothing_is_closed_that_nobody_ended() -> None:
    assert [state for state in OrderState if E.CLOSE in CHANGES[state]] == [S.DONE]
    assert {state for state in OrderState if S.DONE in CHANGES[state].values()} == {
        S.NEW, S.ASSIGNED, S.ACCEPTED, S.WORKING, S.WAITING, S.DONE,
    }  # fmt: skip
    assert [state for state in OrderState if E.FINISH in CHANGES[state]] == [S.WORKING]  # by hand only at the place


def test_the_tables_of_the_database_know_the_same_words() -> None:
    sql = (resources.files("openmains.edges.postgres") / "migrations" / "0066_work_orders.sql").read_text("utf-8")
    for column, words in (("state", set(OrderState)), ("outcome", set(OrderOutcome))):
        allowed = re.search(rf"CHECK \({column} IN \((.*?)\)\)", sql)
        assert allowed is not None
        if column == "state":
            allowed = re.search(r"DEFAULT 'new'\s+CHECK \(state IN \((.*?)\)\)", sql)
            assert allowed is not None
        assert set(re.findall(r"'(\w+)'", allowed[1])) == words
