# SPDX-License-Identifier: Apache-2.0
"""MQTT 5.0 as far as a client needs it that takes messages in, with a session that outlives its connection (4.1): beside what a publisher
says (``packets.py``) CONNECT without a clean start, SUBSCRIBE, PUBACK and PINGREQ out; PUBLISH, SUBACK and PINGRESP in.

We take at most QoS 1, so a PUBLISH of QoS 2 is a breach. Who acknowledges when is not decided here: the broker keeps a message of QoS 1
until its PUBACK, and gives no more than ``receive_most`` of them at once (3.1.2.11.3).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from openmains.wire.cursor import Reader, Writer
from openmains.wire.mqtt.packets import (
    LAYER,
    Packet,
    decode_untrusted,
    put_text,
    size_of,
    take_length,
    take_properties,
    written,
)

MOST_IN: Final = 256 * 1024  # bytes of a packet; the broker is told, and sends no larger one
_CONNECT, _PUBLISH, _PUBACK, _SUBSCRIBE, _SUBACK = 0x10, 0x30, 0x40, 0x82, 0x90
_PINGREQ, _PINGRESP = 0xC0, 0xD0
_EXPIRY, _RECEIVE_MOST, _MOST_PACKET = 0x11, 0x21, 0x27
_FLAGS: Final = 0x0F


@dataclass(frozen=True, slots=True)
class Message:
    """A PUBLISH that came. ``packet_id`` 0: QoS 0, nothing to acknowledge. ``again``: the broker sent it before and heard no PUBACK."""

    topic: str
    payload: bytes
    packet_id: int = 0
    again: bool = False
    retained: bool = False


@dataclass(frozen=True, slots=True)
class Subscribed:
    """SUBACK: a reason for each filter, from 0x80 on it is refused."""

    packet_id: int
    reasons: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Pong:
    """PINGRESP."""


Incoming = Packet | Message | Subscribed | Pong


def connect_to_stay(
    client_id: str, user: str, password: str, *, keep_alive_s: int, session_s: int, receive_most: int
) -> bytes:
    """3.1 with a session that is kept for ``session_s`` after the connection; without a user no password is sent."""
    told = Writer(LAYER)
    told.u8(_EXPIRY)
    told.u32be(session_s)
    told.u8(_RECEIVE_MOST)
    told.u16be(receive_most)
    told.u8(_MOST_PACKET)
    told.u32be(MOST_IN)
    body = Writer(LAYER)
    put_text(body, "MQTT")
    body.u8(5)
    body.u8((0x80 if user else 0) | (0x40 if user and password else 0))
    body.u16be(keep_alive_s)
    body.u8(len(told.getvalue()))
    body.put(told.getvalue())
    put_text(body, client_id)
    if user:
        put_text(body, user)
        if password:
            put_text(body, password)
    return written(_CONNECT, body.getvalue())


def subscribe(packet_id: int, filters: Sequence[str]) -> bytes:
    """At QoS 1 (3.8); what is retained comes only with a new subscription."""
    body = Writer(LAYER)
    body.u16be(packet_id)
    body.u8(0)
    for each in filters:
        put_text(body, each)
        body.u8(0x01 | 0x10)  # QoS 1; retain handling 1
    return written(_SUBSCRIBE, body.getvalue())


def acknowledge(packet_id: int) -> bytes:
    """PUBACK, success (3.4)."""
    return bytes((_PUBACK, 2)) + packet_id.to_bytes(2, "big")


def ping() -> bytes:
    """PINGREQ (3.12)."""
    return bytes((_PINGREQ, 0))


class IncomingStream:
    """What a broker says, however it is cut. Raises ``WireError`` for good: a stream of MQTT has no place to begin anew (4.13)."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Incoming]:
        """The packets that these bytes complete."""
        self._buffer += data
        found: list[Incoming] = []
        while (size := size_of(self._buffer, MOST_IN)) is not None:
            found.append(decode_incoming_untrusted(bytes(self._buffer[:size])))
            del self._buffer[:size]
        return found


def decode_incoming_untrusted(data: bytes) -> Incoming:
    """Exactly one packet; raises ``WireError``."""
    reader = Reader(data, LAYER)
    kind = reader.u8()
    if kind & 0xF0 == _PUBLISH:
        return _message(reader, kind & _FLAGS)
    if kind not in (_SUBACK, _PINGRESP):
        return decode_untrusted(data)
    body = reader.window(take_length(reader))
    reader.finish()
    if kind == _PINGRESP:
        body.finish()
        return Pong()
    packet_id = body.u16be()
    take_properties(body)
    reasons = body.rest()
    if not reasons:
        raise body.fail("no reason")
    return Subscribed(packet_id, tuple(reasons))


def _message(reader: Reader, flags: int) -> Message:
    body = reader.window(take_length(reader))
    reader.finish()
    qos = flags >> 1 & 3
    if qos > 1:
        raise reader.fail("QoS", 0)
    at = body.position + 2
    try:
        topic = body.take(body.u16be()).decode()
    except UnicodeDecodeError:
        raise body.fail("text", at) from None
    if not topic or any(sign in topic for sign in "+#\0"):
        raise body.fail("topic", at)
    packet_id = body.u16be() if qos else 0
    if qos and not packet_id:
        raise body.fail("packet id")
    take_properties(body)
    return Message(topic, body.rest(), packet_id, bool(flags & 8), bool(flags & 1))


def filter_fault(text: str) -> str:
    """What is wrong with a topic filter (4.7), "" where nothing is."""
    levels = text.split("/")
    if not text or "\0" in text or len(text.encode()) > 0xFFFF:
        return "it is empty, too long, or has a NUL"
    if any("#" in level and (level != "#" or place != len(levels) - 1) for place, level in enumerate(levels)):
        return "# stands alone, at the end"
    if any("+" in level and level != "+" for level in levels):
        return "+ stands alone between two slashes"
    return ""
