# SPDX-License-Identifier: Apache-2.0
"""The stream against the positions that are committed: asked when the pipeline starts, before it reads on.

What was acknowledged and not applied is nowhere else. It is known to have been there by its sequence numbers: those above every
committed position that the stream does not hold any more, and those above the stream's end that were given out before
(``var/run/stream-end``, written every few seconds and at an orderly end, with a check sum: a number that a broken disk made larger
would tell of a loss that was none).
"""

import contextlib
import logging
import zlib
from collections.abc import Mapping
from pathlib import Path

from openmains.edges.nats.lost import lost_messages
from openmains.edges.nats.stream import AHEAD, StreamUnavailableError, UplinkStream
from openmains.run.care.faults import FaultFolder
from openmains.run.care.texts import postgres_older, stream_begun_anew, stream_lost, stream_tail_lost

log = logging.getLogger("openmains.stream")
END = "stream-end"
EVERY_S = 5.0


async def compare_stream(stream: UplinkStream, positions: Mapping[int, int], var: Path, book: FaultFolder) -> None:
    """Tell what is lost; raises ``StreamUnavailableError`` when the stream is away."""
    newest = max(positions.values(), default=0)
    end = (await stream.state()).last_sequence
    if end < newest:
        why = f"it ends at {end}, the database is at {newest}"
        book.tell("stream", "nats/store", stream_begun_anew(why), state="lost")
        return
    if (missing := await lost_messages(stream, positions)) > 0:
        book.tell("stream", "nats/store", stream_lost(missing), state="lost")
    elif (cut := _noted(var) - end) > 0:
        book.tell("stream", "nats/store", stream_tail_lost(cut), state="lost")
    for shard, position in positions.items():
        oldest = await stream.oldest(shard)
        if position and position < oldest <= position + AHEAD:  # further: a restore begins there
            book.tell("postgres.position", "postgres", postgres_older(shard, position, oldest), state="stands")


async def note_end(stream: UplinkStream, var: Path) -> None:
    """Remember how far the stream has come; a full disk or a stream that is away leaves it as it was."""
    with contextlib.suppress(OSError, StreamUnavailableError):
        end = (await stream.state()).last_sequence
        if end != _noted(var):
            (var / "run" / END).write_text(_line(end), "ascii")


def _line(end: int) -> str:
    return f"{end} {zlib.crc32(str(end).encode()):08x}\n"


def _noted(var: Path) -> int:
    """0 where nothing sound is written."""
    try:
        line = (var / "run" / END).read_text("ascii")
        end = int(line.partition(" ")[0])
    except (OSError, ValueError):
        return 0
    return end if line == _line(end) else 0
