# SPDX-License-Identifier: Apache-2.0
"""Plain text and the single CBOR value: one resource's value by itself (LwM2M core 1.1 sections 7.4.1, 7.4.4).

Theory: both carry one value and no path, so the resource's definition decides what it is. In text a boolean is ``0`` or
``1``, opaque bytes are base64, a time is whole Unix seconds. Numbers keep all their digits.
"""

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from decimal import Decimal, InvalidOperation
from typing import Final

from openmains.wire.errors import WireError
from openmains.wire.lwm2m.codec import cbor
from openmains.wire.lwm2m.value import ObjectLink, Type, Value, coerce, object_link

LAYER: Final = "text"
MAX_NUMBER: Final = 64
"""Letters of a number."""
MAX_EXPONENT: Final = cbor.MAX_EXPONENT


def decode(data: bytes, wanted: Type | None) -> Value:
    """The value of a text/plain payload; the text itself when no definition knows the type. Raises WireError."""
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise WireError(LAYER, error.start, "text is not UTF-8") from None
    if wanted is None or wanted in (Type.STRING, Type.CORELNK):
        return text
    if wanted is Type.BOOLEAN:
        if text not in ("0", "1"):
            raise WireError(LAYER, 0, "not a boolean")
        return text == "1"
    if wanted is Type.OPAQUE:
        return decode_base64(text)
    if wanted is Type.OBJLNK:
        return object_link(text)
    return coerce(number(text), wanted)


def encode(value: Value, wanted: Type | None) -> bytes:
    """The payload of one value. Raises :class:`WireError` for a value of another type."""
    value = coerce(value, wanted)
    if isinstance(value, bytes):
        return b64encode(value)
    if isinstance(value, bool):
        return b"1" if value else b"0"
    if isinstance(value, Decimal):
        return plain(value).encode()
    return str(value).encode()


def decode_cbor(data: bytes, wanted: Type | None) -> Value:
    """The value of an application/cbor payload. Raises :class:`WireError`."""
    value = cbor.decode(data)
    if value is None or isinstance(value, list | dict):
        raise WireError(cbor.LAYER, 0, "not a single value")
    found: Value = value
    return coerce(found, wanted)


def encode_cbor(value: Value, wanted: Type | None) -> bytes:
    """The payload of one value. Raises :class:`WireError` for a value of another type."""
    value = coerce(value, wanted)
    if isinstance(value, ObjectLink):
        return cbor.encode(str(value))
    item = cbor.encode(value)
    return b"\xc1" + item if wanted is Type.TIME else item


def number(text: str) -> int | Decimal:
    """A decimal number in the letters of JSON, all digits kept. Raises :class:`WireError`."""
    if len(text) > MAX_NUMBER or not text or not set(text) <= set("+-0123456789.eE"):
        raise WireError(LAYER, 0, "not a number")
    try:
        if text.lstrip("+-").isdigit():
            return int(text)
        value = Decimal(text)
    except (InvalidOperation, ValueError):
        raise WireError(LAYER, 0, "not a number") from None
    if value and abs(value.adjusted()) > MAX_EXPONENT:
        raise WireError(LAYER, 0, "number too large")
    return value


def plain(value: Decimal) -> str:
    """A decimal as JSON and plain text write it. Raises :class:`WireError` for one that is not finite or too large."""
    if not value.is_finite() or (value and abs(value.adjusted()) > MAX_EXPONENT):
        raise WireError(LAYER, 0, "number too large")
    return str(value)


def decode_base64(text: str, url: bool = False) -> bytes:
    """Base64, with ``url`` in the alphabet for URLs and without padding (RFC 4648 sections 4, 5). Raises WireError."""
    try:
        if url:
            text = text.rstrip("=")
            return b64decode(text + "=" * (-len(text) % 4), altchars="-_", validate=True)
        return b64decode(text, validate=True)
    except (Base64Error, ValueError):
        raise WireError(LAYER, 0, "not base64") from None
