# SPDX-License-Identifier: Apache-2.0
"""What alarms ask of the store."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from openmains.app.alarm.model import (
    Alarm,
    AlarmCounts,
    AlarmDelays,
    AlarmGroup,
    AlarmHistoryEntry,
    AlarmMute,
    AlarmPlace,
    AlarmSort,
    AlarmStatus,
    QuantityLimit,
    Severity,
)
from openmains.domain.alarm.life import AlarmNews, AlarmStep
from openmains.domain.alarm.limits import Side
from openmains.domain.ids import AlarmId, AreaId, GroupId, MeterId, MuteId, ProductId, UserId


class AlarmStore(Protocol):
    """Alarms and groups within one tenant's transaction. Steps are asked of the table (``domain/alarm/life.py``) before."""

    async def page(
        self,
        limit: int,
        after: tuple[int, Severity] | None,
        *,
        status: AlarmStatus | None,
        severity: Severity | None,
        event: str | None,
        meter_id: MeterId | None,
        area_id: AreaId | None,
        group_id: GroupId | None = None,
        alone: bool = False,
        sort: AlarmSort = "-received",
    ) -> list[Alarm]:
        """``alone``: only those that are in no group and not muted. ``after``: number and grade of the last that was shown."""

    async def counts(
        self,
        now_us: int,
        *,
        severity: Severity | None,
        event: str | None,
        meter_id: MeterId | None,
        area_id: AreaId | None,
    ) -> AlarmCounts: ...
    async def read(self, alarm_id: AlarmId) -> Alarm | None:
        """As it is; waits for nobody."""

    async def get(self, alarm_id: AlarmId) -> Alarm | None:
        """Locked until the transaction ends; so is its group."""

    async def step(self, alarm_id: AlarmId, step: AlarmStep, user_id: UserId | None, now_us: int, to: str = "") -> bool:
        """Whether its group, which was over, is open again with it. ``user_id`` None: the platform. Raises ``alarm-open-again``."""

    async def has_open(self, alarm: Alarm) -> bool:
        """Whether another alarm about the same is open at its meter or node."""

    async def shown(
        self, alarm_ids: Sequence[AlarmId], groups: Mapping[GroupId, int], user_id: UserId, now_us: int
    ) -> tuple[dict[AlarmId, bool], list[GroupId], int]:
        """Alarms, and groups as they were at a version, are before a person's eyes. Returns the alarms that stand alone, with whether they
        are muted, and the groups that nobody had been shown before, and how many alarms that are with the groups' members."""

    async def say(
        self,
        news: AlarmNews,
        alarm_id: AlarmId | None,
        group_id: GroupId | None,
        user_id: UserId | None,
        now_us: int,
        why: str,
        *,
        is_quiet: bool = False,
    ) -> None:
        """A row of ``alarm_event``; ``is_quiet``: history only, told to nobody."""

    async def history(self, alarm_id: AlarmId | None, group_id: GroupId | None) -> list[AlarmHistoryEntry]:
        """Oldest first; of an alarm its group's too."""

    async def groups(
        self, limit: int, after: int | None, *, status: AlarmStatus | None, event: str | None
    ) -> list[AlarmGroup]: ...
    async def read_group(self, group_id: GroupId) -> AlarmGroup | None:
        """As it is, with its counts; waits for nobody."""

    async def group(self, group_id: GroupId) -> AlarmGroup | None:
        """The same, locked until the transaction ends."""

    async def step_group(
        self, group_id: GroupId, step: AlarmStep, user_id: UserId | None, now_us: int, to: str = ""
    ) -> None:
        """The group and those of its members that can take the step."""

    async def places(self, group_id: GroupId) -> list[AlarmPlace]: ...
    async def delays(self, hours: int, now_us: int) -> AlarmDelays: ...


class MuteStore(Protocol):
    """Mutes within one tenant's transaction."""

    async def page(self, limit: int, after: int | None, *, standing_us: int | None) -> list[AlarmMute]:
        """``standing_us``: only those that hold then."""

    async def get(self, mute_id: MuteId) -> AlarmMute | None: ...
    async def add(
        self,
        area_id: AreaId | None,
        meter_id: MeterId | None,
        event: str | None,
        reason: str,
        from_us: int,
        until_us: int,
        user_id: UserId,
    ) -> MuteId: ...
    async def end(self, mute_id: MuteId, user_id: UserId, now_us: int) -> None: ...
    async def reaches(self, area_id: AreaId | None, meter_id: MeterId | None) -> bool:
        """Whether there is such an area or meter."""


class LimitStore(Protocol):
    """Limits of quantities. Setting them ends the open alarms of what is watched no more."""

    async def of_product(self, product_id: ProductId) -> list[QuantityLimit]: ...
    async def of_device(self, meter_id: MeterId) -> list[QuantityLimit]:
        """Its own only."""

    async def beyond(self, meter_ids: Sequence[MeterId]) -> dict[int, dict[str, Side]]:
        """By device the quantities that stand outside their limits, and on which side."""

    async def set_of_product(self, product_id: ProductId, limits: Sequence[QuantityLimit], now_us: int) -> None: ...
    async def set_of_device(self, meter_id: MeterId, limits: Sequence[QuantityLimit], now_us: int) -> None: ...
