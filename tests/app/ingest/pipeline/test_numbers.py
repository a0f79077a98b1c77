# SPDX-License-Identifier: Apache-2.0
"""A message that carries another meter's number is held: nothing of it is booked until a person says whose it is."""

from binascii import crc_hqx

import pytest

from openmains.app.ingest.pipeline.numbers import MISMATCH_BIT
from openmains.app.ingest.pipeline.ports import Effects, Entry, MeterRecord
from openmains.app.ingest.uplink import Uplink
from openmains.app.readings.acceptance import MOVED_CHANNEL, Acceptance, acceptance_uplink
from openmains.domain.fleet.device_kind import DeviceKind
from openmains.domain.fleet.meter_number import plain_number
from openmains.domain.ids import ExceptionId, UserId
from openmains.domain.readings.quality import Rule
from openmains.drivers.model import Kind
from tests.app.ingest.pipeline.test_process import CATALOG, DAY, DRIVER, NOON, PRODUCT, processor, record, report

A, B = 202_600_000_001, 202_600_000_002
CJT = CATALOG.driver("cjt188/water-2004")


def meter(meter_id: int, number: str, bar_code: str = "") -> MeterRecord:
    made = record(meter_id)
    made.number, made.bar_code, made.plain_number = number, bar_code, plain_number(number)
    return made


def sent(meter_id: int, payload: bytes, at: int = NOON, channel: str = "coaps") -> Uplink:
    return Uplink(meter_id, 1, PRODUCT, channel, "r", at * 1_000_000, payload)


def day_of(meter_number: int, seq: int = 1, day: int = DAY, base: int = 1000, **more: object) -> bytes:
    return report(seq, base, day=day, meter_number=meter_number, **more)


def run(records: dict[int, MeterRecord], *uplinks: Uplink, driver: str = "openmains/water-1") -> Effects:
    return processor(driver).run(uplinks, records)


def booked(effects: Effects) -> list[int]:
    return [item.record.meter_id for item in effects.days]


def test_two_modules_that_were_swapped_are_both_held_and_nothing_is_booked_to_either_customer() -> None:
    records = {1: meter(1, str(A)), 2: meter(2, str(B))}
    run(records, sent(1, day_of(A)), sent(2, day_of(B, base=50_000)))
    before = {key: (found.state.version, found.state.register) for key, found in records.items()}
    effects = run(
        records,
        sent(1, day_of(B, 2, DAY + 1, 50_096, balance=7, battery_mv=3600, rsrp_ddbm=-950), NOON + 86_400),
        sent(2, day_of(A, 2, DAY + 1, 1096, balance=7, battery_mv=3600, rsrp_ddbm=-950), NOON + 86_400),
    )
    assert (booked(effects), list(effects.registers["at"]), list(effects.signals["meter_id"])) == ([], [], [])
    assert {key: (found.state.version, found.state.register) for key, found in records.items()} == before
    assert all("balance" not in found.latest or found.latest["balance"] != 7 for found in records.values())
    assert effects.frames["outcome"] == ("held", "held")
    assert [(letter.uplink.meter_id, letter.reason, letter.number) for letter in effects.dead_letters] == [
        (1, "number_mismatch", B), (2, "number_mismatch", A),
    ]  # fmt: skip
    assert [(row.meter_id, row.rule, row.value, row.expected, row.entry) for row in effects.exceptions] == [
        (1, Rule.NUMBER_MISMATCH, B, A, Entry.LASTS), (2, Rule.NUMBER_MISMATCH, A, B, Entry.LASTS),
    ]  # fmt: skip
    assert [(change.meter_id, change.event, change.action) for change in effects.alarms] == [
        (1, "module_mismatch", "raised"), (2, "module_mismatch", "raised"),
    ]  # fmt: skip
    assert [records[key].strange_number for key in (1, 2)] == [B, A]


