# SPDX-License-Identifier: Apache-2.0
"""What the server and its application hand to each other: limits, requests, events, observe relations.

Theory: the application sees whole requests, each exactly once, and answers each at most once, whenever it can;
message types, message ids, copies, blocks and retransmission stay inside of the server. ``peer`` is any
hashable name of the other end (usually the socket address); the server only compares it.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Protocol

from openmains.wire.coap.blockwise import Key
from openmains.wire.coap.message import Method, Option
from openmains.wire.coap.options import Block, cache_key
from openmains.wire.coap.states import Serving

Peer = Hashable


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a server gives to its peers. Sizes in bytes, times in seconds."""

    max_datagram: int = 1472
    """A longer datagram is not parsed beyond its token (4.13)."""
    max_payload: int = 1024
    """Payload of one message (4.13). Blocks must fit into it too."""
    max_body: int = 8192
    """A request body put together from blocks (4.13)."""
    block_szx: int = 6
    """Largest block that we send: 16 << szx."""
    max_exchanges: int = 100_000
    """Requests remembered to recognise copies, 0.5 KB each; the oldest goes first, EXCHANGE_LIFETIME at most."""
    max_open: int = 50_000
    """Requests handed to the application and not answered yet; more get 5.03."""
    busy_max_age_s: int = 30
    """Max-Age of that 5.03."""
    max_assemblies: int = 1024
    max_assemblies_per_peer: int = 2
    max_assembly_bytes: int = 4 << 20
    max_cached_bodies: int = 1024
    max_cached_bytes: int = 16 << 20
    body_lifetime_s: float = 247.0
    """How long an unfinished Block1 body, and a Block2 answer, is kept."""
    max_relations: int = 100_000
    max_relations_per_peer: int = 16
    """Observe relations; a GET above the limit is answered without being registered (RFC 7641 section 4.1)."""
    separate_after_s: float = 2.0
    """A later answer is not piggybacked: the client gets an empty ACK now and the answer as a CON when it is there."""

    @property
    def assembly(self) -> tuple[int, int, int, int, float]:
        """As ``Assembler`` takes them."""
        return (
            self.max_body, self.max_assembly_bytes, self.max_assemblies, self.max_assemblies_per_peer, self.body_lifetime_s,
        )  # fmt: skip

    @property
    def cache(self) -> tuple[int, int, float]:
        """As ``BodyCache`` takes them."""
        return self.max_cached_bytes, self.max_cached_bodies, self.body_lifetime_s


class Crowd(Protocol):
    """Whoever knows that there is more than can be answered. Time in seconds."""

    def is_crowded(self, size: int, now: float) -> bool:
        """Whether a new request in a datagram of ``size`` bytes is to be refused unread."""
        ...

    def refused(self) -> None:
        """It was."""
        ...


class Exchange:
    """One received request, kept to recognise its copies. The application only hands it back to ``respond``.

    ``key``: peer, message id, ``message.fingerprint`` of the whole datagram: what is not the same is no copy.
    """

    __slots__ = ("at", "key", "reply", "request", "state", "token")

    def __init__(self, key: tuple[Peer, int, int], token: bytes, at: float, state: Serving) -> None:
        self.key = key
        self.token = token
        self.at = at
        self.state = state
        self.reply = b""
        self.request: Request | None = None

    @property
    def peer(self) -> Peer:
        """Where the request came from."""
        return self.key[0]

    @property
    def mid(self) -> int:
        """Message id of the request."""
        return self.key[1]


@dataclass(slots=True)
class Request:
    """A request, complete and seen for the first time.

    ``method`` is a request code (``message.Method``). ``options`` are the others than Uri-Path and Uri-Query, checked.
    ``observe``: 0 wants to register, 1 to deregister, None neither. ``payload`` is the whole body.
    """

    exchange: Exchange
    peer: Peer
    method: int
    path: tuple[str, ...]
    query: tuple[str, ...]
    options: list[Option] | tuple[Option, ...]
    payload: bytes
    confirmable: bool
    raw_options: list[Option] | tuple[Option, ...] = ()
    observe: int | None = None
    block1: Block | None = None
    block2: Block | None = None
    no_response: int = 0


def body_key(request: Request) -> Key:
    """What tells one large answer from another: the peer, and all that makes a request another request."""
    body = request.payload if request.method == Method.FETCH else b""
    return (request.peer, request.method, cache_key(request.raw_options), body)


class Relation:
    """One observer of one resource (RFC 7641): (peer, token). The application keeps it to call ``notify``."""

    __slots__ = (
        "body_key",
        "closed",
        "confirmed_at",
        "latest",
        "mid",
        "path",
        "peer",
        "sequence",
        "szx",
        "token",
        "waiting",
    )

    def __init__(self, peer: Peer, token: bytes, path: tuple[str, ...], body_key: Key, szx: int, now: float) -> None:
        self.peer = peer
        self.token = token
        self.path = path
        self.body_key = body_key
        self.szx = szx
        self.sequence = 0
        self.confirmed_at = now  # last sign that the observer still wants it
        self.mid = -1  # message id of the last NON notification
        self.waiting = False  # a CON notification is on its way
        self.latest: tuple[int, bytes, tuple[Option, ...]] | None = None  # newest state held back meanwhile
        self.closed = False


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The peer has a separate answer (``exchange``) or a confirmable notification (``relation``)."""

    peer: Peer
    exchange: Exchange | None = None
    relation: Relation | None = None


@dataclass(frozen=True, slots=True)
class Undelivered:
    """A separate answer did not get through. ``reason``: ``"timeout"`` or ``"reset"``."""

    peer: Peer
    exchange: Exchange
    reason: str


@dataclass(frozen=True, slots=True)
class Deregistered:
    """An observer is gone. ``reason``: ``"cancelled"`` by the client, ``"reset"``, ``"timeout"``."""

    relation: Relation
    reason: str


Event = Request | Acknowledged | Undelivered | Deregistered
