# SPDX-License-Identifier: Apache-2.0
"""What the stores can hold. A frame may be well-formed and still say a number that no column takes.

A number too large for its column makes the whole batch's write fail, now and at every repetition, so one hostile or
broken meter would stop its shard. Therefore every number is held against these bounds where frames become numbers; a
frame beyond them is a dead letter, not a failed batch. What is computed later (differences, estimates) is cut to fit.
"""

from array import array
from collections.abc import Mapping
from itertools import chain

import numpy as np

from openmains.app.ingest.pipeline.ports import Table
from openmains.domain.period import DAY_S
from openmains.domain.readings.quality import Rule
from openmains.drivers.model import MISSING_VALUE, Columns
from openmains.drivers.points import vocabulary

Bounds = tuple[int, int]
INT: Bounds = (-(2**31) + 1, 2**31 - 1)  # the least Int32 says 'not sent'
VOLUME: Bounds = (-(2**60), 2**60)  # sums and differences of two still fit 64 bits
INSTANT: Bounds = (-(2**31), 2**32)  # 1901 to 2106: days that ClickHouse and the calendar can name
DAYS = range(65_536)  # ClickHouse Date
INT64: Bounds = (-(2**63) + 1, 2**63 - 1)
OVERFLOW = 1 << Rule.SUM_MISMATCH

POINTS: Mapping[str, Bounds] = {
    "device_at": INSTANT, "start_at": INSTANT, "register_at": INSTANT, "raised_at": INSTANT,
    "interval_s": (1, 31 * DAY_S), "frame_seq": INT,
    "register": VOLUME, "base": VOLUME,
    **{name: point.bounds for name, point in vocabulary().latest.items()},
}  # fmt: skip
SERIES: Mapping[str, Bounds] = {
    "increments": INT, "history": VOLUME, "history_at": INSTANT,
    "register_values": VOLUME, "register_instants": INSTANT,
}  # fmt: skip


def outside(columns: Columns) -> dict[int, str]:
    """Rows that hold a number beyond its bounds, and the name of the first such point or series."""
    found: dict[int, str] = {}
    for given, bounds in ((columns.points, POINTS), (columns.series, SERIES)):
        for name, values in given.items():
            low, high = bounds.get(name, INT64)
            bad = ((values < low) | (values > high)) & (values != MISSING_VALUE)
            if bad.any():
                rows = bad if bad.ndim == 1 else bad.any(axis=1)
                for row in np.flatnonzero(rows).tolist():
                    found.setdefault(row, name)
    return found


def fit(value: int) -> int:
    """The nearest number of 64 bits."""
    return max(INT64[0], min(INT64[1], value))


def fit_days(days: Table) -> int:
    """Cut increments to what ``meter_day`` holds and flag their rows; returns how many rows. Changes ``days``."""
    increments = days.get("increments", ())
    try:
        array("i", chain.from_iterable(increments))  # one pass in C: nearly always everything fits
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
