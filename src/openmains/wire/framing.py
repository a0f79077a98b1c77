# SPDX-License-Identifier: Apache-2.0
"""Frames out of a byte stream with noise in it: what every protocol on a serial line or a TCP connection does alike.

A start byte that leads to no good frame is skipped alone, so a frame inside a false one is still found. The result does not depend on
how the stream is cut, and at most one frame's bytes are held back. A protocol says how long the frame is that begins at a byte, and
what is in it.
"""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator
from typing import ClassVar, Generic, TypeVar

from openmains.wire.errors import WireError

LAYER = "framing"
F = TypeVar("F")


class Deframer(ABC, Generic[F]):
    """``skipped`` counts bytes that belonged to no frame and were no preamble, ``faults`` the reasons of false starts."""

    start: ClassVar[int | None] = None
    """What each frame begins with; None: a frame has no mark, every byte may be the first."""
    preamble: ClassVar[int | None] = None
    """What may stand between frames and is no noise."""

    __slots__ = ("_buffer", "faults", "skipped")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.skipped = 0
        self.faults: Counter[str] = Counter()

    @abstractmethod
    def _size(self, at: int) -> int | None:
        """Bytes of the frame that begins at this place of the buffer; None: not known yet. Raises ``WireError`` where none does, or gives what
        ``_decode`` is to refuse."""

    @abstractmethod
    def _decode(self, data: bytes) -> F:
        """Exactly one frame; raises ``WireError``."""

    @property
    def pending(self) -> int:
        """Bytes held back because a frame may still be growing; at most one frame's."""
        return len(self._buffer)

    def feed(self, data: bytes) -> list[F]:
        """The frames that these bytes complete."""
        return list(self.each(data))

    def each(self, data: bytes) -> Iterator[F]:
        """The same one after the other: ``skipped`` is then what came before the frame, and whoever stops asking has no more decoded."""
        self._buffer += data
        return self._scan(final=False)

    def flush(self) -> list[F]:
        """The line went silent: what is held back will not grow, look behind its first byte."""
        return list(self._scan(final=True))

    def _scan(self, final: bool) -> Iterator[F]:
        buffer, at = self._buffer, 0
        try:
            while (at := self._next_start(at)) < len(buffer):
                try:
                    size = self._size(at)
                    if size is None or at + size > len(buffer):
                        if not final:
                            break
                        raise WireError(LAYER, len(buffer) - at, "truncated")
                    frame = self._decode(bytes(buffer[at : at + size]))
                except WireError as bad:
                    self.faults[bad.reason] += 1
                    self.skipped += 1
                    at += 1
                else:
                    at += size
                    yield frame
        finally:
            del buffer[:at]

    def _next_start(self, at: int) -> int:
        if self.start is None:
            return at
        found = self._buffer.find(self.start, at)
        end = len(self._buffer) if found < 0 else found
        preambles = 0 if self.preamble is None else self._buffer.count(self.preamble, at, end)
        self.skipped += end - at - preambles
        return end
