# SPDX-License-Identifier: Apache-2.0
"""A master's end of one line: acts of ``acts.py`` one after the other, over ``session.Master``. Sans-IO, milliseconds.

A line carries one question at a time, so acts wait their turn: ``urgent`` ones (a person waits, or a valve) before a poll plan's, never in
the midst of another.
"""

from collections import Counter, deque
from collections.abc import Hashable
from dataclasses import dataclass

from openmains.wire.cjt188.acts import Act, LineMeter, Question, Reply, Result, read
from openmains.wire.cjt188.frame import Frame, encode_frame
from openmains.wire.cjt188.session import Answered, Master

MOST_AGAIN = 3  # readings of one meter in a period, besides the first: a meter that is gone must not fill its line
GAP_MS = 50  # of silence before a question that nobody answers is over


@dataclass(frozen=True, slots=True)
class Finished:
    """An act ended. ``name``: as given to ``Line.begin``."""

    name: Hashable
    result: Result


@dataclass(slots=True)
class _Running:
    name: Hashable
    act: Act
    began_ms: int
    ask: Question


class Line:
    """``timeout_ms``: how long a meter may take; behind a DTU also the network's time."""

    def __init__(self, *, timeout_ms: int = 1_000, tries: int = 3, first_serial: int = 0) -> None:
        self._timeout_ms, self._tries = timeout_ms, tries
        self._master = Master(timeout_ms, tries)
        self._serial = first_serial
        self._waiting: deque[tuple[Hashable, Act]] = deque()
        self._urgent: deque[tuple[Hashable, Act]] = deque()
        self._running: _Running | None = None
        self._due_ms: int | None = None  # of the question that waits, or of the end of a silent one
        self._is_silent = False
        self._out = b""
        self._finished: deque[Finished] = deque()

    @property
    def is_idle(self) -> bool:
        """Nothing runs and nothing waits."""
        return self._running is None and not self._waiting and not self._urgent

    @property
    def skipped(self) -> int:
        """Bytes that belonged to no frame."""
        return self._master.deframer.skipped

    @property
    def unrelated(self) -> int:
        """Frames that answered no question."""
        return self._master.unrelated

    def begin(self, name: Hashable, act: Act, now_ms: int, *, urgent: bool = False) -> None:
        """Run an act when its turn comes."""
        (self._urgent if urgent else self._waiting).append((name, act))
        self._go_on(now_ms)

    def receive(self, data: bytes, now_ms: int) -> None:
        """Bytes from the line."""
        self._master.receive(data, now_ms)
        self._collect(now_ms)

    def next_timer(self) -> int | None:
        """When ``timer`` wants to be called."""
        due = [each for each in (self._due_ms, self._master.next_timer()) if each is not None]
        return min(due, default=None)

    def timer(self, now_ms: int) -> None:
        """Call at ``next_timer`` or later."""
        if self._due_ms is not None and now_ms >= self._due_ms:
            self._due_ms = None
            if self._is_silent:
                self._is_silent = False
                self._replied(None, now_ms)
            else:
                self._put(now_ms)
        self._master.timer(now_ms)
        self._collect(now_ms)

    def to_send(self) -> bytes:
        """Bytes for the line since the last call."""
        out, self._out = self._out + self._master.to_send(), b""
        return out

    def next_event(self) -> Finished | None:
        """Oldest result not yet taken."""
        return self._finished.popleft() if self._finished else None

    def take_strange(self) -> list[Frame]:
        """Frames since the last call that answered no question: too late, or of somebody who was not asked. The newest ones."""
        return self._master.take_strange()

    def _go_on(self, now_ms: int) -> None:
        while self._running is None and (self._urgent or self._waiting):
            name, act = (self._urgent or self._waiting).popleft()
            try:
                self._running = _Running(name, act, now_ms, next(act))
            except StopIteration as end:
                self._finished.append(Finished(name, end.value))
                continue
            self._take(self._running.ask, now_ms)

    def _take(self, ask: Question, now_ms: int) -> None:
        if ask.wait_ms:
            self._due_ms = now_ms + ask.wait_ms
        else:
            self._put(now_ms)

    def _put(self, now_ms: int) -> None:
        if self._running is None:
            return
        ask, frame = self._running.ask, self._running.ask.make(self._serial)
        self._serial = self._serial + 1 & 0xFF
        if ask.silent:
            self._out += encode_frame(frame, ask.preamble)
            self._is_silent, self._due_ms = True, now_ms + GAP_MS
        else:
            self._master.ask(frame, now_ms)

    def _collect(self, now_ms: int) -> None:
        while (event := self._master.next_event()) is not None:
            self._replied(event, now_ms)

    def _replied(self, event: object, now_ms: int) -> None:
        running = self._running
        if running is None:
            return
        answer = event.answer if isinstance(event, Answered) else None
        try:
            running.ask = running.act.send(Reply(answer, now_ms - running.began_ms))
        except StopIteration as end:
            self._running = None
            self._finished.append(Finished(running.name, end.value))
            self._go_on(now_ms)
        else:
            self._take(running.ask, now_ms)


class PollPlan:
    """Meters of a line that are read every ``every_ms``. What is still to be read when its time comes again is not read twice. What came
    to nothing may be read ``again`` before, ``MOST_AGAIN`` times a period."""

    def __init__(self, meters: list[LineMeter], every_ms: int, first_ms: int = 0) -> None:
        if every_ms < 1:
            raise ValueError("every_ms is at least 1")
        self._every_ms, self._due_ms = every_ms, first_ms
        self._by_address = {meter.address: meter for meter in meters}
        self._open: set[str] = set()
        self._again: dict[str, int] = {}  # when, by address
        self._repeated: Counter[str] = Counter()  # in this period

    def next_timer(self) -> int:
        """When ``begin`` has something to do."""
        return min(self._due_ms, *self._again.values()) if self._again else self._due_ms

    def begin(self, line: Line, now_ms: int) -> None:
        """Put the readings that are due onto the line, by the meters' addresses."""
        due = [address for address, at_ms in self._again.items() if at_ms <= now_ms]
        if now_ms >= self._due_ms:
            self._due_ms = now_ms + self._every_ms
            self._repeated.clear()
            due = [*self._by_address]
        for address in due:
            self._again.pop(address, None)
            if address not in self._open:
                self._open.add(address)
                line.begin(address, read(self._by_address[address]), now_ms)

    def again(self, address: str, at_ms: int) -> bool:
        """Read this meter once more at ``at_ms``, for nothing came of its reading; False where that is for its next period."""
        if address in self._again:
            return True
        if address not in self._by_address or self._repeated[address] >= MOST_AGAIN:
            return False
        self._repeated[address] += 1
        self._again[address] = at_ms
        return True

    def ended(self, name: Hashable) -> None:
        """A reading of this plan is over."""
        self._open.discard(str(name))