def test_the_alarm_is_raised_once_and_ends_when_the_numbers_agree_again() -> None:
    records = {1: meter(1, str(A))}
    first = run(records, sent(1, day_of(B)), sent(1, day_of(B, 2, DAY + 1), NOON + 86_400))
    assert [change.action for change in first.alarms] == ["raised", "repeated"]
    assert [(row.occurrences, row.value) for row in first.exceptions] == [(2, B)]
    assert records[1].event_mask & MISMATCH_BIT
    again = run(records, sent(1, day_of(A, 3, DAY + 2), NOON + 2 * 86_400))
    assert [(change.event, change.action) for change in again.alarms] == [("module_mismatch", "cleared")]
    assert (records[1].strange_number, records[1].event_mask & MISMATCH_BIT, booked(again)) == (None, 0, [1])


@pytest.mark.parametrize(
    ("number", "bar_code"),
    [
        ("202600000001", ""),
        ("000202600000001", ""),
        ("OM202600000001", ""),
        ("K7", "OM-202600000001"),
        ("no digits", ""),
    ],
)
def test_other_writings_of_the_number_are_booked(number: str, bar_code: str) -> None:
    effects = run({1: meter(1, number, bar_code)}, sent(1, day_of(A)))
    assert (booked(effects), effects.alarms, effects.exceptions) == ([1], [], [])


def test_zeros_and_all_ones_are_no_number() -> None:
    records = {1: meter(1, str(A))}
    unset = day_of(0)
    effects = run(records, sent(1, unset))
    assert (booked(effects), effects.counters["number.not_set"]) == ([1], 1)
    ones = bytearray(day_of(A, 2, DAY + 1, 1096))
    place = next(trace for trace in DRIVER.explain(bytes(ones)) if trace.name == "meter_number")
    ones[place.offset : place.offset + place.length] = b"\xff" * place.length
    ones[-2:] = _crc(bytes(ones[:-2]))
    effects = run(records, sent(1, bytes(ones), NOON + 86_400))
    assert (booked(effects), effects.counters["number.not_set"]) == ([1], 1)
    assert effects.frames["outcome"] == ("partial",), "the damaged number is noted"


def test_leaving_the_number_out_does_not_end_a_mismatch() -> None:
    records = {1: meter(1, str(A))}
    run(records, sent(1, day_of(B)))
    effects = run(records, sent(1, day_of(0, 2, DAY + 1), NOON + 86_400))
    assert (booked(effects), [letter.number for letter in effects.dead_letters]) == ([], [B])


def test_every_kind_of_message_is_compared() -> None:
    head = {"frame_seq": 9, "device_at": NOON, "meter_number": B}
    payloads = [
        DRIVER.encode(Kind.HEARTBEAT, head | {"battery_pct": 3}),
        DRIVER.encode(Kind.REGISTERS, head | {"register_base": 5, "register_values": [5], "register_instants": [NOON]}),
        DRIVER.encode(Kind.ALARM, head | {"raised_at": NOON, "events": ["magnetic"], "register": 5}),
    ]
    records = {1: meter(1, str(A))}
    effects = run(records, *(sent(1, payload) for payload in payloads))
    assert effects.frames["outcome"] == ("held",) * 3
    assert {change.event for change in effects.alarms} == {"module_mismatch"}
    assert records[1].latest == {}


def test_a_danger_is_shown_whosever_it_is_and_not_ended_by_a_strange_module() -> None:
    records = {1: meter(1, str(A))}
    head = {"frame_seq": 9, "device_at": NOON, "meter_number": B}
    burst = DRIVER.encode(Kind.ALARM, head | {"raised_at": NOON, "events": ["burst", "magnetic"], "register": 5})
    effects = run(records, sent(1, burst))
    assert {(change.event, change.action) for change in effects.alarms} == {
        ("module_mismatch", "raised"), ("burst", "raised"),
    }  # fmt: skip
    effects = run(records, sent(1, DRIVER.encode(Kind.HEARTBEAT, head | {"frame_seq": 10}), NOON + 60))
    assert [(change.event, change.action) for change in effects.alarms] == [("module_mismatch", "repeated")]


