# SPDX-License-Identifier: Apache-2.0
"""Terminals: security of a meter, the ladder, unknown terminals, keys. Keys go in and out as files; no answer holds one."""

from typing import Annotated, Any

from litestar import Request, Response, delete, get, post, put
from litestar.datastructures import UploadFile
from litestar.params import FromQuery, JSONBody, MultipartBody, QueryParameter

from openmains.app.fleet.model import MeterDetail, NewMeter
from openmains.app.fleet.ports import MeterStore
from openmains.app.job.model import Job
from openmains.app.problems import Problem
from openmains.app.security import handle
from openmains.app.security.model import (
    AccessPolicy,
    AccessRefusal,
    Hold,
    KeySummary,
    KeyWish,
    MeterSecurity,
    OnboardingStatus,
    RefusalFilter,
    Release,
    TerminalFinding,
    TerminalList,
    TerminalRow,
    UnknownTerminal,
)
from openmains.app.security.ports import AccessStore, KeyFiles, place_of
from openmains.domain.identity.permission import Permission
from openmains.domain.ids import AreaId, MeterId, ProductId
from openmains.edges.http.deps import ApiDeps, actor_of, deps_of, today_of
from openmains.edges.http.inputs import (
    Cursor,
    Id,
    Limit,
    OptionalId,
    OptionalId32,
    Page,
    PathWord,
    Reason,
    WhyQuery,
    after_id,
    after_pair,
    optional,
    page,
)
from openmains.edges.http.permissions import may
from openmains.edges.http.text_door import file_name

LARGEST_KEY_FILE = 128 * 1024 * 1024  # a million rows are about 50 MB
TAGS = ["terminals"]
KEYS = ["keys"]


def _now(deps: ApiDeps) -> handle.Now:
    return handle.Now(deps.now_us(), deps.thresholds)


def _files(deps: ApiDeps) -> KeyFiles:
    if deps.key_files is None:
        raise Problem("not-offered")
    return deps.key_files


@get("/meters/{meter_id:int}/security", operation_id="read_meter_security", tags=TAGS, opt=may(Permission.SEE_SECURITY))
async def read_meter_security(request: Request[Any, Any, Any], meter_id: Id) -> MeterSecurity:
    """State, score, SIM, session and key status of a meter's terminal."""
    deps = deps_of(request)
    now = _now(deps)
    async with deps.store.tenant(actor_of(request).tenant_id) as work:
        found = await work[AccessStore].security(MeterId(meter_id), now.thresholds, now.s)
    if found is None:
        raise Problem("not-found")
    return found


