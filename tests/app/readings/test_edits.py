# SPDX-License-Identifier: Apache-2.0
"""An edit goes through the pipeline like any message: a version of its day, which later messages and replays keep."""

from dataclasses import replace

from openmains.app.ingest.pipeline.ports import MeterRecord, StoredDay
from openmains.app.ingest.pipeline.rows import day_tables
from openmains.app.ingest.uplink import Uplink, decode_batch, encode_batch
from openmains.app.readings.edits import EDIT_CHANNEL, Edit, edit_uplink
from openmains.domain.readings.model import DayRow
from openmains.domain.readings.quality import Slot
from tests.app.ingest.pipeline.test_process import DAY, NOON, PRODUCT, record, report, run, uplink

EDITED = int(Slot.EDITED)
EDIT = Edit(7, 1, DAY, 1000, 1800, 48, 0, 48, 480, NOON)


def message(edit: Edit = EDIT, at: int = NOON + 90_000) -> Uplink:
    sent = edit_uplink(edit, 1, 1, PRODUCT, at * 1_000_000)
    return decode_batch(encode_batch([sent]))[0]


def stored_after(records: dict[int, MeterRecord], *uplinks: Uplink, stored: dict[tuple[int, int], StoredDay]) -> None:
    """Applies one batch and keeps the newest version of each day in ``stored``, as ClickHouse does."""
    table = day_tables(run(*uplinks, records=records).days, stored).days
    for place, increments in enumerate(table["increments"]):
        quality = list(table["quality"][place]) or [0] * len(increments)
        row = DayRow(
            DAY, table["base"][place], table["interval_s"][place], list(increments), quality, table["flags"][place]
        )
        stored[1, DAY] = StoredDay(table["version"][place], row, NOON)


def test_an_edit_is_the_next_version_of_its_day_and_does_not_touch_what_the_meter_said() -> None:
    records = {1: record()}
    run(uplink(report(1, 1000)), records=records)
    before = replace(records[1].state)
    effects = run(message(), records=records)
    assert records[1].state == replace(before, version=before.version + 1)
    assert records[1].last_seen_us == NOON * 1_000_000 + len(report(1, 1000))
    assert (effects.frames["channel"], effects.frames["outcome"]) == ((EDIT_CHANNEL,), ("ok",))
    assert not effects.dead_letters and effects.counters["edit"] == 1
    table = day_tables(effects.days, {}).days
    assert (table["total"], table["version"], table["received_s"]) == ((480,), (2,), (NOON,))


def test_later_messages_of_the_same_day_and_repeats_keep_the_edit() -> None:
    records, stored = {1: record()}, {}  # type: ignore[var-annotated]
    stored_after(records, uplink(report(1, 1000)), stored=stored)
    stored_after(records, message(), stored=stored)
    assert sum(stored[1, DAY][1].increments) == 480
    again = uplink(report(1, 1000), NOON + 9)
    stored_after(records, uplink(report(9, 1000, step=3)), uplink(report(10, 1000)), again, stored=stored)
    version, row, _ = stored[1, DAY]
    assert (version, sum(row.increments), set(row.quality)) == (4, 480, {EDITED})


def test_the_same_edit_applied_again_after_a_crash_is_the_same_version() -> None:
    records = {1: record()}
    run(uplink(report(1, 1000)), records=records)
    at_crash = replace(records[1].state)
    first = day_tables(run(message(), records=records).days, {}).days
    records[1].state = at_crash
    assert day_tables(run(message(), records=records).days, {}).days == first


def test_an_edit_that_cannot_be_read_is_a_dead_letter() -> None:
    broken = Uplink(1, 1, PRODUCT, EDIT_CHANNEL, "7", NOON * 1_000_000, b'{"exception_id":7}')
    effects = run(broken, message(replace_slots(0)))
    assert [(letter.reason, letter.detail != "") for letter in effects.dead_letters] == [("bad_edit", True)] * 2
    assert effects.meters[0].last_seen_us == 0


def replace_slots(slots: int) -> Edit:
    return Edit(7, 1, DAY, 1000, 1800, slots, 0, 48, 480, NOON)
