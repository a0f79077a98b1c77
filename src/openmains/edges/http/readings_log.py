# SPDX-License-Identifier: Apache-2.0
"""The communication log of one meter: its frames, radio and battery of each report."""

from datetime import datetime
from typing import Annotated, Any, Literal

from litestar import Request, get
from litestar.params import FromQuery
from msgspec import Struct

from openmains.app.command.sent_frames import ANSWER, kind_of
from openmains.app.fleet.driver_catalog import DamagedPart, DriverCatalog, TracedField
from openmains.app.ingest.pipeline.process import PERSONS_CHANNELS
from openmains.app.ingest.uplink import PARTIAL
from openmains.app.readings.model import StoredFrame, StoredSignal
from openmains.domain.identity.permission import Permission
from openmains.domain.ids import CommandId, MeterId
from openmains.domain.network.coverage import Coverage, coverage
from openmains.domain.period import utc_of_us
from openmains.edges.http.deps import actor_of, deps_of
from openmains.edges.http.inputs import Cursor, Id, Limit, Page, after_pair, page
from openmains.edges.http.permissions import may
from openmains.edges.http.readings import OptionalFrom, OptionalTo, meter_of, optional_period, store_of

Direction = Literal["up", "down"]


class Frame(Struct, frozen=True):
    """One message of the communication log, raw and explained. ``received_at``: of one that went down, when it was sent."""

    received_at: datetime
    direction: Direction
    what: Annotated[str, "Of a frame that went down: command, answer, write, execute, read, discover, observe, cancel"]
    command_id: CommandId | None
    command_kind: str | None
    channel: str
    path: str
    outcome: Annotated[
        str,
        "Up: ok, repeat, partial (see damages), or why it was refused. Down: delivered, lost, not_sent, sent (nobody confirms it)",
    ]
    length: int
    payload_hex: str
    fields: list[TracedField]
    damages: Annotated[list[DamagedPart], "What of it could not be read, while the rest was stored"]


class Signal(Struct, frozen=True):
    """Radio and battery of one report; ``coverage`` by R12.1."""

    received_at: datetime
    rsrp_dbm: float | None
    sinr_db: float | None
    ecl: int | None
    pci: int | None
    cell: int | None
    earfcn: int | None
    battery_pct: int | None
    battery_mv: int | None
    coverage: Coverage | None


@get("/meters/{meter_id:int}/frames", operation_id="list_frames", tags=["readings"], opt=may(Permission.SEE_FRAMES))
async def list_frames(
    request: Request[Any, Any, Any],
    meter_id: Id,
    direction: FromQuery[Direction | None] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[Frame]:
    """The communication log, newest first, both directions or one, each frame explained by the meter's driver."""
    deps, actor = deps_of(request), actor_of(request)
    before = after_pair("frames", cursor)
    meter = await meter_of(deps, actor, meter_id)
    rows = await store_of(deps).frames(actor.tenant_id, MeterId(meter_id), limit + 1, before, direction or "")
    shown = page("frames", rows, limit, lambda f: (f.received_us, f.version))
    return Page(
        items=[_frame(deps.drivers, meter.driver, stored) for stored in shown.items],
        next=shown.next,
    )


def _frame(drivers: DriverCatalog, driver: str, f: StoredFrame) -> Frame:
    went_down = f.direction == "down"
    what, kind = kind_of(f.path) if went_down else ("", "")
    fields: list[TracedField] = []
    if went_down and what in ("command", ANSWER):
        fields = drivers.explain_down(driver, f.payload)
    elif (
        not went_down and f.channel not in PERSONS_CHANNELS
    ):  # what a person says is no frame; its JSON speaks for itself
        fields = drivers.explain(driver, f.payload) or []
    return Frame(
        received_at=utc_of_us(f.received_us),
        direction="down" if went_down else "up",
        what=what,
        command_id=CommandId(f.version) if what == "command" else None,
        command_kind=kind or None,
        channel=f.channel,
        path=f.path,
        outcome=f.outcome,
        length=len(f.payload),
        payload_hex=f.payload.hex(),
        damages=drivers.damages(driver, f.payload, f.received_us // 1_000_000) if f.outcome == PARTIAL else [],
        fields=fields,
    )


def _signal(s: StoredSignal) -> Signal:
    return Signal(
        received_at=utc_of_us(s.received_us),
        rsrp_dbm=None if s.rsrp_ddbm is None else s.rsrp_ddbm / 10,
        sinr_db=None if s.sinr_ddb is None else s.sinr_ddb / 10,
        ecl=s.ecl,
        pci=s.pci,
        cell=s.cell,
        earfcn=s.earfcn,
        battery_pct=s.battery_pct,
        battery_mv=s.battery_mv,
        coverage=coverage(s.rsrp_ddbm, s.sinr_ddb),
    )


@get("/meters/{meter_id:int}/signals", operation_id="list_signals", tags=["readings"], opt=may(Permission.SEE_READINGS))
async def list_signals(
    request: Request[Any, Any, Any],
    meter_id: Id,
    start: OptionalFrom = None,
    end: OptionalTo = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[Signal]:
    """Radio and battery of each report, newest first (R12.3)."""
    deps, actor = deps_of(request), actor_of(request)
    left, right = optional_period(start, end)
    before = after_pair("signals", cursor)
    await meter_of(deps, actor, meter_id)
    rows = await store_of(deps).signals(
        actor.tenant_id, MeterId(meter_id), left * 1_000_000, right * 1_000_000, limit + 1, before
    )
    shown = page("signals", rows, limit, lambda s: (s.received_us, s.version))
    return Page(items=[_signal(s) for s in shown.items], next=shown.next)


HANDLERS: list[Any] = [list_frames, list_signals]
