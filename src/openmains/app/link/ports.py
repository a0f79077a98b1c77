# SPDX-License-Identifier: Apache-2.0
"""Between what meters say and what carries it.

    channel (edges/udp …) ── LinkUser: session up, message, session down ──→ what talks with meters (lwm2m/traffic.py)
                          ←── Link: whose session, send, confirm, close ────

A ``Terminal`` is what both know of a meter. Below are what they ask of others: time, the store of sessions, the terminals'
guard, the keys, the other nodes.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from openmains.app.command.downlink import DownFrame
from openmains.app.security.keys.ports import KeyName
from openmains.app.security.refusals import RefusalStage
from openmains.domain.fleet.endpoint_name import EndpointName

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


class Clock(Protocol):
    """An edge's time: ``time`` in seconds, never back; ``unix_us`` in µs since 1970 UTC."""

    def time(self) -> float: ...
    def unix_us(self) -> int: ...
    def call_later(self, seconds: float, call: Callable[[], None], /) -> object: ...


class Link(Protocol):
    """What a channel can do for whoever talks with meters over it. Lossy: nothing tells that a message was not sent."""

    def terminal(self, imei: int) -> Terminal | None:
        """A meter's session, from memory or from the store; None when it has none here."""
        ...

    def terminal_of(self, cid: bytes) -> Terminal | None:
        """The owner of a session in memory."""
        ...

    def send(self, cid: bytes, message: bytes, now: float) -> None:
        """One message on a session; nothing where it left memory."""
        ...

    def transmit_soon(self) -> None:
        """Have ``LinkUser.transmit`` called at the end of this turn: there is something to say."""
        ...

    def confirm(self, terminal: Terminal, address: object) -> None:
        """The meter proved that it is at ``address``; nothing is said of a newer one."""
        ...

    def in_service(self, terminal: Terminal) -> None:
        """The meter uses this session for its service, not to be bootstrapped: the key that it was made with has arrived."""
        ...

    def close_session(self, imei: int) -> None:
        """End a meter's session; in memory and in the store."""
        ...


class LinkUser(Protocol):
    """What talks with meters over a link, and is told by it. Time is the link's, in seconds."""

    def session_up(self, terminal: Terminal, registration: bytes | None, now: float) -> None:
        """A meter made a session, or came back from the store; with the registration that it had, None without one."""
        ...

    def message_received(self, terminal: Terminal, message: bytes, now: float) -> None:
        """A message of this meter. Never raises for what is in it."""
        ...

    def session_down(self, terminal: Terminal, now: float) -> None:
        """It left memory."""
        ...

    def transmit(self, now: float) -> None:
        """Give ``Link.send`` all that there is to say."""
        ...

    def next_timer(self) -> float | None:
        """When ``handle_timer`` wants to be called; None: not before the next message."""
        ...

    def handle_timer(self, now: float) -> None: ...


class FrameSender(Protocol):
    """Puts a command's frame into the words that a channel has for it; ``channel`` and ``place`` tell the frame log which."""

    channel: str
    place: str

    def send_frame(self, terminal: Terminal, frame: DownFrame, now: float) -> None:
        """What became of it is told to ``Downlinks.ended``."""
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


class RegistrationStore(Protocol):
    """Where the registrations of sessions are kept."""

    def register(self, cid: bytes, registration: bytes | None) -> None:
        """It changed, or there is none any more."""
        ...


class SessionStore(RegistrationStore, Protocol):
    """Where sessions of this node are kept; ``done(True)`` means on disk."""

    def find(self, cid: bytes) -> Stored | None:
        """The session as it is now."""
        ...

    def cid_at(self, peer: str) -> bytes | None:
        """The session that is found by this address, for its meter uses no Connection ID."""
        ...

    def cid_of(self, imei: int) -> bytes | None:
        """A meter's newest session."""
        ...

    def add(
        self,
        cid: bytes,
        imei: int,
        secrets: bytes,
        reserved: int,
        peer: str,
        now_us: int,
        done: Done,
        *,
        by_address: bool,
    ) -> None:
        """A new session; of the meter's earlier ones only the newest stays. ``by_address``: it is to be found by ``peer``, and takes
        the place of another that was."""
        ...

    def reserve(self, cid: bytes, reserved: int, done: Done) -> None:
        """Sequence numbers below ``reserved`` may be used after ``done(True)``."""
        ...

    def note(self, cid: bytes, newest: int, peer: str, now_us: int, sent: int, run: int) -> None:
        """What was received; with ``run`` not 0 also: the session left memory, ``sent`` is its next number."""
        ...

    def remove(self, cid: bytes) -> None:
        """The session is over."""
        ...


class Registrar(Protocol):
    """Decides about a registration (app/security)."""

    def register(self, imei: int, host: str, name: EndpointName, now: float) -> int:
        """0: it may register; else the seconds after which it may ask again."""
        ...

    def refused(self, imei: int, host: str, stage: RefusalStage, reason: str, detail: str) -> None:
        """A registration was refused for its form: an operator is to see why."""
        ...


class NewKeys(Protocol):
    """The keys' side (``app.security.keys.cache``)."""

    def newest(self, imeis: Sequence[int]) -> Awaitable[Mapping[int, bytes]]:
        """What is written into these meters."""
        ...

    def waiting(self, imeis: Sequence[int]) -> Awaitable[set[int]]:
        """Those that have not used their newest key."""
        ...


class Watch(Protocol):
    """Who may come in, and what is noticed (app/security)."""

    def may_try(self, imei: int, host: str, now: float) -> bool:
        """Whether a handshake in this name from there is looked at."""
        ...

    def established(self, imei: int, host: str, now: float) -> None: ...
    def used(self, key: KeyName) -> None:
        """A session made with this key is in service."""
        ...

    def named_sim(self, imei: int, imsi: str, iccid: str, host: str) -> None:
        """The terminal's name, proven by its key, says which SIM is in it; "": not said."""
        ...

    def seen(self, imei: int, cid: bytes, host: str, now: float) -> bool:
        """A fresh message; False: the terminal is blocked, nothing of it is taken."""
        ...

    def refused(self, name: str, imei: int | None, stage: RefusalStage, reason: str, detail: str, host: str) -> None:
        """Somebody was refused, by what it called itself: an operator is to see why."""
        ...

    def suspicious(self, kind: str, imei: int, host: str, now: float, *, keyed: bool = True) -> None:
        """What ``wire.dtls`` calls so. ``keyed``: it named somebody who has a key."""
        ...


class Bridge(Protocol):
    """To the other nodes."""

    def forward(self, node: int, address: tuple[str, int], datagram: bytes) -> None: ...
    def answer(self, node: int, address: tuple[str, int], datagram: bytes) -> None: ...
