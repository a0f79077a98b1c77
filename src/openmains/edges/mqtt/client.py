# SPDX-License-Identifier: Apache-2.0
"""The connection to a utility's MQTT broker: one session that is kept (MQTT 5, 3.1.2.4), over connections that come and go.

A connection that ends, however it does, is made again after a pause that doubles up to a minute; the first word of why stands in the log and
in ``state``. What the broker was not told to have arrived comes again on the next connection.
"""

import asyncio
import contextlib
import logging
import ssl
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from openmains.wire.errors import WireError
from openmains.wire.mqtt.packets import Connected, Disconnected, Published, disconnect, publish
from openmains.wire.mqtt.subscriber import (
    Incoming,
    IncomingStream,
    Message,
    Subscribed,
    acknowledge,
    connect_to_stay,
    ping,
    subscribe,
)

log = logging.getLogger("openmains.edge")
CONNECT_S: Final = 10.0
KEEP_ALIVE_S: Final = 30
SESSION_S: Final = 30 * 86_400  # the broker keeps what comes while we are away
TAKEN_OVER: Final = 0x8E  # somebody else signed in under our name (3.14.2.1)
# Not every broker says so: mosquitto 2.0.11 only closes. Ended without a word so soon after we were let in, and so often in a row, is the same.
CUT_WITHIN_S: Final = 10.0
CUTS: Final = 3
RECEIVE_MOST: Final = 500  # messages that may wait for their acknowledgement, and are held by us
FULL_S: Final = 1.0  # so often it is looked whether there is room again
LEAST_PAUSE_S, MOST_PAUSE_S = 1.0, 60.0
MOST_UNREAD: Final = 1 << 20  # bytes that wait for the broker to read them
_FIRST_ID: Final = 1  # of the subscription; commands have the others

Take = Callable[[Message, Callable[[], None]], None]
"""(message, done): ``done`` is called once it may be acknowledged."""


@dataclass(frozen=True, slots=True)
class Broker:
    """Where it is and who we are there."""

    host: str
    port: int
    user: str
    password: str
    client_id: str
    filters: Sequence[str]
    tls: ssl.SSLContext | None = None


class _LeftError(Exception):
    """The connection is of no use any more; the text says why."""


class _ClosedError(_LeftError):
    """The broker ended it without a word."""


