# SPDX-License-Identifier: Apache-2.0
"""A receipt as a PDF."""

import json
from typing import Annotated, Any, Literal

from litestar import Request, Response, get
from litestar.params import QueryParameter

from openmains.app.billing.model import Letterhead
from openmains.app.billing.paper_ports import PaperStore, Typesetter
from openmains.app.payment.model import Receipt
from openmains.app.payment.ports import ReceiptStore
from openmains.app.payment.receipt_paper import receipt_paper
from openmains.app.problems import Problem
from openmains.domain.identity.permission import Permission
from openmains.domain.period import Zone, zone
from openmains.edges.http.deps import actor_of, deps_of
from openmains.edges.http.inputs import Id
from openmains.edges.http.permissions import may
from openmains.edges.http.problems import language_of

PDF = "application/pdf"


@get(
    "/receipts/{receipt_id:int}/pdf",
    operation_id="print_receipt_pdf",
    media_type=PDF,
    tags=["counter"],
    opt=may(Permission.SEE_MONEY),
)
async def print_receipt_pdf(
    request: Request[Any, Any, Any],
    receipt_id: Id,
    language: Annotated[
        Literal["zh", "en"] | None, QueryParameter(description="The caller's where it is left out.")
    ] = None,
) -> Response[bytes]:
    """The receipt on half a sheet; one that was taken back says so."""
    deps, actor = deps_of(request), actor_of(request)
    if deps.typeset is None:
        raise Problem("not-offered")
    async with deps.store.tenant(actor.tenant_id) as work:
        receipt = await work[ReceiptStore].get(receipt_id)
        utility, letterhead = await work[PaperStore].utility(), await work[PaperStore].letterhead()
    if receipt is None:
        raise Problem("not-found")
    return await receipt_pdf(
        deps.typeset, receipt, utility, letterhead, zone(actor.zone), language or language_of(request)
    )


async def receipt_pdf(
    typeset: Typesetter,
    receipt: Receipt,
    utility: str,
    letterhead: Letterhead,
    here: Zone,
    language: Literal["zh", "en"],
) -> Response[bytes]:
    """To be looked at in the browser."""
    document = receipt_paper(receipt, utility, letterhead, here, language)
    file = await typeset(json.dumps(document, ensure_ascii=False), int(receipt.taken_at.timestamp()))
    name = f'inline; filename="receipt-{receipt.receipt_id}.pdf"'
    return Response(file, media_type=PDF, headers={"Content-Disposition": name})


HANDLERS: list[Any] = [print_receipt_pdf]
