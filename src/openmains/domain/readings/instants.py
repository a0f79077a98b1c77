# SPDX-License-Identifier: Apache-2.0
"""An instant as people and spreadsheets write it: a date with a time of day, with an offset or in the utility's own zone.

What could mean two instants is refused, never guessed: a date without a time (unless whoever imports said which to take), a local
time that the end of summer time repeats, the day's number that a spreadsheet makes of a date. Written as files write it
by ``Zone.iso``, which reads back as the same instant.
"""

import re
from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from openmains.domain.period import Zone, utc

_INSTANT = re.compile(
    r"(\d{4})(?:[-/.](\d{1,2})[-/.](\d{1,2})|年(\d{1,2})月(\d{1,2})日|(\d{2})(\d{2}))"
    r"(?:(?:[ T]+|(?<=日))(\d{1,2})(?::(\d{2})(?::(\d{2})(?:\.\d{1,9})?)?|[时点](?:(\d{1,2})分(?:(\d{1,2})秒)?)?))?"
    r"(?: ?(Z|[+-]\d{2}:?\d{2}))?",
    re.ASCII,
)
_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)", re.ASCII)
_SERIAL = re.compile(r"\d{4,6}(?:\.\d+)?", re.ASCII)  # days since 1900, as spreadsheets keep a date
FIRST_YEAR, LAST_YEAR = 1971, 2100


class ClockError(ValueError):
    """No instant; the argument is a key of the reasons of a row of readings."""


def time_of_day(text: str) -> int | None:
    """Seconds of the wall clock, of 'HH:MM'; None for anything else."""
    found = _TIME.fullmatch(text)
    return None if found is None else int(found[1]) * 3600 + int(found[2]) * 60


def read_instant(text: str, place: Zone, date_only_s: int | None = None) -> int:
    """Instant in s UTC. ``date_only_s``: time of day (s) of a date that has none; None: such a date is refused.

    :raises ClockError: a key of the reasons.
    """
    found = _INSTANT.fullmatch(text.strip())
    if found is None:
        raise ClockError("serial_date" if _SERIAL.fullmatch(text.strip()) else "bad_instant")
    year, *parts = found.groups()
    month, day = (int(part) for part in parts[:6] if part is not None)
    hour, minute, second, zh_minute, zh_second, offset = parts[6:]
    if hour is None:
        if date_only_s is None or offset is not None:
            raise ClockError("time_needed")
        clock = date_only_s
    else:
        clock = int(hour) * 3600 + int(minute or zh_minute or 0) * 60 + int(second or zh_second or 0)
        if int(hour) > 23 or int(minute or zh_minute or 0) > 59 or int(second or zh_second or 0) > 59:
            raise ClockError("bad_instant")
    if not FIRST_YEAR <= int(year) <= LAST_YEAR:
        raise ClockError("bad_instant")
    try:
        wall = datetime.combine(date(int(year), month, day), datetime.min.time()) + timedelta(seconds=clock)
    except ValueError:
        raise ClockError("bad_instant") from None
    return _of_zone(wall, place) if offset is None else _of_offset(wall, offset)


def _of_offset(wall: datetime, offset: str) -> int:
    if offset == "Z":
        return int(wall.replace(tzinfo=UTC).timestamp())
    minutes = int(offset[1:3]) * 60 + int(offset[-2:])
    if minutes > 14 * 60 or int(offset[-2:]) > 59:
        raise ClockError("bad_instant")
    ahead = timedelta(minutes=-minutes if offset[0] == "-" else minutes)
    return int(wall.replace(tzinfo=timezone(ahead)).timestamp())


def _of_zone(wall: datetime, place: Zone) -> int:
    info = ZoneInfo(place.key)
    early, late = (int(wall.replace(tzinfo=info, fold=fold).timestamp()) for fold in (0, 1))
    if early != late:
        is_there = utc(early).astimezone(info).replace(tzinfo=None, fold=0) == wall
        raise ClockError("time_twice" if is_there else "time_never")
    return early
