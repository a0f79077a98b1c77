# SPDX-License-Identifier: Apache-2.0
"""Reader and Writer: inverse of each other, and every lie about a length ends in WireError at the right byte."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmains.wire.cursor import ByteOrder, Reader, Writer
from openmains.wire.errors import WireError

WIDTHS = {"u8": 1, "i8": 1} | {
    f"{sign}{bits}{order}": bits // 8
    for sign in "ui"
    for bits in (16, 24, 32, 64)
    for order in ("be", "le")
    if not (sign == "i" and bits == 24)
}
ORDERS: list[ByteOrder] = ["big", "little"]


@pytest.mark.parametrize("name", WIDTHS)
@given(data=st.data())
def test_integers_both_ways(name: str, data: st.DataObject) -> None:
    bits = WIDTHS[name] * 8
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if name[0] == "i" else (0, (1 << bits) - 1)
    value = data.draw(st.integers(low, high))
    writer = Writer("test")
    getattr(writer, name)(value)
    raw = writer.getvalue()
    assert raw == value.to_bytes(bits // 8, "little" if name.endswith("le") else "big", signed=name[0] == "i")
    reader = Reader(raw, "test")
    assert getattr(reader, name)() == value
    reader.finish()
    for wrong in (low - 1, high + 1):
        with pytest.raises(WireError, match="value does not fit"):
            getattr(writer, name)(wrong)


@pytest.mark.parametrize("name", WIDTHS)
def test_a_missing_byte_is_an_error_where_the_field_begins(name: str) -> None:
    reader = Reader(bytes(3 + WIDTHS[name] - 1), "test", start=3)
    with pytest.raises(WireError) as caught:
        getattr(reader, name)()
    assert (caught.value.layer, caught.value.offset, caught.value.reason) == ("test", 3, "truncated")
    assert str(caught.value) == "test: truncated (byte 3)"


@given(st.integers(1, 8), st.sampled_from(ORDERS), st.data())
def test_bcd_both_ways(width: int, order: ByteOrder, data: st.DataObject) -> None:
    value = data.draw(st.integers(0, 10 ** (2 * width) - 1))
    writer = Writer("test")
    writer.bcd(value, width, order)
    assert len(writer) == width
    assert Reader(writer.getvalue(), "test").bcd(width, order) == value
    assert Reader(writer.getvalue(), "test").bcd_text(width, order) == str(value).zfill(2 * width)
    for wrong in (-1, 10 ** (2 * width)):
        with pytest.raises(WireError):
            writer.bcd(wrong, width, order)


def test_bcd_refuses_other_nibbles_at_their_byte() -> None:
    for raw in (b"\x12\x3a", b"\x12\xf3"):
        with pytest.raises(WireError) as caught:
            Reader(raw, "test").bcd(2, "big")
        assert caught.value.offset == 1
    assert Reader(b"\x78\x56\x34\x12", "test").bcd_text(4, "little") == "12345678"
    for digits in ("123", "12345", "12a4", "١٢٣٤"):
        with pytest.raises(WireError):
            Writer("test").bcd_text(digits, 2, "big")


def test_moving_about() -> None:
    reader = Reader(bytearray(b"\x68abcdef\x16"), "test")
    assert reader.peek() == 0x68
    reader.expect(b"\x68", "no start byte")
    inner = reader.window(4)
    assert (inner.take(2), inner.position, inner.remaining) == (b"ab", 3, 2)
    with pytest.raises(WireError, match="truncated"):
        inner.take(3)
    assert inner.rest() == b"cd"
    with pytest.raises(WireError, match="truncated"):
        inner.peek()
    with pytest.raises(WireError, match=r"trailing bytes \(byte 5\)"):
        reader.finish()
    reader.skip(2)
    with pytest.raises(WireError, match=r"no end byte \(byte 7\)"):
        reader.expect(b"\x17", "no end byte")
    reader.finish()


def test_impossible_lengths_and_windows() -> None:
    with pytest.raises(WireError, match="negative length"):
        Reader(b"abc", "test").take(-1)
    for start, end in ((4, None), (-1, None), (2, 1), (0, 4)):
        with pytest.raises(WireError, match="window outside"):
            Reader(b"abc", "test", start, end)
    assert str(Reader(b"abc", "test", 1).fail("odd")) == "test: odd (byte 1)"
    assert Reader(b"abc", "test", 1).fail("odd", 2).offset == 2
    assert Writer("test").fail("odd").offset == 0


@given(st.binary(max_size=30), st.lists(st.tuples(st.sampled_from(sorted(WIDTHS)), st.integers(-2, 40)), max_size=20))
def test_any_walk_stays_inside_or_raises(data: bytes, steps: list[tuple[str, int]]) -> None:
    reader = Reader(data, "test")
    for name, count in steps:
        before = reader.position
        try:
            reader.take(count) if count % 2 else getattr(reader, name)()
        except WireError as error:
            assert error.offset == before == reader.position
        assert 0 <= reader.position <= len(data)
