# SPDX-License-Identifier: Apache-2.0
"""A device's PSK under its tenant's data key, as stored (``app/sealing/envelope.py``). What a ciphertext belongs to is bound into it: a row
moved to another IMEI or tenant does not open."""

from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from openmains.app.sealing.envelope import KeyUnreadableError
from openmains.domain.fleet.identifiers import imei_text
from openmains.domain.ids import TenantId


@dataclass(frozen=True, slots=True)
class SealedKey:
    """A device's PSK as stored, under the data key ``key_id`` of its tenant."""

    key_id: int
    nonce: bytes
    sealed: bytes


class DataKey:
    """Seals and opens the PSKs of one tenant."""

    __slots__ = ("_aead", "_prefix", "key_id", "tenant_id")

    def __init__(self, tenant_id: TenantId, key_id: int, raw: bytes) -> None:
        self.tenant_id = tenant_id
        self.key_id = key_id
        self._aead = AESGCM(raw)
        self._prefix = b"openmains device key 1 " + tenant_id.to_bytes(8, "big")

    def __repr__(self) -> str:
        return f"DataKey(tenant_id={self.tenant_id}, key_id={self.key_id})"

    def seal(self, imei: int, psk: bytes, nonce: bytes) -> SealedKey:
        """A device's PSK for the database."""
        return SealedKey(self.key_id, nonce, self._aead.encrypt(nonce, psk, self._prefix + imei.to_bytes(8, "big")))

    def open(self, imei: int, nonce: bytes, sealed: bytes) -> bytes:
        """The PSK; raises ``KeyUnreadableError``."""
        try:
            return self._aead.decrypt(nonce, sealed, self._prefix + imei.to_bytes(8, "big"))
        except InvalidTag as error:
            raise KeyUnreadableError(f"the key of {imei_text(imei)} does not open") from error

    def seal_secret(self, purpose: str, data: bytes, nonce: bytes) -> SealedKey:
        """A secret that is no device's, such as a channel's password; it opens for the same purpose only."""
        return SealedKey(self.key_id, nonce, self._aead.encrypt(nonce, data, self._purpose(purpose)))

    def open_secret(self, purpose: str, nonce: bytes, sealed: bytes) -> bytes:
        """Raises ``KeyUnreadableError``."""
        try:
            return self._aead.decrypt(nonce, sealed, self._purpose(purpose))
        except InvalidTag as error:
            raise KeyUnreadableError(f"the secret of {purpose} does not open") from error

    def _purpose(self, purpose: str) -> bytes:
        return b"openmains secret 1 " + self.tenant_id.to_bytes(8, "big") + purpose.encode()
