# SPDX-License-Identifier: Apache-2.0
"""Invoices (数电票) of bills, through a tax adapter: asked for once while one stands, issued, taken back by a red-letter invoice that another
person asks for. The row is written before the adapter is called and decided upon after it; nothing is held over the call, and what is not
known is asked again under the same number.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from openmains.app.billing.invoice_document import InvoiceBill, document
from openmains.app.billing.invoice_model import Invoice, InvoiceTax
from openmains.app.billing.invoice_ports import InvoiceStore, NewInvoice, TaxAdapter, TaxAnswer
from openmains.app.billing.model import BillDetail
from openmains.app.billing.paper_ports import PaperStore
from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.identity.reason import stated
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store, Work
from openmains.domain.ids import TenantId
from openmains.domain.ledger.invoice import WAITS, InvoiceEvent, InvoiceState, after
from openmains.domain.period import zone

US = 1_000_000


@dataclass(frozen=True, slots=True)
class InvoiceBuyer:
    """``tax_number``: '' for a person."""

    name: str
    tax_number: str


async def set_taxes(store: Store, actor: Actor, taxes: Sequence[InvoiceTax], reason: str) -> list[InvoiceTax]:
    """How components stand on invoices from now on. Raises ``reason-needed``, ``invalid-input`` for a component that comes twice."""
    why = stated(reason)
    names = [tax.component for tax in taxes]
    if twice := [place for place, name in enumerate(names) if name in names[:place]]:
        raise Problem("invalid-input", fields=tuple((f"/taxes/{place}/component", "not-accepted") for place in twice))
    async with store.tenant(actor.tenant_id) as work:
        before = await work[InvoiceStore].taxes()
        await work[InvoiceStore].put_taxes(taxes)
        now = await work[InvoiceStore].taxes()
        told = [{"taxes": [tax.component for tax in one]} for one in (before, now)]
        await work[AuditTrail].record(
            actor, "set_invoice_taxes", "invoice_tax", actor.tenant_id, told[0], told[1], reason=why
        )
    return now


async def ask_for_invoice(
    store: Store, adapter: TaxAdapter, actor: Actor, bill: BillDetail, buyer: InvoiceBuyer, now_us: Callable[[], int]
) -> Invoice:
    """Raises ``bill-superseded``, ``nothing-to-invoice``, ``invoice-settings`` (seller or tax not there),
    ``invoice-stands``."""
    head = bill.head
    if head.superseded:
        raise Problem("bill-superseded")
    components = {name: fen for name, fen in bill.components.items() if fen}
    if head.total_fen <= 0 or min(components.values()) < 0:
        raise Problem("nothing-to-invoice")
    asked_us = now_us()
    async with store.tenant(actor.tenant_id) as work:
        taxes, letterhead = await work[InvoiceStore].taxes(), await work[PaperStore].letterhead()
        missing = sorted(set(components) - {tax.component for tax in taxes})
        if missing or not letterhead.tax_number:
            raise Problem("invoice-settings", missing=", ".join(missing) or "–")
        told = InvoiceBill(f"{head.month}-{head.bill_id:08d}", head.month, head.volume_m3, components)
        seller = await work[InvoiceStore].seller()
        at = zone(actor.zone).iso(asked_us // US)
        made, tax_fen = document(told, seller, letterhead, buyer.name, buyer.tax_number, taxes, actor.name, at)
        new = NewInvoice(head.bill_id, head.account_id, buyer.name, buyer.tax_number, head.total_fen, tax_fen, made)
        invoice_id = await work[InvoiceStore].add(new, actor.user_id, asked_us)
        if invoice_id is None:
            raise Problem("invoice-stands", bill_id=head.bill_id)
        one = await _got(work, invoice_id)
        await work[AuditTrail].record(actor, "ask_for_invoice", "invoice", invoice_id, None, _plain(one))
    return await _decided(store, actor, one, await adapter.issue(_request(actor.tenant_id, one), made), now_us())


async def ask_for_red_letter(
    store: Store, adapter: TaxAdapter, actor: Actor, invoice_id: int, reason: str, now_us: Callable[[], int]
) -> Invoice:
    """By another person than who asked for the invoice. Raises ``reason-needed``, ``not-found``, ``own-invoice``, ``already-done``."""
    why = stated(reason)
    async with store.tenant(actor.tenant_id) as work:
        before = await _got(work, invoice_id, lock=True)
        if after(InvoiceState(before.state), InvoiceEvent.RED) is None:
            raise Problem("already-done", state=before.state)
        if before.asked_by == actor.user_id:
            raise Problem("own-invoice")
        await work[InvoiceStore].ask_red(invoice_id, why, actor.user_id)
        one = await _got(work, invoice_id)
        await work[AuditTrail].record(
            actor, "ask_for_red_letter", "invoice", invoice_id, _plain(before), _plain(one), reason=why
        )
    told = await adapter.red_letter(f"{_request(actor.tenant_id, one)}-RED", one.number, why)
    return await _decided(store, actor, one, told, now_us())


async def ask_again(
    store: Store, adapter: TaxAdapter, actor: Actor, invoice_id: int, now_us: Callable[[], int]
) -> Invoice:
    """What became of one that waits, under the same number. One that does not wait stays. Raises ``not-found``."""
    async with store.tenant(actor.tenant_id) as work:
        one = await _got(work, invoice_id)
    if InvoiceState(one.state) not in WAITS:
        return one
    request = _request(actor.tenant_id, one)
    if one.state == "asked":
        told = await adapter.issue(request, one.document)
    else:
        told = await adapter.red_letter(f"{request}-RED", one.number, one.red_reason)
    return await _decided(store, actor, one, told, now_us())


async def _decided(store: Store, actor: Actor, asked: Invoice, told: TaxAnswer, now_us: int) -> Invoice:
    async with store.tenant(actor.tenant_id) as work:
        before = await _got(work, asked.invoice_id, lock=True)
        then = after(InvoiceState(before.state), InvoiceEvent(told.state))
        if before.state != asked.state or then is None:
            return before  # somebody asked at the same time, and was told already
        number = told.number if told.state == "done" else ""
        await work[InvoiceStore].move(asked.invoice_id, then.value, number, told.code, now_us)
        now = await _got(work, asked.invoice_id)
        if then.value != before.state:
            await work[AuditTrail].record(
                actor, "invoice_answered", "invoice", asked.invoice_id, _plain(before), _plain(now)
            )
    return now


def _request(tenant_id: TenantId, one: Invoice) -> str:
    return f"OM{tenant_id}-{one.invoice_id}"


async def _got(work: Work, invoice_id: int, *, lock: bool = False) -> Invoice:
    found = await work[InvoiceStore].get(invoice_id, lock=lock)
    if found is None:
        raise Problem("not-found")
    return found


def _plain(one: Invoice) -> dict[str, object]:
    """For the trail: without its document and buyer."""
    names = ("bill_id", "account_id", "state", "fen", "number", "red_number", "fault")
    return {name: getattr(one, name) for name in names}
