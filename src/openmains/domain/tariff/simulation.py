# SPDX-License-Identifier: Apache-2.0
"""Who pays how much more: the bills of a month under the plan in force and under another one, as if each had held all along.

A month's bill stands for itself here: what was carried of less than a fen, least charges and late fees are left out on both sides.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from openmains.domain.tariff.billing import Count, Payer, Use, bill
from openmains.domain.tariff.calendar import cycle_span, season_at
from openmains.domain.tariff.plan import AtChange, Plan

LARGEST = 50  # members told by name
EDGES = (-20, -10, -5, 0, 5, 10, 20, 50)  # percent; 0 stands for itself: who pays the same is in no band


@dataclass(frozen=True, slots=True)
class MemberMonth:
    """A member and the volume of the month in ml, not below 0: the kernel refuses such a use by name. ``before_old``, ``before_new``:
    what each plan had counted before the month."""

    account_id: int
    meter_id: int
    payer: Payer
    before_old: Count
    before_new: Count
    volume_ml: int


@dataclass(frozen=True, slots=True)
class Difference:
    """A member's two bills."""

    member: MemberMonth
    old_fen: int
    new_fen: int


@dataclass(frozen=True, slots=True)
class Band:
    """Members whose bill changes by [from, to) percent; 0 % itself is in none. None: no end."""

    from_pct: int | None
    to_pct: int | None
    members: int
    difference_fen: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """Sums in fen, counts of members who pay more, the same, less, and the ``LARGEST`` differences."""

    old_fen: int
    new_fen: int
    more: int
    same: int
    less: int
    bands: tuple[Band, ...]
    largest: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class CountedDays:
    """Days whose volume is counted before a day: ``cycle`` as stretches [first, end) without those of seasons that count for themselves,
    and of such a season from ``season_day`` on; None: the day is in none."""

    cycle_day: int
    cycle: tuple[tuple[int, int], ...]
    season_day: int | None


def counted_days(plan: Plan, payer: Payer, day: int) -> CountedDays:
    """What is counted before ``day``, as if the plan had held all along."""
    season, season_day, _ = season_at(plan, day)
    cycle_day = cycle_span(plan.cycle, day, payer.anniversary)[0]
    return CountedDays(
        cycle_day,
        tuple(_with_cycle(plan, cycle_day, day)),
        season_day if season is not None and season.own_count else None,
    )


def _with_cycle(plan: Plan, first: int, end: int) -> Iterable[tuple[int, int]]:
    """Stretches of [first, end) that are in no season with a count of its own."""
    began, day = first, first
    while day < end:
        season, _, until = season_at(plan, day)
        until = min(until, end)
        if season is not None and season.own_count:
            if began < day:
                yield began, day
            began = until
        day = until
    if began < end:
        yield began, end


def month_fen(plan: Plan, payer: Payer, before: Count, first_day: int, end_day: int, volume_ml: int) -> int:
    """What a month costs under a plan, wherever it begins; gas has its reference heat value."""
    held = replace(plan, from_day=first_day - 10_000, at_change=AtChange.CARRIED)
    return bill([held], payer, before, [Use(first_day, end_day, volume_ml, plan.heat_reference)]).total_fen


def compare(old: Plan, new: Plan, members: Iterable[MemberMonth], first_day: int, end_day: int) -> Comparison:
    """All members' bills of the month [``first_day``, ``end_day``) under both plans."""
    found = [
        Difference(
            one,
            month_fen(old, one.payer, one.before_old, first_day, end_day, one.volume_ml),
            month_fen(new, one.payer, one.before_new, first_day, end_day, one.volume_ml),
        )
        for one in members
    ]
    changed = [one for one in found if one.new_fen != one.old_fen]
    largest = sorted(changed, key=lambda one: (-abs(one.new_fen - one.old_fen), one.member.meter_id))[:LARGEST]
    return Comparison(
        old_fen=sum(one.old_fen for one in found),
        new_fen=sum(one.new_fen for one in found),
        more=sum(one.new_fen > one.old_fen for one in found),
        same=len(found) - len(changed),
        less=sum(one.new_fen < one.old_fen for one in found),
        bands=tuple(_bands(changed)),
        largest=tuple(largest),
    )


def _bands(changed: Sequence[Difference]) -> Iterable[Band]:
    ends: list[int | None] = [None, *EDGES, None]
    for low, high in pairwise(ends):
        inside = [one for one in changed if _is_within(one, low, high)]
        yield Band(low, high, len(inside), sum(one.new_fen - one.old_fen for one in inside))


def _is_within(one: Difference, low: int | None, high: int | None) -> bool:
    """Whether the change is in [low, high) percent of the old bill; from nothing to something is above all."""
    change = (one.new_fen - one.old_fen) * 100
    if one.old_fen == 0:
        return high is None
    return (low is None or change >= low * one.old_fen) and (high is None or change < high * one.old_fen)
