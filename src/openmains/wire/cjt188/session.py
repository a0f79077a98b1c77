# SPDX-License-Identifier: Apache-2.0
"""The two ends of a CJ/T 188 line, sans-IO: one question at a time, asked again when no answer comes.

Master states and inputs (``TRANSITIONS``): IDLE –ask→ WAITING –answer→ IDLE; WAITING –timeout→ WAITING while tries are
left, else IDLE. An answer that fits no question is counted and ignored. The question keeps its serial number over all
tries, so that a meter that acted on a write whose answer was lost answers again without acting again.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from openmains.wire.cjt188.frame import ANSWER, BROADCAST, WRITE, Deframer, Frame, encode_frame

REPEAT_MS = 30_000  # the same question later than this is a new one: serial numbers are one byte and come again
MOST_STRANGE = 8  # answers to no question that are kept to be told
SILENCE_MS = 50  # a gap this long ends whatever frame had begun: about ten byte times at 2400 baud


class State(StrEnum):
    """What a master is doing."""

    IDLE = "idle"
    WAITING = "waiting"


class Input(StrEnum):
    """What can happen to a master."""

    ASK = "ask"
    ANSWER = "answer"
    UNRELATED = "unrelated"
    TIMEOUT = "timeout"
    LAST_TIMEOUT = "last-timeout"


TRANSITIONS: dict[tuple[State, Input], State] = {
    (State.IDLE, Input.ASK): State.WAITING,
    (State.IDLE, Input.ANSWER): State.IDLE,
    (State.IDLE, Input.UNRELATED): State.IDLE,
    (State.IDLE, Input.TIMEOUT): State.IDLE,
    (State.IDLE, Input.LAST_TIMEOUT): State.IDLE,
    (State.WAITING, Input.ASK): State.WAITING,  # refused: one question at a time
    (State.WAITING, Input.ANSWER): State.IDLE,
    (State.WAITING, Input.UNRELATED): State.WAITING,
    (State.WAITING, Input.TIMEOUT): State.WAITING,
    (State.WAITING, Input.LAST_TIMEOUT): State.IDLE,
}


@dataclass(slots=True, frozen=True)
class Answered:
    """The meter answered; ``answer.is_error`` when it refused."""

    question: Frame
    answer: Frame


@dataclass(slots=True, frozen=True)
class Unanswered:
    """All tries went without an answer."""

    question: Frame


Event = Answered | Unanswered


class Master:
    """Asks meters. Times are milliseconds of any clock that does not go back."""

    def __init__(self, timeout_ms: int = 1000, tries: int = 3, preamble: int = 4) -> None:
        self.state = State.IDLE
        self.unrelated = 0
        self._strange: deque[Frame] = deque(maxlen=MOST_STRANGE)
        self.deframer = Deframer()
        self._timeout_ms = timeout_ms
        self._tries = tries
        self._preamble = preamble
        self._left = 0
        self._deadline: int | None = None
        self._question: Frame | None = None
        self._outgoing = b""
        self._events: list[Event] = []

    def ask(self, question: Frame, now_ms: int) -> bool:
        """Begin to ask; False when another question is still open."""
        if self.state is State.WAITING:
            return False
        self._step(Input.ASK)
        self._question = question
        self._left = self._tries
        self._send(now_ms)
        return True

    def receive(self, data: bytes, now_ms: int) -> None:
        """Bytes from the line."""
        for frame in self.deframer.feed(data):
            self._frame(frame)

    def timer(self, now_ms: int) -> None:
        """Call at ``next_timer`` or later."""
        if self._deadline is None or now_ms < self._deadline:
            return
        for frame in self.deframer.flush():
            self._frame(frame)
        if self._question is None:
            return
        if self._left:
            self._step(Input.TIMEOUT)
            self._send(now_ms)
            return
        self._step(Input.LAST_TIMEOUT)
        self._finish(Unanswered(self._question))

    def next_timer(self) -> int | None:
        """Instant ``timer`` wants to be called, or None."""
        return self._deadline

    def to_send(self) -> bytes:
        """Bytes for the line since the last call."""
        data, self._outgoing = self._outgoing, b""
        return data

    def next_event(self) -> Event | None:
        """Oldest event not yet taken."""
        return self._events.pop(0) if self._events else None

    def take_strange(self) -> list[Frame]:
        """Answers since the last call that belong to no open question, the newest ``MOST_STRANGE``."""
        found = list(self._strange)
        self._strange.clear()
        return found

    def _frame(self, frame: Frame) -> None:
        if self._question is not None and answers(self._question, frame):
            self._step(Input.ANSWER)
            self._finish(Answered(self._question, frame))
        else:
            self.unrelated += 1
            if frame.is_answer:  # an echo of our own question is none
                self._strange.append(frame)
            self._step(Input.UNRELATED)

    def _send(self, now_ms: int) -> None:
        if self._question is not None:
            self._left -= 1
            self._deadline = now_ms + self._timeout_ms
            self._outgoing += encode_frame(self._question, self._preamble)

    def _finish(self, event: Event) -> None:
        self._events.append(event)
        self._question = None
        self._deadline = None

    def _step(self, happened: Input) -> None:
        self.state = TRANSITIONS[self.state, happened]


class Meter:
    """The meter's end: answers questions for its address, each question's effect once. A write to everyone is done and not answered.

    ``act(question)`` does what the frame asks and gives the answer's (control, data); None = stay silent.
    """

    def __init__(self, meter_type: int, address: str, act: Callable[[Frame], tuple[int, bytes] | None]) -> None:
        self.address = address
        self.deframer = Deframer()
        self._meter_type = meter_type
        self._act = act
        self._last: tuple[Frame, bytes, int] | None = None
        self._heard_ms: int | None = None

    def receive(self, data: bytes, now_ms: int) -> bytes:
        """Bytes from the line → bytes to answer with. ``SILENCE_MS`` without a byte ends an unfinished frame."""
        out = b""
        if self._heard_ms is not None and now_ms - self._heard_ms >= SILENCE_MS:
            out += b"".join(self._answer(frame, now_ms) for frame in self.deframer.flush())
        self._heard_ms = now_ms
        return out + b"".join(self._answer(frame, now_ms) for frame in self.deframer.feed(data))

    def _answer(self, question: Frame, now_ms: int) -> bytes:
        if question.is_answer or question.address not in (self.address, BROADCAST):
            return b""
        if self._last is not None and self._last[0] == question and now_ms - self._last[2] < REPEAT_MS:
            return self._last[1]
        acted = self._act(question)
        if acted is None:
            return b""
        answer = encode_frame(Frame(self._meter_type, self.address, acted[0], acted[1]))
        if question.address == BROADCAST and question.function == WRITE:
            answer = b""
        self._last = (question, answer, now_ms)
        return answer


def answers(question: Frame, frame: Frame) -> bool:
    """Whether ``frame`` answers ``question``: direction, function, address, and serial number where both have one. A refusal begins with it:
    one without is a late answer to another question, and would be taken for this one's."""
    if not frame.is_answer or frame.function != question.function:
        return False
    if question.address not in (frame.address, BROADCAST):
        return False
    if frame.is_error:
        return len(question.data) < 3 or frame.data[:1] == question.data[2:3]
    if len(question.data) < 3 or len(frame.data) < 3:
        return True
    return frame.data[2] == question.data[2] and sorted(frame.data[:2]) == sorted(question.data[:2])


def answer_control(question: Frame) -> int:
    """C of a good answer."""
    return question.function | ANSWER
