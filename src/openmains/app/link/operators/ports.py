# SPDX-License-Identifier: Apache-2.0
"""What operators' platforms ask of the store and of the outside. Instants in µs since 1970 UTC unless a name says otherwise."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from openmains.app.link.operators.model import OperatorDevice, OperatorPlatform, PlatformKind
from openmains.app.security.keys.envelope import SealedKey
from openmains.domain.ids import CommandId, MeterId, ProductId, TenantId, UserId
from openmains.wire.operators.model import OperatorCodec, PlatformAnswer, PlatformRequest, PushKind

PlatformCall = Callable[[PlatformRequest], Awaitable[PlatformAnswer | None]]
"""Sends a request; None: no reply, so nobody knows whether it arrived."""


class Codecs(Protocol):
    """Of the platforms that are on and whose keys open."""

    def of(self, platform_id: int) -> OperatorCodec | None: ...
    def ids(self) -> list[int]: ...


class PlatformKeys(NamedTuple):
    """What a push is looked at with."""

    kind: PlatformKind
    settings: Mapping[str, str]
    is_on: bool
    sealed: SealedKey | None


class ToSpool(NamedTuple):
    """A message of a platform before it is written. ``mark``: what it says in 16 bytes; ``imei`` 0: not said; ``fault``: of one that cannot
    be used, "" of any other."""

    mark: bytes
    kind: str
    device_id: str
    imei: int
    at_ms: int
    payload: bytes
    item: str
    state: str
    fault: str = ""


class OperatorPlatformStore(Protocol):
    """Connections of one utility; secrets go in and come out sealed."""

    async def all(self, fault_since_day: int) -> list[OperatorPlatform]: ...
    async def get(self, platform_id: int) -> OperatorPlatform | None: ...
    async def door(self, platform_id: int) -> PlatformKeys | None: ...
    async def add(
        self, kind: PlatformKind, name: str, settings: Mapping[str, str], *, creates: bool, is_on: bool, user_id: UserId, now_us: int
    ) -> int | None:  # fmt: skip
        """None: the name is taken."""

    async def change(
        self, platform_id: int, name: str, settings: Mapping[str, str], *, creates: bool, is_on: bool, user_id: UserId, now_us: int
    ) -> bool:  # fmt: skip
        """False: the name is taken."""

    async def put_secrets(self, platform_id: int, names: Sequence[str], sealed: SealedKey) -> None: ...
    async def put_products(self, platform_id: int, product_ids: Sequence[int]) -> list[int]:
        """These and no others; those that cannot be put: none of the utility's, or another platform's."""

    async def remove(self, platform_id: int) -> None: ...
    async def ask_again(self, platform_id: int, since_us: int) -> None:
        """Pushes since then may be missing: the platform is asked."""

    async def devices(self, platform_id: int, limit: int, after: int, *, failed: bool) -> list[OperatorDevice]: ...
    async def note_fault(self, platform_id: int, day: int, fault: str, address: str, now_us: int) -> int:
        """How many of that day."""

    async def spool(self, platform_id: int, rows: Sequence[ToSpool], now_us: int) -> int:
        """How many were not there yet."""

    async def note_heard(self, platform_id: int, now_us: int, silence_us: int) -> None: ...


class WorkedPlatform(NamedTuple):
    """A connection that an edge works for. ``gap_us``: since then pushes may be missing; ``gap_meter``: of the meters up to this one it was
    asked."""

    platform_id: int
    tenant_id: TenantId
    kind: PlatformKind
    name: str
    settings: Mapping[str, str]
    sealed: SealedKey | None
    creates: bool
    heard_us: int
    gap_us: int | None
    gap_meter: MeterId
    changed_us: int


class Spooled(NamedTuple):
    """A push that nothing has become of. ``meter_id`` None: of no meter of this platform; ``meter_imei``: of its module."""

    push_id: int
    tenant_id: TenantId
    platform_id: int
    platform_kind: PlatformKind
    received_us: int
    kind: PushKind | None
    device_id: str
    imei: int
    at_ms: int
    payload: bytes
    item: str
    state: str
    fault: str
    meter_id: MeterId | None
    product_id: ProductId | None
    meter_imei: int


class DeviceAddress(NamedTuple):
    """Where a meter's commands go."""

    meter_id: MeterId
    platform_id: int
    device_id: str
    imei: int


class Try(NamedTuple):
    """A time that a command was given to a platform. ``state``: as ``CommandState``, or ``asked`` before it was taken; ``is_over``: the command
    itself has ended."""

    try_id: int
    tenant_id: TenantId
    platform_id: int
    command_id: CommandId
    meter_id: MeterId
    product_id: ProductId
    device_id: str
    imei: int
    item: str
    state: str
    sent_us: int
    asked: int
    is_over: bool = False


class MissingDevice(NamedTuple):
    """A meter in use that its platform does not know, or by another module."""

    meter_id: MeterId
    tenant_id: TenantId
    number: str
    imei: int
    platform_id: int


class NamedDevice(NamedTuple):
    """What a meter is called at a platform."""

    meter_id: MeterId
    tenant_id: TenantId
    platform_id: int
    imei: int
    device_id: str


class OperatorWork(Protocol):
    """What an edge reads and writes for all utilities."""

    async def hold(self) -> bool:
        """Whether this process has the turn: one edge at a time works for operators' platforms."""

    async def platforms(self) -> list[WorkedPlatform]: ...
    async def note_alive(self, now_us: int, silence_us: int) -> None: ...
    async def waiting(self, under_way: Sequence[int], most: int) -> list[Spooled]: ...
    async def done(self, push_ids: Sequence[int], now_us: int) -> None: ...
    async def spool(self, tenant_id: TenantId, platform_id: int, rows: Sequence[ToSpool], now_us: int) -> int: ...
    async def forget(self, before_us: int, tries_before_us: int, most: int) -> None: ...
    async def learn(self, devices: Sequence[NamedDevice]) -> None: ...
    async def note_online(self, meters: Sequence[tuple[MeterId, bool, int]]) -> None: ...
    async def missing(self, platform_ids: Sequence[int], after: MeterId, now_us: int, most: int) -> list[MissingDevice]:
        """Among the newest meters, and some thousands after this one."""

    async def walked_to(self, after: MeterId) -> MeterId:
        """The last of those some thousands; 0 at the end."""

    async def device_failed(self, device: MissingDevice, fault: str, due_us: int) -> None: ...
    async def addresses(self, meter_ids: Sequence[MeterId]) -> list[DeviceAddress]: ...
    async def begin(
        self,
        tenant_id: TenantId,
        command_id: CommandId,
        product_id: ProductId,
        way: DeviceAddress,
        now_us: int,
        due_us: int,
    ) -> int | None:
        """None: it lies there already."""

    async def taken(self, try_id: int, item: str, now_us: int) -> None: ...
    async def moved(self, try_id: int, state: str, now_us: int, due_us: int | None) -> None: ...
    async def asked(self, try_id: int, due_us: int) -> None: ...
    async def tries_of(self, items: Sequence[tuple[int, str]]) -> list[Try]: ...
    async def tries_due(self, platform_ids: Sequence[int], now_us: int, most: int) -> list[Try]: ...
    async def gap_devices(self, platform_id: int, after: MeterId, most: int) -> list[DeviceAddress]: ...
    async def gap_asked(self, platform: WorkedPlatform, meter_id: MeterId) -> None: ...
    async def gap_filled(self, platform: WorkedPlatform, now_us: int) -> None: ...
