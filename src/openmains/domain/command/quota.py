# SPDX-License-Identifier: Apache-2.0
"""How many commands of a kind may be authorised within a time (R13.4), whatever becomes of them. Which kind has which quotas
is in the table of kinds.
"""

from dataclasses import dataclass
from enum import StrEnum

from openmains.domain.command.batch import DAILY_SHARE_PPM
from openmains.domain.period import DAY_S, HOUR_S

SMALL = 20  # a share of a small utility or zone is less than a day's work of one person: this many are always allowed


class Scope(StrEnum):
    """Within what it is counted."""

    OPERATOR = "operator"
    UTILITY = "utility"
    AREA = "zone"  # as the reasons stored so far say it
    PLATFORM = "platform"


@dataclass(frozen=True, slots=True)
class Quota:
    """At most min(``most``, ``share_ppm`` of the scope's meters, but at least SMALL) within ``window_s``."""

    scope: Scope
    window_s: int
    most: int | None = None
    share_ppm: int | None = None

    def limit(self, meters: int) -> int:
        """The number allowed in a scope of this many meters."""
        found = self.most
        if self.share_ppm is not None:
            share = max(SMALL, meters * self.share_ppm // 1_000_000)
            found = share if found is None else min(found, share)
        assert found is not None  # noqa: S101 - a quota says at least one of the two
        return found


VALVE_QUOTAS = (
    Quota(Scope.OPERATOR, HOUR_S, most=20),
    Quota(Scope.UTILITY, HOUR_S, most=500, share_ppm=1_000),
    Quota(Scope.UTILITY, DAY_S, share_ppm=DAILY_SHARE_PPM),  # one by one as well as by a batch (R4.3)
    Quota(Scope.AREA, DAY_S, share_ppm=50_000),
    Quota(Scope.PLATFORM, DAY_S, share_ppm=50_000),
)
"""Closings, and apart from them openings: counted when a command is authorised, whatever becomes of it."""

SAFETY_QUOTAS = (
    Quota(Scope.OPERATOR, DAY_S, most=20),
    Quota(Scope.UTILITY, DAY_S, most=2_000, share_ppm=5_000),
    Quota(Scope.AREA, DAY_S, share_ppm=50_000),
    Quota(Scope.PLATFORM, DAY_S, share_ppm=10_000),
)
"""Safety closings, counted apart from all others: a used up quota of ordinary closings must not keep leaking gas on, and the other
way round. What endangers more than these is shut at a valve of the mains."""

SETTING_QUOTAS = (
    Quota(Scope.OPERATOR, DAY_S, most=20),
    Quota(Scope.AREA, DAY_S, share_ppm=100_000),
    Quota(Scope.UTILITY, DAY_S, share_ppm=100_000),
    Quota(Scope.PLATFORM, DAY_S, share_ppm=100_000),
)
"""Prices, platform addresses, settings: a tenth of a utility in a day, whoever agrees. What two persons agreed to and has no room today
is authorised when there is, so that a batch goes on day by day; one person alone stays at twenty."""

TOP_UP_QUOTAS = (
    Quota(Scope.OPERATOR, HOUR_S, most=200),
    Quota(Scope.UTILITY, HOUR_S, share_ppm=20_000),
    Quota(Scope.AREA, DAY_S, share_ppm=500_000),
)
"""Beside them money is counted: ``amounts``."""
