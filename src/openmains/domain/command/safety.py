# SPDX-License-Identifier: Apache-2.0
"""What a valve command must never do, and when one person is not enough (R13.4). Asked by the API to warn early and by
the signer to decide; only the signer's answer counts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from openmains.domain.command.kinds import RULES, FourEyes, Kind
from openmains.domain.command.quota import Quota, Scope
from openmains.domain.ids import AreaId, MeterId, TenantId

ALONE_UP_TO = 20  # meters by one person alone, at once or within a day; more need a second person
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
    OTHER_NUMBER = "other_number"  # the frame would be for another meter than the command
    MODULE_MISMATCH = (
        "module_mismatch"  # its frames carry another meter's number: who knows whose valve or credit it is
    )
    VALIDITY_TOO_LONG = "validity_too_long"  # would still close somebody next week
    NOT_SIGNED_KIND = "not_signed_kind"
    WRONG_PARAMETERS = "wrong_parameters"  # the driver cannot say it, or a number is out of range
    TOO_MUCH = "too_much"  # money in one act, whoever agrees
    CLOSING_FORBIDDEN = "closing_forbidden"  # utility or product forbids remote closing (R4.8)
    FACTS_UNSIGNED = "facts_unsigned"  # nobody signed what the meter is: it may be a hospital's
    BEYOND_METER = "beyond_meter"  # a quantity that a meter of this size cannot measure
    PERSON_WITHDRAWN = "person_withdrawn"  # who gave it or agreed to it may do so no more
    CLOSED_FOR_SAFETY = "closed_for_safety"  # opened again only at the meter, once the site was inspected


class Need(StrEnum):
    """Why a second person must agree."""

    MANY = "many"
    CRITICAL = "critical"
    OUT_OF_HOURS = "out_of_hours"
    TWO_PERSONS = "two_persons"  # of this kind always
    AMOUNT = "amount"  # more money than one person gives alone, in this act or today
    FACTS_UNSIGNED = "facts_unsigned"  # nobody signed what the meter is
    CREDIT_UNPROVEN = (
        "credit_unproven"  # prepay: the balance came up without a MAC, and one person's word is not enough
    )
    PRICE = "price"  # far from the price before, or nothing to compare it with


@dataclass(frozen=True, slots=True)
class MeterFacts:
    """What the rules need to know of a meter, from the registry and its last state. ``balance``: the meter's own credit in its
    smallest unit; None: not known. ``prepaid``: credit is kept at the meter. ``closing_forbidden``: the utility or the product wants
    no remote closing. ``danger_reported``: by this meter itself, see ``safety_closing``."""

    meter_id: MeterId
    tenant_id: TenantId
    area_id: AreaId
    product_id: int
    driver: str
    is_removed: bool
    is_protected: bool
    is_critical: bool
    prepaid: bool
    balance: int | None
    closing_forbidden: bool = False
    danger_reported: bool = False
    strange_number: int | None = None  # in its frames, while it is not the registered one
    number: str = ""
    qmax_l_h: int = 0  # 0: not known
    dial: int = 0  # where its register begins anew, L; 0: not known
    is_signed: bool = True  # persons signed what the rules rest on (held_facts)


MOVES = frozenset({Kind.VALVE_CLOSE, Kind.VALVE_OPEN, Kind.TOP_UP, Kind.SET_PRICE})
"""What moves a valve or money."""


def refusal(kind: Kind, facts: MeterFacts, *, validity_s: int, closed_for_safety: bool = False) -> Refusal | None:
    """The rule that forbids it, or None. A safety closing is forbidden by none of those that protect a customer from an ordinary
    one. ``closed_for_safety``: such a closing stands at this meter."""
    longest_s = RULES[kind].longest_s
    if facts.is_removed:
        return Refusal.REMOVED
    if longest_s is not None and validity_s > longest_s:
        return Refusal.VALIDITY_TOO_LONG
    if kind is Kind.VALVE_OPEN and closed_for_safety:
        return Refusal.CLOSED_FOR_SAFETY
    if facts.strange_number is not None and kind in MOVES:
        return Refusal.MODULE_MISMATCH
    if kind is Kind.VALVE_CLOSE:
        if facts.closing_forbidden:
            return Refusal.CLOSING_FORBIDDEN
        if facts.is_protected:
            return Refusal.PROTECTED
        if not facts.is_signed:
            return Refusal.FACTS_UNSIGNED
        if facts.prepaid and facts.balance is None:
            return Refusal.UNKNOWN_CREDIT
        if facts.balance is not None and facts.balance > 0:
            return Refusal.HAS_CREDIT
    return None


def needs_second(
    kind: Kind,
    meters: int,
    *,
    critical: bool,
    is_office: bool,
    immediate: bool = False,
) -> list[Need]:
    """Reasons for four eyes on a request that brings what its person gave alone within a day to ``meters`` meters;
    ``is_office``: within office hours now. ``immediate``: the case in which one person may close for safety."""
    rule = RULES[kind].four_eyes
    if rule is FourEyes.ALWAYS:
        return [] if immediate else [Need.TWO_PERSONS]
    found = [Need.MANY] if meters > ALONE_UP_TO and rule is not FourEyes.NEVER else []
    if rule is not FourEyes.STRICT:
        return found
    if critical:
        found.append(Need.CRITICAL)
    if not is_office:
        found.append(Need.OUT_OF_HOURS)
    return found


def exceeded(kind: Kind, used: Mapping[Quota, int], meters: Mapping[Scope, int], *, seconded: bool) -> Scope | None:
    """The first quota that one more would exceed. A second person lifts the operator's own quota and no other."""
    for quota in RULES[kind].quotas:
        if quota.scope is Scope.OPERATOR and seconded:
            continue
        if used.get(quota, 0) + 1 > quota.limit(meters.get(quota.scope, 0)):
            return quota.scope
    return None
