# SPDX-License-Identifier: Apache-2.0
"""What the API's use cases ask of the store about terminals, and of the folder of sealed key files."""

from datetime import datetime
from pathlib import Path
from typing import Protocol

from openmains.app.security.model import (
    AccessPolicy,
    AccessRefusal,
    KeySummary,
    MeterSecurity,
    OnboardingStatus,
    RefusalFilter,
    TerminalFinding,
    TerminalList,
    TerminalRow,
    UnknownTerminal,
)
from openmains.domain.ids import AreaId, MeterId, ProductId, UserId
from openmains.domain.security.ladder import Standing, Thresholds


class AccessStore(Protocol):
    """Terminals, findings, unknown terminals and the presence of keys, of one tenant in one transaction."""

    async def security(self, meter_id: MeterId, thresholds: Thresholds, now_s: int) -> MeterSecurity | None: ...
    async def findings(self, limit: int, after: int | None, meter_id: MeterId) -> list[TerminalFinding]:
        """Newest first."""

    async def terminals(
        self, limit: int, after: tuple[int, int] | None, chosen: TerminalList | None, thresholds: Thresholds, now_s: int
    ) -> list[TerminalRow]:
        """Not allowed ones, or those online; ``after``: (instant in µs, meter id) of the last row. Newest change first."""

    async def standing(self, meter_id: MeterId) -> tuple[int, Standing] | None:
        """(IMEI, standing), locked until the transaction ends; None: no such meter, or one without an IMEI."""

    async def put(
        self, imei: int, meter_id: MeterId, standing: Standing, user_id: UserId, note: str, *, forget: bool
    ) -> None:
        """Write a person's decision; ``forget``: the reasons are gone."""

    async def clear_alarms(self, meter_id: MeterId, events: list[str], now_us: int) -> None: ...
    async def unknown(
        self, limit: int, after: tuple[int, int] | None, status: OnboardingStatus | None
    ) -> list[UnknownTerminal]:
        """Newest first; ``after``: (last attempt in µs, IMEI)."""

    async def unknown_one(self, imei: int) -> UnknownTerminal | None:
        """Locked until the transaction ends."""

    async def handle_unknown(
        self, imei: int, status: OnboardingStatus, user_id: UserId, meter_id: MeterId | None
    ) -> None: ...
    async def refusals(self, limit: int, after: tuple[int, int] | None, chosen: RefusalFilter) -> list[AccessRefusal]:
        """Newest first; ``after``: (last attempt in µs, refusal id)."""

    async def policy(self) -> AccessPolicy | None: ...
    async def set_policy(self, policy: AccessPolicy) -> None: ...
    async def key_summary(self, product_id: ProductId | None = None, area_id: AreaId | None = None) -> KeySummary:
        """Of all meters, or of those of a product, an area; ``waiting`` then is 0."""

    async def destroy_key(self, meter_id: MeterId) -> bool:
        """False: the meter has no key, or is not there."""


class KeyFiles(Protocol):
    """Sealed files (``app/security/keys/files.py``)."""

    def name(self) -> str: ...
    def put(self, name: str, data: bytes) -> Path: ...
    def fetch(self, name: str) -> bytes | None: ...


def place_of(at: datetime) -> int:
    """An instant as µs since 1970, for page cursors."""
    return int(at.timestamp()) * 1_000_000 + at.microsecond
