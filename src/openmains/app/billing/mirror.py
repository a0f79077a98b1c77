# SPDX-License-Identifier: Apache-2.0
"""Work out again what meters deduct by themselves (ADR 0063). The worker's turn, for each utility, as that of deductions (``deduct.py``):

1. meters whose days changed since the last turn, and that say a balance, are due; once a day all are
2. due meters are looked at, some hundreds at a time: reports of the last days (of ``WINDOW_DAYS`` once a day, and where a top-up was sent
   before the last ones and answered in them), prices and top-ups that were sent, registers where price or period changed are read; what
   follows is decided purely (``mirroring.py``) and written in one transaction

One process at a time mirrors for a utility: a lock is held from reading to writing. Nothing is booked.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from openmains.app.billing.changed_days import ChangedDays, follow_changes
from openmains.app.billing.mirror_ports import (
    BalanceReports,
    DueMeter,
    MirrorMany,
    MirrorStore,
    Registers,
    SentPrice,
    StoredBalance,
)
from openmains.app.billing.mirroring import Mirrored, ToMirror, instants_of, mirror_meter
from openmains.app.billing.timeline import US, BalanceReport, GivenPrice
from openmains.app.tariff.simulate import UnitOf
from openmains.app.unit_of_work import Store
from openmains.domain.ids import TenantId
from openmains.domain.period import Zone, zone
from openmains.domain.quantity import LITRE_EXPONENT, rescale
from openmains.domain.readings.at_instant import Known, known_boundaries
from openmains.domain.tariff.meter_deduction import MeterDeduction, deduction_of
from openmains.domain.tariff.meter_price import MeterPrice

METERS = 200  # looked at in one transaction
CHANGED = 20_000  # asked for at a time
WINDOW_DAYS = 35  # what comes later than this changes no day any more
LAST_DAYS = 3  # looked over when a day changed; all of the window once a day
DONE = 0  # result of a command that was carried out just now; another good one says that it was done before


@dataclass(frozen=True, slots=True)
class MirrorSources:
    """Whom reports, changes, units and drivers' pages are asked of, and where it is worked out."""

    reports: BalanceReports
    changes: ChangedDays
    unit_of: UnitOf
    rule_of: Callable[[str], MeterDeduction | None]
    mirror: MirrorMany


@dataclass(slots=True)
class MirrorTurn:
    """What a turn did. ``found``: versions with a difference."""

    meters: int = 0
    versions: int = 0
    found: int = 0


def mirror_many(meters: Sequence[tuple[ToMirror, Registers]]) -> list[Mirrored]:
    """``mirror_meter`` for each."""
    return [mirror_meter(one, registers.get) for one, registers in meters]


