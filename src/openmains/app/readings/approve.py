# SPDX-License-Identifier: Apache-2.0
"""The second person's word on an edit that is more than one may set: approve it, or reject it, with a reason.

What was wanted is looked at again on the day as it is now, within the same bounds, before it goes into the stream. Whoever
wanted it may take it back (reject it), never approve it.
"""

from openmains.app.fleet.driver_catalog import DriverCatalog
from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.ingest.ports import UplinkReplay
from openmains.app.problems import Problem
from openmains.app.readings.editable import editable_day
from openmains.app.readings.edits import edit_uplink
from openmains.app.readings.model import EditState, ReadingEdit
from openmains.app.readings.ports import EditStore, ExceptionStore, ReadingStore
from openmains.app.readings.resolve import edit_of
from openmains.app.readings.undo import as_wanted, judge_by_undo, undo_of, version_before
from openmains.app.unit_of_work import Store, Work
from openmains.domain.ids import EditId


async def approve_edit(
    store: Store,
    readings: ReadingStore,
    stream: UplinkReplay,
    drivers: DriverCatalog,
    actor: Actor,
    edit_id: EditId,
    reason: str,
    now_us: int,
) -> ReadingEdit:
    """The edit or undo, applied; the finding behind it is judged.

    :raises Problem: ``not-found``, ``already-done``, ``own-edit``, ``invalid-input`` without a reason; as ``edit_reading``
        and ``undo_edit``, for the day may have changed since.
    """
    async with store.tenant(actor.tenant_id) as work:
        before = await _pending(work, edit_id, reason)
        if before.author_id == actor.user_id:
            raise Problem("own-edit", edit_id=edit_id)
        await work[ExceptionStore].lock(before.exception_id)  # as whoever judges it does first
        day = await editable_day(work, readings, drivers, actor, before.meter_id, before.day, now_us, deciding=True)
        wanted = as_wanted(before, day.day)
        if wanted.undoes is None:
            day.check(wanted.start_s, wanted.end_s, wanted.volume)
            message = edit_of(day, edit_id, wanted, actor.user_id)
            await work[ExceptionStore].judge(before.exception_id, "edited", before.author_id, before.reason)
        else:
            target = await work[EditStore].get(wanted.undoes)
            assert target is not None  # noqa: S101 a row that is referred to is never removed
            earlier = await version_before(readings, actor, day, target)
            message = undo_of(day, edit_id, wanted, earlier, actor.user_id)
            await judge_by_undo(work, target, actor, before.reason)
        await stream.replay([edit_uplink(message, day.meter_id, actor.tenant_id, day.facts.product_id, now_us)])
        return await _decided(work, actor, before, "approve_edit", reason, now_us)


async def reject_edit(store: Store, actor: Actor, edit_id: EditId, reason: str, now_us: int) -> ReadingEdit:
    """The edit or undo, rejected: nothing changes. Raises ``not-found``, ``already-done``, ``invalid-input`` without a reason."""
    async with store.tenant(actor.tenant_id) as work:
        before = await _pending(work, edit_id, reason)
        return await _decided(work, actor, before, "reject_edit", reason, now_us)


async def _pending(work: Work, edit_id: EditId, reason: str) -> ReadingEdit:
    if not reason.strip():
        raise Problem("invalid-input", fields=(("/reason", "required"),))
    found = await work[EditStore].lock(edit_id)
    if found is None:
        raise Problem("not-found")
    if found.state != "pending":
        raise Problem("already-done", state=found.state)
    return found


async def _decided(work: Work, actor: Actor, before: ReadingEdit, action: str, reason: str, now_us: int) -> ReadingEdit:
    state: EditState = "applied" if action == "approve_edit" else "rejected"
    await work[EditStore].decide(before.edit_id, state, actor.user_id, reason, now_us)
    after = await work[EditStore].get(before.edit_id)
    assert after is not None  # noqa: S101 read in this transaction
    await work[AuditTrail].record(actor, action, "reading_edit", before.edit_id, before, after)
    return after
