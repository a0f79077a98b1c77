# SPDX-License-Identifier: Apache-2.0
"""A report that comes after a register of its own time: one that was read on demand, say.

The register drew the slots so far on a line. That line is no measurement, so the report is not compared with it, only
with the register itself: the report's slots must pass through it.
"""

from openmains.domain.readings.model import IntervalReport, MeterState


def beside_line(
    report: IntervalReport, state: MeterState, seen: dict[int, int], closed_at: int, closed: int
) -> dict[int, int]:
    """The newest register of ``state`` as a check (instant → register) where it lies beside the report's line, else nothing.

    ``seen``: the report's registers by instant, to which the nearest one is added for that check; ``closed``: the one at
    ``closed_at``, its newest slot boundary.
    """
    at, register = state.register_at, state.register
    if at is None or register is None or at < report.start:
        return {}
    if at < closed_at:
        k = (at - report.start) // report.interval_s
        around = [seen[report.start + k * report.interval_s], seen[report.start + (k + 1) * report.interval_s]]
    elif at <= report.register_at:
        around = [closed, report.register]
    else:
        around = [closed, max(closed, register)]
    if min(around) <= register <= max(around):
        return {}
    seen[at] = around[0] if register < around[0] else around[1]
    return {at: register}
