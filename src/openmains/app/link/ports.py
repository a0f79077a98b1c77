# SPDX-License-Identifier: Apache-2.0
"""What is known of a meter on its session, and what the link asks of others: of the store of its sessions, of the terminals' guard,
of the keys, of the other nodes."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from openmains.domain.fleet.endpoint_name import EndpointName
from openmains.wire.lwm2m import operation

Done = Callable[[bool], None]


class Terminal(Protocol):
    """A meter's module on its session, as its channel has it. Whose it is was settled by the session's key."""

    @property
    def imei(self) -> int: ...
    @property
    def text(self) -> str:
        """The IMEI in 15 digits."""
        ...

    @property
    def cid(self) -> bytes:
        """Names the session at this edge; in DTLS its Connection ID."""
        ...

    @property
    def host(self) -> str:
        """Where it was heard from last."""
        ...

    @property
    def address(self) -> object:
        """Where its newest message came from; only to be compared, and shown to the channel again."""
        ...

    @property
    def proven(self) -> bool:
        """Whether ``address`` was shown to be the meter's."""
        ...

    @property
    def heard_us(self) -> int:
        """When it was heard last, in µs since 1970 UTC; 0: not yet."""
        ...


class Stored(Protocol):
    """A session as the store has it."""

    @property
    def imei(self) -> int: ...
    @property
    def secrets(self) -> bytes: ...
    @property
    def reserved(self) -> int: ...
    @property
    def newest(self) -> int: ...
    @property
    def heard_us(self) -> int: ...
    @property
    def sent(self) -> int: ...
    @property
    def run(self) -> int: ...
    @property
    def registration(self) -> bytes | None: ...


class SessionStore(Protocol):
    """Where sessions of this node are kept; ``done(True)`` means on disk."""

    def find(self, cid: bytes) -> Stored | None:
        """The session as it is now."""
        ...

    def cid_of(self, imei: int) -> bytes | None:
        """A meter's newest session."""
        ...

    def add(self, cid: bytes, imei: int, secrets: bytes, reserved: int, peer: str, now_us: int, done: Done) -> None:
        """A new session; of the meter's earlier ones only the newest stays."""
        ...

    def reserve(self, cid: bytes, reserved: int, done: Done) -> None:
        """Sequence numbers below ``reserved`` may be used after ``done(True)``."""
        ...

    def note(self, cid: bytes, newest: int, peer: str, now_us: int, sent: int, run: int) -> None:
        """What was received; with ``run`` not 0 also: the session left memory, ``sent`` is its next number."""
        ...

    def register(self, cid: bytes, registration: bytes | None) -> None:
        """The LwM2M registration changed."""
        ...

    def remove(self, cid: bytes) -> None:
        """The session is over."""
        ...


class Registrar(Protocol):
    """Decides about a registration (app/security)."""

    def register(self, imei: int, host: str, name: EndpointName, now: float) -> int:
        """0: it may register; else the seconds after which it may ask again."""
        ...


class NewKeys(Protocol):
    """The keys' side (``app.security.keys.cache``)."""

    def newest(self, imeis: Sequence[int]) -> Awaitable[Mapping[int, bytes]]:
        """What is written into these meters."""
        ...

    def waiting(self, imeis: Sequence[int]) -> Awaitable[set[int]]:
        """Those that have not used their newest key."""
        ...


class Link(Protocol):
    """The LwM2M side of the edge."""

    def submit(self, link: bytes, what: operation.Operation, now: float) -> object: ...


class Upper(Protocol):
    """What lives on the sessions."""

    def receive(self, terminal: Terminal, data: bytes, now: float) -> None:
        """Application data of a meter."""
        ...

    def restore(self, terminal: Terminal, registration: bytes, now: float) -> None:
        """A meter came back from the store."""
        ...

    def leave(self, terminal: Terminal, now: float) -> None:
        """It left memory."""
        ...

    def datagrams(self) -> list[tuple[bytes, bytes]]:
        """(Connection ID, application data) to send."""
        ...

    def next_timer(self) -> float | None: ...
    def handle_timer(self, now: float) -> None: ...


class Watch(Protocol):
    """Who may come in, and what is noticed (app/security)."""

    def may_try(self, imei: int, host: str, now: float) -> bool:
        """Whether a handshake in this name from there is looked at."""
        ...

    def established(self, imei: int, host: str, now: float) -> None: ...
    def heard(self, imei: int, cid: bytes, host: str, now: float) -> bool:
        """A fresh message; False: the terminal is blocked, nothing of it is taken."""
        ...

    def suspicious(self, kind: str, imei: int, host: str, now: float) -> None: ...


class Bridge(Protocol):
    """To the other nodes."""

    def forward(self, node: int, address: tuple[str, int], datagram: bytes) -> None: ...
    def answer(self, node: int, address: tuple[str, int], datagram: bytes) -> None: ...
