# SPDX-License-Identifier: Apache-2.0
"""Values: what each type takes, exactly, and what it refuses."""

from decimal import Decimal

import pytest

from openmains.wire.errors import WireError
from openmains.wire.lwm2m.value import NULL_LINK, ObjectLink, Type, Value, coerce, object_link


@pytest.mark.parametrize(
    ("value", "wanted", "taken"),
    [
        (Decimal("87.0"), Type.INTEGER, 87),
        (5, Type.FLOAT, Decimal(5)),
        (Decimal("1789000000"), Type.TIME, 1_789_000_000),
        (2**64 - 1, Type.UNSIGNED, 2**64 - 1),
        ("3:0", Type.OBJLNK, ObjectLink(3, 0)),
        (True, Type.BOOLEAN, True),
        ("</3>", Type.CORELNK, "</3>"),
        (b"x", None, b"x"),
    ],
)
def test_taken(value: Value, wanted: Type | None, taken: Value) -> None:
    found = coerce(value, wanted)
    assert found == taken and type(found) is type(taken)


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (Decimal("87.5"), Type.INTEGER),
        (2**63, Type.INTEGER),
        (-1, Type.UNSIGNED),
        (True, Type.INTEGER),
        (1, Type.BOOLEAN),
        ("1", Type.INTEGER),
        (b"x", Type.STRING),
        ("x", Type.OPAQUE),
        ("3", Type.OBJLNK),
    ],
)
def test_refused(value: Value, wanted: Type) -> None:
    with pytest.raises(WireError):
        coerce(value, wanted)


def test_links() -> None:
    assert object_link("65535:65535") == NULL_LINK and str(ObjectLink(10, 3)) == "10:3"
