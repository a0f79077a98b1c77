# SPDX-License-Identifier: Apache-2.0
"""What a batch of uplinks means, judged without stores: real drivers, real domain, state given by hand."""

from dataclasses import replace

import pytest

from openmains.app.ingest.pipeline.ports import Effects, MeterRecord, PendingDay, Product, StoredDay
from openmains.app.ingest.pipeline.process import Processor
from openmains.app.ingest.pipeline.repeats import is_repeat, note_last
from openmains.app.ingest.pipeline.rows import day_tables
from openmains.app.ingest.uplink import Uplink
from openmains.domain.period import zone
from openmains.domain.readings.model import DayRow, MeterState
from openmains.domain.readings.quality import Slot
from openmains.drivers.catalog import load
from openmains.drivers.model import Kind

ZONE = zone("Asia/Shanghai")
DAY = 20_700
START = ZONE.start_of(DAY)
NOON = START + 86_400 + 7200
PRODUCT = 7
CATALOG = load()
DRIVER = CATALOG.driver("openmains/water-1")


def processor(driver: str = "openmains/water-1") -> Processor:
    return Processor(CATALOG, {PRODUCT: Product(PRODUCT, driver, 99_999_999, 1800, 3125)}, {1: ZONE})


def record(meter_id: int = 1) -> MeterRecord:
    return MeterRecord(meter_id, 1, PRODUCT, 3, 0, DAY - 400, MeterState(), 0, 0)


def report(seq: int, base: int, step: int = 2, day: int = DAY, **more: object) -> bytes:
    start = ZONE.start_of(day)
    values = {
        "frame_seq": seq,
        "device_at": start + 86_400 + 7200,
        "meter_number": 1,
        "start_at": start,
        "base": base,
        "increments": [step] * 48,
        "register": base + 48 * step,
        **more,
    }
    return DRIVER.encode(Kind.REPORT, values)


def uplink(payload: bytes, at: int = NOON, meter_id: int = 1, fault: str = "") -> Uplink:
    return Uplink(meter_id, 1, PRODUCT, "coap", "r", at * 1_000_000 + len(payload), payload, fault)


def run(*uplinks: Uplink, records: dict[int, MeterRecord] | None = None) -> Effects:
    return processor().run(uplinks, records if records is not None else {1: record()})


def test_a_report_becomes_a_day_a_register_a_signal_a_frame_and_a_state() -> None:
    effects = run(uplink(report(1, 1000, rsrp_ddbm=-950, sinr_ddb=80, battery_pct=90)))
    days = day_tables(effects.days, {}).days
    assert (days["base"], days["total"], days["slots"], days["measured"]) == ((1000,), (96,), (48,), (48,))
    assert list(days["increments"][0]) == [2] * 48
    assert effects.registers["register"] == (1096,)
    assert effects.signals["rsrp_ddbm"] == (-950,)
    assert effects.frames["outcome"] == ("ok",)
    assert [meter.state.version for meter in effects.meters] == [1]
    assert effects.meters[0].latest["battery_pct"] == 90


def test_the_same_frame_again_is_logged_and_changes_nothing() -> None:
    payload = report(1, 1000)
    effects = run(uplink(payload), uplink(payload, NOON + 300))
    assert effects.frames["outcome"] == ("ok", "repeat")
    assert effects.counters["repeat"] == 1
    assert effects.meters[0].state.version == 1
    assert len(effects.days) == 1


def test_what_comes_again_with_the_same_instant_stands_beside_what_was_applied() -> None:
    """An end that was killed between its two words says the frame again, with the instant at which it was heard first."""
    payload = report(1, 1000)
    log = run(uplink(payload), uplink(payload)).frames
    keys = {(row[0], row[1]): row[2] for row in zip(log["received_us"], log["version"], log["outcome"], strict=True)}
    assert sorted(keys.values()) == ["ok", "repeat"], "the log keeps one row of a key"


def test_two_messages_that_come_mixed_and_twice_are_applied_once_each() -> None:
    """What waited in an old and in a new connection to the stream arrives like this after an outage."""
    first, second = report(1, 1000), report(2, 1096, day=DAY + 1)
    records = {1: record()}
    outcomes: list[str] = []
    for payload in (first, second, first, second, first):  # one transaction each: the state lies in between
        outcomes += run(uplink(payload, NOON + 86_400), records=records).frames["outcome"]
    assert outcomes == ["ok", "ok", "repeat", "repeat", "repeat"]
    assert records[1].state.version == 2


def test_how_far_back_repeats_are_recognised() -> None:
    records = {1: record()}
    payloads = [report(k + 1, 1000 + 96 * k, day=DAY + k) for k in range(5)]
    for k, payload in enumerate(payloads):
        run(uplink(payload, NOON + 86_400 * k), records=records)
    again = [run(uplink(payload, NOON + 86_400 * 4), records=records).frames["outcome"][0] for payload in payloads[1:]]
    assert again == ["repeat"] * 4


def test_an_equal_frame_without_a_time_may_be_a_new_message() -> None:
    held = record()
    held.state.frame_seq, held.state.frame_hash = 0, 11
    note_last(held)
    held.state.frame_seq, held.state.frame_hash = 0, 22
    assert not is_repeat(held, 0, 11, None)
    assert is_repeat(held, 0, 11, 60)
    assert is_repeat(held, 0, 22, None)


