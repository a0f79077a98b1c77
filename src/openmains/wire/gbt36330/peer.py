# SPDX-License-Identifier: Apache-2.0
"""One end of GB/T 36330's application layer, sans-IO: a meter, or what a gateway is to one meter.

``receive(image, now)``, ``to_send()``, ``next_timer()``, ``timer(now)``, ``next_event()``; times are milliseconds of any clock that never
goes back, nonces come from ``nonce(size)``. What is sent waits for its confirmation and is sent again until ``tries`` are over, the
same bytes each time. What is received is an event once; whoever takes it says ``confirm`` or ``reject`` **when it is safe**, and that same
answer is given to every repeat, so an effect comes once however often a frame does.

The standard does not say what a confirmation repeats of what it confirms. Here: sequence, application and version, the other direction, and
the message type if it is a normal one. A number is in use again after 65,536 messages, and after a peer's restart much earlier: a repeat is
the same number **and** the same content, within ``UNIQUE_MS``.
"""

from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass

from openmains.wire.errors import WireError
from openmains.wire.gbt36330.cipher import DataCipher
from openmains.wire.gbt36330.frame import Frame, FrameKind, decode_frame_untrusted, encode_frame, next_sequence
from openmains.wire.gbt36330.profile import DEFAULT, MAX_DATA, Profile
from openmains.wire.gbt36330.states import TABLE, Action, Input, State

UNIQUE_MS = 600_000  # 'a certain time' of section 7.6.2.2 in which a sequence number names one message
REMEMBERED = 32  # messages of the other end


