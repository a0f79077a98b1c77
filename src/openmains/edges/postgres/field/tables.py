# SPDX-License-Identifier: Apache-2.0
"""Reading routes, visits and photographs on one tenant's transaction."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import asyncpg

from openmains.app.field.model import ReadingRoute, SitePhoto, SiteVisit
from openmains.app.field.ports import NewVisit, SealedPhoto, SiteMeter, StoredIssue, StoredRouteMeter
from openmains.app.problems import Problem
from openmains.domain.field.plausible import KnownRegister
from openmains.domain.ids import MeterId, PhotoId, RouteId, TenantId, UserId
from openmains.domain.readings.manual import KEPT
from openmains.edges.postgres.db import Connection, Row
from openmains.edges.postgres.queries import Query, load

_QUERIES = load(__package__)


class _Table:
    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    async def _fetch(self, query: Query, **values: Any) -> list[Row]:
        return await query.fetch(self._connection, tenant_id=self._tenant_id, **values)

    async def _value(self, query: Query, **values: Any) -> Any:
        return await query.fetchval(self._connection, tenant_id=self._tenant_id, **values)


class Routes(_Table):
    """``RouteStore``."""

    async def all(self, limit: int, after: int, reader_id: UserId | None) -> list[ReadingRoute]:
        rows = await self._fetch(
            _QUERIES["reading_routes"], most=limit, after=after, reader_id=reader_id, route_id=None
        )
        return [ReadingRoute(**dict(row)) for row in rows]

    async def get(self, route_id: RouteId) -> ReadingRoute | None:
        rows = await self._fetch(_QUERIES["reading_routes"], most=1, after=0, reader_id=None, route_id=route_id)
        return ReadingRoute(**dict(rows[0])) if rows else None

    async def add(self, name: str, reader_id: UserId | None) -> RouteId | None:
        made: RouteId | None = await self._value(_QUERIES["add_reading_route"], name=name, reader_id=reader_id)
        return made

    async def change(
        self, route_id: RouteId, revision: int, name: str | None, reader: tuple[UserId | None] | None
    ) -> bool:
        try:
            async with self._connection.transaction():  # a savepoint: a name that is taken raises
                done = await self._value(
                    _QUERIES["change_reading_route"], route_id=route_id, revision=revision, name=name,
                    with_reader=reader is not None, reader_id=None if reader is None else reader[0],
                )  # fmt: skip
        except asyncpg.UniqueViolationError as error:
            raise Problem("route-name-taken", name=name) from error
        return done is not None

    async def remove(self, route_id: RouteId) -> None:
        await self._fetch(_QUERIES["remove_reading_route"], route_id=route_id)

    async def knows_person(self, user_id: UserId) -> bool:
        found: bool = await self._value(_QUERIES["person_who_reads"], user_id=user_id)
        return found

    async def meters_of(self, numbers: Sequence[str]) -> dict[str, tuple[MeterId, bool, RouteId | None]]:
        rows = await self._fetch(_QUERIES["route_of_numbers"], numbers=list(numbers))
        return {row["number"]: (row["meter_id"], row["is_meter"], row["route_id"]) for row in rows}

    async def set_meters(self, route_id: RouteId, meter_ids: Sequence[MeterId]) -> None:
        await self._fetch(_QUERIES["clear_route_order"], route_id=route_id, meter_ids=list(meter_ids))
        await self._fetch(_QUERIES["set_route_order"], route_id=route_id, meter_ids=list(meter_ids))

    async def meters_on(self, route_id: RouteId) -> list[StoredRouteMeter]:
        rows = await self._fetch(_QUERIES["route_meters"], route_id=route_id, kept=KEPT)
        return [
            StoredRouteMeter(
                row["meter_id"], row["number"], row["bar_code"], row["medium"], row["address"], row["driver"], row["qmax_l_h"],
                row["dial"], _known(row["register"], row["register_at"]), _known(row["before"], row["before_at"]),
            )
            for row in rows
        ]  # fmt: skip

    async def issued(self, most: int) -> list[StoredIssue]:
        return [StoredIssue(**dict(row)) for row in await self._fetch(_QUERIES["issued_meters"], most=most)]


class VisitTable(_Table):
    """``VisitStore``."""

    async def site_meter(self, meter_id: MeterId, since: datetime) -> SiteMeter | None:
        rows = await self._fetch(_QUERIES["site_meter"], meter_id=meter_id, since_us=int(since.timestamp()) * 1_000_000)
        return SiteMeter(**dict(rows[0])) if rows else None

    async def known(self, key: str) -> tuple[SiteVisit, str] | None:
        await self._value(_QUERIES["lock_field_key"], key=key)
        rows = await self._fetch(_QUERIES["site_visits"], meter_id=None, key=key, after=None, most=1)
        return (_visit(rows[0]), rows[0]["asked"]) if rows else None

    async def add(self, visit: NewVisit) -> SiteVisit:
        await self._fetch(_QUERIES["add_site_visit"], **asdict(visit))
        rows = await self._fetch(_QUERIES["site_visits"], meter_id=None, key=visit.key, after=None, most=1)
        return _visit(rows[0])

    async def of_meter(self, meter_id: MeterId, limit: int, after: int | None) -> list[SiteVisit]:
        rows = await self._fetch(_QUERIES["site_visits"], meter_id=meter_id, key=None, after=after, most=limit)
        return [_visit(row) for row in rows]


class Photos(_Table):
    """``PhotoStore``."""

    async def known(self, key: str) -> tuple[SitePhoto, bytes] | None:
        await self._value(_QUERIES["lock_field_key"], key=key)
        rows = await self._fetch(_QUERIES["site_photos"], meter_id=None, key=key, after=None, most=1)
        return (_photo(rows[0]), rows[0]["sha256"]) if rows else None

    async def made_since(self, user_id: UserId, since: datetime) -> int:
        return int(await self._value(_QUERIES["count_site_photos"], user_id=user_id, since=since))

    async def has_meter(self, meter_id: MeterId) -> bool:
        found: bool = await self._value(_QUERIES["field_meter_there"], meter_id=meter_id)
        return found

    async def add(self, photo: SealedPhoto) -> SitePhoto:
        await self._fetch(_QUERIES["add_site_photo"], **asdict(photo))
        rows = await self._fetch(_QUERIES["site_photos"], meter_id=None, key=photo.key, after=None, most=1)
        return _photo(rows[0])

    async def of_meter(self, meter_id: MeterId, limit: int, after: int | None) -> list[SitePhoto]:
        rows = await self._fetch(_QUERIES["site_photos"], meter_id=meter_id, key=None, after=after, most=limit)
        return [_photo(row) for row in rows]

    async def sealed(self, photo_id: PhotoId) -> SealedPhoto | None:
        rows = await self._fetch(_QUERIES["sealed_photo"], photo_id=photo_id)
        return SealedPhoto(**dict(rows[0])) if rows else None


def _known(register: int | None, at: int | None) -> KnownRegister | None:
    return None if register is None or at is None else KnownRegister(register, at)


def _visit(row: Row) -> SiteVisit:
    return SiteVisit(**{name: value for name, value in row.items() if name != "asked"})


def _photo(row: Row) -> SitePhoto:
    return SitePhoto(**{name: value for name, value in row.items() if name != "sha256"})
