# SPDX-License-Identifier: Apache-2.0
"""Who is on duty, and who stands in for whom (R7.3).

A calendar is a week of shifts in the utility's own time; a shift whose end is not after its begin goes on past midnight and
belongs to the day on which it begins. Absences hold for a person wherever the person would be told. A stand-in who is absent too
is stood in for in turn; where that leads round in a circle, or to nobody, the person first meant is told: somebody must be.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from openmains.domain.ids import UserId
from openmains.domain.period import DAY_S, MINUTE_S, Zone, weekday_of

DAY_MIN = DAY_S // MINUTE_S


@dataclass(frozen=True, slots=True)
class Shift:
    """``weekdays``: of its begin, 0 = Monday; minutes of the local day, ``until_min`` excluded."""

    weekdays: frozenset[int]
    from_min: int
    until_min: int
    user_ids: tuple[UserId, ...]


@dataclass(frozen=True, slots=True)
class Absence:
    """From, until (excluded), s since 1970; ``stand_in`` is told instead."""

    user_id: UserId
    from_s: int
    until_s: int
    stand_in: UserId


@dataclass(frozen=True, slots=True)
class DutyCalendar:
    """The shifts of a week."""

    shifts: tuple[Shift, ...]


def minute_of(zone: Zone, now_s: int) -> tuple[int, int]:
    """Local calendar day and the minute that its clock shows."""
    local = now_s + zone.offset_s(now_s)
    return local // DAY_S, local % DAY_S // MINUTE_S


def on_duty(calendar: DutyCalendar, zone: Zone, now_s: int) -> list[UserId]:
    """Everyone whose shift it is, each once, in the calendar's order."""
    day, minute = minute_of(zone, now_s)
    today = weekday_of(day)
    found: dict[UserId, None] = {}
    for shift in calendar.shifts:
        if shift.from_min < shift.until_min:
            now = today in shift.weekdays and shift.from_min <= minute < shift.until_min
        else:
            now = (today in shift.weekdays and minute >= shift.from_min) or (
                (today - 1) % 7 in shift.weekdays and minute < shift.until_min
            )
        if now:
            found.update(dict.fromkeys(shift.user_ids))
    return list(found)


def present(user_id: UserId, absences: Mapping[UserId, Sequence[Absence]], now_s: int) -> UserId:
    """Who is told in this person's place, the person self where nobody stands in."""
    seen, who = {user_id}, user_id
    while True:
        away = next((item for item in absences.get(who, ()) if item.from_s <= now_s < item.until_s), None)
        if away is None:
            return who
        who = away.stand_in
        if who in seen:
            return user_id
        seen.add(who)
