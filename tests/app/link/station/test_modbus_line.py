# SPDX-License-Identifier: Apache-2.0
"""Large meters and loggers over Modbus behind a DTU: asked by the page's plan, over RTU and TCP framing, and stored as any message is."""

import struct

import pytest

from openmains.app.fleet.identities import Identity
from openmains.app.link.station.directory import Concentrator, LinePlace, device_of, is_modbus
from openmains.domain.ids import MeterId, ProductId
from openmains.drivers import catalog
from openmains.drivers.dialect.hook import DialectDriver
from openmains.drivers.errors import DriverPageError
from openmains.emulator.line.modbus import EmulatedModbusDevice
from openmains.emulator.station.terminal import StationTerminal
from openmains.wire.modbus.acts import Block, Device
from openmains.wire.modbus.frame import Function
from openmains.wire.modbus.poll import MOST_AGAIN, Polled, PollLine
from openmains.wire.station.content import Kind
from tests.app.link.station.test_session import NUMBER, Pair
from tests.drivers.test_all_drivers import meaning
from tests.support.station import AT, TENANT, Town

PRODUCT = ProductId(9)
PAGE = """
[driver]
name = "acme/mag-1"
hook = "dialect"
medium = "water"
grade = "draft"
unit_exponent = -3
zh = "电磁流量计"
en = "Magnetic flow meter"

[poll]
protocol = "modbus-rtu"
blocks = [ { function = 3, address = 0, count = 4 }, { function = 4, address = 100, count = 3 } ]

[frame]
byte_order = "big"
crc = "crc16-modbus"

[events.state]
empty_pipe = 0

[[message]]
name = "poll"
kind = "report"
zh = "轮询"
en = "Poll"
fields = [
  { name = "unit", type = "bytes", size = 1 },
  { name = "holding", type = "u16", value = 0x0308 },
  { name = "total", type = "u32", order = "big-swapped", point = "register" },
  { name = "flow", type = "f32", decimals = 3, point = "flow" },
  { name = "unit_again", type = "bytes", size = 1 },
  { name = "input", type = "u16", value = 0x0406 },
  { name = "pressure", type = "i16", point = "pressure", scale = 10, missing = [-32768] },
  { name = "temperature", type = "i16", point = "temperature" },
  { name = "state", type = "u16", events = "state" },
]

[[vector]]
name = "one round"
source = "synthetic from the page"
hex = "01 03 08 e240 0001 4148 0000 01 04 06 0190 00b9 0001 a160"
means = { kind = "report", register = 123456, flow = 12500, pressure = 4000, temperature = 185, events = ["empty_pipe"] }

[[vector]]
name = "cut"
source = "synthetic from the page"
hex = "010308"
fault = "length"
"""
REGISTERS = {0: 0xE240, 1: 0x0001, 2: 0x4148, 3: 0x0000, 100: 0x0190, 101: 0x00B9, 102: 0x0001}
BLOCKS = (Block(Function.READ_HOLDING, 0, 4), Block(Function.READ_INPUT, 100, 3))


def driver(page: str = PAGE) -> DialectDriver:
    found = catalog.load().make("acme/mag-1", page)
    assert isinstance(found, DialectDriver)
    return found


def test_the_page_is_true_to_its_vectors_and_says_what_to_ask() -> None:
    assert catalog.load().check(PAGE).is_asked
    poll = driver().dialect.poll
    assert poll is not None and poll.blocks == BLOCKS
    device = device_of("202600001007", driver())
    assert device is not None and (device.unit, device.over_tcp) == (7, False)
    assert device_of("202600001000", driver()) is device_of("20260000ABC", driver()) is None
    alone = device_of(
        "20260000ABC", driver(PAGE.replace('protocol = "modbus-rtu"', 'protocol = "modbus-tcp"\nunit = 1'))
    )
    assert alone is not None and (alone.unit, alone.over_tcp) == (1, True)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('"modbus-rtu"', '"modbus"', "protocol is one of"),
        ("function = 4, address = 100, count = 3", "function = 3, address = 100, count = 4", "is read at 0"),
        ("function = 3", "function = 5", "function is 3"),
        ("count = 4", "count = 126", "registers of"),
        ("address = 100, count = 3", "address = 65534, count = 3", "registers of"),
        ('protocol = "modbus-rtu"', 'protocol = "modbus-rtu"\nunit = 248', "unit is 1..247"),
    ],
)
def test_a_plan_that_cannot_be_asked_is_refused_with_its_line(old: str, new: str, why: str) -> None:
    with pytest.raises(DriverPageError) as found:
        driver(PAGE.replace(old, new, 1))
    assert why in found.value.why and found.value.line > 0


def polled(line: PollLine, devices: list[EmulatedModbusDevice], until_ms: int) -> list[tuple[str, bytes | None, str]]:
    """What the line gave until then; each answer comes byte by byte."""
    found, now = [], 0
    while now <= until_ms:
        line.timer(now)
        while out := line.to_send():
            for device in devices:
                for byte in device.receive(out):
                    line.receive(bytes((byte,)), now)
        while (event := line.next_event()) is not None:
            assert isinstance(event, Polled)
            found.append((event.address, event.message, event.why))
        now = max(now + 1, line.next_timer())
    return found


