# SPDX-License-Identifier: Apache-2.0
"""Columns that say a mode of reporting, as products and meters have them."""

from datetime import date

from openmains.domain.period import date_to_day
from openmains.domain.readings.expected import Mode, Modes


def modes_of(mode: str | None, since: date | None, before: str | None) -> Modes:
    """``report_mode``, ``report_mode_since`` and ``report_mode_before`` of a row."""
    return Modes(
        None if mode is None else Mode(mode),
        None if since is None else date_to_day(since),
        None if before is None else Mode(before),
    )
