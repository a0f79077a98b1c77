# SPDX-License-Identifier: Apache-2.0
"""The registry of meters with their last state beside them.

Every list is keyset-paged along an index: ``(tenant_id, number)`` or the primary key. Search text and the list that
edges follow are written in the same transaction as the meter.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import asyncpg
import msgspec

from openmains.app.fleet.model import (
    Customer,
    Dimension,
    LastState,
    Meter,
    MeterDetail,
    MeterFilter,
    MeterTag,
    NewMeter,
    RegisteredMeter,
)
from openmains.app.fleet.signs import Facts, signs_of
from openmains.app.fleet.wording import Wording
from openmains.app.reach import NONE, limits_now
from openmains.domain.fleet.identifiers import imei_text
from openmains.domain.ids import AreaId, CustomerId, MeterId, TenantId
from openmains.domain.period import DAY_S, date_to_day, utc
from openmains.domain.readings.expected import MODES, PERIOD_S, Expectation
from openmains.domain.readings.tasks import Place, Task, chain_of
from openmains.edges.postgres.compose import extended
from openmains.edges.postgres.db import Connection, Row
from openmains.edges.postgres.fleet import search
from openmains.edges.postgres.fleet.kinds import products_of
from openmains.edges.postgres.modes import modes_of, task_of
from openmains.edges.postgres.queries import load
from openmains.edges.postgres.state_points import load_with_points, state_points

SILENT_DAYS = {mode: 2 * PERIOD_S[mode] // DAY_S for mode in MODES}  # two reports missed

SHOWN = tuple(point for point in state_points() if point.shown)
_QUERIES = load_with_points(__package__, SHOWN)
_PLACES = load(__package__, "places.sql")
_TAGS = load(__package__, "tags.sql")
OF_TENANT = "WHERE m.tenant_id = :tenant_id AND m.meter_id = :meter_id"
# Conditions and orders of the list. Not optional values of one query: each has an index, and is to use it.
# Of a small branch the meters are gathered area by area, by the area's index, and sorted (OFFSET 0: a join would read all meters); of a large
# one the list is walked in its order, and what is not of the branch passed over: a hashed subplan, which the planner cannot turn into a join
# that reads the whole branch for a page. Where the branch has many areas, their set would cost more than the page: each meter's area is
# looked up.
GATHERED = """
AND m.meter_id = ANY (ARRAY(
      SELECT g.meter_id FROM (
        SELECT b.area_id FROM area t JOIN area b ON b.tenant_id = t.tenant_id AND b.path >= t.path AND b.path < t.path_end
         WHERE t.tenant_id = :tenant_id AND t.area_id = :area_id) w
       CROSS JOIN LATERAL (SELECT n.meter_id FROM meter n WHERE n.tenant_id = :tenant_id AND n.area_id = w.area_id OFFSET 0) g))
"""
WALKED = """
AND (m.area_id IN (SELECT b.area_id FROM area t JOIN area b ON b.tenant_id = t.tenant_id AND b.path >= t.path AND b.path < t.path_end
                    WHERE t.tenant_id = :tenant_id AND t.area_id = :area_id)) IS TRUE
"""
WALKED_WIDE = """
AND (SELECT b.path >= (SELECT t.path FROM area t WHERE t.tenant_id = :tenant_id AND t.area_id = :area_id)
        AND b.path < (SELECT t.path_end FROM area t WHERE t.tenant_id = :tenant_id AND t.area_id = :area_id)
       FROM area b WHERE b.area_id = m.area_id)
"""
# The same of whoever's rights are limited and names no area: else a list would be walked for rows that it may not show.
GATHERED_IN_REACH = """
AND m.meter_id = ANY (ARRAY(
      SELECT g.meter_id FROM (SELECT areas_in_reach() AS area_id) w
       CROSS JOIN LATERAL (SELECT n.meter_id FROM meter n WHERE n.tenant_id = :tenant_id AND n.area_id = w.area_id OFFSET 0) g))
