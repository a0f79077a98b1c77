# SPDX-License-Identifier: Apache-2.0
"""Registers of very many meters at one instant (R6.1, R14.7), a page of meters at a time.

Nearly always the day's own row tells: at midnight its ``base``, else the slot that holds the instant. Only for meters of which it
does not are the nearest days and received registers asked for, and the rule of ``domain/readings/at_instant.py`` applied.
"""

import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from typing import Any

from msgspec import Struct, json

from openmains.app.fleet.choice import ChosenMeter, MeterChoice, chosen_pages, told
from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.problems import Problem
from openmains.app.readings.bulk.ahead import one_ahead
from openmains.app.readings.bulk.ports import BulkStore, SlotAround
from openmains.app.spreadsheet import csv_bytes
from openmains.app.unit_of_work import Store
from openmains.domain.ids import MeterId, TenantId
from openmains.domain.period import Zone
from openmains.domain.quantity import LITRE_EXPONENT, decimal_of
from openmains.domain.readings.at_instant import NEIGHBOUR_DAYS, Known, boundary_flags, register_at, within_slot
from openmains.domain.readings.model import RegisterRow
from openmains.domain.readings.quality import Slot, slot_names

REGISTER_HEADS = {
    "zh": ("表号", "时刻", "读数 (m³)", "估算", "质量", "整数读数", "指数"),
    "en": ("meter number", "at", "register (m³)", "estimated", "quality", "count", "exponent"),
}
_YES_NO = {"zh": ("是", "否"), "en": ("yes", "no")}
_FEW = 500  # meters of whose neighbours rows with all their slots are read at once
_WINDOW = 5  # pages of a file whose few meters without a row that day are looked for together
_UNSURE = int(Slot.MISSING | Slot.ESTIMATED | Slot.INTERPOLATED)
_EDITED, _MISSING = (
    int(Slot.EDITED),
    int(Slot.MISSING),
)  # plain numbers: flags of an enumeration cost a microsecond each


class RegisterAt(Struct, frozen=True):
    """Register of a meter at the instant asked for, in 10^``unit_exponent`` m³; null: not known, and nothing around it that says.
    ``is_estimated``: read off the line between two known registers. ``quality``: what it rests on; none: measured."""

    meter_id: MeterId
    number: str
    register: int | None
    register_m3: str | None
    unit_exponent: int
    is_estimated: bool
    quality: list[str]


def check_instant(at_s: int, now_s: int) -> None:
    """Raises ``instant-ahead`` for one that has not come: what was estimated for it would look like a reading."""
    if at_s > now_s:
        raise Problem("instant-ahead", fields=(("/at", "out-of-range"),))


async def registers_at(
    store: BulkStore, tenant_id: TenantId, meter_ids: Sequence[MeterId], at_s: int, zone: Zone
) -> dict[int, Known]:
    """The registers of these meters at an instant, by meter; none where nobody can say. At most a page of them."""
    if not meter_ids:
        return {}
    found = await _by_the_day(store, tenant_id, meter_ids, at_s, zone)
    left = [meter_id for meter_id in meter_ids if meter_id not in found]
    return found | await _by_neighbours(store, tenant_id, left, at_s, zone)


async def _by_the_day(
    store: BulkStore, tenant_id: TenantId, meter_ids: Sequence[MeterId], at_s: int, zone: Zone
) -> dict[int, Known]:
    """Of meters whose row of the instant's day tells, nearly all."""
    day = zone.day_of(at_s)
    offset = at_s - zone.start_of(day)
    if offset == 0:
        return await _at_midnight(store, tenant_id, meter_ids, at_s, day)
    return await _within_day(store, tenant_id, meter_ids, at_s, day, offset, zone)


