# SPDX-License-Identifier: Apache-2.0
"""Bounds-checked reading and writing of binary fields, shared by all wire protocols.

Theory: a length that comes from a peer is a lie until it was compared with what is there. A :class:`Reader`
therefore never slices past its end: every take is checked and fails with :class:`WireError` at the byte where
the missing field began. A :class:`Writer` fails the same way when a value does not fit its field. Byte order is
in the method's name (``be``: most significant byte first, ``le``: least significant first). BCD is two decimal
digits a byte.
"""

from typing import Literal

from openmains.wire.errors import WireError

ByteOrder = Literal["big", "little"]


class Reader:
    """Walks forward over ``data``. Offsets in errors count from the first byte of ``data``."""

    __slots__ = ("_data", "_end", "_layer", "_position")

    def __init__(
        self, data: bytes | bytearray | memoryview, layer: str, start: int = 0, end: int | None = None
    ) -> None:
        self._data = bytes(data)
        self._layer = layer
        self._end = len(self._data) if end is None else end
        self._position = start
        if not 0 <= start <= self._end <= len(self._data):
            raise WireError(layer, max(start, 0), "window outside of the data")

    @property
    def position(self) -> int:
        """Offset of the next byte."""
        return self._position

    @property
    def remaining(self) -> int:
        """Bytes not read yet."""
        return self._end - self._position

    def fail(self, reason: str, offset: int | None = None) -> WireError:
        """The error to raise for a field that was read but makes no sense (default: at the current position)."""
        return WireError(self._layer, self._position if offset is None else offset, reason)

    def take(self, count: int) -> bytes:
        """The next ``count`` bytes."""
        start = self._position
        end = start + count
        if count < 0:
            raise WireError(self._layer, start, "negative length")
        if end > self._end:
            raise WireError(self._layer, start, "truncated")
        self._position = end
        return self._data[start:end]

    def rest(self) -> bytes:
        """All that is left, maybe nothing."""
        return self.take(self._end - self._position)

    def skip(self, count: int) -> None:
        """Step over ``count`` bytes."""
        self.take(count)

    def peek(self) -> int:
        """The next byte, not consumed."""
        if self._position >= self._end:
            raise WireError(self._layer, self._position, "truncated")
        return self._data[self._position]

    def expect(self, wanted: bytes, reason: str) -> None:
        """Consume ``wanted`` or fail with ``reason`` where it should have begun."""
        start = self._position
        if self.take(len(wanted)) != wanted:
            raise WireError(self._layer, start, reason)

    def window(self, count: int) -> "Reader":
        """A reader over the next ``count`` bytes only; this one moves past them. Offsets stay those of the whole."""
        start = self._position
        self.take(count)
        return Reader(self._data, self._layer, start, start + count)

    def finish(self) -> None:
        """Fail when bytes are left over."""
        if self._position != self._end:
            raise WireError(self._layer, self._position, "trailing bytes")

    def uint(self, width: int, order: ByteOrder) -> int:
        """Unsigned integer of ``width`` bytes."""
        return int.from_bytes(self.take(width), order)

    def sint(self, width: int, order: ByteOrder) -> int:
        """Two's complement integer of ``width`` bytes."""
        return int.from_bytes(self.take(width), order, signed=True)

    def u8(self) -> int:
        start = self._position
        if start >= self._end:
            raise WireError(self._layer, start, "truncated")
        self._position = start + 1
        return self._data[start]

    def i8(self) -> int:
        return self.sint(1, "big")

    def u16be(self) -> int:
        return self.uint(2, "big")

    def u16le(self) -> int:
        return self.uint(2, "little")

    def i16be(self) -> int:
        return self.sint(2, "big")

    def i16le(self) -> int:
        return self.sint(2, "little")

    def u24be(self) -> int:
        return self.uint(3, "big")

    def u24le(self) -> int:
        return self.uint(3, "little")

    def u32be(self) -> int:
        return self.uint(4, "big")

    def u32le(self) -> int:
        return self.uint(4, "little")

    def i32be(self) -> int:
        return self.sint(4, "big")

    def i32le(self) -> int:
        return self.sint(4, "little")

    def u64be(self) -> int:
        return self.uint(8, "big")

    def u64le(self) -> int:
        return self.uint(8, "little")

    def i64be(self) -> int:
        return self.sint(8, "big")

    def i64le(self) -> int:
        return self.sint(8, "little")

    def bcd(self, width: int, order: ByteOrder) -> int:
        """``2 * width`` decimal digits as a number; a nibble above 9 is an error at its byte."""
        return int(self.bcd_text(width, order) or "0")

    def bcd_text(self, width: int, order: ByteOrder) -> str:
        """``2 * width`` decimal digits as text, leading zeros kept (meter numbers are names, not numbers)."""
        start = self._position
        raw = self.take(width)
        for index, byte in enumerate(raw):
            if byte & 0x0F > 9 or byte >> 4 > 9:
                raise WireError(self._layer, start + index, "not a decimal digit")
        return (raw if order == "big" else raw[::-1]).hex()


