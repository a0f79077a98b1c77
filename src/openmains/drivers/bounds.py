# SPDX-License-Identifier: Apache-2.0
"""What a decoded number can be at all. A frame may be well-formed and still say a number that no column takes.

A number too large for its column makes the write of a whole batch fail, now and at every repetition, so one hostile or
broken meter would stop its shard. Therefore every number is held against these bounds when its frame is decoded; one beyond
them is left out and noted, and what is sound beside it is kept. The same place takes out what no meter measures: marks
for 'not known', and state that cannot be (``least``, ``most`` and ``missing`` of ``points.toml``).
"""

from collections.abc import Mapping

import numpy as np

from openmains.domain.period import DAY_S
from openmains.drivers.model import MISSING_VALUE, Columns, Damage
from openmains.drivers.points import vocabulary
from openmains.drivers.scalar import CARRIES

Bounds = tuple[int, int]
INT: Bounds = (-(2**31) + 1, 2**31 - 1)  # the least Int32 says 'not sent'
VOLUME: Bounds = (-(2**60), 2**60)  # sums and differences of two still fit 64 bits
INSTANT: Bounds = (-(2**31), 2**32)  # 1901 to 2106: days that ClickHouse and the calendar can name
INT64: Bounds = (-(2**63) + 1, 2**63 - 1)

POINTS: Mapping[str, Bounds] = {
    "device_at": INSTANT, "start_at": INSTANT, "register_at": INSTANT, "raised_at": INSTANT,
    "interval_s": (1, 31 * DAY_S), "frame_seq": INT,
    "register": VOLUME, "base": VOLUME,
    "pressure_interval_s": (1, 31 * DAY_S),
    **{name: point.bounds for name, point in vocabulary().quantities.items()},
    **{name: point.bounds for name, point in vocabulary().latest.items()},
}  # fmt: skip
INSTANTS = frozenset({"register_instants", "history_at"})  # series that only date others
UNKNOWN: Mapping[str, list[int]] = {
    name: sorted(point.missing) for name, point in vocabulary().points.items() if point.missing
}
SERIES: Mapping[str, Bounds] = {
    "increments": INT, "history": VOLUME, "history_at": INSTANT,
    "register_values": VOLUME, "register_instants": INSTANT,
    **{name: point.bounds for name, point in vocabulary().quantities.items()},
}  # fmt: skip


def keep_sound(columns: Columns) -> dict[int, str]:
    """Make values beyond their bounds ``MISSING_VALUE`` and note them; marks for 'not known' go without a word.

    Returns the places in ``columns`` of messages that say nothing any more, with the name of what they said wrong.
    """
    beyond: dict[int, str] = {}
    for name, marks in UNKNOWN.items():
        for given in (columns.points, columns.series):
            if name in given:
                given[name] = np.where(np.isin(given[name], marks), MISSING_VALUE, given[name])
    for given, bounds in ((columns.points, POINTS), (columns.series, SERIES)):
        for name, values in given.items():
            low, high = bounds.get(name, INT64)
            bad = ((values < low) | (values > high)) & (values != MISSING_VALUE)
            if bad.any():
                for place in np.flatnonzero(bad if bad.ndim == 1 else bad.any(axis=1)).tolist():
                    detail = f"{name} is beyond {low}..{high}"
                    columns.damages.append(Damage(columns.rows[place], 0, name, detail))
                    beyond.setdefault(place, name)
                given[name] = np.where(bad, MISSING_VALUE, values)
    return {place: name for place, name in beyond.items() if not _says_anything(columns, place)}


def _says_anything(columns: Columns, place: int) -> bool:
    statements = [values[place] for name, values in columns.points.items() if name not in CARRIES]
    told = [values[place] for name, values in columns.series.items() if name not in INSTANTS]
    return columns.event_mask is not None or any((value != MISSING_VALUE).any() for value in [*statements, *told])
