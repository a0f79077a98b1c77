# SPDX-License-Identifier: Apache-2.0
"""A CJ/T 188 line behind a concentrator that speaks DL/T 645: the same meters, asked and told through its frames."""

from importlib import resources

import pytest

from openmains.app.fleet.identities import Identity
from openmains.app.link.station.directory import Concentrator, line_place
from openmains.domain.ids import CommandId, MeterId
from openmains.drivers import catalog
from openmains.drivers.cjt188.hook import Cjt188Driver
from openmains.drivers.errors import DriverPageError
from openmains.emulator.line.meter import EmulatedLineMeter
from openmains.emulator.station.terminal import StationTerminal
from openmains.wire.cjt188.acts import LineMeter, Result, set_valve
from openmains.wire.cjt188.dialect import Valve
from openmains.wire.dlt645.frame import ANSWER, ERROR, Deframer, carried_untrusted, carry, encode_frame
from openmains.wire.outcome import Outcome
from openmains.wire.station.content import Kind
from tests.app.link.station.test_session import NUMBER, Pair
from tests.support.station import TENANT, WATER_LINE, Town

IDENTIFIER, ADDRESS, METER = 0x04A00501, "202600000042", "20260000000001"
OPTION = f'[options.carrier]\nidentifier = {IDENTIFIER:#x}\ncontrol = 0x11\naddress = "{ADDRESS}"\n'


def page(option: str = OPTION) -> Cjt188Driver:

    text = catalog.pages_in(resources.files("openmains.drivers"))["cjt188/water-2004.toml"]
    text = text.replace('name = "cjt188/water-2004"', 'name = "acme/carried-1"')
    driver = catalog.load().make("acme/carried-1", text.replace("[options.valve]", f"{option}\n[options.valve]"))
    assert isinstance(driver, Cjt188Driver)
    return driver


class Box:
    """The concentrator: hands on what it carries, refuses what it does not know."""

    def __init__(self, meter: EmulatedLineMeter) -> None:
        self._meter, self._deframer = meter, Deframer()
        self.now_ms, self.refuses = 0, 0

    def receive(self, data: bytes) -> bytes:
        out = b""
        for frame in self._deframer.feed(data):
            assert (frame.address, frame.control) == (ADDRESS, 0x11)
            if self.refuses:
                self.refuses -= 1
                out += encode_frame(carry(ADDRESS, 0x11 | ANSWER | ERROR, IDENTIFIER, b""))
                continue
            self.now_ms += 5_000
            back = self._meter.receive(carried_untrusted(frame, IDENTIFIER), self.now_ms)
            out += encode_frame(carry(ADDRESS, 0x11 | ANSWER, IDENTIFIER + 1, b"its own"))
            out += encode_frame(carry("202600000043", 0x11 | ANSWER, IDENTIFIER, b"another station's"))
            out += encode_frame(carry(ADDRESS, 0x11 | ANSWER, IDENTIFIER, back), preamble=2)
        return out


async def test_a_carried_line_is_read_and_told_and_a_refusal_is_asked_again() -> None:
    driver, town = page(), Town()
    place = line_place(METER, driver, Identity(MeterId(1), TENANT, WATER_LINE))
    assert place is not None and isinstance(place.meter, LineMeter)
    town.known[NUMBER] = Concentrator(NUMBER, TENANT, {}, {METER: place}, 600)
    meter = EmulatedLineMeter(0x10, METER, total=4711)
    box = Box(meter)
    box.refuses = 1
    pair = Pair(town, StationTerminal(NUMBER, Kind.DTU, line=box.receive))
    await pair.settle()
    assert not town.disk.uplinks and town.main.counters["line.carrier_refused"] == 1
    pair.session.handle_timer(pair.session.next_timer())
    await pair.settle()
    (uplink,) = town.disk.uplinks
    found, _ = driver.decode([uplink.payload], [0])
    assert int(found[0].points["register"][0]) == 47_110
    assert town.main.counters["line.carrier_strange"] >= 2
    results: list[Result | None] = []
    pair.session.command(
        CommandId(1), place, set_valve(place.meter, Valve.CLOSED), results.append, town.main.clock.time()
    )
    for _ in range(20):
        await pair.settle()
        if results:
            break
        pair.session.handle_timer(pair.session.next_timer())
    (result,) = results
    assert result is not None and result.outcome is Outcome.DONE
    assert meter.valve(box.now_ms) is Valve.CLOSED


@pytest.mark.parametrize("odd", ['address = "12"', "control = 0x91", "identifier = 0x1_0000_0000", "identifier = -1"])
def test_a_carrier_that_no_frame_can_say_is_refused(odd: str) -> None:
    key = odd.split(" ")[0]
    lines = [odd if line.startswith(key) else line for line in OPTION.splitlines()]
    with pytest.raises(DriverPageError):
        page("\n".join(lines))
