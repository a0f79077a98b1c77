# SPDX-License-Identifier: Apache-2.0
"""Between which registers the next reading of a meter plausibly lies (R6.11).

A range is a hint for the person at the meter, who is asked to look again and take a photo; it refuses nothing. What a register is worth
is judged by ``domain/readings/validate.py`` and no second way.
"""

from dataclasses import dataclass
from typing import Final

WIDTH: Final = 3
"""Use since the last reading is plausible up to so many times that of before."""
LEAST_SPAN_S: Final = 86_400
"""From a shorter span nobody's habit is told."""


@dataclass(frozen=True, slots=True)
class KnownRegister:
    """A register in the meter's unit, at an instant (s UTC)."""

    register: int
    at: int


@dataclass(frozen=True, slots=True)
class PlausibleRange:
    """``low`` and ``high``, both included; one past the end of the dial begins at nought again. ``high`` None: nobody can say."""

    low: int
    high: int | None


def plausible(
    last: KnownRegister | None, before: KnownRegister | None, at: int, *, qmax: int, dial: int, slack: int
) -> PlausibleRange | None:
    """For a reading at ``at`` after ``last``; None where nothing is known. ``qmax`` in units an hour, ``dial``: 0 where not known.

    The habit between ``before`` and ``last`` times ``WIDTH``, and ``slack`` on top (a household that was away comes back); never more
    than Qmax can have passed.
    """
    if last is None or at < last.at:
        return None
    span = at - last.at
    most = qmax * span // 3600 if qmax else None
    if before is not None and last.at - before.at >= LEAST_SPAN_S:
        used = last.register - before.register
        if used < 0 and dial:
            used += dial
        if used >= 0:
            usual = used * span * WIDTH // (last.at - before.at) + slack
            most = usual if most is None else min(usual, most)
    if most is None:
        return PlausibleRange(last.register, None)
    high = last.register + most
    if dial and most >= dial:
        return PlausibleRange(0, dial - 1)
    return PlausibleRange(last.register, high % dial if dial else high)


def is_plausible(within: PlausibleRange, register: int) -> bool:
    """Whether a register lies in a range that may go round the dial."""
    if within.high is None:
        return register >= within.low
    if within.high >= within.low:
        return within.low <= register <= within.high
    return register >= within.low or register <= within.high
