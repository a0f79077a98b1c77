# SPDX-License-Identifier: Apache-2.0
"""Photographs and signatures: what they are by their first bytes, at most so large and so many a day, sealed under the tenant's key for
photographs (ADR 0010, 0039) and bound to tenant and key, so that a row that is moved does not open. Each look is in the trail."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from openmains.app.field.model import PhotoMedia, Purpose, SitePhoto
from openmains.app.field.ports import PhotoStore, SealedPhoto
from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.problems import Problem
from openmains.app.sealing.envelope import KeyUnreadableError, Masters
from openmains.app.sealing.ports import DataKeySource
from openmains.app.sealing.vault import KeyVault, Random
from openmains.app.unit_of_work import Store
from openmains.domain.ids import MeterId, PhotoId, TenantId
from openmains.domain.period import utc_of_us

LARGEST: Final = 700_000
"""Bytes; the phone makes them smaller before it sends them."""
MOST_A_DAY: Final = 3_000
"""Of one person within 24 hours."""
PURPOSE: Final = "photo"


class PhotoKey:
    """Seals and opens photographs of one tenant."""

    __slots__ = ("_aead", "_prefix", "key_id")

    def __init__(self, tenant_id: TenantId, key_id: int, raw: bytes) -> None:
        self.key_id = key_id
        self._aead = AESGCM(raw)
        self._prefix = b"openmains photo 1 " + tenant_id.to_bytes(8, "big")

    def seal(self, key: str, image: bytes, nonce: bytes) -> bytes:
        return self._aead.encrypt(nonce, image, self._prefix + key.encode())

    def open(self, photo: SealedPhoto) -> bytes:
        """Raises ``KeyUnreadableError``."""
        return self.open_bytes(photo.key, photo.nonce, photo.sealed)

    def open_bytes(self, key: str, nonce: bytes, sealed: bytes) -> bytes:
        """What was sealed to a key. Raises ``KeyUnreadableError``."""
        try:
            return self._aead.decrypt(nonce, sealed, self._prefix + key.encode())
        except InvalidTag as error:
            raise KeyUnreadableError(f"the photograph {key} does not open") from error


def photo_vault(store: DataKeySource, masters: Callable[[], Masters], random: Random) -> KeyVault[PhotoKey]:
    """Keys of all tenants, for a process."""
    return KeyVault(store, masters, random, PURPOSE, PhotoKey)


@dataclass(frozen=True, slots=True)
class NewPhoto:
    """As it came. ``key``: the caller's own; ``act``: key of the act it belongs to."""

    key: str
    meter_id: MeterId
    act: str
    purpose: Purpose
    taken_at: datetime
    image: bytes


def media_of(image: bytes) -> PhotoMedia | None:
    """By the first bytes, whatever name it bears; None: no picture that is taken."""
    if image[:3] == b"\xff\xd8\xff":
        return "image/jpeg"
    if image[:8] == b"\x89PNG\r\n\x1a\n":
        return "image/png"
    return "image/webp" if image[:4] == b"RIFF" and image[8:12] == b"WEBP" else None


async def add_photo(store: Store, vault: KeyVault[PhotoKey], actor: Actor, wanted: NewPhoto, now_us: int) -> SitePhoto:
    """The photograph as it is kept; the same once more is the one that is there.

    :raises Problem: ``photo-too-large``, ``photo-not-read``, ``too-many-photos``, ``meter-unknown``, ``act-key-used`` where another image
        came under the key.
    """
    if len(wanted.image) > LARGEST:
        raise Problem("photo-too-large", most=LARGEST // 1000)
    media = media_of(wanted.image)
    if media is None:
        raise Problem("photo-not-read")
    digest = hashlib.sha256(wanted.image).digest()
    key, now = await vault.current(actor.tenant_id), utc_of_us(now_us)
    nonce = vault.nonce()
    photo = SealedPhoto(
        wanted.key, wanted.meter_id, wanted.act, wanted.purpose, media, len(wanted.image), digest, min(wanted.taken_at, now),
        actor.user_id, key.key_id, nonce, key.seal(wanted.key, wanted.image, nonce),
    )  # fmt: skip
    async with store.tenant(actor.tenant_id) as work:
        photos = work[PhotoStore]
        known = await photos.known(wanted.key)
        if known is not None:
            if known[1] != digest or known[0].meter_id != wanted.meter_id:
                raise Problem("act-key-used", taken=wanted.key)
            return known[0]
        if not await photos.has_meter(wanted.meter_id):
            raise Problem("meter-unknown", name=wanted.meter_id)
        if await photos.made_since(actor.user_id, now - timedelta(days=1)) >= MOST_A_DAY:
            raise Problem("too-many-photos", most=MOST_A_DAY)
        made = await photos.add(photo)
        await work[AuditTrail].record(actor, "add_photo", "meter", made.meter_id, None, made)
        return made


async def see_photo(
    store: Store, vault: KeyVault[PhotoKey], actor: Actor, photo_id: PhotoId
) -> tuple[PhotoMedia, bytes]:
    """Its bytes; the look is in the trail. Raises ``not-found``, ``photo-unreadable``."""
    async with store.tenant(actor.tenant_id) as work:
        found = await work[PhotoStore].sealed(photo_id)
        if found is None:
            raise Problem("not-found")
        seen = {"photo": found.key, "purpose": found.purpose}
        await work[AuditTrail].record(actor, "see_photo", "meter", found.meter_id, None, seen)
    try:
        key = await vault.data_key(actor.tenant_id, found.key_id)
        return found.media, key.open(found)
    except KeyUnreadableError as error:
        raise Problem("photo-unreadable") from error