@get(
    "/meters/{meter_id:int}/findings",
    operation_id="list_terminal_findings",
    tags=TAGS,
    opt=may(Permission.SEE_SECURITY),
)
async def list_terminal_findings(
    request: Request[Any, Any, Any], meter_id: Id, limit: Limit = 50, cursor: Cursor = None
) -> Page[TerminalFinding]:
    """What was found about a meter's terminal, newest first."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        if await work[MeterStore].get(MeterId(meter_id)) is None:
            raise Problem("not-found")
        rows = await work[AccessStore].findings(limit + 1, after_id("findings", cursor), MeterId(meter_id))
    return page("findings", rows, limit, lambda found: found.finding_id)


@post(
    "/meters/{meter_id:int}/security/release",
    operation_id="release_terminal",
    status_code=200,
    tags=TAGS,
    opt=may(Permission.HANDLE_SECURITY),
)
async def release_terminal(request: Request[Any, Any, Any], meter_id: Id, data: JSONBody[Release]) -> MeterSecurity:
    """Allowed again, with nothing against it; every edge takes it within seconds."""
    deps = deps_of(request)
    return await handle.release_terminal(deps.store, actor_of(request), MeterId(meter_id), data.note, _now(deps))


@post(
    "/meters/{meter_id:int}/security/hold",
    operation_id="hold_terminal",
    status_code=200,
    tags=TAGS,
    opt=may(Permission.HANDLE_SECURITY),
)
async def hold_terminal(request: Request[Any, Any, Any], meter_id: Id, data: JSONBody[Hold]) -> MeterSecurity:
    """Observe, quarantine or block it until somebody releases it."""
    deps = deps_of(request)
    return await handle.hold_terminal(
        deps.store, actor_of(request), MeterId(meter_id), data.state, data.note, _now(deps)
    )


@get("/terminals", operation_id="list_terminals", tags=TAGS, opt=may(Permission.SEE_SECURITY))
async def list_terminals(
    request: Request[Any, Any, Any],
    status: Annotated[
        TerminalList | None,
        QueryParameter(description="A step of the ladder; ``online``: all that came in, newest first."),
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[TerminalRow]:
    """Terminals that are not simply allowed, the latest change first."""
    deps = deps_of(request)
    now = _now(deps)
    scope = f"terminals {status}"
    async with deps.store.tenant(actor_of(request).tenant_id) as work:
        rows = await work[AccessStore].terminals(limit + 1, after_pair(scope, cursor), status, now.thresholds, now.s)

    def key(row: TerminalRow) -> tuple[int, int]:
        at = row.online_since if status == "online" and row.online_since is not None else row.state_at
        return place_of(at), row.meter_id

    return page(scope, rows, limit, key)


@get("/onboarding", operation_id="list_unknown_terminals", tags=TAGS, opt=may(Permission.HANDLE_SECURITY))
async def list_unknown_terminals(
    request: Request[Any, Any, Any],
    status: FromQuery[OnboardingStatus | None] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[UnknownTerminal]:
    """IMEIs that are nobody's meter and tried to come in, newest first."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        rows = await work[AccessStore].unknown(limit + 1, after_pair("onboarding", cursor), status)
    return page("onboarding", rows, limit, lambda found: (place_of(found.last_at), int(found.imei)))


