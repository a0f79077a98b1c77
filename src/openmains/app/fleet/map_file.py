# SPDX-License-Identifier: Apache-2.0
"""Meters as GeoJSON (RFC 7946) for the utility's GIS: a feature for each, a page at a time; memory does not grow with the fleet.

Positions are those of the premises, WGS-84 as the RFC asks, exact to 10⁻⁷°; without one the geometry is null (3.2), so that a layer
shows how many cannot be drawn. Nothing personal is in it: no customer, no address.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Any, Literal, Protocol

from msgspec import Raw, Struct, json

from openmains.app.fleet.choice import MeterChoice, chosen_pages, told
from openmains.app.identity.model import Actor
from openmains.app.identity.ports import AuditTrail
from openmains.app.unit_of_work import Store
from openmains.domain.ids import MeterId
from openmains.domain.period import Zone
from openmains.domain.quantity import decimal_of

PAGE = 5_000
_DEGREE_EXPONENT = -7


class MapRow(Struct, frozen=True):
    """What the map needs of a meter; coordinates in 10⁻⁷ degree."""

    meter_id: MeterId
    number: str
    area_code: str
    product_code: str
    medium: str
    kind: str
    dn: int | None
    account: str | None
    premises: str | None
    lat_e7: int | None
    lon_e7: int | None
    valve: int | None
    last_seen_us: int | None
    events: list[str]


class MapRows(Protocol):
    """Of one tenant."""

    async def map_rows(self, meter_ids: Sequence[MeterId]) -> list[MapRow]:
        """By id."""


class Point(Struct, frozen=True):
    """RFC 7946 3.1.2: longitude before latitude."""

    coordinates: Raw
    type: Literal["Point"] = "Point"


class Feature(Struct, frozen=True):
    """RFC 7946 3.2."""

    id: MeterId
    geometry: Point | None
    properties: dict[str, Any]
    type: Literal["Feature"] = "Feature"


def feature(row: MapRow, zone: Zone, *, placed: bool) -> Feature:
    """A meter as the map shows it. ``placed``: its position may be told."""
    point = None
    if placed and row.lat_e7 is not None and row.lon_e7 is not None:
        lon, lat = decimal_of(row.lon_e7, _DEGREE_EXPONENT), decimal_of(row.lat_e7, _DEGREE_EXPONENT)
        point = Point(Raw(f"[{lon:f},{lat:f}]".encode()))
    properties = {
        "number": row.number,
        "area": row.area_code,
        "product": row.product_code,
        "medium": row.medium,
        "kind": row.kind,
        "dn": row.dn,
        "account": row.account,
        "premises": row.premises,
        "valve": {0: "open", 1: "closed", None: None}.get(row.valve, "fault"),
        "last_seen_at": None if row.last_seen_us is None else zone.iso(row.last_seen_us // 1_000_000),
        "events": row.events,
    }
    return Feature(row.meter_id, point, properties)


async def note_map(store: Store, actor: Actor, choice: MeterChoice) -> None:
    """A map is in the trail before its first feature goes out."""
    async with store.tenant(actor.tenant_id) as work:
        await work[AuditTrail].record(actor, "export_map", "bulk", "meters", None, {"meters": told(choice)})


async def map_bytes(
    store: Store, actor: Actor, choice: MeterChoice, zone: Zone, now_us: int, *, placed: bool
) -> AsyncIterator[bytes]:
    """The feature collection, a page of meters in each piece."""
    yield b'{"type":"FeatureCollection","features":['
    first = True
    async for meters in chosen_pages(store, actor.tenant_id, choice, MeterId(0), now_us, PAGE):
        async with store.tenant(actor.tenant_id) as work:
            rows = await work[MapRows].map_rows([meter.meter_id for meter in meters])
        encoded = b",\n".join(json.encode(feature(row, zone, placed=placed)) for row in rows)
        if encoded:
            yield (b"\n" if first else b",\n") + encoded
            first = False
    yield b"\n]}\n"
