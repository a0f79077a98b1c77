# SPDX-License-Identifier: Apache-2.0
"""Values of any quantity of a meter, by name: what screens draw, files hold and rules read (R1.2, R4.9, R6.1).

Three tables hold them: ``series`` most, ``signal`` what every report says (``logged`` in ``drivers/points.toml``), ``meter_day``
volume (ADR 0019). Whoever asks need not know.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from openmains.app.problems import Problem
from openmains.app.readings.model import LoggedValues, StoredDay, StoredRun
from openmains.app.readings.ports import QuantityStore, ReadingStore
from openmains.domain.ids import MeterId, TenantId
from openmains.domain.period import DAY_S, HOUR_S, Zone
from openmains.domain.readings.quality import Slot
from openmains.domain.readings.quantities import MOST_SPAN_S, Run, Sample, Stretch, curve, samples
from openmains.drivers.model import Title
from openmains.drivers.points import Point, vocabulary

VOLUME = "increments"
REGISTER = "register"
LATEST_S = 400 * DAY_S
"""A value older than this is the latest of nothing any more."""
CURVE_PARTS = 96
_OF_KIND: Mapping[str, frozenset[int | None]] = {
    "balance": frozenset({0}), "balance_volume": frozenset({1}), "balance_unknown": frozenset({None}),
}  # fmt: skip
_KINDS = frozenset({0, 1, 2})  # 2: there is none
_UNITS: Mapping[str, str] = {"volume": "m3", "volume/h": "m3/h"}


@dataclass(slots=True, frozen=True)
class Values:
    """Samples of one quantity; value = integer x 10^``exponent`` of ``unit``."""

    name: str
    title: Title
    unit: str
    exponent: int
    samples: list[Sample]


@dataclass(slots=True, frozen=True)
class LatestValue:
    """The newest known value of a quantity of a meter, in its point's unit; instants in s UTC."""

    name: str
    at: int
    value: int
    quality: int


def askable() -> tuple[str, ...]:
    """Names that values can be asked of, in the order people are shown them."""
    return (VOLUME, REGISTER, *vocabulary().quantities)


def unit_of(point: Point, volume_exponent: int) -> tuple[str, int]:
    """(unit, exponent) of a point's values; ``volume_exponent``: of the meter's driver, 10^n m³."""
    unit = _UNITS.get(point.unit)
    return (point.unit, point.exponent) if unit is None else (unit, point.exponent + volume_exponent)


async def values_of(
    store: QuantityStore,
    readings: ReadingStore,
    tenant_id: TenantId,
    meter_id: MeterId,
    names: Sequence[str],
    period: tuple[int, int],
    *,
    volume_exponent: int,
    place: Zone,
    most: int,
) -> list[Values]:
    """Values at instants in [left, right) of ``period``, of each name in the order given, each name once.

    :raises Problem: ``unknown-quantity``; ``too-many-values`` where there are more than ``most``.
    """
    wanted = list(dict.fromkeys(names))
    points = vocabulary().points
    if unknown := [name for name in wanted if name not in askable()]:
        raise Problem("unknown-quantity", fields=(("/points", "not-accepted"),), name=unknown[0][:100])
    left, right = period
    found: dict[str, list[Sample]] = {}
    if VOLUME in wanted or REGISTER in wanted:
        days = await readings.days(tenant_id, meter_id, place.day_of(left), place.day_of(right - 1))
        found[VOLUME], found[REGISTER] = _of_days(days, place, left, right)
    kept = vocabulary().quantities
    numbers = {kept[name].number: name for name in wanted if name in kept and not kept[name].logged}
    if numbers:
        runs = await store.runs(tenant_id, meter_id, list(numbers), left - MOST_SPAN_S, left, right, most + 1)
        _refuse_beyond(most, len(runs))
        by_name: dict[str, list[Run]] = {}
        for stored in runs:
            by_name.setdefault(numbers[stored.point], []).append(stored.run)
        found |= {name: samples(listed, left, right) for name, listed in by_name.items()}
    if logged := [name for name in wanted if name in kept and kept[name].logged]:
        rows = await store.logged(tenant_id, meter_id, left * 1_000_000, right * 1_000_000, most + 1)
        _refuse_beyond(most, len(rows))
        found |= {name: _of_log(name, rows) for name in logged}
    _refuse_beyond(most, sum(len(found.get(name, [])) for name in wanted))
    return [
        Values(name, points[name].title, *unit_of(points[name], volume_exponent), found.get(name, []))
        for name in wanted
    ]


