# SPDX-License-Identifier: Apache-2.0
"""The uplink stream on NATS JetStream: durable, ordered by shard, read from any position.

What is kept here and what is not: the stream keeps bytes on disk and answers *after* the sync (server setting
``sync_interval: always``). The reader's place is not kept by NATS: it is committed in PostgreSQL together with the
effects of the messages, so a message is applied once however often it is read (ADR 0002). The stream refuses new
messages when it is full (``discard: new``); the edge then answers its devices 5.03 and they try again.
"""

import asyncio
import contextlib
import json
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import Error as NatsError
from nats.js.api import (
    AckPolicy,
    ConsumerConfig,
    DeliverPolicy,
    DiscardPolicy,
    RetentionPolicy,
    StorageType,
    StreamConfig,
)
from nats.js.errors import NotFoundError

from openmains.app.ingest.uplink import Uplink, encode_batch, shard_of

log = logging.getLogger("openmains.stream")
STREAM = "UPLINK"
SUBJECT = "uplink"
PREFETCH = 64  # messages asked for at once; a message holds up to 500 uplinks
AHEAD = 1 << 32  # sequence numbers that a restore leaves out (copy.py)
IDLE_S = 300  # until the server forgets a reader that asks for nothing: a batch takes long on a busy machine
EXPIRES_S = 5  # the server answers each request within this time, if only to say that nothing came


class StreamUnavailableError(Exception):
    """The stream did not confirm: it is down, full or slow. Nothing may be acknowledged to a device."""


@dataclass(slots=True, frozen=True)
class StreamState:
    """Size of the stream: messages and bytes not yet purged, last sequence."""

    messages: int
    bytes: int
    last_sequence: int


ADMIN = "openmains"  # the supervisor's own checks, the demo utility, benches


def inbox_of(user: str) -> str:
    """Prefix of the subjects on which an account is answered: nobody reads another's answers (run/engines/nats_users.py)."""
    return "_INBOX" if user in ("", ADMIN) else f"_INBOX_{user}"


async def connect(url: str, *, user: str = "", password: str = "", name: str = "openmains") -> Client:
    """A connection that reconnects for ever; raises ``OSError`` or ``nats.errors.Error`` when the first try fails."""
    client = Client()

    async def hang_up(_error: Exception) -> None:
        """Every failing call raises where it is made. Said here too is a try to reconnect that came to nothing: the library leaves
        its connection open, and where the server fell silent after its greeting, the loop that reads it takes the next one's bytes."""
        if asyncio.current_task() is client._reconnection_task:
            hang_up_now(client)

    try:
        await client.connect(
            url,
            inbox_prefix=inbox_of(urlsplit(url).username or user).encode(),
            user=user or None,
            password=password or None,
            name=name,
            max_reconnect_attempts=-1,
            reconnect_time_wait=0.2,  # type: ignore[arg-type]  # said to be int, passed to asyncio.sleep
            ping_interval=5,
            max_outstanding_pings=2,
            error_cb=hang_up,
        )
    except BaseException:
        hang_up_now(client)
        raise
    return client


def hang_up_now(client: Client) -> None:
    """Close what a try that failed left open: the library does not."""
    if client._transport is not None:
        client._transport.close()  # type: ignore[no-untyped-call]  # the library gives it no types


def given_up(client: Client) -> bool:
    """Whether it will not come back by itself: closed for good (some words of the server do that), or its efforts to reconnect
    ended with a fault of the library's, which it does not say."""
    efforts = client._reconnection_task
    return client.is_closed or (not client.is_connected and efforts is not None and efforts.done())


