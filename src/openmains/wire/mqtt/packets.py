# SPDX-License-Identifier: Apache-2.0
"""MQTT 5.0 (OASIS, 2019) as far as a client needs it that only publishes at QoS 1: CONNECT, PUBLISH, DISCONNECT out; CONNACK, PUBACK,
DISCONNECT in. Nothing is subscribed to, so a PUBLISH of the broker is a breach and fails like any other packet that cannot come. Who takes
messages in speaks by ``subscriber.py``, over the same few parts.

5.0 and not 3.1.1: only there a PUBACK says *no*. A broker of 3.1.1 acknowledges what its access rules forbid and drops it, and never says
that nobody holds the topic.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from openmains.wire.cursor import Reader, Writer
from openmains.wire.errors import WireError

LAYER: Final = "mqtt"
MOST_IN: Final = 16 * 1024  # bytes of a packet that is taken; what comes to a publisher has a few dozen
MOST_OUT: Final = 0x0FFF_FFFF  # 1.5.5: the largest remaining length
NOBODY: Final = 0x10  # PUBACK: no matching subscribers (3.4.2.1)
_CONNECT, _CONNACK, _PUBLISH, _PUBACK, _DISCONNECT = 0x10, 0x20, 0x32, 0x40, 0xE0
_DUPLICATE: Final = 0x08
_CONTENT_TYPE, _REASON_STRING, _USER_PROPERTY, _MOST_QOS, _MOST_PACKET = 0x03, 0x1F, 0x26, 0x24, 0x27
_EXPIRY, _KEEP_ALIVE, _RECEIVE_MOST = 0x11, 0x13, 0x21
# 2.2.2.2: how wide each property is that may stand in what comes in; 0: text or bytes led by their length, -1: a pair of texts
_WIDTHS: Final = {
    0x01: 1, 0x02: 4, _CONTENT_TYPE: 0, 0x08: 0, 0x09: 0, 0x11: 4, 0x12: 0, 0x13: 2, 0x15: 0, 0x16: 0, 0x1A: 0, 0x1C: 0, _REASON_STRING: 0,
    0x21: 2, 0x22: 2, _MOST_QOS: 1, 0x25: 1,
    _USER_PROPERTY: -1, _MOST_PACKET: 4, 0x28: 1, 0x29: 1, 0x2A: 1,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Connected:
    """CONNACK: ``reason`` 0: come in. ``most_qos``: what the broker takes at most; ``most_packet``: bytes, None: as MQTT has it.

    ``most_waiting``: messages of ours that may wait for their PUBACK; ``keep_alive_s``, ``session_s``: the broker's own, None: as we asked."""

    reason: int
    text: str = ""
    most_qos: int = 2
    most_packet: int | None = None
    most_waiting: int = 0xFFFF
    keep_alive_s: int | None = None
    session_s: int | None = None


@dataclass(frozen=True, slots=True)
class Published:
    """PUBACK of a packet: below 0x80 the broker has it."""

    packet_id: int
    reason: int
    text: str = ""


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The broker ends the connection, and says why."""

    reason: int
    text: str = ""


Packet = Connected | Published | Disconnected


def connect(client_id: str, user: str = "", password: str = "", keep_alive_s: int = 60) -> bytes:
    """A clean start (3.1); without a user no password is sent."""
    body = Writer(LAYER)
    put_text(body, "MQTT")
    body.u8(5)
    body.u8(0x02 | (0x80 if user else 0) | (0x40 if user and password else 0))
    body.u16be(keep_alive_s)
    body.u8(0)
    put_text(body, client_id)
    if user:
        put_text(body, user)
        if password:
            put_text(body, password)
    return written(_CONNECT, body.getvalue())


def publish(
    topic: str,
    packet_id: int,
    payload: bytes,
    *,
    content_type: str = "",
    properties: Sequence[tuple[str, str]] = (),
    again: bool = False,
) -> bytes:
    """At QoS 1 (3.3). ``again``: the same packet once more on this session."""
    if not topic or any(sign in topic for sign in "+#\0") or not packet_id:
        raise WireError(LAYER, 0, "topic" if packet_id else "packet id")
    told = Writer(LAYER)
    if content_type:
        told.u8(_CONTENT_TYPE)
        put_text(told, content_type)
    for name, value in properties:
        told.u8(_USER_PROPERTY)
        put_text(told, name)
        put_text(told, value)
    body = Writer(LAYER)
    put_text(body, topic)
    body.u16be(packet_id)
    body.put(_length(len(told.getvalue())) + told.getvalue() + payload)
    return written(_PUBLISH | (_DUPLICATE if again else 0), body.getvalue())


def disconnect() -> bytes:
    """A normal end (3.14)."""
    return bytes((_DISCONNECT, 0))


class PacketStream:
    """What a broker says, however it is cut. Raises ``WireError`` for good: a stream of MQTT has no place to begin anew (4.13)."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Packet]:
        """The packets that these bytes complete."""
        self._buffer += data
        found: list[Packet] = []
        while (size := size_of(self._buffer, MOST_IN)) is not None:
            found.append(decode_untrusted(bytes(self._buffer[:size])))
            del self._buffer[:size]
        return found


