# SPDX-License-Identifier: Apache-2.0
"""Time slices and channels (R5.3): a meter owns one channel for one slice of each cycle, and nobody else sends in it.

A cycle is cut into slices of one length, which begin at multiples of it since 1970 UTC, so whoever knows the time knows the slice. Every eighth
slice of each channel is the gateway's own: there it wakes passive meters for which a command waits.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

OWN_EVERY: Final = 8


class Slice(NamedTuple):
    """The ``number``-th of the cycle, on ``channel``."""

    number: int
    channel: int


class SlicesFullError(Exception):
    """Every slice is owned."""


class SlicePlan:
    """Whose each slice is. Times in ms since 1970 UTC."""

    def __init__(self, cycle_s: int, slice_s: int, channels: Iterable[int]) -> None:
        self.cycle_ms, self.slice_ms, self.channels = cycle_s * 1000, slice_s * 1000, tuple(channels)
        self.count = cycle_s // slice_s
        self._owners: dict[Slice, int] = {}
        self._at = 0

    def __len__(self) -> int:
        return len(self._owners)

    def owner(self, place: Slice) -> int | None:
        """Logical id of the meter whose it is."""
        return self._owners.get(place)

    def fits(self, place: Slice) -> bool:
        """Whether there is such a slice for meters: a plan of other numbers may have given it."""
        return place.channel in self.channels and 0 <= place.number < self.count and not is_own(place.number)

    def take(self, logical: int, place: Slice) -> bool:
        """The slice becomes this meter's; False: it is another's, or no slice of this plan."""
        if not self.fits(place) or self._owners.get(place, logical) != logical:
            return False
        self._owners[place] = logical
        return True

    def give(self, logical: int) -> Slice:
        """The first free one. Raises ``SlicesFullError``."""
        for _ in range(self.count * len(self.channels)):
            place = Slice(self._at // len(self.channels), self.channels[self._at % len(self.channels)])
            self._at = (self._at + 1) % (self.count * len(self.channels))
            if place not in self._owners and not is_own(place.number):
                self._owners[place] = logical
                return place
        raise SlicesFullError

    def free(self, place: Slice) -> None:
        """Nobody's any more."""
        self._owners.pop(place, None)
        self._at = min(self._at, place.number * len(self.channels))

    def next_start(self, index: int, utc_ms: int) -> int:
        """When the slice begins next, now or later."""
        first = utc_ms - utc_ms % self.cycle_ms + index * self.slice_ms
        return first if first >= utc_ms else first + self.cycle_ms

    def next_own(self, utc_ms: int) -> int:
        """When the gateway's own slice begins next, now or later."""
        index = -(-(utc_ms % self.cycle_ms) // self.slice_ms)
        index += (OWN_EVERY - 1 - index) % OWN_EVERY
        start = utc_ms - utc_ms % self.cycle_ms
        if index < self.count:
            return start + index * self.slice_ms
        return start + self.cycle_ms + (OWN_EVERY - 1) * self.slice_ms


def slices(cycle_s: int, slice_s: int, channels: int) -> int:
    """How many of a cycle are for meters."""
    count = cycle_s // slice_s
    return channels * (count - count // OWN_EVERY)


def is_own(index: int) -> bool:
    """Whether it is the gateway's."""
    return index % OWN_EVERY == OWN_EVERY - 1
