# SPDX-License-Identifier: Apache-2.0
"""What the client and its application hand to each other: calls and their events.

Theory: a call is one question of the application, however many datagrams and blocks it takes. It ends with
exactly one event, or goes on with one event a notification when it observes. ``peer`` is any hashable name of
the other end.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, NamedTuple

from openmains.wire.coap.message import Option, Options
from openmains.wire.coap.states import Asking

Peer = Hashable


class Held(NamedTuple):
    """A confirmable notification that is not acknowledged yet: its message id, and its ``message.fingerprint``."""

    mid: int
    mark: int


class Call:
    """One request of ours. The application keeps it to tell the events apart; ``tag`` is its own to use."""

    __slots__ = (
        "base",
        "body",
        "chance",
        "child",
        "confirmable",
        "epoch",
        "etag",
        "held",
        "method",
        "mid",
        "parent",
        "peer",
        "received",
        "sent",
        "sequence",
        "sequence_at",
        "state",
        "szx",
        "tag",
        "token",
    )

    def __init__(
        self, peer: Peer, method: int, base: tuple[Option, ...], body: bytes, szx: int, confirmable: bool, chance: float
    ) -> None:
        self.peer = peer
        self.method = method
        self.base = base  # options without those of blocks
        self.body = body
        self.szx = szx
        self.confirmable = confirmable
        self.chance = chance
        self.state = Asking.CONFIRMABLE if confirmable else Asking.NON
        self.token = b""
        self.mid = 0
        self.epoch = 0  # rises with every datagram and answer: older timers are void
        self.sent = 0  # bytes of the body that are with the server
        self.received: bytearray | None = None  # body of a large answer in the making
        self.etag: bytes | None = None
        self.held: Held | None = None  # the notification that this call fetches the rest of
        self.sequence = -1  # of the last notification
        self.sequence_at = 0.0
        self.parent: Call | None = None  # whose large answer this call fetches
        self.child: Call | None = None
        self.tag: Any = None

    @property
    def root(self) -> "Call":
        """The call that the application made."""
        return self if self.parent is None else self.parent


@dataclass(frozen=True, slots=True)
class ResponseReceived:
    """The answer, whole. ``sequence`` is the Observe number when the call is, or stays, registered.

    ``fresh`` is False for a notification that a later one overtook, ``held`` names a confirmable one that
    waits for ``Client.acknowledge``; both only of a client that holds notifications.
    """

    call: Call
    code: int
    options: Options
    payload: bytes
    sequence: int | None = None
    fresh: bool = True
    held: Held | None = None


@dataclass(frozen=True, slots=True)
class TimedOut:
    """No answer, after all retransmissions or after the response timeout. The server may have acted all the same."""

    call: Call


@dataclass(frozen=True, slots=True)
class ResetReceived:
    """The server could not make sense of the request."""

    call: Call


@dataclass(frozen=True, slots=True)
class Broken:
    """The answer came but cannot be used. ``reason``: a fixed phrase."""

    call: Call
    reason: str


ClientEvent = ResponseReceived | TimedOut | ResetReceived | Broken
