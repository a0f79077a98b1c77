# SPDX-License-Identifier: Apache-2.0
"""An association after its handshake: record protection, replay window, address, and its stored form.

Theory: all that is needed to go on for months is here and is small enough to be stored (:meth:`Session.dump`).
Three rules must never break:

* *A nonce is used once* (RFC 5288 section 3, RFC 6655 section 3). It is epoch and sequence number, so the sequence
  must never run twice, not even when the process dies. ``send_seq`` may therefore not pass ``reserved``, a number
  that was stored before it was needed; a loaded session begins at ``reserved`` (:meth:`reserve`).
* *A record counts once.* The window is marked only after the tag verified; a loaded session takes only records
  newer than the newest that was stored.
* *The address moves only when shown to be reachable* (RFC 9146 section 6). A strictly newer record from elsewhere
  makes that address the ``candidate``: it may be sent three times what came from it, until it is confirmed.

The bytes of ``dump`` hold the keys in the clear: the store encrypts them.
"""

from typing import Any, Final

from cryptography.exceptions import InvalidTag

from openmains.wire.cursor import Reader
from openmains.wire.dtls import window
from openmains.wire.dtls.cbc import CbcRecords
from openmains.wire.dtls.codes import LAYER, MAX_SEQUENCE, Content
from openmains.wire.dtls.peers import Peer, decode_peer, encode_peer
from openmains.wire.dtls.record import VERSION
from openmains.wire.dtls.suites import ALL_SUITES, EXPLICIT_SIZE, Aead, Suite
from openmains.wire.errors import WireError

RESERVE: Final = (
    256  # sequence numbers set aside by one write of the store; skipping them costs nothing (2^48 there are)
)
AMPLIFICATION: Final = 3  # RFC 9146 section 6, RFC 9000 section 8.1
_EPOCH: Final = b"\x00\x01"  # renegotiation is refused, so there is never another
_EPOCH_BITS: Final = 1 << 48
_PLACEHOLDER: Final = b"\xff" * 8  # RFC 9146 section 5
_CID: Final = bytes((Content.CID,))
# Additional data up to the header, by length of the connection id (RFC 9146 section 5.3); shared, as there are many sessions.
_AAD_HEADS: Final = [_PLACEHOLDER + _CID + bytes((size,)) + _CID + VERSION for size in range(256)]
_DUMP_VERSION: Final = 1


def inner(plaintext: bytes) -> tuple[int, bytes]:
    """Type and content of what a record with a connection id held: content, type, zeros (RFC 9146 section 4).

    Type 0, which no record has, when there is nothing but zeros.
    """
    plaintext = plaintext.rstrip(b"\0")
    return (plaintext[-1], plaintext[:-1]) if plaintext else (0, b"")


