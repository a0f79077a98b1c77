# SPDX-License-Identifier: Apache-2.0
"""Batches of commands, the planner of report times, and lists of commands as files."""

from collections.abc import Sequence
from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.params import FromQuery, JSONBody
from msgspec import Meta, Struct, json

from openmains.app.command.lead import MadeBatch, approve_batch, invert_batch, make_batch, steer_batch
from openmains.app.command.model import Batch, BatchAction, BatchLine, Key, NewBatch, SignerLogin
from openmains.app.command.plan_ports import CellLoads
from openmains.app.command.plan_reports import ApplyPlan, PlanRequest, ReportPlan, apply_plan, plan
from openmains.app.command.ports import CommandStore
from openmains.app.command.signing import KeyVerdict
from openmains.app.command.state_words import reason_text, state_text
from openmains.app.command.wording import command_text
from openmains.app.problems import Problem
from openmains.app.spreadsheet import csv_bytes
from openmains.domain.command.kinds import Kind
from openmains.domain.command.life import State
from openmains.domain.identity.permission import Permission
from openmains.domain.ids import BatchId, MeterId
from openmains.domain.period import zone
from openmains.edges.http.command import ApprovalOf, command_parts
from openmains.edges.http.deps import ApiDeps, actor_of, deps_of
from openmains.edges.http.inputs import Cursor, Id, Limit, OptionalId, Page, after_id, page
from openmains.edges.http.permissions import may
from openmains.edges.http.problems import language_of

_CSV_PAGE = 5000
_CSV_MOST = 100_000
_CSV_HEAD = (
    "command_id", "number", "kind", "content", "params", "state", "reason", "given_by", "batch_id", "attempts", "created_at",
    "sent_at", "ended_at", "not_after", "state_text", "reason_text",
)  # fmt: skip


class MakeBatch(Struct, frozen=True, forbid_unknown_fields=True):
    """A batch to draft; ``signer`` for kinds that are signed."""

    batch: NewBatch
    signer: SignerLogin | None = None


class Steer(Struct, frozen=True, forbid_unknown_fields=True):
    """What to do with a batch."""

    action: BatchAction


class InverseKey(Struct, frozen=True, forbid_unknown_fields=True):
    """Key of the inverse batch."""

    unique_key: Key


class VerdictCounts(Struct, frozen=True):
    """How many commands stand how at the signer."""

    verdicts: dict[Annotated[str, Meta(max_length=40)], int]


@get("/command-batches", operation_id="list_batches", tags=["commands"], opt=may(Permission.SEE_COMMANDS))
async def list_batches(request: Request[Any, Any, Any], limit: Limit = 50, cursor: Cursor = None) -> Page[Batch]:
    """Batches, newest first."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        rows = await work[CommandStore].batches(limit + 1, after_id("batches", cursor))
    return page("batches", rows, limit, lambda batch: batch.batch_id)


@post("/command-batches", operation_id="make_batch", tags=["commands"], opt=may(Permission.GIVE_COMMANDS))
async def make_a_batch(request: Request[Any, Any, Any], data: JSONBody[MakeBatch]) -> MadeBatch:
    """Draft a batch by filter or by a list of numbers; it runs when started."""
    deps = deps_of(request)
    switch, drivers = command_parts(deps)
    return await make_batch(deps.store, deps.signer, switch, drivers, actor_of(request), data.batch, data.signer)


@get("/command-batches/{batch_id:int}", operation_id="read_batch", tags=["commands"], opt=may(Permission.SEE_COMMANDS))
async def read_batch(request: Request[Any, Any, Any], batch_id: Id) -> Batch:
    """One batch: how far it is."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        found = await work[CommandStore].batch(BatchId(batch_id))
    if found is None:
        raise Problem("not-found")
    return found


@post(
    "/command-batches/{batch_id:int}/steer",
    operation_id="steer_batch",
    status_code=200,
    tags=["commands"],
    opt=may(Permission.GIVE_COMMANDS),
)
async def steer_a_batch(request: Request[Any, Any, Any], batch_id: Id, data: JSONBody[Steer]) -> Batch:
    """Start, pause, resume, cancel."""
    deps = deps_of(request)
    return await steer_batch(deps.store, actor_of(request), BatchId(batch_id), data.action, deps.now_us())


@post(
    "/command-batches/{batch_id:int}/approve",
    operation_id="approve_batch",
    status_code=200,
    tags=["commands"],
    opt=may(Permission.APPROVE_COMMANDS),
)
async def approve_a_batch(request: Request[Any, Any, Any], batch_id: Id, data: JSONBody[ApprovalOf]) -> VerdictCounts:
    """A second person agrees to all of it, with a sign-in at the signer."""
    deps = deps_of(request)
    return _counts(await approve_batch(deps.store, deps.signer, actor_of(request), BatchId(batch_id), data.signer))


@post(
    "/command-batches/{batch_id:int}/inverse",
    operation_id="invert_batch",
    tags=["commands"],
    opt=may(Permission.GIVE_COMMANDS),
)
async def invert_a_batch(request: Request[Any, Any, Any], batch_id: Id, data: JSONBody[InverseKey]) -> MadeBatch:
    """Draft the batch that puts back what the meters said before."""
    deps = deps_of(request)
    switch, drivers = command_parts(deps)
    return await invert_batch(deps.store, switch, drivers, actor_of(request), BatchId(batch_id), data.unique_key)


