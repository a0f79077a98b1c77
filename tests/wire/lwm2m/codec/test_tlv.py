# SPDX-License-Identifier: Apache-2.0
"""TLV: the specification's payloads both ways, values by type, garbage."""

import tomllib
from decimal import Decimal
from pathlib import Path as File
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmains.wire.errors import WireError
from openmains.wire.lwm2m import content
from openmains.wire.lwm2m.codec import tlv
from openmains.wire.lwm2m.codec.tlv import Entry, Kind
from openmains.wire.lwm2m.codec.values import decode, encode
from openmains.wire.lwm2m.definitions import definitions
from openmains.wire.lwm2m.path import parse
from openmains.wire.lwm2m.value import Item, ObjectLink, Type, Value

VECTORS = tomllib.loads((File(__file__).parents[4] / "vectors/lwm2m/tlv.toml").read_text("utf-8"))

ids = st.integers(0, 65_534)
raw = st.binary(max_size=300)
inner = st.lists(st.builds(Entry, st.just(Kind.RESOURCE_INSTANCE), ids, raw, st.just(())), max_size=3).map(tuple)
resource = st.builds(Entry, st.just(Kind.RESOURCE), ids, raw, st.just(())) | st.builds(
    Entry, st.just(Kind.MULTIPLE), ids, st.just(b""), inner
)
instance = st.builds(Entry, st.just(Kind.INSTANCE), ids, st.just(b""), st.lists(resource, max_size=3).map(tuple))


@pytest.mark.parametrize("vector", VECTORS["payload"], ids=lambda vector: str(vector["name"]))
def test_payloads_of_the_specification(vector: dict[str, Any]) -> None:
    payload = bytes.fromhex(vector["bytes"])
    assert tlv.encode(tlv.decode(payload)) == payload
    if vector["items"]:
        path = parse(vector["path"])
        items = [Item(parse(place), value) for place, value in vector["items"]]
        assert decode(payload, content.TLV, path, definitions().type) == items
        assert encode(items, content.TLV, path, definitions().type) == payload


@given(
    st.lists(resource | instance | st.builds(Entry, st.just(Kind.RESOURCE_INSTANCE), ids, raw, st.just(())), max_size=4)
)
def test_what_is_written_is_read_back(entries: list[Entry]) -> None:
    assert tlv.decode(tlv.encode(entries)) == entries


@pytest.mark.parametrize(
    ("value", "kind", "written"),
    [
        (127, Type.INTEGER, "7f"),
        (128, Type.INTEGER, "0080"),
        (-128, Type.INTEGER, "80"),
        (-129, Type.INTEGER, "ff7f"),
        (2**31, Type.INTEGER, "0000000080000000"),
        (255, Type.UNSIGNED, "ff"),
        (2**64 - 1, Type.UNSIGNED, "ffffffffffffffff"),
        (Decimal("1.5"), Type.FLOAT, "3fc00000"),
        (Decimal("12345.678"), Type.FLOAT, "40c81cd6c8b43958"),
        (True, Type.BOOLEAN, "01"),
        ("水", Type.STRING, "e6b0b4"),
        (b"\x00\xff", Type.OPAQUE, "00ff"),
        (1_789_000_000, Type.TIME, "6aa1f940"),
        (ObjectLink(10, 3), Type.OBJLNK, "000a0003"),
    ],
)
def test_values_by_their_type(value: Value, kind: Type, written: str) -> None:
    assert tlv.encode_value(value, kind).hex() == written
    assert tlv.decode_value(bytes.fromhex(written), kind) == value


def test_a_single_float_reads_as_its_decimal() -> None:
    assert tlv.decode_value(bytes.fromhex("4640e6b6"), Type.FLOAT) == Decimal("12345.678")


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ("000000", Type.INTEGER),
        ("", Type.INTEGER),
        ("02", Type.BOOLEAN),
        ("0001", Type.BOOLEAN),
        ("000a", Type.OBJLNK),
        ("7fc00000", Type.FLOAT),
        ("7f800000", Type.FLOAT),
        ("3fc0", Type.FLOAT),
        ("ff", Type.STRING),
    ],
)
def test_bytes_that_are_no_value_of_the_type(written: str, kind: Type) -> None:
    with pytest.raises(WireError):
        tlv.decode_value(bytes.fromhex(written), kind)


def test_a_register_that_no_double_carries_is_refused_rather_than_rounded() -> None:
    with pytest.raises(WireError, match="no double"):
        tlv.encode_value(Decimal("1234567890123456.789"), Type.FLOAT)


@pytest.mark.parametrize("payload", ["c8", "c800", "c80005ff", "e8", "4100", "08000141", "880001c1"])
def test_malformed_payloads(payload: str) -> None:
    with pytest.raises(WireError):
        tlv.decode(bytes.fromhex(payload))


def test_the_low_bits_are_ignored_when_a_length_field_follows() -> None:
    assert tlv.decode(bytes.fromhex("cf0001ff")) == tlv.decode(bytes.fromhex("c80001ff"))


@given(st.binary(max_size=60))
def test_garbage_raises_only_a_wire_error(data: bytes) -> None:
    for path in ((3,), (3, 0), (3, 0, 9), (3, 0, 11, 0)):
        try:
            decode(data, content.TLV, path, definitions().type)
        except WireError as error:
            assert error.layer in ("tlv", "lwm2m")
