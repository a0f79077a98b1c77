# SPDX-License-Identifier: Apache-2.0
"""What a command's frame means on a line, in the words of the protocol that is spoken there: CJ/T 188 or Modbus.

``wanted_untrusted`` holds the frame against what its meter's page says as of now, ``act_of`` makes the act when its turn has come, and
``reading_of`` takes from what came of it the message that a meter would have said. All else about commands is one for both
(``commands.py``).
"""

from collections.abc import Generator
from typing import Any

from openmains.app.command.downlink import DownFrame
from openmains.app.link.station.directory import LinePlace
from openmains.domain.command.kinds import Kind
from openmains.drivers.cjt188.commands import Asked, asked_of_untrusted
from openmains.drivers.dialect.commands import check_untrusted
from openmains.wire.cjt188 import acts as cjt188
from openmains.wire.cjt188.dialect import Valve
from openmains.wire.cjt188.frame import encode_frame
from openmains.wire.modbus import acts as modbus
from openmains.wire.outcome import MayWrite, Outcome

LOOKS = 15  # at a valve that is on its way: half a minute for most dialects
NOBODY = "0" * 14  # the address of a frame that leaves it to the registry
PATHS = {True: "modbus", False: "cjt188"}
Result = cjt188.Result | modbus.Result
Act = Generator[Any, Any, Any]
"""Of either protocol: its questions, answers and result are its line's, which ``speaks_to`` its meter."""


def path_of(place: LinePlace) -> str:
    """Where its frames stand in the log."""
    return PATHS[isinstance(place.meter, modbus.Device)]


def wanted_untrusted(frame: DownFrame, place: LinePlace) -> Asked:
    """What the frame asks, and of which number; raises ``WireError`` for one that its meter's page does not know."""
    meter = place.meter
    if isinstance(meter, modbus.Device):
        check_untrusted(frame.kind, frame.frame, meter.blocks, meter.valve)
        moves = frame.kind != Kind.READ_NOW
        return Asked(frame.kind, NOBODY, valve=frame.kind == Kind.VALVE_OPEN if moves else None)
    return asked_of_untrusted(frame.kind, frame.frame, meter.dialect.id_order)


def names_another(place: LinePlace, asked: Asked) -> bool:
    """The frame is for a meter of another number than the registered one."""
    return asked.address not in (NOBODY, place.meter.address)


def act_of(place: LinePlace, asked: Asked, now_s: float, may_write: MayWrite) -> Act:
    """Made when it is its turn. ``now_s``: the clock of then, UTC."""
    meter = place.meter
    look_first = asked.kind != Kind.SAFETY_CLOSE  # in danger it is written whatever the valve says of itself
    if isinstance(meter, modbus.Device):
        if asked.valve is None:
            return modbus.read(meter)
        return modbus.set_valve(meter, asked.valve, LOOKS, look_first=look_first, may_write=may_write)
    if asked.valve is not None:
        wanted = Valve.OPEN if asked.valve else Valve.CLOSED
        return cjt188.set_valve(meter, wanted, LOOKS, look_first=look_first, may_write=may_write)
    if asked.prices is not None:
        return cjt188.set_prices(meter, asked.prices, look_first=True, may_write=may_write)
    if asked.kind == Kind.SET_CLOCK:  # the frame's own time is of when it was made
        offset_s = place.utc_offset_s
        return cjt188.set_clock(
            meter, lambda elapsed_ms: round(now_s + elapsed_ms / 1000) + offset_s, may_write=may_write
        )
    return cjt188.read(meter)


def reading_of(result: Result) -> bytes | None:
    """What was read is a reading of the meter; None where nothing was."""
    if isinstance(result, modbus.Result):
        return result.message
    return None if result.metering is None or result.answer is None else encode_frame(result.answer)


def withheld(place: LinePlace) -> Result:
    """Nothing was asked and nothing written."""
    if isinstance(place.meter, modbus.Device):
        return modbus.Result(Outcome.WITHHELD)
    return cjt188.Result(Outcome.WITHHELD)