class MqttClient:
    """``run`` it; ``take`` is told of every message, in their order."""

    def __init__(self, broker: Broker, take: Take) -> None:
        self.state = "not connected yet"  # "connected", or why not
        self.counters: Counter[str] = Counter()
        self._broker, self._take = broker, take
        self._connection: _Connection | None = None
        self._held = 0
        self._cuts = 0

    @property
    def is_connected(self) -> bool:
        """Signed in, and the subscription taken."""
        return self._connection is not None

    def publish(self, topic: str, payload: bytes, taken: Callable[[bool], None]) -> bool:
        """At QoS 1; ``taken`` is called once: whether the broker has it, and somebody to give it to. False: there is no connection."""
        return self._connection is not None and self._connection.publish(topic, payload, taken)

    async def run(self, stop: asyncio.Event) -> None:
        """Until ``stop``."""
        pause = LEAST_PAUSE_S
        while not stop.is_set():
            ended = asyncio.create_task(self._talk())
            stopped = asyncio.create_task(stop.wait())
            await asyncio.wait({ended, stopped}, return_when=asyncio.FIRST_COMPLETED)
            stopped.cancel()
            if not ended.done():
                ended.cancel()
            was_connected = False
            try:
                was_connected = await ended
            except asyncio.CancelledError:
                return
            except Exception as error:  # a fault of ours ends one connection, not the broker's meters for good
                self._says(f"internal error: {type(error).__name__}")
                log.exception("MQTT broker %s:%d", self._broker.host, self._broker.port)
            if was_connected:
                pause = LEAST_PAUSE_S
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), pause)
            pause = min(2 * pause, MOST_PAUSE_S)

    @property
    def _is_full(self) -> bool:
        """What comes at QoS 0 heeds no Receive Maximum, and over connections that end the same comes again: so we stop reading."""
        return self._held >= RECEIVE_MOST

    def _hold(self, message: Message, done: Callable[[], None]) -> None:
        self._held += 1
        if not message.packet_id:
            if not self.counters["mqtt.at_most_once"]:
                log.warning(
                    "MQTT broker %s:%d: messages come at QoS 0, of which any is lost that comes while we are away: publish at QoS 1",
                    self._broker.host, self._broker.port,
                )  # fmt: skip
            self.counters["mqtt.at_most_once"] += 1

        def kept() -> None:
            self._held -= 1
            done()

        try:
            self._take(message, kept)
        except Exception:  # a fault of ours about one message stops no other; not acknowledged, it comes again
            self._held -= 1
            self.counters["mqtt.internal_error"] += 1
            log.exception("MQTT message on %s", message.topic[:200])

    async def _talk(self) -> bool:
        """One connection, to its end; whether we were let in."""
        broker, connection, loop = self._broker, None, asyncio.get_running_loop()
        was_connected, signed_in_s = False, 0.0
        try:
            async with asyncio.timeout(CONNECT_S):
                reader, writer = await asyncio.open_connection(
                    broker.host, broker.port, ssl=broker.tls, server_hostname=broker.host if broker.tls else None
                )
            connection = _Connection(reader, writer, self._hold, self.counters)
            async with asyncio.timeout(CONNECT_S):
                await connection.sign_in(broker)
            was_connected = True
            self._connection = connection
            self._says("connected")
            self.counters["mqtt.connections"] += 1
            signed_in_s = loop.time()
            await connection.listen(lambda: self._is_full)
        except (_LeftError, WireError, OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            self._says(_words(error))
            if was_connected:
                self._ended(without_a_word=isinstance(error, _ClosedError), after_s=loop.time() - signed_in_s)
        finally:
            self._connection = None
            if connection is not None:
                connection.close()
        return was_connected

    def _ended(self, *, without_a_word: bool, after_s: float) -> None:
        self._cuts = self._cuts + 1 if without_a_word and after_s < CUT_WITHIN_S else 0
        if self._cuts >= CUTS:
            self._cuts = 0
            self.counters["mqtt.taken_over"] += 1

    def _says(self, state: str) -> None:
        if state != self.state:
            self.state = state
            told = log.info if state == "connected" else log.warning
            told("MQTT broker %s:%d: %s", self._broker.host, self._broker.port, state)


class _Connection:
    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, take: Take, counters: Counter[str]
    ) -> None:
        self._reader, self._writer, self._take, self._counters = reader, writer, take, counters
        self._stream = IncomingStream()
        self._packets: list[Incoming] = []
        self._waiting: dict[int, Callable[[bool], None]] = {}
        self._packet_id = _FIRST_ID
        self._later: deque[bytes] = deque()  # of those that wait, what the broker takes later
        self._most_waiting, self._most_packet = 0xFFFF, 1 << 28
        self._keep_alive_s = float(KEEP_ALIVE_S)
        self._wrote_at = self._heard_at = asyncio.get_running_loop().time()
        self._is_open = True

    async def sign_in(self, broker: Broker) -> None:
        """Raises ``_LeftError`` where the broker does not let us in, or not to all that we want to hear."""
        self._write(
            connect_to_stay(
                broker.client_id,
                broker.user,
                broker.password,
                keep_alive_s=KEEP_ALIVE_S,
                session_s=SESSION_S,
                receive_most=RECEIVE_MOST,
            )
        )
        told = await self._next()
        if not isinstance(told, Connected) or told.reason:
            raise _LeftError(_refusal("not let in", told))
        if told.most_qos < 1:
            raise _LeftError("it takes QoS 0 only")
        self._most_packet = told.most_packet or self._most_packet
        self._most_waiting = told.most_waiting or 1
        self._keep_alive_s = float(min(told.keep_alive_s or KEEP_ALIVE_S, KEEP_ALIVE_S))
        if told.session_s is not None and told.session_s < SESSION_S:
            log.warning("MQTT broker %s:%d keeps our session for %d s only: what comes when we are away for longer is lost",
                        broker.host, broker.port, told.session_s)  # fmt: skip
        self._write(subscribe(_FIRST_ID, broker.filters))
        while True:  # what waited for us may come before the answer
            told = await self._next()
            if isinstance(told, Subscribed):
                break
            self._handle(told)
        refused = [name for name, reason in zip(broker.filters, told.reasons, strict=False) if reason >= 0x80]
        if refused or len(told.reasons) != len(broker.filters):
            raise _LeftError(f"subscription refused: {', '.join(refused)}")
        if 0 in told.reasons:
            raise _LeftError("it gives QoS 0 only, by which messages are lost")

    async def listen(self, is_full: Callable[[], bool]) -> None:
        """Raises when it is over. While it ``is_full`` nothing is read. The broker counts from what we wrote last (3.1.2.10)."""
        loop = asyncio.get_running_loop()
        while True:
            if (due := self._wrote_at + self._keep_alive_s / 2) <= loop.time():
                self._write(ping())
                continue
            if is_full():
                self._counters["mqtt.full"] += 1
                await asyncio.sleep(min(FULL_S, due - loop.time()))
                self._heard_at = loop.time()
                continue
            try:
                async with asyncio.timeout_at(due):
                    told = await self._next()
            except TimeoutError:
                if loop.time() - self._heard_at > 1.5 * self._keep_alive_s:
                    raise
                continue
            self._handle(told)

    def publish(self, topic: str, payload: bytes, taken: Callable[[bool], None]) -> bool:
        if not self._is_open or len(self._waiting) >= RECEIVE_MOST:
            return False
        for _ in range(len(self._waiting) + 2):
            self._packet_id = self._packet_id % 0xFFFF + 1
            if self._packet_id != _FIRST_ID and self._packet_id not in self._waiting:
                break
        packet = publish(topic, self._packet_id, payload, content_type="application/json")
        if len(packet) > self._most_packet:
            return False
        self._waiting[self._packet_id] = taken
        if len(self._waiting) - len(self._later) > self._most_waiting:
            self._later.append(packet)
        else:
            self._write(packet)
        return True

    def close(self) -> None:
        self._is_open = False
        with contextlib.suppress(OSError):
            self._writer.write(disconnect())
        self._writer.close()
        waiting, self._waiting = self._waiting, {}
        for taken in waiting.values():
            taken(False)

    async def _next(self) -> Incoming:
        while not self._packets:
            data = await self._reader.read(65_536)
            if not data:
                raise _ClosedError("it closed the connection")
            self._heard_at = asyncio.get_running_loop().time()
            self._packets = self._stream.feed(data)
        return self._packets.pop(0)

    def _handle(self, told: Incoming) -> None:
        if isinstance(told, Message):
            self._take(told, partial(self._done, told.packet_id))
        elif isinstance(told, Published):
            taken = self._waiting.pop(told.packet_id, None)
            if taken is not None:
                if self._later:
                    self._write(self._later.popleft())
                if told.reason:
                    self._counters["mqtt.publish_refused"] += 1
                taken(told.reason == 0)
        elif isinstance(told, Disconnected):
            self._counters["mqtt.taken_over"] += told.reason == TAKEN_OVER
            raise _LeftError(_refusal("it ended the connection", told))

    def _done(self, packet_id: int) -> None:
        """On disk. On a connection that is gone the broker is not told, and gives the message again on the next one."""
        if packet_id and self._is_open:
            self._write(acknowledge(packet_id))

    def _write(self, packet: bytes) -> None:
        self._wrote_at = asyncio.get_running_loop().time()
        if self._writer.is_closing():
            return
        self._writer.write(packet)
        if self._writer.transport.get_write_buffer_size() > MOST_UNREAD:
            self._writer.transport.abort()


def _refusal(what: str, told: Incoming) -> str:
    if not isinstance(told, Connected | Disconnected):
        return f"{what}: an answer that was not expected"
    text = "".join(sign if sign.isprintable() else " " for sign in told.text)
    return f"{what}: reason {told.reason:#04x} {text}".strip()


def _words(error: BaseException) -> str:
    if isinstance(error, _LeftError | WireError):
        return str(error)
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ssl.SSLError):
        return f"TLS: {error.reason or type(error).__name__}"
    return f"{type(error).__name__}: {error}"
