# SPDX-License-Identifier: Apache-2.0
"""Channels, orders and refunds on one tenant's transaction."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from openmains.app.payment.channel_settings import callback_url
from openmains.app.payment.order_model import (
    OrderEventLine,
    PayChannel,
    PaymentOrder,
    PaymentRefund,
    PaymentSigner,
    ProviderName,
    RefusedCallbacks,
)
from openmains.app.payment.order_ports import CommandEnd, NewOrder
from openmains.app.security.keys.envelope import SealedKey
from openmains.domain.ids import TenantId, UserId
from openmains.domain.period import utc_of_us
from openmains.edges.postgres.db import Connection, Pool, Row
from openmains.edges.postgres.queries import load

_ORDERS = load(__package__, "orders.sql")
_ORDER_COLUMNS = (
    "state", "code", "invoke", "reason", "transaction", "receipt_id", "delivery", "command_id", "paid_us", "delivered_us", "asked", "due_us",
)  # fmt: skip
_REFUND_COLUMNS = (
    "state", "decided_by", "decided_us", "decision", "entry_id", "transaction", "fault", "done_us", "asked", "due_us",
)  # fmt: skip


def _instant(us: int | None) -> datetime | None:
    return None if us is None else utc_of_us(us)


def _columns(names: Sequence[str], values: Mapping[str, Any]) -> dict[str, Any]:
    """Values of a change by name, null for what stays. Raises ``TypeError`` for what is no column."""
    if unknown := set(values) - set(names):
        raise TypeError(f"no columns: {sorted(unknown)}")
    return {**dict.fromkeys(names), **values, "has_due": "due_us" in values}


class PaymentChannels:
    """``PaymentChannelStore``."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def all(self, fault_since_day: int) -> list[PayChannel]:
        rows = await _ORDERS["faults"].fetch(self._connection, tenant_id=self._tenant_id, since=fault_since_day)
        faults: dict[int, list[RefusedCallbacks]] = {}
        for row in rows:
            told = RefusedCallbacks(
                row["fault"], row["count"], utc_of_us(row["last_us"]), row["last_order"], row["address"]
            )
            faults.setdefault(row["channel_id"], []).append(told)
        found = await _ORDERS["channels"].fetch(self._connection, tenant_id=self._tenant_id, channel_id=None)
        return [self._channel(row, faults.get(row["channel_id"], [])) for row in found]

    async def get(self, channel_id: int) -> PayChannel | None:
        rows = await _ORDERS["channels"].fetch(self._connection, tenant_id=self._tenant_id, channel_id=channel_id)
        return self._channel(rows[0], []) if rows else None

    def _channel(self, row: Row, refused: list[RefusedCallbacks]) -> PayChannel:
        values = {name: value for name, value in dict(row).items() if name != "changed_us"}
        values |= {"secrets": list(row["secrets"]), "changed_at": utc_of_us(row["changed_us"]), "refused": refused}
        return PayChannel(**values, callback_url=callback_url(row["settings"], self._tenant_id, row["channel_id"]))

    async def sealed(self, channel_id: int) -> SealedKey | None:
        row = await _ORDERS["sealed"].fetchrow(self._connection, tenant_id=self._tenant_id, channel_id=channel_id)
        return None if row is None else SealedKey(row["key_id"], row["nonce"], row["sealed"])

    async def add(
        self, provider: ProviderName, name: str, settings: Mapping[str, str], is_on: bool, user_id: UserId, now_us: int
    ) -> int | None:
        found: int | None = await _ORDERS["add_channel"].fetchval(
            self._connection, tenant_id=self._tenant_id, provider=provider, name=name, settings=dict(settings), is_on=is_on, user_id=user_id,
            now_us=now_us,
        )  # fmt: skip
        return found

    async def change(
        self, channel_id: int, name: str, settings: Mapping[str, str], is_on: bool, user_id: UserId, now_us: int
    ) -> bool:
        if await _ORDERS["is_channel_taken"].fetchval(
            self._connection, tenant_id=self._tenant_id, name=name, channel_id=channel_id
        ):
            return False
        await _ORDERS["change_channel"].execute(
            self._connection, tenant_id=self._tenant_id, channel_id=channel_id, name=name, settings=dict(settings), is_on=is_on,
            user_id=user_id, now_us=now_us,
        )  # fmt: skip
        return True

    async def put_secrets(self, channel_id: int, names: Sequence[str], sealed: SealedKey) -> None:
        await _ORDERS["put_secrets"].execute(
            self._connection, tenant_id=self._tenant_id, channel_id=channel_id, names=list(names), key_id=sealed.key_id, nonce=sealed.nonce,
            sealed=sealed.sealed,
        )  # fmt: skip

    async def signer(self) -> PaymentSigner:
        row = await _ORDERS["signer"].fetchrow(self._connection, tenant_id=self._tenant_id)
        return PaymentSigner("", None) if row is None else PaymentSigner(row["login"], utc_of_us(row["changed_us"]))

    async def sealed_signer(self) -> SealedKey | None:
        row = await _ORDERS["sealed_signer"].fetchrow(self._connection, tenant_id=self._tenant_id)
        return None if row is None else SealedKey(row["key_id"], row["nonce"], row["sealed"])

    async def put_signer(self, login: str, sealed: SealedKey, user_id: UserId, now_us: int) -> None:
        await _ORDERS["put_signer"].execute(
            self._connection, tenant_id=self._tenant_id, login=login, key_id=sealed.key_id, nonce=sealed.nonce, sealed=sealed.sealed,
            user_id=user_id, now_us=now_us,
        )  # fmt: skip

    async def note_fault(self, channel_id: int, day: int, fault: str, order: str, address: str, now_us: int) -> int:
        found: int = await _ORDERS["note_fault"].fetchval(
            self._connection, tenant_id=self._tenant_id, channel_id=channel_id, day=day, fault=fault, last_order=order, address=address,
            now_us=now_us,
        )  # fmt: skip
        return found

    async def note_notice(self, channel_id: int, event: str, now_us: int) -> bool:
        found = await _ORDERS["note_notice"].fetchval(
            self._connection, tenant_id=self._tenant_id, channel_id=channel_id, event=event, now_us=now_us
        )
        return found is not None


