# SPDX-License-Identifier: Apache-2.0
"""When a meter reports: spreading schemes (R2.1, 错峰离散), report periods (R1.3), by its own clock."""

from dataclasses import dataclass
from enum import StrEnum

from openmains.domain.network.spreading import Scheme, spread_s
from openmains.domain.period import DAY_S, utc

__all__ = ["Period", "Schedule", "Scheme", "spread_s"]


class Period(StrEnum):
    """How often a meter reports."""

    DAY = "day"
    WEEK = "week"  # from Monday
    TEN_DAYS = "ten days"  # 旬: the 1st, 11th and 21st
    MONTH = "month"
    EVERY = "every"  # every ``every_s`` seconds of the local day: 1 h dense, 12 h and 2 h for large meters


@dataclass(frozen=True, slots=True)
class Schedule:
    """Report times of one meter, in local seconds of its own clock (UTC + its offset)."""

    period: Period = Period.DAY
    every_s: int = DAY_S
    report_time_s: int = 0  # seconds after the period's start (for DAY: after midnight)
    delay_s: int = 0  # from ``spread_s``

    def period_start(self, local_s: int) -> int:
        """Start of the period that contains this local second."""
        if self.period is Period.EVERY:
            return local_s // self.every_s * self.every_s
        day = local_s // DAY_S * DAY_S
        if self.period is Period.DAY:
            return day
        if self.period is Period.WEEK:
            return day - utc(day).weekday() * DAY_S
        of_month = utc(day).day
        if self.period is Period.MONTH:
            return day - (of_month - 1) * DAY_S
        return day - (of_month - min((of_month - 1) // 10, 2) * 10 - 1) * DAY_S

    def next_due(self, after_s: int) -> int:
        """First report time later than this local second.

        A delay longer than the period (large numbers in schemes a, b) wraps inside it, so that no period is left out.
        """
        shift = self.report_time_s + self.delay_s
        if self.period is Period.EVERY:
            shift %= self.every_s
        else:
            shift %= DAY_S
        start = self.period_start(after_s)
        if start + shift > after_s:
            return start + shift
        follows = self.period_start(start + (self.every_s if self.period is Period.EVERY else DAY_S))
        while follows == start:  # a week, ten days or a month: walk to its last day
            follows = self.period_start(after_s := after_s + DAY_S)
        return follows + shift
