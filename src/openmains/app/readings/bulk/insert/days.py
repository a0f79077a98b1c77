# SPDX-License-Identifier: Apache-2.0
"""Volumes and registers of a file as parts of meter-days. Pure.

A day has a register at its start, and slots. Where the file has volumes, the start's register comes from what is stored of the day, from
the file's registers of that day, or from the day before or after. Registers of days of which the file has no volumes are judged
as the meter's own would be (``validate_registers``), on a level of their own, and fill only slots of which nothing was measured.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from openmains.app.readings.bulk.insert.message import DayOf
from openmains.app.readings.bulk.insert.value_row import ValueFault, ValueRow
from openmains.domain.period import Zone
from openmains.domain.readings.at_instant import REFUSED
from openmains.domain.readings.model import DayRow, Limits, MeterState, RegisterReport
from openmains.domain.readings.quality import Slot, rule_names
from openmains.domain.readings.registers import validate_registers

MOST_SLOTS = 3_600  # a slot of 24 s
MISSING = int(Slot.MISSING)


class StoredRow(NamedTuple):
    """What is stored of a day, and when its newest message came."""

    row: DayRow
    received_s: int


@dataclass(slots=True)
class DayPlan:
    """What volumes and registers come to."""

    taken: int = 0
    faults: list[ValueFault] = field(default_factory=list)
    days: list[DayOf] = field(default_factory=list)


def plan_days(
    volumes: Sequence[ValueRow],
    registers: Sequence[ValueRow],
    stored: Mapping[int, StoredRow],
    limits: Limits,
    zone: Zone,
    now_s: int,
) -> DayPlan:
    """``volumes`` and ``registers``: new ones, by instant, in the meter's unit."""
    plan = DayPlan()
    of_day: dict[int, list[ValueRow]] = {}
    for row in volumes:
        of_day.setdefault(zone.day_of(row.at), []).append(row)
    said: dict[int, list[ValueRow]] = {}
    for row in registers:
        said.setdefault(zone.day_of(row.at), []).append(row)
    made: dict[int, DayRow] = {}
    for day, rows in sorted(of_day.items()):
        sheet = _sheet(day, rows, stored.get(day), zone, plan)
        if sheet is None:
            continue
        base = _base(sheet, said, stored, made, zone)
        if base is None:
            plan.faults += [ValueFault(row.row, "value", str(row.value), "register_needed") for row in rows]
            continue
        sheet.base = base
        made[day] = sheet
        _check(sheet, said.pop(day, []), limits, zone, plan)
        told = _told(sheet, stored.get(day), rows, zone, now_s)
        plan.taken += sum(not flags & MISSING for flags in told.quality)
        plan.days.append(told)
    _plan_registers([row for rows in said.values() for row in rows], stored, made, limits, zone, now_s, plan)
    return plan