@get("/refusals", operation_id="list_access_refusals", tags=TAGS, opt=may(Permission.HANDLE_SECURITY))
async def list_access_refusals(
    request: Request[Any, Any, Any],
    name: Annotated[
        str | None, QueryParameter(min_length=1, max_length=64, description="A part of what the device called itself.")
    ] = None,
    reason: Annotated[
        str | None, QueryParameter(min_length=1, max_length=64, description="As in the rows, e.g. ``no_key``.")
    ] = None,
    meter_id: OptionalId = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[AccessRefusal]:
    """Handshakes and registrations that were refused, with the reason, newest first."""
    chosen = RefusalFilter(name, reason, optional(MeterId, meter_id))
    scope = f"refusals {name} {reason} {meter_id}"
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        rows = await work[AccessStore].refusals(limit + 1, after_pair(scope, cursor), chosen)
    return page(scope, rows, limit, lambda found: (place_of(found.last_at), found.refusal_id))


@post(
    "/onboarding/{imei:str}/accept",
    operation_id="accept_unknown_terminal",
    tags=TAGS,
    opt=may(Permission.HANDLE_SECURITY),
)
async def accept_unknown_terminal(
    request: Request[Any, Any, Any], imei: PathWord, data: JSONBody[NewMeter]
) -> MeterDetail:
    """Register it as a meter; its messages are accepted within seconds."""
    deps = deps_of(request)
    if deps.dimensions is None:
        raise Problem("not-offered")
    actor = actor_of(request)
    return await handle.accept_unknown(deps.store, deps.dimensions, actor, imei, data, today_of(deps, actor))


@post(
    "/onboarding/{imei:str}/dismiss",
    operation_id="dismiss_unknown_terminal",
    status_code=200,
    tags=TAGS,
    opt=may(Permission.HANDLE_SECURITY),
)
async def dismiss_unknown_terminal(request: Request[Any, Any, Any], imei: PathWord) -> UnknownTerminal:
    """It is none of ours."""
    return await handle.dismiss_unknown(deps_of(request).store, actor_of(request), imei)


@get("/access-policy", operation_id="read_access_policy", tags=TAGS, opt=may(Permission.SEE_SECURITY))
async def read_access_policy(request: Request[Any, Any, Any]) -> AccessPolicy:
    """What is done at once when a SIM is not the registered one."""
    deps = deps_of(request)
    async with deps.store.tenant(actor_of(request).tenant_id) as work:
        return await work[AccessStore].policy() or AccessPolicy(deps.on_sim_separated)


@put("/access-policy", operation_id="set_access_policy", tags=TAGS, opt=may(Permission.SET_SECURITY))
async def set_access_policy(
    request: Request[Any, Any, Any], data: JSONBody[AccessPolicy], reason: WhyQuery = ""
) -> AccessPolicy:
    """For all products whose settings say nothing else."""
    return await handle.set_policy(deps_of(request).store, actor_of(request), data, reason)


@get("/keys", operation_id="read_key_summary", tags=KEYS, opt=may(Permission.HANDLE_SECURITY))
async def read_key_summary(
    request: Request[Any, Any, Any], product_id: OptionalId32 = None, area_id: OptionalId32 = None
) -> KeySummary:
    """How many meters have a key, of all or of a product, an area: whom a making of keys would touch."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        return await work[AccessStore].key_summary(optional(ProductId, product_id), optional(AreaId, area_id))


@post(
    "/keys/import",
    operation_id="import_keys",
    status_code=202,
    tags=KEYS,
    request_max_body_size=LARGEST_KEY_FILE,
    opt=may(Permission.MANAGE_KEYS),
)
async def import_keys(
    request: Request[Any, Any, Any],
    data: MultipartBody[UploadFile],
    partial: Annotated[bool, QueryParameter(description="Keep the good rows of a file with faults.")] = False,
    reason: WhyQuery = "",
) -> Job:
    """Import keys from CSV (imei, psk in hexadecimal) as a job. The file is sealed at once and removed after the job."""
    deps = deps_of(request)
    files = _files(deps)
    content = await data.read()
    if not content or b"\x00" in content[:4096]:
        raise Problem("invalid-input", fields=(("/data", "not-csv"),))
    name = file_name(data)
    return await handle.ask_for_import(
        deps.store, files, actor_of(request), content, name, partial=partial, reason=reason
    )


@post("/keys/generate", operation_id="generate_keys", status_code=202, tags=KEYS, opt=may(Permission.MANAGE_KEYS))
async def generate_keys(request: Request[Any, Any, Any], data: JSONBody[KeyWish]) -> Job:
    """Make keys as a job; its file for the maker can be taken once, within a day."""
    deps = deps_of(request)
    _files(deps)
    return await handle.ask_for_keys(deps.store, actor_of(request), data)


@post(
    "/keys/files/{job_id:int}/take",
    operation_id="take_key_file",
    media_type="text/csv",
    status_code=200,
    tags=KEYS,
    opt=may(Permission.MANAGE_KEYS),
)
async def take_key_file(
    request: Request[Any, Any, Any], job_id: Id, data: JSONBody[Reason | None] = None
) -> Response[bytes]:
    """The file of a finished generation (CSV: number, imei, psk). It is gone after this answer."""
    deps = deps_of(request)
    why = "" if data is None else data.reason
    content = await handle.take_key_file(deps.store, _files(deps), actor_of(request), job_id, why)
    headers = {"Content-Disposition": f'attachment; filename="keys-{job_id}.csv"', "Cache-Control": "no-store"}
    return Response(content, media_type="text/csv; charset=utf-8", headers=headers)


@delete(
    "/meters/{meter_id:int}/key",
    operation_id="destroy_key",
    status_code=204,
    tags=KEYS,
    opt=may(Permission.MANAGE_KEYS),
)
async def destroy_key(request: Request[Any, Any, Any], meter_id: Id, reason: WhyQuery = "") -> None:
    """Destroy a meter's key: it can come in no more until it has a new one."""
    await handle.destroy_key(deps_of(request).store, actor_of(request), MeterId(meter_id), reason)


HANDLERS: list[Any] = [
    read_meter_security,
    list_terminal_findings,
    release_terminal,
    hold_terminal,
    list_terminals,
    list_unknown_terminals,
    list_access_refusals,
    accept_unknown_terminal,
    dismiss_unknown_terminal,
    read_access_policy,
    set_access_policy,
    read_key_summary,
    import_keys,
    generate_keys,
    take_key_file,
    destroy_key,
]