@get(
    "/command-batches/{batch_id:int}/meters",
    operation_id="list_batch_meters",
    tags=["commands"],
    opt=may(Permission.SEE_COMMANDS),
)
async def list_batch_meters(
    request: Request[Any, Any, Any], batch_id: Id, limit: Limit = 50, cursor: Cursor = None
) -> Page[BatchLine]:
    """The meters of a batch, in the order they are told."""
    after = after_id("batch meters", cursor)
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        if await work[CommandStore].batch(BatchId(batch_id)) is None:
            raise Problem("not-found")
        rows = await work[CommandStore].batch_lines(BatchId(batch_id), limit + 1, -1 if after is None else after)
    return page("batch meters", rows, limit, lambda line: line.place)


@get(
    "/command-batches/{batch_id:int}/result",
    operation_id="download_batch_result",
    media_type="text/csv",
    tags=["commands"],
    opt=may(Permission.GIVE_COMMANDS),
)
async def download_batch_result(request: Request[Any, Any, Any], batch_id: Id) -> Response[bytes]:
    """What became of each meter, as CSV; ``content`` says in the caller's language what it was told, with units."""
    rows: list[Sequence[Any]] = [
        ("place", "number", "meter_id", "command_id", "content", "state", "reason", "state_text", "reason_text")
    ]
    language, place = language_of(request), zone(actor_of(request).zone)
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        batch = await work[CommandStore].batch(BatchId(batch_id))
        if batch is None:
            raise Problem("not-found")
        after = -1
        while lines := await work[CommandStore].batch_lines(BatchId(batch_id), _CSV_PAGE, after):
            rows += [
                (
                    line.place,
                    line.number,
                    line.meter_id,
                    line.command_id,
                    command_text(batch.kind, line.params, language, place),
                    line.state,
                    line.reason,
                    state_text(line.state, language),
                    reason_text(line.reason, language),
                )
                for line in lines
            ]
            after = lines[-1].place
    return _csv(rows, f"batch-{batch_id}.csv")


@get(
    "/commands.csv",
    operation_id="download_commands",
    media_type="text/csv",
    tags=["commands"],
    opt=may(Permission.SEE_COMMANDS),
)
async def download_commands(
    request: Request[Any, Any, Any],
    meter_id: OptionalId = None,
    status: FromQuery[State | None] = None,
    kind: FromQuery[Kind | None] = None,
    batch_id: OptionalId = None,
    open: FromQuery[bool] = False,
) -> Response[bytes]:
    """The list of commands as CSV (UTF-8 with byte order mark), newest first; at most 100,000 lines.

    ``content``: what was said in the caller's language, with units (``充值 ¥50.00``); ``params``: the same as exact integers in the
    units of the driver page (fen, L). ``state_text``, ``reason_text``: the codes ``state`` and ``reason`` in the caller's language.
    Instants are in the utility's zone.
    """
    language, place = language_of(request), zone(actor_of(request).zone)
    lines: list[Sequence[Any]] = [_CSV_HEAD]
    meter, batch = None if meter_id is None else MeterId(meter_id), None if batch_id is None else BatchId(batch_id)
    after: int | None = None
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        for _ in range(_CSV_MOST // _CSV_PAGE):
            rows = await work[CommandStore].page(
                _CSV_PAGE, after, meter_id=meter, state=status, kind=kind, batch_id=batch, is_open=open
            )
            for row in rows:
                instants = (row.created_at, row.sent_at, row.ended_at, row.not_after)
                times = [None if at is None else place.iso(int(at.timestamp())) for at in instants]
                params = json.encode(row.params).decode()
                said = command_text(row.kind, row.params, language, place)
                lines.append(
                    (row.command_id, row.number, row.kind, said, params, row.state, row.reason, row.given_by, row.batch_id,
                     row.attempts, *times, state_text(row.state, language), reason_text(row.reason, language))
                )  # fmt: skip
            if len(rows) < _CSV_PAGE:
                break
            after = rows[-1].command_id
    return _csv(lines, "commands.csv")


def _csv(rows: Sequence[Sequence[Any]], name: str) -> Response[bytes]:
    return Response(
        b"".join(csv_bytes(rows)),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@post(
    "/report-plan",
    operation_id="preview_report_plan",
    status_code=200,
    tags=["commands"],
    opt=may(Permission.GIVE_COMMANDS, whole=True),
)
async def preview_report_plan(request: Request[Any, Any, Any], data: JSONBody[PlanRequest]) -> ReportPlan:
    """Report times from the measured load of each cell: before and after, nothing changes."""
    deps = deps_of(request)
    _, drivers = command_parts(deps)
    return await plan(deps.store, _loads(deps), drivers, actor_of(request), data, deps.now_s())


@post(
    "/report-plan/apply",
    operation_id="apply_report_plan",
    tags=["commands"],
    opt=may(Permission.GIVE_COMMANDS, whole=True),
)
async def apply_report_plan(request: Request[Any, Any, Any], data: JSONBody[ApplyPlan]) -> MadeBatch:
    """Draft the batch that tells the meters their new times."""
    deps = deps_of(request)
    switch, drivers = command_parts(deps)
    return await apply_plan(deps.store, _loads(deps), switch, drivers, actor_of(request), data, deps.now_s())


def _loads(deps: ApiDeps) -> CellLoads:
    if deps.cell_loads is None:
        raise Problem("not-offered")
    return deps.cell_loads


def _counts(said: list[KeyVerdict]) -> VerdictCounts:
    counts: dict[str, int] = {}
    for verdict in said:
        counts[verdict.state] = counts.get(verdict.state, 0) + 1
    return VerdictCounts(counts)


HANDLERS: list[Any] = [
    list_batches,
    make_a_batch,
    read_batch,
    steer_a_batch,
    approve_a_batch,
    invert_a_batch,
    list_batch_meters,
    download_batch_result,
    download_commands,
    preview_report_plan,
    apply_report_plan,
]
