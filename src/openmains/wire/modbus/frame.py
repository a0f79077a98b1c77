# SPDX-License-Identifier: Apache-2.0
"""Modbus registers over RTU (also RTU over TCP, as DTUs have it) and Modbus TCP: bytes ⇄ ``Registers``, ``Write``, ``Refusal`` (R3.2).

Functions 03, 04 (read), 06, 16 (write) and exceptions: what flow computers, correctors and loggers of pressure and quality are read by. RTU:
``unit · PDU · CRC-16`` with the low byte first; TCP: ``transaction (2) · 0 (2) · length (2) · unit · PDU``.

Written here and not taken from pymodbus, whose codec could be used without its sockets: in 3.16.1 its RTU framer counts the whole buffer
as used once it has one frame, so a second frame in it, or the frame behind a damaged one, is lost (``FramerRTU.decode``); its TCP
framer never leaves a header with a wrong protocol id. It made our vectors.
"""

from collections import Counter
from dataclasses import dataclass
from enum import IntEnum

from openmains.wire import framing
from openmains.wire.crc import CRC16_MODBUS
from openmains.wire.cursor import Reader, Writer
from openmains.wire.errors import WireError

LAYER = "modbus"
MOST_READ, MOST_WRITTEN = 125, 123  # registers of one frame
ERROR = 0x80
MOST_RTU = 256
MBAP = 7


class Function(IntEnum):
    """Of registers."""

    READ_HOLDING = 3
    READ_INPUT = 4
    WRITE_ONE = 6
    WRITE_MANY = 16


READS = (Function.READ_HOLDING, Function.READ_INPUT)


@dataclass(frozen=True, slots=True)
class Read:
    """Question: ``count`` registers from ``address``."""

    function: Function
    address: int
    count: int


@dataclass(frozen=True, slots=True)
class Registers:
    """Answer to ``Read``: 16 bits each."""

    function: Function
    values: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Write:
    """Question: write; with function 06 one value. The answer to 06 is the same."""

    function: Function
    address: int
    values: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Written:
    """Answer to function 16. It says that the frame came; whether it is so is known by reading."""

    address: int
    count: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """Exception: 1 function, 2 address, 3 value, 4 failure, 5 acknowledged, 6 busy, …"""

    function: int
    code: int


Message = Read | Registers | Write | Written | Refusal


def encode_pdu(message: Message) -> bytes:
    """Function and data; raises ``WireError`` for what does not fit."""
    writer = Writer(LAYER)
    if isinstance(message, Refusal):
        writer.u8(message.function | ERROR)
        writer.u8(message.code)
        return writer.getvalue()
    writer.u8(Function.WRITE_MANY if isinstance(message, Written) else message.function)
    if isinstance(message, Read):
        if message.function not in READS or not 1 <= message.count <= MOST_READ:
            raise writer.fail("count")
        writer.u16be(message.address)
        writer.u16be(message.count)
    elif isinstance(message, Registers):
        if message.function not in READS or not 1 <= len(message.values) <= MOST_READ:
            raise writer.fail("count")
        writer.u8(2 * len(message.values))
        _put(writer, message.values)
    elif isinstance(message, Written):
        writer.u16be(message.address)
        writer.u16be(message.count)
    else:
        many = message.function == Function.WRITE_MANY
        if message.function in READS or not 1 <= len(message.values) <= (MOST_WRITTEN if many else 1):
            raise writer.fail("count")
        writer.u16be(message.address)
        if many:
            writer.u16be(len(message.values))
            writer.u8(2 * len(message.values))
        _put(writer, message.values)
    return writer.getvalue()


def decode_pdu_untrusted(pdu: bytes, *, question: bool) -> Message:
    """``question``: whether it goes to the device; answers look alike and mean something else. Raises ``WireError``."""
    reader = Reader(pdu, LAYER)
    code = reader.u8()
    if code & ERROR:
        if question:
            raise reader.fail("exception in a question", 0)
        message: Message = Refusal(code & ~ERROR, reader.u8())
    elif code in READS and question:
        message = Read(Function(code), reader.u16be(), reader.u16be())
        if not 1 <= message.count <= MOST_READ:
            raise reader.fail("count", 3)
    elif code in READS:
        message = Registers(Function(code), _values(reader, reader.u8()))
    elif code == Function.WRITE_ONE:
        message = Write(Function.WRITE_ONE, reader.u16be(), (reader.u16be(),))
    elif code == Function.WRITE_MANY and question:
        address, count, size = reader.u16be(), reader.u16be(), reader.u8()
        message = Write(Function.WRITE_MANY, address, _values(reader, size))
        if count != len(message.values) or count > MOST_WRITTEN:
            raise reader.fail("count", 3)
    elif code == Function.WRITE_MANY:
        message = Written(reader.u16be(), reader.u16be())
    else:
        raise reader.fail("function", 0)
    reader.finish()
    return message


