# SPDX-License-Identifier: Apache-2.0
"""What mirroring asks of the stores."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from openmains.app.billing.changed_days import ChangedDayStore
from openmains.app.billing.mirror_model import MirroredDay, MirroredMeter, ReviewVerdict
from openmains.app.billing.mirroring import GivenTopUp, KeptMirror, Mirrored, NewMirror, ToMirror
from openmains.app.billing.timeline import BalanceReport
from openmains.domain.ids import MeterId, TenantId, UserId
from openmains.domain.period import Zone
from openmains.domain.readings.model import DayRow
from openmains.domain.tariff.mirror import Cause

Registers = Mapping[int, int]
"""Of a meter: litres by instant."""
MirrorMany = Callable[[Sequence[tuple[ToMirror, Registers]]], Awaitable[list[Mirrored]]]
"""``mirror_many`` somewhere: in another process, or in this one."""


class StoredBalance(NamedTuple):
    """A report as it is stored: the register in the unit of its driver."""

    received_us: int
    at: int
    register: int
    balance: int
    kind: int


@dataclass(frozen=True, slots=True)
class DueMeter:
    """A meter to look at. ``settings``: of its product; ``reported``: settings that it said itself."""

    meter_id: MeterId
    driver: str
    settings: Mapping[str, Any]
    reported: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SentPrice:
    """A command ``set_price`` that was sent. ``answered_us`` None: not confirmed; ``answer``: the points that the meter read back."""

    meter_id: int
    params: Mapping[str, Any]
    sent_us: int
    answered_us: int | None
    result: int | None
    answer: Mapping[str, int] | None


@dataclass(frozen=True, slots=True)
class KnownDifference:
    """A version of a day with a difference."""

    meter_id: MeterId
    is_reviewed: bool
    superseded: bool


class BalanceReports(Protocol):
    """Balances and days as meters said them."""

    async def reports(
        self, tenant_id: TenantId, meters: Sequence[MeterId], since_us: int, answers: Sequence[int], place: Zone
    ) -> Mapping[int, list[StoredBalance]]:
        """By meter, in the order of its clock: of those received since an instant the last of each of its days, and those that were received at
        ``answers`` (µs), which are answers to commands."""

    async def days(self, tenant_id: TenantId, keys: Sequence[tuple[int, int]]) -> Mapping[int, list[DayRow]]:
        """Newest versions of these days, (meter, day) each; by meter."""


class MirrorStore(ChangedDayStore, Protocol):
    """Meters that are mirrored, and what was found."""

    async def begin_day(self, today: int) -> None:
        """All are due once a day."""

    async def due(self, after: int, limit: int, *, is_whole: bool) -> list[DueMeter]:
        """By meter; those of which all days that may still change are looked over, or those of which only the last ones are."""

    async def look_whole(self, meter_ids: Sequence[int]) -> None:
        """They stay due, and all their days that may still change are looked over."""

    async def prices(self, meter_ids: Sequence[MeterId]) -> list[SentPrice]:
        """By the time of their answers."""

    async def top_ups(self, meter_ids: Sequence[MeterId], since_us: int) -> Mapping[int, list[GivenTopUp]]:
        """By meter, those that may have been done since an instant."""

    async def kept(self, meter_ids: Sequence[MeterId], since_day: int) -> Mapping[int, Mapping[int, KeptMirror]]:
        """The newest version of each day from one on, by meter and day."""

    async def before(self, meter_ids: Sequence[MeterId], since_day: int) -> Mapping[int, BalanceReport]:
        """Where the newest day before one ended."""

    async def add(self, versions: Sequence[tuple[int, NewMirror]], now_us: int) -> None:
        """Versions of meters' days."""

    async def looked_at(self, found: Sequence[Mirrored]) -> None:
        """They are due no more."""

    async def differences(
        self,
        limit: int,
        after: int | None,
        *,
        cause: Cause | None = None,
        area_id: int | None = None,
        least: int | None = None,
        until_day: int | None = None,
        is_open: bool | None = None,
        meter_id: int | None = None,
        account_id: int | None = None,
    ) -> list[MirroredDay]:
        """Newest versions with a difference, from new to old."""

    async def days(self, meter_id: int, limit: int, after: tuple[int, int] | None) -> list[MirroredDay]:
        """From new to old; ``after``: (day, version) of the last one seen."""

    async def meters(self, limit: int, after: int | None, *, in_doubt: bool = False) -> list[MirroredMeter]:
        """By meter."""

    async def found(self, mirrored_id: int) -> KnownDifference | None:
        """None: there is no such difference."""

    async def review(
        self, mirrored_id: int, meter_id: MeterId, verdict: ReviewVerdict, reason: str, user_id: UserId, now_us: int
    ) -> bool:
        """False: somebody was first."""


class MirrorWork(Protocol):
    """What the worker asks over all utilities."""

    async def mirroring(self) -> list[tuple[TenantId, str]]:
        """Utilities with their zones."""
