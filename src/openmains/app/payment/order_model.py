# SPDX-License-Identifier: Apache-2.0
"""Channels, orders and refunds as people see them. Amounts are integers in fen; no secret is ever part of a record."""

from datetime import datetime
from typing import Literal

from msgspec import Struct

OrderSource = Literal["wechat", "alipay", "third_party"]
OrderScene = Literal["native", "jsapi", "third_party"]
OrderStateName = Literal["created", "open", "unknown", "paid", "closed", "refunded"]
DeliveryName = Literal["none", "waiting", "given", "delivered", "undeliverable", "doubtful"]
RefundStateName = Literal["asked", "rejected", "agreed", "done", "failed"]
ProviderName = Literal["wechat", "alipay"]


class RefusedCallbacks(Struct, frozen=True):
    """Callbacks that changed nothing. ``fault``: why, by code; ``last_order``: the order that the last one named, where its signature was
    good; ``address``: where the last came from."""

    fault: str
    count: int
    last_at: datetime
    last_order: str
    address: str


class PayChannel(Struct, frozen=True):
    """A merchant's account at a provider. ``secrets``: names of what is kept sealed, which nobody is told; ``callback_url``: where the provider
    sends its callbacks; ``refused``: those of 30 days that changed nothing."""

    channel_id: int
    provider: ProviderName
    name: str
    settings: dict[str, str]
    secrets: list[str]
    callback_url: str
    is_on: bool
    changed_at: datetime
    changed_by: str
    refused: list[RefusedCallbacks]


class PaymentSigner(Struct, frozen=True):
    """By whose sign-in at the signer paid top-ups are given. '' where none is set: top-ups wait."""

    login: str
    changed_at: datetime | None


class PaymentOrder(Struct, frozen=True):
    """An order. ``number``: ours, at the provider; ``transaction``: the provider's, once it is paid; ``code``: text of the QR code to pay by;
    ``delivery``: where the money of a meter's top-up is; ``reason``: a code, why it is unknown, closed or not delivered;
    ``refunded_fen``: given back or about to be; ``asked``: how often the provider was asked since something came of it."""

    order_id: int
    key: str
    source: OrderSource
    channel_id: int | None
    number: str
    scene: OrderScene
    account_id: int
    meter_id: int | None
    for_meter: bool
    fen: int
    state: OrderStateName
    code: str
    invoke: dict[str, str]
    reason: str
    transaction: str | None
    receipt_id: int | None
    delivery: DeliveryName
    command_id: int | None
    refunded_fen: int
    made_by: int
    maker: str
    made_at: datetime
    expires_at: datetime
    paid_at: datetime | None
    delivered_at: datetime | None
    asked: int


class OrderEventLine(Struct, frozen=True):
    """One line of an order's history."""

    at: datetime
    event: str
    state: OrderStateName
    delivery: DeliveryName
    detail: str


class PaymentRefund(Struct, frozen=True):
    """Money of an order that is given back: one person asks, another agrees, the provider does it. ``fault``: the provider's code where it
    will not."""

    refund_id: int
    order_id: int
    number: str
    source: OrderSource
    account_id: int
    fen: int
    reason: str
    state: RefundStateName
    author_id: int
    author: str
    made_at: datetime
    decided_by: int | None
    decider: str | None
    decided_at: datetime | None
    decision: str
    entry_id: int | None
    fault: str
    done_at: datetime | None


class PaymentOrderDetail(PaymentOrder, frozen=True):
    """An order with its history, oldest first, and its refunds."""

    history: list[OrderEventLine]
    refunds: list[PaymentRefund]
