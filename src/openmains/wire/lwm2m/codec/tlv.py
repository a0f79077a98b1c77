# SPDX-License-Identifier: Apache-2.0
"""TLV (LwM2M core 1.0.2 section 6.4.3): entries to bytes and back, and values by their types.

Theory: an entry is a type byte (what it is: two bits; width of the id: one; how the length is said: five), the id, the
length, the value. Object instances hold resources, multiple resources hold resource instances, nothing else nests. A
value's bytes mean nothing without the resource's type.
"""

from decimal import Decimal
from enum import IntEnum
from typing import Final, NamedTuple

from openmains.wire.cursor import Reader, Writer
from openmains.wire.lwm2m.codec.cbor import DOUBLE, SINGLE, meant
from openmains.wire.lwm2m.value import ObjectLink, Type, Value, coerce

LAYER: Final = "tlv"


class Kind(IntEnum):
    """What an entry is."""

    INSTANCE = 0
    RESOURCE_INSTANCE = 1
    MULTIPLE = 2
    RESOURCE = 3


_INSIDE: Final = {Kind.INSTANCE: (Kind.MULTIPLE, Kind.RESOURCE), Kind.MULTIPLE: (Kind.RESOURCE_INSTANCE,)}


class Entry(NamedTuple):
    """One entry: a value, or the entries inside of it."""

    kind: Kind
    id: int
    value: bytes = b""
    inside: tuple["Entry", ...] = ()


def decode(data: bytes) -> list[Entry]:
    """All entries of a payload; none in an empty one. Raises :class:`WireError`."""
    return _entries(Reader(data, LAYER), tuple(Kind))


def _entries(reader: Reader, allowed: tuple[Kind, ...]) -> list[Entry]:
    found: list[Entry] = []
    while reader.remaining:
        at = reader.position
        first = reader.u8()
        kind = Kind(first >> 6)
        if kind not in allowed:
            raise reader.fail("entry out of place", at)
        number = reader.u16be() if first & 0x20 else reader.u8()
        how = first >> 3 & 3
        size = reader.uint(how, "big") if how else first & 7  # with a length field the low bits must be ignored
        if kind in _INSIDE:
            inside = _entries(reader.window(size), _INSIDE[kind])
            found.append(Entry(kind, number, b"", tuple(inside)))
        else:
            found.append(Entry(kind, number, reader.take(size)))
    return found


def encode(entries: list[Entry] | tuple[Entry, ...]) -> bytes:
    """The payload, each length in its shortest form. Raises :class:`WireError` for what the format cannot carry."""
    writer = Writer(LAYER)
    for entry in entries:
        value = encode(entry.inside) if entry.kind in _INSIDE else entry.value
        size = len(value)
        how = 0 if size < 8 else (size.bit_length() + 7) >> 3
        if how > 3:
            raise writer.fail("value too long")
        wide = entry.id > 0xFF
        writer.u8(entry.kind << 6 | wide << 5 | how << 3 | (0 if how else size))
        writer.uint(entry.id, 2 if wide else 1, "big")
        if how:
            writer.uint(size, how, "big")
        writer.put(value)
    return writer.getvalue()


def decode_value(raw: bytes, wanted: Type | None) -> Value:
    """The value that ``raw`` is; the bytes themselves when no definition knows the type. Raises :class:`WireError`."""
    reader = Reader(raw, LAYER)
    size = len(raw)
    if wanted is None or wanted is Type.OPAQUE:
        return raw
    if wanted in (Type.STRING, Type.CORELNK):
        try:
            return raw.decode()
        except UnicodeDecodeError as error:
            raise reader.fail("text is not UTF-8", error.start) from None
    if wanted is Type.BOOLEAN and size == 1 and raw[0] < 2:
        return raw[0] == 1
    if wanted in (Type.INTEGER, Type.TIME) and size in (1, 2, 4, 8):
        return reader.sint(size, "big")
    if wanted is Type.UNSIGNED and size in (1, 2, 4, 8):
        return reader.uint(size, "big")
    if wanted is Type.OBJLNK and size == 4:
        return ObjectLink(reader.u16be(), reader.u16be())
    if wanted is Type.FLOAT and size in (4, 8):
        form = SINGLE if size == 4 else DOUBLE
        number: float = form.unpack(raw)[0]
        if number - number:
            raise reader.fail("not a finite number", 0)
        return meant(number, form)
    raise reader.fail("value of a wrong length", 0)


def encode_value(value: Value, wanted: Type | None) -> bytes:
    """The bytes of ``value``, integers as short as they go, floats in the width that keeps every digit.

    Raises :class:`WireError` for a value of another type and for a decimal that no double carries.
    """
    writer = Writer(LAYER)
    value = coerce(value, wanted)
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, bool):
        return b"\x01" if value else b"\x00"
    if isinstance(value, ObjectLink):
        writer.u16be(value.object_id)
        writer.u16be(value.instance_id)
        return writer.getvalue()
    if isinstance(value, int):
        if wanted is Type.UNSIGNED:
            width = next(width for width in (1, 2, 4, 8) if value < 1 << 8 * width)
            writer.uint(value, width, "big")
        else:
            fitting = (width for width in (1, 2, 4, 8) if -1 << 8 * width - 1 <= value < 1 << 8 * width - 1)
            writer.sint(value, next(fitting, 8), "big")
        return writer.getvalue()
    return _float(value, writer)


def _float(value: Decimal, writer: Writer) -> bytes:
    if value.is_finite():
        for form in (SINGLE, DOUBLE):
            try:
                raw = form.pack(float(value))
            except OverflowError:
                continue
            stored: float = form.unpack(raw)[0]
            # A single only for what it holds without error: a peer that widens it to a double must see the same number.
            if stored == float(value) and not stored - stored and meant(stored, form) == value:
                return raw
    raise writer.fail("no double carries this number")
