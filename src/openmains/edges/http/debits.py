# SPDX-License-Identifier: Apache-2.0
"""Direct debit: authorisations, files for the bank, and the files that it answers."""

from datetime import date
from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.datastructures import UploadFile
from litestar.params import JSONBody, MultipartBody, QueryParameter
from msgspec import Meta, Struct

from openmains.app.payment import debit_answers, debits
from openmains.app.payment.debit_model import DebitAnswer, DebitAuthorisation, DebitFile, DebitItem, DebitItemState
from openmains.app.payment.debit_ports import DebitStore
from openmains.app.problems import Problem
from openmains.domain.identity.permission import Permission
from openmains.domain.period import date_to_day
from openmains.edges.http.deps import actor_of, deps_of, today_number
from openmains.edges.http.inputs import Cursor, Id, Limit, OptionalId, Page, Reason, ReasonText, after_id, page
from openmains.edges.http.payment import Key
from openmains.edges.http.payment_orders import Row, sealer_of
from openmains.edges.http.permissions import may
from openmains.edges.http.text_door import file_name

LARGEST_ANSWER = 1024 * 1024  # 2,000 lines are about 150 kB
BankText = Annotated[str, Meta(min_length=1, max_length=100)]


class NewDebitAuthorisation(Struct, frozen=True, forbid_unknown_fields=True):
    """``contract``: its number at the bank; ``bank``: the bank's name or number as the bank's files want it. Holder and number of the bank
    account are sealed and told to nobody again."""

    account_id: Row
    contract: Annotated[str, Meta(min_length=1, max_length=60, pattern=r"^[A-Za-z0-9_.-]+$")]
    bank: BankText
    holder: BankText
    bank_account: Annotated[str, Meta(min_length=8, max_length=64)]
    signed_on: date
    reason: ReasonText = ""

    def __repr__(self) -> str:
        return f"NewDebitAuthorisation({self.account_id!r}, {self.contract!r})"


class NewDebitFile(Struct, frozen=True, forbid_unknown_fields=True):
    """``key``: the same again is the same file; ``collect_on``: when the bank is to collect, today or later."""

    key: Key
    collect_on: date


@get(
    "/debit-authorisations", operation_id="list_debit_authorisations", tags=["payments"], opt=may(Permission.SEE_MONEY)
)
async def list_debit_authorisations(
    request: Request[Any, Any, Any], account_id: OptionalId = None, limit: Limit = 50, cursor: Cursor = None
) -> Page[DebitAuthorisation]:
    """Authorisations, newest first; of a bank account the last four digits."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        rows = await work[DebitStore].authorisations(
            limit + 1, after_id("debit-authorisations", cursor), account_id=account_id
        )
    return page("debit-authorisations", rows, limit, lambda one: one.authorisation_id)


@post(
    "/debit-authorisations", operation_id="add_debit_authorisation", tags=["payments"], opt=may(Permission.RUN_DIRECT_DEBIT)
)  # fmt: skip
async def add_debit_authorisation(
    request: Request[Any, Any, Any], data: JSONBody[NewDebitAuthorisation]
) -> DebitAuthorisation:
    """What a customer signed for an account, which has one at a time."""
    deps = deps_of(request)
    wanted = debits.NewDebitAuthorisation(
        data.account_id, data.contract, data.bank, data.holder, data.bank_account, date_to_day(data.signed_on)
    )
    return await debits.authorise(
        deps.store, actor_of(request), sealer_of(request), wanted, data.reason, today_number(request), deps.now_us()
    )


@post(
    "/debit-authorisations/{authorisation_id:int}/end", operation_id="end_debit_authorisation", status_code=200, tags=["payments"],
    opt=may(Permission.RUN_DIRECT_DEBIT),
)  # fmt: skip
async def end_debit_authorisation(
    request: Request[Any, Any, Any], authorisation_id: Id, data: JSONBody[Reason]
) -> DebitAuthorisation:
    """Nothing more is collected by it. Another bank account is another authorisation."""
    deps = deps_of(request)
    return await debits.end_authorisation(deps.store, actor_of(request), authorisation_id, data.reason, deps.now_us())


@get("/debit-files", operation_id="list_debit_files", tags=["payments"], opt=may(Permission.SEE_MONEY, whole=True))
async def list_debit_files(
    request: Request[Any, Any, Any], limit: Limit = 50, cursor: Cursor = None
) -> Page[DebitFile]:
    """Files for banks, newest first."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        rows = await work[DebitStore].files(limit + 1, after_id("debit-files", cursor))
    return page("debit-files", rows, limit, lambda one: one.file_id)


