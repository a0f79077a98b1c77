# SPDX-License-Identifier: Apache-2.0
"""Session tickets: resumption without memory on the server (RFC 5077).

Theory: what the server would have to remember is given to the client, encrypted and authenticated under a key
that only servers with the same secret have. So resumption works after a restart and on another node, and a
million tickets cost nothing; that is why there is no cache by session id. A ticket must not outlive the device's
key: it holds a mark of the key it was made with, and the application is asked for the key again (KeyWanted).
"""

from dataclasses import dataclass
from hmac import compare_digest, digest
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from openmains.wire.cursor import Reader
from openmains.wire.dtls.codes import LAYER
from openmains.wire.dtls.keys import MASTER_SIZE
from openmains.wire.errors import WireError

_NONCE_SIZE: Final = 12
_MARK_SIZE: Final = 16
_VERSION: Final = b"\x01"


@dataclass(frozen=True, slots=True, repr=False)
class TicketState:
    """What a ticket holds. ``key_mark``: see :meth:`Tickets.mark`; ``expires``: seconds on the server's clock."""

    suite: int
    expires: int
    key_mark: bytes
    master: bytes
    identity: bytes

    def __repr__(self) -> str:
        return "TicketState(…)"  # never into a log


class Tickets:
    """Makes and opens tickets."""

    __slots__ = ("_cipher", "_mark_key")

    def __init__(self, secret: bytes) -> None:
        self._cipher = AESGCM(digest(secret, b"openmains dtls ticket", "sha256"))
        self._mark_key = digest(secret, b"openmains dtls ticket key mark", "sha256")

    def mark(self, psk: bytes) -> bytes:
        """A value by which a key is recognised and from which it cannot be found."""
        return digest(self._mark_key, psk, "sha256")[:_MARK_SIZE]

    def is_marked(self, state: TicketState, psk: bytes) -> bool:
        """Whether the ticket was made with this key."""
        return compare_digest(state.key_mark, self.mark(psk))

    def seal(self, state: TicketState, nonce: bytes) -> bytes:
        """The ticket; ``nonce``: 12 random bytes."""
        plain = b"".join(
            (
                state.suite.to_bytes(2, "big"),
                state.expires.to_bytes(8, "big"),
                state.key_mark,
                state.master,
                state.identity,
            )
        )
        return nonce + self._cipher.encrypt(nonce, plain, _VERSION)

    def open(self, ticket: bytes, now: float) -> TicketState | None:
        """What a ticket of ours holds; None for any other bytes, and when it has expired."""
        if len(ticket) < _NONCE_SIZE + 16:
            return None
        try:
            reader = Reader(self._cipher.decrypt(ticket[:_NONCE_SIZE], ticket[_NONCE_SIZE:], _VERSION), LAYER)
            state = TicketState(
                reader.u16be(),
                reader.uint(8, "big"),
                reader.take(_MARK_SIZE),
                reader.take(MASTER_SIZE),
                reader.rest(),
            )
        except (InvalidTag, WireError):
            return None
        return state if now < state.expires else None


def encode_new_ticket(lifetime_s: int, ticket: bytes) -> bytes:
    """NewSessionTicket (RFC 5077 section 3.3)."""
    return lifetime_s.to_bytes(4, "big") + len(ticket).to_bytes(2, "big") + ticket


def read_new_ticket_untrusted(body: bytes) -> tuple[int, bytes]:
    """Lifetime hint in seconds (0: none) and ticket. Raises WireError."""
    reader = Reader(body, LAYER)
    lifetime_s = reader.u32be()
    ticket = reader.take(reader.u16be())
    reader.finish()
    return lifetime_s, ticket
