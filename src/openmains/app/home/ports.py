# SPDX-License-Identifier: Apache-2.0
"""What the first page asks of the store."""

from collections.abc import Collection
from typing import Protocol

from openmains.app.home.model import FirstSteps, MeterEvent, MeterTotals, Queue, WorkWaiting
from openmains.domain.ids import MeterId, UserId


class HomeStore(Protocol):
    async def meters(self, now_us: int) -> list[MeterTotals]:
        """Meters in use by medium. It reads the whole registry."""

    async def waiting(self, user_id: UserId, queues: Collection[Queue], most: int) -> list[WorkWaiting]:
        """How much waits in each of these queues for this person, counted up to ``most``; without those that are empty."""

    async def timeline(
        self, meter_id: MeterId, before: tuple[int, str, int] | None, limit: int, *, has_trail: bool
    ) -> list[MeterEvent]:
        """What happened to a meter, newest first, those before (instant in µs, kind, reference); ``has_trail``: with what persons did to
        its record."""

    async def closed_for_safety(self) -> int:
        """Meters whose safety closing stands."""

    async def first_steps(self) -> FirstSteps:
        """As the tables are now; for a utility that heard no meter yet, and has little in them."""
