# SPDX-License-Identifier: Apache-2.0
"""The part of CBOR that LwM2M needs (RFC 8949): data items to values and back, exactly.

Theory: an item is a head (major type, argument) and what follows from it. Values here are int, Decimal, str, bytes,
bool, None, list and dict with scalar keys. A floating-point number becomes the decimal that its sender meant
(:func:`meant`), and a decimal that no double carries is written as a decimal fraction (tag 4, section 3.4.4): no digit
of a register is lost on either way. A date and time as text (tag 0) becomes its seconds since 1970, the mark of CBOR
itself (tag 55799) nothing. Not taken: NaN and infinities (no reading is one), other tags, duplicate keys, simple values
other than false, true and null, nesting above ``MAX_DEPTH``. What is not taken but has an end is an :class:`Odd` to
``decode_sound``, so that one such value does not cost its neighbours; ``decode`` and ``read`` raise at the first.
"""

from datetime import UTC, datetime
from decimal import Decimal
from struct import Struct
from typing import Any, Final, NamedTuple

from openmains.wire.cursor import Reader, Writer
from openmains.wire.errors import WireError

LAYER: Final = "cbor"
MAX_DEPTH: Final = 8

HALF: Final = Struct("!e")
SINGLE: Final = Struct("!f")
DOUBLE: Final = Struct("!d")
_DIGITS: Final = {HALF: 5, SINGLE: 9, DOUBLE: 17}
REGISTER_DECIMALS: Final = 3
SELF_DESCRIBED: Final = 55_799  # section 3.4.6: means nothing
_FLOATS: Final = {25: HALF, 26: SINGLE, 27: DOUBLE}
_BREAK: Final = object()
MAX_EXPONENT: Final = 400
"""Largest power of ten, either way, of a decimal fraction: doubles need 308, and a larger one is an attack on memory."""


class Odd(NamedTuple):
    """In the place of a value that is not taken: why, and at which byte."""

    reason: str
    offset: int


def decode(data: bytes) -> Any:
    """The one item that ``data`` is. Raises :class:`WireError` for anything else."""
    reader = Reader(data, LAYER)
    value = read(reader)
    reader.finish()
    return value


def decode_sound(data: bytes) -> Any:
    """The same with an :class:`Odd` for each value that is not taken. Raises :class:`WireError` where no end is found."""
    reader = Reader(data, LAYER)
    value = _whole(reader)
    reader.finish()
    return value


def read(reader: Reader) -> Any:
    """The next item of ``reader``."""
    value = _whole(reader)
    odd = _first_odd(value)
    if odd is not None:
        raise WireError(LAYER, odd.offset, odd.reason)
    return value


def _whole(reader: Reader) -> Any:
    value = _item(reader, 0)
    if value is _BREAK:
        raise reader.fail("break without a beginning")
    return value


def _first_odd(value: Any) -> Odd | None:
    if isinstance(value, Odd):
        return value
    inside = value if isinstance(value, list) else value.values() if isinstance(value, dict) else ()
    return next((odd for odd in map(_first_odd, inside) if odd is not None), None)


