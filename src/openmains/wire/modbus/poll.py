# SPDX-License-Identifier: Apache-2.0
"""A master of one line: devices are read by their plans, and told what people want of them, which goes first. Sans-IO, milliseconds.

What a device answered to all its blocks becomes one message: the blocks as they stand in an RTU frame – unit, function, size, registers –, one
behind the other, and one CRC-16 over them, whatever carried them. A plan of one block over RTU gives the frame as it was on the wire. A line
carries one question at a time, so acts (``acts.py``) wait their turn, and none begins in the midst of another.
"""

from collections import Counter, deque
from collections.abc import Hashable, Mapping
from dataclasses import dataclass

from openmains.wire.modbus.acts import Act, Device, Request, Result, read
from openmains.wire.modbus.frame import (
    Adu,
    Message,
    RtuDeframer,
    TcpDeframer,
    answers,
    encode_rtu,
    encode_tcp,
)
from openmains.wire.outcome import Outcome

AGAIN_MS = 60_000  # until a device that did not answer is asked once more, within its period
MOST_AGAIN = 3  # so often in a period: a device that is gone must not fill its line
UNITS = range(1, 248)


@dataclass(frozen=True, slots=True)
class Polled:
    """A device's turn is over. ``message`` None: ``why`` not – silent, or refused with a code."""

    address: str
    message: bytes | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Finished:
    """An act that was begun is over. ``name``: as given to ``begin``."""

    name: Hashable
    result: Result


@dataclass(slots=True)
class _Turn:
    """``name`` None: a reading by the plan of the device called ``address``."""

    name: Hashable | None
    address: str
    device: Device
    act: Act
    ask: Request
    tries: int = 0
    question: Adu | None = None  # None: it waits for its time


class PollLine:
    """``every_ms``: each device's period; ``timeout_ms``: how long an answer may take; ``tries`` for each question."""

    def __init__(
        self, devices: Mapping[str, Device], every_ms: int, now_ms: int, *, timeout_ms: int = 1_000, tries: int = 3
    ) -> None:
        self._devices, self._every_ms, self._timeout_ms, self._tries = devices, every_ms, timeout_ms, tries
        self._due = dict.fromkeys(devices, now_ms)
        self._period = dict.fromkeys(devices, now_ms)  # when the next one begins
        self._repeated: Counter[str] = Counter()  # in this one
        self._wanted: deque[tuple[Hashable, Device, Act]] = deque()
        self._turn: _Turn | None = None
        self._deadline = 0
        self._out = bytearray()
        self._done: deque[Polled | Finished] = deque()
        self._rtu = RtuDeframer(question=False)
        self._tcp = TcpDeframer(question=False)
        self._transaction = 0
        self.counters: Counter[str] = Counter()

    def next_timer(self) -> int:
        """When ``timer`` wants to be called."""
        return self._deadline if self._turn is not None else min(self._due.values(), default=2**62)

    def timer(self, now_ms: int) -> None:
        """Call at ``next_timer`` or later."""
        turn = self._turn
        if turn is not None and now_ms >= self._deadline:
            if turn.question is None or turn.tries < self._tries:
                self._ask(turn, now_ms)
            else:
                self._replied(turn, None, now_ms)
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
                self._replied(turn, adu.message, now_ms)

    def to_send(self) -> bytes:
        """Bytes since the last call."""
        out = bytes(self._out)
        self._out.clear()
        return out

    def next_event(self) -> Polled | Finished | None:
        """Oldest not yet taken."""
        return self._done.popleft() if self._done else None

    def begin(self, name: Hashable, device: Device, act: Act, now_ms: int) -> None:
        """Run an act before all readings, after those that were begun before it."""
        self._wanted.append((name, device, act))
        self._begin(now_ms)

    def again(self, address: str, at_ms: int) -> None:
        """Read this device once more at ``at_ms``, for nothing came of its message, unless that was done ``MOST_AGAIN`` times."""
        if address in self._due and self._repeated[address] < MOST_AGAIN:
            self._repeated[address] += 1
            self._due[address] = min(self._due[address], at_ms)

    def _begin(self, now_ms: int) -> None:
        while self._turn is None and self._wanted:
            name, device, act = self._wanted.popleft()
            self._start(name, device.address, device, act, now_ms)
        if self._turn is not None:
            return
        waiting = [(at, name) for name, at in self._due.items() if at <= now_ms]
        if waiting:
            _, address = min(waiting)
            if now_ms >= self._period[address]:
                self._period[address] = now_ms + self._every_ms
                self._repeated[address] = 0
            self._due[address] = self._period[address]
            device = self._devices[address]
            self._start(None, address, device, read(device), now_ms)

    def _start(self, name: Hashable | None, address: str, device: Device, act: Act, now_ms: int) -> None:
        try:
            ask = next(act)
        except StopIteration as end:  # it came to nothing before a question was asked
            self._done.append(Finished(name, end.value))
            return
        self._turn = _Turn(name, address, device, act, ask)
        self._take(self._turn, now_ms)

    def _take(self, turn: _Turn, now_ms: int) -> None:
        turn.tries, turn.question = 0, None
        if turn.ask.wait_ms:
            self._deadline = now_ms + turn.ask.wait_ms
        else:
            self._ask(turn, now_ms)

    def _ask(self, turn: _Turn, now_ms: int) -> None:
        message, device = turn.ask.message, turn.device
        turn.tries += 1
        if device.over_tcp:
            self._transaction = self._transaction % 0xFFFF + 1
            turn.question = Adu(device.unit, message, self._transaction)
            self._out += encode_tcp(self._transaction, device.unit, message)
        else:
            turn.question = Adu(device.unit, message)
            self._rtu = RtuDeframer(question=False)  # what came before is of another question
            self._out += encode_rtu(device.unit, message)
        self._deadline = now_ms + self._timeout_ms

    def _replied(self, turn: _Turn, answer: Message | None, now_ms: int) -> None:
        try:
            turn.ask = turn.act.send(answer)
        except StopIteration as end:
            self._turn = None
            self._over(turn, end.value, now_ms)
            self._begin(now_ms)
        else:
            self._take(turn, now_ms)

    def _over(self, turn: _Turn, result: Result, now_ms: int) -> None:
        if turn.name is not None:
            self._done.append(Finished(turn.name, result))
            return
        is_read = result.outcome is Outcome.DONE
        if not is_read:
            self.counters[result.detail] += 1
            self.again(turn.address, now_ms + AGAIN_MS)
        self._done.append(Polled(turn.address, result.message if is_read else None, result.detail))
