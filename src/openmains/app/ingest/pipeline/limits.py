# SPDX-License-Identifier: Apache-2.0
"""Values of a message against the limits of its device: alarms about quantities (R3.7, ``domain/alarm/limits.py``).

Which devices are watched is known beforehand (``WatchedLimits``), so that a meter without limits costs one look into a set. Watched
are the values as they are stored: series and spot values of ``series``, battery and balance of ``signal``. What a terminal says
that is held back is kept and marked, and raises nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from openmains.app.ingest.model import AlarmChange
from openmains.app.ingest.pipeline.ports import Effects, MeterRecord
from openmains.app.readings.quantities import unit_of
from openmains.domain.alarm import Action
from openmains.domain.alarm.limits import Limit, Side, Standing, judge
from openmains.domain.readings.quality import Slot
from openmains.drivers.points import vocabulary

ABOVE_LIMIT, BELOW_LIMIT = "above_limit", "below_limit"
"""Events of ``drivers/points.toml``."""
_EVENTS = {Side.ABOVE: ABOVE_LIMIT, Side.BELOW: BELOW_LIMIT}
_QUANTITIES = vocabulary().quantities
_NAMES = {kept.number: name for name, kept in _QUANTITIES.items()}
_LOGGED = tuple(name for name, kept in _QUANTITIES.items() if kept.logged)
_KIND_OF_BALANCE = {"balance": 0, "balance_volume": 1}


def watch(
    limits: Mapping[str, Limit],
    record: MeterRecord,
    rows: Iterable[Sequence[Any]],
    said: Mapping[str, int],
    received_us: int,
    volume_exponent: int,
    effects: Effects,
) -> None:
    """Judge what a message says. ``rows``: its rows of ``series``; ``said``: its state points."""
    newest = received_us // 1_000_000
    found: dict[str, list[tuple[int, int]]] = {}
    for row in rows:
        _, _, number, start, _, interval, values, quality, _ = row
        if (name := _NAMES[number]) in limits:
            known = found.setdefault(name, [])
            for place, value in enumerate(values):
                if not quality or not quality[place] & Slot.MISSING:
                    known.append((start + place * interval, value))
    for name in _LOGGED:
        kind = _KIND_OF_BALANCE.get(name)
        point = name if kind is None else "balance"
        if name in limits and point in said and kind in (None, said.get("balance_kind")):
            found.setdefault(name, []).append((newest, said[point]))
    for name, known in found.items():
        limit = limits[name]
        standing, crossings = judge(record.standings.get(name, Standing()), limit, sorted(known), newest)
        if standing == record.standings.get(name):
            continue
        record.standings[name] = standing
        effects.standings[(record.meter_id, name)] = (record.tenant_id, standing)
        unit, exponent = unit_of(_QUANTITIES[name].point, volume_exponent)
        for crossing in crossings:
            action = crossing.action
            effects.alarms.append(
                AlarmChange(
                    record.tenant_id, record.meter_id, _EVENTS[crossing.side], limit.severity, action.value, crossing.at,
                    received_us, name, crossing.value, crossing.bound, unit, exponent,
                )
            )  # fmt: skip
            effects.counters[f"limit_{Action(action).value}"] += 1