def _item(reader: Reader, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise reader.fail("nested too deep")
    at = reader.position
    head = reader.u8()
    major, info = head >> 5, head & 31
    if major == 7:
        return _simple(reader, info, at)
    if info < 24:
        count = info
    elif info < 28:
        count = reader.uint(1 << (info - 24), "big")
    elif info == 31 and 2 <= major <= 5:
        return _indefinite(reader, major, depth, at)
    else:
        raise reader.fail("length reserved", at)
    if major == 0:
        return count
    if major == 1:
        return -1 - count
    if major == 2:
        return reader.take(count)
    if major == 3:
        return _text(reader.take(count), at)
    if major == 6:
        return _tagged(reader, count, depth, at)
    if count > reader.remaining:
        raise reader.fail("truncated", at)  # every element takes at least one byte
    if major == 4:
        return [_value(reader, depth) for _ in range(count)]
    return _pairs(reader, [_value(reader, depth) for _ in range(2 * count)], at)


def _value(reader: Reader, depth: int) -> Any:
    value = _item(reader, depth + 1)
    if value is _BREAK:
        raise reader.fail("break without a beginning")
    return value


def _indefinite(reader: Reader, major: int, depth: int, at: int) -> Any:
    items: list[Any] = []
    odd: Odd | None = None
    while (value := _item(reader, depth + 1)) is not _BREAK:
        if (major == 2 and not isinstance(value, bytes)) or (major == 3 and not isinstance(value, str)):
            odd = value if isinstance(value, Odd) else Odd("chunk of another type", at)
        items.append(value)
    if odd is not None:
        return odd
    if major == 2:
        return b"".join(items)
    if major == 3:
        return "".join(items)
    return items if major == 4 else _pairs(reader, items, at)


def _pairs(reader: Reader, items: list[Any], at: int) -> dict[Any, Any] | Odd:
    if len(items) & 1:
        raise reader.fail("key without a value", at)
    pairs: dict[Any, Any] = {}
    for key, value in zip(items[::2], items[1::2], strict=True):
        if type(key) not in (int, str, bytes) or key in pairs:
            return Odd("key unusable", at)
        pairs[key] = value
    return pairs


def _text(raw: bytes, at: int) -> str | Odd:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return Odd("text is not UTF-8", at)


def _simple(reader: Reader, info: int, at: int) -> Any:
    if info == 20:
        return False
    if info == 21:
        return True
    if info == 22:
        return None
    if info == 31:
        return _BREAK
    form = _FLOATS.get(info)
    if form is None:
        if info > 24:
            raise reader.fail("simple value unknown", at)  # 28 to 30: nobody knows where it ends
        if info == 24:
            reader.skip(1)
        return Odd("simple value unknown", at)
    number: float = form.unpack(reader.take(form.size))[0]
    if number - number:  # NaN and infinities
        return Odd("not a finite number", at)
    return meant(number, form)


def meant(number: float, form: Struct) -> Decimal:
    """The decimal that a sender meant by ``number``, a finite float that came in ``form``.

    Senders with doubles shorten a float only where that changes nothing, so its exact value is meant: 65504, or
    250000.125 in a single. Senders that have no better float mean the decimal whose nearest float it is: 12345.678 for a
    single of 12345.677734375. Registers count litres at the finest, so the exact value is taken when it has at most
    three decimals and no more digits than the float tells apart, else the shortest decimal that is stored as this float.
    The two differ for singles above 131072 only, and by less than such a single's own step. A half is always exact.
    """
    digits = _DIGITS[form]
    exact = Decimal(number)
    _, places, exponent = exact.as_tuple()
    whole = "".join(map(str, places)).rstrip("0")
    decimals = max(0, -int(exponent) - (len(places) - len(whole)))
    if form is HALF or (len(whole) <= digits and decimals <= REGISTER_DECIMALS):
        return exact
    if form is DOUBLE:
        return Decimal(repr(number))
    raw = form.pack(number)
    for count in range(1, digits):
        decimal = f"{number:.{count}g}"
        if _packs_to(form, decimal, raw):
            return Decimal(decimal)
    return Decimal(f"{number:.{digits}g}")


def _packs_to(form: Struct, decimal: str, raw: bytes) -> bool:
    try:
        return form.pack(float(decimal)) == raw
    except OverflowError:
        return False


def _tagged(reader: Reader, tag: int, depth: int, at: int) -> Any:
    value = _value(reader, depth)
    if isinstance(value, Odd) or tag == SELF_DESCRIBED:
        return value
    if tag == 0 and isinstance(value, str):
        return _instant(value, at)
    if tag == 1 and isinstance(value, int | Decimal) and not isinstance(value, bool):
        return value  # section 3.4.2: seconds since 1970
    if tag == 4 and isinstance(value, list) and len(value) == 2 and all(type(part) is int for part in value):
        exponent, mantissa = value
        if abs(exponent) > MAX_EXPONENT or abs(mantissa) >> 64:
            return Odd("decimal fraction too large", at)
        return Decimal(mantissa).scaleb(exponent) if exponent < 0 else Decimal(mantissa * 10**exponent)
    return Odd("tag unknown", at)


def _instant(text: str, at: int) -> int | Odd:
    """Whole seconds since 1970 of a date and time (section 3.4.1, RFC 3339)."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return Odd("not a date and time", at)
    if moment.tzinfo is None or "T" not in text.upper():
        return Odd("not a date and time", at)
    return int((moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() // 1)


def encode(value: Any) -> bytes:
    """The item of ``value`` in its shortest form, keys in the order given.

    Raises :class:`WireError` for integers beyond 64 bits and numbers that are not finite, ``TypeError`` for other types.
    """
    writer = Writer(LAYER)
    write(writer, value)
    return writer.getvalue()


def write(writer: Writer, value: Any) -> None:
    """Append the item of ``value``."""
    if value is None or value is True or value is False:
        writer.u8(0xF6 if value is None else 0xF5 if value else 0xF4)
    elif isinstance(value, int):
        head(writer, 0 if value >= 0 else 1, value if value >= 0 else -1 - value)
    elif isinstance(value, Decimal):
        _write_decimal(writer, value)
    elif isinstance(value, str):
        raw = value.encode()
        head(writer, 3, len(raw))
        writer.put(raw)
    elif isinstance(value, bytes):
        head(writer, 2, len(value))
        writer.put(value)
    elif isinstance(value, list | tuple):
        head(writer, 4, len(value))
        for item in value:
            write(writer, item)
    elif isinstance(value, dict):
        head(writer, 5, len(value))
        for key, item in value.items():
            write(writer, key)
            write(writer, item)
    else:
        raise TypeError(f"no CBOR for {type(value).__name__}")


def head(writer: Writer, major: int, argument: int) -> None:
    """Major type and argument in as few bytes as it takes."""
    if argument < 24:
        writer.u8(major << 5 | argument)
        return
    for info, width in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if not argument >> 8 * width:
            writer.u8(major << 5 | info)
            writer.uint(argument, width, "big")
            return
    raise writer.fail("integer beyond 64 bits")


def _write_decimal(writer: Writer, value: Decimal) -> None:
    if not value.is_finite():
        raise writer.fail("not a finite number")
    number = float(value)
    if not number - number:  # else it is beyond a double
        for first, form in ((0xF9, HALF), (0xFA, SINGLE), (0xFB, DOUBLE)):
            try:
                raw = form.pack(number)
            except OverflowError:
                continue
            if form.unpack(raw)[0] == number and meant(number, form) == value:
                writer.u8(first)
                writer.put(raw)
                return
    sign, digits, exponent = value.as_tuple()
    mantissa = int("".join(map(str, digits)))
    if not isinstance(exponent, int) or abs(exponent) > MAX_EXPONENT or mantissa >> 64:
        raise writer.fail("decimal fraction too large")
    writer.u8(0xC4)
    write(writer, [exponent, -mantissa if sign else mantissa])
