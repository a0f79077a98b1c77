# SPDX-License-Identifier: Apache-2.0
"""The first page: a utility at a glance, and what waits for the person who asks."""

from datetime import datetime, timedelta
from typing import Annotated, Any

from litestar import Request, get
from litestar.params import QueryParameter

from openmains.app.fleet.ports import MeterStore
from openmains.app.home.diagnosis import MeterDiagnosis, MeterFault, diagnose_meter, faults_of_meter
from openmains.app.home.model import HomeSummary, MeterEvent, Waiting
from openmains.app.home.ports import HomeStore
from openmains.app.home.summary import work_waiting
from openmains.app.paging import decode_cursor
from openmains.app.problems import Problem
from openmains.domain.diagnosis.tree import Complaint
from openmains.domain.identity.permission import Permission
from openmains.domain.ids import MeterId
from openmains.domain.period import utc_of_us
from openmains.edges.http.deps import actor_of, deps_of
from openmains.edges.http.inputs import Cursor, Id, Key, Limit, Page, page
from openmains.edges.http.permissions import SIGNED_IN, may


@get("/home", operation_id="read_home", tags=["home"], opt=may(Permission.SEE_HOME))
async def read_home(request: Request[Any, Any, Any]) -> HomeSummary:
    """Meters by how they stand, open alarms by age, the newest of them."""
    return await deps_of(request).home.summary(actor_of(request))


@get("/waiting", operation_id="list_waiting", tags=["home"], opt=SIGNED_IN)
async def list_waiting(request: Request[Any, Any, Any]) -> Waiting:
    """How much work waits for the person who asks, by kind: approvals by others, readings to be reviewed and the like."""
    return await work_waiting(deps_of(request).store, actor_of(request))


def _us(at: datetime) -> int:
    return (at - utc_of_us(0)) // timedelta(microseconds=1)


@get("/meters/{meter_id:int}/timeline", operation_id="list_timeline", tags=["home"], opt=may(Permission.SEE_TIMELINE))
async def list_timeline(
    request: Request[Any, Any, Any], meter_id: Id, limit: Limit = 50, cursor: Cursor = None
) -> Page[MeterEvent]:
    """What happened to a meter, newest first: alarms, commands, findings, edits, readings by persons, safety closings; for
    who may see the trail also what persons did to its record."""
    deps, actor = deps_of(request), actor_of(request)
    before = decode_cursor("timeline", cursor, tuple[Key, str, Key])
    async with deps.store.tenant(actor.tenant_id) as work:
        if await work[MeterStore].get(MeterId(meter_id)) is None:
            raise Problem("not-found")
        rows = await work[HomeStore].timeline(
            MeterId(meter_id),
            before,
            limit + 1,
            has_trail=actor.may(Permission.SEE_TRAIL),
        )
    return page("timeline", rows, limit, lambda event: (_us(event.at), event.kind, event.reference))


@get(
    "/meters/{meter_id:int}/diagnosis",
    operation_id="diagnose_meter",
    tags=["home"],
    opt=may(Permission.SEE_TIMELINE),
)
async def diagnose_a_meter(
    request: Request[Any, Any, Any],
    meter_id: Id,
    complaint: Annotated[Complaint, QueryParameter(name="complaint")] = Complaint.SILENT,
) -> MeterDiagnosis:
    """Why it is silent, leaves a command unanswered, or lets nothing through: each step with its evidence and the act that is next, and
    the first guess. Nothing is written."""
    deps = deps_of(request)
    pages = {found.name for found in deps.drivers.pages()}
    return await diagnose_meter(
        deps.store, actor_of(request), MeterId(meter_id), complaint, deps.stop_switch, pages.__contains__, deps.now_us()
    )


@get(
    "/meters/{meter_id:int}/fault-codes",
    operation_id="list_meter_faults",
    tags=["home"],
    opt=may(Permission.SEE_ALARMS),
)
async def list_meter_faults(request: Request[Any, Any, Any], meter_id: Id) -> list[MeterFault]:
    """The maker's fault codes of this meter's driver page with meaning and act; those whose event stands at the meter first."""
    deps = deps_of(request)
    return await faults_of_meter(
        deps.store, actor_of(request), MeterId(meter_id), deps.drivers.fault_codes, deps.now_us()
    )


HANDLERS: list[Any] = [read_home, list_waiting, list_timeline, diagnose_a_meter, list_meter_faults]
