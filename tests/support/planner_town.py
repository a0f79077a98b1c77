# SPDX-License-Identifier: Apache-2.0
"""A town of 100,000 meters in 200 uneven cells, for the planner's test and its chart (scripts/planner_chart.py)."""

import random
from dataclasses import dataclass

from openmains.domain.command.planner import ONE, CellLoad, plan_town, share_in_ppm

METERS, CELLS = 100_000, 200
LIMIT_PER_MIN = 20  # reports a cell carries in a minute
DEADLINE_MIN = 8 * 60
REPORT_MIN = 60  # 01:00, as delivered by the makers


@dataclass(frozen=True)
class Verdict:
    """Peak of the fullest cell (reports a minute), share of reports in by 08:00, and the town's reports by minute."""

    peak: int
    share_in_ppm: int
    by_minute: list[int]


def town(seed: int = 2026) -> list[CellLoad]:
    """Sizes follow a long tail: the largest cells hold several thousand meters, the smallest a dozen."""
    chance = random.Random(seed)  # noqa: S311 - a simulation that can be repeated
    weights = [chance.paretovariate(1.3) for _ in range(CELLS)]
    scale = METERS / sum(min(weight, 14.0) for weight in weights)
    sizes = [max(12, int(min(weight, 14.0) * scale)) for weight in weights]
    sizes[0] += METERS - sum(sizes)
    cells, first = [], 0
    for cell, size in enumerate(sizes):
        other = [chance.randint(0, 4) * ONE for _ in range(DEADLINE_MIN)]
        meters = dict.fromkeys(range(first, first + size), REPORT_MIN)
        cells.append(CellLoad(cell, meters, LIMIT_PER_MIN * ONE, other))
        first += size
    return cells


def judge(cells: list[CellLoad], *, planned: bool) -> Verdict:
    """What the night is like, as it is or as planned."""
    made = plan_town(cells, DEADLINE_MIN)
    arrived, total = 0, 0
    by_minute = [0] * DEADLINE_MIN
    for load, plan in zip(cells, made.cells, strict=True):
        minute_of = plan.minute_of if planned else load.meters
        arrived += share_in_ppm(load, minute_of, DEADLINE_MIN) * len(load.meters)
        total += len(load.meters)
        for minute in minute_of.values():
            by_minute[minute] += 1
    highest = max(max(plan.after if planned else plan.before) for plan in made.cells) // ONE
    return Verdict(highest, round(arrived / total), by_minute)
