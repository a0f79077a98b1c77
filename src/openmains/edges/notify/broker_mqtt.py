# SPDX-License-Identifier: Apache-2.0
"""A connection to a broker of MQTT 5: one event at a time, each waits for its PUBACK.

A PUBACK 'no matching subscribers' is a refusal: the broker has thrown the event away. So nothing is lost while the receiver's session
does not exist yet; while it exists and is away, the broker keeps events for it.
"""

import asyncio
import contextlib
import ssl
from typing import Final

from openmains.app.notice.brokers import BrokerMessage
from openmains.app.notice.shapes.talk import MOST_REASON, Accepted, Outcome, Refused
from openmains.wire.errors import WireError
from openmains.wire.mqtt.packets import (
    MOST_OUT,
    NOBODY,
    Connected,
    Disconnected,
    Packet,
    PacketStream,
    Published,
    connect,
    disconnect,
    publish,
)

CONNECT_S = 5.0
KEEP_ALIVE_S = 60  # the connection is left long before: no PINGREQ is needed
_REASONS: Final = {
    0x80: "unspecified error", 0x81: "malformed packet", 0x82: "protocol error", 0x83: "implementation specific error",
    0x84: "unsupported protocol version", 0x85: "client identifier not valid", 0x86: "bad user name or password",
    0x87: "not authorized", 0x88: "server unavailable", 0x89: "server busy", 0x8A: "banned", 0x8B: "server shutting down",
    0x8D: "keep alive timeout", 0x8E: "session taken over", 0x90: "topic name invalid", 0x93: "receive maximum exceeded",
    0x95: "packet too large", 0x97: "quota exceeded", 0x98: "administrative action", 0x99: "payload format invalid",
    0x9B: "QoS not supported", 0x9C: "use another server", 0x9D: "server moved", 0x9F: "connection rate exceeded",
}  # fmt: skip
_WRONG_CONTENT: Final = frozenset(
    {0x90, 0x95, 0x99}
)  # such an event is refused for ever: the loop counts it as HTTP's 422
_WRONG, _OTHER = 422, 503


async def opened(address: str, message: BrokerMessage, context: ssl.SSLContext | None) -> "MqttConnection | Refused":
    """Signed in, or why not. Raises ``OSError``."""
    async with asyncio.timeout(CONNECT_S):
        reader, writer = await asyncio.open_connection(
            address, message.port, ssl=context, server_hostname=message.host if context else None
        )
    connection = MqttConnection(reader, writer)
    try:
        told = await connection.sign_in(message)
    except BaseException:
        await connection.close()
        raise
    if told is not None:
        await connection.close()
        return told
    return connection


class MqttConnection:
    """``BrokerConnection``."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._packets = PacketStream()
        self._waiting: list[Packet] = []
        self._packet_id = 0
        self._most = MOST_OUT

    async def sign_in(self, message: BrokerMessage) -> Refused | None:
        """None: the broker lets us publish."""
        told = await self._ask(connect(message.client, message.login, message.password, KEEP_ALIVE_S))
        if isinstance(told, Refused):
            return told
        if not isinstance(told, Connected):
            return _refused(told, message.host)
        if told.reason:
            return _refused(told, message.host)
        if told.most_qos < 1:
            return Refused(f"the broker takes QoS 0 only: {message.host}", is_final=True)
        self._most = told.most_packet or MOST_OUT
        return None

    async def send(self, message: BrokerMessage) -> Outcome:
        self._packet_id = self._packet_id % 0xFFFF + 1
        packet = publish(
            message.where,
            self._packet_id,
            message.body,
            content_type=message.content_type,
            properties=[("idempotency-key", message.key)],
        )
        if len(packet) > self._most:
            return Refused(f"larger than the broker takes ({self._most} B)", status=413)
        told = await self._ask(packet)
        if isinstance(told, Refused):
            return told
        if isinstance(told, Published) and told.packet_id == self._packet_id:
            if told.reason == NOBODY:
                return Refused(f"no session holds the topic {message.where}", status=_OTHER)
            return Accepted() if told.reason < 0x80 else _refused(told, message.host)
        return _refused(told, message.host)

    async def close(self) -> None:
        with contextlib.suppress(OSError):
            self._writer.write(disconnect())
        self._writer.close()

    async def _ask(self, packet: bytes) -> Packet | Refused:
        """The next packet; ``Refused`` for what is no MQTT."""
        self._writer.write(packet)
        await self._writer.drain()
        try:
            while not self._waiting:
                data = await self._reader.read(4096)
                if not data:
                    raise ConnectionResetError
                self._waiting = self._packets.feed(data)
        except WireError as error:
            return Refused(f"answer not understood: {error}"[:MOST_REASON])
        return self._waiting.pop(0)


def _refused(told: Packet, host: str) -> Refused:
    """``status`` only of a PUBACK: after it the connection is still good."""
    said = _REASONS.get(told.reason, f"reason {told.reason:#04x}")
    text = "".join(sign if sign.isprintable() else " " for sign in told.text)
    reason = f"MQTT {said}: {host} {text}".strip()[:MOST_REASON]
    if isinstance(told, Disconnected):
        return Refused(reason)
    if isinstance(told, Connected) or told.reason < 0x80:
        return Refused(reason if told.reason else f"answer not expected: {host}")
    return Refused(reason, status=_WRONG if told.reason in _WRONG_CONTENT else _OTHER)
