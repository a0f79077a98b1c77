# SPDX-License-Identifier: Apache-2.0
"""The age file format, version 1 (C2SP age-encryption.org/v1), over the primitives of ``cryptography``: the program ``age`` opens it, too.

Theory: a file key of 16 bytes is wrapped for each recipient – an X25519 key, or a passphrase by scrypt – in a header of text, whose
HMAC under the file key shows a change. The payload follows in chunks of 64 KiB, each sealed by ChaCha20-Poly1305 under a nonce of
the chunk's number and a last byte that is 1 in the last chunk alone: a file that was cut, reordered or changed does not open
(STREAM, Hoang et al. 2015). A backup that broke off has no last chunk and is therefore never taken for a whole one.

Nothing here knows files' names or what is inside. No primitive is written by hand.
"""

import base64
import hmac
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from openmains.edges.backup import bech32

VERSION = b"age-encryption.org/v1"
_X25519_INFO = VERSION + b"/X25519"
_SCRYPT_SALT = VERSION + b"/scrypt"
CHUNK = 64 << 10
TAG = 16
FILE_KEY = 16
WORK = 18  # log2 of scrypt's N, as age's own: about a second and 256 MB
MOST_WORK = 20  # of a file that somebody else may have written
RECIPIENT, IDENTITY = "age", "age-secret-key-"
_HEADER_LIMIT = 64 << 10
_STANZA = re.compile(rb"-> ([!-~]+(?: [!-~]+)*)")
Random = Callable[[int], bytes]


class AgeError(Exception):
    """Not an age file, not for this key, or changed. ``kind``: ``format``, ``key``, ``damaged`` or ``cut``."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Stanza:
    """One wrapped file key of the header."""

    words: tuple[str, ...]
    body: bytes


class Recipient(Protocol):
    """Whoever may open the file."""

    def wrap(self, file_key: bytes, random: Random) -> Stanza: ...


class Identity(Protocol):
    """What opens a file."""

    def unwrap(self, stanza: Stanza) -> bytes | None:
        """The file key, None when the stanza is not for us."""


def _hkdf(key: bytes, salt: bytes, info: bytes) -> bytes:
    return HKDF(hashes.SHA256(), 32, salt, info).derive(key)


def _open_key(key: bytes, body: bytes) -> bytes | None:
    if len(body) != FILE_KEY + TAG:
        return None
    try:
        return ChaCha20Poly1305(key).decrypt(bytes(12), body, None)
    except InvalidTag:
        return None


@dataclass(frozen=True, slots=True)
class PublicKey:
    """Recipient ``age1…``; it can only seal, so it may lie on the machine that is backed up."""

    raw: bytes

    @classmethod
    def of(cls, text: str) -> "PublicKey":
        """Raises ``AgeError``."""
        return cls(_key_of(text, RECIPIENT))

    def __str__(self) -> str:
        return bech32.encode(RECIPIENT, self.raw)

    def wrap(self, file_key: bytes, random: Random) -> Stanza:
        ephemeral = X25519PrivateKey.from_private_bytes(random(32))
        share = _raw(ephemeral.public_key())
        try:
            shared = ephemeral.exchange(X25519PublicKey.from_public_bytes(self.raw))
        except ValueError:
            raise AgeError("key", "the recipient is no usable key") from None
        key = _hkdf(shared, share + self.raw, _X25519_INFO)
        return Stanza(("X25519", _b64(share)), ChaCha20Poly1305(key).encrypt(bytes(12), file_key, None))


@dataclass(frozen=True, slots=True, repr=False)
class SecretKey:
    """Identity ``AGE-SECRET-KEY-1…``."""

    raw: bytes

    @classmethod
    def of(cls, text: str) -> "SecretKey":
        """Raises ``AgeError``."""
        return cls(_key_of(text, IDENTITY))

    @property
    def text(self) -> str:
        return bech32.encode(IDENTITY, self.raw).upper()

    @property
    def public(self) -> PublicKey:
        return PublicKey(_raw(X25519PrivateKey.from_private_bytes(self.raw).public_key()))

    def unwrap(self, stanza: Stanza) -> bytes | None:
        if stanza.words[0] != "X25519" or len(stanza.words) != 2:
            return None
        share = _unb64(stanza.words[1])
        if len(share) != 32:
            raise AgeError("format", "a key share has the wrong length")
        try:
            shared = X25519PrivateKey.from_private_bytes(self.raw).exchange(X25519PublicKey.from_public_bytes(share))
        except ValueError:
            raise AgeError("format", "a key share is no usable key") from None
        return _open_key(_hkdf(shared, share + self.public.raw, _X25519_INFO), stanza.body)


@dataclass(frozen=True, slots=True, repr=False)
class Passphrase:
    """Both recipient and identity. ``work``: log2 of scrypt's N for sealing."""

    text: str
    work: int = WORK

    def wrap(self, file_key: bytes, random: Random) -> Stanza:
        salt = random(16)
        sealed = ChaCha20Poly1305(self._key(salt, self.work)).encrypt(bytes(12), file_key, None)
        return Stanza(("scrypt", _b64(salt), str(self.work)), sealed)

    def unwrap(self, stanza: Stanza) -> bytes | None:
        if stanza.words[0] != "scrypt" or len(stanza.words) != 3:
            return None
        salt, work = _unb64(stanza.words[1]), stanza.words[2]
        if len(salt) != 16 or not re.fullmatch(r"[1-9][0-9]?", work) or int(work) > MOST_WORK:
            raise AgeError("format", "the passphrase's work is out of range")
        return _open_key(self._key(salt, int(work)), stanza.body)

    def _key(self, salt: bytes, work: int) -> bytes:
        return Scrypt(salt=_SCRYPT_SALT + salt, length=32, n=1 << work, r=8, p=1).derive(self.text.encode())


