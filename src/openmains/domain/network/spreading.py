# SPDX-License-Identifier: Apache-2.0
"""How a meter spreads its reports by its own number (R2.1, 错峰离散), and what it must be told to report when we want.

    reports at = report time + spreading start + delay(number, interval)      within the day

A time assigned by the platform replaces the meter's own spreading (R2.1, last sentence). A report time alone does not do
that: the meter adds its delay on top. So either the spreading is switched off with it, or the report time is set so much earlier.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from openmains.domain.period import DAY_S

FIRST_SECOND, SECONDS = (
    10,
    40,
)  # reports are due within these seconds of a minute: clocks drift, and a message takes a while
_LAST_DIGITS = re.compile(r"[0-9]{1,18}$")


class Scheme(StrEnum):
    """How a meter's number becomes its delay."""

    NONE = "none"
    MOD200 = "a"  # (number mod 200) × T3 + (number mod 60) s  [T4.1.4]
    LAST3 = "b"  # last three digits × coefficient  [G5.3]
    LAST2 = "c"  # last two digits × delay minutes, off at 0  [C4.2.3]


def spread_s(scheme: Scheme, number: int, factor_s: int = 120) -> int:
    """Delay (s) after the report time. ``factor_s`` is T3, the coefficient or the delay, in seconds.

    Number ending 10, scheme (c), delay 2 min: 20 min, so a meter set to 00:00 reports at 00:20.
    """
    if scheme is Scheme.MOD200:
        return number % 200 * factor_s + number % 60
    if scheme is Scheme.LAST3:
        return number % 1000 * factor_s
    if scheme is Scheme.LAST2:
        return number % 100 * factor_s
    return 0


def digits_of(number: str) -> int | None:
    """The number that a meter counts with: the digits at the end of what is printed on it. None: it does not end in one."""
    found = _LAST_DIGITS.search(number)
    return None if found is None else int(found[0])


@dataclass(frozen=True, slots=True)
class Spreading:
    """The rule of a product and the names of the settings by which it is changed; "" where it has no such setting.

    ``interval_s``: the interval where the meter has no setting for it; ``may_be_off``: its setting may be 0.
    """

    scheme: Scheme
    interval_s: int
    time_setting: str
    start_setting: str = ""
    interval_setting: str = ""
    may_be_off: bool = True

    def reports_at(self, number: int, settings: Mapping[str, int]) -> int:
        """Second of the local day at which a meter with these settings reports."""
        interval_s = settings.get(self.interval_setting, self.interval_s)
        delay = settings.get(self.start_setting, 0) + spread_s(self.scheme, number, interval_s)
        return (settings.get(self.time_setting, 0) + delay) % DAY_S

    def settings_for(self, number: int, minute: int) -> dict[str, int]:
        """Settings with which this meter reports in this minute of the local day; the second within it differs by meter.

        Where the spreading has settings it is switched off with them, so that it does not matter what they were; scheme (a)
        keeps the seconds of its delay whatever its interval, and the report time is so much earlier.
        """
        values = {self.start_setting: 0} if self.start_setting else {}
        interval_s = self.interval_s
        if self.interval_setting and self.may_be_off:
            values[self.interval_setting] = interval_s = 0
        elif self.interval_setting:
            values[self.interval_setting] = interval_s
        delay = spread_s(self.scheme, number, interval_s)
        second = FIRST_SECOND + number % SECONDS
        if minute * 60 + second < delay <= 59:
            second = delay  # 00:00 is not asked for by a time of the evening before
        values[self.time_setting] = (minute * 60 + second - delay) % DAY_S
        return values