async def mirror_turn(
    store: Store, sources: MirrorSources, tenants: Sequence[tuple[TenantId, str]], now_us: int
) -> MirrorTurn:
    """All utilities'."""
    done = MirrorTurn()
    for tenant_id, zone_key in tenants:
        place = zone(zone_key)
        await follow_changes(store, sources.changes, tenant_id, MirrorStore, CHANGED)
        async with store.tenant(tenant_id) as work:
            await work[MirrorStore].hold()
            await work[MirrorStore].begin_day(place.day_of(now_us // US))
        for days in (WINDOW_DAYS, LAST_DAYS):
            after = 0
            while (last := await mirror_part(store, sources, tenant_id, place, days, after, now_us, done)) is not None:
                after = last
    return done


async def mirror_part(
    store: Store,
    sources: MirrorSources,
    tenant_id: TenantId,
    place: Zone,
    days: int,
    after: int,
    now_us: int,
    done: MirrorTurn,
) -> int | None:
    """The next due meters, so many days of each; the last of them, None: there are none."""
    today = place.day_of(now_us // US)
    since_day = today - days
    since_us = place.start_of(since_day) * US
    async with store.tenant(tenant_id) as work:
        meters = work[MirrorStore]
        await meters.hold()
        due = await meters.due(after, METERS, is_whole=days == WINDOW_DAYS)
        if not due:
            return None
        ids = [one.meter_id for one in due]
        prices = _prices(await meters.prices(ids))
        top_ups, kept = await meters.top_ups(ids, since_us), await meters.kept(ids, since_day)
        late = {
            meter_id
            for meter_id, each in top_ups.items()
            if days < WINDOW_DAYS and any(one.sent_us < since_us <= (one.answered_us or 0) for one in each)
        }
        await meters.look_whole(sorted(late))  # it may have been done on a day before these
        last, due = ids[-1], [one for one in due if one.meter_id not in late]
        given = [price.answered_us for each in prices.values() for price in each]
        given += [top_up.answered_us for each in top_ups.values() for top_up in each]
        answers = [answered for answered in given if answered is not None and answered >= since_us]
        said = await sources.reports.reports(tenant_id, ids, since_us, answers, place)
        before = await meters.before(ids, since_day)
        asked = [
            ToMirror(
                one.meter_id, place, today, deduction_of(sources.rule_of(one.driver), one.settings, one.reported),
                before.get(one.meter_id), _reports(said.get(one.meter_id, ()), place, since_day, sources.unit_of(one.driver)),
                prices.get(one.meter_id, ()), top_ups.get(one.meter_id, ()), kept.get(one.meter_id, {}),
            )
            for one in due
        ]  # fmt: skip
        found = await sources.mirror(await _with_registers(sources, tenant_id, place, due, asked))
        versions = [(one.meter_id, version) for one in found for version in one.versions]
        await meters.add(versions, now_us)
        await meters.looked_at(found)
        done.meters += len(due)
        done.versions += len(versions)
        done.found += sum(bool(version.found) for _, version in versions)
    return last


def _reports(said: Sequence[StoredBalance], place: Zone, since_day: int, exponent: int) -> list[BalanceReport]:
    """In litres. A meter's clock that is long behind what it was when it was received puts nothing before the first day."""
    first = place.start_of(since_day)
    return [
        BalanceReport(one.at, one.received_us, rescale(one.register, exponent, LITRE_EXPONENT), one.balance, one.kind)
        for one in said
        if one.at >= first
    ]


def _prices(sent: Sequence[SentPrice]) -> dict[int, list[GivenPrice]]:
    found: dict[int, list[GivenPrice]] = {}
    for one in sent:
        made = _price(one)
        if made is not None:
            found.setdefault(one.meter_id, []).append(made)
    return found


def _price(sent: SentPrice) -> GivenPrice | None:
    """None: another kind of price, without version or period."""
    params, answer = sent.params, sent.answer or {}
    tiers, prices = _numbers(params.get("tier_from")), _numbers(params.get("prices"))
    if not tiers or len(tiers) != len(prices) or not {"version", "period_start"} <= params.keys():
        return None
    register, exponent = answer.get("register"), answer.get("unit_exponent", LITRE_EXPONENT)
    return GivenPrice(
        params["version"],
        MeterPrice(tiers, prices, params.get("cycle_months", 12), params.get("clear_total", 0) == 1),
        params.get("effective_at", 0),
        params["period_start"],
        sent.sent_us,
        sent.answered_us,
        None if register is None else rescale(register, exponent, LITRE_EXPONENT),
        sent.result == DONE,
    )


def _numbers(said: Any) -> tuple[int, ...]:
    return tuple(said) if isinstance(said, list) else ()


async def _with_registers(
    sources: MirrorSources, tenant_id: TenantId, place: Zone, due: Sequence[DueMeter], asked: Sequence[ToMirror]
) -> list[tuple[ToMirror, Registers]]:
    """Each with the registers at the instants at which price or period changed: those of slots' edges that were measured."""
    wanted = {one.meter_id: instants_of(one) for one in asked}
    keys = {
        (meter_id, place.day_of(at) - back)
        for meter_id, instants in wanted.items()
        for at in instants
        for back in (0, 1)
    }
    days = await sources.reports.days(tenant_id, sorted(keys)) if keys else {}
    found = list[tuple[ToMirror, Registers]]()
    for meter, one in zip(due, asked, strict=True):
        edges = known_boundaries(days.get(one.meter_id, ()), place)
        exponent = sources.unit_of(meter.driver)
        known = {at: edges[at] for at in wanted[one.meter_id] if at in edges and not edges[at].is_estimated}
        found.append((one, _litres(known, exponent)))
    return found


def _litres(known: Mapping[int, Known], exponent: int) -> dict[int, int]:
    return {at: rescale(edge.register, exponent, LITRE_EXPONENT) for at, edge in known.items()}
