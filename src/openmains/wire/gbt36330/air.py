# SPDX-License-Identifier: Apache-2.0
"""What carries a GB/T 36330 frame between gateway, relay and meter (R5.1–R5.3), *ours*: the standard's frame says neither whom it is for nor on
which channel, for its section 6 leaves the radio to the maker.

``A6 · length (1) · network (2) · channel (1) · flags (1) · logical id (2) · via (1) · body (0–139) · check (2)``

``length`` counts from the network to the check, both with it. ``flags``: bit 7 down, bit 6 a relay has sent it on, bits 3–0 the kind. The same
bytes go to a radio module on a serial or TCP line, which sends them on the channel that they name.

A join and its welcome carry the first eight bytes of HMAC-SHA256 under the meter's own key over everything before them: who does not know the
key is given no logical id, and no meter takes one, nor a time, from a stranger. A beacon has them under the network's key: it is for gateways.
"""

import hmac
from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar, Final

from openmains.wire import framing
from openmains.wire.crc import CRC16_XMODEM
from openmains.wire.cursor import Reader, Writer
from openmains.wire.errors import WireError

LAYER: Final = "gbt36330.air"
MARK: Final = 0xA6
FRONT: Final = 2  # mark and length
HEADER: Final = 7  # network, channel, flags, logical id, via
CHECK: Final = 2
MOST_BODY: Final = 139  # a frame of GB/T 36330 with a check of four bytes
NOBODY: Final = 0  # the logical id of whoever has none
PROOF: Final = 8
NUMBER_DIGITS: Final = 16
_DOWN, _RELAYED, _KIND = 0x80, 0x40, 0x0F


class AirKind(IntEnum):
    """What a body is."""

    DATA = 1  # a frame of GB/T 36330
    JOIN = 2  # up: a meter without a logical id
    WELCOME = 3  # down: its logical id and slice
    BEACON = 4  # down: a gateway is here
    WAKE = 5  # down: a passive meter is to report
    PROBE = 6  # down to a relay, up from it: whether it is there


@dataclass(frozen=True, slots=True)
class AirFrame:
    """``via``: the relay that it goes over, 0 without one."""

    network: int
    channel: int
    kind: AirKind
    down: bool
    logical: int = NOBODY
    via: int = 0
    relayed: bool = False
    body: bytes = b""


def encode_air(frame: AirFrame) -> bytes:
    """Raises ``WireError`` for what a frame cannot carry."""
    if len(frame.body) > MOST_BODY:
        raise WireError(LAYER, FRONT + HEADER, "body too long")
    writer = Writer(LAYER)
    writer.u16be(frame.network)
    writer.u8(frame.channel)
    writer.u8(_DOWN * frame.down | _RELAYED * frame.relayed | frame.kind)
    writer.u16be(frame.logical)
    writer.u8(frame.via)
    writer.put(frame.body)
    covered = writer.getvalue()
    return bytes((MARK, len(covered) + CHECK)) + covered + CRC16_XMODEM.of(covered).to_bytes(CHECK, "big")


def decode_air_untrusted(data: bytes) -> AirFrame:
    """Exactly one frame; raises ``WireError``."""
    reader = Reader(data, LAYER)
    reader.expect(bytes((MARK,)), "mark")
    length = reader.u8()
    if not HEADER + CHECK <= length <= HEADER + MOST_BODY + CHECK:
        raise reader.fail("frame length", 1)
    within = reader.window(length)
    reader.finish()
    covered = data[FRONT:-CHECK]
    if CRC16_XMODEM.of(covered).to_bytes(CHECK, "big") != data[-CHECK:]:
        raise reader.fail("check", len(data) - CHECK)
    network, channel, flags, logical, via = within.u16be(), within.u8(), within.u8(), within.u16be(), within.u8()
    try:
        kind = AirKind(flags & _KIND)
    except ValueError:
        raise reader.fail("kind", 5) from None
    if flags & ~(_DOWN | _RELAYED | _KIND) & 0xFF:
        raise reader.fail("flags", 5)
    body = within.take(within.remaining - CHECK)
    return AirFrame(network, channel, kind, bool(flags & _DOWN), logical, via, bool(flags & _RELAYED), body)


class AirDeframer(framing.Deframer[AirFrame]):
    """Frames out of what a radio module says on its line."""

    start: ClassVar[int | None] = MARK
    __slots__ = ()

    def _size(self, at: int) -> int | None:
        if at + 1 >= len(self._buffer):
            return None
        length = self._buffer[at + 1]
        if not HEADER + CHECK <= length <= HEADER + MOST_BODY + CHECK:
            raise WireError(LAYER, 1, "frame length")
        return FRONT + length

    def _decode(self, data: bytes) -> AirFrame:
        return decode_air_untrusted(data)


