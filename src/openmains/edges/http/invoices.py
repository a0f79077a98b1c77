# SPDX-License-Identifier: Apache-2.0
"""Invoices (数电票) of bills, where the deployment has a tax adapter; the only one there is emulates."""

from typing import Annotated, Any

from litestar import Request, get, post, put
from litestar.params import JSONBody, QueryParameter
from msgspec import Meta, Struct, structs

from openmains.app.billing import invoices
from openmains.app.billing.invoice_model import Invoice, InvoiceStateName, InvoiceTax
from openmains.app.billing.invoice_ports import InvoiceStore, TaxAdapter
from openmains.app.billing.read import read_bill
from openmains.app.identity.model import Actor
from openmains.app.problems import Problem
from openmains.domain.identity.permission import Permission
from openmains.edges.http.deps import actor_of, deps_of
from openmains.edges.http.inputs import Cursor, Id, Limit, Page, Reason, ReasonText, after_id, page
from openmains.edges.http.permissions import may

ItemName = Annotated[str, Meta(min_length=1, max_length=100)]


class InvoiceTaxEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """As ``InvoiceTax``."""

    component: ItemName
    item: ItemName
    tax_code: Annotated[str, Meta(pattern=r"^[0-9]{19}$")]
    rate_bp: Annotated[int, Meta(ge=0, le=10_000)]


class InvoiceTaxes(Struct, frozen=True, forbid_unknown_fields=True):
    """All of them, in place of those before."""

    taxes: Annotated[list[InvoiceTaxEntry], Meta(max_length=50)]
    reason: ReasonText = ""


class NewInvoiceRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """``buyer``: the name on the invoice; ``buyer_tax_number``: of an organisation."""

    buyer: ItemName
    buyer_tax_number: Annotated[str, Meta(max_length=20, pattern=r"^[0-9A-Z]*$")] = ""


def _adapter(request: Request[Any, Any, Any]) -> TaxAdapter:
    found = deps_of(request).tax
    if found is None:
        raise Problem("not-offered")
    return found


def _shown(actor: Actor, invoice: Invoice) -> Invoice:
    """Whose it is, only to who may see customers."""
    if actor.may(Permission.SEE_CUSTOMERS):
        return invoice
    return structs.replace(invoice, buyer="", buyer_tax_number="")


@get("/invoice-taxes", operation_id="list_invoice_taxes", tags=["billing"], opt=may(Permission.SEE_MONEY))
async def list_invoice_taxes(request: Request[Any, Any, Any]) -> list[InvoiceTax]:
    """How components of bills stand on invoices: item, tax code and rate."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        return await work[InvoiceStore].taxes()


@put("/invoice-taxes", operation_id="set_invoice_taxes", tags=["billing"], opt=may(Permission.RUN_BILLING))
async def set_invoice_taxes(request: Request[Any, Any, Any], data: JSONBody[InvoiceTaxes]) -> list[InvoiceTax]:
    """All at once. What was invoiced stays as it was."""
    taxes = [InvoiceTax(one.component, one.item, one.tax_code, one.rate_bp) for one in data.taxes]
    return await invoices.set_taxes(deps_of(request).store, actor_of(request), taxes, data.reason)


@get("/invoices", operation_id="list_invoices", tags=["billing"], opt=may(Permission.SEE_MONEY))
async def list_invoices(
    request: Request[Any, Any, Any],
    of_state: Annotated[InvoiceStateName | None, QueryParameter(name="state")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[Invoice]:
    """Invoices, newest first."""
    actor = actor_of(request)
    async with deps_of(request).store.tenant(actor.tenant_id) as work:
        rows = await work[InvoiceStore].page(limit + 1, after_id("invoices", cursor), state=of_state)
    return page("invoices", [_shown(actor, one) for one in rows], limit, lambda one: one.invoice_id)


@get(
    "/bills/{bill_id:int}/invoices", operation_id="list_bill_invoices", tags=["billing"], opt=may(Permission.SEE_MONEY)
)  # fmt: skip
async def list_bill_invoices(request: Request[Any, Any, Any], bill_id: Id) -> list[Invoice]:
    """Those of a bill, newest first; one at the most stands."""
    actor = actor_of(request)
    async with deps_of(request).store.tenant(actor.tenant_id) as work:
        return [_shown(actor, one) for one in await work[InvoiceStore].of_bill(bill_id)]


@post(
    "/bills/{bill_id:int}/invoices", operation_id="ask_for_invoice", tags=["billing"], opt=may(Permission.ASK_FOR_MONEY)
)  # fmt: skip
async def ask_for_invoice(request: Request[Any, Any, Any], bill_id: Id, data: JSONBody[NewInvoiceRequest]) -> Invoice:
    """Ask for the invoice of a bill: once while one stands. It is ``asked`` until the tax adapter has said what became of it."""
    deps, actor = deps_of(request), actor_of(request)
    adapter = _adapter(request)
    bill = await read_bill(deps.store, actor.tenant_id, bill_id)
    buyer = invoices.InvoiceBuyer(data.buyer, data.buyer_tax_number)
    return _shown(actor, await invoices.ask_for_invoice(deps.store, adapter, actor, bill, buyer, deps.now_us))


@post(
    "/invoices/{invoice_id:int}/ask", operation_id="ask_invoice", status_code=200, tags=["billing"], opt=may(Permission.ASK_FOR_MONEY)
)  # fmt: skip
async def ask_invoice(request: Request[Any, Any, Any], invoice_id: Id) -> Invoice:
    """What became of an invoice or red letter that waits, asked under the same number."""
    deps, actor = deps_of(request), actor_of(request)
    return _shown(actor, await invoices.ask_again(deps.store, _adapter(request), actor, invoice_id, deps.now_us))


@post(
    "/invoices/{invoice_id:int}/red-letter", operation_id="ask_for_red_letter", status_code=200, tags=["billing"],
    opt=may(Permission.APPROVE_MONEY),
)  # fmt: skip
async def ask_for_red_letter(request: Request[Any, Any, Any], invoice_id: Id, data: JSONBody[Reason]) -> Invoice:
    """Take an invoice back by a red-letter invoice over all of it, by another person than who asked for it."""
    deps, actor = deps_of(request), actor_of(request)
    made = await invoices.ask_for_red_letter(deps.store, _adapter(request), actor, invoice_id, data.reason, deps.now_us)
    return _shown(actor, made)


HANDLERS: list[Any] = [
    list_invoice_taxes,
    set_invoice_taxes,
    list_invoices,
    list_bill_invoices,
    ask_for_invoice,
    ask_invoice,
    ask_for_red_letter,
]
