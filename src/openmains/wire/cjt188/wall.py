# SPDX-License-Identifier: Apache-2.0
"""Seconds since 1970 → the calendar a CJ/T 188 frame carries. The zone is the caller's: wall-clock seconds come in."""

from datetime import UTC, datetime

from openmains.wire.cjt188.data import WallTime


def to_wall(seconds: int) -> WallTime:
    """Calendar time of wall-clock seconds since 1970-01-01."""
    at = datetime.fromtimestamp(seconds, UTC)
    return WallTime(at.year, at.month, at.day, at.hour, at.minute, at.second)


def wall_seconds_of(wall: WallTime) -> int:
    """Wall-clock seconds since 1970-01-01 of a calendar time."""
    return int(datetime(wall.year, wall.month, wall.day, wall.hour, wall.minute, wall.second, tzinfo=UTC).timestamp())