@post("/debit-files", operation_id="make_debit_file", tags=["payments"], opt=may(Permission.RUN_DIRECT_DEBIT))
async def make_debit_file(request: Request[Any, Any, Any], data: JSONBody[NewDebitFile]) -> DebitFile:
    """A file of what authorised accounts owe on their bills, with late fees as of today: 2,000 lines at the most. Make another until it is
    refused with ``nothing-to-debit``: who stands in a file that waits is in no other."""
    deps = deps_of(request)
    return await debits.make_file(
        deps.store, actor_of(request), data.key, date_to_day(data.collect_on), today_number(request), deps.now_us()
    )


@get(
    "/debit-files/{file_id:int}",
    operation_id="read_debit_file",
    tags=["payments"],
    opt=may(Permission.SEE_MONEY, whole=True),
)
async def read_debit_file(request: Request[Any, Any, Any], file_id: Id) -> DebitFile:
    """One file with its counts."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        found = await work[DebitStore].file(file_id)
    if found is None:
        raise Problem("not-found")
    return found


@get(
    "/debit-files/{file_id:int}/items", operation_id="list_debit_items", tags=["payments"], opt=may(Permission.SEE_MONEY, whole=True)
)  # fmt: skip
async def list_debit_items(
    request: Request[Any, Any, Any],
    file_id: Id,
    of_state: Annotated[DebitItemState | None, QueryParameter(name="state")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[DebitItem]:
    """Its lines in order, and what the bank said of each."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        after = after_id("debit-items", cursor) or 0
        rows = await work[DebitStore].items(file_id, limit + 1, after, state=of_state)
    return page("debit-items", rows, limit, lambda one: one.place)


@get(
    "/debit-files/{file_id:int}/answers", operation_id="list_debit_answers", tags=["payments"], opt=may(Permission.SEE_MONEY, whole=True)
)  # fmt: skip
async def list_debit_answers(request: Request[Any, Any, Any], file_id: Id) -> list[DebitAnswer]:
    """Answered files that were read, newest first."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        return await work[DebitStore].answers(file_id)


@get(
    "/debit-files/{file_id:int}/download", operation_id="download_debit_file", media_type="text/plain", tags=["payments"],
    opt=may(Permission.RUN_DIRECT_DEBIT),
)  # fmt: skip
async def download_debit_file(request: Request[Any, Any, Any], file_id: Id) -> Response[bytes]:
    """The file for the bank, the same each time. It holds bank data in clear: each look is in the audit trail."""
    deps = deps_of(request)
    name, data = await debits.download_file(deps.store, actor_of(request), sealer_of(request), file_id)
    head = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(data, media_type="text/plain", headers=head)


@post(
    "/debit-files/{file_id:int}/answers", operation_id="read_debit_answer", status_code=200, tags=["payments"],
    request_max_body_size=LARGEST_ANSWER, opt=may(Permission.RUN_DIRECT_DEBIT),
)  # fmt: skip
async def read_debit_answer(
    request: Request[Any, Any, Any], file_id: Id, data: MultipartBody[UploadFile]
) -> DebitAnswer:
    """Read a file that the bank answered, of all lines or of some. All of it fits and is booked once, or nothing is booked and the refusal
    names line and fault. The same file again changes nothing. What the bank gave back waits as a return of its receipt for another person."""
    deps = deps_of(request)
    body = await data.read()
    return await debit_answers.read_answer(
        deps.store, actor_of(request), file_id, file_name(data), body, today_number(request), deps.now_us()
    )


@post(
    "/debit-files/{file_id:int}/void", operation_id="void_debit_file", status_code=200, tags=["payments"],
    opt=may(Permission.APPROVE_MONEY),
)  # fmt: skip
async def void_debit_file(request: Request[Any, Any, Any], file_id: Id, data: JSONBody[Reason]) -> DebitFile:
    """By another person than its maker, before the bank has answered anything: its accounts stand in the next file again."""
    deps = deps_of(request)
    return await debits.void_file(deps.store, actor_of(request), file_id, data.reason, deps.now_us())


HANDLERS: list[Any] = [
    list_debit_authorisations,
    add_debit_authorisation,
    end_debit_authorisation,
    list_debit_files,
    make_debit_file,
    read_debit_file,
    list_debit_items,
    list_debit_answers,
    download_debit_file,
    read_debit_answer,
    void_debit_file,
]
