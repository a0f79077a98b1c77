# SPDX-License-Identifier: Apache-2.0
"""What a file's rows of one meter mean beside what is stored: what is new, what is there already, what is refused. Pure.

BulkInsert adds what is not known and takes nothing away: where a value is known the file must say the same, but for a value that nobody
measured (estimated, interpolated), which a measured one replaces. So the export of this system, or of another that holds the same,
changes nothing, and a file cannot do what an edit needs a reason, and perhaps a second person, for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from openmains.app.readings.bulk.insert.days import DayPlan, StoredRow, plan_days
from openmains.app.readings.bulk.insert.message import DayOf, LoggedOf, RunOf
from openmains.app.readings.bulk.insert.value_row import ValueFault, ValueRow
from openmains.app.readings.manual.model import ReadMeter
from openmains.app.readings.quantities import REGISTER, VOLUME, unit_of
from openmains.domain.fleet.device_kind import DeviceKind
from openmains.domain.period import Zone
from openmains.domain.readings.model import CLOCK_TOLERANCE_S, Limits
from openmains.domain.readings.quality import Slot
from openmains.drivers.bounds import INT, Bounds
from openmains.drivers.bounds import VOLUME as VOLUME_BOUNDS
from openmains.drivers.points import vocabulary

DRAWN = int(Slot.ESTIMATED | Slot.INTERPOLATED)
LOGGED: Mapping[str, Mapping[str, int]] = {
    "battery_mv": {}, "battery_pct": {}, "balance": {"balance_kind": 0}, "balance_volume": {"balance_kind": 1}, "balance_unknown": {},
}  # fmt: skip
_KEPT = {name: kept.number for name, kept in vocabulary().quantities.items() if not kept.logged}
_COLUMN = {"balance_volume": "balance", "balance_unknown": "balance"}


class KnownValue(NamedTuple):
    """What is stored of a quantity and instant; None: a message came and did not know it."""

    value: int | None
    quality: int
    interval_s: int


Known = Mapping[tuple[str, int], KnownValue]


@dataclass(slots=True)
class MeterPlan:
    """What one meter's rows come to. ``taken``: values that are new."""

    taken: int = 0
    unchanged: int = 0
    faults: list[ValueFault] = field(default_factory=list)
    runs: list[RunOf] = field(default_factory=list)
    logged: list[LoggedOf] = field(default_factory=list)
    days: list[DayOf] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Nothing to send."""
        return not (self.runs or self.logged or self.days)


def plan_meter(
    meter: ReadMeter,
    exponent: int,
    limits: Limits,
    rows: Sequence[ValueRow],
    known: Known,
    days: Mapping[int, StoredRow],
    zone: Zone,
    now_s: int,
) -> MeterPlan:
    """``rows`` by quantity, instant and row; ``exponent``: volumes of the meter count 10^exponent m³. ``days``: what is stored of the days of
    its volumes and of those beside them."""
    plan = MeterPlan()
    new: dict[str, list[ValueRow]] = {}
    before: ValueRow | None = None
    for row in rows:
        found = _sound(meter, exponent, limits, row, zone, now_s)
        if isinstance(found, ValueFault):
            plan.faults.append(found)
            continue
        if before is not None and (before.point, before.at) == (found.point, found.at):
            if before.value == found.value:
                plan.unchanged += 1
            else:
                plan.faults.append(_fault(row, "value", "duplicate_in_file", f"# {before.row}"))
            continue
        before = found
        if found.value is None:
            plan.unchanged += 1  # it says nothing, and takes nothing away
        else:
            new.setdefault(found.point, []).append(found)
    logged: list[tuple[int, dict[str, int]]] = []
    for point, listed in new.items():
        if point in (VOLUME, REGISTER):
            continue
        fresh = [row for row in listed if _is_new(row, known.get((point, row.at)), plan)]
        plan.taken += len(fresh)
        if point in _KEPT:
            plan.runs += _runs(_KEPT[point], fresh)
        else:
            logged += [(row.at, {_COLUMN.get(point, point): row.value or 0, **LOGGED[point]}) for row in fresh]
    plan.logged = _together(logged)
    if VOLUME in new or REGISTER in new:
        _plan_volume(plan, meter, limits, new, known, days, zone, now_s)
    return plan


def _plan_volume(
    plan: MeterPlan,
    meter: ReadMeter,
    limits: Limits,
    new: Mapping[str, list[ValueRow]],
    known: Known,
    days: Mapping[int, StoredRow],
    zone: Zone,
    now_s: int,
) -> None:
    volumes = []
    for row in new.get(VOLUME, ()):
        stored = days.get(zone.day_of(row.at))
        if stored is not None and stored.row.interval_s != row.interval_s:
            plan.faults.append(_fault(row, "interval_s", "grid_differs", f"{stored.row.interval_s} s"))
        elif _is_new(row, known.get((VOLUME, row.at)), plan):
            volumes.append(row)
    registers = [
        row for row in new.get(REGISTER, ()) if _is_new(row, known.get((REGISTER, row.at)), plan, dial=meter.dial)
    ]
    made: DayPlan = plan_days(volumes, registers, days, limits, zone, now_s)
    plan.faults += made.faults
    plan.taken += made.taken
    plan.days += made.days


def _sound(
    meter: ReadMeter, exponent: int, limits: Limits, row: ValueRow, zone: Zone, now_s: int
) -> ValueRow | ValueFault:
    """The row with its value in the point's own unit, or what is wrong with it by itself."""
    is_volume = row.point in (VOLUME, REGISTER)
    if is_volume and meter.kind != DeviceKind.METER:
        return _fault(row, "point", "no_volume")
    if row.at > now_s + CLOCK_TOLERANCE_S:
        return _fault(row, "at", "in_the_future")
    if row.at < limits.installed_at:
        return _fault(row, "at", "before_installation")
    if meter.removed_day is not None and row.at >= zone.start_of(meter.removed_day + 1):
        return _fault(row, "at", "after_removal")
    if row.value is None:
        return row
    point = vocabulary().points[row.point]
    shift = row.exponent - unit_of(point, exponent)[1]
    value, rest = (row.value * 10**shift, 0) if shift >= 0 else divmod(row.value, 10**-shift)
    if rest:
        return _fault(row, "value", "too_fine", f"10^{unit_of(point, exponent)[1]}")
    low, high = _bounds(row.point)
    is_beyond_dial = row.point == REGISTER and (value < 0 or (limits.dial > 0 and value >= limits.dial))
    if not low <= value <= high or not point.is_possible(value) or is_beyond_dial:
        return _fault(row, "value", "impossible_value")
    return ValueRow(row.row, row.point, row.at, value, row.exponent, row.interval_s, row.quality)


