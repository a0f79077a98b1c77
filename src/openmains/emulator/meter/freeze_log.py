# SPDX-License-Identifier: Apache-2.0
"""The register and what the meter froze of it: a ring of values on the grid of its own clock (R1.14, R2.1).

Freezing is a pure function of the supply, so it is done when somebody looks. A mark that the clock jumped over was never
measured and stays ``UNKNOWN``.
"""

from array import array
from collections.abc import Sequence

from openmains.domain.period import DAY_S
from openmains.emulator.meter.clock import MeterClock
from openmains.emulator.meter.profile import HISTORY_DAYS, UNKNOWN, Profile, Supply
from openmains.emulator.meter.spreading import Period

SHORT_PERIODS = (Period.DAY, Period.EVERY)
LONGEST_PERIOD_DAYS = 62  # two months: the log of a monthly reporter holds at least its last period


class FreezeLog:
    """Of one meter. Instants named ``at`` are by the meter's clock, ``now`` is true time (s)."""

    def __init__(self, profile: Profile, supply: Supply, clock: MeterClock) -> None:
        self._supply, self._clock = supply, clock
        self._shift = 0  # of the dial, since the last reset
        self._profile = profile
        self._size = self._slots(profile)
        self._ring = array("q")  # by (at // freeze_s) mod size; made at the first freeze
        self._until: int | None = None  # newest freezing mark

    def configure(self, profile: Profile) -> None:
        """Another grid or length: the log is derived anew from the register."""
        if (profile.freeze_s, profile.log_days) != (self._profile.freeze_s, self._profile.log_days):
            self._size = profile.log_days * DAY_S // profile.freeze_s
            self._until = None
        self._profile = profile

    def register(self, now: int) -> int:
        """As the dial shows it since the last reset."""
        return self._supply([now])[0] + self._shift

    def reset_register(self, now: int) -> None:
        """The register starts anew at 0; what was frozen stays."""
        self.bring_up_to(now)
        self._shift -= self.register(now)

    def frozen(self, at: int) -> int:
        """Register frozen at an instant on the grid; ``UNKNOWN`` if the ring does not hold it."""
        step = self._profile.freeze_s
        if self._until is None or at > self._until or at % step or at <= self._until - self._size * step:
            return UNKNOWN
        return self._ring[at // step % self._size]

    def freezes(self, since: int, until: int, now: int) -> list[tuple[int, int]]:
        """(at, register) frozen in a span, oldest first; what is unknown is left out."""
        self.bring_up_to(now)
        step, device = self._profile.freeze_s, self._clock.device_at(now)
        oldest = max(since, device - self._size * step)
        marks = range(-(-oldest // step) * step, min(until, device) + 1, step)
        return [(mark, register) for mark in marks if (register := self.frozen(mark)) != UNKNOWN]

    def preload(self, newest: int, registers: Sequence[int]) -> None:
        """Fill it at once instead of at the first look: registers frozen at … ``newest``, one a step, oldest first."""
        step = self._profile.freeze_s
        self._ring = array("q", [UNKNOWN]) * self._size
        for back, register in enumerate(reversed(registers[-self._size :])):
            self._ring[(newest // step - back) % self._size] = register
        self._until = newest

    def bring_up_to(self, now: int) -> None:
        """Freeze every mark that the clock has passed."""
        step = self._profile.freeze_s
        newest = self._clock.device_at(now) // step * step
        if self._until is None:
            self._ring = array("q", [UNKNOWN]) * self._size
            look_back = HISTORY_DAYS + 2 if self._profile.period in SHORT_PERIODS else 40
            self._until = newest - min(look_back * DAY_S, (self._size - 1) * step)
        first = max(self._until + step, newest - (self._size - 1) * step)
        marks = range(first, newest + 1, step)
        if marks:
            registers = self._supply([min(self._clock.true_of(mark), now) for mark in marks])
            for mark, register in zip(marks, registers, strict=True):
                self._ring[mark // step % self._size] = register + self._shift
            self._until = newest

    def clock_was_set(self, before: int, after: int, now: int) -> None:
        """The clock went from ``before`` to ``after``. A mark that a small step crosses is frozen now; marks that a jump
        leaves out were never measured. Call ``bring_up_to`` before the clock is set."""
        if self._until is None:
            return
        step = self._profile.freeze_s
        newest = after // step * step
        value = self.register(now) if after - before < step else UNKNOWN
        for mark in range(max(self._until + step, newest - (self._size - 1) * step), newest + 1, step):
            self._ring[mark // step % self._size] = value
        self._until = newest

    @staticmethod
    def _slots(profile: Profile) -> int:
        short = profile.period in SHORT_PERIODS
        days = profile.log_days if short else max(profile.log_days, LONGEST_PERIOD_DAYS)
        return days * DAY_S // profile.freeze_s
