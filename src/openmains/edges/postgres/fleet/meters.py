# SPDX-License-Identifier: Apache-2.0
"""The registry of meters with their last state beside them.

Every list is keyset-paged along an index: ``(tenant_id, number)`` or the primary key. Search text and the list that
edges follow are written in the same transaction as the meter.
"""

# ruff: noqa: S608 – SQL is put together from pieces written in this file only; values are always parameters

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import asyncpg

from openmains.app.fleet.model import Customer, Dimension, LastState, Meter, MeterDetail, MeterFilter, NewMeter
from openmains.app.fleet.wording import Wording
from openmains.domain.ids import CustomerId, MeterId, TenantId
from openmains.edges.postgres.db import Connection, Row
from openmains.edges.postgres.fleet import search

SILENT_AFTER_US = 48 * 3600 * 1_000_000  # two daily reports missed

_COLUMNS = """
  m.meter_id, m.number, m.bar_code, m.imei, m.imsi, m.iccid, m.product_id, p.code AS product_code, p.medium,
  p.driver, m.area_id, a.name AS area_name, m.customer_id, c.name AS customer_name, m.address, m.place, m.dn,
  m.qmax_l_h, m.installed_on, m.removed_on, m.created_at, m.revision,
  s.meter_id AS state_of, s.register, s.register_at, s.last_seen_us, s.event_mask, s.valve, s.balance, s.battery_pct,
  s.battery_mv, s.rsrp_ddbm, s.sinr_ddb, s.ecl, s.pci, s.cell, s.earfcn
"""
_FROM = """
  FROM meter m JOIN product p USING (product_id) JOIN area a ON a.area_id = m.area_id
  LEFT JOIN customer c ON c.customer_id = m.customer_id LEFT JOIN meter_state s ON s.meter_id = m.meter_id
"""
_STATUS = {
    "active": "m.removed_on IS NULL",
    "removed": "m.removed_on IS NOT NULL",
    "never_seen": "m.removed_on IS NULL AND s.last_seen_us IS NULL",
    "silent": "m.removed_on IS NULL AND s.last_seen_us < {now} - {silent}",
    "alarm": "s.event_mask <> 0",
}
_ORDER = {
    "number": ("m.number", "ASC", ">"),
    "-number": ("m.number", "DESC", "<"),
    "meter_id": ("m.meter_id", "ASC", ">"),
    "-meter_id": ("m.meter_id", "DESC", "<"),
}
_STATE_FIELDS = (
    "valve",
    "balance",
    "battery_pct",
    "battery_mv",
    "rsrp_ddbm",
    "sinr_ddb",
    "ecl",
    "pci",
    "cell",
    "earfcn",
)
_FIELDS = frozenset(
    {"product_id", "area_id", "installed_on", "removed_on", "bar_code", "imei", "imsi", "iccid", "customer_id"}
    | {"address", "place", "dn", "qmax_l_h"}
)


def _instant(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


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
        **{name: row[name] for name in _STATE_FIELDS},
    )


def _fields(row: Row, wording: Wording) -> dict[str, Any]:
    own = {name: row[name] for name in Meter.__struct_fields__ if name not in ("state", "imei")}
    own["imei"] = None if row["imei"] is None else f"{row['imei']:015d}"
    own["state"] = _state(row, wording)
    return own


