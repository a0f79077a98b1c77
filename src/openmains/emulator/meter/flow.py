# SPDX-License-Identifier: Apache-2.0
"""Sustained flow, as the meter sees it in its frozen registers (R1.5, R4.2)."""

from collections.abc import Sequence
from itertools import pairwise

MICRO_L_H = 50  # assumed: no document gives the flow below which a leak is a micro-leak


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


def drips(entries: Sequence[tuple[int, int]], duration_s: int) -> bool:
    """Micro-leak (微漏): in the newest ``duration_s`` something flowed in every interval, and in the least of them no more than
    ``MICRO_L_H``: who draws more than that all day long is no leak. ``entries`` as above."""
    steps = [(second - first) * 3600 // (later - earlier) for (earlier, first), (later, second) in pairwise(entries)]
    covers = bool(entries) and entries[-1][0] - entries[0][0] >= duration_s
    return covers and 0 < min(steps, default=0) <= MICRO_L_H
