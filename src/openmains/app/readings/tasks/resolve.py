# SPDX-License-Identifier: Apache-2.0
"""A meter's task for a day, and where each part of it comes from."""

from openmains.app.fleet.ports import MeterStore
from openmains.app.identity.model import Actor
from openmains.app.problems import Problem
from openmains.app.readings.tasks.model import MeterTask, PartSource
from openmains.app.readings.tasks.ports import TaskStore
from openmains.app.unit_of_work import Store
from openmains.domain.ids import MeterId
from openmains.domain.period import day_to_date, utc, zone
from openmains.domain.readings.expected import due_at
from openmains.domain.readings.tasks import PARTS, wanted_on


async def task_of_meter(store: Store, actor: Actor, meter_id: MeterId, day: int) -> MeterTask:
    """Raises ``not-found``."""
    async with store.tenant(actor.tenant_id) as work:
        expected = await work[MeterStore].expectation(meter_id)
        if expected is None:
            raise Problem("not-found")
        wanted = wanted_on(await work[MeterStore].task_chain(meter_id), day)
        names = await work[TaskStore].names([task.task_id for task in wanted.sources.values()])
    own, mode = expected.own.on(day), expected.mode_on(day)
    asked = None if wanted.frequency is None else wanted.frequency.mode
    return MeterTask(
        meter_id=meter_id,
        day=day_to_date(day),
        due_at=utc(due_at(day, mode, zone(actor.zone))),
        mode=mode.value,
        mode_from="meter" if own is not None else "task" if asked is not None else "product",
        differs=asked is not None and mode is not asked,
        frequency=wanted.frequency,
        need=wanted.need,
        remedy=wanted.remedy,
        rereads_a_month=wanted.rereads_a_month,
        quantities=list(wanted.quantities),
        sources=[
            PartSource(part, task.task_id, task.level, names.get(task.task_id, ""))
            for part in PARTS
            if (task := wanted.sources.get(part)) is not None
        ],
    )
