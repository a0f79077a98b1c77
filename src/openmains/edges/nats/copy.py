# SPDX-License-Identifier: Apache-2.0
"""Messages of the uplink stream for a backup, and back into an empty stream.

What was acknowledged and not yet applied stands above the committed positions: only that is copied. In a restored stream the
messages come in the same order under new sequence numbers, above all that the former stream can have given out: the positions of
the restored database stay below them, so everything is read.
"""

from collections.abc import AsyncIterator, Iterable, Iterator
from typing import BinaryIO

import msgspec

from openmains.edges.nats.stream import AHEAD, StreamUnavailableError, UplinkStream

SILENT_TRIES = 12


class StreamMessage(msgspec.Struct, frozen=True, array_like=True):
    """One batch of uplinks as it lay in its shard."""

    shard: int
    sequence: int
    data: bytes


async def messages(stream: UplinkStream, shard: int, after: int, newest: int) -> AsyncIterator[StreamMessage]:
    """Those of a shard above ``after`` up to ``newest``, which is one of the shard; raises ``StreamUnavailableError``."""
    if newest <= after:
        return
    reader = await stream.reader(shard, after)
    silent = 0
    try:
        while True:
            found = await reader.fetch(64, 1.0)
            silent = 0 if found else silent + 1
            if silent > SILENT_TRIES:
                raise StreamUnavailableError(f"shard {shard}: message {newest} does not come")
            for sequence, data in found:
                if sequence <= newest:
                    yield StreamMessage(shard, sequence, data)
                if sequence >= newest:
                    return
    finally:
        await reader.close()


def packed(message: StreamMessage) -> bytes:
    """For a file: length in four bytes, then msgpack."""
    data = msgspec.msgpack.encode(message)
    return len(data).to_bytes(4, "big") + data


def unpacked(file: BinaryIO) -> Iterator[StreamMessage]:
    """What ``packed`` wrote; raises ``ValueError`` for anything else."""
    while head := file.read(4):
        data = file.read(int.from_bytes(head, "big"))
        yield msgspec.msgpack.decode(data, type=StreamMessage)


async def put_back(stream: UplinkStream, above: int, found: Iterable[StreamMessage]) -> int:
    """Into a stream that is made now, all above sequence ``above`` + AHEAD; how many."""
    await stream.ensure()
    await stream.begin_at(above + AHEAD)
    count = 0
    for message in found:
        await stream.publish(message.shard, message.data)
        count += 1
    return count
