# SPDX-License-Identifier: Apache-2.0
"""Personal data sealed at rest: a value under the tenant's key for personal data (envelope of ADR 0010), and a keyed hash of it to find it by.

Bound into each ciphertext are tenant, customer, contact and field: a row that is moved does not open. The hash (HMAC-SHA-256) has a key of its
own for each tenant, of which there is one for ever: equal values have equal hashes, and without the key nobody can try values out.
"""

import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from openmains.app.fleet.imports.ports import SealedPhone
from openmains.app.sealing.envelope import NONCE_BYTES, KeyUnreadableError, Masters
from openmains.app.sealing.ports import DataKeySource
from openmains.app.sealing.vault import KeyVault, Random
from openmains.domain.ids import ContactId, CustomerId, TenantId
from openmains.domain.party.personal import PersonalField, normalise

SEALING, INDEX = "personal", "personal_index"
"""Purposes of a tenant's keys."""


@dataclass(frozen=True, slots=True)
class PersonalPlace:
    """Whose value it is, and which. ``contact_id``: None for the customer's own."""

    customer_id: CustomerId
    contact_id: ContactId | None
    field: PersonalField


@dataclass(frozen=True, slots=True)
class SealedValue:
    """As stored; ``blind``: what it is found by."""

    place: PersonalPlace
    key_id: int
    nonce: bytes = field(repr=False)
    sealed: bytes = field(repr=False)
    blind: bytes = field(repr=False)


class PersonalKey:
    """Seals and opens values of one tenant."""

    __slots__ = ("_aead", "_prefix", "key_id")

    def __init__(self, tenant_id: TenantId, key_id: int, raw: bytes) -> None:
        self.key_id = key_id
        self._aead = AESGCM(raw)
        self._prefix = b"openmains personal 1 " + tenant_id.to_bytes(8, "big")

    def seal(self, place: PersonalPlace, value: str, nonce: bytes) -> bytes:
        """A normalised value."""
        return self._aead.encrypt(nonce, value.encode(), self._bound(place))

    def open(self, stored: SealedValue) -> str:
        """The value; raises ``KeyUnreadableError``, which names the place."""
        try:
            return self._aead.decrypt(stored.nonce, stored.sealed, self._bound(stored.place)).decode()
        except InvalidTag as error:
            place = f"{stored.place.field} of customer {stored.place.customer_id}"
            raise KeyUnreadableError(f"the {place} does not open") from error

    def _bound(self, place: PersonalPlace) -> bytes:
        whose = place.customer_id.to_bytes(8, "big") + (place.contact_id or 0).to_bytes(8, "big")
        return self._prefix + whose + place.field.value.encode()


class IndexKey:
    """Makes what values of one tenant are found by."""

    __slots__ = ("_raw",)

    def __init__(self, tenant_id: TenantId, key_id: int, raw: bytes) -> None:
        del tenant_id, key_id  # one a tenant, and nobody else's
        self._raw = raw

    def blind(self, of: PersonalField, value: str) -> bytes:
        """Of a normalised value."""
        return hmac.digest(self._raw, f"openmains blind index 1 {of.value} {value}".encode(), "sha256")

    def code_mark(self, challenge: str, code: str) -> bytes:
        """Of a code that was sent to a phone, as the answer to one challenge."""
        return hmac.digest(self._raw, f"openmains phone code 1 {challenge} {code}".encode(), "sha256")

    def wechat(self, application: str, openid: str) -> bytes:
        """Of what WeChat calls a person for an application."""
        return hmac.digest(self._raw, f"openmains wechat 1 {application} {openid}".encode(), "sha256")


class PersonalSealer:
    """The keys of one tenant in one hand, for a piece of work."""

    def __init__(self, key: PersonalKey, index: IndexKey, random: Random) -> None:
        self._key, self._index, self._random = key, index, random

    def seal(self, place: PersonalPlace, text: str) -> SealedValue:
        """A value as it was given; that it can be one was asked before (``fault``)."""
        value, nonce = normalise(place.field, text), self._random(NONCE_BYTES)
        sealed = self._key.seal(place, value, nonce)
        return SealedValue(place, self._key.key_id, nonce, sealed, self._index.blind(place.field, value))

    def blind(self, of: PersonalField, text: str) -> bytes:
        """What a value as somebody writes it is found by."""
        return self._index.blind(of, normalise(of, text))

    def code_mark(self, challenge: str, code: str) -> bytes:
        """As which a code is kept until it is used: a million codes are soon tried, so not without a key."""
        return self._index.code_mark(challenge, code)

    def wechat_blind(self, application: str, openid: str) -> bytes:
        """What a person's WeChat is found by."""
        return self._index.wechat(application, openid)


class PersonalVault:
    """Personal data of all tenants, for a process. ``masters``: reads the master keys as they are now."""

    def __init__(self, store: DataKeySource, masters: Callable[[], Masters], random: Random) -> None:
        self._keys = KeyVault(store, masters, random, SEALING, PersonalKey)
        self._indexes = KeyVault(store, masters, random, INDEX, IndexKey)
        self._random = random

    async def sealer(self, tenant_id: TenantId) -> PersonalSealer:
        """Made anew for each piece of work. Raises ``KeyUnreadableError``."""
        return PersonalSealer(await self._keys.current(tenant_id), await self._indexes.current(tenant_id), self._random)

    async def open(self, tenant_id: TenantId, stored: Sequence[SealedValue]) -> dict[PersonalPlace, str]:
        """The values in clear. Raises ``KeyUnreadableError`` where one does not open: never an empty text instead."""
        opened = {}
        for value in stored:
            key = await self._keys.data_key(tenant_id, value.key_id)
            opened[value.place] = key.open(value)
        return opened

    async def seal_phones(self, tenant_id: TenantId, phones: Mapping[CustomerId, str]) -> list[SealedPhone]:
        """``PhoneSealing`` of an import of meters: customers' own phones."""
        sealer = await self.sealer(tenant_id)
        values = (sealer.seal(PersonalPlace(one, None, PersonalField.PHONE), text) for one, text in phones.items())
        return [SealedPhone(one.place.customer_id, one.key_id, one.nonce, one.sealed, one.blind) for one in values]


def by_contact(
    opened: Mapping[PersonalPlace, str],
) -> dict[tuple[CustomerId, ContactId | None], dict[PersonalField, str]]:
    """Values by whose they are."""
    found: dict[tuple[CustomerId, ContactId | None], dict[PersonalField, str]] = {}
    for place, value in opened.items():
        found.setdefault((place.customer_id, place.contact_id), {})[place.field] = value
    return found
