# SPDX-License-Identifier: Apache-2.0
"""Set a collection task, and end one (R4.7). A task that began is never changed: what was due on a past day stays as it was."""

from collections.abc import Sequence
from typing import Any

from msgspec import structs

from openmains.app.fleet.ports import AreaStore, MeterStore, ProductStore
from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.identity.reason import stated
from openmains.app.problems import Problem
from openmains.app.readings.tasks.model import CollectionTask, NewTask
from openmains.app.readings.tasks.ports import TaskStore
from openmains.app.unit_of_work import Store, Work
from openmains.domain.ids import AreaId, MeterId, ProductId, TaskId
from openmains.domain.period import date_to_day, day_text, zone
from openmains.domain.readings.tasks import PARTS, Level, Task, overlapping
from openmains.drivers.points import vocabulary

MOST_METERS = 5_000  # with a task of their own: more are an area or a product
LONGEST_AHEAD_DAYS = 2 * 366
_FIELDS = {Level.AREA: "area_id", Level.PRODUCT: "product_id", Level.METER: "meter_id"}


async def set_task(store: Store, actor: Actor, wanted: NewTask, now_s: int) -> CollectionTask:
    """The target's present task ends the day before; one of the same first day makes way. Where the new one has a last day, what it
    takes the place of goes on after it, as a task of its own (``resumes_id``).

    Raises ``invalid-input``, ``reason-needed``, ``tasks-overlap`` where one is planned that begins later, ``too-many-tasks``.
    """
    today = zone(actor.zone).day_of(now_s)
    first = today if wanted.first_day is None else date_to_day(wanted.first_day)
    last = None if wanted.last_day is None else date_to_day(wanted.last_day)
    async with store.tenant(actor.tenant_id) as work:
        await _check(work, wanted, first, last, today)
        reason = stated(wanted.reason)
        tasks = work[TaskStore]
        await tasks.lock()
        known = await tasks.of_target(wanted.level, wanted.target)
        if wanted.level is Level.METER and not known and await tasks.own_meters() >= MOST_METERS:
            raise Problem("too-many-tasks", most=MOST_METERS)
        resumes: TaskId | None = None
        for task in overlapping(known, first, last):
            if task.first > first:
                raise Problem("tasks-overlap", first=day_text(task.first))
            await tasks.end(task.task_id, first - 1)
            if last is not None and (task.last is None or last < task.last):
                resumes = await tasks.add(_again(wanted, task), last + 1, task.last, actor.user_id)
        task_id = await tasks.add(wanted, first, last, actor.user_id)
        made = await tasks.get(task_id, today)
        assert made is not None  # noqa: S101 added just now
        await work[AuditTrail].record(actor, "set_task", "collection_task", task_id, None, _told(made), reason=reason)
        if resumes is not None:
            later = await tasks.get(resumes, today)
            assert later is not None  # noqa: S101 added just now
            await work[AuditTrail].record(
                actor, "set_task", "collection_task", resumes, None, _told(later), reason=reason
            )
        return structs.replace(made, resumes_id=resumes)


def _again(wanted: NewTask, task: Task) -> NewTask:
    """The same target with what an earlier task of it says."""
    return structs.replace(
        wanted,
        frequency=task.frequency,
        need=task.need,
        remedy=task.remedy,
        rereads_a_month=task.rereads_a_month,
        quantities=None if task.quantities is None else list(task.quantities),
    )


async def end_task(store: Store, actor: Actor, task_id: TaskId, now_s: int, reason: str) -> None:
    """It held until yesterday; one that has not held on a whole day yet is removed. Raises ``not-found``, ``task-over``."""
    today = zone(actor.zone).day_of(now_s)
    async with store.tenant(actor.tenant_id) as work:
        await work[TaskStore].lock()
        task = await work[TaskStore].get(task_id, today)
        if task is None:
            raise Problem("not-found")
        if task.last_day is not None and date_to_day(task.last_day) < today:
            raise Problem("task-over")
        reason = stated(reason)
        await work[TaskStore].end(task_id, today - 1)
        await work[AuditTrail].record(actor, "end_task", "collection_task", task_id, _told(task), None, reason=reason)


def _told(task: CollectionTask) -> dict[str, Any]:
    said = structs.asdict(task)
    return {name: said[name] for name in ("level", "name", "first_day", "last_day", *PARTS) if said[name] is not None}


async def _check(work: Work, wanted: NewTask, first: int, last: int | None, today: int) -> None:
    faults: list[tuple[str, str]] = []
    for level, field in _FIELDS.items():
        said = getattr(wanted, field)
        if level is wanted.level and said is None:
            faults.append((f"/{field}", "required"))
        if level is not wanted.level and said is not None:
            faults.append((f"/{field}", "not-of-this-level"))
    if all(getattr(wanted, part) is None for part in PARTS):
        faults.append(("/frequency", "says-nothing"))
    if first < today:
        faults.append(("/first_day", "in-the-past"))
    elif first > today + LONGEST_AHEAD_DAYS:
        faults.append(("/first_day", "out-of-range"))
    if last is not None and last < first:
        faults.append(("/last_day", "before-the-first"))
    faults += _unknown_quantities(wanted.quantities or ())
    if not faults and not await _is_there(work, wanted):
        faults.append((f"/{_FIELDS[wanted.level]}", "unknown-reference"))
    if faults:
        raise Problem("invalid-input", fields=tuple(faults))


def _unknown_quantities(names: Sequence[str]) -> list[tuple[str, str]]:
    known = vocabulary().quantities
    return [
        (f"/quantities/{place}", "not-accepted" if name not in known else "twice")
        for place, name in enumerate(names)
        if name not in known or name in names[:place]
    ]


async def _is_there(work: Work, wanted: NewTask) -> bool:
    """Foreign keys do not see tenants, so that the target is looked up as the tenant."""
    if wanted.level is Level.AREA:
        return await work[AreaStore].get(AreaId(wanted.area_id or 0)) is not None
    if wanted.level is Level.PRODUCT:
        return await work[ProductStore].get(ProductId(wanted.product_id or 0)) is not None
    if wanted.level is Level.METER:
        meter = await work[MeterStore].get(MeterId(wanted.meter_id or 0))
        return meter is not None and meter.removed_on is None
    return True
