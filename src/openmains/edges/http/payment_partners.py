# SPDX-License-Identifier: Apache-2.0
"""Partners that report what they took, each call signed with a key of their own; and how a utility keeps its partners."""

from typing import Annotated, Any

from litestar import Request, get, post, put
from litestar.params import HeaderParameter, JSONBody
from msgspec import Meta, Struct

from openmains.app.payment import hear_partner, partners
from openmains.app.payment.order_model import PaymentOrderDetail
from openmains.app.payment.partner_model import PartnerKey, PaymentPartner
from openmains.app.payment.partner_ports import PartnerStore
from openmains.domain.identity.permission import Permission
from openmains.domain.ids import TenantId
from openmains.edges.http.deps import actor_of, client_address, deps_of, let_wait, today_number
from openmains.edges.http.inputs import Id, Id32, Reason, ReasonText
from openmains.edges.http.payment_orders import FAULT_DAYS, Money, Row, sealer_of
from openmains.edges.http.permissions import PUBLIC, may

PartnerName = Annotated[str, Meta(min_length=1, max_length=100)]
Told = Annotated[
    str, HeaderParameter(name="OpenMains-Timestamp", max_length=20, description="Seconds since 1970, UTC.")
]
Once = Annotated[
    str, HeaderParameter(name="OpenMains-Nonce", max_length=64, description="16 to 64 letters, digits, - and _: new with each request.")
]  # fmt: skip
Signed = Annotated[
    str,
    HeaderParameter(
        name="OpenMains-Signature", max_length=64,
        description="HMAC-SHA256 with the partner's key, 64 lower-case hexadecimal digits, of these lines, joined by a line feed: OM1, POST,"
        " /partner-payments/<utility>/<partner>, the timestamp, the nonce, the SHA-256 of the body in hexadecimal.",
    ),
]  # fmt: skip


class NewPaymentPartner(Struct, frozen=True, forbid_unknown_fields=True):
    """Its name, and why it may report payments."""

    name: PartnerName
    reason: ReasonText = ""


class PaymentPartnerForm(Struct, frozen=True, forbid_unknown_fields=True):
    """One that is off is refused."""

    name: PartnerName
    is_on: bool = True
    reason: ReasonText = ""


class NewPartnerPayment(Struct, frozen=True, forbid_unknown_fields=True):
    """Money that the partner took. ``number``: the partner's own, once; ``meter_id``: the money is for this meter."""

    number: Annotated[str, Meta(min_length=4, max_length=60, pattern=r"^[A-Za-z0-9_.-]+$")]
    account_id: Row
    fen: Money
    meter_id: Row | None = None


@get(
    "/payment-partners",
    operation_id="list_payment_partners",
    tags=["payments"],
    opt=may(Permission.SEE_MONEY, whole=True),
)
async def list_payment_partners(request: Request[Any, Any, Any]) -> list[PaymentPartner]:
    """Partners with the requests of 30 days that changed nothing."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        return await work[PartnerStore].all(today_number(request) - FAULT_DAYS)


@post(
    "/payment-partners", operation_id="add_payment_partner", tags=["payments"], opt=may(Permission.MANAGE_PAYMENT_CHANNELS)
)  # fmt: skip
async def add_payment_partner(request: Request[Any, Any, Any], data: JSONBody[NewPaymentPartner]) -> PartnerKey:
    """Its key is told in this answer and never again."""
    deps = deps_of(request)
    return await partners.add_partner(
        deps.store, actor_of(request), sealer_of(request), data.name, _fresh(request), data.reason, deps.now_us()
    )


@put(
    "/payment-partners/{partner_id:int}", operation_id="change_payment_partner", tags=["payments"],
    opt=may(Permission.MANAGE_PAYMENT_CHANNELS),
)  # fmt: skip
async def change_payment_partner(
    request: Request[Any, Any, Any], partner_id: Id, data: JSONBody[PaymentPartnerForm]
) -> PaymentPartner:
    """Another name; switched on or off."""
    deps = deps_of(request)
    return await partners.change_partner(
        deps.store, actor_of(request), partner_id, data.name, data.is_on, data.reason, deps.now_us()
    )


@post(
    "/payment-partners/{partner_id:int}/key", operation_id="renew_partner_key", status_code=200, tags=["payments"],
    opt=may(Permission.MANAGE_PAYMENT_CHANNELS),
)  # fmt: skip
async def renew_partner_key(request: Request[Any, Any, Any], partner_id: Id, data: JSONBody[Reason]) -> PartnerKey:
    """A new key, told in this answer and never again; the one before signs nothing from now on."""
    deps = deps_of(request)
    return await partners.renew_key(
        deps.store, actor_of(request), sealer_of(request), partner_id, _fresh(request), data.reason, deps.now_us()
    )


@post(
    "/partner-payments/{tenant_id:int}/{partner_id:int}", operation_id="pay_as_partner", status_code=200, tags=["payments"],
    request_max_body_size=16 * 1024, opt=PUBLIC,
)  # fmt: skip
async def pay_as_partner(
    request: Request[Any, Any, Any],
    tenant_id: Id32,
    partner_id: Id,
    data: JSONBody[NewPartnerPayment],
    instant: Told = "",
    nonce: Once = "",
    told: Signed = "",
) -> PaymentOrderDetail:
    """For partners only: the signature is the credential. The same number with the same content is the same payment, however often: who does
    not know what became of one asks again under its number, with a new nonce. ``delivery`` says where a meter's top-up is."""
    deps = deps_of(request)
    address = client_address(request)
    let_wait(deps.api_limiter.wait_s(f"partner {address}"))
    signed = hear_partner.SignedRequest(instant, nonce, told, await request.body(), address)
    wanted = hear_partner.PartnerPayment(data.number, data.account_id, data.meter_id, data.fen)
    return await hear_partner.hear_partner(
        deps.store, sealer_of(request), TenantId(tenant_id), partner_id, signed, wanted, deps.now_us()
    )


def _fresh(request: Request[Any, Any, Any]) -> str:
    nonce = deps_of(request).nonce
    return nonce() + nonce()


HANDLERS: list[Any] = [
    list_payment_partners,
    add_payment_partner,
    change_payment_partner,
    renew_partner_key,
    pay_as_partner,
]
