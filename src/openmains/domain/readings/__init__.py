# SPDX-License-Identifier: Apache-2.0
"""Readings (R6): judge what a meter sent, keep meter-days, answer any period. Definitions: docs/readings.md."""

from openmains.domain.readings.merge import Totals, merge, totals
from openmains.domain.readings.validate import judge_intervals, judge_registers

__all__ = ["Totals", "judge_intervals", "judge_registers", "merge", "totals"]