class Writer:
    """Collects fields. A value that does not fit raises :class:`WireError` at the offset it would have had."""

    __slots__ = ("_data", "_layer")

    def __init__(self, layer: str) -> None:
        self._data = bytearray()
        self._layer = layer

    def __len__(self) -> int:
        return len(self._data)

    def getvalue(self) -> bytes:
        return bytes(self._data)

    def fail(self, reason: str) -> WireError:
        return WireError(self._layer, len(self._data), reason)

    def put(self, data: bytes) -> None:
        self._data += data

    def uint(self, value: int, width: int, order: ByteOrder) -> None:
        """Unsigned integer of ``width`` bytes."""
        try:
            self._data += value.to_bytes(width, order)
        except OverflowError:
            raise self.fail("value does not fit its field") from None

    def sint(self, value: int, width: int, order: ByteOrder) -> None:
        """Two's complement integer of ``width`` bytes."""
        try:
            self._data += value.to_bytes(width, order, signed=True)
        except OverflowError:
            raise self.fail("value does not fit its field") from None

    def u8(self, value: int) -> None:
        self.uint(value, 1, "big")

    def i8(self, value: int) -> None:
        self.sint(value, 1, "big")

    def u16be(self, value: int) -> None:
        self.uint(value, 2, "big")

    def u16le(self, value: int) -> None:
        self.uint(value, 2, "little")

    def i16be(self, value: int) -> None:
        self.sint(value, 2, "big")

    def i16le(self, value: int) -> None:
        self.sint(value, 2, "little")

    def u24be(self, value: int) -> None:
        self.uint(value, 3, "big")

    def u24le(self, value: int) -> None:
        self.uint(value, 3, "little")

    def u32be(self, value: int) -> None:
        self.uint(value, 4, "big")

    def u32le(self, value: int) -> None:
        self.uint(value, 4, "little")

    def i32be(self, value: int) -> None:
        self.sint(value, 4, "big")

    def i32le(self, value: int) -> None:
        self.sint(value, 4, "little")

    def u64be(self, value: int) -> None:
        self.uint(value, 8, "big")

    def u64le(self, value: int) -> None:
        self.uint(value, 8, "little")

    def i64be(self, value: int) -> None:
        self.sint(value, 8, "big")

    def i64le(self, value: int) -> None:
        self.sint(value, 8, "little")

    def bcd(self, value: int, width: int, order: ByteOrder) -> None:
        """A number as ``2 * width`` decimal digits, zero-filled."""
        if value < 0:
            raise self.fail("value does not fit its field")
        self.bcd_text(str(value).zfill(2 * width), width, order)

    def bcd_text(self, digits: str, width: int, order: ByteOrder) -> None:
        """Exactly ``2 * width`` decimal digits."""
        if len(digits) != 2 * width or not (digits.isascii() and digits.isdigit()):
            raise self.fail("value does not fit its field")
        raw = bytes.fromhex(digits)
        self._data += raw if order == "big" else raw[::-1]
