# SPDX-License-Identifier: Apache-2.0
"""The state tables: every pair is defined, every state can be reached, and the documentation shows what the
code does."""

from enum import IntEnum
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from openmains.wire.coap.states import (
    ASKING,
    SERVING,
    Asking,
    AskingAction,
    AskingInput,
    Serving,
    ServingAction,
    ServingInput,
    markdown,
)

TABLES: list[tuple[dict[Any, Any], type[IntEnum], type[IntEnum], type[IntEnum], set[IntEnum]]] = [
    (SERVING, Serving, ServingInput, ServingAction, {Serving.OPEN, Serving.OPEN_NON}),
    (ASKING, Asking, AskingInput, AskingAction, {Asking.CONFIRMABLE, Asking.NON}),
]


@pytest.mark.parametrize(("table", "states", "inputs", "actions", "starts"), TABLES)
def test_every_pair_lands_in_a_known_state(
    table: dict[Any, Any],
    states: type[IntEnum],
    inputs: type[IntEnum],
    actions: type[IntEnum],
    starts: set[IntEnum],
) -> None:
    assert set(table) == set(product(states, inputs))
    for after, action in table.values():
        assert isinstance(after, states)
        assert isinstance(action, actions)
    reached = set(starts)
    while True:
        more = {table[state, what][0] for state in reached for what in inputs} | reached
        if more == reached:
            break
        reached = more
    assert reached == set(states)


def test_nothing_wakes_a_finished_call() -> None:
    for state, what in product((Asking.DONE, Asking.TIMED_OUT, Asking.RESET), AskingInput):
        assert ASKING[state, what] == (state, AskingAction.NOTHING)


def test_a_request_is_answered_at_most_once_on_every_way() -> None:
    answering = {ServingAction.PIGGYBACK, ServingAction.SEND_NON, ServingAction.SEND_CON}

    def walk(state: Serving, answers: int, depth: int) -> None:
        assert answers <= 1
        if depth:
            for what in ServingInput:
                after, action = SERVING[state, what]
                walk(after, answers + (action in answering), depth - 1)

    walk(Serving.OPEN, 0, 5)
    walk(Serving.OPEN_NON, 0, 5)


def test_the_documentation_shows_these_tables() -> None:
    page = (Path(__file__).parents[3] / "docs/protocols/coap.md").read_text("utf-8")
    assert markdown() in page, "paste the output of openmains.wire.coap.states.markdown() into docs/protocols/coap.md"
