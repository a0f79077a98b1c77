# SPDX-License-Identifier: Apache-2.0
"""The counter: shifts, payments with their receipts, and taking a payment back."""

from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.params import JSONBody
from msgspec import Meta, Struct

from openmains.app.ledger.model import Channel
from openmains.app.payment import give_back, shifts, take
from openmains.app.payment.model import PaymentReturn, Receipt, TillShift
from openmains.app.payment.ports import ReceiptStore, ReturnStore, ShiftStore
from openmains.app.payment.receipt_text import receipt_text
from openmains.app.problems import Problem
from openmains.domain.identity.permission import Permission
from openmains.domain.period import zone
from openmains.edges.http.deps import actor_of, deps_of, today_number
from openmains.edges.http.inputs import Cursor, Id, Limit, OptionalId, Page, Reason, ReasonText, after_id, page
from openmains.edges.http.permissions import may
from openmains.edges.http.problems import language_of

MOST_FEN = 10**11
Fen = Annotated[int, Meta(ge=0, le=MOST_FEN)]
Key = Annotated[
    str,
    Meta(min_length=4, max_length=100, pattern=r"^[A-Za-z0-9_.:-]+$", description="The channel's number of this payment, unique."),
]  # fmt: skip


class NewShift(Struct, frozen=True, forbid_unknown_fields=True):
    """``float_fen``: counted in the till."""

    float_fen: Fen


class ShiftEnd(Struct, frozen=True, forbid_unknown_fields=True):
    """``counted_fen``: in the till; ``note``: why that differs from what should be there."""

    counted_fen: Fen
    note: Annotated[str, Meta(max_length=400)] = ""


class NewPaymentTaken(Struct, frozen=True, forbid_unknown_fields=True):
    """``seen_owed_fen``, ``seen_credit_fen``: the account as the clerk saw it; where it is another now, nothing is taken."""

    key: Key
    account_id: Annotated[int, Meta(ge=1, le=2**63 - 1)]
    channel: Channel
    fen: Annotated[int, Meta(ge=1, le=MOST_FEN)]
    seen_owed_fen: int | None = None
    seen_credit_fen: int | None = None


class NewReturn(Struct, frozen=True, forbid_unknown_fields=True):
    """Why a payment is taken back."""

    reason: ReasonText = ""


@get("/shifts", operation_id="list_shifts", tags=["counter"], opt=may(Permission.SEE_MONEY, whole=True))
async def list_shifts(request: Request[Any, Any, Any], limit: Limit = 50, cursor: Cursor = None) -> Page[TillShift]:
    """Shifts of all clerks, newest first."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        rows = await work[ShiftStore].page(limit + 1, after_id("shifts", cursor))
    return page("shifts", rows, limit, lambda one: one.shift_id)


@get("/shifts/mine", operation_id="read_my_shift", tags=["counter"], opt=may(Permission.TAKE_MONEY))
async def read_my_shift(request: Request[Any, Any, Any]) -> TillShift | None:
    """The caller's open shift, null without one."""
    actor = actor_of(request)
    async with deps_of(request).store.tenant(actor.tenant_id) as work:
        return await work[ShiftStore].open_of(actor.user_id)


@post("/shifts", operation_id="open_shift", tags=["counter"], opt=may(Permission.TAKE_MONEY))
async def open_shift(request: Request[Any, Any, Any], data: JSONBody[NewShift]) -> TillShift:
    """Open a shift of the caller's own with the float that was counted."""
    deps = deps_of(request)
    return await shifts.open_shift(deps.store, actor_of(request), data.float_fen, deps.now_us())


@post(
    "/shifts/mine/close", operation_id="close_shift", status_code=200, tags=["counter"], opt=may(Permission.TAKE_MONEY)
)
async def close_shift(request: Request[Any, Any, Any], data: JSONBody[ShiftEnd]) -> TillShift:
    """Close the caller's shift with what was counted; a difference needs a note."""
    deps = deps_of(request)
    return await shifts.close_shift(deps.store, actor_of(request), data.counted_fen, data.note, deps.now_us())


