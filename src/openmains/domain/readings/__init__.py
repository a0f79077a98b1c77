# SPDX-License-Identifier: Apache-2.0
"""Readings (R6): judge what a meter sent, keep meter-days, answer any period. Definitions: docs/readings.md."""

from openmains.domain.readings.merge import Totals, merge, totals
from openmains.domain.readings.validate import validate_intervals, validate_registers

__all__ = ["Totals", "merge", "totals", "validate_intervals", "validate_registers"]
