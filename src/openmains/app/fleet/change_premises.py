# SPDX-License-Identifier: Apache-2.0
"""Add and change premises. Coordinates become WGS-84 here, at the border; inside nothing else exists."""

from typing import Any

from msgspec import structs

from openmains.app.fleet.areas import NewPremises, Premises
from openmains.app.fleet.ports import AreaStore, PremisesStore
from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store
from openmains.domain.fleet.coordinates import Coordinates, Datum, from_datum, to_datum
from openmains.domain.fleet.premises import address_of
from openmains.domain.ids import PremisesId


async def add_premises(store: Store, actor: Actor, wanted: NewPremises) -> Premises:
    """Raises ``invalid-input`` for an unknown area, half a pair of coordinates, or no address at all; ``code-taken``."""
    values = structs.asdict(wanted)
    values |= _placed(values.pop("datum"), values)
    values["address"] = _address(values)
    async with store.tenant(actor.tenant_id) as work:
        if await work[AreaStore].get(wanted.area_id) is None:
            raise Problem("invalid-input", fields=(("/area_id", "unknown-reference"),))
        made = await work[PremisesStore].add(values)
        if made is None:
            raise Problem("code-taken", fields=(("/code", "not-accepted"),))
        await work[AuditTrail].record(actor, "add_premises", "premises", made.premises_id, None, made)
    return made


async def change_premises(
    store: Store, actor: Actor, premises_id: PremisesId, revision: int, values: dict[str, Any]
) -> Premises:
    """Raises ``not-found``, ``revision-stale``, and as ``add_premises``."""
    values = dict(values)
    says_datum, datum = "datum" in values, values.pop("datum", "wgs84")
    if says_datum or {"lat_e7", "lon_e7"} & values.keys():
        if "lat_e7" not in values and "lon_e7" not in values:  # a datum of nothing would be taken and lost
            raise Problem("invalid-input", fields=(("/lat_e7", "required"), ("/lon_e7", "required")))
        values |= _placed(datum, {"lat_e7": None, "lon_e7": None, **values})
    async with store.tenant(actor.tenant_id) as work:
        before = await work[PremisesStore].get(premises_id)
        if before is None:
            raise Problem("not-found")
        if before.revision != revision:
            raise Problem("revision-stale")
        if not values:
            return before
        if "area_id" in values and await work[AreaStore].get(values["area_id"]) is None:
            raise Problem("invalid-input", fields=(("/area_id", "unknown-reference"),))
        values["address"] = _address({**structs.asdict(before), **values}, was=before)
        after = await work[PremisesStore].change(premises_id, revision, values)
        if after is None:
            raise Problem("revision-stale")
        await work[AuditTrail].record(actor, "change_premises", "premises", premises_id, before, after)
    return after


def shown_in(premises: Premises, datum: Datum) -> Premises:
    """The same with its coordinates in a datum."""
    if datum == "wgs84" or premises.lat_e7 is None or premises.lon_e7 is None:
        return structs.replace(premises, datum=datum)
    lat_e7, lon_e7 = to_datum(datum, Coordinates(premises.lat_e7, premises.lon_e7))
    return structs.replace(premises, datum=datum, lat_e7=lat_e7, lon_e7=lon_e7)


def _placed(datum: Datum, values: dict[str, Any]) -> dict[str, int | None]:
    lat_e7, lon_e7 = values["lat_e7"], values["lon_e7"]
    if lat_e7 is None and lon_e7 is None:
        return {"lat_e7": None, "lon_e7": None}
    if lat_e7 is None or lon_e7 is None:
        raise Problem("invalid-input", fields=(("/lon_e7" if lon_e7 is None else "/lat_e7", "required"),))
    place = from_datum(datum, lat_e7, lon_e7)
    return {"lat_e7": place.lat_e7, "lon_e7": place.lon_e7}


def _address(values: dict[str, Any], was: Premises | None = None) -> str:
    """What was given; where it is what the parts made before, what they make now."""
    made = address_of(values)
    given = str(values["address"])
    if not given or (was is not None and given == was.address == address_of(structs.asdict(was))):
        given = made
    if not given.strip():
        raise Problem("invalid-input", fields=(("/address", "required"),))
    return given
