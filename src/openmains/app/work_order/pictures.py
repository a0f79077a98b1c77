# SPDX-License-Identifier: Apache-2.0
"""Pictures and signatures of work orders: what they are by their bytes, sealed as photographs of the field are (``app/field/photos.py``), each
look in the trail."""

import hashlib

from openmains.app.field.photos import PhotoKey
from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.problems import Problem
from openmains.app.sealing.envelope import KeyUnreadableError
from openmains.app.sealing.vault import KeyVault
from openmains.app.unit_of_work import Store
from openmains.app.work_order.act import is_done_before, lock_order, noted
from openmains.app.work_order.make import got
from openmains.app.work_order.model import PhotoPurpose, WorkOrder
from openmains.app.work_order.ports import KeptPicture, OrderActNote, OrderStore
from openmains.domain.ids import OrderId
from openmains.domain.work_order.life import ENDED, STATE_WORDS
from openmains.domain.work_order.picture import LARGEST, media_type_of

MOST_PHOTOS = 30  # of an order


def _bound(order_id: OrderId, act_key: str) -> str:
    """What a picture is sealed to; with a space, which no key of a site's photograph has."""
    return f"order {order_id} {act_key}"


async def add_photo(
    store: Store, vault: KeyVault[PhotoKey], actor: Actor, order_id: OrderId, key: str, purpose: PhotoPurpose, note: str, content: bytes,
    now_us: int,
) -> WorkOrder:  # fmt: skip
    """A picture, or what somebody signed, whose name is ``note``. The same key again adds nothing.

    :raises Problem: ``not-found``; ``order-not-working`` when it has ended; ``invalid-input`` for what is no picture (by its bytes) or too
    large, a signature without a name; ``order-full``; ``order-key-used``.
    """
    if len(content) > LARGEST:
        raise Problem("invalid-input", fields=(("/data", "too-large"),))
    media_type = media_type_of(content)
    if media_type is None:
        raise Problem("invalid-input", fields=(("/data", "no-picture"),))
    note = " ".join(note.split())
    if purpose == "signature" and not note:
        raise Problem("invalid-input", fields=(("/note", "required"),))
    digest = hashlib.sha256(content)
    asked = f"{purpose}:{note}:{len(content)}:{digest.hexdigest()}"
    photo_key, nonce = await vault.current(actor.tenant_id), vault.nonce()
    sealed = photo_key.seal(_bound(order_id, key), content, nonce)
    async with store.tenant(actor.tenant_id) as work:
        held = await lock_order(work, order_id)
        if not await is_done_before(work, order_id, key, asked):
            if held.order.state in ENDED:
                raise Problem("order-not-working", state=STATE_WORDS[held.order.state])
            if held.kept.photos + held.kept.signatures >= MOST_PHOTOS:
                raise Problem("order-full", most=MOST_PHOTOS)
            act = OrderActNote(
                key, asked, "photo", held.order.state, now_us, now_us, actor.user_id, facts={"note": note}
            )
            act_id = await noted(work, order_id, act)
            picture = KeptPicture(media_type, sealed, digest.digest(), key, photo_key.key_id, nonce)
            photo_id = await work[OrderStore].add_photo(order_id, act_id, purpose, note, picture)
            told = {"photo_id": photo_id, "purpose": purpose, "media_type": media_type, "size": len(content)}
            await work[AuditTrail].record(actor, "add_order_photo", "work_order", order_id, None, told)
        return await got(work, order_id, now_us)


async def see_photo(
    store: Store, vault: KeyVault[PhotoKey], actor: Actor, order_id: OrderId, photo_id: int
) -> tuple[str, bytes]:
    """Media type and bytes; the look is in the trail. Raises ``not-found``, ``photo-unreadable``."""
    async with store.tenant(actor.tenant_id) as work:
        found = await work[OrderStore].photo(order_id, photo_id)
        if found is None:
            raise Problem("not-found")
        await work[AuditTrail].record(actor, "see_order_photo", "work_order", order_id, None, {"photo_id": photo_id})
    if found.key_id is None or found.nonce is None:  # kept before pictures were sealed
        return found.media_type, found.content
    try:
        photo_key = await vault.data_key(actor.tenant_id, found.key_id)
        return found.media_type, photo_key.open_bytes(_bound(order_id, found.act_key), found.nonce, found.content)
    except KeyUnreadableError as error:
        raise Problem("photo-unreadable") from error
