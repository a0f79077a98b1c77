# SPDX-License-Identifier: Apache-2.0
"""A lost span of days made anew from the frame log is what the pipeline made of the frames when they came."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from openmains.app.ingest.pipeline.ports import DayTables, Effects, MeterRecord, Product, StoredDay, Table
from openmains.app.ingest.pipeline.process import Processor
from openmains.app.ingest.pipeline.rebuild import AppliedFrame, Span, rebuild
from openmains.app.ingest.pipeline.rows import day_tables
from openmains.app.ingest.uplink import Uplink
from openmains.app.readings.bulk.insert.message import INSERT_CHANNEL, DayOf, Inserted, RunOf, insert_uplink
from openmains.app.readings.edits import EDIT_CHANNEL, Edit, edit_uplink
from openmains.domain.ids import ExceptionId, MeterId, ProductId, TenantId, UserId
from openmains.domain.period import EPOCH_ORDINAL, zone
from openmains.domain.readings.model import MeterState
from openmains.drivers.catalog import load
from openmains.drivers.model import Kind

ZONE = zone("Asia/Shanghai")
FIRST = 20_700
CATALOG = load()
DRIVER = CATALOG.driver("openmains/water-1")
PRODUCT = Product(ProductId(7), "openmains/water-1", 99_999_999, 1800, 3125)
METERS = (MeterId(1), MeterId(2))


def record(meter_id: MeterId) -> MeterRecord:
    return MeterRecord(meter_id, TenantId(1), ProductId(7), 3, 0, FIRST - 400, MeterState(), 0, 0)  # type: ignore[arg-type]


def uplinks() -> list[Uplink]:
    """Sixty days of both meters, one of which is silent for a while and tells its history then."""
    found = []
    for place in range(60):
        for meter_id in METERS:
            if meter_id == 2 and 20 <= place < 24:
                continue
            day = FIRST + place
            start, base = ZONE.start_of(day), 1000 + 96 * place + meter_id
            history = [base + 96, *(base - 96 * back for back in range(7))]
            values = {
                "frame_seq": place + 1, "device_at": start + 93_600, "meter_number": int(meter_id), "start_at": start,
                "base": base, "increments": [2] * 48, "register": base + 96, "history": history, "interval_s": 1800,
                "history_at": [ZONE.start_of(day + 1 - back) for back in range(8)], "rsrp_ddbm": -900 - place,
            }  # fmt: skip
            payload = DRIVER.encode(Kind.REPORT, values, "report")
            found.append(
                Uplink(meter_id, TenantId(1), ProductId(7), "lwm2m", "19/0/0", (start + 93_600) * 1_000_000, payload)
            )
    return found


class Stores:
    """What the pipeline wrote, and the ports that give it back: the log of frames, the newest days, the registry."""

    def __init__(self) -> None:
        self.days: dict[tuple[int, int], tuple[object, ...]] = {}
        self.stored: dict[tuple[int, int], StoredDay] = {}
        self.registers: list[tuple[object, ...]] = []
        self.signals: list[tuple[object, ...]] = []
        self.series: list[tuple[object, ...]] = []
        self.log: list[AppliedFrame] = []
        self.records = {meter_id: record(meter_id) for meter_id in METERS}

    def take(self, effects: Effects, batch: Sequence[Uplink]) -> None:
        tables = day_tables(effects.days, self.stored)
        for item in effects.days:
            key = (item.record.meter_id, item.row.day)
            at = next(
                n for n, (m, d) in enumerate(zip(tables.days["meter_id"], tables.days["day"], strict=True))
                if (m, d.toordinal() - EPOCH_ORDINAL) == key
            )  # fmt: skip
            row = tuple(column[at] for column in tables.days.values())
            self.days[key] = row
            increments = list(tables.days["increments"][at])
            quality = list(tables.days["quality"][at]) or [0] * len(increments)
            kept = replace(item.row, base=tables.days["base"][at], increments=increments, quality=quality)
            self.stored[key] = StoredDay(tables.days["version"][at], kept, tables.days["received_s"][at])
        self.registers += zip(*effects.registers.values(), strict=True)
        self.signals += zip(*effects.signals.values(), strict=True)
        self.series += _rows(effects.series)
        for uplink, version, outcome in zip(batch, effects.frames["version"], effects.frames["outcome"], strict=True):
            if outcome in ("ok", "partial"):
                self.log.append(
                    AppliedFrame(
                        uplink.tenant_id,
                        uplink.meter_id,
                        uplink.received_us,
                        version,
                        uplink.channel,
                        uplink.path,
                        uplink.payload,
                    )
                )

    # the ports of ``rebuild``

    async def meters(self, left_us: int, right_us: int, after: MeterId, limit: int) -> list[MeterId]:
        return sorted({f.meter_id for f in self.log if left_us <= f.received_us < right_us and f.meter_id > after})[
            :limit
        ]

    async def applied(self, meter_ids: Sequence[MeterId], left_us: int, right_us: int) -> list[AppliedFrame]:
        found = [f for f in self.log if _told(f, left_us, right_us) and f.meter_id in meter_ids]
        return sorted(found, key=lambda frame: (frame.meter_id, frame.version))

    async def zones(self) -> dict[int, str]:
        return {1: "Asia/Shanghai"}

    async def products(self) -> dict[int, Product]:
        return {7: PRODUCT}

    async def load(self, meter_ids: Sequence[MeterId]) -> Mapping[int, MeterRecord]:
        return {meter_id: self.records[meter_id] for meter_id in meter_ids}

    async def stored_days(self, keys: Sequence[tuple[int, int, int]]) -> dict[tuple[int, int], StoredDay]:
        return {key: found for _, *rest in keys if (found := self.stored.get(key := (rest[0], rest[1]))) is not None}

    async def write(self, days: DayTables, registers: Table, frames: Table, signals: Table, series: Table) -> None:
        self.written = days.days
        for row in zip(*days.days.values(), strict=True) if days.days else ():
            self.days[row[1], row[2].toordinal() - EPOCH_ORDINAL] = row
        self.registers += zip(*registers.values(), strict=True) if registers else ()
        self.signals += zip(*signals.values(), strict=True) if signals else ()
        self.series += _rows(series)


def _rows(series: Table) -> list[tuple[object, ...]]:
    """Comparable: an array column becomes a tuple."""
    rows = zip(*series.values(), strict=True) if series else ()
    return [tuple(tuple(value) if isinstance(value, list) else value for value in row) for row in rows]


def _told(frame: AppliedFrame, left_us: int, right_us: int) -> bool:
    return left_us <= frame.received_us and (
        frame.received_us < right_us or frame.channel in (EDIT_CHANNEL, INSERT_CHANNEL)
    )


@pytest.fixture
def stores() -> Stores:
    found = Stores()
    processor = Processor(CATALOG, {7: PRODUCT}, {1: ZONE})
    for uplink in uplinks():
        found.take(processor.run([uplink], found.records), [uplink])
    return found


SPAN = Span(FIRST + 15, FIRST + 35)
ALL = frozenset({"meter_day", "register", "signal"})


async def test_a_lost_span_is_made_anew_as_it_was(stores: Stores) -> None:
    before, registers, signals = dict(stores.days), set(stores.registers), set(stores.signals)
    state = {key: record.state for key, record in stores.records.items()}
    lost = [key for key in stores.days if SPAN.first <= key[1] <= SPAN.last]
    assert len(lost) == 42
    for key in lost:
        del stores.days[key], stores.stored[key]
    stores.registers.clear()
    stores.signals.clear()
    written = await rebuild(SPAN, ALL, stores, stores, stores, CATALOG)  # type: ignore[arg-type]  # the methods it asks
    assert written["meter_day"] == 42
    assert stores.days == before
    assert set(stores.registers) <= registers
    assert len(stores.registers) >= 38
    assert set(stores.signals) <= signals
    assert {key: record.state for key, record in stores.records.items()} == state, "states are PostgreSQL's"


async def test_what_is_there_is_left_as_it_is(stores: Stores) -> None:
    gone = (2, FIRST + 22)  # a day that was told by the history alone
    before = dict(stores.days)
    del stores.days[gone], stores.stored[gone]
    written = await rebuild(SPAN, frozenset({"meter_day"}), stores, stores, stores, CATALOG)  # type: ignore[arg-type]
    assert written == {"meter_day": 1, "day_version": 0, "day_cause": 0, "register": 0, "signal": 0, "series": 0}
    assert stores.days == before


async def test_an_edit_stands_again(stores: Stores) -> None:
    """A person's value came through the stream as well, and is in the log of frames."""
    edit = Edit(ExceptionId(5), UserId(9), FIRST + 18, 2729, 1800, 48, 3, 4, 40, 1)
    word = edit_uplink(edit, MeterId(1), TenantId(1), ProductId(7), ZONE.start_of(FIRST + 70) * 1_000_000)
    processor = Processor(CATALOG, {7: PRODUCT}, {1: ZONE})
    stores.take(processor.run([word], stores.records), [word])
    before, key = dict(stores.days), (1, FIRST + 18)
    assert sum(stores.stored[key].row.increments) == 88 + 40
    del stores.days[key], stores.stored[key]
    await rebuild(SPAN, frozenset({"meter_day"}), stores, stores, stores, CATALOG)  # type: ignore[arg-type]
    assert stores.days == before


async def test_what_a_file_brought_stands_again(stores: Stores) -> None:
    day = DayOf(FIRST + 18, 2729, 1800, [4] * 3 + [0] * 45, [0] * 3 + [1] * 45, 1)
    word = Inserted(UserId(9), 5, "old.csv", [RunOf(1, ZONE.start_of(FIRST + 18), 1800, [300, 301], [])], [], [day])
    sent = insert_uplink(word, MeterId(1), TenantId(1), ProductId(7), ZONE.start_of(FIRST + 70) * 1_000_000)
    effects = Processor(CATALOG, {7: PRODUCT}, {1: ZONE}).run([sent], stores.records)
    assert effects.series["values"] == ([300, 301],) and not effects.dead_letters and not effects.alarms
    stores.take(effects, [sent])
    before, key = dict(stores.days), (1, FIRST + 18)
    del stores.days[key], stores.stored[key]
    await rebuild(SPAN, frozenset({"meter_day"}), stores, stores, stores, CATALOG)  # type: ignore[arg-type]
    assert stores.days == before
