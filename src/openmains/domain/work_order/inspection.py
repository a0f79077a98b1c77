# SPDX-License-Identifier: Apache-2.0
"""Safety inspections (安检): hazards by grade, until when they are to be removed, and when the next visit is due (R8.6).

| hazard | to be removed within | meanwhile |
|---|---|---|
| ``general`` 一般 | 90 days | told to the customer |
| ``serious`` 较大 | 15 days | told to the customer, looked at again |
| ``critical`` 重大 | at once | the supply is shut at the place before anybody leaves |

A hazard is open until a re-check finds it removed. A visit that found nobody, or was let in by nobody, is no inspection: it is documented, and
the place stays due, again after ``RETRY_DAYS``.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from openmains.domain.period import months_later
from openmains.domain.work_order.life import OrderOutcome


class HazardGrade(StrEnum):
    """How grave what was found is."""

    GENERAL = "general"
    SERIOUS = "serious"
    CRITICAL = "critical"


class HazardState(StrEnum):
    """``open`` until a re-check found it removed."""

    OPEN = "open"
    REMOVED = "removed"


REMOVAL_DAYS: Final[Mapping[HazardGrade, int]] = {
    HazardGrade.GENERAL: 90, HazardGrade.SERIOUS: 15, HazardGrade.CRITICAL: 0,
}  # fmt: skip
RETRY_DAYS: Final = 30
INSPECTED: Final = frozenset({OrderOutcome.MENDED, OrderOutcome.NOT_MENDED, OrderOutcome.NOTHING_FOUND})
"""Outcomes of a visit at which somebody was let in."""


def next_due(inspected_day: int | None, tried_day: int | None, begins_day: int, months: int) -> int:
    """The day from which a place of a plan is due: the period after its last inspection, from the plan's begin where there was none;
    after a visit that was let in by nobody not before ``RETRY_DAYS``."""
    due = begins_day if inspected_day is None else max(begins_day, months_later(inspected_day, months))
    if tried_day is not None and (inspected_day is None or tried_day > inspected_day):
        due = max(due, tried_day + RETRY_DAYS)
    return due
