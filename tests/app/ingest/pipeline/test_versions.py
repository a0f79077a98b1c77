# SPDX-License-Identifier: Apache-2.0
"""What the pipeline keeps of the versions of a day: each that another takes the place of, once, whatever is killed."""

from dataclasses import replace

from openmains.app.ingest.pipeline.ports import DayTables, MeterRecord, StoredDay
from openmains.app.ingest.pipeline.rows import day_tables
from openmains.app.ingest.uplink import Uplink
from openmains.app.readings.edits import Edit, edit_uplink
from openmains.domain.readings.model import DayRow
from tests.app.ingest.pipeline.test_process import DAY, NOON, PRODUCT, record, report, run, uplink

Stored = dict[tuple[int, int], StoredDay]


def apply(records: dict[int, MeterRecord], stored: Stored, *uplinks: Uplink) -> DayTables:
    """One batch; ``stored`` becomes what ClickHouse holds after it."""
    tables = day_tables(run(*uplinks, records=records).days, stored)
    days = tables.days
    for place, increments in enumerate(days["increments"]):
        quality = list(days["quality"][place]) or [0] * len(increments)
        row = DayRow(DAY, days["base"][place], days["interval_s"][place], list(increments), quality)
        stored[1, DAY] = StoredDay(days["version"][place], row, days["received_s"][place])
    return tables


def edit(volume: int, edit_id: int, at: int = NOON + 90_000) -> Uplink:
    wanted = Edit(7, 70, DAY, 1000, 1800, 48, 0, 48, volume, NOON, edit_id, 71, "photo of the dial")
    return edit_uplink(wanted, 1, 1, PRODUCT, at * 1_000_000)


def test_a_day_that_comes_once_costs_nothing() -> None:
    tables = apply({1: record()}, {}, uplink(report(1, 1000)))
    assert tables.versions["version"] == [] and tables.causes["version"] == []


def test_each_version_that_another_takes_the_place_of_is_kept_also_within_a_batch() -> None:
    records, stored = {1: record()}, {}  # type: ignore[var-annotated]
    apply(records, stored, uplink(report(1, 1000)))
    first = stored[1, DAY]
    tables = apply(records, stored, edit(480, 5), edit(96, 6, NOON + 90_060))
    kept = tables.versions
    assert (kept["version"], kept["total"]) == ((first.version, first.version + 1), (96, 480))
    assert kept["superseded_s"] == (NOON + 90_000, NOON + 90_060) and kept["received_s"] == (first.received_s, NOON)
    causes = tables.causes
    assert (causes["version"], causes["why"], causes["edit_id"]) == ((2, 3), ("edit", "edit"), (5, 6))
    assert (causes["user_id"], causes["approved_by"], set(causes["reason"])) == (
        (70, 70),
        (71, 71),
        {"photo of the dial"},
    )


def test_a_batch_taken_again_after_a_kill_gives_the_same_or_nothing() -> None:
    records, stored = {1: record()}, {}  # type: ignore[var-annotated]
    apply(records, stored, uplink(report(1, 1000)))
    at_kill, before = replace(records[1].state), dict(stored)
    first = apply(records, stored, edit(480, 5))

    records[1].state = replace(at_kill)  # nothing of it was written
    assert apply(records, dict(before), edit(480, 5)) == first

    records[1].state = replace(at_kill)  # the newer version was written, PostgreSQL does not know it
    again = apply(records, stored, edit(480, 5))
    assert again.versions["version"] == [] and again.days["version"] == first.days["version"]
    assert again.days["received_s"] == first.days["received_s"] and again.causes == first.causes


def test_a_replayed_message_says_who_replayed_it_and_when() -> None:
    sent = uplink(report(1, 1000))
    again = Uplink(*[getattr(sent, name) for name in sent.__struct_fields__[:9]], 70, (NOON + 500_000) * 1_000_000)
    tables = apply({1: record()}, {}, again)
    assert (tables.causes["why"], tables.causes["user_id"], tables.causes["made_s"]) == (
        ("replay",), (70,), (NOON + 500_000,),
    )  # fmt: skip
    assert tables.days["received_s"] == (again.received_us // 1_000_000,)  # a replay makes no reading late


def test_an_undo_is_no_merge() -> None:
    records, stored = {1: record()}, {}  # type: ignore[var-annotated]
    apply(records, stored, uplink(report(1, 1000)))
    apply(records, stored, edit(480, 5))
    wanted = Edit(7, 70, DAY, 1000, 1800, 48, 0, 48, 96, NOON, 6, 0, "wrong meter", [2] * 48, [0] * 48)
    tables = apply(records, stored, edit_uplink(wanted, 1, 1, PRODUCT, (NOON + 90_100) * 1_000_000))
    assert (tables.days["total"], tables.days["measured"], tables.causes["why"]) == ((96,), (48,), ("undo",))
    assert tables.versions["total"] == (480,)
