# SPDX-License-Identifier: Apache-2.0
"""CBOR: the RFC's own items both ways, exact numbers, garbage."""

import json
import tomllib
from decimal import Decimal
from pathlib import Path
from struct import Struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmains.wire.errors import WireError
from openmains.wire.lwm2m.codec import cbor

VECTORS = tomllib.loads((Path(__file__).parents[4] / "vectors/lwm2m/cbor.toml").read_text("utf-8"))

numbers = st.integers(-(2**64), 2**64 - 1) | st.decimals(
    allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12, places=6
)
scalars = st.none() | st.booleans() | numbers | st.text(max_size=40) | st.binary(max_size=40)
values: Any = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.integers(-9, 99) | st.text(max_size=4) | st.binary(max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)


@pytest.mark.parametrize("vector", VECTORS["item"], ids=lambda vector: str(vector["bytes"]))
def test_items_of_the_rfc(vector: dict[str, Any]) -> None:
    value = json.loads(vector["value"], parse_float=Decimal)
    raw = bytes.fromhex(vector["bytes"])
    assert cbor.decode(raw) == value
    if not vector.get("one_way"):
        assert cbor.encode(value) == raw


@pytest.mark.parametrize("raw", VECTORS["refused"])
def test_what_is_no_item_of_ours_is_refused(raw: str) -> None:
    with pytest.raises(WireError):
        cbor.decode(bytes.fromhex(raw))


@given(values)
def test_what_is_written_is_read_back(value: Any) -> None:
    assert cbor.decode(cbor.encode(value)) == value


@given(st.integers(0, 9_999_999_999), st.integers(0, 6))
def test_no_digit_of_a_register_is_lost(count: int, places: int) -> None:
    register = Decimal(count).scaleb(-places)
    assert cbor.decode(cbor.encode(register)) == register


@given(st.integers(0, 9_999_999), st.integers(2, 7))
def test_a_single_float_reads_as_the_decimal_of_seven_digits_that_was_put_in(count: int, places: int) -> None:
    """A device whose best float is a single means the decimal, not the binary fraction next to it."""
    register = Decimal(count).scaleb(-places)
    raw = b"\xfa" + Struct("!f").pack(float(register))
    assert cbor.decode(raw) == register


@pytest.mark.parametrize("value", ["65504", "16777215", "250000.125", "999999.875", "4194303.75", "67108872"])
def test_an_exact_float_stays_exact(value: str) -> None:
    for head, form in ((b"\xf9", "!e"), (b"\xfa", "!f"), (b"\xfb", "!d")):
        try:
            raw = head + Struct(form).pack(float(value))
        except OverflowError:
            continue
        if float(Struct(form).unpack(raw[1:])[0]) == float(value):
            assert cbor.decode(raw) == Decimal(value)


def test_a_decimal_beyond_a_double_is_a_decimal_fraction() -> None:
    register = Decimal("1234567890123456.789")
    assert cbor.encode(register)[:1] == b"\xc4"
    assert cbor.decode(cbor.encode(register)) == register


def test_numbers_that_would_eat_memory_are_refused() -> None:
    with pytest.raises(WireError):
        cbor.decode(bytes.fromhex("c482 1b7fffffffffffffff 01".replace(" ", "")))
    with pytest.raises(WireError):
        cbor.decode(b"\x9a\xff\xff\xff\xff")
    with pytest.raises(WireError):
        cbor.decode(b"\x81" * 200 + b"\x00")


@given(st.binary(max_size=64))
def test_garbage_raises_only_a_wire_error(data: bytes) -> None:
    try:
        cbor.decode(data)
    except WireError as error:
        assert error.layer == "cbor" and 0 <= error.offset <= len(data)
