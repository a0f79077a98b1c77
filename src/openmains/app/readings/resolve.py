# SPDX-License-Identifier: Apache-2.0
"""A person's judgement of a suspicious reading: it is right, or the estimate in its place stays, or the person knows better.

The first two touch no reading: what validation stored stays stored, and the judgement says who takes it for right. An
edit is a new version of the day, made by the pipeline from a message of the stream (``app.readings.edits``): nothing
is overwritten (ADR 0014), and no later message or replay of the meter takes its place. What is more than one person may
set waits for another (``approve.py``), and can be taken back (``undo.py``).
"""

from dataclasses import dataclass
from typing import Literal

import msgspec

from openmains.app.fleet.driver_catalog import DriverCatalog
from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.ingest.ports import UplinkReplay
from openmains.app.problems import Problem
from openmains.app.readings.editable import EditDay, editable_day
from openmains.app.readings.edits import Edit, edit_uplink
from openmains.app.readings.held import NUMBER_RULE
from openmains.app.readings.model import ExceptionStatus, NewEdit, ReadingException
from openmains.app.readings.ports import EditStore, ExceptionStore, ReadingStore
from openmains.app.unit_of_work import Store
from openmains.domain.ids import EditId, ExceptionId

Verdict = Literal["accept", "keep_estimate", "edit", "reject"]
Untouching = Literal["accept", "keep_estimate"]
_STATUS: dict[Untouching, ExceptionStatus] = {"accept": "accepted", "keep_estimate": "estimated"}


@dataclass(frozen=True, slots=True)
class Correction:
    """The volume (≥ 0, the product's unit) that passed in [start, end); None: from, to the end of, the finding's day."""

    volume: int
    start: int | None = None
    end: int | None = None


async def judge_exception(
    store: Store, actor: Actor, exception_id: ExceptionId, verdict: Untouching, reason: str
) -> ReadingException:
    """The judged exception; Problem ``not-found``, ``already-done`` when it was judged before, ``edit-waits``."""
    async with store.tenant(actor.tenant_id) as work:
        before = _about_a_value(await work[ExceptionStore].lock(exception_id))
        if before.pending_edit is not None:
            raise Problem("edit-waits", edit_id=before.pending_edit, day=before.day)
        await work[ExceptionStore].judge(exception_id, _STATUS[verdict], actor.user_id, reason)
        after = await work[ExceptionStore].get(exception_id)
        assert after is not None  # noqa: S101 read in this transaction
        await work[AuditTrail].record(actor, "judge_exception", "reading_exception", exception_id, before, after)
    return after


async def edit_reading(
    store: Store,
    readings: ReadingStore,
    stream: UplinkReplay,
    drivers: DriverCatalog,
    actor: Actor,
    exception_id: ExceptionId,
    correction: Correction,
    reason: str,
    now_us: int,
) -> ReadingException:
    """Set the use of the finding's day, or of slots of it, and judge the finding by that – or ask a second person.

    The exception is marked in the transaction that holds its row, after the stream has the edit on disk: a crash in
    between leaves it open, and judging it once more sets the same value again. While a second person is needed it stays
    open, with ``pending_edit``.

    :raises Problem: as ``judge_exception`` and ``editable_day``; ``invalid-input``; ``edit-over-bound``.
    """
    async with store.tenant(actor.tenant_id) as work:
        before = _about_a_value(await work[ExceptionStore].lock(exception_id))
        if not reason.strip():
            raise Problem("invalid-input", fields=(("/reason", "required"),))
        day = await editable_day(work, readings, drivers, actor, before.meter_id, before.day, now_us)
        start = day.opens if correction.start is None else correction.start
        end = day.ends if correction.end is None else correction.end
        first, count = day.slots(start, end)
        bounds = day.check(start, end, correction.volume)
        was = sum(day.row.increments[first : first + count])
        wanted = NewEdit(
            before.meter_id,
            day.day,
            exception_id,
            None,
            start,
            end,
            correction.volume,
            was,
            bounds.alone,
            reason,
            actor.user_id,
            now_us,
        )
        alone = max(correction.volume, abs(correction.volume - was) + day.changed()) <= bounds.alone
        edit_id = await work[EditStore].add(wanted, "applied" if alone else "pending")
        if alone:
            edit = edit_of(day, edit_id, wanted)
            await stream.replay([edit_uplink(edit, day.meter_id, actor.tenant_id, day.facts.product_id, now_us)])
            await work[ExceptionStore].judge(exception_id, "edited", actor.user_id, reason)
        after = await work[ExceptionStore].get(exception_id)
        assert after is not None  # noqa: S101 read in this transaction
        await work[AuditTrail].record(
            actor,
            "edit_reading" if alone else "propose_edit",
            "reading_exception",
            exception_id,
            msgspec.to_builtins(before) | {"volume": was},
            msgspec.to_builtins(after)
            | {"volume": correction.volume, "edit_id": edit_id, "start": start, "end": end, "reason": reason},
        )
    return after


def edit_of(day: EditDay, edit_id: EditId, wanted: NewEdit, approved_by: int = 0) -> Edit:
    """The message that sets the volume on the day as it is stored now."""
    first, count = day.slots(wanted.start_s, wanted.end_s)
    return Edit(
        exception_id=wanted.exception_id,
        user_id=wanted.author_id,
        day=day.day,
        base=day.row.base,
        interval_s=day.row.interval_s,
        slots=len(day.row.increments),
        first=first,
        count=count,
        volume=wanted.volume,
        received_s=day.row.received_s,
        edit_id=edit_id,
        approved_by=approved_by,
        reason=wanted.reason,
    )


def _about_a_value(found: ReadingException | None) -> ReadingException:
    """It is open, and not about held messages (``held.py``)."""
    if found is None:
        raise Problem("not-found")
    if found.rule == NUMBER_RULE:
        raise Problem("invalid-input", fields=(("/verdict", "not-accepted"),))
    if found.status != "open":
        raise Problem("already-done", state=found.status)
    return found
