# SPDX-License-Identifier: Apache-2.0
"""The number in a frame against the registered one, before anything of the frame is booked.

Where they differ, the module is another meter's, or the registry is wrong: booking would bill one customer's use to
another. So the message is held (frame log, dead letter with its number), a person is asked (exception with both
numbers) and the alarm ``module_mismatch`` stands until a frame carries the right number, or one that a person accepted.
Not compared: frames of zeros or without a sound number – unless the meter stands in mismatch, for what another module
says does not become right by leaving out whose it is – and registries without digits. Both are counted.
"""

from openmains.app.ingest.model import AlarmChange
from openmains.app.ingest.pipeline.ports import DeadLetter, Effects, Entry, ExceptionRow, MeterRecord
from openmains.app.ingest.uplink import Uplink
from openmains.domain.fleet.meter_number import NumberFit, fit_of, registered_numbers
from openmains.domain.period import Zone
from openmains.domain.readings.quality import Rule
from openmains.drivers.model import MISSING_VALUE
from openmains.drivers.points import vocabulary

HELD = "held"
"""Outcome in the frame log of a message that waits for a person's judgement; nothing of it is booked."""
REASON = "number_mismatch"
_EVENT = vocabulary().events["module_mismatch"]
MISMATCH_BIT = 1 << _EVENT.bit
CRITICAL = sum(1 << event.bit for event in vocabulary().events.values() if event.severity == "critical")


def may_book(
    record: MeterRecord, carried: int, digits: int, uplink: Uplink, version: int, zone: Zone, effects: Effects
) -> bool:
    """Whether the message is this meter's; if not, all that holding it means is added. Changes ``record``."""
    fit = NumberFit.NOT_SET if carried == MISSING_VALUE else fit_of(carried, record.number, record.bar_code, digits)
    if fit is NumberFit.NOT_SET:
        effects.counters["number.not_set"] += 1
        if record.strange_number is None:
            return True
        carried = record.strange_number
    elif fit is NumberFit.DIFFERS and carried != record.accepted_number:
        effects.counters["number.differs"] += 1
    else:
        if fit is NumberFit.NOT_COMPARABLE:
            effects.counters["number.not_comparable"] += 1
        elif fit is NumberFit.FITS:
            record.accepted_number = None  # the registry says so by itself now
        _agree(record, uplink, effects)
        return True
    _hold(record, carried, digits, uplink, version, zone, effects)
    return False


def accept(record: MeterRecord, number: int, uplink: Uplink, effects: Effects) -> None:
    """A person took this number for the meter's: frames with it are booked. Changes ``record``."""
    record.accepted_number = number
    if record.strange_number == number:
        _agree(record, uplink, effects)
    effects.counters["number.accepted"] += 1


def _agree(record: MeterRecord, uplink: Uplink, effects: Effects) -> None:
    if record.strange_number is not None:
        record.strange_number = None
        record.event_mask &= ~MISMATCH_BIT
        _alarm(record, "cleared", uplink, effects)


def _hold(
    record: MeterRecord, carried: int, digits: int, uplink: Uplink, version: int, zone: Zone, effects: Effects
) -> None:
    known = registered_numbers(record.number, record.bar_code, digits)
    detail = f"the frame carries the number {carried}, the registry has {record.number}"
    effects.dead_letters.append(DeadLetter(uplink, REASON, 0, detail, carried))
    at = uplink.received_us // 1_000_000
    for row in effects.exceptions:
        if (row.meter_id, row.rule, row.value) == (record.meter_id, Rule.NUMBER_MISMATCH, carried):
            row.occurrences += 1
            break
    else:
        effects.exceptions.append(
            ExceptionRow(
                record.tenant_id,
                record.meter_id,
                version,
                int(Rule.NUMBER_MISMATCH),
                at,
                zone.day_of(at),
                carried,
                known[0] if known else None,
                Entry.LASTS,
            )
        )
    _alarm(record, "raised" if record.strange_number is None else "repeated", uplink, effects)
    record.strange_number = carried
    record.event_mask |= MISMATCH_BIT


def _alarm(record: MeterRecord, action: str, uplink: Uplink, effects: Effects) -> None:
    effects.alarms.append(
        AlarmChange(
            record.tenant_id,
            record.meter_id,
            _EVENT.name,
            _EVENT.severity,
            action,
            uplink.received_us // 1_000_000,
            uplink.received_us,
        )
    )
