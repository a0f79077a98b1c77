# SPDX-License-Identifier: Apache-2.0
"""Encryption of the data area (GB/T 36330-2018 sections 5.6 d, 7.6.2.5; R5.4): 3DES, AES or SM4, through ``cryptography``.

The standard names algorithms and neither modes nor padding, so both are options:

* ``GCM`` (AES, SM4): nonce (12) · ciphertext · tag (16). The only mode here that proves who sent the frame; the header is covered too, so
  a sequence or type cannot be changed. The one for meters of our own making.
* ``CBC``: IV (one block) · ciphertext with PKCS #7 padding. Hides, and proves nothing.
* ``ECB``: ciphertext with PKCS #7 padding. For meters that can do no other: equal blocks show.

The nonce or IV is an argument and must never come twice with one key; a sequence number of 16 bits comes again and will not do.
Every failure to decrypt is one error, whatever it was: telling padding from tag would let a stranger read frames.
"""

from enum import StrEnum
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES, SM4
from cryptography.hazmat.primitives.ciphers.modes import CBC, ECB, GCM
from cryptography.hazmat.primitives.padding import PKCS7

from openmains.wire.errors import WireError
from openmains.wire.gbt36330.profile import HEADER, LAYER, MAX_DATA

GCM_NONCE: Final = 12
GCM_TAG: Final = 16


class Algorithm(StrEnum):
    """Block ciphers. 3DES only where a utility must: its blocks of 8 bytes repeat after some gigabytes, and it has no GCM."""

    TRIPLE_DES = "3des"
    AES = "aes"
    SM4 = "sm4"


class Mode(StrEnum):
    """How blocks are chained."""

    ECB = "ecb"
    CBC = "cbc"
    GCM = "gcm"


KEY_SIZES: Final = {Algorithm.TRIPLE_DES: (16, 24), Algorithm.AES: (16, 24, 32), Algorithm.SM4: (16,)}


class DataCipher:
    """One key in one mode. Raises ``ValueError`` for a key that does not fit, or that makes 3DES a single DES."""

    def __init__(self, algorithm: Algorithm, mode: Mode, key: bytes) -> None:
        if len(key) not in KEY_SIZES[algorithm]:
            sizes = " or ".join(map(str, KEY_SIZES[algorithm]))
            raise ValueError(f"a key of {algorithm} has {sizes} bytes, not {len(key)}")
        if algorithm is Algorithm.TRIPLE_DES:
            if mode is Mode.GCM:
                raise ValueError("3des has no GCM: its blocks are 8 bytes")
            first, second, third = (_without_parity(key[at % len(key) : at % len(key) + 8]) for at in (0, 8, 16))
            if second in (first, third):
                raise ValueError("two equal parts make a key of 3des one of single DES")
        self.algorithm, self.mode, self._key = algorithm, mode, key
        self._block = 8 if algorithm is Algorithm.TRIPLE_DES else 16

    @property
    def nonce_size(self) -> int:
        """Bytes of ``nonce`` that :meth:`seal` wants; 0: none."""
        return {Mode.ECB: 0, Mode.CBC: self._block, Mode.GCM: GCM_NONCE}[self.mode]

    @property
    def proves(self) -> bool:
        """Whether what is opened is known to come from whoever has the key."""
        return self.mode is Mode.GCM

    @property
    def room(self) -> int:
        """Most bytes of plaintext whose data area is within 128 bytes."""
        if self.mode is Mode.GCM:
            return MAX_DATA - GCM_NONCE - GCM_TAG
        return (MAX_DATA - self.nonce_size) // self._block * self._block - 1

    def sealed_size(self, size: int) -> int:
        """Bytes of the data area for ``size`` bytes of plaintext."""
        if self.mode is Mode.GCM:
            return GCM_NONCE + size + GCM_TAG
        return self.nonce_size + (size // self._block + 1) * self._block

    def seal(self, plain: bytes, header: bytes, nonce: bytes) -> bytes:
        """The data area. ``header``: the frame's, as sent; covered by GCM. Raises ``WireError`` where it would not fit."""
        if len(plain) > self.room:
            raise WireError(LAYER, HEADER, "data too long")
        if len(nonce) != self.nonce_size:
            raise ValueError(f"a nonce of {self.nonce_size} bytes is needed, not of {len(nonce)}")
        if self.mode is Mode.GCM:
            encryptor = Cipher(self._algorithm(), GCM(nonce)).encryptor()
            encryptor.authenticate_additional_data(header)
            return nonce + encryptor.update(plain) + encryptor.finalize() + encryptor.tag
        padder = PKCS7(8 * self._block).padder()
        padded = padder.update(plain) + padder.finalize()
        chained = Cipher(self._algorithm(), CBC(nonce) if self.mode is Mode.CBC else ECB()).encryptor()  # noqa: S305 - theirs
        return nonce + chained.update(padded) + chained.finalize()

    def open_untrusted(self, sealed: bytes, header: bytes) -> bytes:
        """The plaintext; raises ``WireError`` for what this key did not make."""
        try:
            return self._open(sealed, header)
        except (InvalidTag, ValueError):
            raise WireError(LAYER, len(header), "cannot be decrypted") from None

    def _open(self, sealed: bytes, header: bytes) -> bytes:
        nonce, body = sealed[: self.nonce_size], sealed[self.nonce_size :]
        if self.mode is Mode.GCM:
            if len(body) < GCM_TAG:
                raise ValueError("short")
            decryptor = Cipher(self._algorithm(), GCM(nonce, body[-GCM_TAG:])).decryptor()
            decryptor.authenticate_additional_data(header)
            return decryptor.update(body[:-GCM_TAG]) + decryptor.finalize()
        if not body or len(body) % self._block:
            raise ValueError("no blocks")
        chained = Cipher(self._algorithm(), CBC(nonce) if self.mode is Mode.CBC else ECB()).decryptor()  # noqa: S305 - theirs
        padded = chained.update(body) + chained.finalize()
        unpadder = PKCS7(8 * self._block).unpadder()
        return unpadder.update(padded) + unpadder.finalize()

    def _algorithm(self) -> TripleDES | AES | SM4:
        if self.algorithm is Algorithm.AES:
            return AES(self._key)
        if self.algorithm is Algorithm.SM4:
            return SM4(self._key)
        return TripleDES(self._key if len(self._key) == 24 else self._key + self._key[:8])


def _without_parity(part: bytes) -> bytes:
    """DES ignores the lowest bit of each byte of a key."""
    return bytes(byte & 0xFE for byte in part)