class UplinkStream:
    """Publish and read batches of uplinks (see ``app.ingest.uplink`` for their bytes)."""

    def __init__(self, client: Client, *, max_bytes: int, replicas: int = 1) -> None:
        self.client = client
        self._js = client.jetstream(timeout=5)
        self._max_bytes = max_bytes
        self._replicas = replicas

    async def ensure(self, *, update: bool = True) -> None:
        """Create the stream or (``update``) bring its settings up to date; safe for many at once."""
        config = StreamConfig(
            name=STREAM,
            subjects=[f"{SUBJECT}.*"],
            retention=RetentionPolicy.LIMITS,
            storage=StorageType.FILE,
            discard=DiscardPolicy.NEW,
            max_bytes=self._max_bytes,
            num_replicas=self._replicas,
            max_msg_size=1_000_000,
        )
        try:
            await self._js.stream_info(STREAM)
        except NotFoundError:
            await self._js.add_stream(config)
        else:
            if update:
                await self._js.update_stream(config)

    async def publish(self, shard: int, data: bytes, *, wait_s: float = 10.0) -> int:
        """Store one batch; returns its sequence once it is on disk.

        :raises StreamUnavailableError: not confirmed. It may still have been stored; the pipeline recognises repeats.
        """
        try:
            # Its own timeout covers the answer only: with a full socket the sending itself would wait without end.
            ack = await asyncio.wait_for(self._js.publish(f"{SUBJECT}.{shard}", data, timeout=wait_s), wait_s + 1)
        except (NatsError, TimeoutError, OSError) as error:
            raise StreamUnavailableError(str(error) or type(error).__name__) from error
        return ack.seq

    async def reader(self, shard: int, after: int) -> "ShardReader":
        """Read a shard from the message after sequence ``after``.

        A stream that is shorter than ``after`` was made anew (its files were lost): it is read from its start, because
        waiting for ``after`` would skip what it acknowledged meanwhile. Repeats are recognised.
        """
        newest = (await self.state()).last_sequence
        if newest < after:
            log.error("shard %d: the stream ends at %d, before our position %d: reading it all", shard, newest, after)
            after = 0
        config = ConsumerConfig(
            name=f"shard-{shard}-{self.client._nuid.next().decode()}",
            deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
            opt_start_seq=after + 1,
            ack_policy=AckPolicy.NONE,
            filter_subject=f"{SUBJECT}.{shard}",
            mem_storage=True,
            inactive_threshold=IDLE_S,
        )
        try:
            info = await self._js.add_consumer(STREAM, config)
        except (NatsError, TimeoutError, OSError) as error:
            raise StreamUnavailableError(str(error) or type(error).__name__) from error
        reader = ShardReader(self.client, info.name, after)
        try:
            await reader.start()
        except (NatsError, OSError) as error:
            await reader.close()
            raise StreamUnavailableError(str(error) or type(error).__name__) from error
        return reader

    async def purge(self, shard: int, up_to: int) -> bool:
        """Forget messages of a shard whose effects are committed; whether it was done.

        The message ``up_to`` itself stays: a stream that holds its newest message can not forget its last sequence,
        whatever a crash takes from it, and positions stay true.
        """
        try:
            await self._js.purge_stream(STREAM, seq=up_to, subject=f"{SUBJECT}.{shard}")
        except (NatsError, TimeoutError, OSError):  # the next purge takes them along
            return False
        return True

    async def state(self) -> StreamState:
        """Current size; raises ``StreamUnavailableError``."""
        try:
            info = await self._js.stream_info(STREAM)
        except (NatsError, TimeoutError, OSError) as error:
            raise StreamUnavailableError(str(error) or type(error).__name__) from error
        return StreamState(info.state.messages, info.state.bytes, info.state.last_seq)

    async def begin_at(self, sequence: int) -> None:
        """The next message of an empty stream gets at least this sequence number; raises ``StreamUnavailableError``."""
        try:
            await self._js.purge_stream(STREAM, seq=sequence)
        except (NatsError, TimeoutError, OSError) as error:
            raise StreamUnavailableError(str(error) or type(error).__name__) from error

    async def newest(self, shard: int) -> int:
        """Sequence of a shard's newest message that is still held, 0 without one; raises ``StreamUnavailableError``."""
        try:
            return (await self._js.get_last_msg(STREAM, f"{SUBJECT}.{shard}")).seq or 0
        except NotFoundError:
            return 0
        except (NatsError, TimeoutError, OSError) as error:
            raise StreamUnavailableError(str(error) or type(error).__name__) from error

    async def oldest(self, shard: int) -> int:
        """Sequence of a shard's oldest message; 0: it holds none. Raises ``StreamUnavailableError``."""
        try:
            return (await self._js.get_msg(STREAM, seq=1, subject=f"{SUBJECT}.{shard}", next=True)).seq or 0
        except NotFoundError:
            return 0
        except (NatsError, TimeoutError, OSError) as error:
            raise StreamUnavailableError(str(error) or type(error).__name__) from error

    async def waiting(self, shard: int, position: int) -> int:
        """A bound for the messages of a shard after ``position``: never fewer than wait, at most as many as it holds.

        Sequence numbers run over all shards, so that those of others in between are counted until it holds fewer.

        :raises StreamUnavailableError: nobody answered.
        """
        subject = f"{SUBJECT}.{shard}"
        try:
            newest = await self._js.get_last_msg(STREAM, subject)
            held = (await self._js.stream_info(STREAM, subjects_filter=subject)).state.subjects or {}
        except NotFoundError:
            return 0
        except (NatsError, TimeoutError, OSError) as error:
            raise StreamUnavailableError(str(error) or type(error).__name__) from error
        return min(max(0, (newest.seq or 0) - position), held.get(subject, 0))


