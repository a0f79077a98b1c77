# SPDX-License-Identifier: Apache-2.0
"""What a report covers (R1.3, R1.4): which freezings, and the midnights of the days before.

Times are local seconds of the meter's own clock (UTC + its offset), as in ``spreading.py``.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from openmains.domain.period import DAY_S
from openmains.emulator.meter.profile import HISTORY_DAYS, Profile
from openmains.emulator.meter.spreading import Period, Schedule


@dataclass(frozen=True, slots=True)
class Span:
    """Freezings ``start`` … ``end``, both included, ``step`` s apart."""

    start: int
    end: int
    step: int

    @property
    def marks(self) -> Iterable[int]:
        """Each freezing, oldest first."""
        return range(self.start, self.end + 1, self.step)

    @property
    def midnight(self) -> int:
        """With which its first day begins."""
        return self.start // DAY_S * DAY_S

    @property
    def history(self) -> Iterable[int]:
        """That midnight and those before it, newest first."""
        return (self.midnight - k * DAY_S for k in range(HISTORY_DAYS + 1))


def span_of(profile: Profile, schedule: Schedule, local: int) -> Span:
    """Of a report made at ``local``: the last full period, or with ``Profile.today`` the day so far."""
    step = profile.freeze_s
    if profile.today:
        end = local // step * step
        return Span((end - 1) // DAY_S * DAY_S, end, step)  # before the day's first freezing: yesterday, whole
    end = schedule.period_start(local)
    if profile.period is Period.EVERY:
        return Span(end - profile.every_s, end, step)
    return Span(schedule.period_start(end - 1), end, step if profile.period is Period.DAY else DAY_S)