def _order(row: Row) -> PaymentOrder:
    values = dict(row)
    for name in ("made", "expires", "paid", "delivered"):
        values[f"{name}_at"] = _instant(values.pop(f"{name}_us"))
    return PaymentOrder(**values)


class PaymentOrders:
    """``PaymentOrderStore``."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def _one(self, **by: Any) -> PaymentOrder | None:
        found = await self._orders(1, **by)
        return next(iter(found), None)

    async def _orders(self, most: int, **by: Any) -> list[PaymentOrder]:
        names = ("order_id", "key", "number", "channel_id", "receipt_id", "account_id", "state", "delivery", "after")
        rows = await _ORDERS["orders"].fetch(
            self._connection, tenant_id=self._tenant_id, most=most, **{**dict.fromkeys(names), **by}
        )
        return [_order(row) for row in rows]

    async def lock_key(self, key: str) -> None:
        await _ORDERS["lock_key"].execute(self._connection, tenant_id=self._tenant_id, key=key)

    async def of_key(self, key: str) -> PaymentOrder | None:
        return await self._one(key=key)

    async def of_number(self, channel_id: int, number: str) -> PaymentOrder | None:
        return await self._one(channel_id=channel_id, number=number)

    async def of_receipt(self, receipt_id: int) -> PaymentOrder | None:
        return await self._one(receipt_id=receipt_id)

    async def get(self, order_id: int) -> PaymentOrder | None:
        return await self._one(order_id=order_id)

    async def lock(self, order_id: int) -> PaymentOrder | None:
        await _ORDERS["lock_order"].execute(self._connection, tenant_id=self._tenant_id, order_id=order_id)
        return await self.get(order_id)

    async def page(
        self, limit: int, after: int | None, *, account_id: int | None, state: str | None, delivery: str | None
    ) -> list[PaymentOrder]:
        return await self._orders(limit, after=after, account_id=account_id, state=state, delivery=delivery)

    async def add(self, order: NewOrder) -> int:
        due_us = None if order.channel_id is None else order.made_us + 10_000_000
        found: int = await _ORDERS["add_order"].fetchval(
            self._connection,
            tenant_id=self._tenant_id,
            for_meter=order.meter_id is not None,
            due_us=due_us,
            **order._asdict(),
        )
        return found

    async def change(self, order_id: int, **values: Any) -> None:
        await _ORDERS["change_order"].execute(
            self._connection, tenant_id=self._tenant_id, order_id=order_id, **_columns(_ORDER_COLUMNS, values)
        )

    async def add_event(self, order_id: int, event: str, detail: str, now_us: int) -> None:
        await _ORDERS["add_event"].execute(
            self._connection, tenant_id=self._tenant_id, order_id=order_id, event=event, detail=detail, now_us=now_us
        )

    async def history(self, order_id: int) -> list[OrderEventLine]:
        rows = await _ORDERS["events"].fetch(self._connection, tenant_id=self._tenant_id, order_id=order_id)
        return [
            OrderEventLine(utc_of_us(row["at_us"]), row["event"], row["state"], row["delivery"], row["detail"])
            for row in rows
        ]

    async def meter_of_account(self, meter_id: int, account_id: int) -> bool:
        found: bool = await _ORDERS["is_meter_of_account"].fetchval(
            self._connection, tenant_id=self._tenant_id, meter_id=meter_id, account_id=account_id
        )
        return found

    async def command_of(self, key: str) -> CommandEnd | None:
        row = await _ORDERS["command_of"].fetchrow(self._connection, tenant_id=self._tenant_id, key=key)
        return (
            None if row is None else CommandEnd(row["command_id"], row["state"], row["was_sent"], row["meter_answered"])
        )

    async def due(self, now_us: int, limit: int) -> list[int]:
        rows = await _ORDERS["due_orders"].fetch(self._connection, tenant_id=self._tenant_id, now_us=now_us, most=limit)
        return [row["order_id"] for row in rows]


def _refund(row: Row) -> PaymentRefund:
    values = dict(row)
    for name in ("made", "decided", "done"):
        values[f"{name}_at"] = _instant(values.pop(f"{name}_us"))
    return PaymentRefund(**values)


class PaymentRefunds:
    """``PaymentRefundStore``."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def _refunds(self, most: int, **by: Any) -> list[PaymentRefund]:
        names = ("refund_id", "order_id", "state", "after")
        rows = await _ORDERS["refunds"].fetch(
            self._connection, tenant_id=self._tenant_id, most=most, **{**dict.fromkeys(names), **by}
        )
        return [_refund(row) for row in rows]

    async def of_order(self, order_id: int) -> list[PaymentRefund]:
        return await self._refunds(1000, order_id=order_id)

    async def get(self, refund_id: int) -> PaymentRefund | None:
        found = await self._refunds(1, refund_id=refund_id)
        return next(iter(found), None)

    async def lock(self, refund_id: int) -> PaymentRefund | None:
        await _ORDERS["lock_refund"].execute(self._connection, tenant_id=self._tenant_id, refund_id=refund_id)
        return await self.get(refund_id)

    async def page(self, limit: int, after: int | None, *, state: str | None) -> list[PaymentRefund]:
        return await self._refunds(limit, after=after, state=state)

    async def add(self, order_id: int, number: str, fen: int, reason: str, author: UserId, now_us: int) -> int:
        found: int = await _ORDERS["add_refund"].fetchval(
            self._connection, tenant_id=self._tenant_id, order_id=order_id, number=number, fen=fen, reason=reason, author_id=author,
            now_us=now_us,
        )  # fmt: skip
        return found

    async def change(self, refund_id: int, **values: Any) -> None:
        await _ORDERS["change_refund"].execute(
            self._connection, tenant_id=self._tenant_id, refund_id=refund_id, **_columns(_REFUND_COLUMNS, values)
        )

    async def due(self, now_us: int, limit: int) -> list[int]:
        rows = await _ORDERS["due_refunds"].fetch(
            self._connection, tenant_id=self._tenant_id, now_us=now_us, most=limit
        )
        return [row["refund_id"] for row in rows]


class PostgresPaymentWork:
    """``PaymentWork`` over a pool of role openmains_pipeline."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def tenants(self, now_us: int) -> list[tuple[TenantId, str]]:
        rows = await _ORDERS["tenants_due"].fetch(self._pool, now_us=now_us)
        return [(TenantId(row["tenant_id"]), row["zone"]) for row in rows]
