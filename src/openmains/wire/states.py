# SPDX-License-Identifier: Apache-2.0
"""State machines as tables: what every protocol's ``states.py`` is made of.

Theory: a row says what a (state, input) pair leads to: the next state and one action. Only rows that do something are
written out; :func:`complete` adds the others, which stay where they are and do nothing, so that nothing a peer does in an
odd order is undefined. The drawing in the documentation is made from the same rows by :func:`markdown`, and a test
compares the two.
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import Any, TypeVar

S = TypeVar("S", bound=IntEnum)
I = TypeVar("I", bound=IntEnum)  # noqa: E741 - the input
A = TypeVar("A", bound=IntEnum)
Rows = Mapping[Any, tuple[IntEnum, IntEnum]]  # the keys are pairs, but a mapping of a narrower key is no wider mapping


def complete(
    rows: Mapping[tuple[S, I], tuple[S, A]], states: type[S], inputs: type[I], nothing: A
) -> dict[tuple[S, I], tuple[S, A]]:
    """The table with a row for every pair; those not in ``rows`` stay and do ``nothing``."""
    return {(state, what): rows.get((state, what), (state, nothing)) for state in states for what in inputs}


def markdown(tables: Mapping[str, Rows]) -> str:
    """Tables for the documentation, by the heading of their first column: one line a pair that does something."""
    return "\n".join(
        "\n".join([f"| {heading} | input | next state | action |", "|---|---|---|---|", *_lines(rows)]) + "\n"
        for heading, rows in tables.items()
    )


def _lines(rows: Rows) -> list[str]:
    return [
        f"| {state.name} | {what.name} | {after.name} | {action.name} |"
        for (state, what), (after, action) in rows.items()
    ]