def _refuse_beyond(most: int, count: int) -> None:
    if count > most:
        raise Problem("too-many-values", fields=(("/to", "out-of-range"),), limit=most)


async def latest_values(
    store: QuantityStore, tenant_id: TenantId, meter_ids: Sequence[MeterId], now_s: int
) -> dict[int, dict[str, LatestValue]]:
    """By meter and name the newest value that is known, of the last ``LATEST_S``: what rules are asked about."""
    since = max(0, now_s - LATEST_S)
    found: dict[int, dict[str, LatestValue]] = {meter_id: {} for meter_id in meter_ids}
    grouped = _by_name(await store.latest_runs(tenant_id, meter_ids, since))
    for (meter_id, name), runs in grouped.items():
        _note(found[meter_id], name, samples(runs, 0, 2**32))
    logged = [name for name, kept in vocabulary().quantities.items() if kept.logged]
    by_meter: dict[int, list[LoggedValues]] = {}
    for meter_id, said in await store.latest_logged(tenant_id, meter_ids, since * 1_000_000):
        by_meter.setdefault(meter_id, []).append(said)
    for meter_id, rows in by_meter.items():
        for name in logged:
            _note(found[meter_id], name, _of_log(name, rows))
    return found


async def curves_of(
    store: QuantityStore, tenant_id: TenantId, meter_ids: Sequence[MeterId], hours: int, now_s: int
) -> dict[int, dict[str, list[Stretch]]]:
    """By meter and name how each quantity kept as series went in the last ``hours``: ``CURVE_PARTS`` of one length at most."""
    left = now_s - hours * HOUR_S
    runs = _by_name(await store.recent_runs(tenant_id, meter_ids, left - MOST_SPAN_S, left))
    found: dict[int, dict[str, list[Stretch]]] = {meter_id: {} for meter_id in meter_ids}
    for (meter_id, name), listed in runs.items():
        if drawn := curve(samples(listed, left, now_s + 1), left, now_s + 1, CURVE_PARTS):
            found[meter_id][name] = drawn
    return found


def _by_name(rows: Iterable[tuple[int, StoredRun]]) -> dict[tuple[int, str], list[Run]]:
    """Runs by meter and quantity; those of a number that no point has any more are left out."""
    names = {kept.number: name for name, kept in vocabulary().quantities.items()}
    found: dict[tuple[int, str], list[Run]] = {}
    for meter_id, stored in rows:
        if name := names.get(stored.point):
            found.setdefault((meter_id, name), []).append(stored.run)
    return found


def _note(found: dict[str, LatestValue], name: str, listed: Iterable[Sample]) -> None:
    known = [sample for sample in listed if sample.value is not None]
    if known:
        newest = known[-1]
        found[name] = LatestValue(name, newest.at, newest.value or 0, newest.quality)


def _of_log(name: str, rows: Iterable[LoggedValues]) -> list[Sample]:
    """Of a balance only what was said with the kind whose unit the name has; a kind that nobody knows is like none that was said."""
    found: dict[int, Sample] = {}
    for row in sorted(rows, key=lambda row: row.version):
        kind = _OF_KIND.get(name)
        said = row.balance_kind if row.balance_kind in _KINDS else None
        value = getattr(row, name) if kind is None else row.balance if said in kind else None
        if value is not None:
            at = row.received_us // 1_000_000
            found[at] = Sample(at, value, 0, 0, row.version)
    return [found[at] for at in sorted(found)]


def _of_days(days: Iterable[StoredDay], place: Zone, left: int, right: int) -> tuple[list[Sample], list[Sample]]:
    """Volume of each slot, and the register at its start."""
    volume, register = [], []
    for day in days:
        # where the first slot is missing, the base may be the register of a later one
        opens, level, is_level = place.start_of(day.day), day.base, not (day.quality and day.quality[0] & Slot.MISSING)
        for slot, (increment, flags) in enumerate(zip(day.increments, day.quality, strict=True)):
            at = opens + slot * day.interval_s
            missing = bool(flags & Slot.MISSING)
            if left <= at < right:
                volume.append(Sample(at, None if missing else increment, flags, day.interval_s, day.version))
                if is_level:
                    register.append(Sample(at, level, flags & ~Slot.MISSING, 0, day.version))
            level += increment
            is_level = is_level and not missing
    return volume, register