@pytest.mark.parametrize("over_tcp", [False, True])
def test_devices_are_asked_in_turn_and_their_message_is_the_same_over_both_framings(over_tcp: bool) -> None:
    devices = {f"unit {n}": Device(n, BLOCKS, over_tcp) for n in (1, 7, 9)}
    there = [EmulatedModbusDevice(n, REGISTERS, over_tcp=over_tcp) for n in (1, 7)]
    found = polled(PollLine(devices, 600_000, 0), there, 599_000)
    assert [(name, why) for name, message, why in found if message is not None] == [("unit 1", ""), ("unit 7", "")]
    silent = [(name, why) for name, message, why in found if message is None]
    assert set(silent) == {("unit 9", "silent")} and len(silent) == 1 + MOST_AGAIN
    assert meaning(driver(), {name: message for name, message, _ in found}["unit 1"] or b"", AT) == {
        "register": 123_456, "register_at": AT, "device_at": AT, "flow": 12_500, "pressure": 4_000, "temperature": 185,
        "events": ["empty_pipe"], "kind": "report",
    }  # fmt: skip


def test_a_late_answer_to_one_block_is_not_taken_for_another() -> None:
    line, device = PollLine({"unit 1": Device(1, BLOCKS)}, 600_000, 0), EmulatedModbusDevice(1, REGISTERS)
    line.timer(0)
    first = line.to_send()
    line.timer(1_000)
    assert line.to_send() == first, "it is asked again"
    line.receive(device.receive(first), 1_200)
    second = line.to_send()
    line.receive(device.receive(first), 2_200)  # the answer to the repeated question
    assert line.counters["strange"] == 1 and line.next_event() is None
    line.receive(device.receive(second), 2_300)
    event = line.next_event()
    assert isinstance(event, Polled) and event.message is not None
    assert (meaning(driver(), event.message, AT) or {})["pressure"] == 4_000


def test_half_a_message_is_none_and_noise_is_no_answer() -> None:
    without = {address: value for address, value in REGISTERS.items() if address != 102}
    device = EmulatedModbusDevice(1, without)
    found = polled(PollLine({"unit 1": Device(1, BLOCKS)}, 600_000, 0), [device], 1_000)
    assert found == [("unit 1", None, "refused with 2")]
    line = PollLine({"unit 1": Device(1, BLOCKS)}, 600_000, 0)
    line.timer(0)
    other = EmulatedModbusDevice(2, REGISTERS)
    question = line.to_send()
    line.receive(b"\xff\x00" + other.receive(bytes((2,)) + question[1:-2] + b"\0\0"), 1)
    line.receive(EmulatedModbusDevice(1, REGISTERS).receive(question), 2)
    assert line.to_send()[:2] == bytes((1, 4)), "the second block is asked for"


async def test_behind_a_dtu_they_are_readings_of_their_meters() -> None:
    town = Town()
    made = driver()
    catalog.load().take({"acme/mag-1": (1, made)})
    try:
        town.main.admission.set_products({PRODUCT: "acme/mag-1"}, {})
    finally:
        catalog.load().take({})
    places = {}
    for place, number in enumerate(("202600001001", "202600001007"), 1):
        device = device_of(number, made)
        assert device is not None
        places[device.address] = LinePlace(device, Identity(MeterId(place), TENANT, PRODUCT))
    town.known[NUMBER] = Concentrator(NUMBER, TENANT, {}, places, 600)
    assert is_modbus(town.known[NUMBER])
    devices = [EmulatedModbusDevice(1, REGISTERS), EmulatedModbusDevice(7, REGISTERS | {1: 2})]
    terminal = StationTerminal(NUMBER, Kind.DTU, line=lambda raw: b"".join(each.receive(raw) for each in devices))
    pair = Pair(town, terminal)
    await pair.settle()
    assert town.main.counters["line.stored"] == 2
    said = sorted((uplink.meter_id, uplink.path, uplink.payload) for uplink in town.disk.uplinks)
    assert [(meter_id, path) for meter_id, path, _ in said] == [(1, "modbus"), (2, "modbus")]
    registers = [(meaning(made, payload, AT) or {})["register"] for _, _, payload in said]
    assert registers == [123_456, struct.unpack(">I", bytes.fromhex("0002e240"))[0]]


async def test_a_device_that_cannot_be_asked_is_said_once_on_a_connection() -> None:
    town = Town()
    why = {"202600000678": "its number gives no address on the line"}
    town.known[NUMBER] = Concentrator(NUMBER, TENANT, unasked=why)
    pair = Pair(town, StationTerminal(NUMBER, Kind.DTU))
    await pair.settle()
    said = [(name, reason) for name, reason, _ in town.refused]
    assert said == [(f"{NUMBER}/202600000678", "not asked: its number gives no address on the line")]
    town.known[NUMBER] = Concentrator(NUMBER, TENANT, poll_s=600, unasked=why)
    pair.session.follow(town.main.clock.time())
    assert len(town.refused) == 1
