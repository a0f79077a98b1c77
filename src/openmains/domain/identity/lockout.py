# SPDX-License-Identifier: Apache-2.0
"""How long a sign-in is refused after failures: a delay that doubles, so that guessing is hopeless."""

from openmains.domain.period import HOUR_S

FREE_FAILURES = 5
FIRST_DELAY_S = 30
LONGEST_DELAY_S = HOUR_S


def delay_s(failures: int) -> int:
    """Seconds to refuse every attempt after this many failures in a row; 0 for the first few."""
    if failures < FREE_FAILURES:
        return 0
    doublings = min(failures - FREE_FAILURES, 20)
    return min(FIRST_DELAY_S << doublings, LONGEST_DELAY_S)
