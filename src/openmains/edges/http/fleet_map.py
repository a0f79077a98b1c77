# SPDX-License-Identifier: Apache-2.0
"""Meters as a layer of the utility's GIS."""

from typing import Any

from litestar import Request, get
from litestar.response import Stream

from openmains.app.fleet.choice import check_choice
from openmains.app.fleet.map_file import map_bytes, note_map
from openmains.domain.identity.permission import Permission
from openmains.domain.period import zone
from openmains.edges.http.bulk_inputs import CHOICE, Chosen
from openmains.edges.http.deps import actor_of, deps_of
from openmains.edges.http.permissions import may

GEOJSON = "application/geo+json"


@get(
    "/bulk/meters.geojson",
    operation_id="download_meters_geojson",
    media_type=GEOJSON,
    tags=["meters"],
    opt=may(Permission.EXPORT_METERS),
    dependencies=CHOICE,
)
async def download_meters_geojson(request: Request[Any, Any, Any], meters: Chosen) -> Stream:
    """All meters of a filter as GeoJSON (RFC 7946, WGS-84), as a stream: where each hangs, how it stands, nothing personal. Without the
    right to see premises, and where none has coordinates, the geometry is null."""
    deps, actor = deps_of(request), actor_of(request)
    await check_choice(deps.store, actor.tenant_id, meters)
    await note_map(deps.store, actor, meters)
    features = map_bytes(
        deps.store, actor, meters, zone(actor.zone), deps.now_us(), placed=actor.may(Permission.SEE_PREMISES)
    )
    return Stream(
        features, media_type=GEOJSON, headers={"Content-Disposition": 'attachment; filename="meters.geojson"'}
    )


HANDLERS: list[Any] = [download_meters_geojson]
