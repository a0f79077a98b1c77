# SPDX-License-Identifier: Apache-2.0
"""A forecast that says no more than its values do: a straight line through daily values, and when it would reach a limit.

There is none of fewer than ``LEAST_DAYS`` values over as many days, none where the slope is no larger than what the scatter explains – within
two standard errors –, and none further off than the values reach back, at most ``FARTHEST_DAYS``: a line through two weeks says nothing of next
year."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, sqrt
from typing import Final, Literal

LEAST_DAYS: Final = 14
FARTHEST_DAYS: Final = 365
TIMES_BACK: Final = 3
Verdict = Literal["too_few", "steady", "away", "far", "reaches", "beyond"]


@dataclass(frozen=True, slots=True)
class Forecast:
    """``verdict``: too few values; steady: no slope but scatter; away: it moves away from the limit; far: later than can be said; reaches: on
    ``day``; beyond: it is there now. ``slope``: a day, ``error``: its standard error; None where there are too few."""

    verdict: Verdict
    slope: float | None = None
    error: float | None = None
    day: int | None = None


def forecast(values: Sequence[tuple[int, float]], limit: float, *, rises: bool) -> Forecast:
    """``values``: (day, value) with rising days; ``rises``: the limit is above, else below."""
    count = len(values)
    if count < LEAST_DAYS or values[-1][0] - values[0][0] < LEAST_DAYS - 1:
        return Forecast("too_few")
    mean_x = sum(day for day, _ in values) / count
    mean_y = sum(value for _, value in values) / count
    spread = sum((day - mean_x) ** 2 for day, _ in values)
    slope = sum((day - mean_x) * (value - mean_y) for day, value in values) / spread
    rest = sum((value - mean_y - slope * (day - mean_x)) ** 2 for day, value in values)
    error = sqrt(rest / (count - 2) / spread)
    last = values[-1][0]
    now = mean_y + slope * (last - mean_x)
    if (now - limit) * (1 if rises else -1) >= 0:
        return Forecast("beyond", slope, error)
    if abs(slope) <= 2 * error or not slope:
        return Forecast("steady", slope, error)
    if (slope > 0) != rises:
        return Forecast("away", slope, error)
    ahead = (limit - now) / slope
    if ahead > min(FARTHEST_DAYS, TIMES_BACK * (last - values[0][0])):
        return Forecast("far", slope, error)
    return Forecast("reaches", slope, error, last + ceil(ahead))
