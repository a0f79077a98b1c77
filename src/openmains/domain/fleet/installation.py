# SPDX-License-Identifier: Apache-2.0
"""Dates of a meter's life: what each door of the registry takes. One rule for the API, an edit, a file and a form.

Faults are short codes, which the API has texts for; ``meter_row.py`` has those of a file's cells.
"""

from datetime import date, timedelta
from typing import Final

EARLIEST: Final = date(1950, 1, 1)  # no meter on a wall is older; a typing slip such as 0202 is
AHEAD: Final = timedelta(days=366)  # a migration may be announced, not dreamt of
# What ClickHouse's ``Date`` holds. A row beyond it can not be copied there and is set aside (app/fleet/sync_dims.py).
COPIED_FROM: Final = date(1970, 1, 1)
COPIED_TO: Final = date(2149, 6, 6)

BEFORE_1950, IN_THE_FUTURE, TOO_FAR_AHEAD = "before-1950", "in-the-future", "too-far-ahead"


def installation_fault(on: date, today: date) -> str:
    """Why a meter can not have been installed on this day; '' where it can. ``today``: of the utility."""
    if on < EARLIEST:
        return BEFORE_1950
    return IN_THE_FUTURE if on > today else ""


def expectation_fault(since: date, today: date) -> str:
    """The same of the first day whose reading is expected: it may lie ahead, at most a year."""
    if since < EARLIEST:
        return BEFORE_1950
    return TOO_FAR_AHEAD if since > today + AHEAD else ""


def is_copied(day: date) -> bool:
    """Whether every store holds this date."""
    return COPIED_FROM <= day <= COPIED_TO