def _bounds(point: str) -> Bounds:
    if point == VOLUME:
        return INT
    return VOLUME_BOUNDS if point == REGISTER else vocabulary().quantities[point].bounds


def _is_new(row: ValueRow, stored: KnownValue | None, plan: MeterPlan, *, dial: int = 0) -> bool:
    """Whether it adds to what is stored; notes what does not."""
    if stored is None or stored.value is None:
        return True
    if row.value == (stored.value % dial if dial else stored.value):
        plan.unchanged += 1
        return False
    is_drawn = stored.quality & DRAWN and not stored.quality & Slot.EDITED
    if row.point != REGISTER and is_drawn and not row.quality & DRAWN:
        return True
    plan.faults.append(_fault(row, "value", "value_differs", str(stored.value)))
    return False


def _together(said: Sequence[tuple[int, dict[str, int]]]) -> list[LoggedOf]:
    """Values of an instant as one row, as a report says them; where two are kept in the same column, as two, the second one after all
    first ones: a version has one row of an instant."""
    layers: list[dict[int, dict[str, int]]] = []
    for at, values in said:
        for layer in layers:
            if not layer.get(at, {}).keys() & values.keys():
                layer.setdefault(at, {}).update(values)
                break
        else:
            layers.append({at: dict(values)})
    return [LoggedOf(at, layer[at]) for layer in layers for at in sorted(layer)]


def _runs(number: int, rows: Sequence[ValueRow]) -> list[RunOf]:
    """Neighbours on one grid as a run; spot values alone."""
    runs: list[RunOf] = []
    at = 0
    for row in rows:
        last = runs[-1] if runs else None
        if (
            last is None
            or not row.interval_s
            or last.interval_s != row.interval_s
            or row.at != at
            or len(last.values) >= 2_000
        ):
            last = RunOf(number, row.at, row.interval_s, [], [])
            runs.append(last)
        last.values.append(row.value or 0)
        last.quality.append(row.quality)
        at = row.at + row.interval_s
    return [run if any(run.quality) else RunOf(run.point, run.start_s, run.interval_s, run.values, []) for run in runs]


def _fault(row: ValueRow, column: str, reason: str, known: str = "") -> ValueFault:
    value = {"value": row.value, "at": row.at, "point": row.point, "interval_s": row.interval_s}[column]
    return ValueFault(row.row, column, str(value), reason, known)
