# SPDX-License-Identifier: Apache-2.0
"""Contents longer than a data area, in segments (ours: the standard's data area is the maker's, section 7.6.3).

Bit 0 of the free control bits says that the data begin with ``transfer (1) · index (1) · count (1)``. The segments of a content are frames of
their own, each confirmed; their order does not matter. A transfer is forgotten after ``KEPT_MS`` without a new segment.
"""

from dataclasses import dataclass, field

from openmains.wire.cursor import Reader
from openmains.wire.errors import WireError
from openmains.wire.gbt36330.profile import LAYER

SEGMENTED = 0x01  # of the custom bits
SEGMENT_HEADER = 3
MOST_SEGMENTS = 32  # 4 kB: everything of ours but firmware, which has offsets of its own
MOST_TRANSFERS = 4  # open at once, of one peer
KEPT_MS = 600_000


def split(content: bytes, room: int, transfer: int) -> list[bytes]:
    """The data areas of ``content``, one if it fits without a segment's header. ``room``: most bytes of one.

    Raises ``WireError`` for what does not fit into ``MOST_SEGMENTS``.
    """
    if len(content) <= room:
        return [content]
    part = room - SEGMENT_HEADER
    if part < 1:
        raise WireError(LAYER, 0, "no room for a segment")
    count = -(-len(content) // part)
    if count > MOST_SEGMENTS:
        raise WireError(LAYER, 0, "content too long")
    return [
        bytes((transfer & 0xFF, index, count)) + content[index * part : (index + 1) * part] for index in range(count)
    ]


@dataclass(slots=True)
class _Open:
    count: int
    at_ms: int
    parts: dict[int, bytes] = field(default_factory=dict)


class Assembler:
    """Contents out of the segments of one peer; memory is bounded. ``dropped`` counts contents that were never completed."""

    def __init__(self) -> None:
        self._open: dict[tuple[int, int], _Open] = {}
        self.dropped = 0

    def add(self, message_type: int, data: bytes, now_ms: int) -> bytes | None:
        """The content that this segment completes, or None. A segment that came before changes nothing. One that contradicts those before it
        says that the sender began anew under the same number: those are dropped, and it is the first of the new ones."""
        reader = Reader(data, LAYER)
        transfer, index, count = reader.u8(), reader.u8(), reader.u8()
        part = reader.rest()
        if not 2 <= count <= MOST_SEGMENTS or index >= count or not part:
            raise WireError(LAYER, 1, "segment")
        self._forget(now_ms)
        key = message_type, transfer
        known = self._open.get(key)
        if known is not None and (known.count != count or known.parts.get(index, part) != part):
            self._drop(key)
            known = None
        if known is None:
            if len(self._open) >= MOST_TRANSFERS:
                self._drop(min(self._open, key=lambda each: self._open[each].at_ms))
            known = self._open[key] = _Open(count, now_ms)
        known.parts[index], known.at_ms = part, now_ms
        if len(known.parts) < count:
            return None
        del self._open[key]
        return b"".join(known.parts[each] for each in range(count))

    def _forget(self, now_ms: int) -> None:
        for key in [key for key, known in self._open.items() if now_ms - known.at_ms > KEPT_MS]:
            self._drop(key)

    def _drop(self, key: tuple[int, int]) -> None:
        del self._open[key]
        self.dropped += 1
