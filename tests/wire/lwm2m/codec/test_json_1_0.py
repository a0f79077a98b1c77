# SPDX-License-Identifier: Apache-2.0
"""The JSON of LwM2M 1.0 (core 1.0.2 section 6.4.4): its examples in our own words, what modules make of it, and garbage."""

from decimal import Decimal

import pytest

from openmains.wire.errors import WireError
from openmains.wire.lwm2m.codec.values import decode, decode_sound
from openmains.wire.lwm2m.content import JSON_1_0
from openmains.wire.lwm2m.definitions import definitions
from openmains.wire.lwm2m.path import Path, parse
from openmains.wire.lwm2m.value import Item, ObjectLink, Value

TYPES = definitions().type


def values(document: str, path: str) -> dict[Path, Value | None]:
    return {item.path: item.value for item in decode(document.encode(), JSON_1_0, parse(path), TYPES)}


def test_an_object_instance() -> None:
    document = """{"bn":"/3/0/","e":[{"n":"0","sv":"Maker"},{"n":"6/0","v":1},{"n":"6/1","v":5},{"n":"7/0","v":3800},
        {"n":"9","v":100},{"n":"13","v":1367491215},{"n":"16","sv":"U"}]}"""
    assert values(document, "/3/0") == {
        (3, 0, 0): "Maker", (3, 0, 6, 0): 1, (3, 0, 6, 1): 5, (3, 0, 7, 0): 3800, (3, 0, 9): 100,
        (3, 0, 13): 1_367_491_215, (3, 0, 16): "U",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ('{"bn":"/3/0/9","e":[{"v":95}]}', "/3/0/9"),
        ('{"bn":"/3/0/9","e":[{"n":"","v":95}]}', "/3/0/9"),
        ('{"bn":"/3/0/","e":[{"n":"9","v":95}]}', "/3/0/9"),
        ('{"bn":"/3/0","e":[{"n":"9","v":95}]}', "/3/0"),
        ('{"bn":"/","e":[{"n":"3/0/9","v":95}]}', "/3/0"),
        ('{"e":[{"n":"9","v":95}]}', "/3/0"),
        ('{"e":[{"n":"/3/0/9","v":95.0}],"bn":""}', "/3"),
        ('{"e":[{"v":95}]}', "/3/0/9"),
    ],
)
def test_ways_to_say_one_value(document: str, path: str) -> None:
    assert values(document, path) == {(3, 0, 9): 95}


def test_times_are_sums_and_numbers_exact() -> None:
    document = '{"bn":"/3424/0/1","bt":1700000000,"e":[{"v":12345.678,"t":-5},{"v":12345.679}]}'
    assert decode(document.encode(), JSON_1_0, (3424, 0, 1), TYPES) == [
        Item((3424, 0, 1), Decimal("12345.678"), 1_699_999_995),
        Item((3424, 0, 1), Decimal("12345.679"), 1_700_000_000),
    ]


def test_bytes_are_base64_and_links_text() -> None:
    assert values('{"bn":"/19/0/","e":[{"n":"0/0","sv":"AP9o"}]}', "/19/0") == {(19, 0, 0, 0): b"\x00\xffh"}
    assert values('{"e":[{"n":"/31024/0/1","ov":"3:0"}],"bn":""}', "/") == {(31024, 0, 1): ObjectLink(3, 0)}


def test_one_damaged_entry_costs_itself_only() -> None:
    document = b'{"bn":"/3/0/","e":[{"n":"9","v":"much"},{"n":"7/0","v":3800},7,{"n":"13"},{"n":"x","v":1}]}'
    items, oddities = decode_sound(document, JSON_1_0, (3, 0), TYPES)
    assert [(item.path, item.value) for item in items] == [((3, 0, 7, 0), 3800)]
    assert len(oddities) == 4


@pytest.mark.parametrize("document", ["", "[]", "{}", '{"e":7}', '{"bn":"/3/0/"}', "null", '"e"', "{" * 5000])
def test_what_is_no_such_document(document: str) -> None:
    with pytest.raises(WireError):
        decode_sound(document.encode(), JSON_1_0, (3, 0), TYPES)
