# SPDX-License-Identifier: Apache-2.0
"""Frames of GB/T 36330 out of a byte stream with noise in it (a radio module on a serial line, a relay over TCP).

A frame has no mark of its beginning, only its length and its check, so every byte that could be a length is tried, and the check
decides. By chance a check of two bytes fits once in 65,536 tries: where the applications on a line are known, naming them makes a
false frame hundreds of times rarer. The result does not depend on how the stream is cut; at most one frame's bytes are held back.
"""

from collections import Counter
from collections.abc import Set

from openmains.wire.gbt36330.profile import DEFAULT, HEADER, SHORT_HEADER, Profile


class Deframer:
    """``applications``: those that may be on the line; None: any. ``skipped`` counts the bytes that belonged to no frame."""

    __slots__ = ("_applications", "_buffer", "_profile", "faults", "skipped")

    def __init__(self, profile: Profile = DEFAULT, applications: Set[int] | None = None) -> None:
        self._profile = profile
        self._applications = applications
        self._buffer = bytearray()
        self.skipped = 0
        self.faults: Counter[str] = Counter()

    @property
    def pending(self) -> int:
        """Bytes held back because a frame may still be growing."""
        return len(self._buffer)

    def feed(self, data: bytes) -> list[bytes]:
        """The frames that these bytes complete, each with a length and check that are right. What is in them is not looked at."""
        self._buffer += data
        return self._scan(final=False)

    def flush(self) -> list[bytes]:
        """The line went silent: what is held back will not grow, look behind its first byte."""
        return self._scan(final=True)

    def _scan(self, final: bool) -> list[bytes]:
        found: list[bytes] = []
        buffer, profile, at = self._buffer, self._profile, 0
        while at < len(buffer):
            length = buffer[at]
            fault = self._fault(at, length)
            if not fault and at + length > len(buffer):
                if not final:
                    break
                fault = "truncated"
            if not fault:
                image = bytes(buffer[at : at + length])
                head = SHORT_HEADER if length == profile.shortest else HEADER
                end = length - profile.check_length
                if profile.check_of(image[:head], image[head:end]) == image[end:]:
                    found.append(image)
                    at += length
                    continue
                fault = "check"
            self.faults[fault] += 1
            self.skipped += 1
            at += 1
        del buffer[:at]
        return found

    def _fault(self, at: int, length: int) -> str:
        if not self._profile.shortest <= length <= self._profile.longest:
            return "frame length"
        if self._applications is not None and at + 3 < len(self._buffer):
            return "" if self._buffer[at + 3] in self._applications else "application"
        return ""
