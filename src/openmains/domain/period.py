# SPDX-License-Identifier: Apache-2.0
"""Instants, and days in a utility's own time zone.

Instants are whole seconds since 1970-01-01 UTC. A *day* is a calendar day in the tenant's zone, counted as days since
1970-01-01 (the count ClickHouse's ``Date`` uses), so it has 23, 24 or 25 hours. Zone rules come from ``zoneinfo``.
"""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86_400  # of elapsed time; a calendar day may have an hour less or more
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def utc(seconds: float) -> datetime:
    """The instant, aware, of seconds since 1970-01-01 UTC."""
    return datetime.fromtimestamp(seconds, UTC)


def utc_of_us(us: int) -> datetime:
    """The instant, aware, of microseconds since 1970-01-01 UTC; exact, as no float is in between."""
    return _EPOCH + timedelta(microseconds=us)


def day_to_date(day: int) -> date:
    """Calendar date of a day number."""
    return date.fromordinal(EPOCH_ORDINAL + day)


def date_to_day(value: date) -> int:
    """Day number of a calendar date."""
    return value.toordinal() - EPOCH_ORDINAL


def weekday_of(day: int) -> int:
    """0 = Monday."""
    return day_to_date(day).weekday()


def day_text(day: int) -> str:
    """A day number as ISO 8601 date: ``2026-11-30``."""
    return day_to_date(day).isoformat()


def month_text(day: int) -> str:
    """The month that holds the day: ``2026-11``."""
    return day_text(day)[:7]


def on_or_before_month_end(year: int, month: int, number: int) -> date:
    """That day of the month, or its last where it has none such: 30 February is the 28th or 29th.

    :raises ValueError: ``number`` is in no month.
    """
    for shorter in range(4):
        try:
            return date(year, month, number - shorter)
        except ValueError:
            continue
    raise ValueError(f"no day {number} in month {month}")


def months_later(day: int, months: int) -> int:
    """The day so many months later (before it: negative); the last of the month where it has no such day."""
    when = day_to_date(day)
    year, month = divmod(when.year * 12 + when.month - 1 + months, 12)
    return date_to_day(on_or_before_month_end(year, month + 1, when.day))


def first_of_month(day: int, later: int = 0) -> int:
    """First day of the month that holds ``day``, or of the one so many months ``later`` (before it: negative)."""
    return months_later(day - day_to_date(day).day + 1, later)


def month_span(text: str) -> tuple[int, int]:
    """First day of a month, and the day after its last. ``text``: YYYY-MM.

    :raises ValueError: it is none.
    """
    first = date_to_day(date(int(text[:4]), int(text[5:7]), 1))
    return first, first_of_month(first, 1)


class Zone:
    """A tenant's time zone; ``key`` is an IANA name such as ``Asia/Shanghai``."""

    __slots__ = ("_info", "_starts", "key")

    def __init__(self, key: str) -> None:
        self.key = key
        self._info = ZoneInfo(key)
        self._starts: dict[int, int] = {}

    def start_of(self, day: int) -> int:
        """Instant (s) of local midnight at which ``day`` begins."""
        found = self._starts.get(day)
        if found is None:
            midnight = datetime.combine(day_to_date(day), datetime.min.time(), tzinfo=self._info)
            found = int(midnight.timestamp())
            if len(self._starts) > 20_000:
                self._starts.clear()
            self._starts[day] = found
        return found

    def day_of(self, instant_s: int) -> int:
        """Day that contains the instant."""
        day = instant_s // DAY_S
        if instant_s < self.start_of(day):
            return day - 1
        if instant_s >= self.start_of(day + 1):
            return day + 1
        return day

    def seconds_in(self, day: int) -> int:
        """Length of the day: 82,800, 86,400 or 90,000 s in zones with one-hour summer time."""
        return self.start_of(day + 1) - self.start_of(day)

    def at(self, day: int, hour: int, minute: int = 0) -> int:
        """Instant of a wall-clock time on ``day``."""
        wall = datetime.combine(day_to_date(day), datetime.min.time(), tzinfo=self._info)
        return int((wall + timedelta(hours=hour, minutes=minute)).timestamp())

    def offset_s(self, instant_s: int) -> int:
        """Seconds that local time is ahead of UTC at this instant."""
        offset = datetime.fromtimestamp(instant_s, self._info).utcoffset()
        return int(offset.total_seconds()) if offset is not None else 0

    def iso(self, instant_s: int) -> str:
        """Local ISO 8601 text with offset, for people and files."""
        return utc(instant_s).astimezone(self._info).isoformat()


@lru_cache(maxsize=512)
def zone(key: str) -> Zone:
    """The zone with this IANA name; raises ``zoneinfo.ZoneInfoNotFoundError`` for an unknown one."""
    return Zone(key)
