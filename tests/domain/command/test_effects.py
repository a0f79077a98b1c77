# SPDX-License-Identifier: Apache-2.0
"""What shuts a valve is a closing, whatever it is called."""

from types import SimpleNamespace
from typing import Any

import pytest

from openmains.domain.command.effects import closes, refusal_by_effect
from openmains.domain.command.kinds import Kind
from openmains.domain.command.safety import Refusal
from tests.domain.command.test_rules import facts

SETTINGS: dict[str, Any] = {
    "report_time": SimpleNamespace(default=0, closes_below=False),
    "limit": SimpleNamespace(default=-100, closes_below=True),
}


def limit(value: int) -> dict[str, Any]:
    return {"values": {"limit": value, "report_time": 60}}


@pytest.mark.parametrize(
    ("value", "meter", "shuts", "why"),
    [
        (1_000_000_000, {"balance": 245_000, "is_protected": True}, True, Refusal.HAS_CREDIT),
        (1, {"balance": 245_000}, False, Refusal.HAS_CREDIT),  # not today, but whoever has paid less than that
        (0, {"balance": 245_000, "is_protected": True}, False, None),  # as every prepay meter does
        (0, {"balance": 0}, False, None),
        (0, {"balance": -1}, True, None),
        (0, {"balance": -1, "is_protected": True}, True, Refusal.PROTECTED),
        (0, {"balance": -1, "closing_forbidden": True}, True, Refusal.CLOSING_FORBIDDEN),
        (-500, {"balance": -499, "is_protected": True}, False, None),
        (-500, {"balance": -501, "is_protected": True}, True, Refusal.PROTECTED),
        (-500, {"balance": None, "prepaid": True}, False, Refusal.UNKNOWN_CREDIT),
        (-500, {"balance": None, "prepaid": False}, False, None),
    ],
)
@pytest.mark.parametrize("kind", [Kind.SET_PARAMETERS, Kind.SET_SIGNED_PARAMETERS])
def test_a_threshold(kind: Kind, value: int, meter: dict[str, Any], shuts: bool, why: Refusal | None) -> None:
    assert closes(kind, limit(value), facts(**meter), SETTINGS) is shuts
    assert refusal_by_effect(kind, limit(value), facts(**meter), SETTINGS) is why


def test_settings_as_delivered_are_settings() -> None:
    assert closes(Kind.FACTORY_RESET, {}, facts(balance=-200), SETTINGS)
    assert not closes(Kind.FACTORY_RESET, {}, facts(balance=-50), SETTINGS)
    assert (
        refusal_by_effect(Kind.FACTORY_RESET, {}, facts(balance=-200, is_protected=True), SETTINGS) is Refusal.PROTECTED
    )


def test_what_sets_none_closes_none() -> None:
    for kind, params in (
        (Kind.TOP_UP, {"amount": 1}),
        (Kind.SET_PARAMETERS, {"values": {"report_time": 1}}),
        (Kind.RESTART, {}),
    ):
        assert not closes(kind, params, facts(balance=-5), SETTINGS)
        assert refusal_by_effect(kind, params, facts(balance=-5, is_protected=True), SETTINGS) is None