class ShardReader:
    """Pull reader with prefetch. ``take`` returns what has come; silence makes it ask again.

    Nothing is redelivered (the position is the acknowledgement), so a message that was sent into a dying connection is
    past for the server. A new connection or a gap in the consumer's own count therefore ends the reader: the caller
    makes a new one from the committed position.

    Written on the pull protocol because the client library's ``fetch`` waits for a full batch until its time is over.
    """

    def __init__(self, client: Client, consumer: str, after: int) -> None:
        self._client = client
        self._next = f"$JS.API.CONSUMER.MSG.NEXT.{STREAM}.{consumer}"
        self._inbox = client.new_inbox()
        self._queue: deque[tuple[int, bytes]] = deque()
        self._arrived = asyncio.Event()
        self._wanted = 0
        self._asked_at = 0.0
        self._last = after
        self._count = 0  # the consumer numbers what it delivers without gaps
        self._reconnects = client.stats["reconnects"]
        self._lost = ""
        self._pending = 0  # for us in the stream, not sent yet
        self._subscription: Subscription | None = None

    @property
    def waiting(self) -> int:
        """Messages that are known to be there and were not given by ``fetch`` yet."""
        return len(self._queue) + self._pending

    async def start(self) -> None:
        """Subscribe and ask for the first messages."""
        self._subscription = await self._client.subscribe(self._inbox, cb=self._on_message)
        await self._ask()

    async def _on_message(self, message: Msg) -> None:
        headers = message.headers
        if headers and "Status" in headers and not message.data:
            status = headers["Status"]
            if status in ("404", "408"):  # this request is over: nothing came in its time
                self._wanted = 0
            elif status != "100":
                self._lost = f"{status} {headers.get('Description', '')}".strip()
        else:
            metadata = message.metadata
            place, self._pending = metadata.sequence, metadata.num_pending
            sequence = place.stream
            if place.consumer != self._count + 1:
                self._lost = self._lost or f"delivery {place.consumer} came after {self._count}"
            self._count = place.consumer
            self._wanted = max(0, self._wanted - 1)
            if sequence > self._last and not self._lost:
                self._last = sequence
                self._queue.append((sequence, message.data))
        self._arrived.set()

    async def _ask(self) -> None:
        self._wanted = PREFETCH
        self._asked_at = asyncio.get_running_loop().time()
        request = json.dumps({"batch": PREFETCH, "expires": EXPIRES_S * 1_000_000_000}).encode()
        await self._client.publish(self._next, request, reply=self._inbox)

    async def fetch(self, limit: int, wait_s: float) -> list[tuple[int, bytes]]:
        """Up to ``limit`` messages as (sequence, data), oldest first; [] when none came within ``wait_s``.

        :raises StreamUnavailableError: the consumer is gone; make a new reader from the committed position.
        """
        if not self._queue:
            self._arrived.clear()
            silent_s = asyncio.get_running_loop().time() - self._asked_at
            if self._wanted == 0 or silent_s > 1.5 * EXPIRES_S:  # no answer at all: the server was restarted
                await self._ask_or_raise()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._arrived.wait(), wait_s)
        if self._client.stats["reconnects"] != self._reconnects:
            raise StreamUnavailableError("a new connection: what was on its way may be lost")
        if self._lost:
            raise StreamUnavailableError(self._lost)
        if not self._client.is_connected and not self._queue:
            raise StreamUnavailableError("not connected")
        taken = [self._queue.popleft() for _ in range(min(limit, len(self._queue)))]
        if self._wanted < PREFETCH // 2 and len(self._queue) < PREFETCH:
            await self._ask_or_raise()
        return taken

    async def _ask_or_raise(self) -> None:
        try:
            await self._ask()
        except (NatsError, OSError) as error:
            raise StreamUnavailableError(str(error) or type(error).__name__) from error

    async def close(self) -> None:
        """Stop reading; the consumer goes by itself."""
        if self._subscription is not None:
            with contextlib.suppress(NatsError, OSError):
                await self._subscription.unsubscribe()


class Bus:
    """Fan-out of what happens now, lossy by design: counters and alarms for screens (``live.<topic>``)."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def publish(self, topic: str, data: bytes) -> None:
        """Publish; a missing connection loses the message, the next one tells anew."""
        with contextlib.suppress(NatsError, OSError):
            await self._client.publish(f"live.{topic}", data)

    async def listen(self, topic: str, handler: Callable[[str, bytes], Awaitable[None]]) -> None:
        """Call ``handler(topic, data)`` for each message; ``topic`` may hold wildcards."""

        async def on_message(message: Msg) -> None:
            await handler(message.subject.removeprefix("live."), message.data)

        await self._client.subscribe(f"live.{topic}", cb=on_message)


class StreamReplay:
    """``UplinkReplay``: messages put into their shards once more, in order."""

    def __init__(self, stream: UplinkStream, shards: int) -> None:
        self._stream = stream
        self._shards = shards

    async def replay(self, uplinks: Sequence[Uplink]) -> None:
        """Returns when all are on disk; raises ``StreamUnavailableError``."""
        batches: dict[int, list[Uplink]] = {}
        for uplink in uplinks:
            batches.setdefault(shard_of(uplink.meter_id, self._shards), []).append(uplink)
        for shard, batch in batches.items():
            for first in range(0, len(batch), 500):
                await self._stream.publish(shard, encode_batch(batch[first : first + 500]))
