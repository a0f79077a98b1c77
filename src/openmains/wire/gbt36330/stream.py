# SPDX-License-Identifier: Apache-2.0
"""Frames of GB/T 36330 out of a byte stream with noise in it (a radio module on a serial line, a relay over TCP).

A frame has no mark of its beginning, only its length and its check, so every byte that could be a length is tried, and the check
decides. By chance a check of two bytes fits once in 65,536 tries: where the applications on a line are known, naming them makes a
false frame hundreds of times rarer. The result does not depend on how the stream is cut; at most one frame's bytes are held back.
"""

from collections.abc import Set

from openmains.wire import framing
from openmains.wire.errors import WireError
from openmains.wire.gbt36330.profile import DEFAULT, HEADER, LAYER, SHORT_HEADER, Profile


class Deframer(framing.Deframer[bytes]):
    """Frames with a length and check that are right; what is in them is not looked at. ``applications``: those that may be on the line;
    None: any."""

    __slots__ = ("_applications", "_profile")

    def __init__(self, profile: Profile = DEFAULT, applications: Set[int] | None = None) -> None:
        super().__init__()
        self._profile = profile
        self._applications = applications

    def _size(self, at: int) -> int | None:
        length = self._buffer[at]
        if not self._profile.shortest <= length <= self._profile.longest:
            raise WireError(LAYER, 0, "frame length")
        names = self._applications
        if names is not None and at + 3 < len(self._buffer) and self._buffer[at + 3] not in names:
            raise WireError(LAYER, 3, "application")
        return length

    def _decode(self, data: bytes) -> bytes:
        profile = self._profile
        head = SHORT_HEADER if len(data) == profile.shortest else HEADER
        end = len(data) - profile.check_length
        if profile.check_of(data[:head], data[head:end]) != data[end:]:
            raise WireError(LAYER, end, "check")
        return data
