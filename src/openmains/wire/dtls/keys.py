# SPDX-License-Identifier: Apache-2.0
"""From a pre-shared key to record keys (RFC 5246 section 5 and 8, RFC 4279 section 2, RFC 7627 section 4).

Theory: PSK → premaster secret → master secret, bound by the extended master secret to everything that was said
→ key block. HMAC and SHA-256 are the standard library's (OpenSSL's); only the ways of combining them are here.
"""

from dataclasses import dataclass
from hashlib import sha256
from hmac import digest

from openmains.wire.dtls.suites import CBC_SHA256, Suite

VERIFY_SIZE = 12  # RFC 5246 section 7.4.9
MASTER_SIZE = 48


def prf(secret: bytes, label: bytes, seed: bytes, size: int) -> bytes:
    """P_SHA256 over label and seed, ``size`` bytes (RFC 5246 section 5)."""
    seed = label + seed
    link = digest(secret, seed, "sha256")
    out = digest(secret, link + seed, "sha256")
    while len(out) < size:
        link = digest(secret, link, "sha256")
        out += digest(secret, link + seed, "sha256")
    return out[:size]


def premaster(psk: bytes) -> bytes:
    """uint16 N, N zeros, uint16 N, the key (RFC 4279 section 2)."""
    size = len(psk).to_bytes(2, "big")
    return size + bytes(len(psk)) + size + psk


def plain_master_secret(premaster_secret: bytes, client_random: bytes, server_random: bytes) -> bytes:
    """The master secret of RFC 5246 section 8.1, for clients without the extended one: bound to the two randoms only."""
    return prf(premaster_secret, b"master secret", client_random + server_random, MASTER_SIZE)


def master_secret(premaster_secret: bytes, session_hash: bytes) -> bytes:
    """The extended master secret (RFC 7627 section 4); ``session_hash`` covers all up to ClientKeyExchange."""
    return prf(premaster_secret, b"extended master secret", session_hash, MASTER_SIZE)


@dataclass(frozen=True, slots=True, repr=False)
class KeyBlock:
    """Keys and implicit nonce parts of both directions (RFC 5246 section 6.3). An AEAD needs no MAC keys; CBC's stand before the
    cipher's in ``client_key`` and ``server_key``."""

    client_key: bytes
    server_key: bytes
    client_iv: bytes
    server_iv: bytes

    def __repr__(self) -> str:
        return "KeyBlock(…)"  # never into a log


def key_block(master: bytes, client_random: bytes, server_random: bytes, suite: Suite) -> KeyBlock:
    """What the suite needs, cut up: two MAC keys where it has a MAC, two keys, two salts. CBC has none by its standard; the bytes
    that follow the standard's are our secret for IVs."""
    key, iv = suite.key_size, suite.iv_size
    raw = prf(master, b"key expansion", server_random + client_random, 2 * key + 2 * iv)
    ivs = raw[2 * key : 2 * key + iv], raw[2 * key + iv :]
    if suite is not CBC_SHA256:
        return KeyBlock(raw[:key], raw[key : 2 * key], *ivs)
    return KeyBlock(raw[:32] + raw[64:80], raw[32:64] + raw[80:96], *ivs)


def verify_data(master: bytes, label: bytes, transcript: bytes) -> bytes:
    """What Finished carries; ``label`` is ``b"client finished"`` or ``b"server finished"``, ``transcript`` the SHA-256."""
    return prf(master, label, transcript, VERIFY_SIZE)


class Transcript:
    """SHA-256 over the handshake messages, each once and as if never fragmented (RFC 6347 section 4.2.6)."""

    __slots__ = ("_hash",)

    def __init__(self) -> None:
        self._hash = sha256()

    def add(self, message: bytes) -> None:
        """A whole message with its 12-byte header."""
        self._hash.update(message)

    def digest(self) -> bytes:
        """The hash so far; more may be added."""
        return self._hash.digest()
