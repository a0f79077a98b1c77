# SPDX-License-Identifier: Apache-2.0
"""What customers see of their accounts: use against tier, bills, receipts, payments (ADR 0059)."""

from typing import Any

from litestar import Request, Response, get

from openmains.app.billing import papers
from openmains.app.billing.paper_ports import PaperStore
from openmains.app.portal import homes as see
from openmains.app.portal.model import Home, HomeBill, HomeChannel, HomePayment, HomeReceipt, HomeUse, Visitor
from openmains.app.portal.use import UseSources, home_use
from openmains.app.problems import Problem
from openmains.edges.http.bill_papers import PDF, Tongue, bill_file, printing_of
from openmains.edges.http.bulk_inputs import bulk_of
from openmains.edges.http.deps import ApiDeps, deps_of, limit_visitor, visitor_of
from openmains.edges.http.inputs import Id
from openmains.edges.http.permissions import CUSTOMER
from openmains.edges.http.problems import language_of
from openmains.edges.http.readings import exponents_of, store_of
from openmains.edges.http.receipt_papers import receipt_pdf


def _today(deps: ApiDeps, visitor: Visitor) -> int:
    return visitor.zone.day_of(deps.now_s())


@get("/my/homes", operation_id="list_homes", tags=["customer pages"], opt=CUSTOMER)
async def list_homes(request: Request[Any, Any, Any]) -> list[Home]:
    """Accounts that one's customers hold now, with what is owed, paid ahead, and what the meters say they hold."""
    return await see.homes(deps_of(request).store, visitor_of(request))


@get("/my/homes/{account_id:int}/use", operation_id="read_home_use", tags=["customer pages"], opt=CUSTOMER)
async def read_home_use(request: Request[Any, Any, Any], account_id: Id) -> HomeUse:
    """Days of the last month and this one, and the tiers with what is counted."""
    deps = deps_of(request)
    if deps.billed_days is None:
        raise Problem("not-offered")
    units = {one.name: one.unit_exponent for one in deps.drivers.pages()}
    sources = UseSources(store_of(deps), bulk_of(deps), deps.billed_days, exponents_of(deps), units.__getitem__)
    return await home_use(deps.store, sources, visitor_of(request), account_id, deps.now_s())


@get("/my/homes/{account_id:int}/bills", operation_id="list_home_bills", tags=["customer pages"], opt=CUSTOMER)
async def list_home_bills(request: Request[Any, Any, Any], account_id: Id) -> list[HomeBill]:
    """Bills of one's own time, newest first."""
    return await see.bills(deps_of(request).store, visitor_of(request), account_id)


@get(
    "/my/bills/{bill_id:int}/pdf",
    operation_id="print_home_bill",
    media_type=PDF,
    tags=["customer pages"],
    opt=CUSTOMER,
)
async def print_home_bill(request: Request[Any, Any, Any], bill_id: Id, language: Tongue = None) -> Response[bytes]:
    """The bill as it is sent; months of who held the account before are not compared with."""
    deps, visitor = deps_of(request), visitor_of(request)
    volumes, typeset = printing_of(deps)
    since = await see.own_bill(deps.store, visitor, bill_id)
    limit_visitor(request, "papers")
    number, file = await papers.bill_pdf(
        deps.store, volumes, typeset, visitor.tenant_id, bill_id, language or language_of(request), visitor.zone,
        _today(deps, visitor), named=True, since=since,
    )  # fmt: skip
    return bill_file(number, file)


@get("/my/homes/{account_id:int}/receipts", operation_id="list_home_receipts", tags=["customer pages"], opt=CUSTOMER)
async def list_home_receipts(request: Request[Any, Any, Any], account_id: Id) -> list[HomeReceipt]:
    """Payments that were taken, newest first."""
    return await see.receipts(deps_of(request).store, visitor_of(request), account_id)


@get(
    "/my/receipts/{receipt_id:int}/pdf",
    operation_id="print_home_receipt",
    media_type=PDF,
    tags=["customer pages"],
    opt=CUSTOMER,
)
async def print_home_receipt(
    request: Request[Any, Any, Any], receipt_id: Id, language: Tongue = None
) -> Response[bytes]:
    """The receipt; one that was taken back says so."""
    deps, visitor = deps_of(request), visitor_of(request)
    if deps.typeset is None:
        raise Problem("not-offered")
    async with deps.store.tenant(visitor.tenant_id) as work:
        receipt = await see.own_receipt(work, visitor, receipt_id)
        limit_visitor(request, "papers")
        utility, letterhead = await work[PaperStore].utility(), await work[PaperStore].letterhead()
    return await receipt_pdf(deps.typeset, receipt, utility, letterhead, visitor.zone, language or language_of(request))


@get("/my/channels", operation_id="list_home_channels", tags=["customer pages"], opt=CUSTOMER)
async def list_home_channels(request: Request[Any, Any, Any]) -> list[HomeChannel]:
    """Channels by which one can pay now."""
    deps, visitor = deps_of(request), visitor_of(request)
    return await see.home_channels(deps.store, visitor, _today(deps, visitor))


@get("/my/homes/{account_id:int}/payments", operation_id="list_home_payments", tags=["customer pages"], opt=CUSTOMER)
async def list_home_payments(request: Request[Any, Any, Any], account_id: Id) -> list[HomePayment]:
    """Orders of the account, newest first, and where their money is."""
    return await see.payments(deps_of(request).store, visitor_of(request), account_id)


HANDLERS: list[Any] = [
    list_homes,
    read_home_use,
    list_home_bills,
    print_home_bill,
    list_home_receipts,
    print_home_receipt,
    list_home_channels,
    list_home_payments,
]