"""
# Bound devices are listed: a thousand at the most.
BOUND = "AND m.meter_id = ANY (:bound::bigint[])"
# Of a tag that few have its meters are looked up; of one that many have the list is walked, and each is asked by the tag's own key.
TAGGED = "AND m.meter_id = ANY (ARRAY(SELECT g.meter_id FROM meter_tag g WHERE g.tag_id = :tag_id))"
WALKED_TAGGED = "AND (m.meter_id IN (SELECT g.meter_id FROM meter_tag g WHERE g.tag_id = :tag_id)) IS TRUE"
_FEW_DEVICES = 20_000
_FEW_AREAS = 1_000
# In a warehouse or with a fitter: in no list of the network's meters, but in that of the warehouse (lives.py).
NOT_IN_STORE = "AND (m.removed_on IS NULL OR m.life NOT IN ('stock', 'issued'))"
STATUS = {
    "active": "AND m.removed_on IS NULL",
    "removed": "AND m.removed_on IS NOT NULL AND m.life NOT IN ('stock', 'issued')",
    "never_seen": "AND m.removed_on IS NULL AND s.last_seen_us IS NULL",
    "silent": """AND m.removed_on IS NULL AND s.last_seen_us < :now_us::bigint - 86400000000 * (:silent_days::bigint[])
      [array_position(:modes::text[], coalesce(m.report_mode,
      task_mode(m.tenant_id, m.meter_id, m.area_id, m.product_id), p.report_mode))]""",
    "alarm": """AND (s.event_mask <> 0
      OR EXISTS (SELECT FROM limit_standing q WHERE q.meter_id = m.meter_id AND q.side <> 0))""",
}
_FOUND_AT_ONCE = (None, "active")
"""What nearly every meter is: whoever counts up to a limit need not go far."""
MOST_LOOKED_AT = 20_000
_ORDER = {
    "number": ("m.number", "ASC", ">"),
    "-number": ("m.number", "DESC", "<"),
    "meter_id": ("m.meter_id", "ASC", ">"),
    "-meter_id": ("m.meter_id", "DESC", "<"),
}
_FIELDS = frozenset(
    {
        "product_id",
        "area_id",
        "installed_on",
        "removed_on",
        "bar_code",
        "imei",
        "imsi",
        "iccid",
        "dev_eui",
        "customer_id",
    }
    | {"address", "place", "dn", "qmax_l_h", "expected_from", "life"}
)


def _instant(seconds: int | None) -> datetime | None:
    return None if seconds is None else utc(seconds)


def _state(row: Row, wording: Wording) -> LastState | None:
    if row["state_of"] is None:
        return None
    seen = row["last_seen_us"]
    return LastState(
        register=row["register"],
        register_m3=None if row["register"] is None else wording.m3(row["register"], row["driver"]),
        register_at=_instant(row["register_at"]),
        last_seen_at=_instant(None if seen is None else seen // 1_000_000),
        events=wording.event_names(row["event_mask"]),
        **{point.name: row[point.name] for point in SHOWN},
    )


def _facts(row: Row, wording: Wording) -> Facts:
    return Facts(
        now_us=row["now_us"],
        silent_after_us=SILENT_DAYS[row["report_mode"]] * DAY_S * 1_000_000,
        has_driver=wording.knows(row["driver"]),
        access=row["access"],
        access_at=row["access_at"],
        access_reasons=row["access_reasons"] or {},
        access_note=row["access_note"] or "",
        needs_key=row["needs_key"],
        safety_us=row["safety_us"],
        safety_evidence=row["safety_evidence"] or "",
        last_seen_us=row["last_seen_us"],
        valve=row["valve"],
        events=wording.event_names(row["event_mask"] or 0),
        sims=((row["imsi"], row["seen_imsi"] or ""), (row["iccid"], row["seen_iccid"] or "")),
    )


def _fields(row: Row, wording: Wording) -> dict[str, Any]:
    own = {name: row[name] for name in Meter.__struct_fields__ if name not in ("state", "imei", "signs", "tags")}
    own["signs"] = [] if row["removed_on"] is not None else signs_of(_facts(row, wording))
    own["tags"] = [MeterTag(**tag) for tag in row["tags"]]
    own["imei"] = None if row["imei"] is None else imei_text(row["imei"])
    own["state"] = _state(row, wording)
    return own


def _customer(row: Row) -> Customer | None:
    if row["customer_id"] is None:
        return None
    return Customer(
        customer_id=row["customer_id"],
        code=row["customer_code"],
        name=row["customer_name"],
        address=row["customer_address"],
        is_protected=row["is_protected"],
        is_critical=row["is_critical"],
    )


def _registered(row: Row, wording: Wording) -> RegisteredMeter:
    return RegisteredMeter(area_code=row["area_code"], customer=_customer(row), **_fields(row, wording))


async def _set(connection: Connection, setting: str, value: str) -> None:
    await _QUERIES["set_here"].execute(connection, setting=setting, value=value)


class Meters:
    """``MeterStore`` on one tenant's transaction."""

    def __init__(self, connection: Connection, tenant_id: TenantId, wording: Wording) -> None:
        self._connection = connection
        self._tenant_id = tenant_id
        self._wording = wording

    async def page(self, chosen: MeterFilter) -> list[Meter]:
        return [Meter(**_fields(row, self._wording)) for row in await self._page(chosen)]

    async def registered(self, chosen: MeterFilter) -> list[RegisteredMeter]:
        return [_registered(row, self._wording) for row in await self._page(chosen)]

    async def count(self, chosen: MeterFilter) -> int | None:
        # The limit ends early only where many are found: three thousand silent ones of ten million would take reading them all.
        if chosen.status not in _FOUND_AT_ONCE:
            among = msgspec.structs.replace(chosen, status=None, limit=MOST_LOOKED_AT + 1)
            if await self._counted(among) > MOST_LOOKED_AT:
                return None
        return await self._counted(chosen)

    async def _counted(self, chosen: MeterFilter) -> int:
        return len(await self.ids(chosen))

    async def ids(self, chosen: MeterFilter) -> list[MeterId]:
        fragments, values = await self._conditions(chosen)
        query = extended(_QUERIES["listed_meters"], *fragments, "LIMIT :most")
        return [row["meter_id"] for row in await query.fetch(self._connection, **values)]

    async def numbers_of(self, meter_ids: Sequence[MeterId]) -> list[str]:
        rows = await _QUERIES["numbers_of"].fetch(self._connection, tenant_id=self._tenant_id, meter_ids=meter_ids)
        return [row["number"] for row in rows]

    async def _page(self, chosen: MeterFilter) -> Sequence[Row]:
        column, direction, beyond = _ORDER[chosen.sort]
        fragments, values = await self._conditions(chosen)
        if chosen.after is not None:
            fragments.append(f"AND {column} {beyond} :after")
            values["after"] = chosen.after[0] if column == "m.number" else chosen.after[1]
        fragments.append(f"ORDER BY {column} {direction} LIMIT :most")
        # Which they are is asked first: what is shown beside them would be joined to all of a branch before its first page is cut, where
        # the planner takes a person's rights to leave no more than a few.
        gathered = GATHERED in fragments or GATHERED_IN_REACH in fragments or BOUND in fragments
        walked = not gathered and (WALKED in fragments or WALKED_WIDE in fragments or limits_now() != NONE)
        if walked:
            # Few rows are foreseen where rights are limited, and sorting these looks cheap: the list is walked in its order all the same.
            await _set(self._connection, "enable_sort", "off")
        rows = await extended(_QUERIES["listed_meters"], *fragments).fetch(self._connection, **values)
        if walked:
            await _set(self._connection, "enable_sort", "on")
        return await self._by_ids([row["meter_id"] for row in rows])

    async def _conditions(self, chosen: MeterFilter) -> tuple[list[str], dict[str, Any]]:
        values: dict[str, Any] = {"tenant_id": self._tenant_id, "most": chosen.limit}
        fragments = []
        reach = limits_now().reach
        if chosen.area_id is not None:
            values["area_id"] = chosen.area_id
        if reach.meters:
            fragments.append(BOUND)
            values["bound"] = list(reach.meters)
            if chosen.area_id is not None:
                fragments.append(WALKED_WIDE)
        elif chosen.area_id is not None or reach.places:
            is_large, is_wide = await self._size_of(chosen.area_id)
            if chosen.area_id is None:
                fragments += [] if is_large else [GATHERED_IN_REACH]
            elif is_large:
                fragments.append(WALKED_WIDE if is_wide else WALKED)
            else:
                fragments.append(GATHERED)
        products = await products_of(self._connection, self._tenant_id, chosen)
        if products is not None:
            fragments.append("AND m.product_id = ANY (:products::int[])")
            values["products"] = list(products)
        if chosen.tag_id is not None:
            few = await _TAGS["tagged_at_most"].fetchval(self._connection, tag_id=chosen.tag_id, most=_FEW_DEVICES + 1)
            fragments.append(TAGGED if few <= _FEW_DEVICES else WALKED_TAGGED)
            values["tag_id"] = chosen.tag_id
        if chosen.customer_ids is not None:
            fragments.append("AND m.customer_id = ANY (:customer_ids::bigint[])")
            values["customer_ids"] = list(chosen.customer_ids)
        fragments.append(NOT_IN_STORE if chosen.status is None else STATUS[chosen.status])
        if chosen.status == "silent":
            values["now_us"] = int(chosen.now_us)
            values["modes"], values["silent_days"] = list(SILENT_DAYS), list(SILENT_DAYS.values())
        return fragments, values

    async def _size_of(self, area_id: AreaId | None) -> tuple[bool, bool]:
        """Whether a branch, or all within reach, holds many devices, and whether it has many areas."""
        (row,) = await _PLACES["branch_size"].fetch(
            self._connection, area_id=area_id, devices=_FEW_DEVICES, areas=_FEW_AREAS
        )
        return row["is_large"], row["is_wide"]

    async def by_ids(self, meter_ids: Sequence[MeterId]) -> list[Meter]:
        return [Meter(**_fields(row, self._wording)) for row in await self._by_ids(meter_ids)]

    async def registered_by_ids(self, meter_ids: Sequence[MeterId]) -> list[RegisteredMeter]:
        return [_registered(row, self._wording) for row in await self._by_ids(meter_ids)]

    async def _by_ids(self, meter_ids: Sequence[MeterId]) -> list[Row]:
        query = extended(_QUERIES["meters"], "AND m.meter_id = ANY(:meter_ids::bigint[])")
        rows = await query.fetch(self._connection, tenant_id=self._tenant_id, meter_ids=meter_ids)
        found = {row["meter_id"]: row for row in rows}
        return [found[meter_id] for meter_id in meter_ids if meter_id in found]

    async def get(self, meter_id: MeterId) -> MeterDetail | None:
        query = extended(_QUERIES["meters"], "AND m.meter_id = :meter_id")
        row = await query.fetchrow(self._connection, tenant_id=self._tenant_id, meter_id=meter_id)
        if row is None:
            return None
        return MeterDetail(customer=_customer(row), **_fields(row, self._wording))

    async def customer_exists(self, customer_id: CustomerId) -> bool:
        found: bool = await _QUERIES["customer_exists"].fetchval(
            self._connection, tenant_id=self._tenant_id, customer_id=customer_id
        )
        return found

    async def set_customer_flags(self, customer_id: CustomerId, flags: Mapping[str, bool]) -> None:
        await _QUERIES["set_customer_flags"].execute(
            self._connection,
            tenant_id=self._tenant_id,
            customer_id=customer_id,
            is_protected=flags.get("is_protected"),
            is_critical=flags.get("is_critical"),
        )

    async def add(self, meter: NewMeter) -> MeterId | None:
        values = {name: getattr(meter, name) for name in NewMeter.__struct_fields__}
        values["imei"] = None if meter.imei is None else int(meter.imei)
        values["dev_eui"] = None if meter.dev_eui is None else meter.dev_eui.lower()
        try:
            async with self._connection.transaction():  # a savepoint: a taken IMEI of another tenant raises
                meter_id: MeterId = await _QUERIES["add_meter"].fetchval(
                    self._connection, tenant_id=self._tenant_id, **values
                )
        except asyncpg.UniqueViolationError:
            return None
        await _QUERIES["add_meter_state"].execute(self._connection, tenant_id=self._tenant_id, meter_id=meter_id)
        await self._after_change(meter_id)
        return meter_id

    async def change(self, meter_id: MeterId, revision: int, values: dict[str, Any]) -> bool | None:
        unknown = values.keys() - _FIELDS
        if unknown:
            raise ValueError(f"not fields of a meter: {sorted(unknown)}")
        try:
            async with self._connection.transaction():
                done = await _QUERIES["change_meter"].fetchval(
                    self._connection,
                    tenant_id=self._tenant_id,
                    meter_id=meter_id,
                    revision=revision,
                    changes=values,
                )
        except asyncpg.UniqueViolationError:
            return None
        if done is None:
            return False
        await self._after_change(meter_id)
        return True

    async def dimension(self, meter_id: MeterId) -> Dimension | None:
        query = extended(_QUERIES["dimensions"], OF_TENANT)
        row = await query.fetchrow(self._connection, tenant_id=self._tenant_id, meter_id=meter_id)
        return None if row is None else Dimension(*row)

    async def expectation(self, meter_id: MeterId) -> Expectation | None:
        row = await _QUERIES["expectation"].fetchrow(self._connection, tenant_id=self._tenant_id, meter_id=meter_id)
        if row is None:
            return None
        return Expectation(
            date_to_day(row["first_day"]),
            None if row["removed_on"] is None else date_to_day(row["removed_on"]),
            modes_of(row["report_mode"], row["report_mode_since"], row["report_mode_before"]),
            modes_of(row["product_mode"], row["product_since"], row["product_before"]),
            await self.task_chain(meter_id),
        )

    async def task_chain(self, meter_id: MeterId) -> tuple[Task, ...]:
        rows = await _QUERIES["task_chain"].fetch(self._connection, tenant_id=self._tenant_id, meter_id=meter_id)
        if not rows:
            return ()
        place = Place(rows[0]["areas"], rows[0]["product_id"], meter_id)
        return tuple(chain_of([task_of(row) for row in rows], place))

    async def _after_change(self, meter_id: MeterId) -> None:
        await search.refresh(self._connection, [meter_id])
        await _QUERIES["note_identity_change"].execute(self._connection, tenant_id=self._tenant_id, meter_id=meter_id)
