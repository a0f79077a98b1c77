# SPDX-License-Identifier: Apache-2.0
"""Say what a gateway or relay is called and where it stands: a radio does not know."""

from msgspec import structs

from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.network.model import NetworkPlace
from openmains.app.network.ports import NetworkStore
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store
from openmains.domain.plain_text import name_fault


async def set_place(store: Store, actor: Actor, concentrator_id: int, relay: int, place: NetworkPlace) -> NetworkPlace:
    """Raises ``not-found``, ``invalid-input``."""
    for pointer, text in (("/name", place.name), ("/place", place.place)):
        if text and name_fault(text):
            raise Problem("invalid-input", fields=((pointer, "not-accepted"),))
    if (place.lat_e7 is None) != (place.lon_e7 is None):
        raise Problem("invalid-input", fields=(("/lat_e7" if place.lat_e7 is None else "/lon_e7", "required"),))
    async with store.tenant(actor.tenant_id) as work:
        before = await work[NetworkStore].place(concentrator_id, relay)
        if before is None:
            raise Problem("not-found")
        await work[NetworkStore].set_place(concentrator_id, relay, place)
        await work[AuditTrail].record(
            actor, "place_network_node", "network_node", f"{concentrator_id}/{relay}", structs.asdict(before), structs.asdict(place)
        )  # fmt: skip
    return place
