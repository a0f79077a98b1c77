# SPDX-License-Identifier: Apache-2.0
"""Take a reading that a person made: into the ledger, then into the stream, where the meter's own order judges it.

The row is committed before the message is sent. A crash in between leaves it waiting: whoever enters it once more sends the
same message, and the pipeline applies a row of the ledger once. What can be told at once is refused here; what only the
meter's other registers tell is judged as any register is (``domain/readings/manual.py``).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from openmains.app.fleet.driver_catalog import DriverCatalog
from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.ingest.ports import UplinkReplay
from openmains.app.problems import Problem
from openmains.app.readings.manual.message import manual_uplink
from openmains.app.readings.manual.model import ManualReading, NewManualReading, ReadMeter, SentReading
from openmains.app.readings.manual.ports import ManualStore
from openmains.app.readings.manual.reading_row import register_cell
from openmains.app.unit_of_work import Store, Work
from openmains.domain.fleet.cells import CellError
from openmains.domain.fleet.device_kind import DeviceKind
from openmains.domain.ids import MeterId
from openmains.domain.period import Zone, zone
from openmains.domain.quantity import LITRE_EXPONENT, rescale, to_m3
from openmains.domain.readings.instants import ClockError, read_instant
from openmains.domain.readings.manual import reading_fault, units_of
from openmains.domain.readings.model import Limits
from openmains.domain.readings.rules import ceiling_of


@dataclass(frozen=True, slots=True)
class GivenReading:
    """As it was entered: a meter by id, number or bar code, an instant with an offset or in the utility's zone, m³."""

    meter_id: MeterId | None
    number: str
    bar_code: str
    at: str
    register_m3: str
    note: str


async def take_reading(
    store: Store, stream: UplinkReplay, drivers: DriverCatalog, actor: Actor, wanted: GivenReading, now_us: int
) -> ManualReading:
    """The reading in the ledger; it is in the stream. The same reading once more is the one that is there.

    :raises Problem: ``meter-unknown``, ``bar-code-shared``, ``no-registers``; ``invalid-input`` with the field;
        ``reading-differs`` where another register of this meter and instant was entered before.
    """
    place = zone(actor.zone)
    async with store.tenant(actor.tenant_id) as work:
        ledger = work[ManualStore]
        meter = await _meter(work, wanted)
        new = _checked(meter, wanted, drivers, actor, place, now_us)
        reading_id = await ledger.add(new)
        found = await ledger.at(meter.meter_id, new.at)
        assert found is not None  # noqa: S101 added, or there before
        if reading_id is None and found.register != new.register:
            raise Problem(
                "reading-differs",
                known=as_read_m3(found, exponents(drivers)),
                at=place.iso(new.at),
                reading_id=found.reading_id,
            )
        if reading_id is not None:
            await work[AuditTrail].record(actor, "take_reading", "manual_reading", reading_id, None, found)
    if found.state == "waits":
        await stream.replay([manual_uplink(_sent(found, actor))])
        async with store.tenant(actor.tenant_id) as work:
            await work[ManualStore].sent(found.reading_id, now_us)
    return found


async def is_taken(work: Work, actor: Actor, meter_id: MeterId, at: str) -> bool:
    """Whether this person's reading of a meter and instant is in the ledger."""
    try:
        found = await work[ManualStore].at(meter_id, read_instant(at, zone(actor.zone)))
    except ClockError:
        return False
    return found is not None and found.author_id == actor.user_id


def limits_of_meter(meter: ReadMeter, unit_exponent: int, place: Zone) -> Limits:
    """What a reading of the meter is held to before its other registers are known."""
    qmax = rescale(meter.qmax_l_h, LITRE_EXPONENT, unit_exponent)
    return Limits(qmax, meter.dial, ceiling_of(qmax), place.start_of(meter.installed_day))


def exponents(drivers: DriverCatalog) -> dict[str, int]:
    """Unit of each driver, 10^n m³."""
    return {page.name: page.unit_exponent for page in drivers.pages()}


async def _meter(work: Work, wanted: GivenReading) -> ReadMeter:
    ledger = work[ManualStore]
    if wanted.meter_id is not None:
        meter = await ledger.meter(wanted.meter_id)
        found = [] if meter is None else [meter]
    else:
        found = await ledger.meters(wanted.number, wanted.bar_code)
    name = wanted.number or wanted.bar_code or str(wanted.meter_id)
    if not found:
        raise Problem("meter-unknown", name=name)
    if len(found) > 1:
        raise Problem("bar-code-shared", name=name)
    if wanted.number and wanted.bar_code and found[0].bar_code != wanted.bar_code:
        raise Problem("bar-code-differs", name=wanted.bar_code, number=wanted.number)
    if found[0].kind != DeviceKind.METER:
        raise Problem("no-registers")
    return found[0]


def _checked(
    meter: ReadMeter, wanted: GivenReading, drivers: DriverCatalog, actor: Actor, place: Zone, now_us: int
) -> NewManualReading:
    exponent = exponents(drivers).get(meter.driver, LITRE_EXPONENT)
    try:
        at = read_instant(wanted.at, place)
    except ClockError as error:
        raise Problem("invalid-input", fields=(("/at", str(error).replace("_", "-")),)) from error
    try:
        read = units_of(*register_cell(wanted.register_m3), exponent)
    except CellError as error:
        raise Problem("invalid-input", fields=(("/register_m3", "wrong-format"),)) from error
    fault = reading_fault(
        at, read, limits_of_meter(meter, exponent, place), meter.removed_day, now_us // 1_000_000, place
    )
    if fault is not None or read is None:
        field = "/register_m3" if fault in ("beyond-dial", "too-many-decimals") else "/at"
        raise Problem("invalid-input", fields=((field, str(fault)),))
    return NewManualReading(meter.meter_id, at, read.register, read.digit, wanted.note, actor.user_id, now_us)


def _sent(found: ManualReading, actor: Actor) -> SentReading:
    made_us = round(found.made_at.timestamp() * 1_000_000)
    return SentReading(
        found.reading_id, found.meter_id, actor.tenant_id, found.product_id, found.author_id, int(found.at.timestamp()),
        found.register, found.digit, found.note, made_us,
    )  # fmt: skip


def as_read_m3(reading: ManualReading, exponents: Mapping[str, int]) -> str:
    """Its register in m³ with the decimals that were read."""
    exponent = exponents.get(reading.driver, LITRE_EXPONENT)
    decimals = max(0, -exponent - (len(str(reading.digit)) - 1))
    return f"{to_m3(reading.register, exponent):.{decimals}f}"
