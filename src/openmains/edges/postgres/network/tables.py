# SPDX-License-Identifier: Apache-2.0
"""``NetworkStore`` on one tenant's transaction, as role openmains_api."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from openmains.app.network.model import NetworkDay, NetworkEvent, NetworkNode, NetworkPlace, NodeKind, Topology
from openmains.app.network.topology import MOST_METERS, OFF_MS, HeadRow, MeterRow, PlatformRow, RelayRow, topology
from openmains.domain.fleet.frame_number import NUMBER_DIGITS
from openmains.domain.ids import TenantId
from openmains.domain.period import day_to_date, utc_of_us
from openmains.edges.postgres.db import Connection, Row
from openmains.edges.postgres.queries import Query, load

_QUERIES = load(__package__)
SILENT: Final = timedelta(days=3)  # of a meter that no gateway of ours tells about
FAULT_EVENTS: Final = [
    "relay_lost",
    "silent",
    "duplicate_gateway",
    "clock_fault",
    "meter_clock_off",
    "dropped",
    "full",
    "power_battery",
]
_BOOK_KINDS: Final[dict[int | None, NodeKind]] = {1: "terminal", 2: "concentrator", 3: "dtu", 4: "gateway"}


class Network:
    """On one tenant's transaction."""

    def __init__(self, connection: Connection, tenant_id: TenantId) -> None:
        self._connection, self._tenant_id = connection, tenant_id

    async def topology(self, now: datetime, *, placed: bool, platforms: bool) -> Topology:
        """At most ``MOST_METERS`` meters."""
        silent_us = int((now - SILENT).timestamp()) * 1_000_000
        heads = await self._rows(_QUERIES["heads"], off_ms=OFF_MS)
        relays = await self._rows(_QUERIES["relays"])
        meters = await self._rows(_QUERIES["meters"], silent_us=silent_us, placed=placed, most=MOST_METERS)
        left_out = 0
        if len(meters) == MOST_METERS:
            counted = await _QUERIES["behind_all"].fetchval(self._connection, tenant_id=self._tenant_id)
            left_out = int(counted or 0) - MOST_METERS
        room = MOST_METERS - len(meters)
        found: list[PlatformRow] = []
        if platforms:
            found = [PlatformRow(**dict(row)) for row in await self._rows(_QUERIES["platforms"])]
            meters += (
                await self._rows(_QUERIES["platform_meters"], silent_us=silent_us, most=room) if found and room else []
            )
        return topology(
            [HeadRow(**dict(row)) for row in heads],
            found,
            [RelayRow(**dict(row)) for row in relays],
            [MeterRow(**dict(row)) for row in meters],
            now,
            max(0, left_out),
        )

    async def node(self, concentrator_id: int, relay: int, meter: str) -> NetworkNode | None:
        asked: dict[str, Any] = {
            "concentrator_id": concentrator_id,
            "relay": relay,
            "meter": meter,
            "wire": _wire(meter),
        }
        rows = await self._rows(_QUERIES["node"], **asked)
        if not rows:
            return None
        row = dict(rows[0])
        if (relay or meter) and not row["is_known"] and row["meter_id"] is None:
            return None
        return _node(row, relay, meter)

    async def days(self, concentrator_id: int, relay: int, meter: str, since_day: int) -> list[NetworkDay]:
        asked: dict[str, Any] = {"concentrator_id": concentrator_id, "since_day": since_day}
        if relay or meter:
            rows = await self._rows(_QUERIES["days"], **asked, relay=relay, meter=_wire(meter))
        else:
            rows = await self._rows(_QUERIES["gateway_days"], **asked)
        return [_day(row) for row in rows]

    async def events(
        self,
        limit: int,
        before: int | None,
        *,
        concentrator_id: int | None,
        relay: int | None,
        meter: str | None,
        faults: bool,
    ) -> list[NetworkEvent]:
        rows = await self._rows(_QUERIES["events"], before=before, concentrator_id=concentrator_id, relay=relay, meter=None if meter is None
        else _wire(meter), faults=faults, fault_events=FAULT_EVENTS, most=limit,
        )  # fmt: skip
        return [
            NetworkEvent(
                row["event_id"], row["concentrator_id"], row["gateway"], _at(row["at_us"]), utc_of_us(row["received_us"]), row["event"],
                row["relay"], row["meter"], row["meter_id"], row["detail"],
            )
            for row in rows
        ]  # fmt: skip

    async def place(self, concentrator_id: int, relay: int) -> NetworkPlace | None:
        rows = await self._rows(_QUERIES["place"], concentrator_id=concentrator_id, relay=relay)
        return NetworkPlace(**dict(rows[0])) if rows else None

    async def set_place(self, concentrator_id: int, relay: int, place: NetworkPlace) -> None:
        await _QUERIES["set_place"].execute(
            self._connection, tenant_id=self._tenant_id, concentrator_id=concentrator_id, relay=relay, name=place.name,
            place=place.place, lat_e7=place.lat_e7, lon_e7=place.lon_e7,
        )  # fmt: skip

    async def _rows(self, query: Query, **values: Any) -> list[Row]:
        return await query.fetch(self._connection, tenant_id=self._tenant_id, **values)


def _wire(meter: str) -> str:
    """As gateways say it."""
    return meter.zfill(NUMBER_DIGITS) if meter else ""


def _at(us: int | None) -> datetime | None:
    return utc_of_us(us) if us else None


def _node(row: dict[str, Any], relay: int, meter: str) -> NetworkNode:
    is_head = not relay and not meter
    kind: NodeKind = _BOOK_KINDS.get(row["book_kind"], "concentrator") if is_head else "relay" if relay else "meter"
    pick: Callable[[str], Any] = row.__getitem__
    only: Callable[[str], Any] = lambda name: row[name] if is_head else None  # noqa: E731
    heard_us = row["gateway_heard_us"] if is_head else row["heard_us"] or (row["last_seen_us"] if meter else None)
    return NetworkNode(
        concentrator_id=row["concentrator_id"],
        gateway=row["gateway"],
        kind=kind,
        number=row["gateway"] if is_head else str(relay) if relay else meter,
        name=(row["gateway_name"] or row["name"]) if is_head else row["name"],
        place=row["place"],
        lat_e7=row["lat_e7"],
        lon_e7=row["lon_e7"],
        meter_id=row["meter_id"],
        via=row["via"] or 0,
        is_failed=None if is_head else row["is_failed"],
        is_connected=row["is_connected"],
        logical=row["logical"],
        channel=row["channel"],
        slice=row["slice"],
        is_active=row["is_active"],
        joined_at=_at(row["connected_us"] if is_head else row["joined_us"]),
        heard_at=_at(heard_us),
        reported_at=_at(row["reported_us"]),
        **{
            name: pick(name)
            for name in (
                "messages",
                "repeats",
                "heard",
                "missed",
                "late_ms",
                "clock_off_ms",
                "battery_mv",
                "battery_pct",
            )
        },
        power=only("power") or "",
        clock=only("clock") or "",
        version=only("version") or "",
        **{name: only(name) for name in ("network", "slots_used", "slots", "waiting", "dropped", "commands")},
        counters=only("counters") or {},
    )


def _day(row: Row) -> NetworkDay:
    heard, missed = row["heard"] or 0, row["missed"] or 0
    share = heard * 1_000_000 // (heard + missed) if heard + missed else None
    return NetworkDay(
        day_to_date(row["day"]), heard, missed, share, row["messages"] or 0, row["repeats"] or 0, row["late_ms"], row["clock_off_ms"],
        row["battery_mv"], row["slots_used"], row["slots"], row["waiting"],
    )  # fmt: skip