def decode_untrusted(data: bytes) -> Packet:
    """Exactly one packet; raises ``WireError``."""
    reader = Reader(data, LAYER)
    kind = reader.u8()
    body = reader.window(take_length(reader))
    reader.finish()
    if kind == _CONNACK:
        body.u8()
        reason = body.u8()
        told = take_properties(body)
        said = told.numbers
        packet: Packet = Connected(
            reason, told.text, said.get(_MOST_QOS, 2), said.get(_MOST_PACKET), said.get(_RECEIVE_MOST, 0xFFFF),
            said.get(_KEEP_ALIVE), said.get(_EXPIRY),
        )  # fmt: skip
    elif kind == _PUBACK:
        packet_id = body.u16be()
        reason = body.u8() if body.remaining else 0  # 3.4.2.1: left out, it is success
        packet = Published(packet_id, reason, take_properties(body).text if body.remaining else "")
    elif kind == _DISCONNECT:
        reason = body.u8() if body.remaining else 0
        packet = Disconnected(reason, take_properties(body).text if body.remaining else "")
    else:
        raise reader.fail("unexpected packet", 0)
    body.finish()
    return packet


@dataclass(frozen=True, slots=True)
class Told:
    """Properties of a packet: its reason in words, and numbers by name."""

    text: str
    numbers: dict[int, int]


def take_properties(reader: Reader) -> Told:
    """The properties that stand next (2.2.2)."""
    within = reader.window(take_length(reader))
    text, numbers = "", dict[int, int]()
    while within.remaining:
        at = within.position
        name = within.u8()
        width = _WIDTHS.get(name)
        if width is None or (name in numbers or (name == _REASON_STRING and text)):
            raise within.fail("property", at)
        if width > 0:
            numbers[name] = within.uint(width, "big")
            continue
        value = within.take(within.u16be())
        if width < 0:
            within.skip(within.u16be())
        elif name == _REASON_STRING:
            text = value.decode("utf-8", "replace")
    return Told(text, numbers)


def size_of(buffer: bytearray, most: int) -> int | None:
    """Bytes of the packet that stands first; None: not all of it is there. Raises ``WireError`` where more than ``most`` are to follow."""
    length, shift = 0, 0
    for at in range(1, min(len(buffer), 5)):
        length |= (buffer[at] & 0x7F) << shift
        shift += 7
        if not buffer[at] & 0x80:
            if length > most:
                raise WireError(LAYER, 1, "too long")
            return at + 1 + length if len(buffer) >= at + 1 + length else None
    if len(buffer) >= 5:
        raise WireError(LAYER, 1, "length")
    return None


def take_length(reader: Reader) -> int:
    """A variable byte integer (1.5.5): at most four bytes, no longer than needed."""
    length, at = 0, reader.position
    for place in range(4):
        byte = reader.u8()
        length |= (byte & 0x7F) << 7 * place
        if not byte & 0x80:
            if place and not byte:
                break
            return length
    raise reader.fail("length", at)


def _length(value: int) -> bytes:
    if value > MOST_OUT:
        raise WireError(LAYER, 0, "too long")
    found = bytearray()
    while True:
        value, low = value >> 7, value & 0x7F
        found.append(low | (0x80 if value else 0))
        if not value:
            return bytes(found)


def written(kind: int, body: bytes) -> bytes:
    """A whole packet."""
    return bytes((kind,)) + _length(len(body)) + body


def put_text(writer: Writer, text: str) -> None:
    """Text led by its length (1.5.4)."""
    raw = text.encode()
    if "\0" in text:
        raise writer.fail("text")
    writer.u16be(len(raw))
    writer.put(raw)
