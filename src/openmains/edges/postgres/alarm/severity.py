# SPDX-License-Identifier: Apache-2.0
"""How grave something is, as tables of alarms and work orders are sorted by it: the gravest is 1. Indexes of migrations 0152 and 0153
are over this expression, word for word."""

from typing import get_args

from openmains.app.alarm.model import Severity

_SEVERITIES = get_args(Severity)


def rank_column(column: str) -> str:
    """In SQL, of a column."""
    return f"array_position('{{{','.join(_SEVERITIES)}}}'::text[], {column})"


def rank_of(severity: str) -> int:
    """Of a value."""
    return _SEVERITIES.index(severity) + 1
