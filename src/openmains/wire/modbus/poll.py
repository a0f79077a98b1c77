# SPDX-License-Identifier: Apache-2.0
"""A master that reads blocks of registers of the devices on one line, by their plans. Sans-IO, milliseconds.

What a device answered to all its blocks becomes one message: the blocks as they stand in an RTU frame – unit, function, size, registers –, one
behind the other, and one CRC-16 over them, whatever carried them. A plan of one block over RTU gives the frame as it was on the wire. A block
that is refused or not answered ends the device's turn: half a message is none.
"""

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from openmains.wire.crc import CRC16_MODBUS
from openmains.wire.modbus.frame import (
    Adu,
    Function,
    Read,
    Refusal,
    RtuDeframer,
    TcpDeframer,
    answers,
    encode_pdu,
    encode_rtu,
    encode_tcp,
)

AGAIN_MS = 60_000  # until a device that did not answer is asked once more, within its period
MOST_AGAIN = 3  # so often in a period: a device that is gone must not fill its line
UNITS = range(1, 248)


@dataclass(frozen=True, slots=True)
class Block:
    """``count`` registers from ``address``, by function 3 (holding) or 4 (input)."""

    function: Function
    address: int
    count: int


@dataclass(frozen=True, slots=True)
class Device:
    """One device and what is asked of it. ``over_tcp``: Modbus TCP frames, else RTU."""

    unit: int
    blocks: tuple[Block, ...]
    over_tcp: bool = False

    @property
    def address(self) -> str:
        """What it is called on its line."""
        return f"unit {self.unit}"


@dataclass(frozen=True, slots=True)
class Polled:
    """A device's turn is over. ``message`` None: ``why`` not – silent, or refused with a code."""

    address: str
    message: bytes | None
    why: str = ""


@dataclass(slots=True)
class _Turn:
    device: Device
    place: int = 0
    tries: int = 0
    question: Adu | None = None
    told: bytearray = field(default_factory=bytearray)


def encode_message(told: bytes) -> bytes:
    """The answered blocks as a message."""
    return told + CRC16_MODBUS.of(told).to_bytes(2, "little")


class PollLine:
    """``every_ms``: each device's period; ``timeout_ms``: how long an answer may take; ``tries`` for each question."""

    def __init__(
        self, devices: Mapping[str, Device], every_ms: int, now_ms: int, *, timeout_ms: int = 1_000, tries: int = 3
    ) -> None:
        self._devices, self._every_ms, self._timeout_ms, self._tries = devices, every_ms, timeout_ms, tries
        self._due = dict.fromkeys(devices, now_ms)
        self._period = dict.fromkeys(devices, now_ms)  # when the next one begins
        self._repeated: Counter[str] = Counter()  # in this one
        self._turn: _Turn | None = None
        self._deadline = 0
        self._out = bytearray()
        self._done: deque[Polled] = deque()
        self._rtu = RtuDeframer(question=False)
        self._tcp = TcpDeframer(question=False)
        self._transaction = 0
        self.counters: Counter[str] = Counter()

    def next_timer(self) -> int:
        """When ``timer`` wants to be called."""
        return self._deadline if self._turn is not None else min(self._due.values(), default=2**62)

    def timer(self, now_ms: int) -> None:
        """Call at ``next_timer`` or later."""
        if self._turn is not None and now_ms >= self._deadline:
            if self._turn.tries < self._tries:
                self._ask(now_ms)
            else:
                self._over(now_ms, None, "silent")
        self._begin(now_ms)

    def receive(self, data: bytes, now_ms: int) -> None:
        """Bytes of the line; whatever answers no open question is counted."""
        turn = self._turn
        if turn is None:
            self.counters["unrelated"] += len(data)
            return
        if turn.device.over_tcp and self._tcp.broken:
            self._tcp = TcpDeframer(question=False)
        for adu in self._tcp.feed(data) if turn.device.over_tcp else self._rtu.feed(data):
            if self._turn is not turn or turn.question is None or not answers(turn.question, adu):
                self.counters["strange"] += 1
            else:
                self._answered(turn, adu, now_ms)

    def to_send(self) -> bytes:
        """Bytes since the last call."""
        out = bytes(self._out)
        self._out.clear()
        return out

    def next_event(self) -> Polled | None:
        """Oldest not yet taken."""
        return self._done.popleft() if self._done else None

    def again(self, address: str, at_ms: int) -> None:
        """Read this device once more at ``at_ms``, for nothing came of its message, unless that was done ``MOST_AGAIN`` times."""
        if address in self._due and self._repeated[address] < MOST_AGAIN:
            self._repeated[address] += 1
            self._due[address] = min(self._due[address], at_ms)

    def _begin(self, now_ms: int) -> None:
        if self._turn is not None:
            return
        waiting = [(at, name) for name, at in self._due.items() if at <= now_ms]
        if waiting:
            _, name = min(waiting)
            if now_ms >= self._period[name]:
                self._period[name] = now_ms + self._every_ms
                self._repeated[name] = 0
            self._due[name] = self._period[name]
            self._turn = _Turn(self._devices[name])
            self._ask(now_ms)

    def _ask(self, now_ms: int) -> None:
        turn = self._turn
        if turn is None:
            return
        block, device = turn.device.blocks[turn.place], turn.device
        turn.tries += 1
        read = Read(block.function, block.address, block.count)
        if device.over_tcp:
            self._transaction = self._transaction % 0xFFFF + 1
            turn.question = Adu(device.unit, read, self._transaction)
            self._out += encode_tcp(self._transaction, device.unit, read)
        else:
            turn.question = Adu(device.unit, read)
            self._rtu = RtuDeframer(question=False)  # what came before is of another question
            self._out += encode_rtu(device.unit, read)
        self._deadline = now_ms + self._timeout_ms

    def _answered(self, turn: _Turn, adu: Adu, now_ms: int) -> None:
        if isinstance(adu.message, Refusal):
            self._over(now_ms, None, f"refused with {adu.message.code}")
            return
        turn.told += bytes((adu.unit,)) + encode_pdu(adu.message)
        turn.place, turn.tries = turn.place + 1, 0
        if turn.place < len(turn.device.blocks):
            self._ask(now_ms)
        else:
            self._over(now_ms, encode_message(bytes(turn.told)), "")

    def _over(self, now_ms: int, message: bytes | None, why: str) -> None:
        turn, self._turn = self._turn, None
        if turn is None:
            return
        name = next(key for key, device in self._devices.items() if device is turn.device)
        if message is None:
            self.counters[why] += 1
            self.again(name, now_ms + AGAIN_MS)
        self._done.append(Polled(name, message, why))
        self._begin(now_ms)
