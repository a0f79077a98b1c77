# SPDX-License-Identifier: Apache-2.0
"""CoAP messages: bytes to values and back (RFC 7252 section 3; options of 5.10, RFC 7959, 7641, 7967).

Theory: a datagram is a 4-byte header, a token of 0…8 bytes, options in rising order as (delta, length, value),
then 0xFF and a payload of at least one byte, or nothing. This file knows the *form* only. What an option means,
whether it may repeat and whether an unknown one is fatal (critical, odd number) or skipped (elective, even
number) is in ``options.py``; who must answer a malformed message with a Reset is in ``server.py`` and
``client.py``.

``decode`` is the hottest function of an edge process: one pass, no helper calls, plain integers instead of
enumerations.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from struct import Struct
from typing import Final

from openmains.wire.errors import WireError

LAYER: Final = "coap"

# Message types (section 3). Plain integers, for they are compared for every datagram.
CON: Final = 0
NON: Final = 1
ACK: Final = 2
RST: Final = 3

EMPTY: Final = 0  # code 0.00

Option = tuple[int, bytes]
Options = tuple[Option, ...] | list[Option]

HEADER: Final = Struct("!BBH")  # first byte, code, message id


def code(kind: int, detail: int) -> int:
    """The code byte of ``kind.detail``: ``code(2, 4)`` is 2.04."""
    return kind << 5 | detail


def code_text(value: int) -> str:
    """``2.04`` for 0x44."""
    return f"{code_class(value)}.{value & 31:02d}"


def code_class(value: int) -> int:
    """0 a request, 2 success, 4 the client's fault, 5 the server's (section 3)."""
    return value >> 5


def is_success(value: int) -> bool:
    """Whether a response says that it was done (class 2)."""
    return value >> 5 == 2


class Method(IntEnum):
    """Request codes (RFC 7252 section 12.1.1, RFC 8132)."""

    GET = 1
    POST = 2
    PUT = 3
    DELETE = 4
    FETCH = 5
    PATCH = 6
    IPATCH = 7


class Code(IntEnum):
    """Response codes (RFC 7252 section 12.1.2, RFC 7959 section 6, RFC 8516)."""

    CREATED = 0x41  # 2.01
    DELETED = 0x42  # 2.02
    VALID = 0x43  # 2.03
    CHANGED = 0x44  # 2.04
    CONTENT = 0x45  # 2.05
    CONTINUE = 0x5F  # 2.31
    BAD_REQUEST = 0x80  # 4.00
    UNAUTHORIZED = 0x81  # 4.01
    BAD_OPTION = 0x82  # 4.02
    FORBIDDEN = 0x83  # 4.03
    NOT_FOUND = 0x84  # 4.04
    METHOD_NOT_ALLOWED = 0x85  # 4.05
    NOT_ACCEPTABLE = 0x86  # 4.06
    REQUEST_ENTITY_INCOMPLETE = 0x88  # 4.08
    CONFLICT = 0x89  # 4.09
    PRECONDITION_FAILED = 0x8C  # 4.12
    REQUEST_ENTITY_TOO_LARGE = 0x8D  # 4.13
    UNSUPPORTED_CONTENT_FORMAT = 0x8F  # 4.15
    TOO_MANY_REQUESTS = 0x9D  # 4.29
    INTERNAL_SERVER_ERROR = 0xA0  # 5.00
    NOT_IMPLEMENTED = 0xA1  # 5.01
    BAD_GATEWAY = 0xA2  # 5.02
    SERVICE_UNAVAILABLE = 0xA3  # 5.03
    GATEWAY_TIMEOUT = 0xA4  # 5.04
    PROXYING_NOT_SUPPORTED = 0xA5  # 5.05


@dataclass(slots=True)
class Message:
    """One CoAP message. ``options`` are (number, value) in rising order; ``payload`` is b'' when there is none."""

    kind: int
    code: int
    mid: int
    token: bytes = b""
    options: Options = ()
    payload: bytes = b""


def decode(data: bytes) -> Message:
    """Parse one datagram.

    Raises :class:`WireError` for everything that section 3 calls a message format error, for the reserved code classes
    1, 6 and 7, and for a version other than 1 (reason ``"version"``, which a receiver must ignore without any answer).
    """
    length = len(data)
    if length < 4:
        raise WireError(LAYER, 0, "shorter than a header")
    first = data[0]
    if first & 0xC0 != 0x40:
        raise WireError(LAYER, 0, "version")
    at = 4 + (first & 15)
    if at > 12:
        raise WireError(LAYER, 0, "token length reserved")
    code_ = data[1]
    if not code_:
        # Section 4.1: an Empty message has no bytes after its message id.
        if length != 4 or first & 15:
            raise WireError(LAYER, 4, "empty message with content")
        return Message(first >> 4 & 3, 0, data[2] << 8 | data[3])
    if code_ >= 0xC0 or 0x20 <= code_ < 0x40:
        raise WireError(LAYER, 1, "code class reserved")
    if at > length:
        raise WireError(LAYER, 4, "token truncated")
    token = data[4:at]
    options: list[Option] = []
    payload = b""
    number = 0
    try:
        while at < length:
            byte = data[at]
            at += 1
            if byte == 0xFF:
                if at == length:
                    raise WireError(LAYER, at, "payload marker without payload")
                payload = data[at:]
                break
            delta = byte >> 4
            size = byte & 15
            if delta < 13:
                number += delta
            elif delta == 13:
                number += data[at] + 13
                at += 1
            elif delta == 14:
                number += (data[at] << 8 | data[at + 1]) + 269
                at += 2
            else:
                raise WireError(LAYER, at - 1, "option delta reserved")
            if size < 13:
                end = at + size
            elif size == 13:
                end = at + 1 + data[at] + 13
                at += 1
            elif size == 14:
                end = at + 2 + (data[at] << 8 | data[at + 1]) + 269
                at += 2
            else:
                raise WireError(LAYER, at - 1, "option length reserved")
            if end > length:
                raise WireError(LAYER, at, "option truncated")
            options.append((number, data[at:end]))
            at = end
    except IndexError:
        raise WireError(LAYER, length, "option truncated") from None
    if number > 0xFFFF:
        raise WireError(LAYER, at, "option number above 65535")
    return Message(first >> 4 & 3, code_, data[2] << 8 | data[3], token, options, payload)


def encode(message: Message) -> bytes:
    """The datagram of ``message``. Options are sorted by number, equal numbers keep their order.

    Raises :class:`WireError` for what the format cannot carry (token over 8 bytes, Empty with content, …).
    """
    token = message.token
    if not 0 <= message.kind <= 3:
        raise WireError(LAYER, 0, "type out of range")
    if not 0 <= message.mid <= 0xFFFF:
        raise WireError(LAYER, 2, "message id out of range")
    if not 0 <= message.code <= 0xBF or 0x20 <= message.code < 0x40:
        raise WireError(LAYER, 1, "code class reserved")
    if len(token) > 8:
        raise WireError(LAYER, 0, "token length reserved")
    if not message.code and (token or message.options or message.payload):
        raise WireError(LAYER, 4, "empty message with content")
    head = HEADER.pack(0x40 | message.kind << 4 | len(token), message.code, message.mid) + token
    if message.options:
        head += encode_options(message.options)
    return head + b"\xff" + message.payload if message.payload else head


def encode_options(options: Iterable[Option]) -> bytes:
    """The options part of a datagram (section 3.1), sorted."""
    out = bytearray()
    previous = 0
    for number, value in sorted(options, key=_number):
        delta = number - previous
        size = len(value)
        if delta < 0 or number > 0xFFFF:
            raise WireError(LAYER, 0, "option number out of range")
        if size > 65535 + 269:
            raise WireError(LAYER, 0, "option too long")
        previous = number
        out.append(
            (delta if delta < 13 else 13 if delta < 269 else 14) << 4
            | (size if size < 13 else 13 if size < 269 else 14)
        )
        for part in (delta, size):
            if part >= 269:
                out += (part - 269).to_bytes(2, "big")
            elif part >= 13:
                out.append(part - 13)
        out += value
    return bytes(out)


def empty(kind: int, mid: int) -> bytes:
    """An empty ACK or a Reset for ``mid``, or a ping (an empty CON)."""
    return HEADER.pack(0x40 | kind << 4, 0, mid)


def fingerprint(datagram: bytes) -> int:
    """What tells a copy of a datagram from another one: 64 bits over all of it, kept in its stead.

    Keyed by the process (SipHash of the interpreter), so nobody outside can make two that agree; not to be stored.
    """
    return hash(datagram)


def _number(option: Option) -> int:
    return option[0]
