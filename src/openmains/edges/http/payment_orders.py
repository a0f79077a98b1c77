# SPDX-License-Identifier: Apache-2.0
"""Payments through channels: orders and their refunds, channels of a utility, what third parties took, and what providers call back."""

from typing import Annotated, Any

from litestar import Request, Response, get, post, put
from litestar.params import JSONBody, QueryParameter
from msgspec import Meta, Struct

from openmains.app.payment import channel_settings, hear_callback, ordering, refunding
from openmains.app.payment.channel_settings import ChannelContext, ChannelSettings
from openmains.app.payment.channels.port import Scene
from openmains.app.payment.order_model import (
    DeliveryName,
    OrderStateName,
    PayChannel,
    PaymentOrder,
    PaymentOrderDetail,
    PaymentRefund,
    PaymentSigner,
    ProviderName,
    RefundStateName,
)
from openmains.app.payment.order_ports import ChannelSealer, PaymentChannelStore, PaymentOrderStore, PaymentRefundStore
from openmains.app.problems import Problem
from openmains.domain.identity.permission import Permission
from openmains.domain.ids import TenantId
from openmains.edges.http.deps import actor_of, client_address, deps_of, let_wait, today_number
from openmains.edges.http.inputs import Cursor, Id, Id32, Limit, OptionalId, Page, Reason, ReasonText, after_id, page
from openmains.edges.http.payment import MOST_FEN, Key
from openmains.edges.http.permissions import PUBLIC, may

FAULT_DAYS = 30
MOST_CALLBACK = 64 * 1024
Row = Annotated[int, Meta(ge=1, le=2**63 - 1)]
Money = Annotated[int, Meta(ge=1, le=MOST_FEN)]
Setting = Annotated[str, Meta(max_length=channel_settings.MOST)]
Settings = Annotated[dict[str, Setting], Meta(max_length=20)]


class NewPaymentOrder(Struct, frozen=True, forbid_unknown_fields=True):
    """``meter_id``: the money is for this meter, which is given it by a signed command; without one it is the account's credit. ``payer``: for
    ``jsapi``, the payer's identity at the provider; it is not kept."""

    key: Key
    channel_id: Row
    account_id: Row
    fen: Money
    meter_id: Row | None = None
    scene: Scene = "native"
    payer: Annotated[str, Meta(max_length=128)] = ""


class NewThirdPartyPayment(Struct, frozen=True, forbid_unknown_fields=True):
    """Money that another system took. ``key``: its number of the payment: once."""

    key: Key
    account_id: Row
    fen: Money
    meter_id: Row | None = None


class NewRefund(Struct, frozen=True, forbid_unknown_fields=True):
    """How much, and why."""

    fen: Money
    reason: ReasonText = ""


class PayChannelForm(Struct, frozen=True, forbid_unknown_fields=True):
    """``settings`` by name, of the provider; ``secrets`` all of them or none: they are sealed and told to nobody again."""

    name: Annotated[str, Meta(min_length=1, max_length=100)]
    settings: Settings
    secrets: Settings = {}
    is_on: bool = True
    reason: ReasonText = ""


