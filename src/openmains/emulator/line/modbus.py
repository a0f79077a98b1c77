# SPDX-License-Identifier: Apache-2.0
"""A Modbus device on a line: registers by address, read by functions 3 and 4. Time is nobody's here: a device answers what it holds."""

from collections.abc import Mapping

from openmains.wire.errors import WireError
from openmains.wire.modbus.frame import (
    Adu,
    Read,
    Refusal,
    Registers,
    RtuDeframer,
    TcpDeframer,
    encode_rtu,
    encode_tcp,
)

NO_ADDRESS = 2


class EmulatedModbusDevice:
    """``registers``: 16 bits each, by address; what is not there is refused. ``over_tcp``: speaks Modbus TCP, else RTU."""

    def __init__(self, unit: int, registers: Mapping[int, int], *, over_tcp: bool = False) -> None:
        self.unit, self.registers = unit, dict(registers)
        self.asked = 0
        self._deframer: RtuDeframer | TcpDeframer = (
            TcpDeframer(question=True) if over_tcp else RtuDeframer(question=True)
        )

    def receive(self, data: bytes) -> bytes:
        """Bytes from the line → bytes to answer with."""
        return b"".join(self._answer(adu) for adu in self._deframer.feed(data) if adu.unit == self.unit)

    def _answer(self, adu: Adu) -> bytes:
        self.asked += 1
        read = adu.message
        if not isinstance(read, Read):
            raise WireError("modbus", 1, "only reads are emulated")
        wanted = range(read.address, read.address + read.count)
        known = all(address in self.registers for address in wanted)
        values = tuple(self.registers.get(address, 0) for address in wanted)
        told = Registers(read.function, values) if known else Refusal(read.function, NO_ADDRESS)
        if isinstance(self._deframer, TcpDeframer):
            return encode_tcp(adu.transaction, adu.unit, told)
        return encode_rtu(adu.unit, told)
