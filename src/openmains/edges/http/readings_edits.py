# SPDX-License-Identifier: Apache-2.0
"""What persons set in place of readings: the list, the second person's word, the way back."""

from collections.abc import Sequence
from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.params import JSONBody, QueryParameter
from msgspec import Meta, Struct

from openmains.app.ingest.ports import UplinkReplay
from openmains.app.problems import Problem
from openmains.app.readings import approve, undo
from openmains.app.readings.model import EditState, ReadingEdit
from openmains.app.readings.ports import EditStore, ReadingStore
from openmains.app.spreadsheet import csv_bytes
from openmains.domain.identity.permission import Permission
from openmains.domain.ids import EditId, MeterId
from openmains.domain.period import zone
from openmains.domain.quantity import decimal_of
from openmains.edges.http.deps import ApiDeps, actor_of, deps_of
from openmains.edges.http.inputs import Cursor, Id, Limit, OptionalId, Page, after_id, optional, page
from openmains.edges.http.permissions import may
from openmains.edges.http.problems import language_of
from openmains.edges.http.readings import exponent_of

MOST_EXPORTED = 100_000
State = Annotated[EditState | None, QueryParameter(name="state", description="``pending``: waits for a second person.")]
HEADS = {
    "zh": ("编号", "表号", "日期", "起", "止", "旧值 (m³)", "新值 (m³)", "类别", "状态", "修改人", "理由", "修改时刻", "审批人", "审批理由",
           "审批时刻", "被撤销于"),
    "en": ("edit", "meter number", "day", "from", "to", "old value (m³)", "value (m³)", "kind", "state", "person", "reason", "made at",
           "second person", "their reason", "decided at", "undone by"),
}  # fmt: skip
STATES = {
    "zh": {"pending": "待审批", "applied": "已生效", "rejected": "已驳回", "edit": "修改", "undo": "撤销"},
    "en": {"pending": "waits", "applied": "applied", "rejected": "rejected", "edit": "edit", "undo": "undo"},
}


class EditReason(Struct, frozen=True, forbid_unknown_fields=True):
    """Why; never empty."""

    reason: Annotated[str, Meta(max_length=1000)]


@get("/edits", operation_id="list_edits", tags=["readings"], opt=may(Permission.SEE_READINGS))
async def list_edits(
    request: Request[Any, Any, Any],
    wanted: State = None,
    meter_id: OptionalId = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[ReadingEdit]:
    """Edits and undos with value, old value, person, reason and instant, newest first; ``pending``: wait for a second person."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        rows = await work[EditStore].page(
            limit + 1, after_id("edits", cursor), state=wanted, meter_id=optional(MeterId, meter_id)
        )
    return page("edits", rows, limit, lambda edit: edit.edit_id)


@get(
    "/edits.csv",
    operation_id="download_edits_csv",
    media_type="text/csv",
    tags=["readings"],
    opt=may(Permission.EXPORT_READINGS),
)
async def download_edits_csv(
    request: Request[Any, Any, Any], wanted: State = None, meter_id: OptionalId = None
) -> Response[bytes]:
    """The newest 100,000 of them as CSV (UTF-8 with byte order mark, for spreadsheets)."""
    deps, actor = deps_of(request), actor_of(request)
    async with deps.store.tenant(actor.tenant_id) as work:
        rows = await work[EditStore].page(MOST_EXPORTED, None, state=wanted, meter_id=optional(MeterId, meter_id))
    data = b"".join(csv_bytes(_lines(deps, rows, zone(actor.zone).iso, language_of(request))))
    headers = {"Content-Disposition": 'attachment; filename="edits.csv"'}
    return Response(data, media_type="text/csv; charset=utf-8", headers=headers)


def _lines(deps: ApiDeps, rows: Sequence[ReadingEdit], iso: Any, language: str) -> list[Sequence[Any]]:
    words = STATES[language]
    lines: list[Sequence[Any]] = [HEADS[language]]
    for row in rows:
        exponent = exponent_of(deps, row.driver)
        made, decided = row.made_at.timestamp(), row.decided_at
        lines.append(
            (
                row.edit_id, row.number, row.day, iso(int(row.start.timestamp())), iso(int(row.end.timestamp())),
                decimal_of(row.old_volume, exponent), decimal_of(row.volume, exponent),
                words["edit" if row.undoes is None else "undo"], words[row.state], row.author, row.reason, iso(int(made)),
                row.decider, row.decision, None if decided is None else iso(int(decided.timestamp())), row.undone_by,
            )
        )  # fmt: skip
    return lines


@post(
    "/edits/{edit_id:int}/approve",
    operation_id="approve_edit",
    status_code=200,
    tags=["readings"],
    opt=may(Permission.JUDGE_READINGS),
)
async def approve_edit(request: Request[Any, Any, Any], edit_id: Id, data: JSONBody[EditReason]) -> ReadingEdit:
    """The second person agrees: the edit is applied. Whoever wanted it cannot."""
    deps, actor = deps_of(request), actor_of(request)
    readings, stream = _engines(deps)
    return await approve.approve_edit(
        deps.store, readings, stream, deps.drivers, actor, EditId(edit_id), data.reason, deps.now_us()
    )


@post(
    "/edits/{edit_id:int}/reject",
    operation_id="reject_edit",
    status_code=200,
    tags=["readings"],
    opt=may(Permission.JUDGE_READINGS),
)
async def reject_edit(request: Request[Any, Any, Any], edit_id: Id, data: JSONBody[EditReason]) -> ReadingEdit:
    """The second person does not agree, or its author takes it back: nothing changes."""
    deps, actor = deps_of(request), actor_of(request)
    return await approve.reject_edit(deps.store, actor, EditId(edit_id), data.reason, deps.now_us())


@post(
    "/edits/{edit_id:int}/undo",
    operation_id="undo_edit",
    status_code=200,
    tags=["readings"],
    opt=may(Permission.JUDGE_READINGS),
)
async def undo_edit(request: Request[Any, Any, Any], edit_id: Id, data: JSONBody[EditReason]) -> ReadingEdit:
    """Put back what the version before the edit held, as a new version; an undo is undone in the same way."""
    deps, actor = deps_of(request), actor_of(request)
    readings, stream = _engines(deps)
    return await undo.undo_edit(
        deps.store, readings, stream, deps.drivers, actor, EditId(edit_id), data.reason, deps.now_us()
    )


def _engines(deps: ApiDeps) -> tuple[ReadingStore, UplinkReplay]:
    if deps.replay is None or deps.readings is None:
        raise Problem("not-offered")
    return deps.readings, deps.replay


HANDLERS: list[Any] = [list_edits, download_edits_csv, approve_edit, reject_edit, undo_edit]
