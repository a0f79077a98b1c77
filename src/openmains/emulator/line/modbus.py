# SPDX-License-Identifier: Apache-2.0
"""A Modbus device on a line: registers by address, read by functions 3 and 4, written by 6 and 16. Time is nobody's here: a device answers
what it holds, and a motor is on its way for so many answers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from openmains.wire.modbus.acts import ValveControl
from openmains.wire.modbus.frame import (
    Adu,
    Function,
    Message,
    Read,
    Refusal,
    Registers,
    RtuDeframer,
    TcpDeframer,
    Write,
    Written,
    encode_rtu,
    encode_tcp,
)

NO_FUNCTION, NO_ADDRESS = 1, 2


@dataclass(slots=True)
class EmulatedMotor:
    """The valve of a device: ``travel`` looks after the write it stands where it was told, unless it is ``stuck``. Meanwhile its
    bits say the first number that is neither open nor shut. ``written``: what was."""

    control: ValveControl
    travel: int = 2
    stuck: bool = False
    refuses: int = 0  # exception to every write, 0: none
    written: list[int] = field(default_factory=list)
    _aim: int | None = None
    _left: int = 0

    def write(self, value: int) -> None:
        """A value came to its register."""
        self.written.append(value)
        control = self.control
        aim = {control.opens: control.is_open, control.shuts: control.is_shut}.get(value)
        if aim is not None and not self.stuck:
            self._aim, self._left = aim, self.travel

    def state(self, register: int) -> int:
        """Its state's register, of which it owns the bits of the mask."""
        if self._aim is None:
            return register
        self._left -= 1
        control = self.control
        moving = next(state for state in range(4) if state not in (control.is_open, control.is_shut))
        return register & ~control.mask | (moving if self._left >= 0 else self._aim)


class EmulatedModbusDevice:
    """``registers``: 16 bits each, by address; what is not there is refused. ``over_tcp``: speaks Modbus TCP, else RTU."""

    def __init__(
        self, unit: int, registers: Mapping[int, int], *, over_tcp: bool = False, motor: EmulatedMotor | None = None
    ) -> None:
        self.unit, self.registers, self.motor = unit, dict(registers), motor
        self.asked = 0
        self._deframer: RtuDeframer | TcpDeframer = (
            TcpDeframer(question=True) if over_tcp else RtuDeframer(question=True)
        )

    def receive(self, data: bytes) -> bytes:
        """Bytes from the line → bytes to answer with."""
        return b"".join(self._answer(adu) for adu in self._deframer.feed(data) if adu.unit == self.unit)

    def _answer(self, adu: Adu) -> bytes:
        self.asked += 1
        message = adu.message
        told: Message = Refusal(NO_FUNCTION, NO_FUNCTION)
        if isinstance(message, Read):
            told = self._read(message)
        elif isinstance(message, Write):
            told = self._written(message)
        if isinstance(self._deframer, TcpDeframer):
            return encode_tcp(adu.transaction, adu.unit, told)
        return encode_rtu(adu.unit, told)

    def _read(self, read: Read) -> Registers | Refusal:
        wanted = range(read.address, read.address + read.count)
        if any(address not in self.registers for address in wanted):
            return Refusal(read.function, NO_ADDRESS)
        motor = self.motor
        if motor is not None and motor.control.look.address in wanted:
            at = motor.control.look.address
            self.registers[at] = motor.state(self.registers[at])
        return Registers(read.function, tuple(self.registers[address] for address in wanted))

    def _written(self, write: Write) -> Write | Written | Refusal:
        motor = self.motor
        if motor is None or (write.function, write.address) != (motor.control.function, motor.control.address):
            return Refusal(write.function, NO_ADDRESS)
        if motor.refuses:
            return Refusal(write.function, motor.refuses)
        for value in write.values:
            motor.write(value)
        many = write.function == Function.WRITE_MANY
        return Written(write.address, len(write.values)) if many else write