class Session:
    """One association, on either side.

    ``cid``: what the peer puts into records for us (a server's has 8 bytes and names the session even when the peer uses
    none). ``uses_cid``: records to us carry it. ``their_cid``: what we put into records for the peer, 0–255 bytes.
    ``peer``: confirmed address; ``candidate``: a newer one, not confirmed yet; ``budget``: bytes it may still be sent.
    ``etm``: CBC with encrypt-then-MAC. ``newest``/``seen``: the window. ``owner``: free for the layer above. ``flight``: the
    handshake whose last flight may have to be repeated.
    """

    __slots__ = (
        "_open", "_open_aad", "_raised", "_seal", "_seal_aad", "budget", "candidate", "cid", "etm", "flight", "identity", "newest",
        "owner", "pad_to", "peer", "read_iv", "read_key", "reserved", "seen", "send_seq", "suite", "their_cid", "uses_cid",
        "write_iv", "write_key",
    )  # fmt: skip

    def __init__(
        self,
        *,
        cid: bytes,
        uses_cid: bool,
        their_cid: bytes,
        identity: bytes,
        peer: Peer,
        suite: Suite,
        read_key: bytes,
        read_iv: bytes,
        write_key: bytes,
        write_iv: bytes,
        pad_to: int = 1,
        etm: bool = False,
    ) -> None:
        self.cid = cid
        self.uses_cid = uses_cid
        self.their_cid = their_cid
        self.identity = identity
        self.peer = peer
        self.suite = suite
        self.read_key, self.read_iv = read_key, read_iv
        self.write_key, self.write_iv = write_key, write_iv
        self.pad_to = pad_to
        self.etm = etm
        self.candidate: Peer | None = None
        self.budget = 0
        self.send_seq = 0
        self.reserved = RESERVE
        self.newest = -1
        self.seen = 0
        self.owner: Any = None
        self.flight: Any = None
        self._raised = 0
        self._open: Aead | CbcRecords | None = None
        self._seal: Aead | CbcRecords | None = None
        self._open_aad = _AAD_HEADS[len(cid)]
        self._seal_aad = _AAD_HEADS[len(their_cid)]

    def __repr__(self) -> str:
        return f"Session(cid={self.cid.hex()}, peer={self.peer!r})"  # without keys: it may reach a log

    @property
    def confirmed(self) -> bool:
        """Whether the address that :attr:`address` gives was shown to be reachable."""
        return self.candidate is None

    @property
    def address(self) -> Peer:
        """Where the newest genuine record came from."""
        return self.peer if self.candidate is None else self.candidate

    @property
    def overhead(self) -> int:
        """Bytes that a record of ours adds to its content and the 13 of a plain header, at most."""
        return self.suite.overhead + len(self.their_cid) + self.pad_to

    # --- record protection ---

    def seal(self, kind: int, content: bytes) -> bytes:
        """A protected record. The caller has looked whether a sequence number is free (:attr:`exhausted`)."""
        sequence = self.send_seq
        self.send_seq = sequence + 1
        cipher = self._seal
        if cipher is None:
            cipher = self._seal = self._cipher(self.write_key, self.write_iv)
        number = (_EPOCH_BITS | sequence).to_bytes(8, "big")
        cid = self.their_cid
        if cid:
            inner = content + bytes((kind,))
            if self.pad_to > 1:
                inner += bytes(-len(inner) % self.pad_to)
            aad = self._seal_aad + number + cid
            head = b"\x19\xfe\xfd" + number + cid
        else:
            inner = content
            head = bytes((kind,)) + b"\xfe\xfd" + number
            aad = number + head[:3]
        if type(cipher) is CbcRecords:
            body = cipher.seal(number, aad, inner)
            return head + len(body).to_bytes(2, "big") + body
        size = len(inner)
        return b"".join((
            head,
            (size + EXPLICIT_SIZE + self.suite.tag_size).to_bytes(2, "big"),
            number,
            cipher.encrypt(self.write_iv + number, inner, aad + size.to_bytes(2, "big")),  # type: ignore[union-attr]
        ))  # fmt: skip

    def _cipher(self, key: bytes, iv: bytes) -> Aead | CbcRecords:
        make = self.suite.cipher
        return CbcRecords(key, iv, etm=self.etm) if make is None else make(key)

    def open(self, raw: bytes, head: int) -> bytes | None:
        """The plaintext of a protected record whose header has ``head`` bytes; None when the tag is wrong.

        With a connection id this is the inner plaintext: content, type, zeros. The explicit nonce is read from the wire:
        peers may make it as they like.
        """
        cipher = self._open
        if cipher is None:
            cipher = self._open = self._cipher(self.read_key, self.read_iv)
        # RFC 9146 section 5, RFC 5246 section 6.2.3: the same for a MAC and for an AEAD
        aad = self._open_aad + raw[3 : head - 2] if self.uses_cid else raw[3:11] + raw[:3]
        if type(cipher) is CbcRecords:
            return cipher.open(aad, raw[head:])
        body = head + EXPLICIT_SIZE
        size = len(raw) - body - self.suite.tag_size
        if size < 0:
            return None
        try:
            return cipher.decrypt(self.read_iv + raw[head:body], raw[body:], aad + size.to_bytes(2, "big"))  # type: ignore[union-attr]
        except InvalidTag:
            return None

    def is_replay(self, sequence: int) -> bool:
        """Whether a record of this number was accepted before, or is too old to tell."""
        return window.is_replay(self.newest, self.seen, sequence)

    def mark(self, sequence: int) -> bool:
        """A record of this number verified. True when it is newer than all before."""
        fresh = sequence > self.newest
        self.newest, self.seen = window.mark(self.newest, self.seen, sequence)
        return fresh

    # --- sequence numbers that survive a crash ---

    @property
    def exhausted(self) -> bool:
        """No sequence number is free: nothing may be sent before a reservation is durable."""
        return self.send_seq >= self.reserved

    @property
    def wants_reservation(self) -> bool:
        """Fewer than half of a reservation are left: time to :meth:`reserve` and store."""
        return self.reserved - self.send_seq < RESERVE // 2

    def reserve(self) -> int:
        """Raise the number that :meth:`dump` writes, and give it; it is not used before :meth:`reserved_durable`.

        Until then a second call changes nothing, so that what becomes usable is what was written.
        """
        if self._raised <= self.reserved:
            self._raised = min(max(self.send_seq, self.reserved) + RESERVE, MAX_SEQUENCE)
        return self._raised

    def go_on(self, *, reserved: int, newest: int, sent: int | None) -> None:
        """After :meth:`load`: numbers that were stored apart from the dump, later. ``sent``: the first number that was
        certainly not used; None: not known, so that nothing below ``reserved`` may be used."""
        self.reserved = max(self.reserved, reserved)
        self.send_seq = self.reserved if sent is None else sent
        self.newest = max(self.newest, newest)

    def reserved_durable(self) -> None:
        """What :meth:`dump` wrote after :meth:`reserve` is on disk: use it."""
        self.reserved = max(self.reserved, self._raised)

    # --- stored form ---

    def dump(self) -> bytes:
        """About 100 bytes, keys in the clear: version, flags, suite, ids, keys (as long as the suite says), numbers, address."""
        return b"".join(
            (
                bytes((_DUMP_VERSION, self.uses_cid | self.etm << 1)),
                self.suite.code.to_bytes(2, "big"),
                bytes((len(self.cid),)),
                self.cid,
                bytes((len(self.their_cid),)),
                self.their_cid,
                len(self.identity).to_bytes(2, "big"),
                self.identity,
                self.read_key,
                self.read_iv,
                self.write_key,
                self.write_iv,
                max(self.reserved, self._raised).to_bytes(8, "big"),
                (self.newest + 1).to_bytes(8, "big"),
                bytes((self.pad_to,)),
                encode_peer(self.peer),
            )
        )

    @classmethod
    def load(cls, raw: bytes) -> "Session":
        """The inverse. It sends from the stored reservation on – nothing, until another one is durable – and takes only
        records newer than the newest stored. Raises WireError or ValueError for bytes that are no session.
        """
        reader = Reader(raw, LAYER)
        if reader.u8() != _DUMP_VERSION:
            raise reader.fail("version of a stored session", 0)
        flags = reader.u8()
        suite = ALL_SUITES.get(reader.u16be())
        if suite is None or flags > 3:
            raise WireError(LAYER, 2, "suite of a stored session")
        cid = reader.take(reader.u8())
        their_cid = reader.take(reader.u8())
        identity = reader.take(reader.u16be())
        read_key, read_iv = reader.take(suite.key_size), reader.take(suite.iv_size)
        write_key, write_iv = reader.take(suite.key_size), reader.take(suite.iv_size)
        reserved, newest = reader.uint(8, "big"), reader.uint(8, "big") - 1
        pad_to = reader.u8()
        session = cls(
            cid=cid,
            uses_cid=bool(flags & 1),
            their_cid=their_cid,
            identity=identity,
            peer=decode_peer(reader.rest()),
            suite=suite,
            read_key=read_key,
            read_iv=read_iv,
            write_key=write_key,
            write_iv=write_iv,
            pad_to=pad_to,
            etm=bool(flags & 2),
        )
        session.send_seq = session.reserved = reserved
        session.newest, session.seen = newest, window.FULL
        return session
