# SPDX-License-Identifier: Apache-2.0
"""Any payload: every format carries the same values, and refuses what it cannot carry."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmains.wire.errors import WireError
from openmains.wire.lwm2m import content
from openmains.wire.lwm2m.codec.values import NAMED, SINGLE, decode, encode
from openmains.wire.lwm2m.definitions import definitions
from openmains.wire.lwm2m.path import Path
from openmains.wire.lwm2m.value import Item, ObjectLink, Value

TYPES = definitions().type
ONE_OF_EACH: dict[Path, Value] = {
    (3, 0, 0): "OpenMains",
    (3, 0, 9): 87,
    (3, 0, 13): 1_789_000_000,
    (3424, 0, 1): Decimal("12345.678"),
    (3424, 0, 10): True,
    (19, 0, 5): -7,
    (26241, 0, 1): b"\x00\x01\xff",
    (26242, 0, 7): 2**63,
    (10262, 0, 3): ObjectLink(10264, 0),
}


@pytest.mark.parametrize("content_format", [content.TEXT, content.CBOR, *NAMED])
@pytest.mark.parametrize("path", ONE_OF_EACH)
def test_one_value_in_each_format(content_format: int, path: Path) -> None:
    items = [Item(path, ONE_OF_EACH[path])]
    payload = encode(items, content_format, path, TYPES)
    assert decode(payload, content_format, path, TYPES) == items


def test_opaque_is_the_bytes_themselves() -> None:
    assert encode([Item((19, 0, 0), b"frame")], content.OPAQUE, (19, 0, 0), TYPES) == b"frame"
    assert decode(b"frame", content.OPAQUE, (19, 0, 0), TYPES) == [Item((19, 0, 0), b"frame")]
    with pytest.raises(WireError):
        encode([Item((3, 0, 0), "text")], content.OPAQUE, (3, 0, 0), TYPES)
    with pytest.raises(WireError):
        decode(b"\x57", content.OPAQUE, (3, 0, 9), TYPES)


def test_a_missing_content_format_is_text() -> None:
    assert decode(b"87", None, (3, 0, 9), TYPES) == [Item((3, 0, 9), 87)]


@pytest.mark.parametrize("content_format", NAMED)
def test_an_instance_with_resource_instances(content_format: int) -> None:
    items = [Item((3, 0, 6, 0), 1), Item((3, 0, 6, 4), 5), Item((3, 0, 9), 87)]
    for path in ((3,), (3, 0)):
        assert decode(encode(items, content_format, path, TYPES), content_format, path, TYPES) == items


@pytest.mark.parametrize("content_format", SINGLE)
def test_formats_of_one_value_refuse_an_instance(content_format: int) -> None:
    with pytest.raises(WireError):
        decode(b"1", content_format, (3, 0), TYPES)
    with pytest.raises(WireError):
        encode([Item((3, 0, 9), 1), Item((3, 0, 10), 1)], content_format, (3, 0), TYPES)


def test_values_outside_of_the_path_are_refused() -> None:
    with pytest.raises(WireError, match="another path"):
        decode(b'[{"n":"/4/0/2","v":-90}]', content.SENML_JSON, (3, 0), TYPES)
    with pytest.raises(WireError, match="out of place"):
        decode(bytes.fromhex("c10957"), content.TLV, (3, 0, 10), TYPES)


def test_a_resource_said_twice_is_refused_unless_it_is_a_series() -> None:
    with pytest.raises(WireError, match="twice"):
        decode(bytes.fromhex("c10957c10958"), content.TLV, (3, 0), TYPES)
    with pytest.raises(WireError, match="twice"):
        decode(bytes.fromhex("c10b0083 0b410000".replace(" ", "")), content.TLV, (3, 0), TYPES)
    series = b'[{"bn":"/3424/0/1","bt":1789000000,"v":1},{"t":3600,"v":2}]'
    assert [item.time_s for item in decode(series, content.SENML_JSON, (), TYPES)] == [1_789_000_000, 1_789_003_600]


def test_a_value_of_another_type_is_refused() -> None:
    for document in (b'[{"n":"/3/0/9","vs":"87"}]', b'[{"n":"/3/0/9","v":87.5}]', b'[{"n":"/3/0/9","vb":true}]'):
        with pytest.raises(WireError, match="another type"):
            decode(document, content.SENML_JSON, (3, 0, 9), TYPES)


def test_unknown_resources_keep_what_the_format_says() -> None:
    path = (30000, 0, 1)
    assert decode(b'[{"n":"/30000/0/1","v":1.50}]', content.SENML_JSON, path, TYPES)[0].value == Decimal("1.50")
    assert decode(bytes.fromhex("c10157"), content.TLV, path, TYPES) == [Item(path, b"\x57")]


def test_an_unknown_content_format() -> None:
    with pytest.raises(WireError, match="content format unknown"):
        decode(b"", 50, (3, 0, 9), TYPES)


@given(st.binary(max_size=40), st.sampled_from([*SINGLE, *NAMED]), st.sampled_from(list(ONE_OF_EACH)))
def test_garbage_raises_only_a_wire_error(data: bytes, content_format: int, path: Path) -> None:
    try:
        items = decode(data, content_format, path, TYPES)
    except WireError:
        return
    assert all(item.path[:3] == path for item in items)