def _put(writer: Writer, values: tuple[int, ...]) -> None:
    for value in values:
        writer.u16be(value)


def _values(reader: Reader, size: int) -> tuple[int, ...]:
    if size % 2 or not 2 <= size <= 2 * MOST_READ:
        raise reader.fail("byte count", reader.position - 1)
    return tuple(reader.u16be() for _ in range(size // 2))


def encode_rtu(unit: int, message: Message) -> bytes:
    """``unit``: 1–247, 0: everyone."""
    if not 0 <= unit <= 247:
        raise WireError(LAYER, 0, "unit")
    body = bytes((unit,)) + encode_pdu(message)
    return body + CRC16_MODBUS.of(body).to_bytes(2, "little")


def encode_tcp(transaction: int, unit: int, message: Message) -> bytes:
    """A frame of Modbus TCP."""
    pdu, writer = encode_pdu(message), Writer(LAYER)
    writer.u16be(transaction)
    writer.u16be(0)
    writer.u16be(len(pdu) + 1)
    writer.u8(unit)
    writer.put(pdu)
    return writer.getvalue()


@dataclass(frozen=True, slots=True)
class Adu:
    """A message with whom it concerns; ``transaction`` of TCP, 0 over RTU."""

    unit: int
    message: Message
    transaction: int = 0


def decode_rtu_untrusted(data: bytes, *, question: bool) -> Adu:
    """Exactly one RTU frame; raises ``WireError``."""
    if len(data) < 4:
        raise WireError(LAYER, len(data), "truncated")
    if CRC16_MODBUS.of(data[:-2]) != int.from_bytes(data[-2:], "little"):
        raise WireError(LAYER, len(data) - 2, "check")
    return Adu(data[0], decode_pdu_untrusted(data[1:-2], question=question))


class RtuDeframer(framing.Deframer[Adu]):
    """RTU frames out of a stream. They have no marks: function and count give a length, the CRC decides, and a false one costs one byte."""

    __slots__ = ("_question",)

    def __init__(self, *, question: bool) -> None:
        super().__init__()
        self._question = question

    def _size(self, at: int) -> int | None:
        buffer, question = self._buffer, self._question
        if at + 1 >= len(buffer):
            return None
        code = buffer[at + 1]
        if code & ERROR and not question:
            return 5
        if code in READS and question:
            return 8
        if code in READS or (code == Function.WRITE_MANY and question):
            place = at + (2 if code in READS else 6)
            if place >= len(buffer):
                return None
            size = place - at + 1 + buffer[place] + 2
            if size <= MOST_RTU:
                return size
        elif code in (Function.WRITE_ONE, Function.WRITE_MANY):
            return 8
        raise WireError(LAYER, 1, "function")

    def _decode(self, data: bytes) -> Adu:
        return decode_rtu_untrusted(data, question=self._question)


class TcpDeframer:
    """Modbus TCP frames out of a stream. TCP loses no byte, so a header that is none ends it: ``broken`` is why, and nothing more is taken."""

    __slots__ = ("_buffer", "_question", "broken", "faults")

    def __init__(self, *, question: bool) -> None:
        self._question = question
        self._buffer = bytearray()
        self.broken = ""
        self.faults: Counter[str] = Counter()

    def feed(self, data: bytes) -> list[Adu]:
        """The frames that these bytes complete. One whose PDU makes no sense is counted and left out."""
        found: list[Adu] = []
        if self.broken:
            return found
        self._buffer += data
        while len(self._buffer) >= MBAP:
            reader = Reader(self._buffer, LAYER)
            transaction, protocol, length, unit = reader.u16be(), reader.u16be(), reader.u16be(), reader.u8()
            if protocol or not 2 <= length <= MOST_RTU - 2:
                self.broken = "protocol id" if protocol else "length"
                self._buffer.clear()
                break
            if len(self._buffer) < 6 + length:
                break
            pdu = bytes(self._buffer[MBAP : 6 + length])
            del self._buffer[: 6 + length]
            try:
                found.append(Adu(unit, decode_pdu_untrusted(pdu, question=self._question), transaction))
            except WireError as bad:
                self.faults[bad.reason] += 1
        return found


def answers(question: Adu, answer: Adu) -> bool:
    """Whether ``answer`` belongs to ``question``: unit, transaction, function, and as many registers as were asked for."""
    if (question.unit, question.transaction) != (answer.unit, answer.transaction):
        return False
    asked, told = question.message, answer.message
    if isinstance(told, Refusal):
        return isinstance(asked, Read | Write) and told.function == asked.function
    if isinstance(asked, Read):
        return isinstance(told, Registers) and told.function == asked.function and len(told.values) == asked.count
    if isinstance(asked, Write) and asked.function == Function.WRITE_MANY:
        return told == Written(asked.address, len(asked.values))
    return told == asked
