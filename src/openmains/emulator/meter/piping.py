# SPDX-License-Identifier: Apache-2.0
"""The register behind pipe, valve and counter: what flows, what a stop takes away, what a fault adds or turns back.

A pure function of time between two changes. A change may lie a little in the past: the meter finds out later at which step
the credit was used up, and nobody has looked at the register since.
"""

from collections.abc import Sequence

from openmains.domain.period import HOUR_S
from openmains.emulator.meter.profile import Supply

Cut = tuple[int, int, int | None, int]
"""Stands still from (true instant), register then, goes on at, litres never counted since the first cut."""

Flow = tuple[int, int | None, int, str]
"""From, until (None: it still flows), litres/h, which of the three below."""

DRAWN = "drawn"  # beside what people use: counted while the register goes
PASSING = "passing"  # through a valve that is shut: counted all the same
BACK = "back"  # from the customer into the main

VALVE = "valve"  # the reason of a cut that is no fault


class Piping:
    """A supply behind a valve. The register stands still as long as there is any reason: a shut valve, an empty pipe, a counter
    that does not count. ``runs_back``: backflow turns the dial back (a mechanical meter); else it has a register of its own."""

    def __init__(
        self, base: Supply, cuts: Sequence[Cut] = (), flows: Sequence[Flow] = (), *, runs_back: bool = False
    ) -> None:
        self._base, self._runs_back = base, runs_back
        self._cuts: list[Cut] = list(cuts)
        self._flows: list[Flow] = list(flows)
        self._reasons = {VALVE} if self.is_shut else set()
        self.changes = 0  # how often cuts or flows changed

    @property
    def cuts(self) -> Sequence[Cut]:
        """When it stood still, oldest first."""
        return self._cuts

    @property
    def flows(self) -> Sequence[Flow]:
        """What flowed beside the supply, oldest first."""
        return self._flows

    @property
    def is_shut(self) -> bool:
        """It stands still."""
        return bool(self._cuts) and self._cuts[-1][2] is None

    @property
    def is_plain(self) -> bool:
        """Nothing ever happened: the register is the supply's."""
        return not self._cuts and not self._flows

    def stop(self, at: int, why: str = VALVE) -> None:
        """It stands still from this true instant on."""
        if not self._reasons:
            self._cuts.append((at, self._before([at])[0], None, 0))
            self.changes += 1
        self._reasons.add(why)

    def go(self, at: int, why: str = VALVE) -> None:
        """This reason is over."""
        self._reasons.discard(why)
        if not self._reasons and self.is_shut:
            start, level, _, _ = self._cuts[-1]
            at = max(at, start)
            self._cuts[-1] = (start, level, at, self._supplied([at])[0] - level)
            self.changes += 1

    def begin(self, kind: str, litres_h: int, at: int) -> None:
        """Something flows from now on."""
        self._flows.append((at, None, litres_h, kind))
        self.changes += 1

    def end(self, kind: str, at: int) -> None:
        """It flows no more."""
        self.changes += 1
        self._flows = [
            (start, at, rate, which) if which == kind and until is None else (start, until, rate, which)
            for start, until, rate, which in self._flows
        ]

    def end_all(self, at: int) -> None:
        """Whatever still flowed when it was last heard of has been mended."""
        for kind in (DRAWN, PASSING, BACK):
            self.end(kind, at)

    def rate(self, kind: str) -> int:
        """Litres/h of this kind now."""
        return sum(rate for _, until, rate, which in self._flows if which == kind and until is None)

    def reverse(self, at: int) -> int:
        """Litres that ever flowed back."""
        return _total(self._flows, BACK, at)

    def __call__(self, instants_s: Sequence[int]) -> list[int]:
        found = self._before(instants_s)
        if self._flows:
            later = [_total(self._flows, PASSING, at) for at in instants_s]
            if self._runs_back:
                later = [more - _total(self._flows, BACK, at) for more, at in zip(later, instants_s, strict=True)]
            return [value + more for value, more in zip(found, later, strict=True)]
        return found

    def _supplied(self, instants_s: Sequence[int]) -> list[int]:
        return drawn(self._flows, instants_s, self._base(instants_s))

    def _before(self, instants_s: Sequence[int]) -> list[int]:
        found = self._supplied(instants_s)
        return behind(self._cuts, instants_s, found) if self._cuts else found


def drawn(flows: Sequence[Flow], instants_s: Sequence[int], registers: Sequence[int]) -> list[int]:
    """The supply with what a fault drew beside it."""
    if not flows:
        return list(registers)
    return [value + _total(flows, DRAWN, at) for at, value in zip(instants_s, registers, strict=True)]


def behind(cuts: Sequence[Cut], instants_s: Sequence[int], registers: Sequence[int]) -> list[int]:
    """What the meter shows where the supply alone would have come to these registers."""
    return [_behind(cuts, instant, value) for instant, value in zip(instants_s, registers, strict=True)]


def shown(cuts: Sequence[Cut], flows: Sequence[Flow], instants_s: Sequence[int], registers: Sequence[int]) -> list[int]:
    """The dial where the supply alone would have come to these registers (backflow counted apart)."""
    found = behind(cuts, instants_s, drawn(flows, instants_s, registers))
    return [value + _total(flows, PASSING, at) for at, value in zip(instants_s, found, strict=True)]


def _total(flows: Sequence[Flow], kind: str, at: int) -> int:
    total = 0
    for start, until, rate, which in flows:
        if which == kind and at > start:
            total += ((at if until is None else min(at, until)) - start) * rate // HOUR_S
    return total


def _behind(cuts: Sequence[Cut], instant: int, value: int) -> int:
    for start, level, end, unused in reversed(cuts):
        if instant >= start:
            return level if end is None or instant < end else value - unused
    return value
