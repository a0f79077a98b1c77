# SPDX-License-Identifier: Apache-2.0
"""What the endpoints tell their user, and the bounds a server keeps."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Literal

from openmains.wire.dtls.peers import Peer
from openmains.wire.dtls.session import Session

SuspiciousKind = Literal["bad_mac", "replay", "wrong_key"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one server. Sizes in bytes, times in seconds.

    ``max_handshakes``: handshakes in progress; when all are taken the oldest gives way if it is older than
    ``yield_after_s``, else a newcomer is not answered and will ask again. ``max_datagram``: longer ones are dropped unread.
    ``mtu``: longest datagram that we send. ``max_message``: longest handshake message. ``max_held``: records of the new
    epoch kept, per handshake, while a key is looked up or a session is being stored. ``first_wait_s``: first
    retransmission (RFC 7925 section 11: 9 s), doubled each time up to ``max_wait_s``, ``retransmissions`` times.
    ``cid_size``: length of our connection ids (8: node byte and 7 random bytes). ``pad_to``: connection-id records are
    padded to a multiple of it. ``ticket_s``: life of a session ticket, 0 = none are given.
    """

    max_handshakes: int = 20_000
    yield_after_s: float = 15.0
    handshake_s: float = 300.0
    max_datagram: int = 2048
    mtu: int = 1200
    max_message: int = 2048
    max_identity: int = 128
    max_held: int = 4
    max_held_size: int = 1280
    first_wait_s: float = 9.0
    max_wait_s: float = 60.0
    retransmissions: int = 3
    cid_size: int = 8
    pad_to: int = 1
    ticket_s: int = 86_400


@dataclass(frozen=True, slots=True, repr=False)
class Psk:
    """A key that a peer may hold. ``name``: the caller's word for it, told again by :class:`Established`."""

    secret: bytes
    name: Any = None

    def __repr__(self) -> str:
        return f"Psk(name={self.name!r})"  # never into a log


class Weakness(StrEnum):
    """What a client lacks that ought to be there; it is let in only if whoever gives its key allows it."""

    CBC = "cbc"  # offers no AEAD suite, only TLS_PSK_WITH_AES_128_CBC_SHA256
    NO_EMS = "no_ems"  # offers no extended master secret (RFC 7627)


@dataclass(frozen=True, slots=True)
class KeyWanted:
    """Whose key is it? Answer with ``Server.provide_keys(handshake, …)``, now or later; with no key where ``weaknesses`` holds one
    that is not allowed for this identity: then the peer hears what it hears of a wrong key."""

    handshake: Any
    identity: bytes
    peer: Peer
    weaknesses: frozenset[Weakness] = frozenset()


@dataclass(frozen=True, slots=True)
class Refused:
    """A handshake that was not gone on with before anybody was named. ``reason``: a fixed word; ``detail``: what the peer said."""

    reason: str
    detail: str
    peer: Peer


@dataclass(frozen=True, slots=True)
class Established:
    """The peer holds the key. Store the session, then ``Server.commit`` or ``Server.reject``.

    ``key``: the name of the one, of those that were given for this handshake, that its Finished was made with.
    """

    session: Session
    key: Any = None


@dataclass(frozen=True, slots=True)
class Connected:
    """A client's handshake is done. ``resumed``: from a ticket."""

    session: Session
    resumed: bool


@dataclass(frozen=True, slots=True)
class Received:
    """Application data. ``fresh``: its record is strictly newer than all before it."""

    session: Session
    data: bytes
    peer: Peer
    fresh: bool


@dataclass(frozen=True, slots=True)
class Probe:
    """A strictly newer record came from ``peer``, an address not confirmed yet: send something there that only the true
    peer can answer, then ``Server.confirm_address``.
    """

    session: Session
    peer: Peer


@dataclass(frozen=True, slots=True)
class Moved:
    """The address was confirmed."""

    session: Session
    old: Peer
    new: Peer


@dataclass(frozen=True, slots=True)
class Foreign:
    """A record for the connection id of another node."""

    node: int
    cid: bytes
    datagram: bytes
    peer: Peer


@dataclass(frozen=True, slots=True)
class Closed:
    """The association is over. ``reason``: ``"close_notify"``, ``"fatal_alert"``, or ``"replaced"`` by a newer one from its address."""

    session: Session
    reason: str


@dataclass(frozen=True, slots=True)
class Failed:
    """A client's handshake came to nothing. ``reason``: a fixed phrase."""

    reason: str


@dataclass(frozen=True, slots=True)
class Suspicious:
    """Something that an honest peer on an honest network does not do, or seldom.

    ``replay`` is not authenticated (it is noticed before the tag is looked at, and networks do repeat datagrams);
    ``bad_mac`` by its nature neither. ``wrong_key``: a handshake whose Finished does not verify; ``keyed``: with a key that was
    given, False: none was.
    """

    kind: SuspiciousKind
    session: Session | None
    identity: bytes | None
    peer: Peer
    keyed: bool = True


ServerEvent = KeyWanted | Refused | Established | Received | Probe | Moved | Foreign | Closed | Suspicious
ClientEvent = Connected | Received | Closed | Failed

COUNTERS: Final = (
    "datagrams", "oversized", "malformed", "hello", "hello_fragment", "cookie_sent", "cookie_bad", "hello_repeated",
    "hello_refused", "handshakes_full", "handshakes_started", "handshakes_done", "handshakes_failed", "handshakes_expired",
    "resumed", "unexpected", "plaintext_data", "epoch", "held", "held_full", "retransmitted", "wrong_key", "bad_mac",
    "replay", "bad_inner", "unknown_cid", "unknown_peer", "foreign", "loaded", "renegotiation", "alerts", "received", "sent",
    "unreserved", "over_budget", "moved", "closed",
)  # fmt: skip
