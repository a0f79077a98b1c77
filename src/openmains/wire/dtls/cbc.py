# SPDX-License-Identifier: Apache-2.0
"""Records of TLS_PSK_WITH_AES_128_CBC_SHA256: AES-128-CBC and HMAC-SHA-256 (RFC 5246 section 6.2.3.2, RFC 7366).

Theory: this suite puts the MAC under the encryption, with padding behind it, and whoever tells the two kinds of failure apart, by
an answer or by time, can read records (Lucky 13: AlFardan and Paterson, 2013; DTLS is hit harder, as a bad record ends nothing). So:

* Padding and MAC are both looked at always, with :func:`hmac.compare_digest`, and only their conjunction leads anywhere; a
  record with bad padding is given the MAC of one without any.
* As many blocks are hashed whatever the padding says (``_even_out``). Python gives no promise of constant time beyond that: it
  is why the suite is off unless a product asks for it, and why encrypt-then-MAC is taken wherever a client offers it.
* With encrypt-then-MAC (RFC 7366) the MAC is over the ciphertext and nothing is decrypted that did not verify.

The IV must be unpredictable and is explicit. It is a PRF of the record's number under a secret of its own (the method of NIST SP
800-38A appendix C, with HMAC): a number is used once, so an IV is, and this layer needs no randomness.
"""

from hashlib import sha256
from hmac import compare_digest, digest
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

BLOCK: Final = 16
MAC_SIZE: Final = 32
MAC_KEY_SIZE: Final = 32
KEY_SIZE: Final = MAC_KEY_SIZE + 16  # of one direction: for the MAC, then for AES
IV_SECRET_SIZE: Final = 16
OVERHEAD: Final = BLOCK + MAC_SIZE + BLOCK  # IV, MAC, longest padding that we send
_HASH_BLOCK: Final = 64
_HASH_TAIL: Final = 9  # a one bit and the length
_PADDINGS: Final = [bytes((size,)) * (size + 1) for size in range(256)]


class CbcRecords:
    """One direction. ``key``: :data:`KEY_SIZE` bytes; ``iv_secret``: for sending; ``etm``: encrypt-then-MAC was agreed on."""

    __slots__ = ("_aes", "_etm", "_iv_secret", "_mac_key")

    def __init__(self, key: bytes, iv_secret: bytes, *, etm: bool) -> None:
        self._mac_key = key[:MAC_KEY_SIZE]
        self._aes = AES(key[MAC_KEY_SIZE:])
        self._iv_secret = iv_secret
        self._etm = etm

    def seal(self, number: bytes, head: bytes, plain: bytes) -> bytes:
        """The body of a record. ``number``: its epoch and sequence, 8 bytes; ``head``: what the MAC covers before the length."""
        iv = digest(self._iv_secret, number, "sha256")[:BLOCK]
        if not self._etm:
            plain += self._mac(head, plain)
        padded = plain + _PADDINGS[-(len(plain) + 1) % BLOCK]
        encryptor = Cipher(self._aes, CBC(iv)).encryptor()
        body = iv + encryptor.update(padded) + encryptor.finalize()
        return body + self._mac(head, body) if self._etm else body

    def open(self, head: bytes, body: bytes) -> bytes | None:
        """The plaintext; None for a body that was not made with this key, for whatever reason."""
        return self._open_etm(head, body) if self._etm else self._open_mte(head, body)

    def _mac(self, head: bytes, text: bytes) -> bytes:
        return digest(self._mac_key, head + len(text).to_bytes(2, "big") + text, "sha256")

    def _decrypt(self, body: bytes) -> bytes:
        decryptor = Cipher(self._aes, CBC(body[:BLOCK])).decryptor()
        return decryptor.update(body[BLOCK:]) + decryptor.finalize()

    def _open_etm(self, head: bytes, body: bytes) -> bytes | None:
        size = len(body) - MAC_SIZE
        if size < 2 * BLOCK or size % BLOCK:
            return None
        if not compare_digest(body[size:], self._mac(head, body[:size])):
            return None
        padded = self._decrypt(body[:size])
        padding = padded[-1] + 1
        if padding > len(padded) or padded[-padding:] != _PADDINGS[padding - 1]:
            return None  # its maker holds the key: nothing is told by this
        return padded[:-padding]

    def _open_mte(self, head: bytes, body: bytes) -> bytes | None:
        size = len(body) - BLOCK
        if size < MAC_SIZE + 1 or size % BLOCK:
            return None
        padded = self._decrypt(body)
        room = size - MAC_SIZE - 1  # content and padding but for its length byte
        claimed = padded[-1]
        fits = claimed <= room
        padding = claimed * fits
        sound = compare_digest(padded[size - padding - 1 :], _PADDINGS[claimed][: padding + 1])
        content = padded[: room - padding]
        mac = self._mac(head, content)
        _even_out(len(head) + 2, len(content), room)
        genuine = compare_digest(padded[room - padding : size - padding - 1], mac)
        return content if fits & sound & genuine else None


def _even_out(head: int, content: int, most: int) -> None:
    """Hash what the MAC of the longest possible content would have hashed more."""
    missing = _blocks(head + most) - _blocks(head + content)
    sha256(bytes(_HASH_BLOCK * missing)).digest()


def _blocks(size: int) -> int:
    """Blocks that SHA-256 takes for so many bytes behind HMAC's key block."""
    return -(-(size + _HASH_TAIL) // _HASH_BLOCK)
