# SPDX-License-Identifier: Apache-2.0
"""What a client application may be given, and from where it asks."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmains.domain.identity.application import PERSONS_ONLY, asks_from, ends, network, scopes_asked
from openmains.domain.identity.permission import Permission


def test_scopes_are_those_asked_for_and_no_others() -> None:
    held = ["see_meters", "see_readings"]
    assert scopes_asked("", held) == scopes_asked("  ", held) == held
    assert scopes_asked("see_readings  see_readings", held) == ["see_readings"]
    assert scopes_asked("see_readings see_money", held) is None


@given(asked=st.sets(st.sampled_from(sorted(Permission))), held=st.sets(st.sampled_from(sorted(Permission))))
def test_nothing_is_opened_that_is_not_held(asked: set[Permission], held: set[Permission]) -> None:
    found = scopes_asked(" ".join(sorted(asked)), sorted(held))
    assert (found is None) == (not asked <= held)
    assert found is None or set(found) == (asked or held)


def test_what_persons_answer_for_is_no_scope() -> None:
    approvals = {one for one in Permission if one.startswith(("approve_", "accept_"))}
    assert approvals | {Permission.MANAGE_USERS, Permission.MANAGE_KEYS} <= PERSONS_ONLY


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("10.1.2.3", "10.1.2.3/32"), ("10.1.2.3/8", "10.0.0.0/8"), ("2001:db8::1/48", "2001:db8::/48"), (" ::1 ", "::1/128"),
        ("10.1.2", None), ("10.0.0.0/33", None), ("everywhere", None), ("", None),
    ],
)  # fmt: skip
def test_networks_are_kept_in_one_way(text: str, kept: str | None) -> None:
    assert network(text) == kept


def test_an_address_lies_in_its_network() -> None:
    assert asks_from("10.1.2.3", ["192.0.2.0/24", "10.0.0.0/8"]) and asks_from("::ffff:10.1.2.3", ["10.0.0.0/8"])
    assert not asks_from("11.1.2.3", ["10.0.0.0/8"]) and not asks_from("2001:db8::1", ["10.0.0.0/8"])


@given(st.text())
def test_what_is_no_address_lies_nowhere(text: str) -> None:
    if network(text) is None:
        assert not asks_from(text, ["0.0.0.0/0", "::/0"])


def test_the_first_end_holds() -> None:
    early, late = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
    assert ends(late, None, early) == early and ends(None, None) is None
