# SPDX-License-Identifier: Apache-2.0
"""Take an edit back: its slots become what the version before it held, value and quality, as a new version (ADR 0014).

An undo is an edit like any other – a message of the stream, a row, a line of the trail, a second person where it changes the
day by more than one may – so it can be undone itself. Of edits that lie over each other the newest goes first.
"""

from openmains.app.fleet.driver_catalog import DriverCatalog
from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.ingest.ports import UplinkReplay
from openmains.app.problems import Problem
from openmains.app.readings.editable import EditDay, editable_day
from openmains.app.readings.edits import Edit, edit_uplink
from openmains.app.readings.model import NewEdit, ReadingEdit, StoredDay
from openmains.app.readings.ports import EditStore, ExceptionStore, ReadingStore
from openmains.app.unit_of_work import Store, Work
from openmains.domain.ids import EditId


async def undo_edit(
    store: Store,
    readings: ReadingStore,
    stream: UplinkReplay,
    drivers: DriverCatalog,
    actor: Actor,
    edit_id: EditId,
    reason: str,
    now_us: int,
) -> ReadingEdit:
    """The undo, ``applied`` or ``pending``; the finding behind an undone edit waits for a judgement again.

    :raises Problem: ``not-found``; ``already-done`` for what was never applied; ``invalid-input`` without a reason;
        ``edit-not-newest``; ``version-gone``; as ``editable_day``.
    """
    if not reason.strip():
        raise Problem("invalid-input", fields=(("/reason", "required"),))
    async with store.tenant(actor.tenant_id) as work:
        target = await work[EditStore].get(edit_id)
        if target is None:
            raise Problem("not-found")
        await work[ExceptionStore].lock(target.exception_id)  # as whoever judges it does first
        day = await editable_day(work, readings, drivers, actor, target.meter_id, target.day, now_us)
        start, end = int(target.start.timestamp()), int(target.end.timestamp())
        before = await version_before(readings, actor, day, target)
        first, count = day.slots(start, end)
        was = sum(day.row.increments[first : first + count])
        first, count = day.slots(start, end, before)
        volume = sum(before.increments[first : first + count])
        alone = day.bounds(start, end).alone
        wanted = NewEdit(
            target.meter_id,
            day.day,
            target.exception_id,
            edit_id,
            start,
            end,
            volume,
            was,
            alone,
            reason,
            actor.user_id,
            now_us,
        )
        at_once = abs(volume - was) <= alone
        undo_id = await work[EditStore].add(wanted, "applied" if at_once else "pending")
        if at_once:
            undo = undo_of(day, undo_id, wanted, before)
            await stream.replay([edit_uplink(undo, day.meter_id, actor.tenant_id, day.facts.product_id, now_us)])
            await judge_by_undo(work, target, actor, reason)
        made = await work[EditStore].get(undo_id)
        assert made is not None  # noqa: S101 added in this transaction
        await work[AuditTrail].record(
            actor, "undo_edit" if at_once else "propose_undo", "reading_edit", edit_id, target, made
        )
    return made


async def version_before(readings: ReadingStore, actor: Actor, day: EditDay, target: ReadingEdit) -> StoredDay:
    """The version that the edit took the place of. Raises ``already-done``, ``edit-not-newest``, ``version-gone``.

    A message that was sent, and whose transaction was lost in a crash, left a version that no row of ours knows: it was
    part of the same wish, and what was before it is what was before the edit.
    """
    if target.state != "applied":
        raise Problem("already-done", state=target.state)
    over = [e for e in day.edits if e.edit_id > target.edit_id and e.start < target.end and e.end > target.start]
    if over:
        raise Problem("edit-not-newest", edit_id=target.edit_id, newer=over[0].edit_id)
    known = {edit.edit_id for edit in day.edits}
    versions = await readings.superseded(actor.tenant_id, day.meter_id, day.day, day.day)
    made_by = {cause.version: cause.edit_id for cause in day.causes}
    own = [version for version, by in made_by.items() if by == target.edit_id]
    earlier = [
        version
        for version in versions
        if own and version.version < min(own) and made_by.get(version.version, 0) in {0, *known}
    ]
    if not earlier:
        raise Problem("version-gone", edit_id=target.edit_id, day=target.day)
    return earlier[-1]


def undo_of(day: EditDay, undo_id: EditId, wanted: NewEdit, before: StoredDay, approved_by: int = 0) -> Edit:
    """The message that puts back what ``before`` held."""
    first, count = day.slots(wanted.start_s, wanted.end_s, before)
    return Edit(
        exception_id=wanted.exception_id,
        user_id=wanted.author_id,
        day=day.day,
        base=before.base,
        interval_s=before.interval_s,
        slots=len(before.increments),
        first=first,
        count=count,
        volume=wanted.volume,
        received_s=day.row.received_s,
        edit_id=undo_id,
        approved_by=approved_by,
        reason=wanted.reason,
        increments=before.increments[first : first + count],
        quality=before.quality[first : first + count],
    )


async def judge_by_undo(work: Work, target: ReadingEdit, actor: Actor, reason: str) -> None:
    """Without its edit a finding is open again; with an undo undone it is edited again."""
    if target.undoes is None:
        await work[ExceptionStore].reopen(target.exception_id)
    else:
        await work[ExceptionStore].judge(target.exception_id, "edited", actor.user_id, reason)


def as_wanted(edit: ReadingEdit, day: int) -> NewEdit:
    """What was wanted, of a row that waited for a second person."""
    return NewEdit(
        edit.meter_id,
        day,
        edit.exception_id,
        None if edit.undoes is None else EditId(edit.undoes),
        int(edit.start.timestamp()),
        int(edit.end.timestamp()),
        edit.volume,
        edit.old_volume,
        edit.alone,
        edit.reason,
        edit.author_id,
        round(edit.made_at.timestamp() * 1_000_000),
    )
