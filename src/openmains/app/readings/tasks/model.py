# SPDX-License-Identifier: Apache-2.0
"""Collection tasks as the API tells and takes them."""

from datetime import date, datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from openmains.app.fleet.model import AreaRef, MeterRef, ProductRef, ReportMode
from openmains.domain.ids import AreaId, MeterId, ProductId, TaskId, UserId
from openmains.domain.readings.tasks import Frequency, Level, Need, Remedy

RereadsAMonth = Annotated[int, Meta(ge=0, le=60)]
Part = Literal["frequency", "need", "remedy", "rereads_a_month", "quantities"]


class CollectionTask(Struct, frozen=True):
    """What one level wants read (``domain/readings/tasks.py``). ``name``: of what ``level`` names, '' for the company; a part that is
    null is as the level above has it. ``last_day`` null: until another takes over. ``in_force``: today. ``resumes_id``, in the
    answer to setting one with a last day: the task that goes on after it, as the one whose place it takes; else null."""

    task_id: TaskId
    level: Level
    area_id: AreaId | None
    product_id: ProductId | None
    meter_id: MeterId | None
    name: str
    first_day: date
    last_day: date | None
    in_force: bool
    frequency: Frequency | None
    need: Need | None
    remedy: Remedy | None
    rereads_a_month: int | None
    quantities: list[str] | None
    made_by: UserId
    author: str
    made_at: datetime
    resumes_id: TaskId | None = None


class NewTask(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A task to set; it takes over from the target's present one, which goes on after ``last_day`` where one is said.
    ``first_day``: today without it. At least one part is said."""

    level: Level
    area_id: AreaRef | None = None
    product_id: ProductRef | None = None
    meter_id: MeterRef | None = None
    first_day: date | None = None
    last_day: date | None = None
    frequency: Frequency | None = None
    need: Need | None = None
    remedy: Remedy | None = None
    rereads_a_month: RereadsAMonth | None = None
    quantities: Annotated[list[Annotated[str, Meta(max_length=64)]], Meta(max_length=40)] | None = None
    reason: Annotated[str, Meta(max_length=400)] = ""

    @property
    def target(self) -> int | None:
        """Id of what the level names; None for the company."""
        return {
            Level.COMPANY: None,
            Level.AREA: self.area_id,
            Level.PRODUCT: self.product_id,
            Level.METER: self.meter_id,
        }[self.level]


class PartSource(Struct, frozen=True):
    """Which task says a part of a meter's task."""

    part: Part
    task_id: TaskId
    level: Level
    name: str


class MeterTask(Struct, frozen=True):
    """A meter's task as it is put together for a day, and where each part comes from; a part without a source is as no task says.

    ``mode`` is in force and tells when the day is due; ``mode_from``: who says so, the meter itself before all tasks. ``differs``: the
    meter reports otherwise than its task wants; a command that sets its report period ends that.
    """

    meter_id: MeterId
    day: date
    due_at: datetime
    mode: ReportMode
    mode_from: Literal["meter", "task", "product"]
    differs: bool
    frequency: Frequency | None
    need: Need
    remedy: Remedy
    rereads_a_month: int
    quantities: list[str]
    sources: list[PartSource]
