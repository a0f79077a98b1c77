# SPDX-License-Identifier: Apache-2.0
"""What the options mean: numbers, lengths, repetition, criticality, and the block option's fields.

Theory: the number says how to treat an option that one does not know (RFC 7252 section 5.4.6): odd is critical
(the message must be refused), even is elective (skipped); bit 1 unsafe to forward; bits 2–4 all set: no part of
the cache key. A known option of a length outside of its range, or a second copy of a non-repeatable one, counts
as unknown (5.4.3, 5.4.5). The table below is the whole knowledge; ``check`` applies it.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

from openmains.wire.coap.message import LAYER, Option
from openmains.wire.errors import WireError

IF_MATCH: Final = 1
URI_HOST: Final = 3
ETAG: Final = 4
IF_NONE_MATCH: Final = 5
OBSERVE: Final = 6
URI_PORT: Final = 7
LOCATION_PATH: Final = 8
URI_PATH: Final = 11
CONTENT_FORMAT: Final = 12
MAX_AGE: Final = 14
URI_QUERY: Final = 15
ACCEPT: Final = 17
LOCATION_QUERY: Final = 20
BLOCK2: Final = 23
BLOCK1: Final = 27
SIZE2: Final = 28
PROXY_URI: Final = 35
PROXY_SCHEME: Final = 39
SIZE1: Final = 60
NO_RESPONSE: Final = 258


class Rule(NamedTuple):
    """Name, allowed length of the value in bytes, whether it may repeat."""

    name: str
    shortest: int
    longest: int
    repeatable: bool


RULES: Final[dict[int, Rule]] = {
    IF_MATCH: Rule("If-Match", 0, 8, True),
    URI_HOST: Rule("Uri-Host", 1, 255, False),
    ETAG: Rule("ETag", 1, 8, True),
    IF_NONE_MATCH: Rule("If-None-Match", 0, 0, False),
    OBSERVE: Rule("Observe", 0, 3, False),
    URI_PORT: Rule("Uri-Port", 0, 2, False),
    LOCATION_PATH: Rule("Location-Path", 0, 255, True),
    URI_PATH: Rule("Uri-Path", 0, 255, True),
    CONTENT_FORMAT: Rule("Content-Format", 0, 2, False),
    MAX_AGE: Rule("Max-Age", 0, 4, False),
    URI_QUERY: Rule("Uri-Query", 0, 255, True),
    ACCEPT: Rule("Accept", 0, 2, False),
    LOCATION_QUERY: Rule("Location-Query", 0, 255, True),
    BLOCK2: Rule("Block2", 0, 3, False),
    BLOCK1: Rule("Block1", 0, 3, False),
    SIZE2: Rule("Size2", 0, 4, False),
    PROXY_URI: Rule("Proxy-Uri", 1, 1034, False),
    PROXY_SCHEME: Rule("Proxy-Scheme", 1, 255, False),
    SIZE1: Rule("Size1", 0, 4, False),
    NO_RESPONSE: Rule("No-Response", 0, 1, False),
}

# Critical options that a server acts on by itself or hands on by name. If-Match and If-None-Match are not among them:
# an application that honours them says so (``Server(understood=…)``), else they are refused as section 5.4.1 wants.
UNDERSTOOD: Final[frozenset[int]] = frozenset({URI_HOST, URI_PORT, URI_PATH, URI_QUERY, ACCEPT, BLOCK1, BLOCK2})


class Refused(Exception):
    """A critical option that is unknown, of a wrong length, repeated against its rule or not UTF-8."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def check(options: Iterable[Option], understood: frozenset[int]) -> list[Option]:
    """The options to obey: elective ones that are unknown or break their rule are left out.

    Raises :class:`Refused` for a critical one. Options unknown to the table but named in ``understood`` pass unchecked.
    """
    kept: list[Option] = []
    previous = -1
    for option in options:
        number, value = option
        rule = RULES.get(number)
        fits = (
            (rule.shortest <= len(value) <= rule.longest and (rule.repeatable or number != previous))
            if rule is not None
            else number in understood
        )
        if number & 1:
            if not fits or number not in understood:
                raise Refused(number)
            kept.append(option)
        elif fits:
            kept.append(option)
        previous = number
    return kept


def uint(value: int) -> bytes:
    """An option's unsigned integer: big-endian without leading zeros, 0 is the empty string (section 3.2)."""
    return value.to_bytes((value.bit_length() + 7) >> 3, "big")


def get(options: Iterable[Option], number: int) -> bytes | None:
    """The first value of ``number``, None when absent."""
    for candidate, value in options:
        if candidate == number:
            return value
    return None


def get_uint(options: Iterable[Option], number: int) -> int | None:
    """The first value of ``number`` as an unsigned integer, None when absent."""
    value = get(options, number)
    return None if value is None else int.from_bytes(value, "big")


class Block(NamedTuple):
    """A Block1 or Block2 value (RFC 7959 section 2.2): block ``number``, ``more`` follow, size exponent ``szx`` 0…6."""

    number: int
    more: bool
    szx: int

    @property
    def size(self) -> int:
        """Bytes in a full block: 16…1024."""
        return 16 << self.szx

    @property
    def start(self) -> int:
        """Offset of the block in the body."""
        return self.number << (self.szx + 4)

    def encode(self) -> bytes:
        """The option's value. Raises :class:`WireError` when the number needs more than 20 bits."""
        if not (0 <= self.number < 1 << 20 and 0 <= self.szx <= 6):
            raise WireError(LAYER, 0, "block number or size out of range")
        return uint(self.number << 4 | (8 if self.more else 0) | self.szx)


def block(value: bytes) -> Block:
    """Parse a block option. Raises :class:`WireError` for the reserved size exponent 7 and for more than 3 bytes."""
    if len(value) > 3:
        raise WireError(LAYER, 0, "block option too long")
    number = int.from_bytes(value, "big")
    if number & 7 == 7:
        raise WireError(LAYER, 0, "block size reserved")
    return Block(number >> 4, bool(number & 8), number & 7)


def cache_key(options: Iterable[Option]) -> tuple[Option, ...]:
    """The options that tell two resources apart (RFC 7252 section 5.4.2), without the block and size options, which
    tell only the parts of one body apart (RFC 7959 section 2.5), and without Observe."""
    return tuple(
        option
        for option in options
        if option[0] not in (BLOCK1, BLOCK2, OBSERVE, NO_RESPONSE, SIZE1, SIZE2) and option[0] & 0x1E != 0x1C
    )
