# SPDX-License-Identifier: Apache-2.0
"""What key handling asks of its store: ``edges/postgres/security/keys.py``, in the role of pipeline, worker and edge."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol

from openmains.app.sealing.ports import DataKeyStore
from openmains.app.security.keys.envelope import SealedKey
from openmains.domain.ids import AreaId, MeterId, ProductId, TenantId
from openmains.wire.dtls.events import Weakness


@dataclass(frozen=True, slots=True)
class DeviceKey:
    """A device's key as stored. ``previous``: still valid until the meter has used ``key``."""

    imei: int
    tenant_id: TenantId
    version: int
    key: SealedKey = field(repr=False)
    previous: SealedKey | None = field(repr=False, default=None)
    allows: frozenset[Weakness] = frozenset()  # of the meter's product


@dataclass(frozen=True, slots=True)
class KeyName:
    """Which key of a terminal. ``replaces``: it is a new one, and the one before it is valid until this one is used."""

    imei: int
    tenant_id: TenantId
    version: int
    replaces: bool


@dataclass(frozen=True, slots=True)
class ValidKey:
    """A key that a terminal may come with, opened."""

    name: KeyName
    psk: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class TerminalKeys:
    """What a terminal may come with: ``keys``, the newest first, and what it may lack. Without arguments: nobody's."""

    keys: tuple[ValidKey, ...] = ()
    allows: frozenset[Weakness] = frozenset()


@dataclass(frozen=True, slots=True)
class KeyedMeter:
    """A meter that a key can be made for."""

    meter_id: MeterId
    number: str
    imei: int
    has_key: bool


@dataclass(frozen=True, slots=True)
class MeterChoice:
    """Which meters: those named, or all of a product, an area; ``with_key``: also those that have a key."""

    imeis: Sequence[int] | None = None
    meter_ids: Sequence[MeterId] | None = None
    product_id: ProductId | None = None
    area_id: AreaId | None = None
    with_key: bool = False


class DeviceKeys(Protocol):
    """Keys of one tenant within one transaction; nobody sees a change of it before its end."""

    async def others_meters(self, imeis: Sequence[int]) -> set[int]:
        """Those of the IMEIs that are registered as another tenant's meters."""

    async def existing(self, imeis: Sequence[int]) -> dict[int, DeviceKey]: ...

    async def put(self, keys: Mapping[int, SealedKey], *, keep_previous: bool) -> None:
        """Write keys by IMEI; a replaced one stays valid as ``previous`` where ``keep_previous``, else it is gone."""

    async def meters(self, choice: MeterChoice, after_meter_id: int, limit: int) -> list[KeyedMeter]:
        """Meters in use with an IMEI, by meter id."""

    async def count(self, choice: MeterChoice) -> int: ...


class KeyStore(DataKeyStore, Protocol):
    """All of it."""

    def tenant(self, tenant_id: TenantId) -> AbstractAsyncContextManager[DeviceKeys]: ...

    async def find(self, imeis: Sequence[int]) -> list[DeviceKey]:
        """For handshakes. Where a meter is registered, its tenant's key; else the key of the only tenant that has one."""

    async def used(self, found: Sequence[tuple[int, int, int]]) -> None:
        """(IMEI, tenant, version): the meter has used this version; the previous key is dropped."""

    async def destroy_device(self, tenant_id: TenantId, imei: int) -> bool: ...

    async def destroy_tenant(self, tenant_id: TenantId) -> int:
        """All data keys and device keys of a tenant; how many device keys there were."""
