# SPDX-License-Identifier: Apache-2.0
"""The envelope: master key → data key of a tenant → PSK of a device, each step AES-256-GCM (NIST SP 800-38D).

What a ciphertext belongs to is bound into it as associated data: a row moved to another IMEI or tenant does not open.
Nonces are 96 random bits; a key may seal 2^32 times so (SP 800-38D 8.3), far beyond one tenant's devices. Nothing
here prints a key: ``repr`` shows a fingerprint, and errors name places, not values.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from openmains.domain.fleet.identifiers import imei_text
from openmains.domain.ids import TenantId

KEY_BYTES = 32
NONCE_BYTES = 12


class KeyUnreadableError(Exception):
    """Something sealed does not open: another master key, or changed data. The text names the place, never a value."""


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A tenant's data key as stored; ``master`` is the fingerprint of the master key around it."""

    tenant_id: TenantId
    key_id: int
    master: str
    nonce: bytes
    wrapped: bytes


@dataclass(frozen=True, slots=True)
class SealedKey:
    """A device's PSK as stored, under the data key ``key_id`` of its tenant."""

    key_id: int
    nonce: bytes
    sealed: bytes


class MasterKey:
    """Wraps data keys, and seals files that hold keys while they wait for the worker or for a person."""

    __slots__ = ("_aead", "fingerprint")

    def __init__(self, raw: bytes) -> None:
        if len(raw) != KEY_BYTES:
            raise ValueError(f"a master key has {KEY_BYTES} bytes")
        self._aead = AESGCM(raw)
        mac = hmac.HMAC(raw, hashes.SHA256())
        mac.update(b"openmains master key fingerprint")
        self.fingerprint = mac.finalize()[:8].hex()

    def __repr__(self) -> str:
        return f"MasterKey({self.fingerprint})"

    def wrap(self, tenant_id: TenantId, key_id: int, data_key: bytes, nonce: bytes) -> WrappedKey:
        """The data key for the database."""
        wrapped = self._aead.encrypt(nonce, data_key, _tenant_data(tenant_id, key_id))
        return WrappedKey(tenant_id, key_id, self.fingerprint, nonce, wrapped)

    def unwrap(self, stored: WrappedKey) -> bytes:
        """The data key; raises ``KeyUnreadableError``."""
        try:
            return self._aead.decrypt(stored.nonce, stored.wrapped, _tenant_data(stored.tenant_id, stored.key_id))
        except InvalidTag as error:
            place = f"data key {stored.key_id} of tenant {stored.tenant_id}"
            raise KeyUnreadableError(f"{place} does not open under master key {self.fingerprint}") from error

    def seal_file(self, purpose: str, data: bytes, nonce: bytes) -> bytes:
        """``data`` as a sealed file of its own: nonce, ciphertext. It opens for the same purpose only."""
        return nonce + self._aead.encrypt(nonce, data, b"openmains file 1 " + purpose.encode())

    def open_file(self, purpose: str, sealed: bytes) -> bytes:
        """Raises ``KeyUnreadableError``."""
        try:
            return self._aead.decrypt(
                sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], b"openmains file 1 " + purpose.encode()
            )
        except (InvalidTag, ValueError) as error:
            raise KeyUnreadableError(f"the sealed file for {purpose} does not open") from error


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


@dataclass(frozen=True, slots=True)
class Masters:
    """The master key in force, and those that may still be around while a rotation runs."""

    current: MasterKey
    others: Mapping[str, MasterKey] = field(default_factory=dict)

    @classmethod
    def of(cls, current: MasterKey, others: Iterable[MasterKey] = ()) -> "Masters":
        """By fingerprint."""
        return cls(current, {master.fingerprint: master for master in others})

    def by_fingerprint(self, fingerprint: str) -> MasterKey | None:
        """None: a key we were not given."""
        return self.current if fingerprint == self.current.fingerprint else self.others.get(fingerprint)


def _tenant_data(tenant_id: TenantId, key_id: int) -> bytes:
    return b"openmains tenant key 1 " + tenant_id.to_bytes(8, "big") + key_id.to_bytes(8, "big")