def _sheet(day: int, rows: Sequence[ValueRow], stored: StoredRow | None, zone: Zone, plan: DayPlan) -> DayRow | None:
    """The day with what is stored and what the file adds; None where nothing of the file fits."""
    interval_s, opens = rows[0].interval_s, zone.start_of(day)
    slots = -(-zone.seconds_in(day) // interval_s) if interval_s else 0
    fits = []
    for row in rows:
        if row.interval_s != interval_s:
            plan.faults.append(
                ValueFault(row.row, "interval_s", str(row.interval_s), "grid_differs", f"{interval_s} s")
            )
        elif not 0 < slots <= MOST_SLOTS or (row.at - opens) % interval_s:
            plan.faults.append(ValueFault(row.row, "at", zone.iso(row.at), "off_grid"))
        else:
            fits.append(row)
    if not fits:
        return None
    increments, quality = [0] * slots, [MISSING] * slots
    base = 0
    if stored is not None and len(stored.row.increments) == slots:
        increments, quality = list(stored.row.increments), list(stored.row.quality)
        base = stored.row.base
    for row in fits:
        slot = (row.at - opens) // interval_s
        increments[slot], quality[slot] = row.value or 0, row.quality
    return DayRow(day, base, interval_s, increments, quality)


def _base(
    sheet: DayRow,
    said: Mapping[int, Sequence[ValueRow]],
    stored: Mapping[int, StoredRow],
    made: Mapping[int, DayRow],
    zone: Zone,
) -> int | None:
    """The register at the day's start, or at its first known slot where those before are missing."""
    there = stored.get(sheet.day)
    if there is not None and not there.row.quality[0] & MISSING:
        return there.row.base
    first = next(slot for slot, flags in enumerate(sheet.quality) if not flags & MISSING)
    opens = zone.start_of(sheet.day)
    for row in said.get(sheet.day, ()):
        slot, rest = divmod(row.at - opens, sheet.interval_s)
        if not rest and slot >= first and not _lost(sheet, first, slot):
            return (row.value or 0) - sum(sheet.increments[first:slot])
    if first == 0:
        before = made.get(sheet.day - 1) or (stored[sheet.day - 1].row if sheet.day - 1 in stored else None)
        if before is not None and not _lost(before, 0, len(before.increments)):
            return before.base + sum(before.increments)
    if not _lost(sheet, first, len(sheet.increments)):
        after = stored.get(sheet.day + 1)
        total = sum(sheet.increments[first:])
        if after is not None and not after.row.quality[0] & MISSING:
            return after.row.base - total
        closes = zone.start_of(sheet.day + 1)
        for row in said.get(sheet.day + 1, ()):
            if row.at == closes:
                return (row.value or 0) - total
    if there is not None and any(not flags & MISSING for flags in there.row.quality[: first + 1]):
        return there.row.base  # of the first slot that is stored, which no new one comes before
    return None


def _lost(row: DayRow, first: int, end: int) -> bool:
    return any(flags & MISSING for flags in row.quality[first:end])


def _check(sheet: DayRow, registers: Sequence[ValueRow], limits: Limits, zone: Zone, plan: DayPlan) -> None:
    """Registers of a day whose volumes are known must be what these come to."""
    opens = zone.start_of(sheet.day)
    first = next(slot for slot, flags in enumerate(sheet.quality) if not flags & MISSING)
    for row in registers:
        slot, rest = divmod(row.at - opens, sheet.interval_s)
        if rest or slot < first or _lost(sheet, first, slot):
            plan.faults.append(ValueFault(row.row, "value", str(row.value), "register_alone"))
            continue
        level = sheet.base + sum(sheet.increments[first:slot])
        if (level % limits.dial if limits.dial else level) != row.value:
            plan.faults.append(ValueFault(row.row, "value", str(row.value), "register_differs", str(level)))
        else:
            plan.taken += 1


def _told(sheet: DayRow, stored: StoredRow | None, rows: Sequence[ValueRow], zone: Zone, now_s: int) -> DayOf:
    """What is sent: the slots that are new, with the register that counts for the first of them. A day that was there keeps the instant
    its newest message came: a file makes no reading late."""
    opens = zone.start_of(sheet.day)
    new = {(row.at - opens) // sheet.interval_s for row in rows if row.interval_s == sheet.interval_s}
    quality = [flags if slot in new else MISSING for slot, flags in enumerate(sheet.quality)]
    increments = [value if slot in new else 0 for slot, value in enumerate(sheet.increments)]
    return DayOf(
        sheet.day, sheet.base, sheet.interval_s, increments, quality, now_s if stored is None else stored.received_s
    )


def _plan_registers(
    rows: Sequence[ValueRow],
    stored: Mapping[int, StoredRow],
    made: Mapping[int, DayRow],
    limits: Limits,
    zone: Zone,
    now_s: int,
    plan: DayPlan,
) -> None:
    """Registers of days without volumes."""
    if not rows:
        return
    if len(rows) == 1:
        plan.faults.append(ValueFault(rows[0].row, "value", str(rows[0].value), "register_alone"))
        return
    sent = rows[-1].at + 1
    judged = validate_registers(
        MeterState(), RegisterReport(sent, sent, [(row.at, row.value or 0) for row in rows]), limits, zone
    )
    for row, kept in zip(rows, judged.registers, strict=True):
        if kept.flags & REFUSED:
            named = ", ".join(rule_names(kept.flags & REFUSED))
            plan.faults.append(ValueFault(row.row, "value", str(row.value), "register_refused", named))
        else:
            plan.taken += 1
    for day in judged.days:
        there, quality = stored.get(day.day), list(day.quality)
        known = made.get(day.day) or (None if there is None else there.row)
        if known is not None:
            if (known.interval_s, len(known.quality)) != (day.interval_s, len(quality)):
                continue  # volumes are known on another grid, and stay
            quality = [
                MISSING if not flags & MISSING else mark for flags, mark in zip(known.quality, quality, strict=True)
            ]
        if all(mark & MISSING for mark in quality):
            continue
        increments = [0 if mark & MISSING else value for value, mark in zip(day.increments, quality, strict=True)]
        received_s = now_s if there is None else there.received_s
        plan.days.append(DayOf(day.day, day.base, day.interval_s, increments, quality, received_s))