def test_a_clock_that_starts_anew_at_each_power_cut_does_not_hide_an_alarm() -> None:
    alarm = DRIVER.encode(
        Kind.ALARM,
        {"frame_seq": 0, "device_at": 0, "meter_number": 1, "raised_at": 0, "events": ["burst"], "register": 5,
         "battery_mv": 3600, "rsrp_ddbm": -900},
    )  # fmt: skip
    calm = DRIVER.encode(Kind.HEARTBEAT, {"frame_seq": 1, "device_at": 1, "meter_number": 1})
    records = {1: record()}
    outcomes: list[str] = []
    for day, payload in enumerate((alarm, calm, alarm)):
        outcomes += run(uplink(payload, NOON + day * 86_400), records=records).frames["outcome"]
    assert outcomes == ["ok", "ok", "ok"]


def test_two_days_of_one_meter_in_one_batch_follow_each_other() -> None:
    effects = run(uplink(report(1, 1000)), uplink(report(2, 1096, day=DAY + 1), NOON + 86_400))
    days = day_tables(effects.days, {}).days
    assert [str(day) for day in days["day"]] == ["2026-09-04", "2026-09-05"]
    assert days["version"] == (1, 2)
    assert not effects.exceptions


def test_a_batch_split_anywhere_writes_the_same_rows_under_the_same_versions() -> None:
    uplinks = [uplink(report(k + 1, 1000 + 96 * k, day=DAY + k), NOON + 86_400 * k) for k in range(4)]
    whole = day_tables(run(*uplinks).days, {}).days
    for cut in range(1, 4):
        records = {1: record()}
        first = processor().run(uplinks[:cut], records)
        second = processor().run(uplinks[cut:], records)
        assert day_tables(first.days + second.days, {}).days == whole


@pytest.mark.parametrize(
    ("payload", "reason"),
    [(b"hello", "length"), (report(1, 1000)[:-1] + b"\x00", "crc"), (report(1, 1000)[:-3], "length")],
)
def test_an_unreadable_frame_is_a_dead_letter_and_its_neighbours_are_applied(payload: bytes, reason: str) -> None:
    records = {1: record(1), 2: record(2)}
    effects = run(uplink(payload), uplink(report(1, 500), meter_id=2), records=records)
    assert [letter.reason for letter in effects.dead_letters] == [reason]
    assert effects.frames["outcome"] == (reason, "ok")
    assert [meter.state.version for meter in effects.meters] == [0, 1]


def test_a_frame_refused_at_the_edge_goes_to_the_dead_letters_only() -> None:
    effects = run(uplink(report(1, 1000), fault="crc"))
    assert [letter.reason for letter in effects.dead_letters] == ["crc"]
    assert not effects.days


def test_a_meter_removed_meanwhile_and_a_product_without_driver_are_said() -> None:
    assert run(uplink(report(1, 1)), records={}).dead_letters[0].reason == "unknown_meter"
    effects = processor("nobody/none").run([uplink(report(1, 1))], {1: record()})
    assert effects.dead_letters[0].reason == "no_driver"
    assert "nobody/none" in effects.dead_letters[0].detail


def test_an_event_in_a_report_raises_an_alarm_once_and_its_absence_clears_it() -> None:
    records = {1: record()}
    raised = run(uplink(report(1, 1000, events=["magnetic"])), records=records)
    again = run(uplink(report(2, 1096, day=DAY + 1, events=["magnetic"]), NOON + 86_400), records=records)
    cleared = run(uplink(report(3, 1192, day=DAY + 2), NOON + 2 * 86_400), records=records)
    assert [(change.event, change.action) for change in raised.alarms] == [("magnetic", "raised")]
    assert raised.alarms[0].received_us == uplink(report(1, 1000, events=["magnetic"])).received_us
    assert again.alarms == []
    assert [(change.event, change.action) for change in cleared.alarms] == [("magnetic", "cleared")]


def test_an_alarm_message_raises_at_once_with_the_meters_time() -> None:
    frame = DRIVER.encode(
        Kind.ALARM,
        {"frame_seq": 9, "device_at": NOON, "meter_number": 1, "raised_at": NOON - 30, "events": ["burst"],
         "register": 5, "battery_mv": 3600, "rsrp_ddbm": -900},
    )  # fmt: skip
    effects = run(uplink(frame))
    assert [(c.event, c.action, c.raised_at) for c in effects.alarms] == [("burst", "raised", NOON - 30)]


def test_unknown_radio_values_do_not_overwrite_known_ones() -> None:
    records = {1: record()}
    run(uplink(report(1, 1000, rsrp_ddbm=-950)), records=records)
    run(uplink(report(2, 1096, day=DAY + 1), NOON + 86_400), records=records)
    assert records[1].latest["rsrp_ddbm"] == -950


def pending(row: DayRow, version: int) -> PendingDay:
    return PendingDay(record(), row, version, NOON)


def test_a_partial_day_is_merged_with_what_is_stored() -> None:
    missing = int(Slot.MISSING)
    stored = DayRow(DAY, 100, 21_600, [5, 6, 0, 0], [0, 0, missing, missing], 0, True)
    late = DayRow(DAY, 100, 21_600, [0, 0, 7, 8], [missing, missing, 0, 0], 0, True)
    table = day_tables([pending(late, 4)], {(1, DAY): StoredDay(3, stored)}).days
    assert (table["total"], table["slots"], table["version"]) == ((26,), (4,), (4,))


def test_a_row_that_was_written_before_a_crash_is_written_again_as_it_is() -> None:
    """The crash may have come between ``meter_day`` and its narrow copy: the same row goes to both once more."""
    stored = DayRow(DAY, 100, 21_600, [5, 6, 7, 8], [0, 0, 0, 0], 0, True)
    other = replace(stored, increments=[9, 9, 9, 9])
    for version in (4, 9):
        table = day_tables([pending(other, 4)], {(1, DAY): StoredDay(version, stored)}).days
        assert (table["total"], table["version"]) == ((26,), (version,))
