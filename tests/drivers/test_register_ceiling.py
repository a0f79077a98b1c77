# SPDX-License-Identifier: Apache-2.0
"""Where the registers of a page end: what a product without a dial is held to."""

import pytest

from openmains.drivers.errors import Place
from openmains.drivers.model import Kind, Title
from openmains.drivers.page import SIZES, Field, Message, Page, raw_range
from openmains.drivers.page_driver import register_ceiling


def page(*fields: Field) -> Page:
    title = Title("表", "meter")
    by_name = {field.name: field for field in fields}
    message = Message("m", 1, Kind.REPORT, title, list(fields), by_name, 0, frozenset(), 0)
    return Page("a/b", "water", "vectors", -3, title, None, messages=[message])


def field(kind: str, point: str | None, scale: int = 1, *, exponent: bool = False) -> Field:
    low, high = raw_range(kind)
    return Field(
        str(point), kind, Place("page", 1), SIZES[kind], low, high, point=point, scale=scale, exponent=exponent
    )


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ([field("u24", "register")], 2**24 - 1),
        ([field("u32", "register", 10), field("u16", "pci")], (2**32 - 1) * 10),
        ([field("i32", "register")], 2**31 - 1),
        ([field("u16", "base"), field("u24", "register")], 2**24 - 1),
        ([field("bcd4", "register")], 99_999_999),
        ([field("u24", "register"), field("i8", None, exponent=True)], 0),
        ([field("u16", "pci")], 0),
    ],
)
def test_all_ones_of_the_widest_field_end_a_register(fields: list[Field], expected: int) -> None:
    assert register_ceiling(page(*fields)) == expected
