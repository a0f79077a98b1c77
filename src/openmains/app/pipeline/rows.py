# SPDX-License-Identifier: Apache-2.0
"""Gathers the rows of a batch column by column, the way both stores take them fastest."""

from collections.abc import Mapping
from typing import Any

from openmains.app.pipeline.ports import AlarmChange, Effects, MeterRecord, PendingDay, StoredDay, Table
from openmains.app.uplink import Uplink
from openmains.domain.alarm import EventKind, EventState, Heard, hear
from openmains.domain.period import day_to_date
from openmains.domain.readings import merge
from openmains.domain.readings.model import DayRow, RegisterRow
from openmains.domain.readings.quality import Slot

SIGNAL_POINTS = ("rsrp_ddbm", "sinr_ddb", "ecl", "pci", "cell", "earfcn", "battery_pct", "battery_mv")
NOT_SENT = -(2**31)
UNMEASURED = Slot.MISSING | Slot.ESTIMATED


def _table(*names: str) -> Table:
    return {name: [] for name in names}


class Gatherer:
    """Appends to an ``Effects``; one for each batch."""

    def __init__(self, effects: Effects) -> None:
        self._effects = effects
        effects.frames = _table(
            "tenant_id", "meter_id", "received_us", "version", "direction", "channel", "path", "outcome", "payload"
        )
        effects.registers = _table(
            "tenant_id", "meter_id", "at", "register", "flags", "position", "received_us", "version"
        )
        effects.signals = _table("tenant_id", "meter_id", "received_us", "version", *SIGNAL_POINTS)
        self._frame_columns = list(effects.frames.values())

    def frame(self, uplink: Uplink, version: int, outcome: str) -> None:
        """One row of the frame log."""
        tenant, meter, received, versions, direction, channel, path, outcomes, payload = self._frame_columns
        tenant.append(uplink.tenant_id)
        meter.append(uplink.meter_id)
        received.append(uplink.received_us)
        versions.append(version)
        direction.append("up")
        channel.append(uplink.channel)
        path.append(uplink.path)
        outcomes.append(outcome)
        payload.append(uplink.payload)

    def registers(self, record: MeterRecord, rows: list[RegisterRow], version: int, received_us: int) -> None:
        """Registers at arbitrary instants, each exactly as it came."""
        table, count = self._effects.registers, len(rows)
        table["tenant_id"].extend([record.tenant_id] * count)
        table["meter_id"].extend([record.meter_id] * count)
        table["at"].extend([row.at for row in rows])
        table["register"].extend([row.register for row in rows])
        table["flags"].extend([row.flags for row in rows])
        table["position"].extend(range(count))
        table["received_us"].extend([received_us] * count)
        table["version"].extend([version] * count)

    def signal(self, record: MeterRecord, received_us: int) -> None:
        """Radio and battery as the message told them."""
        table, latest = self._effects.signals, record.latest
        table["tenant_id"].append(record.tenant_id)
        table["meter_id"].append(record.meter_id)
        table["received_us"].append(received_us)
        table["version"].append(record.state.version)
        for name in SIGNAL_POINTS:
            table[name].append(latest.get(name, NOT_SENT))

    def events(
        self,
        record: MeterRecord,
        heard: Heard,
        kinds: Mapping[int, EventKind],
    ) -> None:
        """Alarms from a message's event flags; an older message clears nothing that a newer one said."""
        state = EventState(record.event_mask, record.device_at)
        if not heard.is_alarm and (state.active ^ heard.mask) & heard.known == 0:
            record.device_at = max(record.device_at, heard.device_at)
            return
        after, changes = hear(state, heard, kinds)
        record.event_mask, record.device_at = after.active, after.at
        for change in changes:
            self._effects.alarms.append(
                AlarmChange(
                    record.tenant_id,
                    record.meter_id,
                    change.event,
                    change.severity,
                    change.action.value,
                    change.raised_at,
                    change.received_us,
                )
            )


def day_table(pending: list[PendingDay], stored: dict[tuple[int, int], StoredDay]) -> Table:
    """Columns of ``meter_day``: rows merged with what is stored, in message order, the last version of each day only.

    A stored version that is not older than the row's own means that this very message was written before a crash:
    its row is left as it is.
    """
    newest: dict[tuple[int, int], tuple[PendingDay, DayRow]] = {}
    for item in pending:
        key = (item.record.meter_id, item.row.day)
        row = item.row
        earlier = newest.get(key)
        if earlier is not None:
            row = merge(earlier[1], row)
        else:
            known = stored.get(key)
            if known is not None:
                if known[0] >= item.version:
                    continue
                row = merge(known[1], row)
        newest[key] = (item, row)
    table = _table(
        "tenant_id", "meter_id", "day", "area_id", "product_id", "base", "interval_s", "increments", "quality",
        "total", "flags", "slots", "measured", "received_s", "version",
    )  # fmt: skip
    columns: list[list[Any]] = list(table.values())
    for item, row in newest.values():
        slots, measured = _counts(row.quality)
        values = (
            item.record.tenant_id, item.record.meter_id, day_to_date(row.day), item.record.area_id,
            item.record.product_id, row.base, row.interval_s, row.increments, row.quality, sum(row.increments),
            row.flags, slots, measured, item.received_s, item.version,
        )  # fmt: skip
        for column, value in zip(columns, values, strict=True):
            column.append(value)
    return table


def _counts(quality: list[int]) -> tuple[int, int]:
    """(slots with a value, slots measured)."""
    length = len(quality)
    if not any(quality):
        return length, length
    missing = sum(1 for flags in quality if flags & Slot.MISSING)
    unmeasured = sum(1 for flags in quality if flags & UNMEASURED)
    return length - missing, length - unmeasured
