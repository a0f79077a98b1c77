# SPDX-License-Identifier: Apache-2.0
"""Commands to meters: compose, give, follow, call off, approve; the shadow of a meter."""

from typing import Annotated, Any, Literal

from litestar import Request, Response, get, post
from litestar.params import FromQuery, JSONBody, QueryParameter
from msgspec import Struct

from openmains.app.command import log_pull
from openmains.app.command.driver import CommandDrivers
from openmains.app.command.give import (
    Given,
    cancel_command,
    give_command,
    times_for,
)
from openmains.app.command.model import (
    Command,
    CommandDetail,
    CommandSort,
    NewCommand,
    Shadow,
    SignerLogin,
)
from openmains.app.command.ports import CommandStore, StopSwitch
from openmains.app.command.signing import KeyVerdict, approve
from openmains.app.problems import Problem
from openmains.domain.command.kinds import Kind
from openmains.domain.command.life import State
from openmains.domain.command.safety_closing import EVIDENCE_LEAST, EVIDENCE_MOST, REFERENCE_MOST
from openmains.domain.identity.permission import Permission
from openmains.domain.ids import BatchId, CommandId, MeterId
from openmains.domain.period import zone
from openmains.edges.http.deps import ApiDeps, actor_of, deps_of
from openmains.edges.http.inputs import Cursor, Id, Limit, OptionalId, Page, Reason, after_id, page
from openmains.edges.http.permissions import may
from openmains.edges.http.problems import language_of


class CommandParameter(Struct, frozen=True):
    """A parameter of a kind, or a setting: integers within ``low`` and ``high``; ``form`` says int, text (ASCII), prose, list,
    settings or names. ``effect`` of a setting: none, reach, money or valve; the last two are set by the signed kind only."""

    name: str
    form: str
    unit: str
    low: int
    high: int
    title_zh: str
    title_en: str
    default: int | None
    most: int
    effect: str = ""


class CommandKindInfo(Struct, frozen=True):
    """A kind this meter understands. ``signed``: needs a sign-in at the signer."""

    kind: Kind
    title_zh: str
    title_en: str
    signed: bool
    priority: int
    validity_s: int
    parameters: list[CommandParameter]


class MeterCommands(Struct, frozen=True):
    """What can be said to a meter, and its settings by name for ``set_parameters``."""

    kinds: list[CommandKindInfo]
    settings: list[CommandParameter]


class ApprovalOf(Struct, frozen=True, forbid_unknown_fields=True):
    """The second person's sign-in at the signer."""

    signer: SignerLogin


SAFETY_PARAMETERS = (
    CommandParameter("evidence", "prose", "", EVIDENCE_LEAST, EVIDENCE_MOST, "依据（谁、何时、发现什么）",
                     "Evidence (who saw what, when)", None, 1),
    CommandParameter("alarm_id", "int", "", 1, 2**53, "告警编号（可空）", "Number of the alarm (if any)", 0, 1),
    CommandParameter("work_order", "prose", "", 0, REFERENCE_MOST, "工单号（可空）", "Work order (if any)", 0, 1),
)  # fmt: skip
"""What a safety closing says beside what its driver puts into the frame. ``prose``: text of any script."""


def command_parts(deps: ApiDeps) -> tuple[StopSwitch, CommandDrivers]:
    """What every command needs; raises ``not-offered`` where the deployment has none."""
    if deps.stop_switch is None or deps.command_drivers is None:
        raise Problem("not-offered")
    return deps.stop_switch, deps.command_drivers


def _parameter(item: Any) -> CommandParameter:
    return CommandParameter(
        item.name,
        getattr(item, "form", "int"),
        item.unit,
        item.low,
        item.high,
        item.title.zh,
        item.title.en,
        getattr(item, "default", None),
        getattr(item, "most", 1),
        getattr(item, "effect", ""),
    )


@get(
    "/meters/{meter_id:int}/command-kinds",
    operation_id="list_command_kinds",
    tags=["commands"],
    opt=may(Permission.SEE_COMMANDS),
)
async def list_command_kinds(request: Request[Any, Any, Any], meter_id: Id) -> MeterCommands:
    """What this meter's product understands, for the composer."""
    _, drivers = command_parts(deps_of(request))
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        targets = await work[CommandStore].targets([MeterId(meter_id)])
        times = await work[CommandStore].times()
    if not targets:
        raise Problem("not-found")
    driver = drivers.command_driver(targets[0].driver)
    if driver is None:
        return MeterCommands([], [])
    kinds = []
    for name, found in driver.command_kinds.items():
        if name not in set(Kind):
            continue
        kind = Kind(name)
        rule = times_for(times, kind, targets[0].product_id)
        title, parameters = getattr(found, "title", None), getattr(found, "params", ())
        kinds.append(
            CommandKindInfo(
                kind,
                title.zh if title else rule.zh,
                title.en if title else rule.en,
                rule.signed,
                int(rule.priority),
                rule.validity_s,
                [*(_parameter(item) for item in parameters), *(SAFETY_PARAMETERS if kind is Kind.SAFETY_CLOSE else ())],
            )
        )
    return MeterCommands(kinds, [_parameter(item) for item in getattr(driver, "settings", {}).values()])


