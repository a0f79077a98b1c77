# SPDX-License-Identifier: Apache-2.0
"""From a pre-shared key to record keys (RFC 5246 section 5 and 8, RFC 4279 section 2, RFC 7627 section 4).

Theory: PSK → premaster secret → master secret, bound by the extended master secret to everything that was said
→ key block. HMAC and SHA-256 are the standard library's (OpenSSL's); only the ways of combining them are here.
"""

from dataclasses import dataclass
from hashlib import sha256
from hmac import digest

from openmains.wire.dtls.suites import IV_SIZE, KEY_SIZE

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


def master_secret(premaster_secret: bytes, session_hash: bytes) -> bytes:
    """The extended master secret (RFC 7627 section 4); ``session_hash`` covers all up to ClientKeyExchange."""
    return prf(premaster_secret, b"extended master secret", session_hash, MASTER_SIZE)


@dataclass(frozen=True, slots=True, repr=False)
class KeyBlock:
    """Keys and implicit nonce parts of both directions (RFC 5246 section 6.3; an AEAD needs no MAC keys)."""

    client_key: bytes
    server_key: bytes
    client_iv: bytes
    server_iv: bytes

    def __repr__(self) -> str:
        return "KeyBlock(…)"  # never into a log


def key_block(master: bytes, client_random: bytes, server_random: bytes) -> KeyBlock:
    """The 40 bytes that AES-128 with a 4-byte salt needs, cut up."""
    raw = prf(master, b"key expansion", server_random + client_random, 2 * KEY_SIZE + 2 * IV_SIZE)
    return KeyBlock(raw[:16], raw[16:32], raw[32:36], raw[36:40])


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
