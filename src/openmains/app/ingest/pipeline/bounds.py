# SPDX-License-Identifier: Apache-2.0
"""What the stores can hold of what is computed: differences and estimates are cut to fit.

A number too large for its column makes the whole batch's write fail, now and at every repetition, so one hostile or
broken meter would stop its shard. What frames say is held against its bounds where it is decoded (``drivers.bounds``).
"""

from array import array
from collections.abc import Sequence
from itertools import chain

from openmains.app.ingest.pipeline.ports import Table
from openmains.domain.readings.quality import Rule
from openmains.drivers.bounds import INT, INT64

DAYS = range(65_536)  # ClickHouse Date
OVERFLOW = 1 << Rule.SUM_MISMATCH


def fit(value: int) -> int:
    """The nearest number of 64 bits."""
    return max(INT64[0], min(INT64[1], value))


def fit_days(days: Table, places: Sequence[int] | None = None) -> int:
    """Cut increments to what ``meter_day`` holds and flag their rows; returns how many rows. Changes ``days``.

    ``places``: of the rows to look at, all unless given. What came in a frame fits (``drivers.bounds``).
    """
    increments = days.get("increments", ())
    looked_at = increments if places is None else [increments[place] for place in places]
    try:
        array("i", chain.from_iterable(looked_at))  # one pass in C: nearly always everything fits
    except OverflowError:
        pass
    else:
        return 0
    low, high = INT
    flags = list(days["flags"])
    rows = list(increments)
    count = 0
    for place, values in enumerate(rows):
        if min(values) < low or max(values) > high:
            rows[place] = [max(low, min(high, value)) for value in values]
            flags[place] |= OVERFLOW
            count += 1
    days["increments"], days["flags"] = rows, flags
    return count
