# SPDX-License-Identifier: Apache-2.0
"""What of the findings becomes work for a person: each matter once, and what one asked for not at all."""

from openmains.app.ingest.pipeline.exceptions import waves
from openmains.app.ingest.pipeline.ports import Effects, EndedException, Entry, MeterRecord
from openmains.domain.readings.quality import FLAGS_ONLY, LASTING, Rule, Slot
from openmains.drivers.model import Kind
from tests.app.ingest.pipeline.test_process import DAY, DRIVER, NOON, ZONE, record, report, run, uplink

DAY_S = 86_400
UNEVEN = [0] * 12 + [9] * 8 + [0] * 16 + [5] * 12
USE = sum(UNEVEN)


def night(day: int, seq: int, **more: object) -> Effects:
    """The report about a day of uneven use; every day uses the same."""
    base = 1000 + USE * (day - DAY)
    values: dict[str, object] = {"increments": UNEVEN, "register": base + USE, **more}
    return run(uplink(report(seq, base, day=day, **values), _at(day)), records=RECORDS)


def _at(day: int) -> int:
    return ZONE.start_of(day + 1) + 7200


def read(at: int, seq: int, *entries: tuple[int, int]) -> Effects:
    """What a meter answers to a read of registers: a log of its own, with no word that it was asked for."""
    values = {
        "frame_seq": seq, "device_at": at, "meter_number": 1, "register_base": 0,
        "register_instants": [instant for instant, _ in entries], "register_values": [value for _, value in entries],
    }  # fmt: skip
    return run(uplink(DRIVER.encode(Kind.REGISTERS, values), at), records=RECORDS)


RECORDS: dict[int, MeterRecord] = {}


def begin() -> None:
    RECORDS.clear()
    RECORDS[1] = record()
    night(DAY, 1)


def listed(effects: Effects) -> list[tuple[str, str, str, int]]:
    return [(Rule(row.rule).name, row.entry.value, row.status, row.occurrences) for row in effects.exceptions]


def test_a_register_that_was_asked_for_raises_nothing_and_spoils_no_report() -> None:
    begin()
    at = ZONE.start_of(DAY + 1) + 14 * 3600 + 37 * 60
    register = 1000 + USE + sum(UNEVEN[:29])
    first = read(at, 2, (at, register))
    again = read(at + 5, 3, (at, register))
    later = read(at + 600, 4, (at + 600, register))
    after = night(DAY + 1, 5)
    assert [listed(effects) for effects in (first, again, later, after)] == [[], [], [], []]
    (row,) = [item.row for item in after.days if item.row.day == DAY + 1]
    assert (set(row.quality), sum(row.increments)) == ({0}, USE), "the report is believed as if nobody had asked"
    early = ZONE.start_of(DAY + 2) + 3 * 3600 + 60  # next day, after midnight was drawn from the spot
    assert listed(read(early, 6, (early, 1000 + 2 * USE))) == []
    assert listed(night(DAY + 2, 7)) == []
    assert listed(night(DAY + 3, 8)) == []


def test_a_spot_register_beside_the_reports_line_is_a_difference() -> None:
    begin()
    at = ZONE.start_of(DAY + 1) + 14 * 3600 + 37 * 60
    read(at, 2, (at, 1000 + USE + sum(UNEVEN[:29]) + 40))
    assert listed(night(DAY + 1, 3)) == [("DUPLICATE_DIFFERENT", "once", "open", 1)]


def test_frozen_registers_that_are_known_are_no_work() -> None:
    begin()
    frozen = [(ZONE.start_of(DAY) + 1800 * k, 1000 + sum(UNEVEN[:k])) for k in range(48)]
    effects = read(_at(DAY) + 60, 2, *frozen)
    assert listed(effects) == []
    assert effects.counters["out_of_order"] == 48, "the flags tell it all the same"


def test_one_missed_day_is_settled_by_the_registers_around_it() -> None:
    begin()
    assert listed(night(DAY + 2, 2)) == [("GAP", "once", "closed", 1)]
    assert RECORDS[1].runs == 0


