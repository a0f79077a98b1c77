# SPDX-License-Identifier: Apache-2.0
"""What goes outside on paper: the card of an installation as a PDF."""

import json
from typing import Annotated, Any, Literal

from litestar import Request, Response, get
from litestar.params import QueryParameter

from openmains.app.billing.paper_ports import PaperStore
from openmains.app.field.job_card import job_card
from openmains.app.field.ports import VisitStore
from openmains.app.fleet.lives.ports import LifeStore
from openmains.app.fleet.ports import MeterStore
from openmains.app.problems import Problem
from openmains.domain.identity.permission import Permission
from openmains.domain.ids import MeterId
from openmains.domain.period import zone
from openmains.edges.http.deps import actor_of, deps_of
from openmains.edges.http.inputs import Id
from openmains.edges.http.permissions import may
from openmains.edges.http.problems import language_of

PDF = "application/pdf"
_VISITS = 50  # the newest: of one installation there are three or four


@get(
    "/meters/{meter_id:int}/job-card", operation_id="print_job_card", media_type=PDF, tags=["field"],
    opt=may(Permission.INSTALL_METERS),
)  # fmt: skip
async def print_job_card(
    request: Request[Any, Any, Any],
    meter_id: Id,
    language: Annotated[
        Literal["zh", "en"] | None, QueryParameter(description="The caller's where it is left out.")
    ] = None,
) -> Response[bytes]:
    """The card that goes with a meter to its installation: what is known of it, the checklist with its limits and what was answered, lines to
    sign on."""
    deps, actor = deps_of(request), actor_of(request)
    if deps.typeset is None:
        raise Problem("not-offered")
    async with deps.store.tenant(actor.tenant_id) as work:
        life = await work[LifeStore].life(MeterId(meter_id))
        meters = await work[MeterStore].by_ids([MeterId(meter_id)])
        if life is None or not meters:
            raise Problem("not-found")
        visits = await work[VisitStore].of_meter(MeterId(meter_id), _VISITS, None)
        utility = await work[PaperStore].utility()
    spoken = language or language_of(request)
    card = job_card(life, meters[0].product_code, visits, utility, zone(actor.zone), spoken)
    file = await deps.typeset(json.dumps(card, ensure_ascii=False), deps.now_s())
    name = f'inline; filename="job-card-{meter_id}.pdf"'
    return Response(file, media_type=PDF, headers={"Content-Disposition": name})


HANDLERS: list[Any] = [print_job_card]
