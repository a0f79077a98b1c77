# SPDX-License-Identifier: Apache-2.0
"""Two holders of one key who push each other out are found; a restless module behind a NAT is not."""

import random

from hypothesis import given
from hypothesis import strategies as st

from openmains.domain.security.turns import Turns, shake


def play(handshakes: list[tuple[int, str]]) -> list[int]:
    """Instants at which turns were found."""
    turns, found = Turns(), []
    for at, host in handshakes:
        turns, told = shake(turns, host, at)
        if told:
            found.append(at)
    return found


def test_two_who_take_turns_are_found_again_and_again() -> None:
    found = play([(60 * i, "ab"[i % 2]) for i in range(30)])
    assert found[0] == 60 * 7  # a, b, and six returns
    assert len(found) == 4


def test_retries_of_one_handshake_and_one_address_are_no_turns() -> None:
    assert play([(5 * i, "ab"[i % 2]) for i in range(200)]) == []
    assert play([(60 * i, "a") for i in range(200)]) == []
    assert play([(60 * i, f"n{i}") for i in range(200)]) == []
    assert play([(60 * i, "") for i in range(200)]) == []


@given(st.integers(0, 2**32), st.integers(1, 4))
def test_a_module_that_restarts_every_twelve_minutes_behind_a_nat_is_not_suspected(seed: int, hosts: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - a test
    assert play([(i * 720, f"nat{chance.randrange(hosts)}") for i in range(500)]) == []