def test_missed_days_are_one_run_that_ends_when_they_come() -> None:
    begin()
    effects = night(DAY + 4, 2)
    (row,) = effects.exceptions
    assert (row.rule, row.entry, row.status) == (Rule.GAP, Entry.GAP, "open")
    assert (row.at, row.value) == (ZONE.start_of(DAY + 1), ZONE.start_of(DAY + 4))
    for place in (1, 2, 3):
        filled = night(DAY + place, 2 + place)
        assert listed(filled) == []
        assert [(item.rule, item.start, item.end) for item in filled.ended] == [
            (Rule.GAP, ZONE.start_of(DAY + place), ZONE.start_of(DAY + place + 1))
        ]


def test_a_history_that_tells_every_midnight_leaves_nothing_to_do() -> None:
    begin()
    history = {
        "history_at": [ZONE.start_of(DAY + 4 - back) for back in range(1, 5)],
        "history": [1000 + USE * (4 - back) for back in range(1, 5)],
    }
    effects = night(DAY + 4, 2, **history)
    assert listed(effects) == [("GAP", "once", "closed", 1)]
    days = {item.row.day: item.row for item in effects.days}
    assert [sum(days[DAY + place].increments) for place in (1, 2, 3)] == [USE] * 3
    assert all(flags & Slot.ESTIMATED for place in (1, 2, 3) for flags in days[DAY + place].quality)


def test_registers_once_a_day_are_no_gap_and_a_silence_is_one_run() -> None:
    """A meter that sends a register a day: its cadence is the product's report period, not the grid."""
    RECORDS.clear()
    RECORDS[1] = record()
    found: list[Effects] = []
    for place in (0, 1, 2, 5, 8):
        at = NOON + place * DAY_S
        found.append(read(at, 10 + place, (at, 1000 + 100 * place)))
    rows = [row for effects in found for row in effects.exceptions]
    spans = [(row.at - NOON, row.value - NOON) for row in rows]
    assert spans == [(2 * DAY_S, 5 * DAY_S), (5 * DAY_S, 8 * DAY_S)], "the store joins those that touch"
    assert {row.entry for row in rows} == {Entry.GAP}


def test_a_clock_that_is_off_is_one_exception_until_it_is_right() -> None:
    begin()
    off = 3 * 3600
    found = [night(DAY + place, 1 + place, device_at=_at(DAY + place) - off) for place in (1, 2, 3)]
    assert [listed(effects) for effects in found] == [
        [("CLOCK_BEHIND", "lasts", "open", 1)],
        [("CLOCK_BEHIND", "goes_on", "open", 1)],
        [("CLOCK_BEHIND", "goes_on", "open", 1)],
    ]
    right = night(DAY + 4, 5)
    assert listed(right) == []
    assert [(item.rule, item.end) for item in right.ended] == [(Rule.CLOCK_BEHIND, 0)]
    assert RECORDS[1].runs == 0


def test_what_begins_and_ends_in_one_batch_is_listed_as_closed() -> None:
    begin()
    base = 1000 + USE
    off = report(2, base, day=DAY + 1, increments=UNEVEN, register=base + USE, device_at=_at(DAY + 1) - 7200)
    right = report(3, base + USE, day=DAY + 2, increments=UNEVEN, register=base + 2 * USE)
    effects = run(uplink(off, _at(DAY + 1)), uplink(right, _at(DAY + 2)), records=RECORDS)
    assert listed(effects) == [("CLOCK_BEHIND", "once", "closed", 1)]


def test_the_same_fault_in_many_slots_of_a_day_is_one_exception() -> None:
    begin()
    many = [0] * 40 + [4000] * 8
    base = 1000 + USE
    effects = run(
        uplink(report(2, base, day=DAY + 1, increments=many, register=base + sum(many)), _at(DAY + 1)), records=RECORDS
    )
    assert ("OVER_QMAX", "once", "open", 8) in listed(effects)


def test_every_rule_is_work_or_a_flag_and_none_is_both() -> None:
    assert not FLAGS_ONLY & LASTING
    assert Rule.GAP not in FLAGS_ONLY | LASTING


def test_ends_are_written_in_waves_and_spans_that_touch_are_one() -> None:
    ended = [EndedException(1, 15, 30, 40), EndedException(1, 15, 0, 10), EndedException(1, 15, 10, 20)]
    ended += [EndedException(2, 15, 0, 10), EndedException(1, 3)]
    found = [[(item.meter_id, item.rule, item.start, item.end) for item in wave] for wave in waves(ended)]
    assert found == [[(1, 3, 0, 0), (1, 15, 0, 20), (2, 15, 0, 10)], [(1, 15, 30, 40)]]