class NewPayChannel(PayChannelForm, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A merchant's account at a provider."""

    provider: ProviderName


class PaymentSignerLogin(Struct, frozen=True, forbid_unknown_fields=True):
    """A sign-in at the signer, enrolled for nothing else. The password is sealed and told to nobody again."""

    login: Annotated[str, Meta(min_length=1, max_length=64)]
    password: Annotated[str, Meta(min_length=1, max_length=256)]
    reason: ReasonText = ""

    def __repr__(self) -> str:
        return f"PaymentSignerLogin({self.login!r})"


def sealer_of(request: Request[Any, Any, Any]) -> ChannelSealer:
    found = deps_of(request).sealer
    if found is None:
        raise Problem("not-offered")
    return found


def tools_of(request: Request[Any, Any, Any]) -> ChannelContext:
    """Raises ``not-offered`` where the deployment calls no providers."""
    deps = deps_of(request)
    if deps.provider_call is None:
        raise Problem("not-offered")
    return ChannelContext(deps.provider_call, sealer_of(request), deps.now_s, deps.nonce)


@get(
    "/payment-channels",
    operation_id="list_payment_channels",
    tags=["payments"],
    opt=may(Permission.SEE_MONEY, whole=True),
)
async def list_payment_channels(request: Request[Any, Any, Any]) -> list[PayChannel]:
    """Channels with the callbacks of 30 days that changed nothing; secrets by name only."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        return await work[PaymentChannelStore].all(today_number(request) - FAULT_DAYS)


@post(
    "/payment-channels",
    operation_id="add_payment_channel",
    tags=["payments"],
    opt=may(Permission.MANAGE_PAYMENT_CHANNELS),
)
async def add_payment_channel(request: Request[Any, Any, Any], data: JSONBody[NewPayChannel]) -> PayChannel:
    """Its secrets are sealed at once. Keys that cannot be read are refused by the name of their field."""
    deps = deps_of(request)
    form = ChannelSettings(data.name, data.settings, data.secrets, data.is_on)
    return await channel_settings.add_channel(
        deps.store, actor_of(request), sealer_of(request), data.provider, form, data.reason, deps.now_us()
    )


@put(
    "/payment-channels/{channel_id:int}",
    operation_id="change_payment_channel",
    tags=["payments"],
    opt=may(Permission.MANAGE_PAYMENT_CHANNELS),
)
async def change_payment_channel(
    request: Request[Any, Any, Any], channel_id: Id, data: JSONBody[PayChannelForm]
) -> PayChannel:
    """All but provider and merchant. One that is off takes no new orders; what was paid before is still booked."""
    deps = deps_of(request)
    form = ChannelSettings(data.name, data.settings, data.secrets, data.is_on)
    return await channel_settings.change_channel(
        deps.store, actor_of(request), sealer_of(request), channel_id, form, data.reason, deps.now_us()
    )


@get(
    "/payment-signer", operation_id="read_payment_signer", tags=["payments"], opt=may(Permission.SEE_MONEY, whole=True)
)
async def read_payment_signer(request: Request[Any, Any, Any]) -> PaymentSigner:
    """By whose sign-in at the signer paid top-ups are given; the password is told to nobody."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        return await work[PaymentChannelStore].signer()


@put(
    "/payment-signer", operation_id="set_payment_signer", tags=["payments"], opt=may(Permission.MANAGE_PAYMENT_CHANNELS)
)
async def set_payment_signer(request: Request[Any, Any, Any], data: JSONBody[PaymentSignerLogin]) -> PaymentSigner:
    """Top-ups that wait for one go out with it. All rules and quotas of the signer hold for it as for any person."""
    deps = deps_of(request)
    return await channel_settings.set_signer(
        deps.store, actor_of(request), sealer_of(request), data.login, data.password, data.reason, deps.now_us()
    )


@get("/payment-orders", operation_id="list_payment_orders", tags=["payments"], opt=may(Permission.SEE_MONEY))
async def list_payment_orders(
    request: Request[Any, Any, Any],
    account_id: OptionalId = None,
    of_state: Annotated[OrderStateName | None, QueryParameter(name="state")] = None,
    delivery: Annotated[
        DeliveryName | None, QueryParameter(description="Where the money of a meter's top-up is.")
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[PaymentOrder]:
    """Orders, newest first."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        rows = await work[PaymentOrderStore].page(
            limit + 1, after_id("payment-orders", cursor), account_id=account_id, state=of_state, delivery=delivery
        )
    return page("payment-orders", rows, limit, lambda one: one.order_id)


@post("/payment-orders", operation_id="make_payment_order", tags=["payments"], opt=may(Permission.TAKE_MONEY))
async def make_payment_order(request: Request[Any, Any, Any], data: JSONBody[NewPaymentOrder]) -> PaymentOrderDetail:
    """An order that the customer pays by its QR code within half an hour. The same key again is the same order. Where the provider does
    not answer,
    it is ``unknown`` and asked for."""
    deps = deps_of(request)
    wanted = ordering.WantedOrder(
        data.key, data.channel_id, data.account_id, data.meter_id, data.fen, data.scene, data.payer
    )
    return await ordering.make_order(deps.store, tools_of(request), actor_of(request), wanted, deps.now_us())


@get(
    "/payment-orders/{order_id:int}",
    operation_id="read_payment_order",
    tags=["payments"],
    opt=may(Permission.SEE_MONEY),
)
async def read_payment_order(request: Request[Any, Any, Any], order_id: Id) -> PaymentOrderDetail:
    """An order with its history and refunds: where the money is."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        return await ordering.detail(work, order_id)


@post(
    "/payment-orders/{order_id:int}/ask",
    operation_id="ask_payment_order",
    status_code=200,
    tags=["payments"],
    opt=may(Permission.TAKE_MONEY),
)
async def ask_payment_order(request: Request[Any, Any, Any], order_id: Id) -> PaymentOrderDetail:
    """Ask the provider now what became of it, as the worker does by itself."""
    deps, actor = deps_of(request), actor_of(request)
    await ordering.ask_order(deps.store, tools_of(request), actor.tenant_id, actor.zone, order_id, deps.now_us())
    async with deps.store.tenant(actor.tenant_id) as work:
        return await ordering.detail(work, order_id)


@post(
    "/payment-orders/{order_id:int}/refunds",
    operation_id="ask_for_refund",
    tags=["payments"],
    opt=may(Permission.ASK_FOR_MONEY),
)
async def ask_for_refund(request: Request[Any, Any, Any], order_id: Id, data: JSONBody[NewRefund]) -> PaymentRefund:
    """Ask for a payment, or a part of it, to be given back by its channel; another person agrees."""
    deps = deps_of(request)
    return await refunding.ask_for_refund(deps.store, actor_of(request), order_id, data.fen, data.reason, deps.now_us())


@get("/payment-refunds", operation_id="list_refunds", tags=["payments"], opt=may(Permission.SEE_MONEY))
async def list_refunds(
    request: Request[Any, Any, Any],
    of_state: Annotated[RefundStateName | None, QueryParameter(name="state")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[PaymentRefund]:
    """Refunds, newest first."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        rows = await work[PaymentRefundStore].page(limit + 1, after_id("payment-refunds", cursor), state=of_state)
    return page("payment-refunds", rows, limit, lambda one: one.refund_id)


@post(
    "/payment-refunds/{refund_id:int}/approve", operation_id="approve_refund", status_code=200, tags=["payments"],
    opt=may(Permission.APPROVE_MONEY),
)  # fmt: skip
async def approve_refund(request: Request[Any, Any, Any], refund_id: Id, data: JSONBody[Reason]) -> PaymentRefund:
    """Another person than its author agrees: it is booked today, and given to the provider."""
    deps = deps_of(request)
    return await refunding.decide_refund(
        deps.store, actor_of(request), refund_id, data.reason, today_number(request), deps.now_us(), agreed=True
    )


@post(
    "/payment-refunds/{refund_id:int}/reject", operation_id="reject_refund", status_code=200, tags=["payments"],
    opt=may(Permission.ASK_FOR_MONEY),
)  # fmt: skip
async def reject_refund(request: Request[Any, Any, Any], refund_id: Id, data: JSONBody[Reason]) -> PaymentRefund:
    """Nothing is booked; its author may take it back so."""
    deps = deps_of(request)
    return await refunding.decide_refund(
        deps.store, actor_of(request), refund_id, data.reason, today_number(request), deps.now_us(), agreed=False
    )


@post(
    "/payment-refunds/{refund_id:int}/again", operation_id="try_refund_again", status_code=200, tags=["payments"],
    opt=may(Permission.APPROVE_MONEY),
)  # fmt: skip
async def try_refund_again(request: Request[Any, Any, Any], refund_id: Id, data: JSONBody[Reason]) -> PaymentRefund:
    """A refund that the provider would not make is given to it once more, under the same number."""
    deps = deps_of(request)
    return await refunding.try_again(deps.store, actor_of(request), refund_id, data.reason, deps.now_us())


@post(
    "/third-party-payments",
    operation_id="pay_as_third_party",
    tags=["payments"],
    opt=may(Permission.PAY_AS_THIRD_PARTY),
)
async def pay_as_third_party(
    request: Request[Any, Any, Any], data: JSONBody[NewThirdPartyPayment]
) -> PaymentOrderDetail:
    """Money that another system took, by a token of a role that may do nothing else. The same key with the same content is the same payment,
    however often. With a meter it is given by a signed command: ``delivery`` of the order says where it is."""
    deps = deps_of(request)
    return await ordering.pay_as_third_party(
        deps.store, actor_of(request), data.key, data.account_id, data.meter_id, data.fen, deps.now_us()
    )


@post(
    "/payment-callbacks/{tenant_id:int}/{channel_id:int}", operation_id="hear_payment_callback", status_code=200, tags=["payments"],
    opt=PUBLIC, media_type="application/json",
)  # fmt: skip
async def hear_payment_callback(request: Request[Any, Any, Any], tenant_id: Id32, channel_id: Id) -> Response[bytes]:
    """For providers only. It changes something only where signature, time, merchant, order and amount fit; all else is counted and shown."""
    deps = deps_of(request)
    address = client_address(request)
    let_wait(deps.api_limiter.wait_s(f"callback {address}"))
    body = await request.body()
    if len(body) > MOST_CALLBACK:
        raise Problem("too-large")
    status, told, media = await hear_callback.hear_callback(
        deps.store,
        tools_of(request),
        TenantId(tenant_id),
        channel_id,
        dict(request.headers),
        body,
        address,
        deps.now_us(),
    )
    return Response(told, status_code=status, media_type=media)


HANDLERS: list[Any] = [
    list_payment_channels,
    add_payment_channel,
    change_payment_channel,
    read_payment_signer,
    set_payment_signer,
    list_payment_orders,
    make_payment_order,
    read_payment_order,
    ask_payment_order,
    ask_for_refund,
    list_refunds,
    approve_refund,
    reject_refund,
    try_refund_again,
    pay_as_third_party,
    hear_payment_callback,
]
