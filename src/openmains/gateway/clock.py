# SPDX-License-Identifier: Apache-2.0
"""The gateway's time (R5.2: from the server, passed on to its meters).

It counts by a clock that never goes back (``mono_ms``), and knows UTC by what it was told last: ``platform``, or the box's own clock, or not at
all. A box's clock that is set anew while we run changes nothing. After a start in the same boot of the box what the platform said still
holds, for the counting clock went on; after another boot the box's clock is all there is, and it may stand at any time: meters are given
it only where the box is said to be right, and never where it lies before what was known already.
"""

from enum import StrEnum
from typing import Final, NamedTuple

OFF_MS: Final = 2_000  # from here on a clock is told to have been wrong
LONGEST_ASK_MS: Final = 10_000  # an answer to a question that old says nothing of the time
EARLIEST_MS: Final = 1_577_836_800_000  # 2020-01-01: no box of ours stands before


class ClockSource(StrEnum):
    """Whose time it is."""

    NONE = "none"
    BOX = "box"
    PLATFORM = "platform"


class KeptClock(NamedTuple):
    """What is on disk: in this boot of the box UTC was ``mono_ms + offset_ms``, by the platform; ``latest_ms``: the newest time that was
    known."""

    boot: str
    offset_ms: int
    latest_ms: int


class GatewayClock:
    """``boot``: names the box's present boot, "" where it cannot be known."""

    def __init__(self, kept: KeptClock | None, boot: str, mono_ms: int, box_ms: int, *, trusts_box: bool) -> None:
        self.source, self.fault, self._trusts_box = ClockSource.NONE, "", trusts_box
        self._offset_ms, self._boot = 0, boot
        self._ask: tuple[str, int] | None = None
        if kept is not None and boot and kept.boot == boot and kept.offset_ms:
            self.source, self._offset_ms = ClockSource.PLATFORM, kept.offset_ms
        elif box_ms >= max(EARLIEST_MS, 0 if kept is None else kept.latest_ms - OFF_MS):
            self.source, self._offset_ms = ClockSource.BOX, box_ms - mono_ms
        else:
            self.fault = "box_behind"

    def utc_ms(self, mono_ms: int) -> int:
        """0: not known."""
        return 0 if self.source is ClockSource.NONE else mono_ms + self._offset_ms

    def offered_ms(self, mono_ms: int) -> int:
        """What meters are told; 0: nothing."""
        if self.source is ClockSource.BOX and not self._trusts_box:
            return 0
        return self.utc_ms(mono_ms)

    def ask(self, name: str, mono_ms: int) -> None:
        """The platform is asked for the time under this name."""
        self._ask = name, mono_ms

    def told(self, name: str, at_ms: int, mono_ms: int) -> int | None:
        """The platform said the time in answer; how far ours was off (ms), None: the answer is of no use, for it is late or of another
        question. It is taken for half of the way old."""
        ask, self._ask = self._ask, None
        if ask is None or ask[0] != name or mono_ms - ask[1] > LONGEST_ASK_MS or at_ms < EARLIEST_MS:
            return None
        now_ms = at_ms + (mono_ms - ask[1]) // 2
        off_ms = 0 if self.source is ClockSource.NONE else self.utc_ms(mono_ms) - now_ms
        self.source, self._offset_ms, self.fault = ClockSource.PLATFORM, now_ms - mono_ms, ""
        return off_ms

    def keep(self, mono_ms: int) -> KeptClock:
        """What to write."""
        is_told = self.source is ClockSource.PLATFORM
        return KeptClock(self._boot, self._offset_ms if is_told else 0, self.utc_ms(mono_ms))
