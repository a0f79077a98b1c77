# SPDX-License-Identifier: Apache-2.0
"""What collection tasks ask of the store."""

from collections.abc import Sequence
from typing import Protocol

from openmains.app.readings.tasks.model import CollectionTask, NewTask
from openmains.domain.ids import ProductId, TaskId, UserId
from openmains.domain.readings.expected import Modes
from openmains.domain.readings.tasks import Level, Task


class TaskStore(Protocol):
    async def page(self, limit: int, after: int | None, *, ended: bool, today: int) -> list[CollectionTask]:
        """By number, newest first; ``ended``: those that are over, too."""

    async def get(self, task_id: TaskId, today: int) -> CollectionTask | None: ...
    async def lock(self) -> None:
        """Nobody else sets tasks of this tenant until the transaction ends."""

    async def of_target(self, level: Level, target: int | None) -> list[Task]:
        """Of one target, ended ones too."""

    async def names(self, tasks: Sequence[TaskId]) -> dict[int, str]:
        """What the targets of these tasks are called."""

    async def wanting_modes(self) -> list[Task]:
        """All that say how often is to be reported, ended ones too."""

    async def product_modes(self) -> dict[ProductId, Modes]:
        """How meters of each product report where neither they nor a task say it."""

    async def own_meters(self) -> int:
        """How many meters have a task of their own."""

    async def add(self, wanted: NewTask, first: int, last: int | None, user_id: UserId) -> TaskId: ...
    async def end(self, task_id: TaskId, last: int) -> None:
        """It holds on ``last`` for the last time; one that would then hold on no day is removed."""