class Meters:
    """``MeterStore`` on one tenant's transaction."""

    def __init__(self, connection: Connection, tenant_id: TenantId, wording: Wording) -> None:
        self._connection = connection
        self._tenant_id = tenant_id
        self._wording = wording

    async def page(self, chosen: MeterFilter) -> list[Meter]:
        where = ["m.tenant_id = $1"]
        values: list[Any] = [self._tenant_id]

        def place(value: Any) -> str:
            values.append(value)
            return f"${len(values)}"

        if chosen.area_id is not None:
            where.append(
                "m.area_id IN (WITH RECURSIVE down AS (SELECT area_id FROM area WHERE area_id = "
                f"{place(chosen.area_id)} UNION SELECT b.area_id FROM area b JOIN down ON b.parent_id = down.area_id)"
                " SELECT area_id FROM down)"
            )
        if chosen.product_id is not None:
            where.append(f"m.product_id = {place(chosen.product_id)}")
        if chosen.status is not None:
            where.append(_STATUS[chosen.status].format(now=int(chosen.now_us), silent=SILENT_AFTER_US))
        column, direction, beyond = _ORDER[chosen.sort]
        if chosen.after is not None:
            key = chosen.after[0] if column == "m.number" else chosen.after[1]
            where.append(f"{column} {beyond} {place(key)}")
        rows = await self._connection.fetch(
            f"SELECT {_COLUMNS} {_FROM} WHERE {' AND '.join(where)}"
            f" ORDER BY {column} {direction} LIMIT {place(chosen.limit)}",
            *values,
        )
        return [Meter(**_fields(row, self._wording)) for row in rows]

    async def by_ids(self, meter_ids: Sequence[MeterId]) -> list[Meter]:
        rows = await self._connection.fetch(
            f"SELECT {_COLUMNS} {_FROM} WHERE m.tenant_id = $1 AND m.meter_id = ANY($2::bigint[])",
            self._tenant_id,
            list(meter_ids),
        )
        found = {row["meter_id"]: Meter(**_fields(row, self._wording)) for row in rows}
        return [found[meter_id] for meter_id in meter_ids if meter_id in found]

    async def get(self, meter_id: MeterId) -> MeterDetail | None:
        row = await self._connection.fetchrow(
            f"SELECT {_COLUMNS}, c.code AS c_code, c.name AS c_name, c.phone AS c_phone, c.address AS c_address,"
            f" c.is_protected AS c_protected, c.is_critical AS c_critical {_FROM} WHERE m.tenant_id = $1 AND m.meter_id = $2",
            self._tenant_id,
            meter_id,
        )
        if row is None:
            return None
        customer = None
        if row["customer_id"] is not None:
            customer = Customer(
                customer_id=row["customer_id"],
                code=row["c_code"],
                name=row["c_name"],
                phone=row["c_phone"],
                address=row["c_address"],
                is_protected=row["c_protected"],
                is_critical=row["c_critical"],
            )
        return MeterDetail(customer=customer, **_fields(row, self._wording))

    async def customer_exists(self, customer_id: CustomerId) -> bool:
        found: bool = await self._connection.fetchval(
            "SELECT EXISTS (SELECT FROM customer WHERE tenant_id = $1 AND customer_id = $2)",
            self._tenant_id,
            customer_id,
        )
        return found

    async def set_customer_flags(self, customer_id: CustomerId, flags: Mapping[str, bool]) -> None:
        await self._connection.execute(
            "UPDATE customer SET is_protected = coalesce($3, is_protected), is_critical = coalesce($4, is_critical)"
            " WHERE tenant_id = $1 AND customer_id = $2",
            self._tenant_id,
            customer_id,
            flags.get("is_protected"),
            flags.get("is_critical"),
        )

    async def add(self, meter: NewMeter) -> MeterId | None:
        try:
            async with self._connection.transaction():  # a savepoint: a taken IMEI of another tenant raises
                meter_id: MeterId = await self._connection.fetchval(
                    "INSERT INTO meter (tenant_id, number, bar_code, imei, imsi, iccid, product_id, area_id,"
                    " customer_id, address, place, dn, qmax_l_h, installed_on)"
                    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) RETURNING meter_id",
                    self._tenant_id,
                    meter.number,
                    meter.bar_code,
                    None if meter.imei is None else int(meter.imei),
                    meter.imsi,
                    meter.iccid,
                    meter.product_id,
                    meter.area_id,
                    meter.customer_id,
                    meter.address,
                    meter.place,
                    meter.dn,
                    meter.qmax_l_h,
                    meter.installed_on,
                )
        except asyncpg.UniqueViolationError:
            return None
        await self._connection.execute(  # the pipeline knows a meter by its state
            "INSERT INTO meter_state (meter_id, tenant_id) VALUES ($1, $2)", meter_id, self._tenant_id
        )
        await self._after_change(meter_id)
        return meter_id

    async def change(self, meter_id: MeterId, revision: int, values: dict[str, Any]) -> bool | None:
        unknown = values.keys() - _FIELDS
        if unknown:
            raise ValueError(f"not fields of a meter: {sorted(unknown)}")
        sets = "".join(f", {name} = ${place}" for place, name in enumerate(values, 4))
        try:
            async with self._connection.transaction():
                done = await self._connection.fetchval(
                    f"UPDATE meter SET revision = revision + 1{sets}"
                    " WHERE tenant_id = $1 AND meter_id = $2 AND revision = $3 RETURNING revision",
                    self._tenant_id,
                    meter_id,
                    revision,
                    *values.values(),
                )
        except asyncpg.UniqueViolationError:
            return None
        if done is None:
            return False
        await self._after_change(meter_id)
        return True

    async def dimension(self, meter_id: MeterId) -> Dimension:
        row = await self._connection.fetchrow(
            "SELECT tenant_id, meter_id, area_id, product_id, installed_on, removed_on, revision FROM meter"
            " WHERE tenant_id = $1 AND meter_id = $2",
            self._tenant_id,
            meter_id,
        )
        assert row is not None  # noqa: S101 called for a meter of this transaction
        return Dimension(**dict(row))

    async def _after_change(self, meter_id: MeterId) -> None:
        await search.refresh(self._connection, [meter_id])
        await self._connection.execute(
            "INSERT INTO identity_change (tenant_id, meter_id) VALUES ($1, $2)", self._tenant_id, meter_id
        )