@get("/receipts", operation_id="list_receipts", tags=["counter"], opt=may(Permission.SEE_MONEY))
async def list_receipts(
    request: Request[Any, Any, Any],
    account_id: OptionalId = None,
    shift_id: OptionalId = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[Receipt]:
    """Payments that were taken, newest first."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        rows = await work[ReceiptStore].page(
            limit + 1, after_id("receipts", cursor), account_id=account_id, shift_id=shift_id
        )
    return page("receipts", rows, limit, lambda one: one.receipt_id)


@post("/receipts", operation_id="take_payment", tags=["counter"], opt=may(Permission.TAKE_MONEY))
async def take_payment(request: Request[Any, Any, Any], data: JSONBody[NewPaymentTaken]) -> Receipt:
    """Take a payment: the oldest bills are paid at once, the rest is credit. The same number again is the same receipt."""
    deps = deps_of(request)
    wanted = take.NewReceipt(
        data.key, data.account_id, data.channel, data.fen, data.seen_owed_fen, data.seen_credit_fen
    )
    return await take.take_payment(deps.store, actor_of(request), wanted, today_number(request), deps.now_us())


@get("/receipts/{receipt_id:int}", operation_id="read_receipt", tags=["counter"], opt=may(Permission.SEE_MONEY))
async def read_receipt(request: Request[Any, Any, Any], receipt_id: Id) -> Receipt:
    """One receipt."""
    return await _receipt(request, receipt_id)


@get(
    "/receipts/{receipt_id:int}/text",
    operation_id="print_receipt",
    media_type="text/plain",
    tags=["counter"],
    opt=may(Permission.SEE_MONEY),
)
async def print_receipt(request: Request[Any, Any, Any], receipt_id: Id) -> Response[str]:
    """The receipt as text for a till's printer, 32 columns, in the caller's language."""
    actor = actor_of(request)
    async with deps_of(request).store.tenant(actor.tenant_id) as work:
        utility = await work[ReceiptStore].utility()
    text = receipt_text(await _receipt(request, receipt_id), utility, zone(actor.zone), language_of(request))
    return Response(text, media_type="text/plain; charset=utf-8")


async def _receipt(request: Request[Any, Any, Any], receipt_id: int) -> Receipt:
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        found = await work[ReceiptStore].get(receipt_id)
    if found is None:
        raise Problem("not-found")
    return found


@post(
    "/receipts/{receipt_id:int}/return",
    operation_id="ask_for_return",
    tags=["counter"],
    opt=may(Permission.ASK_FOR_MONEY),
)
async def ask_for_return(request: Request[Any, Any, Any], receipt_id: Id, data: JSONBody[NewReturn]) -> PaymentReturn:
    """Ask for a payment to be taken back: nothing is booked until another person agrees."""
    deps = deps_of(request)
    return await give_back.ask_for_return(deps.store, actor_of(request), receipt_id, data.reason, deps.now_us())


@get("/payment-returns", operation_id="list_returns", tags=["counter"], opt=may(Permission.SEE_MONEY))
async def list_returns(
    request: Request[Any, Any, Any], limit: Limit = 50, cursor: Cursor = None
) -> Page[PaymentReturn]:
    """Payments that are taken back, newest first."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        rows = await work[ReturnStore].page(limit + 1, after_id("returns", cursor))
    return page("returns", rows, limit, lambda one: one.return_id)


@post(
    "/payment-returns/{return_id:int}/approve",
    operation_id="approve_return",
    status_code=200,
    tags=["counter"],
    opt=may(Permission.APPROVE_MONEY),
)
async def approve_return(request: Request[Any, Any, Any], return_id: Id, data: JSONBody[Reason]) -> PaymentReturn:
    """Another person than its author agrees: the payment is reversed today, and the bills it paid are owed again."""
    deps = deps_of(request)
    return await give_back.decide_return(
        deps.store, actor_of(request), return_id, data.reason, today_number(request), deps.now_us(), agreed=True
    )


@post(
    "/payment-returns/{return_id:int}/reject",
    operation_id="reject_return",
    status_code=200,
    tags=["counter"],
    opt=may(Permission.ASK_FOR_MONEY),
)
async def reject_return(request: Request[Any, Any, Any], return_id: Id, data: JSONBody[Reason]) -> PaymentReturn:
    """Nothing is booked; its author may take it back so."""
    deps = deps_of(request)
    return await give_back.decide_return(
        deps.store, actor_of(request), return_id, data.reason, today_number(request), deps.now_us(), agreed=False
    )


HANDLERS: list[Any] = [
    list_shifts,
    read_my_shift,
    open_shift,
    close_shift,
    list_receipts,
    take_payment,
    read_receipt,
    print_receipt,
    ask_for_return,
    list_returns,
    approve_return,
    reject_return,
]
