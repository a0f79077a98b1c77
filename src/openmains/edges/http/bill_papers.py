# SPDX-License-Identifier: Apache-2.0
"""Bills as they are sent: one as a PDF, those of a run as files, the letterhead, and whose account a payment code is."""

from typing import Annotated, Any, Literal

from litestar import Request, Response, get, post, put
from litestar.params import JSONBody, QueryParameter
from msgspec import Meta, Struct

from openmains.app.billing import bill_files, papers
from openmains.app.billing.model import Letterhead
from openmains.app.billing.paper_ports import PaperStore, Typesetter
from openmains.app.billing.ports import DayVolumes
from openmains.app.job.model import Job
from openmains.app.problems import Problem
from openmains.domain.identity.permission import PERMISSIONS, Permission
from openmains.domain.ledger.payment_code import account_of
from openmains.domain.period import zone
from openmains.edges.http.deps import ApiDeps, actor_of, deps_of, today_number
from openmains.edges.http.inputs import Id, PathWord, ReasonText
from openmains.edges.http.permissions import may
from openmains.edges.http.problems import language_of

PDF = "application/pdf"
Tongue = Annotated[Literal["zh", "en"] | None, QueryParameter(description="The caller's where it is left out.")]
Line = Annotated[str, Meta(max_length=200)]


class LetterheadEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """As ``Letterhead``. ``pay_link``: https, with ``{code}`` once in place of the payment code, or empty."""

    address: Line = ""
    phone: Annotated[str, Meta(max_length=60)] = ""
    pay_link: Annotated[str, Meta(max_length=200, pattern=r"^(https://[!-~]+)?$")] = ""
    note_zh: Annotated[str, Meta(max_length=1000)] = ""
    note_en: Annotated[str, Meta(max_length=1000)] = ""
    tax_number: Annotated[str, Meta(max_length=20, pattern="^[0-9A-Z]*$")] = ""
    bank: Line = ""
    reason: ReasonText = ""


class CodeAccount(Struct, frozen=True):
    """Whose account a payment code is."""

    account_id: int


def printing_of(deps: ApiDeps) -> tuple[DayVolumes, Typesetter]:
    """Raises ``not-offered`` where nothing is printed."""
    if deps.billed_days is None or deps.typeset is None:
        raise Problem("not-offered")
    return deps.billed_days, deps.typeset


@get(
    "/bills/{bill_id:int}/pdf",
    operation_id="print_bill",
    media_type=PDF,
    tags=["billing"],
    opt=may(Permission.SEE_MONEY),
)
async def print_bill(request: Request[Any, Any, Any], bill_id: Id, language: Tongue = None) -> Response[bytes]:
    """The bill as it is sent, one page of A4 in the caller's language, with what the account owes today; name and address only for who may see
    customers."""
    deps, actor = deps_of(request), actor_of(request)
    volumes, typeset = printing_of(deps)
    number, file = await papers.bill_pdf(
        deps.store, volumes, typeset, actor.tenant_id, bill_id, language or language_of(request), zone(actor.zone),
        today_number(request), named=actor.may(Permission.SEE_CUSTOMERS),
    )  # fmt: skip
    return bill_file(number, file)


def bill_file(number: str, file: bytes) -> Response[bytes]:
    """To be looked at in the browser."""
    return Response(file, media_type=PDF, headers={"Content-Disposition": f'inline; filename="bill-{number}.pdf"'})


@post(
    "/bill-runs/{run_id:int}/files",
    operation_id="make_bill_files",
    status_code=202,
    tags=["billing"],
    opt=may(Permission.RUN_BILLING),
)
async def make_bill_files(request: Request[Any, Any, Any], run_id: Id, language: Tongue = None) -> Job:
    """All bills that a run made as PDF files in the caller's language, 5,000 in each ZIP file: a job, whose pieces are downloaded from it.
    Names and addresses stand on them: only for who may see customers."""
    deps, actor = deps_of(request), actor_of(request)
    if not actor.may(Permission.SEE_CUSTOMERS):
        words = PERMISSIONS[Permission.SEE_CUSTOMERS]
        raise Problem("not-allowed", needed=(words.zh, words.en))
    printing_of(deps)
    return await bill_files.ask_for_files(
        deps.store, actor, run_id, language or language_of(request), deps.settings.upload_dir
    )


@get("/bill-letterhead", operation_id="read_letterhead", tags=["billing"], opt=may(Permission.SEE_MONEY))
async def read_letterhead(request: Request[Any, Any, Any]) -> Letterhead:
    """What stands on bills besides the bill."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        return await work[PaperStore].letterhead()


@put("/bill-letterhead", operation_id="set_letterhead", tags=["billing"], opt=may(Permission.RUN_BILLING))
async def set_letterhead(request: Request[Any, Any, Any], data: JSONBody[LetterheadEntry]) -> Letterhead:
    """What is printed from now on; bills that are printed again have it too."""
    wanted = Letterhead(**{name: getattr(data, name) for name in Letterhead.__struct_fields__})
    deps = deps_of(request)
    return await papers.set_letterhead(deps.store, actor_of(request), wanted, data.reason, deps.now_us())


@get("/payment-codes/{code:str}", operation_id="read_payment_code", tags=["billing"], opt=may(Permission.SEE_MONEY))
async def read_payment_code(request: Request[Any, Any, Any], code: PathWord) -> CodeAccount:
    """Whose account a payment code is, as a counter types or scans it; one with a wrong digit is nobody's (``not-found``)."""
    account_id = account_of(code)
    if account_id is None or account_id >= 2**63:
        raise Problem("not-found")
    return CodeAccount(account_id)


HANDLERS: list[Any] = [print_bill, make_bill_files, read_letterhead, set_letterhead, read_payment_code]
