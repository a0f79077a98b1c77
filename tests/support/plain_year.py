# SPDX-License-Identifier: Apache-2.0
"""What a year of registers means, computed straight from the readings; imports nothing of the domain on purpose."""

from bisect import bisect_left
from datetime import date, datetime, timedelta

from tests.support.real_water import MADRID, Reading

QMAX, BACK_PER_H, SLACK, CADENCE_S = 3125, 62, 10, 3600


def plain_valid(entries: list[Reading]) -> tuple[list[Reading], list[str]]:
    """Valid readings, and a word for each entry."""
    valid: list[Reading] = []
    words = []
    for at, litres in entries:
        word = ""
        if valid:
            last_at, last = valid[-1]
            seconds = at - last_at
            if seconds == 0:
                word = "DUPLICATE_SAME" if litres == last else "DUPLICATE_DIFFERENT"
            elif litres < last:
                allowed = max(SLACK, BACK_PER_H * min(seconds, 86_400) // 3600)
                word = "REVERSE_FLOW" if last - litres <= allowed else "IMPOSSIBLE_BACK"
            elif litres - last > QMAX * seconds // 3600 + SLACK:
                word = "OVER_QMAX"
        words.append(word)
        if word in ("", "REVERSE_FLOW"):
            valid.append((at, litres))
    return valid, words


def plain_register(valid: list[Reading], at: int) -> int:
    """Register at an instant: on the line between the valid readings around it, rounded down."""
    k = bisect_left(valid, (at, -1))
    after_at, after = valid[k]
    if after_at == at:
        return after
    before_at, before = valid[k - 1]
    return before + (after - before) * (at - before_at) // (after_at - before_at)


def plain_totals(valid: list[Reading], grid_s: int) -> dict[date, int]:
    """Litres of each local day, of the first and last as far as slots of the grid (s) are known."""
    first = -(-valid[0][0] // grid_s) * grid_s
    last = valid[-1][0] // grid_s * grid_s
    today = datetime.fromtimestamp(valid[0][0], MADRID).date()
    out = {}
    while True:
        start = int(datetime(today.year, today.month, today.day, tzinfo=MADRID).timestamp())
        tomorrow = today + timedelta(days=1)
        end = int(datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=MADRID).timestamp())
        left, right = max(start, first), min(end, last)
        if left < right:
            out[today] = plain_register(valid, right) - plain_register(valid, left)
        if end >= last:
            return out
        today = tomorrow