@dataclass(frozen=True, slots=True)
class Join:
    """``number``: the meter's, 16 digits; ``active``: it reports by itself in its slice, else it is woken."""

    number: str
    application: int
    version: int
    active: bool
    nonce: bytes


@dataclass(frozen=True, slots=True)
class Welcome:
    """``nonce``: of the join. The slice: the meter owns ``channel`` for ``slice_s`` from ``slice_index`` × ``slice_s`` of each cycle of
    ``cycle_s``, which begin at multiples of it since 1970 UTC. ``at_ms``: the time now, 0: not known."""

    number: str
    nonce: bytes
    logical: int
    slice_index: int
    channel: int
    via: int
    cycle_s: int
    slice_s: int
    at_ms: int
    utc_offset_min: int


@dataclass(frozen=True, slots=True)
class Beacon:
    """``run``: drawn anew at each start of the gateway's program; ``at_ms``: its time, 0: not known."""

    run: int
    at_ms: int


def encode_join(join: Join, key: bytes) -> bytes:
    """The body of a JOIN."""
    writer = Writer(LAYER)
    writer.put(_number(join.number))
    writer.u8(join.application)
    writer.u8(join.version)
    writer.u8(int(join.active))
    writer.put(join.nonce)
    if len(join.nonce) != 4:
        raise WireError(LAYER, 11, "nonce")
    return writer.getvalue() + proof(key, b"join", writer.getvalue())


def decode_join_untrusted(body: bytes) -> Join:
    """Who says so is not known before ``is_proven``."""
    reader = Reader(body, LAYER)
    number = reader.bcd_text(NUMBER_DIGITS // 2, "big")
    application, version, flags, nonce = reader.u8(), reader.u8(), reader.u8(), reader.take(4)
    if flags > 1:
        raise reader.fail("flags", 10)
    reader.take(PROOF)
    reader.finish()
    return Join(number, application, version, bool(flags), nonce)


def encode_welcome(welcome: Welcome, key: bytes) -> bytes:
    """The body of a WELCOME."""
    writer = Writer(LAYER)
    writer.put(_number(welcome.number))
    if len(welcome.nonce) != 4:
        raise WireError(LAYER, 8, "nonce")
    writer.put(welcome.nonce)
    for value, width in (
        (welcome.logical, 2), (welcome.slice_index, 4), (welcome.channel, 1), (welcome.via, 1), (welcome.cycle_s, 4),
        (welcome.slice_s, 2), (welcome.at_ms, 8),
    ):  # fmt: skip
        writer.uint(value, width, "big")
    writer.sint(welcome.utc_offset_min, 2, "big")
    return writer.getvalue() + proof(key, b"welcome", writer.getvalue())


def decode_welcome_untrusted(body: bytes) -> Welcome:
    """The same for the other way."""
    reader = Reader(body, LAYER)
    number, nonce = reader.bcd_text(NUMBER_DIGITS // 2, "big"), reader.take(4)
    logical, slice_index, channel, via, cycle_s, slice_s, at_ms = (
        reader.uint(width, "big") for width in (2, 4, 1, 1, 4, 2, 8)
    )
    offset = reader.sint(2, "big")
    reader.take(PROOF)
    reader.finish()
    if not 0 < slice_s <= cycle_s:
        raise reader.fail("slice", 24)
    return Welcome(number, nonce, logical, slice_index, channel, via, cycle_s, slice_s, at_ms, offset)


def encode_beacon(beacon: Beacon, key: bytes) -> bytes:
    """The body of a BEACON."""
    covered = beacon.run.to_bytes(4, "big") + beacon.at_ms.to_bytes(8, "big")
    return covered + proof(key, b"beacon", covered)


def decode_beacon_untrusted(body: bytes) -> Beacon:
    """Raises ``WireError`` for anything else."""
    reader = Reader(body, LAYER)
    found = Beacon(reader.uint(4, "big"), reader.uint(8, "big"))
    reader.take(PROOF)
    reader.finish()
    return found


def proof(key: bytes, what: bytes, covered: bytes) -> bytes:
    """Of whoever has the key."""
    return hmac.digest(key, what + covered, "sha256")[:PROOF]


def is_proven(key: bytes, what: bytes, body: bytes) -> bool:
    """Whether the end of a body proves what is before it."""
    return hmac.compare_digest(proof(key, what, body[:-PROOF]), body[-PROOF:])


def meter_key(network_key: bytes, number: str) -> bytes:
    """A meter's own key (16 bytes) out of its gateway's: what is written into one meter opens no other."""
    return hmac.digest(network_key, b"gbt36330 meter " + number.encode(), "sha256")[:16]


def _number(number: str) -> bytes:
    if len(number) != NUMBER_DIGITS or not (number.isascii() and number.isdigit()):
        raise WireError(LAYER, 0, "number")
    return bytes.fromhex(number)
