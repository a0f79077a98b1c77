# SPDX-License-Identifier: Apache-2.0
"""What an operator may ask of a meter's objects without a signature: nothing that moves a valve, money or a key."""

import pytest

from openmains.app.command.device_management.messages import Kind
from openmains.app.command.device_management.rules import (
    ASKING_THE_METER,
    CHANGING,
    SECURITY,
    SIGNED_OBJECTS,
    SIGNED_RESOURCES,
    UNSIGNED,
    Refusal,
    refusal_of,
)
from openmains.drivers.model import Effect
from openmains.wire.lwm2m.definitions import definitions

LOOKING = sorted(ASKING_THE_METER - CHANGING)


@pytest.mark.parametrize("kind", sorted(CHANGING))
@pytest.mark.parametrize("number", sorted(SIGNED_OBJECTS))
def test_no_object_that_needs_a_signature_is_changed(kind: Kind, number: int) -> None:
    for path in ((number,), (number, 0), (number, 0, 1), (number, 0, 1, 0)):
        assert refusal_of(kind, path) is Refusal.SIGNED_ONLY


@pytest.mark.parametrize("kind", sorted(CHANGING))
@pytest.mark.parametrize(("number", "resource"), sorted(SIGNED_RESOURCES))
def test_no_resource_that_needs_a_signature_is_changed(kind: Kind, number: int, resource: int) -> None:
    for instance in (0, 7):
        assert refusal_of(kind, (number, instance, resource)) is Refusal.SIGNED_ONLY


@pytest.mark.parametrize("kind", LOOKING)
def test_keys_are_not_even_read_and_all_else_may_be(kind: Kind) -> None:
    assert refusal_of(kind, (SECURITY, 0, 5)) is Refusal.KEYS
    for path in ((3,), (3, 0), (3, 0, 9), (26241, 0, 1), (33_000, 0, 0)):
        assert refusal_of(kind, path) is None


@pytest.mark.parametrize("kind", sorted(ASKING_THE_METER))
@pytest.mark.parametrize("path", [(), (3, 0, 9, 0, 1), (-1,), (0xFFFF,), (3, 70_000)])
def test_what_is_no_path(kind: Kind, path: tuple[int, ...]) -> None:
    assert refusal_of(kind, path) is Refusal.NO_PATH


def test_only_a_resource_is_changed_and_only_as_its_definition_says() -> None:
    assert refusal_of(Kind.WRITE, (3,)) is refusal_of(Kind.WRITE, (3, 0)) is Refusal.NO_PATH
    assert refusal_of(Kind.EXECUTE, (3, 0, 12, 0)) is Refusal.NO_PATH
    assert refusal_of(Kind.WRITE, (33_000, 0, 1)) is Refusal.UNKNOWN  # a maker's private object may be a valve
    assert refusal_of(Kind.WRITE, (3, 0, 14)) is None  # UTC offset
    assert refusal_of(Kind.EXECUTE, (3, 0, 12)) is None  # reset of the error codes
    assert refusal_of(Kind.WRITE, (3, 0, 12)) is Refusal.NOT_SO
    assert refusal_of(Kind.EXECUTE, (3, 0, 14)) is Refusal.NOT_SO
    assert refusal_of(Kind.WRITE, (3, 0, 9)) is Refusal.NOT_SO  # the battery's level is read only
    assert refusal_of(Kind.WRITE, (3, 0, 14, 0)) is Refusal.NOT_SO  # of which there is one


def test_what_is_changed_without_a_signature_is_classed_and_moves_no_valve_and_no_money() -> None:
    for number, resources in UNSIGNED.items():
        for resource, effect in resources.items():
            assert effect in (Effect.NONE, Effect.REACH)
            known = definitions().resource((number, 0, resource))
            assert known is not None and known.operations in ("RW", "W", "E"), (number, resource)
    assert refusal_of(Kind.WRITE, (3, 0, 13)) is Refusal.SIGNED_ONLY  # the clock decides which price holds


@pytest.mark.parametrize("kind", sorted(frozenset(Kind) - ASKING_THE_METER))
def test_what_asks_no_meter_is_not_judged_by_a_path(kind: Kind) -> None:
    assert refusal_of(kind, ()) is None
