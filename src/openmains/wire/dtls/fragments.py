# SPDX-License-Identifier: Apache-2.0
"""Handshake messages in pieces (RFC 6347 section 4.2.2 and 4.2.3).

Theory: every piece says which message it belongs to, how long the whole is and where it lies in it. A piece is
checked against these claims before a byte is kept; what is kept is bounded in messages and in bytes; a message is
handed out once, in order. Pieces may overlap and repeat. An empty piece of a message that is not empty brings
nothing and is refused, as endless loops began with it elsewhere.
"""

from dataclasses import dataclass, field
from typing import Final

from openmains.wire.dtls.codes import LAYER
from openmains.wire.errors import WireError

HEADER_SIZE: Final = 12


@dataclass(frozen=True, slots=True)
class Fragment:
    """A piece: type and number of its message, length of the whole, and ``body`` at ``offset`` in it."""

    kind: int
    length: int
    sequence: int
    offset: int
    body: bytes

    @property
    def whole(self) -> bool:
        """True when the piece is the message."""
        return len(self.body) == self.length


def fragments_untrusted(body: bytes) -> list[Fragment]:
    """The pieces in the body of a handshake record. Raises WireError."""
    found: list[Fragment] = []
    at, end = 0, len(body)
    while True:
        start = at + HEADER_SIZE
        if start > end:
            raise WireError(LAYER, at, "truncated")
        head = int.from_bytes(body[at:start], "big")  # type 1, length 3, message 2, offset 3, size 3 bytes
        length, offset, size = head >> 64 & 0xFFFFFF, head >> 24 & 0xFFFFFF, head & 0xFFFFFF
        if offset + size > length:
            raise WireError(LAYER, at, "fragment beyond its message")
        if size == 0 and length:
            raise WireError(LAYER, at, "empty fragment")
        at = start + size
        if at > end:
            raise WireError(LAYER, start, "truncated")
        found.append(Fragment(head >> 88, length, head >> 48 & 0xFFFF, offset, body[start:at]))
        if at == end:
            return found


def message(kind: int, sequence: int, body: bytes) -> bytes:
    """A whole message with its header: the form that is hashed, and sent when it fits."""
    size = len(body).to_bytes(3, "big")
    return bytes((kind,)) + size + sequence.to_bytes(2, "big") + bytes(3) + size + body


def split(whole: bytes, room: int) -> list[bytes]:
    """``whole`` in pieces of at most ``room`` bytes, headers included."""
    if len(whole) <= room:
        return [whole]
    step = room - HEADER_SIZE
    if step <= 0:
        raise ValueError("no room for a fragment")
    body = whole[HEADER_SIZE:]
    return [
        whole[:6] + at.to_bytes(3, "big") + len(body[at : at + step]).to_bytes(3, "big") + body[at : at + step]
        for at in range(0, len(body), step)
    ]


@dataclass(slots=True)
class _Assembly:
    kind: int
    body: bytearray
    present: int = 0  # bit n: byte n is there


@dataclass(slots=True)
class Reassembler:
    """Puts messages together, from number ``expected`` on.

    ``ahead``: how many messages after the expected one may already be collected; ``max_message``: longest message in
    bytes. At most ``(ahead + 1) * max_message`` bytes are held, whatever comes.
    """

    expected: int
    ahead: int = 0
    max_message: int = 2048
    _open: dict[int, _Assembly] = field(default_factory=dict)

    def add(self, piece: Fragment) -> bool:
        """Keep a piece. False when it is of no use: an old or far message, a bound, a contradiction."""
        if not self.expected <= piece.sequence <= self.expected + self.ahead or piece.length > self.max_message:
            return False
        known = self._open.get(piece.sequence)
        if known is None:
            known = self._open[piece.sequence] = _Assembly(piece.kind, bytearray(piece.length))
        elif known.kind != piece.kind or len(known.body) != piece.length:
            return False
        known.body[piece.offset : piece.offset + len(piece.body)] = piece.body
        known.present |= ((1 << len(piece.body)) - 1) << piece.offset
        return True

    def take(self, piece: Fragment) -> tuple[int, bytes, bytes] | None:
        """:meth:`add` and :meth:`next` in one; for a message that came whole and in its turn nothing is kept."""
        if piece.whole and piece.sequence == self.expected and not self._open and piece.length <= self.max_message:
            self.expected += 1
            return piece.kind, piece.body, message(piece.kind, piece.sequence, piece.body)
        return self.next() if self.add(piece) else None

    def next(self) -> tuple[int, bytes, bytes] | None:
        """The expected message once it is whole: type, body, and the form that is hashed."""
        known = self._open.get(self.expected)
        if known is None or known.present != (1 << len(known.body)) - 1:
            return None
        del self._open[self.expected]
        body = bytes(known.body)
        self.expected += 1
        return known.kind, body, message(known.kind, self.expected - 1, body)
