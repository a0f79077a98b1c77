# SPDX-License-Identifier: Apache-2.0
"""Plain text and single CBOR values: each type both ways, and what is none."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmains.wire.errors import WireError
from openmains.wire.lwm2m.codec import text
from openmains.wire.lwm2m.value import ObjectLink, Type, Value


@pytest.mark.parametrize(
    ("value", "kind", "written"),
    [
        ("U", Type.STRING, b"U"),
        (-5, Type.INTEGER, b"-5"),
        (Decimal("12345.6780"), Type.FLOAT, b"12345.6780"),
        (False, Type.BOOLEAN, b"0"),
        (b"\x00\xff\xfe", Type.OPAQUE, b"AP/+"),
        (1_789_000_000, Type.TIME, b"1789000000"),
        (ObjectLink(66, 0), Type.OBJLNK, b"66:0"),
    ],
)
def test_text_of_each_type(value: Value, kind: Type, written: bytes) -> None:
    assert text.encode(value, kind) == written
    assert text.decode(written, kind) == value


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        (b"true", Type.BOOLEAN),
        (b"1.5", Type.INTEGER),
        (b"-1", Type.UNSIGNED),
        (b"NaN", Type.FLOAT),
        (b"1e999", Type.FLOAT),
        (b"", Type.INTEGER),
        (b"1" * 65, Type.INTEGER),
        (b"\xff", Type.STRING),
        (b"a=", Type.OPAQUE),
        (b"66", Type.OBJLNK),
        (b"66:65536", Type.OBJLNK),
        ("１".encode(), Type.INTEGER),
    ],
)
def test_what_is_no_value_of_the_type(written: bytes, kind: Type) -> None:
    with pytest.raises(WireError):
        text.decode(written, kind)


def test_a_time_in_cbor_has_its_tag() -> None:
    assert text.encode_cbor(1_363_896_240, Type.TIME).hex() == "c11a514b67b0"
    assert text.decode_cbor(bytes.fromhex("c11a514b67b0"), Type.TIME) == 1_363_896_240


@given(st.binary(max_size=30), st.sampled_from(Type))
def test_garbage_raises_only_a_wire_error(data: bytes, kind: Type) -> None:
    for read in (text.decode, text.decode_cbor):
        try:
            read(data, kind)
        except WireError as error:
            assert error.reason
