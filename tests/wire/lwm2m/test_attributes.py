# SPDX-License-Identifier: Apache-2.0
"""Notification attributes: writing them, what a resource inherits, and the rule that they make."""

from decimal import Decimal

import pytest

from openmains.wire.errors import WireError
from openmains.wire.lwm2m.attributes import NONE, Attributes, counts, due, effective, write


def test_a_query_changes_what_it_names_and_takes_away_what_has_no_value() -> None:
    first = write(NONE, ["pmin=10", "pmax=60", "gt=25.5"], (3303, 0, 5700))
    assert first == Attributes(pmin=10, pmax=60, gt=Decimal("25.5"))
    assert write(first, ["pmin", "pmax=90"], (3303, 0, 5700)) == Attributes(pmax=90, gt=Decimal("25.5"))
    assert set(first.query()) == {"pmin=10", "pmax=60", "gt=25.5"}


@pytest.mark.parametrize(
    ("query", "path"),
    [
        (["foo=1"], (3, 0, 9)),
        (["pmin=-1"], (3, 0, 9)),
        (["pmin=1.5"], (3, 0, 9)),
        (["st=0"], (3, 0, 9)),
        (["st=x"], (3, 0, 9)),
        (["gt=5"], (3, 0)),
        (["lt=10", "gt=20", "st=5"], (3, 0, 9)),
    ],
)
def test_senseless_attributes_are_refused(query: list[str], path: tuple[int, ...]) -> None:
    with pytest.raises(WireError):
        write(NONE, query, path)


def test_a_resource_inherits_from_instance_and_object() -> None:
    stored = {
        (3,): Attributes(pmin=5, pmax=100),
        (3, 0): Attributes(pmax=50),
        (3, 0, 9): Attributes(st=Decimal(2)),
    }
    assert effective(stored, (3, 0, 9)) == Attributes(pmin=5, pmax=50, st=Decimal(2))
    assert effective(stored, (3, 0, 13)) == Attributes(pmin=5, pmax=50)


def test_every_change_counts_without_thresholds() -> None:
    assert counts(NONE, 1, 2) and counts(NONE, "a", "b") and counts(NONE, None, 1) and counts(NONE, 1, True)
    assert not counts(NONE, 1, 1)


@pytest.mark.parametrize(
    ("attributes", "sent", "value", "told"),
    [
        (Attributes(gt=Decimal(25)), 24, 26, True),
        (Attributes(gt=Decimal(25)), 26, 24, True),
        (Attributes(gt=Decimal(25)), 26, 30, False),
        (Attributes(gt=Decimal(25)), 24, 25, False),
        (Attributes(lt=Decimal(5)), 6, 4, True),
        (Attributes(lt=Decimal(5)), 4, 1, False),
        (Attributes(st=Decimal("0.5")), Decimal("1.0"), Decimal("1.5"), True),
        (Attributes(st=Decimal("0.5")), Decimal("1.0"), Decimal("1.4"), False),
        (Attributes(gt=Decimal(25), st=Decimal(3)), 10, 13, True),
        (Attributes(gt=Decimal(25)), "a", "b", True),
    ],
)
def test_thresholds_and_steps(attributes: Attributes, sent: int | str, value: int | str, told: bool) -> None:
    assert counts(attributes, sent, value) is told


def test_periods() -> None:
    assert due(NONE, 100.0, changed=True) == 100.0
    assert due(Attributes(pmin=10), 100.0, changed=True) == 110.0
    assert due(Attributes(pmin=10), 100.0, changed=False) is None
    assert due(Attributes(pmin=10, pmax=60), 100.0, changed=False) == 160.0
    assert due(Attributes(pmin=10, pmax=5), 100.0, changed=False) is None  # pmax below pmin does not count