@dataclass(frozen=True, slots=True)
class Received:
    """A message to be confirmed or rejected. ``proven``: it was opened with a key that only the other end has."""

    sequence: int
    message_type: int
    data: bytes
    custom: int
    proven: bool


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The other end has it; ``data``: what it said to that."""

    sequence: int
    message_type: int
    data: bytes
    proven: bool


@dataclass(frozen=True, slots=True)
class Rejected:
    """An abnormal confirmation, which nothing can prove: it says that the command was refused, and is no evidence that it was not done."""

    sequence: int
    message_type: int


@dataclass(frozen=True, slots=True)
class Unconfirmed:
    """All tries went without a confirmation: it may have been done or not."""

    sequence: int
    message_type: int


Event = Received | Confirmed | Rejected | Unconfirmed


@dataclass(slots=True)
class _Heard:
    message: Frame
    at_ms: int
    answer: bytes | None = None


class Peer:
    """``down``: this end's frames go down (the gateway's); the other end's go up."""

    def __init__(
        self,
        *,
        down: bool,
        application: int,
        version: int = 0x10,
        profile: Profile = DEFAULT,
        cipher: DataCipher | None = None,
        nonce: Callable[[int], bytes] = bytes,
        timeout_ms: int = 5_000,
        tries: int = 3,
        first_sequence: int = 0,
    ) -> None:
        if tries < 1 or timeout_ms < 1:
            raise ValueError("tries and timeout_ms are at least 1")
        if cipher is not None and cipher.nonce_size and nonce is bytes:
            raise ValueError("a cipher with nonces needs a source of them")
        self.state = State.IDLE
        self.counters: Counter[str] = Counter()
        self._down, self._application, self._version = down, application, version
        self._profile, self._cipher, self._nonce = profile, cipher, nonce
        self._timeout_ms, self._tries = timeout_ms, tries
        self._sequence = first_sequence
        self._open: Frame | None = None
        self._image = b""
        self._left = 0
        self._deadline: int | None = None
        self._heard: OrderedDict[int, _Heard] = OrderedDict()
        self._out: deque[bytes] = deque()
        self._events: deque[Event] = deque()

    @property
    def room(self) -> int:
        """Most bytes of a message's data."""
        return MAX_DATA if self._cipher is None else self._cipher.room

    @property
    def next_sequence(self) -> int:
        """Of the next message; to be kept over a restart, so that its numbers go on."""
        return self._sequence

    def send(self, message_type: int, data: bytes, now_ms: int, custom: int = 0) -> int | None:
        """Begin to send; its sequence, or None while another message is open. Raises ``WireError`` for what cannot be sent."""
        if self.state is State.WAITING:
            return None
        frame = self._frame(self._sequence, message_type, data, custom=custom)
        self._image = self._encode(frame)
        self._open, self._left = frame, self._tries
        self._sequence = next_sequence(self._sequence)
        self._happened(Input.SEND, now_ms)
        return frame.sequence

    def receive(self, image: bytes, now_ms: int) -> None:
        """One frame. What is wrong with it is counted by reason; it is not answered, for nobody is known to have sent it."""
        try:
            frame = decode_frame_untrusted(image, self._profile, self._cipher)
        except WireError as bad:
            self.counters[bad.reason] += 1
            return
        if frame.down is self._down:
            self.counters["own direction"] += 1
        elif frame.application != self._application:
            self.counters["application"] += 1
        elif frame.version >> 4 != self._version >> 4:
            self.counters["version"] += 1  # another major version: other meanings
        elif self._cipher is not None and not frame.encrypted and frame.kind is not FrameKind.REJECTION:
            self.counters["clear"] += 1
        elif frame.kind is FrameKind.MESSAGE:
            self._message(frame, now_ms)
        else:
            self._confirmation(frame, now_ms)

    def confirm(self, received: Received, data: bytes = b"") -> None:
        """The message is safe, or done; the answer to it and to all of its repeats. Raises ``WireError`` for data that do not fit."""
        self._answer(received, self._frame(received.sequence, received.message_type, data, confirms=True))

    def reject(self, received: Received) -> None:
        """The message is not taken: an abnormal confirmation."""
        self._answer(received, Frame(received.sequence, self._application, self._version, self._down, None))

    def to_send(self) -> list[bytes]:
        """Frames since the last call."""
        out = list(self._out)
        self._out.clear()
        return out

    def next_event(self) -> Event | None:
        """Oldest event not yet taken."""
        return self._events.popleft() if self._events else None

    def next_timer(self) -> int | None:
        """When ``timer`` wants to be called; None: not before the next ``send``."""
        return self._deadline

    def timer(self, now_ms: int) -> None:
        """Call at ``next_timer`` or later."""
        if self._deadline is not None and now_ms >= self._deadline:
            self._happened(Input.TIMEOUT if self._left else Input.LAST_TIMEOUT, now_ms)

    def _message(self, frame: Frame, now_ms: int) -> None:
        for sequence in [each for each, heard in self._heard.items() if now_ms - heard.at_ms > UNIQUE_MS]:
            del self._heard[sequence]
        known = self._heard.get(frame.sequence)
        if known is not None and known.message == frame:
            self.counters["repeats"] += 1
            if known.answer is not None:
                self._out.append(known.answer)
            return
        self._heard.pop(frame.sequence, None)
        self._heard[frame.sequence] = _Heard(frame, now_ms)
        if len(self._heard) > REMEMBERED:
            self._heard.popitem(last=False)
        assert frame.message_type is not None  # noqa: S101 - a message has one
        self._events.append(Received(frame.sequence, frame.message_type, frame.data, frame.custom, self._proves(frame)))

    def _confirmation(self, frame: Frame, now_ms: int) -> None:
        opened = self._open
        if opened is None or frame.sequence != opened.sequence:
            self._happened(Input.UNRELATED, now_ms)
        elif frame.kind is FrameKind.REJECTION:
            self._happened(Input.REJECTION, now_ms)
        elif frame.message_type != opened.message_type:
            self._happened(Input.UNRELATED, now_ms)
        else:
            self._happened(Input.CONFIRMATION, now_ms, frame)

    def _answer(self, received: Received, frame: Frame) -> None:
        image = self._encode(frame)
        known = self._heard.get(received.sequence)
        if known is not None and (known.message.message_type, known.message.data) == (
            received.message_type,
            received.data,
        ):
            known.answer = image
        self._out.append(image)

    def _frame(
        self, sequence: int, message_type: int, data: bytes, *, confirms: bool = False, custom: int = 0
    ) -> Frame:
        return Frame(
            sequence, self._application, self._version, self._down, message_type, data, confirms, self._cipher is not None,
            custom,
        )  # fmt: skip

    def _encode(self, frame: Frame) -> bytes:
        nonce = self._nonce(self._cipher.nonce_size) if self._cipher is not None and frame.encrypted else b""
        return encode_frame(frame, self._profile, self._cipher, nonce)

    def _proves(self, frame: Frame) -> bool:
        return frame.encrypted and self._cipher is not None and self._cipher.proves

    def _happened(self, what: Input, now_ms: int, answer: Frame | None = None) -> None:
        self.state, action = TABLE[self.state, what]
        opened = self._open
        if action is Action.TRANSMIT:
            self._left -= 1
            self._deadline = now_ms + self._timeout_ms
            self._out.append(self._image)
        elif action is Action.COUNT:
            self.counters["unrelated"] += 1
        elif action is not Action.NOTHING and opened is not None and opened.message_type is not None:
            self._open, self._deadline = None, None
            if action is Action.TELL_CONFIRMED and answer is not None:
                self._events.append(Confirmed(opened.sequence, opened.message_type, answer.data, self._proves(answer)))
            elif action is Action.TELL_REJECTED:
                self._events.append(Rejected(opened.sequence, opened.message_type))
            else:
                self._events.append(Unconfirmed(opened.sequence, opened.message_type))
