# SPDX-License-Identifier: Apache-2.0
"""A meter on a CJ/T 188 line, in its maker's dialect: register, valve with a motor, clock, price table.

It shares the frame codec with the master and nothing of what a master believes: what it says of its valve is where the valve stands, and a
motor takes its time. Time (ms, wall clock seconds) is an argument.
"""

from collections.abc import Callable
from dataclasses import dataclass

from openmains.wire.cjt188.data import (
    ADDRESS,
    METERING,
    PRICE,
    TIME,
    UNIT_CUBIC_METRE,
    VALVE,
    VALVE_CLOSE,
    VALVE_OPEN,
    DataUnit,
    Metering,
    decode_time_untrusted,
    decode_unit_untrusted,
    encode_metering,
    encode_unit,
)
from openmains.wire.cjt188.dialect import STANDARD, Dialect, Valve
from openmains.wire.cjt188.frame import ERROR, READ, READ_ADDRESS, WRITE, Frame
from openmains.wire.cjt188.price import PRICE_TABLE, PriceTable, decode_prices_untrusted, encode_prices
from openmains.wire.cjt188.session import Meter, answer_control
from openmains.wire.cjt188.wall import to_wall, wall_seconds_of
from openmains.wire.errors import WireError


@dataclass(frozen=True, slots=True)
class Faults:
    """What is wrong with it. ``stuck``: the valve does not move, though the command is answered. ``deaf_clock``: the same of its clock."""

    stuck: bool = False
    deaf_clock: bool = False
    refuses_writes: bool = False
    keeps_prices_secret: bool = False


SOUND = Faults()


class EmulatedLineMeter:
    """``total``: hundredths of a cubic metre, as on the dial. ``wall_s(now_ms)``: what its clock would say if it were right."""

    def __init__(
        self,
        meter_type: int,
        address: str,
        *,
        dialect: Dialect = STANDARD,
        total: int = 0,
        wall_s: Callable[[int], int] = lambda now_ms: now_ms // 1000,
        motor_ms: int = 3_000,
        faults: Faults = SOUND,
        valve: Valve = Valve.OPEN,
    ) -> None:
        self.total = total
        self.settlement = total
        self.clock_off_s: int | None = None  # None: never set
        self.prices: PriceTable | None = None
        self.acted: list[int] = []  # identifiers that were written, each time
        self._dialect, self._wall_s, self._motor_ms, self._faults = dialect, wall_s, motor_ms, faults
        self._valve, self._wanted, self._arrives_ms = valve, valve, 0
        self._now_ms = 0
        self._port = Meter(meter_type, address, self._act)

    @property
    def address(self) -> str:
        return self._port.address

    def valve(self, now_ms: int) -> Valve:
        """Where it stands."""
        if self._valve is not self._wanted and now_ms >= self._arrives_ms:
            self._valve = self._wanted
        return self._valve if self._valve is self._wanted else Valve.UNKNOWN

    def receive(self, data: bytes, now_ms: int) -> bytes:
        """Bytes from the line → bytes to answer with."""
        self._now_ms = now_ms
        return self._port.receive(data, now_ms)

    def _act(self, question: Frame) -> tuple[int, bytes] | None:
        order = self._dialect.id_order
        try:
            unit = decode_unit_untrusted(question.data, order)
            payload = self._payload(question, unit)
        except WireError:
            payload = None
        if payload is None:
            return answer_control(question) | ERROR, question.data[2:3] + b"\x00\x00"
        return answer_control(question), encode_unit(DataUnit(unit.identifier, unit.serial, payload), order)

    def _payload(self, question: Frame, unit: DataUnit) -> bytes | None:
        """What it answers; None: it refuses."""
        if question.function == READ_ADDRESS and unit.identifier == ADDRESS:
            return b""
        if question.function == READ and unit.identifier == METERING:
            return self._metering()
        if question.function == READ and unit.identifier == PRICE_TABLE:
            return None if self.prices is None or self._faults.keeps_prices_secret else encode_prices(self.prices)
        if question.function != WRITE or self._faults.refuses_writes:
            return None
        return self._written(unit)

    def _written(self, unit: DataUnit) -> bytes | None:
        if unit.identifier == VALVE and unit.payload in (bytes((VALVE_OPEN,)), bytes((VALVE_CLOSE,))):
            wanted = Valve.OPEN if unit.payload[0] == VALVE_OPEN else Valve.CLOSED
            if not self._faults.stuck and wanted is not self.valve(self._now_ms):
                self._wanted, self._arrives_ms = wanted, self._now_ms + self._motor_ms
        elif unit.identifier == TIME and (time := decode_time_untrusted(unit.payload)) is not None:
            if not self._faults.deaf_clock:
                self.clock_off_s = wall_seconds_of(time) - self._wall_s(self._now_ms)
        elif unit.identifier == PRICE:
            self.prices = decode_prices_untrusted(unit.payload)
        else:
            return None
        self.acted.append(unit.identifier)
        return b"\x00\x00"

    def _metering(self) -> bytes:
        time = None if self.clock_off_s is None else to_wall(self._wall_s(self._now_ms) + self.clock_off_s)
        stands = self.valve(self._now_ms)
        status = self._dialect.status(stands)
        return encode_metering(Metering(self.total, UNIT_CUBIC_METRE, self.settlement, UNIT_CUBIC_METRE, time, status))
