# SPDX-License-Identifier: Apache-2.0
"""A person's judgement of a suspicious reading: it is right, or the estimate in its place stays, or the person knows better.

The first two touch no reading: what validation stored stays stored, and the judgement says who takes it for right. An
edit is a new version of the day, made by the pipeline from a message of the stream (``app.readings.edits``): nothing
is overwritten, and no later message or replay of the meter takes its place.
"""

from dataclasses import dataclass
from datetime import date
from typing import Literal

import msgspec

from openmains.app.fleet.ports import MeterStore
from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.ingest.ports import UplinkReplay
from openmains.app.problems import Problem
from openmains.app.readings.edits import Edit, edit_uplink
from openmains.app.readings.held import NUMBER_RULE
from openmains.app.readings.model import ExceptionStatus, ReadingException
from openmains.app.readings.ports import ExceptionStore, ReadingStore
from openmains.app.unit_of_work import Store
from openmains.domain.ids import ExceptionId
from openmains.domain.period import date_to_day, zone
from openmains.domain.readings.edit import MOST_VOLUME, slots_of

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
    """The judged exception; Problem ``not-found``, or ``already-done`` when it was judged before."""
    async with store.tenant(actor.tenant_id) as work:
        before = _about_a_value(await work[ExceptionStore].get(exception_id))
        await work[ExceptionStore].judge(exception_id, _STATUS[verdict], actor.user_id, reason)
        after = await work[ExceptionStore].get(exception_id)
        assert after is not None  # noqa: S101 read in this transaction
        await work[AuditTrail].record(actor, "judge_exception", "reading_exception", exception_id, before, after)
    return after


async def edit_reading(
    store: Store,
    readings: ReadingStore,
    stream: UplinkReplay,
    actor: Actor,
    exception_id: ExceptionId,
    correction: Correction,
    reason: str,
    now_us: int,
) -> ReadingException:
    """Set the use of the finding's day, or of slots of it, and judge the finding by that.

    The exception is marked in the transaction that holds its row, after the stream has the edit on disk: a crash in
    between leaves it open, and judging it once more sets the same value again.

    :raises Problem: as ``judge_exception``; ``day-open`` while the day is not complete; ``invalid-input``.
    """
    async with store.tenant(actor.tenant_id) as work:
        before = _about_a_value(await work[ExceptionStore].get(exception_id))
        meter = await work[MeterStore].get(before.meter_id)
        if meter is None:
            raise Problem("not-found")
        settled = await work[ExceptionStore].settled_until(before.meter_id)
        edit, was = await _edit(readings, actor, before, correction, reason, settled)
        await stream.replay([edit_uplink(edit, before.meter_id, actor.tenant_id, meter.product_id, now_us)])
        await work[ExceptionStore].judge(exception_id, "edited", actor.user_id, reason)
        after = await work[ExceptionStore].get(exception_id)
        assert after is not None  # noqa: S101 read in this transaction
        await work[AuditTrail].record(
            actor,
            "edit_reading",
            "reading_exception",
            exception_id,
            msgspec.to_builtins(before) | {"volume": was},
            msgspec.to_builtins(after) | {"volume": edit.volume, "edit": msgspec.to_builtins(edit)},
        )
    return after


def _about_a_value(found: ReadingException | None) -> ReadingException:
    """It is open, and not about held messages (``held.py``)."""
    if found is None:
        raise Problem("not-found")
    if found.rule == NUMBER_RULE:
        raise Problem("invalid-input", fields=(("/verdict", "not-accepted"),))
    if found.status != "open":
        raise Problem("already-done", state=found.status)
    return found


async def _edit(
    readings: ReadingStore,
    actor: Actor,
    finding: ReadingException,
    correction: Correction,
    reason: str,
    settled: int | None,
) -> tuple[Edit, int]:
    """The correction on the grid of the day as it is stored, and the volume that stood there."""
    if not reason.strip():
        raise Problem("invalid-input", fields=(("/reason", "required"),))
    if not 0 <= correction.volume <= MOST_VOLUME:
        raise Problem("invalid-input", fields=(("/volume", "out-of-range"),))
    place, day = zone(actor.zone), date_to_day(date.fromisoformat(finding.day))
    opens, ends = place.start_of(day), place.start_of(day + 1)
    if settled is None or settled < ends:
        raise Problem("day-open", day=finding.day)
    stored = await readings.days(actor.tenant_id, finding.meter_id, day, day)
    if not stored:
        raise Problem("day-open", day=finding.day)
    row = stored[0]
    start = opens if correction.start is None else correction.start
    end = ends if correction.end is None else correction.end
    slots = slots_of(start, end, opens, ends, row.interval_s)
    if slots is None:
        raise Problem("invalid-input", fields=(("/start", "out-of-range"), ("/end", "out-of-range")))
    first, count = slots
    edit = Edit(
        exception_id=finding.exception_id,
        user_id=actor.user_id,
        day=day,
        base=row.base,
        interval_s=row.interval_s,
        slots=len(row.increments),
        first=first,
        count=count,
        volume=correction.volume,
        received_s=row.received_s,
    )
    return edit, sum(row.increments[first : first + count])
