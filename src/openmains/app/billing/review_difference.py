# SPDX-License-Identifier: Apache-2.0
"""What a person made of a difference between a meter's balance and what it should be. It is noted, once for a version; no money moves: that is
the ledger's acts' (``app/ledger/acts.py``), or a top-up's."""

from openmains.app.billing.mirror_model import ReviewVerdict
from openmains.app.billing.mirror_ports import MirrorStore
from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.identity.reason import stated
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store


async def review_difference(
    store: Store, actor: Actor, mirrored_id: int, verdict: ReviewVerdict, reason: str, now_us: int
) -> None:
    """Raises ``reason-needed``, ``not-found``, ``already-done``: somebody was first, or a newer version stands."""
    why = stated(reason)
    async with store.tenant(actor.tenant_id) as work:
        mirror = work[MirrorStore]
        found = await mirror.found(mirrored_id)
        if found is None:
            raise Problem("not-found")
        if found.superseded:
            raise Problem("already-done", state="superseded")
        if found.is_reviewed or not await mirror.review(
            mirrored_id, found.meter_id, verdict, why, actor.user_id, now_us
        ):
            raise Problem("already-done", state="reviewed")
        after = {"meter_id": found.meter_id, "verdict": verdict.value}
        await work[AuditTrail].record(actor, "review_difference", "mirrored_day", mirrored_id, None, after, reason=why)
