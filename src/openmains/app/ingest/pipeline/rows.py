# SPDX-License-Identifier: Apache-2.0
"""Gathers the rows of a batch column by column, the way both stores take them fastest."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from openmains.app.command.sent_frames import SentFrame
from openmains.app.ingest.model import AlarmChange
from openmains.app.ingest.pipeline.ports import DayTables, Effects, MeterRecord, PendingDay, StoredDay, Table
from openmains.app.ingest.pipeline.quantities import SERIES_COLUMNS, Quantities, ValueSource
from openmains.app.ingest.uplink import Uplink
from openmains.domain.alarm import EventKind, EventState, Heard, hear
from openmains.domain.period import day_to_date
from openmains.domain.readings import merge, totals
from openmains.domain.readings.model import DayRow, Limits, RegisterRow
from openmains.domain.readings.restore import restore
from openmains.drivers.model import MISSING_VALUE, Ints

# what is kept of every report, in ClickHouse's table signal; its columns have these names
SIGNAL_POINTS = (
    "rsrp_ddbm",
    "sinr_ddb",
    "ecl",
    "pci",
    "cell",
    "earfcn",
    "battery_pct",
    "battery_mv",
    "balance",
    "balance_kind",
)
NOT_SENT = -(2**31)
NOT_APPLIED = 0  # the version of a frame of the log that made none
ALL_MEASURED: list[int] = []  # an empty list on disk stands for zeros: nearly every day of every meter


FRAME_COLUMNS = (
    "tenant_id", "meter_id", "received_us", "version", "direction", "channel", "path", "outcome", "payload",
)  # fmt: skip
REGISTER_COLUMNS = ("tenant_id", "meter_id", "at", "register", "flags", "position", "received_us", "version")
SIGNAL_COLUMNS = ("tenant_id", "meter_id", "received_us", "version", *SIGNAL_POINTS, "register", "register_at")
NO_REGISTER = (NOT_SENT, 0)  # of a message whose balance is told without the register of the same moment
DAY_COLUMNS = (
    "tenant_id", "meter_id", "day", "area_id", "product_id", "base", "interval_s", "increments", "quality",
    "total", "flags", "slots", "measured", "received_s", "version",
)  # fmt: skip
VERSION_COLUMNS = (
    "tenant_id", "meter_id", "day", "version", "base", "interval_s", "increments", "quality", "total", "flags",
    "received_s", "superseded_s",
)  # fmt: skip
CAUSE_COLUMNS = (
    "tenant_id", "meter_id", "day", "version", "why", "user_id", "approved_by", "edit_id", "made_s", "reason",
)  # fmt: skip


class Gatherer:
    """Appends rows; one for each batch. ``finish`` turns them into columns: one append a row is the cheapest way."""

    def __init__(self, effects: Effects) -> None:
        self._effects = effects
        self._frames: list[tuple[Any, ...]] = []
        self._registers: list[tuple[Any, ...]] = []
        self._signals: list[tuple[Any, ...]] = []
        self._series: list[tuple[Any, ...]] = []
        self.touched: dict[int, MeterRecord] = {}

    def finish(self) -> None:
        """Hand the columns and the meters to the effects."""
        self._effects.meters = list(self.touched.values())
        self._effects.frames = columns_of(FRAME_COLUMNS, self._frames)
        self._effects.registers = columns_of(REGISTER_COLUMNS, self._registers)
        self._effects.signals = columns_of(SIGNAL_COLUMNS, self._signals)
        self._effects.series = columns_of(SERIES_COLUMNS, self._series)

    def frame(self, uplink: Uplink, version: int, outcome: str) -> None:
        """One row of the frame log. ``version``: of the state that the message made; ``NOT_APPLIED`` has a key of its own, so that what
        came again with the same instant never stands in place of what was applied."""
        self._frames.append(
            (
                uplink.tenant_id,
                uplink.meter_id,
                uplink.received_us,
                version,
                "up",
                uplink.channel,
                uplink.path,
                outcome,
                uplink.payload,
            )
        )

    def sent(self, frame: SentFrame) -> None:
        """One row of the frame log for what went down; a command's number, or a running one of its link, in place of a version."""
        self._frames.append(
            (
                frame.tenant_id, frame.meter_id, frame.sent_us, frame.number, "down", frame.channel, frame.path, frame.outcome,
                frame.payload,
            )
        )  # fmt: skip

    def registers(self, record: MeterRecord, rows: list[RegisterRow], version: int, received_us: int) -> None:
        """Registers at arbitrary instants, each exactly as it came."""
        tenant_id, meter_id, append = record.tenant_id, record.meter_id, self._registers.append
        for position, row in enumerate(rows):
            append((tenant_id, meter_id, row.at, row.register, row.flags, position, received_us, version))

    def signal(self, record: MeterRecord, received_us: int, said: list[int], register: tuple[int, int]) -> None:
        """Radio, battery and balance as the message told them (``signal_rows``), with the register of that moment. What a terminal that is held
        back says of a balance is worked out against nothing."""
        beside = NO_REGISTER if record.is_held_back else register
        self._signals.append((record.tenant_id, record.meter_id, received_us, record.state.version, *said, *beside))

    def series_mark(self) -> int:
        """Where rows of ``series`` that follow begin."""
        return len(self._series)

    def series_since(self, mark: int) -> list[tuple[Any, ...]]:
        """Rows of ``series`` since a mark."""
        return self._series[mark:]

    def quantities(
        self, kept: Quantities, row: int, record: MeterRecord, received_us: int, device_at: int, limits: Limits
    ) -> bool:
        """Other quantities than volume; False where a series has no time that can be believed."""
        source = ValueSource(record.tenant_id, record.meter_id, record.state.version, received_us, record.is_held_back)
        return kept.rows(row, source, device_at, limits, self._series)

    def inserted_run(
        self, record: MeterRecord, version: int, received_us: int, run: tuple[int, int, int, list[int], list[int]]
    ) -> None:
        """(point, start, interval, values, quality) that a person's file brought."""
        point, start_s, interval_s, values, quality = run
        self._series.append(
            (record.tenant_id, record.meter_id, point, start_s, version, interval_s, values, quality, received_us)
        )

    def inserted_signal(self, record: MeterRecord, version: int, at_us: int, said: Mapping[str, int]) -> None:
        """What a person's file brought of the points of every report."""
        self._signals.append(
            (
                record.tenant_id, record.meter_id, at_us, version, *(said.get(name, NOT_SENT) for name in SIGNAL_POINTS),
                *NO_REGISTER,
            )
        )  # fmt: skip

    def events(
        self,
        record: MeterRecord,
        heard: Heard,
        kinds: Mapping[int, EventKind],
    ) -> None:
        """Alarms from a message's event flags; an older message clears nothing that a newer one said."""
        state = EventState(record.event_mask, record.device_at)
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


