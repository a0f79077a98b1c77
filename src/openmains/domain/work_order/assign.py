# SPDX-License-Identifier: Apache-2.0
"""Who is sent: technicians by place and skill, the nearest place first, of those who have least to do (R7.2).

A technician looks after areas with all below them, everywhere where none is named, and has skills by the utility's own words. Who has not
the skill is not offered; who is away is not; whoever is sent all the same is sent for a reason that a person gives.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from openmains.domain.ids import UserId


class Unfit(StrEnum):
    """Why somebody is not offered."""

    SKILL = "skill"
    PLACE = "place"
    AWAY = "away"


@dataclass(frozen=True, slots=True)
class Technician:
    """``paths``: of areas looked after, (first, end); none: everywhere. ``open_orders``: not done yet."""

    user_id: UserId
    skills: frozenset[str]
    paths: tuple[tuple[str, str], ...]
    open_orders: int
    is_away: bool = False


@dataclass(frozen=True, slots=True)
class Candidate:
    """``nearness``: depth of the area that covers the place, 0 where the technician looks after everything; ``unfit`` empty: offered."""

    user_id: UserId
    open_orders: int
    nearness: int
    unfit: tuple[Unfit, ...]


def candidates(technicians: Iterable[Technician], skill: str, path: str) -> list[Candidate]:
    """Everybody, who fits first: the smallest area that holds the place, then the fewest open orders, then by number."""
    found = [_judged(one, skill, path) for one in technicians]
    return sorted(found, key=lambda one: (len(one.unfit), -one.nearness, one.open_orders, one.user_id))


def best(found: Sequence[Candidate]) -> UserId | None:
    """Whom a kind that sends by itself sends; None: nobody fits."""
    return next((one.user_id for one in found if not one.unfit), None)


def _judged(one: Technician, skill: str, path: str) -> Candidate:
    covering = [first for first, end in one.paths if first <= path < end]
    unfit = []
    if skill and skill not in one.skills:
        unfit.append(Unfit.SKILL)
    if one.paths and not covering:
        unfit.append(Unfit.PLACE)
    if one.is_away:
        unfit.append(Unfit.AWAY)
    return Candidate(one.user_id, one.open_orders, max(map(len, covering), default=0), tuple(unfit))
