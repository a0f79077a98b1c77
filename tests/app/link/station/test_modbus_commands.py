# SPDX-License-Identifier: Apache-2.0
"""Commands to Modbus devices behind a DTU, by the one life cycle: what is said of them, what stands on the line, what is refused."""

from typing import Any

import pytest

from openmains.app.command.downlink import DownFrame
from openmains.app.command.results import delivery_report
from openmains.app.command.sent_frames import DELIVERED, LOST, NOT_SENT, sent_frames
from openmains.app.fleet.driver_pages import CheckedDriverPage
from openmains.app.fleet.drivers import LoadedDriverCatalog
from openmains.app.fleet.identities import Identity
from openmains.app.link.link_reports import LinkReports
from openmains.app.link.station.commands import LineCommands
from openmains.app.link.station.directory import Concentrator, LinePlace, device_of
from openmains.app.link.station.session import StationSession
from openmains.app.problems import Problem
from openmains.domain.ids import CommandId, MeterId, ProductId
from openmains.drivers import catalog
from openmains.drivers.catalog import DriverPageError, pages_in
from openmains.drivers.dialect.hook import DialectDriver
from openmains.drivers.model import EncodeError
from openmains.emulator.line.modbus import EmulatedModbusDevice, EmulatedMotor
from openmains.emulator.station.terminal import StationTerminal
from openmains.wire.modbus.acts import Device
from openmains.wire.station.content import Kind
from tests.app.link.station.test_commands import NUMBER, Line
from tests.drivers.test_all_drivers import meaning
from tests.support.station import TENANT

PRODUCT = ProductId(9)
REGISTERS = {0: 0, 1: 0, 2: 1, 3: 2, 4: 0, 5: 500, 100: 4_120, 101: 185, 102: 0}


def shipped() -> DialectDriver:
    found = catalog.load().driver("modbus/mag-1")
    assert isinstance(found, DialectDriver)
    return found


class ModbusStreet(Line):
    """The line of ``test_commands`` with two large meters in place of its own."""

    def __post_init__(self) -> None:
        super().__post_init__()
        driver, places = shipped(), {}
        self.town.main.admission.set_products({PRODUCT: driver.name}, {})
        self.motors: list[EmulatedMotor] = []
        self.devices: list[EmulatedModbusDevice] = []
        for place, number in enumerate(("202600001001", "202600001007"), 1):
            device = device_of(number, driver)
            assert device is not None and device.valve is not None
            self.motors.append(EmulatedMotor(device.valve))
            self.devices.append(EmulatedModbusDevice(device.unit, REGISTERS, motor=self.motors[-1]))
            places[device.address] = LinePlace(device, Identity(MeterId(place), TENANT, PRODUCT))
        self.town.known[NUMBER] = Concentrator(NUMBER, TENANT, {}, places, 86_400)
        self.connect()

    def connect(self) -> None:
        self.commands = LineCommands(
            main=self.town.main, clock=self.clock, words=LinkReports(1, self.clock, self.town.batcher.add),
            stopped=lambda tenant_id: self.stopped, takes_unproven=False,
        )  # fmt: skip
        self.terminal = StationTerminal(NUMBER, Kind.DTU, line=self.heard)
        self.session = StationSession(self.town.main, "198.51.100.7", self.clock.now, lambda: None, self.certified)
        self.terminal.connected()

    def heard(self, raw: bytes) -> bytes:
        if not hasattr(self, "devices"):
            return b""
        back = b"".join(device.receive(raw) for device in self.devices)
        return b"" if self.deaf else back

    def give(self, kind: str, params: dict[str, Any] | None = None, *, valid_s: int = 600, **more: Any) -> None:
        frame = shipped().command(kind, params or {}, serial=9, counter=9, not_after=0, mac=None)
        not_after = self.clock.unix_us() // 1_000_000 + valid_s
        frame = more.get("frame", frame)
        self.commands.handle([DownFrame(CommandId(7), TENANT, MeterId(1), PRODUCT, 0, kind, frame, not_after, NUMBER)])

    def said(self) -> list[tuple[str, str, str]]:
        """As ``words``, and the frames stand in the log as Modbus."""
        found = []
        for uplink in self.town.disk.uplinks:
            if uplink.channel == "link":
                word, (sent,) = delivery_report(uplink), sent_frames(uplink)
                assert word is not None and sent.path.startswith("modbus;")
                found.append((word.link, word.detail, sent.outcome))
        return found


@pytest.mark.parametrize(
    ("kind", "params", "written"),
    [("read_now", {}, []), ("valve_close", {}, [2]), ("safety_close", {"reason": 1}, [2])],
)
async def test_each_kind_is_confirmed_by_reading_back_and_acts_once(
    kind: str, params: dict[str, Any], written: list[int]
) -> None:
    street = ModbusStreet()
    await street.run()
    before = street.readings()
    assert before == 1
    street.give(kind, params)
    await street.run(120)
    assert street.said() == [("confirmed", "done", DELIVERED)] and street.motors[0].written == written
    assert street.readings() == before + 1, "what was read back is a reading"
    newest = [uplink for uplink in street.town.disk.uplinks if uplink.meter_id == 1 and uplink.channel == "tcp"][-1]
    assert (meaning(shipped(), newest.payload, 5) or {})["valve"] == (1 if written else 0)
    assert not street.motors[1].written
    street.town.disk.uplinks.clear()
    street.give(kind, params)  # an edge that died before it could say so is asked once more
    await street.run(120)
    if kind == "valve_close":
        assert street.said() == [("confirmed", "already_done", DELIVERED)] and street.motors[0].written == written
    elif kind == "safety_close":  # in danger it is written whatever the valve says
        assert street.motors[0].written == [2, 2]