def _key_of(text: str, kind: str) -> bytes:
    try:
        name, raw = bech32.decode(text.strip())
    except bech32.Bech32Error as error:
        raise AgeError("key", f"not a key {kind}1…: {error}") from None
    if name != kind or len(raw) != 32:
        raise AgeError("key", f"not a key {kind}1…")
    return raw


def _raw(key: X25519PublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def _b64(data: bytes) -> str:
    return base64.b64encode(data).rstrip(b"=").decode()


def _unb64(text: str) -> bytes:
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        raise AgeError("format", "the header is not base64") from None
    if _b64(data) != text:
        raise AgeError("format", "the header is not canonical base64")
    return data


def _mac(file_key: bytes, head: bytes) -> bytes:
    return hmac.digest(_hkdf(file_key, b"", b"header"), head, "sha256")


def _header(file_key: bytes, stanzas: Sequence[Stanza]) -> bytes:
    lines = [VERSION]
    for stanza in stanzas:
        lines.append(b"-> " + " ".join(stanza.words).encode())
        body = _b64(stanza.body).encode()
        lines += [body[at : at + 64] for at in range(0, len(body) + 1, 64)]
    head = b"\n".join(lines) + b"\n---"
    return head + b" " + _b64(_mac(file_key, head)).encode() + b"\n"


class Sealer:
    """A file that is written from front to back; ``close`` writes the last chunk, and without it nothing opens. ``sink`` stays open."""

    def __init__(self, sink: BinaryIO, recipients: Sequence[Recipient], random: Random) -> None:
        file_key, nonce = random(FILE_KEY), random(16)
        sink.write(_header(file_key, [each.wrap(file_key, random) for each in recipients]) + nonce)
        self._sink = sink
        self._aead = ChaCha20Poly1305(_hkdf(file_key, nonce, b"payload"))
        self._held = bytearray()
        self._number = 0

    def write(self, data: bytes) -> int:
        """All of it; a chunk goes out when it is known not to be the last."""
        self._held += data
        at = 0
        while len(self._held) - at > CHUNK:
            self._put(bytes(self._held[at : at + CHUNK]), last=False)
            at += CHUNK
        del self._held[:at]
        return len(data)

    def close(self) -> None:
        """The last chunk."""
        self._put(bytes(self._held), last=True)
        self._held.clear()

    def _put(self, chunk: bytes, *, last: bool) -> None:
        self._sink.write(self._aead.encrypt(_nonce(self._number, last), chunk, None))
        self._number += 1


class Opener:
    """Reads what a ``Sealer`` or age wrote; each byte given out is authentic. ``read`` at the end raises for a file that was cut."""

    def __init__(self, source: BinaryIO, identities: Sequence[Identity]) -> None:
        self._source = source
        file_key = _unwrap(*_read_header(source), identities)
        nonce = source.read(16)
        if len(nonce) < 16:
            raise AgeError("cut", "the file ends after its header")
        self._aead = ChaCha20Poly1305(_hkdf(file_key, nonce, b"payload"))
        self._number = 0
        self._ahead = source.read(CHUNK + TAG)
        self._open = bytearray()
        self._ended = False

    def read(self, size: int = -1) -> bytes:
        """Up to ``size`` bytes, fewer only at the end."""
        while (size < 0 or len(self._open) < size) and not self._ended:
            self._next()
        size = len(self._open) if size < 0 else size
        data = bytes(self._open[:size])
        del self._open[:size]
        return data

    def _next(self) -> None:
        chunk, self._ahead = self._ahead, self._source.read(CHUNK + TAG)
        if len(chunk) < TAG:
            raise AgeError("cut", "the file was cut")
        last = not self._ahead
        try:
            data = self._aead.decrypt(_nonce(self._number, last), chunk, None)
        except InvalidTag:
            raise AgeError(*self._why(chunk, last)) from None
        if last and not data and self._number:
            raise AgeError("damaged", "the last chunk is empty")
        self._open += data
        self._number += 1
        self._ended = last

    def _why(self, chunk: bytes, last: bool) -> tuple[str, str]:
        if last:
            try:
                self._aead.decrypt(_nonce(self._number, False), chunk, None)
            except InvalidTag:
                pass
            else:
                return "cut", "the file was cut"
        return "damaged", f"the file was changed at byte {self._number * CHUNK} of its content"


def _nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes((last,))


def _read_header(source: BinaryIO) -> tuple[list[Stanza], bytes, bytes]:
    """Stanzas, what the MAC covers, the MAC."""
    head, left = b"", _HEADER_LIMIT

    def line() -> bytes:
        nonlocal head, left
        found = source.readline(left)
        left -= len(found)
        if not found.endswith(b"\n"):
            raise AgeError("format" if not head or left <= 0 else "cut", "no header of an age file")
        head += found
        return found[:-1]

    if line() != VERSION:
        raise AgeError("format", "not an age file")
    stanzas: list[Stanza] = []
    while True:
        first = line()
        if first.startswith(b"---"):
            if not first.startswith(b"--- ") or not stanzas:
                raise AgeError("format", "the header's end is malformed")
            return stanzas, head[: -len(first) - 1] + b"---", _unb64(first[4:].decode("latin-1"))
        match = _STANZA.fullmatch(first)
        if match is None:
            raise AgeError("format", "a line of the header is malformed")
        body = b""
        while True:
            part = line()
            if len(part) > 64:
                raise AgeError("format", "a line of the header is too long")
            body += part
            if len(part) < 64:
                break
        stanzas.append(Stanza(tuple(match[1].decode().split(" ")), _unb64(body.decode("latin-1"))))


def _unwrap(stanzas: list[Stanza], head: bytes, mac: bytes, identities: Sequence[Identity]) -> bytes:
    if len(stanzas) > 1 and any(stanza.words[0] == "scrypt" for stanza in stanzas):
        raise AgeError("format", "a passphrase beside other recipients")
    for stanza in stanzas:
        for identity in identities:
            file_key = identity.unwrap(stanza)
            if file_key is None:
                continue
            if not hmac.compare_digest(_mac(file_key, head), mac):
                raise AgeError("damaged", "the header was changed")
            return file_key
    kinds = {"scrypt": "a passphrase", "X25519": "a key"}
    wants = " or ".join(sorted({kinds.get(stanza.words[0], stanza.words[0]) for stanza in stanzas}))
    raise AgeError("key", f"it is sealed for {wants}, and none that was given opens it")