def day_tables(pending: list[PendingDay], stored: dict[tuple[int, int], StoredDay]) -> DayTables:
    """Columns of ``meter_day``: rows merged with what is stored, in message order, the last version of each day only.

    The versions that these take the place of go to ``day_version``, those between two messages of one batch too; a day
    that comes for the first time has none, which is nearly every day of every meter (ADR 0014).

    A stored version that is not older than the row's own means that this very message was written before a crash. The
    stored row holds it already and is written once more as it is: the crash may have come between ``meter_day`` and
    its narrow copy ``day_total``. What it took the place of was written before it.
    """
    newest: dict[tuple[int, int], tuple[PendingDay, DayRow]] = {}
    versions: list[tuple[Any, ...]] = []
    causes: list[tuple[Any, ...]] = []
    for item in pending:
        key = (item.record.meter_id, item.row.day)
        known, earlier = stored.get(key), newest.get(key)
        if item.cause is not None:
            causes.append(_cause(item))
        if known is not None and known.version >= item.version:
            newest[key] = (replace(item, version=known.version, received_s=known.received_s), known.row)
        elif earlier is not None:
            before, row = earlier
            versions.append(_superseded(StoredDay(before.version, row, before.received_s), item))
            newest[key] = (item, _joined(row, item))
        elif known is not None:
            versions.append(_superseded(known, item))
            newest[key] = (item, _joined(known.row, item))
        else:
            newest[key] = (item, item.row)
    days = [_day(item, row) for item, row in newest.values()]
    return DayTables(
        columns_of(DAY_COLUMNS, days),
        columns_of(VERSION_COLUMNS, versions),
        columns_of(CAUSE_COLUMNS, causes),
        [place for place, (_, row) in enumerate(newest.values()) if row.clean_total is None],
    )


def _joined(stored: DayRow, item: PendingDay) -> DayRow:
    return merge(stored, item.row) if item.restores is None else restore(stored, item.row, *item.restores)


def _day(item: PendingDay, row: DayRow) -> tuple[Any, ...]:
    record, quality = item.record, row.quality
    slots = measured = len(quality)
    total = row.clean_total
    if total is not None:
        quality = ALL_MEASURED
    else:
        total = sum(row.increments)
        if any(quality):
            _, slots, measured = totals(row)
        else:
            quality = ALL_MEASURED
    return (
        record.tenant_id,
        record.meter_id,
        day_to_date(row.day),
        record.area_id,
        record.product_id,
        row.base,
        row.interval_s,
        row.increments,
        quality,
        total,
        row.flags,
        slots,
        measured,
        item.received_s,
        item.version,
    )


def _superseded(before: StoredDay, item: PendingDay) -> tuple[Any, ...]:
    row = before.row
    return (
        item.record.tenant_id,
        item.record.meter_id,
        day_to_date(row.day),
        before.version,
        row.base,
        row.interval_s,
        row.increments,
        row.quality if any(row.quality) else ALL_MEASURED,
        sum(row.increments),
        row.flags,
        before.received_s,
        item.made_s,
    )


def _cause(item: PendingDay) -> tuple[Any, ...]:
    record, cause = item.record, item.cause
    assert cause is not None  # noqa: S101 asked by the caller
    return (
        record.tenant_id,
        record.meter_id,
        day_to_date(item.row.day),
        item.version,
        str(cause.why),
        cause.user_id,
        cause.approved_by,
        cause.edit_id,
        item.made_s,
        cause.reason,
    )


def signal_rows(points: Mapping[str, Ints], count: int) -> list[list[int]]:
    """For each message its SIGNAL_POINTS as it told them; what it does not say is not taken from an earlier one."""
    silent = np.full(count, NOT_SENT, dtype=np.int64)
    columns = [points.get(name, silent) for name in SIGNAL_POINTS]
    table = np.stack([np.where(column == MISSING_VALUE, NOT_SENT, column) for column in columns], axis=1)
    rows: list[list[int]] = table.tolist()
    return rows


def columns_of(names: tuple[str, ...], rows: list[tuple[Any, ...]]) -> Table:
    """Rows turned into columns by name."""
    if not rows:
        return {name: [] for name in names}
    return dict(zip(names, zip(*rows, strict=True), strict=True))