async def test_what_the_valve_does_not_do_is_said() -> None:
    street = ModbusStreet()
    await street.run()
    street.motors[0].stuck = True
    street.give("valve_close")
    await street.run(300)
    assert street.said() == [("declined", "read_back", DELIVERED)]


async def test_in_time_or_not_at_all() -> None:
    for stopped, valid_s, said in ((True, 600, "lost"), (False, -1, "too_late")):
        street = ModbusStreet()
        await street.run()
        street.stopped = stopped
        street.give("valve_close", valid_s=valid_s)
        await street.run(300)
        assert [word for word, _, _ in street.said()] == [said] and not street.motors[0].written


async def test_a_device_that_says_nothing_leaves_it_open() -> None:
    street = ModbusStreet()
    await street.run()
    street.deaf = True
    street.give("valve_close")
    await street.run(300)
    assert street.said() == [("lost", "", LOST)]


async def test_a_valve_moves_only_over_a_proven_connection_and_by_the_page_of_now() -> None:
    street = ModbusStreet(certified=None)
    await street.run()
    street.give("valve_close")
    await street.run()
    assert street.said() == [("declined", "unproven", NOT_SENT)]
    street = ModbusStreet()
    await street.run()
    opening = shipped().command("valve_open", {}, serial=1, counter=1, not_after=0)
    for odd in (opening, opening[:-1], b"\x01" + opening[1:], b""):
        street.town.disk.uplinks.clear()
        street.give("valve_close", frame=odd)
        await street.run()
        assert street.said() == [("declined", "unreadable", NOT_SENT)] and not street.motors[0].written


async def test_a_line_that_becomes_another_one_ends_what_was_under_way() -> None:
    street = ModbusStreet()
    await street.run()
    street.deaf = True
    street.give("valve_close")
    known = street.town.known[NUMBER]
    street.town.known[NUMBER] = Concentrator(NUMBER, TENANT, {}, known.line, 600)
    street.session.follow(street.clock.now)
    await street.run(300)
    assert street.said() == [("lost", "", LOST)]


def test_frames_say_what_they_ask_and_take_no_words_they_do_not_know() -> None:
    driver = shipped()
    for kind, params in (("read_now", {}), ("valve_open", {}), ("valve_close", {}), ("safety_close", {"reason": 2})):
        frame = driver.command(kind, params, serial=1, counter=1, not_after=0)
        traces = driver.explain_down(frame)
        assert bytes.fromhex("".join(trace.raw_hex for trace in traces)) == frame
        with pytest.raises(EncodeError):
            driver.command(kind, {**params, "meter_number": 1}, serial=1, counter=1, not_after=0)
    with pytest.raises(EncodeError):
        driver.command("set_clock", {}, serial=1, counter=1, not_after=0)
    assert driver.explain_down(b"\0\1") == []


PAGE = pages_in(__import__("importlib.resources", fromlist=["files"]).files("openmains.drivers"))["modbus/mag-1.toml"]


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("function = 6, address = 40", "function = 5, address = 40", "function is 6"),
        ("look = { function = 4", "look = { function = 6", "function is 3"),
        ("mask = 0x0003", "mask = 0x0002", "inside the mask"),
        ("is_closed = 1", "is_closed = 0", "differ"),
        ("close = 2", "close = 1", "two different values"),
        ("wait_s = 5", "wait_s = 61", "wait_s is"),
        ('medium = "water"', 'medium = "gas"', "by a person at the meter"),
        ("address = 100, count = 3", "address = 100, count = 1", "an answer names no address"),
        ('medium = "water"', 'medium = "water"\nkind = "flow"', ""),
    ],
)
def test_a_valve_that_cannot_be_told_is_refused_with_its_line(old: str, new: str, why: str) -> None:
    with pytest.raises(DriverPageError) as found:
        catalog.load().make("modbus/mag-1", PAGE.replace(old, new, 1))
    assert why in found.value.why and found.value.line > 0


def test_a_page_that_was_added_moves_no_valve() -> None:
    known = LoadedDriverCatalog(catalog.load())
    mine = PAGE.replace('"modbus/mag-1"', '"acme/mag-9"')
    with pytest.raises(Problem) as found:
        known.check_page(mine)
    assert "only pages of a release" in str(found.value.values["why"])
    start, end = mine.index("[poll.valve]"), mine.index("[frame]")
    checked = known.check_page(mine[:start] + mine[end:])
    assert isinstance(checked, CheckedDriverPage) and checked.name == "acme/mag-9"


def test_a_device_knows_its_valve() -> None:
    device = device_of("202600001007", shipped())
    assert isinstance(device, Device) and device.valve == shipped().dialect.poll.valve  # type: ignore[union-attr]