async def _by_neighbours(
    store: BulkStore, tenant_id: TenantId, meter_ids: Sequence[MeterId], at_s: int, zone: Zone
) -> dict[int, Known]:
    """By the nearest days and registers on either side; none where these do not tell."""
    found: dict[int, Known] = {}
    day = zone.day_of(at_s)
    for place in range(0, len(meter_ids), _FEW):
        few = meter_ids[place : place + _FEW]
        days, received = await store.neighbours(tenant_id, few, at_s, day, NEIGHBOUR_DAYS)
        for meter_id in few:
            known = register_at(days.get(meter_id, ()), received.get(meter_id, ()), at_s, zone)
            if known is not None:
                found[meter_id] = known
    return found


async def _at_midnight(
    store: BulkStore, tenant_id: TenantId, meter_ids: Sequence[MeterId], at_s: int, day: int
) -> dict[int, Known]:
    begins = await store.midnight_registers(tenant_id, meter_ids, day)
    keep = ~_EDITED
    found = {
        meter_id: Known(at_s, register, flags & keep)
        for meter_id, (register, flags) in begins.items()
        if not flags & _UNSURE
    }
    others = [meter_id for meter_id in meter_ids if meter_id not in found]
    ends = await store.day_end_registers(tenant_id, others, day - 1) if others else {}
    for meter_id in others:
        begin, end = begins.get(meter_id), ends.get(meter_id)
        if begin is not None and not begin[1] & _MISSING:
            before = _MISSING if end is None else end[1]
            found[meter_id] = Known(at_s, begin[0], boundary_flags(before, begin[1]) & keep)
        elif end is not None:
            edited = _EDITED if end[2] else 0
            found[meter_id] = Known(at_s, end[0], boundary_flags(end[1], _MISSING) & keep | edited)
    return found


async def _within_day(
    store: BulkStore, tenant_id: TenantId, meter_ids: Sequence[MeterId], at_s: int, day: int, offset: int, zone: Zone
) -> dict[int, Known]:
    slots = await store.slots_around(tenant_id, meter_ids, day, offset)
    on_line = [MeterId(meter_id) for meter_id, slot in slots.items() if offset != slot.place * slot.interval_s]
    reach = max((slots[meter_id].interval_s for meter_id in on_line), default=0)
    received = await store.received(tenant_id, on_line, at_s - reach, at_s + reach) if on_line else {}
    opens, closes = zone.start_of(day), zone.start_of(day + 1)
    found = {}
    for meter_id, slot in slots.items():
        known = _in_slot(slot, received.get(meter_id, ()), at_s, opens, closes)
        if known is not None:
            found[meter_id] = known
    return found


def _in_slot(slot: SlotAround, received: Sequence[RegisterRow], at_s: int, opens: int, closes: int) -> Known | None:
    begins = opens + slot.place * slot.interval_s
    edited = _EDITED if slot.is_edited else 0
    left = Known(begins, slot.register, boundary_flags(slot.before, slot.flags) & ~_EDITED | edited)
    return within_slot(left, min(begins + slot.interval_s, closes), slot.increment, slot.flags, received, at_s)


def register_told(meter: ChosenMeter, known: Known | None, exponent: int) -> RegisterAt:
    """As it is answered: modulo the dial, where that is known."""
    if known is None:
        return RegisterAt(meter.meter_id, meter.number, None, None, exponent, False, [])
    register = known.register % meter.dial if meter.dial else known.register
    return RegisterAt(
        meter_id=meter.meter_id,
        number=meter.number,
        register=register,
        register_m3=f"{decimal_of(register, exponent)}",
        unit_exponent=exponent,
        is_estimated=known.is_estimated,
        quality=slot_names(known.flags),
    )


RegisterPage = tuple[list[ChosenMeter], dict[int, Known]]


