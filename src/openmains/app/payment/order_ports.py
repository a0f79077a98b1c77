# SPDX-License-Identifier: Apache-2.0
"""What orders ask of the store and of the outside."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from openmains.app.payment.order_model import (
    OrderEventLine,
    OrderSource,
    PayChannel,
    PaymentOrder,
    PaymentRefund,
    PaymentSigner,
    ProviderName,
)
from openmains.app.security.keys.envelope import SealedKey
from openmains.domain.ids import TenantId, UserId


class ChannelSealer(Protocol):
    """Seals secrets with the utility's data key, bound to what they belong to."""

    async def seal(self, tenant_id: TenantId, purpose: str, secrets: Mapping[str, str]) -> SealedKey: ...
    async def open(self, tenant_id: TenantId, purpose: str, sealed: SealedKey) -> dict[str, str]:
        """Raises ``KeyUnreadableError``."""


class NewOrder(NamedTuple):
    """An order before it is written. Instants in µs."""

    key: str
    source: OrderSource
    channel_id: int | None
    number: str
    scene: str
    account_id: int
    meter_id: int | None
    fen: int
    made_by: UserId
    made_us: int
    expires_us: int


class CommandEnd(NamedTuple):
    """How the command of a top-up stands."""

    command_id: int
    state: str
    was_sent: bool
    meter_answered: bool


class PaymentChannelStore(Protocol):
    """Channels; secrets go in and come out sealed."""

    async def all(self, fault_since_day: int) -> list[PayChannel]: ...
    async def get(self, channel_id: int) -> PayChannel | None: ...
    async def sealed(self, channel_id: int) -> SealedKey | None: ...
    async def add(
        self, provider: ProviderName, name: str, settings: Mapping[str, str], is_on: bool, user_id: UserId, now_us: int
    ) -> int | None:
        """None: the name is taken."""

    async def change(
        self, channel_id: int, name: str, settings: Mapping[str, str], is_on: bool, user_id: UserId, now_us: int
    ) -> bool:
        """False: the name is taken."""

    async def put_secrets(self, channel_id: int, names: Sequence[str], sealed: SealedKey) -> None: ...
    async def signer(self) -> PaymentSigner: ...
    async def sealed_signer(self) -> SealedKey | None: ...
    async def put_signer(self, login: str, sealed: SealedKey, user_id: UserId, now_us: int) -> None: ...
    async def note_fault(self, channel_id: int, day: int, fault: str, order: str, address: str, now_us: int) -> int:
        """Counted; how many there were of this kind on that day, with this one."""

    async def note_notice(self, channel_id: int, event: str, now_us: int) -> bool:
        """False: it was taken before."""


class PaymentOrderStore(Protocol):
    """Orders and their history."""

    async def lock_key(self, key: str) -> None: ...
    async def of_key(self, key: str) -> PaymentOrder | None: ...
    async def of_number(self, channel_id: int, number: str) -> PaymentOrder | None: ...
    async def of_receipt(self, receipt_id: int) -> PaymentOrder | None: ...
    async def get(self, order_id: int) -> PaymentOrder | None: ...
    async def lock(self, order_id: int) -> PaymentOrder | None:
        """It, until the transaction ends."""

    async def page(
        self, limit: int, after: int | None, *, account_id: int | None, state: str | None, delivery: str | None
    ) -> list[PaymentOrder]: ...
    async def add(self, order: NewOrder) -> int: ...
    async def change(self, order_id: int, **values: Any) -> None:
        """Columns by name; the others stay."""

    async def add_event(self, order_id: int, event: str, detail: str, now_us: int) -> None: ...
    async def history(self, order_id: int) -> list[OrderEventLine]: ...
    async def meter_of_account(self, meter_id: int, account_id: int) -> bool:
        """Whether the meter hangs at the account now."""

    async def command_of(self, key: str) -> CommandEnd | None: ...
    async def due(self, now_us: int, limit: int) -> list[int]: ...


class PaymentRefundStore(Protocol):
    """Refunds."""

    async def of_order(self, order_id: int) -> list[PaymentRefund]: ...
    async def get(self, refund_id: int) -> PaymentRefund | None: ...
    async def lock(self, refund_id: int) -> PaymentRefund | None: ...
    async def page(self, limit: int, after: int | None, *, state: str | None) -> list[PaymentRefund]: ...
    async def add(self, order_id: int, number: str, fen: int, reason: str, author: UserId, now_us: int) -> int: ...
    async def change(self, refund_id: int, **values: Any) -> None: ...
    async def due(self, now_us: int, limit: int) -> list[int]: ...


class PaymentWork(Protocol):
    """Which utilities have something to do."""

    async def tenants(self, now_us: int) -> list[tuple[TenantId, str]]:
        """With their time zones."""
