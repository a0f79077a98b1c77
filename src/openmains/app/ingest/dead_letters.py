# SPDX-License-Identifier: Apache-2.0
"""Replay dead letters after a driver was mended, or dismiss them."""

from collections.abc import Sequence

from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.identity.reason import stated
from openmains.app.ingest.ports import DeadLetterStore, UplinkReplay
from openmains.app.ingest.uplink import Uplink
from openmains.app.unit_of_work import Store


async def replay_dead_letters(
    store: Store, stream: UplinkReplay, actor: Actor, ids: Sequence[int], now_us: int
) -> list[int]:
    """Put the open ones of these into the stream once more; returns which.

    They are marked in the transaction that holds their rows, after the stream has them on disk: a crash in between
    replays them twice, which the pipeline's de-duplication makes harmless.
    """
    async with store.tenant(actor.tenant_id) as work:
        found = await work[DeadLetterStore].lock_open(ids)
        taken = [letter.dead_letter_id for letter in found]
        await stream.replay(
            [
                Uplink(
                    meter_id=letter.meter_id,
                    tenant_id=actor.tenant_id,
                    product_id=letter.product_id,
                    channel=letter.channel,
                    path=letter.path,
                    received_us=round(letter.received_at.timestamp() * 1_000_000),
                    payload=bytes.fromhex(letter.payload_hex),
                    replayed_by=actor.user_id,
                    replayed_us=now_us,
                )
                for letter in found
            ]
        )
        await work[DeadLetterStore].mark(taken, "replayed", actor.user_id)
        for dead_letter_id in taken:
            await work[AuditTrail].record(
                actor, "replay", "dead_letter", dead_letter_id, {"status": "open"}, {"status": "replayed"}
            )
    return taken


async def dismiss_dead_letters(store: Store, actor: Actor, ids: Sequence[int], reason: str) -> list[int]:
    """Mark the open ones of these as not to be used; returns which. Raises ``reason-needed``: what they say is in no report."""
    async with store.tenant(actor.tenant_id) as work:
        taken = [letter.dead_letter_id for letter in await work[DeadLetterStore].lock_open(ids)]
        if taken:
            reason = stated(reason)
        await work[DeadLetterStore].mark(taken, "dismissed", actor.user_id)
        for dead_letter_id in taken:
            await work[AuditTrail].record(
                actor,
                "dismiss",
                "dead_letter",
                dead_letter_id,
                {"status": "open"},
                {"status": "dismissed"},
                reason=reason,
            )
    return taken
