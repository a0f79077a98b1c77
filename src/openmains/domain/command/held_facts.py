# SPDX-License-Identifier: Apache-2.0
"""The facts on which the rules rest, as the signer holds them: its own copies, changed only by what persons signed.

The registry says them too, and whoever has a database role may write there. So both are asked, and of what differs the stricter
holds: protected if either says so, the smaller bound, office hours only where both have them open. What is no question of
strictness – driver, place – is taken from the copy. A meter without a copy, or whose copy has another number, is *unsigned*: it is
not closed, and nothing else is given to it by one person alone.

A balance is the meter's own word, and the frames that carry it upwards have no MAC that the signer could verify: edge and pipeline
could say another. So it is taken as unproven: it can forbid a closing, and it never makes one person enough for one.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from openmains.domain.command.safety import ALONE_UP_TO, OFFICE_HOURS, MeterFacts, OfficeHours
from openmains.domain.ids import AreaId, MeterId

_STRICT = ("prepaid", "is_protected", "is_critical", "closing_forbidden")
_BOUNDS = ("qmax_l_h", "dial")
_FIELDS = ("number", "area_id", "driver", *_STRICT, *_BOUNDS)
NEW, MISSING, FOREIGN = "new", "missing", "foreign"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class HeldFacts:
    """Of one meter. ``closing_forbidden``: by its product; ``qmax_l_h``, ``dial`` (L): 0 not known."""

    meter_id: MeterId
    number: str
    area_id: AreaId
    driver: str
    prepaid: bool
    is_protected: bool
    is_critical: bool
    closing_forbidden: bool
    qmax_l_h: int
    dial: int


@dataclass(frozen=True, slots=True)
class UtilityFacts:
    """Of a utility: its zone (IANA), when one person may close a valve, whether closing from afar is allowed at all."""

    zone: str
    office: OfficeHours = OFFICE_HOURS
    remote_closing: bool = True


@dataclass(frozen=True, slots=True)
class FactsChange:
    """What one fact is in the signer's copy and in the registry, as text; of a meter (0: the utility itself). ``fact`` 'new': no copy
    yet; 'missing': no row any more; 'foreign': another utility's persons signed this meter, so nothing is given to it here until
    they let it go."""

    meter_id: MeterId
    number: str
    fact: str
    held: str
    registry: str
    tightens: bool


def stricter(registry: MeterFacts, held: HeldFacts | None, utility: bool) -> MeterFacts:
    """What the rules are asked with. ``utility``: closing from afar is forbidden for all, by the copy or the registry."""
    if held is None or held.number != registry.number:
        return replace(registry, is_signed=False, prepaid=True, area_id=AreaId(0),
                       closing_forbidden=registry.closing_forbidden or utility,
                       is_protected=registry.is_protected or (held is not None and held.is_protected),
                       is_critical=registry.is_critical or (held is not None and held.is_critical),
                       driver=registry.driver if held is None else held.driver,
                       qmax_l_h=_smaller(registry.qmax_l_h, 0 if held is None else held.qmax_l_h),
                       dial=_smaller(registry.dial, 0 if held is None else held.dial))  # fmt: skip
    return replace(
        registry,
        is_signed=True,
        area_id=held.area_id,
        driver=held.driver,
        prepaid=registry.prepaid or held.prepaid,
        is_protected=registry.is_protected or held.is_protected,
        is_critical=registry.is_critical or held.is_critical,
        closing_forbidden=registry.closing_forbidden or held.closing_forbidden or utility,
        qmax_l_h=_smaller(registry.qmax_l_h, held.qmax_l_h),
        dial=_smaller(registry.dial, held.dial),
    )


def _smaller(a: int, b: int) -> int:
    """The smaller bound; 0 is none."""
    return min(a, b) if a and b else a or b


def changes_of(held: HeldFacts | None, registry: HeldFacts | None) -> list[FactsChange]:
    """What differs of one meter; one of the two may be missing."""
    if held is None or registry is None:
        one = held or registry
        if one is None:
            return []
        fact = NEW if held is None else MISSING
        return [FactsChange(one.meter_id, one.number, fact, "", "", tightens=False)]
    return [
        FactsChange(held.meter_id, registry.number, name, _text(before), _text(after), _tightens(name, before, after))
        for name in _FIELDS
        if (before := getattr(held, name)) != (after := getattr(registry, name))
    ]


def utility_changes(held: UtilityFacts | None, registry: UtilityFacts) -> list[FactsChange]:
    """The same of the utility itself."""
    rows = []
    for name, before, after in (
        ("zone", held and held.zone, registry.zone),
        ("office", held and office_text(held.office), office_text(registry.office)),
        ("remote_closing", held and held.remote_closing, registry.remote_closing),
    ):
        if before != after:
            tightens = name == "remote_closing" and held is not None and not registry.remote_closing
            rows.append(
                FactsChange(
                    MeterId(0), "", name, "" if held is None else _text(before), _text(after), tightens=tightens
                )
            )
    return rows


def office_text(office: OfficeHours) -> str:
    """``08:00-18:00 12345``, days with 1 = Monday."""
    start, end = (f"{minute // 60:02d}:{minute % 60:02d}" for minute in (office.from_minute, office.to_minute))
    return f"{start}-{end} {''.join(str(day + 1) for day in sorted(office.days))}"


def needs_two(changes: Sequence[FactsChange], alone: int) -> bool:
    """Whether a second person must sign these: for whatever is not stricter than before, and for many new meters, because
    each raises what a quota's share is of. ``alone``: new meters that were signed by one person within a day; list by list is many
    too."""
    new = sum(change.fact == NEW for change in changes)
    return (new > 0 and new + alone > ALONE_UP_TO) or any(
        change.fact != NEW and not change.tightens for change in changes
    )


def foreign(registry: HeldFacts) -> FactsChange:
    """What is shown of a meter whose copy is another utility's: nothing that could be signed."""
    return FactsChange(registry.meter_id, registry.number, FOREIGN, "", "", tightens=True)


class FactsHash:
    """SHA-256 over the facts that are to be signed, in the order of their meters: who signs means this list and no other."""

    def __init__(self, utility: UtilityFacts | None) -> None:
        own = None if utility is None else [utility.zone, office_text(utility.office), utility.remote_closing]
        self._hash = hashlib.sha256(json.dumps(own).encode())

    def add(self, meter_id: MeterId, registry: HeldFacts | None) -> None:
        """One meter's; None: its copy goes."""
        facts = None if registry is None else [getattr(registry, name) for name in _FIELDS]
        self._hash.update(b"\n" + json.dumps([meter_id, facts]).encode())

    def hex(self) -> str:
        """So far."""
        return self._hash.hexdigest()


def _tightens(name: str, before: object, after: object) -> bool:
    if name in _STRICT:
        return after is True
    return (
        name in _BOUNDS and isinstance(before, int) and isinstance(after, int) and after > 0 and not 0 < before < after
    )


def _text(value: object) -> str:
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)