def test_what_a_strange_module_says_of_its_command_is_heard() -> None:
    answer = DRIVER.encode(
        Kind.COMMAND_RESULT,
        {
            "frame_seq": 4,
            "device_at": NOON,
            "meter_number": B,
            "command_serial": 77,
            "command_result": 0,
            "register": 5,
        },
    )
    effects = run({1: meter(1, str(A))}, sent(1, answer))
    assert [(word.serial, word.code) for word in effects.responses] == [(77, 0)]
    assert effects.frames["outcome"] == ("held",)


def test_an_accepted_number_is_booked_from_then_on_until_the_registry_has_it() -> None:
    records = {1: meter(1, str(A))}
    held = sent(1, day_of(B))
    run(records, held)
    word = acceptance_uplink(Acceptance(ExceptionId(3), UserId(4), B), 1, 1, PRODUCT, (NOON + 60) * 1_000_000)
    effects = run(records, word, held)
    assert [(change.event, change.action) for change in effects.alarms] == [("module_mismatch", "cleared")]
    assert (booked(effects), effects.frames["outcome"]) == ([1], ("ok", "ok"))
    assert booked(run(records, sent(1, day_of(B, 2, DAY + 1, 1096), NOON + 86_400))) == [1]
    third = run(records, sent(1, day_of(B + 7, 3, DAY + 2, 1192), NOON + 2 * 86_400))
    assert (booked(third), records[1].strange_number) == ([], B + 7), "no other number was accepted"
    records[1].number, records[1].plain_number = str(B), B
    run(records, sent(1, day_of(B, 4, DAY + 2, 1192), NOON + 2 * 86_400 + 60))
    assert (records[1].accepted_number, records[1].strange_number) == (None, None)


def test_an_acceptance_that_cannot_be_read_is_a_dead_letter() -> None:
    effects = run({1: meter(1, str(A))}, sent(1, b"{", channel="number"))
    assert [letter.reason for letter in effects.dead_letters] == ["bad_acceptance"]


def test_a_message_given_to_the_meter_of_its_number_is_booked_there_and_ends_no_mismatch_of_that_meter() -> None:
    records = {1: meter(1, str(A)), 2: meter(2, str(B))}
    held = day_of(B, 2, DAY, 50_096)
    run(records, sent(1, held), sent(2, day_of(A)))
    effects = run(records, sent(2, held, channel=MOVED_CHANNEL))
    assert (booked(effects), effects.alarms) == ([2], [])
    assert records[2].strange_number == A


@pytest.mark.parametrize(
    ("number", "outcome"),
    [("20260000123456", "ok"), ("0000123456", "ok"), ("123456", "ok"), ("20260000123457", "held"), ("123457", "held")],
)
def test_the_address_of_cjt_188_is_compared_without_the_makers_digits(number: str, outcome: str) -> None:
    values = {"register_values": [12_340], "register_instants": [NOON], "meter_number": 20_260_000_123_456}
    payload = CJT.encode(Kind.REGISTERS, values)
    effects = run({1: meter(1, number)}, sent(1, payload), driver="cjt188/water-2004")
    assert effects.frames["outcome"] == (outcome,)


def test_how_many_digits_each_driver_compares() -> None:
    assert {driver.name: driver.number_digits for driver in CATALOG if driver.kind is DeviceKind.METER} == {
        "axioma/qalcosonic-w1": 0, "axioma/qalcosonic-w1t": 0, "bmeters/hydrodigit": 8, "cjt188/gas-2004": 10, "cjt188/water-2004": 10,
        "elster/falcon": 8, "en13757/gas": 8, "en13757/water": 8, "gwf/mtkcoder": 8, "itron/cyble-gas": 8,
        "itron/cyble-water": 8, "lgb/g350": 8, "lwm2m/gas-1": 0, "lwm2m/water-1": 0, "modbus/mag-1": 0,
        "openmains/gas-1": 12, "sensus/iperl": 8, "openmains/water-1": 12, "station/gas-1": 16, "station/water-1": 16,
    }  # fmt: skip


def _crc(body: bytes) -> bytes:
    return crc_hqx(body, 0).to_bytes(2, "big")
