# SPDX-License-Identifier: Apache-2.0
"""A concentrator or DTU of the main-station protocol, sans-IO: registers, beats, pushes what it holds until it is stored, hands on its line.

A push stays with it until the main station says that it has it, and is sent again on the next connection: what is acknowledged is
forgotten, so losing it afterwards would show.
"""

from collections import Counter, deque
from collections.abc import Callable

from openmains.wire.errors import WireError
from openmains.wire.station.content import (
    Heartbeat,
    Kind,
    Receipt,
    Registration,
    Verdict,
    decode_receipt_untrusted,
    encode_heartbeat,
    encode_registration,
)
from openmains.wire.station.frame import PUSHES, Deframer, Frame, Function, encode_frame

FINAL = frozenset(
    {Verdict.STORED, Verdict.MALFORMED, Verdict.UNKNOWN_METER, Verdict.SECOND_PUSH, Verdict.UNKNOWN_FUNCTION}
)
"""Sending the same once more would change nothing."""


class StationTerminal:
    """``line(bytes)``: what the line behind a DTU answers at once, or b"". ``holds``: pushes that wait, oldest first."""

    def __init__(
        self,
        number: str,
        kind: Kind = Kind.CONCENTRATOR,
        *,
        wakes: int = 0,
        line: Callable[[bytes], bytes] | None = None,
    ) -> None:
        self.number, self.kind, self.wakes = number, kind, wakes
        self.is_registered = False
        self.holds: deque[bytes] = deque()
        self.verdicts: Counter[Verdict] = Counter()
        self.receipt: Receipt | None = None  # the newest
        self._line = line
        self._deframer = Deframer()
        self._sequence = 0
        self._out = bytearray()
        self._open: dict[int, bytes] = {}

    def connected(self) -> None:
        """A new connection: begin anew."""
        self.is_registered = False
        self._deframer, self._out = Deframer(), bytearray()
        self._open.clear()
        self._send(Function.REGISTER, encode_registration(Registration(self.kind, self.wakes)))

    def hold(self, message: bytes) -> None:
        """A meter's message – function and content – to be pushed."""
        self.holds.append(message)
        self._push()

    def beat(self, at: int, signal_dbm: int = -80) -> None:
        """A heartbeat."""
        self._send(Function.HEARTBEAT, encode_heartbeat(Heartbeat(at, signal_dbm)))

    def hand_on(self, raw: bytes) -> None:
        """Bytes of the line, for the main station."""
        self._send(Function.LINE, raw)

    def receive(self, data: bytes) -> list[bytes]:
        """Bytes of the connection → what is for the line and was not answered by ``line`` at once."""
        for_line = []
        for frame in self._deframer.feed(data):
            if frame.answer:
                self._answered(frame)
            elif frame.function == Function.LINE and self._line is not None:
                if back := self._line(frame.content):
                    self.hand_on(back)
            elif frame.function == Function.LINE:
                for_line.append(frame.content)
        return for_line

    def to_send(self) -> bytes:
        """Bytes since the last call."""
        out = bytes(self._out)
        self._out.clear()
        return out

    def _answered(self, frame: Frame) -> None:
        try:
            receipt = decode_receipt_untrusted(frame.content)
        except WireError:
            return
        self.receipt = receipt
        self.verdicts[receipt.verdict] += 1
        if frame.function == Function.REGISTER:
            self.is_registered = receipt.verdict is Verdict.STORED
            self._push()
        elif frame.function in PUSHES:
            message = self._open.pop(frame.sequence, None)
            if message is not None and receipt.verdict in FINAL:
                self.holds.remove(message)

    def _push(self) -> None:
        """All that waits and is not on its way."""
        if not self.is_registered:
            return
        under_way = list(self._open.values())
        for message in self.holds:
            if message in under_way:
                under_way.remove(message)
            else:
                sequence = self._send(int.from_bytes(message[:2], "big"), message[2:])
                self._open[sequence] = message

    def _send(self, function: int, content: bytes) -> int:
        self._sequence = self._sequence + 1 & 0xFFFF
        self._out += encode_frame(Frame(self.number, self._sequence, function, content))
        return self._sequence
