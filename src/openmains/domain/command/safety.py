# SPDX-License-Identifier: Apache-2.0
"""What a valve command must never do, and when one person is not enough (R13.4). Asked by the API to warn early and by
the signer to decide; only the signer's answer counts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from openmains.domain.command.kinds import Kind

VALVE = frozenset({Kind.VALVE_CLOSE, Kind.VALVE_OPEN})
ALONE_UP_TO = 20  # meters in one request; more need a second person
EARLIEST, LATEST = 6 * 60, 22 * 60  # minutes of the day; office hours can be set within these


@dataclass(frozen=True, slots=True)
class OfficeHours:
    """When one person may close a valve alone: minutes of the tenant's day, weekdays with 0 = Monday."""

    from_minute: int = 8 * 60
    to_minute: int = 18 * 60
    days: frozenset[int] = frozenset({0, 1, 2, 3, 4})

    def open(self, weekday: int, minute: int) -> bool:
        """Whether it is within. Never in the night: the setting lies in a database that the API may write, and whoever takes
        the API over must not gain hours without witnesses."""
        start, end = max(EARLIEST, self.from_minute), min(LATEST, self.to_minute)
        return weekday in self.days and start <= minute < end


OFFICE_HOURS = OfficeHours()


class Refusal(StrEnum):
    """Why a command is never signed."""

    PROTECTED = "protected"  # hospital, life support, …: never closed from afar
    HAS_CREDIT = "has_credit"  # a customer who has paid is never closed
    UNKNOWN_CREDIT = "unknown_credit"  # prepay, and nobody knows the balance: not closed on a guess
    REMOVED = "removed"  # the meter is out of use
    VALIDITY_TOO_LONG = "validity_too_long"  # would still close somebody next week
    NOT_SIGNED_KIND = "not_signed_kind"
    WRONG_PARAMETERS = "wrong_parameters"  # the driver cannot say it, or a number is out of range


class Need(StrEnum):
    """Why a second person must agree."""

    MANY = "many"
    CRITICAL = "critical"
    OUT_OF_HOURS = "out_of_hours"


@dataclass(frozen=True, slots=True)
class MeterFacts:
    """What the rules need to know of a meter, from the registry and its last state. ``balance``: the meter's own credit in its
    smallest unit; None: not known. ``prepaid``: credit is kept at the meter."""

    meter_id: int
    tenant_id: int
    area_id: int
    product_id: int
    driver: str
    is_removed: bool
    is_protected: bool
    is_critical: bool
    prepaid: bool
    balance: int | None


def refusal(kind: Kind, facts: MeterFacts, *, validity_s: int, longest_s: int = 72 * 3600) -> Refusal | None:
    """The rule that forbids it, or None."""
    if facts.is_removed:
        return Refusal.REMOVED
    if kind not in VALVE:
        return None
    if validity_s > longest_s:
        return Refusal.VALIDITY_TOO_LONG
    if kind is Kind.VALVE_CLOSE:
        if facts.is_protected:
            return Refusal.PROTECTED
        if facts.prepaid and facts.balance is None:
            return Refusal.UNKNOWN_CREDIT
        if facts.balance is not None and facts.balance > 0:
            return Refusal.HAS_CREDIT
    return None


def needs_second(
    kind: Kind, meters: int, *, critical: bool, weekday: int, minute: int, office: OfficeHours = OFFICE_HOURS
) -> list[Need]:
    """Reasons for four eyes on a request over ``meters`` meters; ``weekday`` 0 = Monday, ``minute`` of the tenant's day."""
    if kind not in (Kind.VALVE_CLOSE, Kind.FACTORY_RESET, Kind.SET_PLATFORM):
        return [Need.MANY] if kind in (Kind.VALVE_OPEN, Kind.SET_PRICE) and meters > ALONE_UP_TO else []
    found = []
    if meters > ALONE_UP_TO:
        found.append(Need.MANY)
    if critical:
        found.append(Need.CRITICAL)
    if not office.open(weekday, minute):
        found.append(Need.OUT_OF_HOURS)
    return found


# Quotas --------------------------------------------------------------------------------------------------------------

HOUR_S, DAY_S = 3600, 86_400
SMALL = 20  # a share of a small utility or zone is less than a day's work of one person: this many are always allowed


class Scope(StrEnum):
    """Within what it is counted."""

    OPERATOR = "operator"
    UTILITY = "utility"
    ZONE = "zone"
    PLATFORM = "platform"


@dataclass(frozen=True, slots=True)
class Quota:
    """At most min(``most``, ``share_ppm`` of the scope's meters, but at least SMALL) within ``window_s``."""

    scope: Scope
    window_s: int
    most: int | None = None
    share_ppm: int | None = None

    def limit(self, meters: int) -> int:
        """The number allowed in a scope of this many meters."""
        found = self.most
        if self.share_ppm is not None:
            share = max(SMALL, meters * self.share_ppm // 1_000_000)
            found = share if found is None else min(found, share)
        assert found is not None  # noqa: S101 - a quota says at least one of the two
        return found


VALVE_QUOTAS = (
    Quota(Scope.OPERATOR, HOUR_S, most=20),
    Quota(Scope.UTILITY, HOUR_S, most=500, share_ppm=1_000),
    Quota(Scope.ZONE, DAY_S, share_ppm=50_000),
    Quota(Scope.PLATFORM, DAY_S, share_ppm=50_000),
)
"""Closings, and apart from them openings: counted when a command is authorised, whatever becomes of it."""

TOP_UP_QUOTAS = (
    Quota(Scope.OPERATOR, HOUR_S, most=200),
    Quota(Scope.UTILITY, HOUR_S, share_ppm=20_000),
)


def quotas_of(kind: Kind) -> tuple[Quota, ...]:
    """The quotas a kind is counted in."""
    if kind in VALVE:
        return VALVE_QUOTAS
    return TOP_UP_QUOTAS if kind is Kind.TOP_UP else ()


def exceeded(kind: Kind, used: Mapping[Scope, int], meters: Mapping[Scope, int], *, seconded: bool) -> Scope | None:
    """The first quota that one more would exceed. A second person lifts the operator's own quota and no other."""
    for quota in quotas_of(kind):
        if quota.scope is Scope.OPERATOR and seconded:
            continue
        if used.get(quota.scope, 0) + 1 > quota.limit(meters.get(quota.scope, 0)):
            return quota.scope
    return None
