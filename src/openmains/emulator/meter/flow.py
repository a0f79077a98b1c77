# SPDX-License-Identifier: Apache-2.0
"""Sustained flow, as the meter sees it in its frozen registers (R1.5, R4.2)."""

from collections.abc import Sequence
from itertools import pairwise


def sustained(entries: Sequence[tuple[int, int]], duration_s: int, threshold_per_h: int) -> bool:
    """Whether the flow reached the threshold (litres/h) in every interval of the newest ``duration_s``.

    ``entries``: (instant, register), oldest first; a gap in them ends the run.
    """
    covered = 0
    for (earlier, first), (later, second) in reversed(list(pairwise(entries))):
        if (second - first) * 3600 < threshold_per_h * (later - earlier):
            return False
        covered += later - earlier
        if covered >= duration_s:
            return True
    return False