@post(
    "/meters/{meter_id:int}/commands", operation_id="give_command", tags=["commands"], opt=may(Permission.GIVE_COMMANDS)
)
async def give_a_command(request: Request[Any, Any, Any], meter_id: Id, data: JSONBody[NewCommand]) -> Given:
    """Give a command. The same ``unique_key`` again gives the same command and has no second effect."""
    deps = deps_of(request)
    switch, drivers = command_parts(deps)
    return await give_command(
        deps.store, deps.signer, switch, drivers, actor_of(request), MeterId(meter_id), data, deps.now_us()
    )


@get("/commands", operation_id="list_commands", tags=["commands"], opt=may(Permission.SEE_COMMANDS))
async def list_commands(
    request: Request[Any, Any, Any],
    meter_id: OptionalId = None,
    status: FromQuery[State | None] = None,
    kind: FromQuery[Kind | None] = None,
    batch_id: OptionalId = None,
    open: FromQuery[bool] = False,
    sort: FromQuery[CommandSort] = "-given",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[Command]:
    """Commands, newest first (``-given``) or oldest first; ``open``: those that have not ended. ``status=quarantined`` is the approval
    inbox."""
    scope = f"commands {sort}"
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        rows = await work[CommandStore].page(
            limit + 1,
            after_id(scope, cursor),
            meter_id=None if meter_id is None else MeterId(meter_id),
            state=status,
            kind=kind,
            batch_id=None if batch_id is None else BatchId(batch_id),
            is_open=open,
            is_oldest_first=sort == "given",
        )
    return page(scope, rows, limit, lambda command: command.command_id)


@get("/commands/{command_id:int}", operation_id="read_command", tags=["commands"], opt=may(Permission.SEE_COMMANDS))
async def read_command(request: Request[Any, Any, Any], command_id: Id) -> CommandDetail:
    """One command with its history and what the meter answered."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        found = await work[CommandStore].get(CommandId(command_id))
    if found is None:
        raise Problem("not-found")
    return found


@get(
    "/commands/{command_id:int}/log",
    operation_id="download_meter_log",
    tags=["commands"],
    media_type="text/plain",
    opt=may(Permission.GIVE_COMMANDS),
)
async def download_meter_log(
    request: Request[Any, Any, Any],
    command_id: Id,
    form: Annotated[
        Literal["text", "csv"],
        QueryParameter(name="format", description="Text as the meter wrote it, or a table with instants in the zone."),
    ] = "text",
) -> Response[bytes]:
    """The log that a meter sent in answer to ``log_pull``, with the parts that were asked for again (R1.14).

    A last line says what span is still missing.
    """
    actor, language = actor_of(request), language_of(request)
    async with deps_of(request).store.tenant(actor.tenant_id) as work:
        if await work[CommandStore].get(CommandId(command_id)) is None:
            raise Problem("not-found")
        pulls = await work[CommandStore].log_pulls(CommandId(command_id))
    table = form == "csv"
    content = (
        log_pull.as_csv(pulls, zone(actor.zone), language) if table else log_pull.as_text(pulls, language).encode()
    )
    return Response(
        content,
        media_type="text/csv; charset=utf-8" if table else "text/plain; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="meter-log-{command_id}.{"csv" if table else "txt"}"'},
    )


@post(
    "/commands/{command_id:int}/cancel",
    operation_id="cancel_command",
    status_code=200,
    tags=["commands"],
    opt=may(Permission.GIVE_COMMANDS),
)
async def cancel_a_command(request: Request[Any, Any, Any], command_id: Id, data: JSONBody[Reason]) -> CommandDetail:
    """Call it off; one that was sent cannot be called back."""
    deps = deps_of(request)
    return await cancel_command(deps.store, actor_of(request), CommandId(command_id), data.reason, deps.now_us())


@post(
    "/commands/{command_id:int}/approve",
    operation_id="approve_command",
    status_code=200,
    tags=["commands"],
    opt=may(Permission.APPROVE_COMMANDS),
)
async def approve_a_command(request: Request[Any, Any, Any], command_id: Id, data: JSONBody[ApprovalOf]) -> KeyVerdict:
    """A second person agrees, with a sign-in at the signer; whoever gave it cannot."""
    deps, actor = deps_of(request), actor_of(request)
    async with deps.store.tenant(actor.tenant_id) as work:
        found = await work[CommandStore].get(CommandId(command_id))
    if found is None:
        raise Problem("not-found")
    (verdict,) = await approve(deps.store, deps.signer, actor, [found.unique_key], "command", command_id, data.signer)
    return verdict


@get("/meters/{meter_id:int}/shadow", operation_id="read_shadow", tags=["commands"], opt=may(Permission.SEE_COMMANDS))
async def read_shadow(request: Request[Any, Any, Any], meter_id: Id) -> Shadow:
    """What the meter should be set to, what it said, and where they differ."""
    async with deps_of(request).store.tenant(actor_of(request).tenant_id) as work:
        found = await work[CommandStore].shadow(MeterId(meter_id))
    if found is None:
        raise Problem("not-found")
    return found


HANDLERS: list[Any] = [
    list_command_kinds,
    give_a_command,
    list_commands,
    read_command,
    download_meter_log,
    cancel_a_command,
    approve_a_command,
    read_shadow,
]
