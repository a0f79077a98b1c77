# SPDX-License-Identifier: Apache-2.0
"""The table of a device's life is complete, and the documentation shows it."""

from pathlib import Path

from openmains.wire.lwm2m.states import LIFE, ROWS, Life, LifeAction, LifeInput, markdown


def test_every_pair_has_a_row() -> None:
    assert set(LIFE) == {(state, what) for state in Life for what in LifeInput}
    assert all(LIFE[pair] == row for pair, row in ROWS.items())


def test_every_state_can_be_left_for_idle() -> None:
    """From each state some inputs lead back to IDLE: a device is never stuck."""
    reaches = {Life.IDLE}
    for _ in Life:
        reaches |= {state for (state, _), (after, _) in LIFE.items() if after in reaches}
    assert reaches == set(Life)


def test_silence_and_refusal_are_told_or_acted_on() -> None:
    for state in (Life.BOOTSTRAPPING, Life.REGISTERING, Life.UPDATING, Life.LEAVING):
        for what in (LifeInput.REFUSED, LifeInput.SILENCE):
            assert LIFE[state, what][1] is not LifeAction.NOTHING


def test_the_documentation_shows_the_table() -> None:
    page = (Path(__file__).parents[3] / "docs/protocols/lwm2m.md").read_text("utf-8")
    assert markdown() in page