async def register_pages(
    store: Store,
    bulk: BulkStore,
    tenant_id: TenantId,
    choice: MeterChoice,
    at_s: int,
    zone: Zone,
    now_us: int,
) -> AsyncGenerator[RegisterPage, None]:
    """All meters of a choice by id, a page at a time, with their registers; the next page is asked for while this one is written."""

    async def asked() -> AsyncGenerator[RegisterPage, None]:
        window: list[RegisterPage] = []
        left: list[MeterId] = []
        async for meters in one_ahead(chosen_pages(store, tenant_id, choice, MeterId(0), now_us)):
            ids = [meter.meter_id for meter in meters]
            found = await _by_the_day(bulk, tenant_id, ids, at_s, zone)
            if len(found) < len(ids):
                left += [meter_id for meter_id in ids if meter_id not in found]
            window.append((meters, found))
            if not left or len(left) >= _FEW or len(window) == _WINDOW:
                for page in await _joined(window, left):
                    yield page
                window, left = [], []
        for page in await _joined(window, left):
            yield page

    async def _joined(window: list[RegisterPage], left: list[MeterId]) -> list[RegisterPage]:
        more = await _by_neighbours(bulk, tenant_id, left, at_s, zone)
        for _, found in window:
            found.update(more)
        return window

    async for page in one_ahead(asked()):
        yield page


async def register_lines(
    pages: AsyncIterator[RegisterPage], when: str, exponent_of: Callable[[str], int], language: str
) -> AsyncIterator[list[Sequence[Any]]]:
    """Lines of the file below ``REGISTER_HEADS``; empty cells where nothing is known. ``when``: the instant as it is written."""
    words = _YES_NO[language]
    async for meters, known in pages:
        lines: list[Sequence[Any]] = []
        for meter in meters:
            exponent = exponent_of(meter.driver)
            found = known.get(meter.meter_id)
            if found is None:
                lines.append((meter.number, when, None, None, None, None, exponent))
                continue
            register = found.register % meter.dial if meter.dial else found.register
            quality = " ".join(slot_names(found.flags)) if found.flags else ""
            m3 = decimal_of(register, exponent)
            lines.append((meter.number, when, m3, words[not found.is_estimated], quality, register, exponent))
        yield lines


async def register_csv(
    pages: AsyncIterator[RegisterPage], when: str, exponent_of: Callable[[str], int], language: str
) -> AsyncIterator[bytes]:
    """The same lines as CSV, which is the form for millions. A meter of a plain number whose register was measured, nearly every one, is a line
    of known shape; all others are written by ``csv_bytes``, cell by cell.
    """
    words = _YES_NO[language]
    exponents: dict[str, int] = {}
    yield b"".join(csv_bytes([REGISTER_HEADS[language]]))
    async for meters, known in pages:
        text: list[str] = []
        for meter in meters:
            number, found = meter.number, known.get(meter.meter_id)
            exponent = exponents.get(meter.driver)
            if exponent is None:
                exponent = exponents[meter.driver] = exponent_of(meter.driver)
            if found is None:
                text.append(_line((number, when, None, None, None, None, exponent)))
                continue
            register = found.register % meter.dial if meter.dial else found.register
            if exponent == LITRE_EXPONENT and not found.flags and register >= 0 and number.isalnum():
                whole, litres = divmod(register, 1000)
                text.append(f"{number},{when},{whole}.{litres:03},{words[1]},,{register},-3\r\n")
                continue
            quality = " ".join(slot_names(found.flags)) if found.flags else ""
            m3 = decimal_of(register, exponent)
            text.append(_line((number, when, m3, words[not found.is_estimated], quality, register, exponent)))
        yield "".join(text).encode()


def _line(cells: Sequence[Any]) -> str:
    chunks = csv_bytes([cells])
    next(chunks)  # the mark stands only at the file's start
    return b"".join(chunks).decode()


async def note_registers(store: Store, actor: Actor, choice: MeterChoice, at_s: int, form: str) -> None:
    """A file of registers is in the trail before its first line goes out."""
    said = {"meters": told(choice), "at_s": at_s, "form": form}
    async with store.tenant(actor.tenant_id) as work:
        await work[AuditTrail].record(actor, "export_registers", "bulk", "registers", None, said)


def fingerprint(choice: MeterChoice, *more: object) -> str:
    """Of a question: a cursor or token fits the one it was given for."""
    return hashlib.sha256(json.encode([choice, *more])).hexdigest()[:16]
