# SPDX-License-Identifier: Apache-2.0
"""Search in ``meter_search`` and keeping it true. What a gram is: ``app/fleet/search.py``; the SQL: migration 0003."""

from collections.abc import Sequence

from openmains.app.fleet.search import (
    SEPARATOR,
    MeterHit,
    Query,
    fields_of,
    grams_of,
    like_escape,
    parse_query,
    search_text,
)
from openmains.domain.ids import MeterId, TenantId
from openmains.edges.postgres.db import Connection

_HITS = """
SELECT m.meter_id, m.number, m.imei, m.product_id, m.area_id, m.customer_id, coalesce(c.name, '') AS customer_name,
       coalesce(c.phone, '') AS phone, m.address, m.installed_on, m.removed_on
  FROM meter m LEFT JOIN customer c USING (customer_id)
 WHERE m.meter_id = ANY ($1::bigint[]) AND m.tenant_id = $2
"""
_SOURCE = """
SELECT m.meter_id, m.tenant_id, m.number, m.bar_code, m.imei, coalesce(c.name, '') AS name, coalesce(c.phone, '') AS phone,
       m.address, coalesce(c.address, '') AS customer_address, m.imsi, m.iccid
  FROM meter m LEFT JOIN customer c USING (customer_id) WHERE m.meter_id = ANY ($1::bigint[])
"""
_WRITE = """
INSERT INTO meter_search AS s (meter_id, tenant_id, text, grams) VALUES ($1, $2, $3, $4)
ON CONFLICT (meter_id) DO UPDATE SET text = excluded.text, grams = excluded.grams WHERE s.text <> excluded.text
"""
_MOST = 200


async def search(
    connection: Connection, tenant_id: TenantId, query: str, limit: int = 50, after: str | None = None
) -> list[MeterHit]:
    """Meters of a tenant that match, exact ones first, then by meter id; at most ``limit`` (≤ 200).

    Call it in a transaction (the tenant is set in it, as ``tenant_transaction`` does). ``after`` is a hit's cursor. A
    query too short for a gram (up to three letters or digits) finds numbers and names that begin with it and has no further page. Raises
    ``ValueError`` for an empty or overlong query or a cursor that is none.
    """
    wanted = parse_query(query)
    limit = max(1, min(limit, _MOST))
    await connection.execute("SELECT set_config('openmains.tenant', $1, true)", str(tenant_id))
    ranked = await _candidates(connection, wanted, limit, after)
    rows = {row["meter_id"]: row for row in await connection.fetch(_HITS, [m for m, _ in ranked], tenant_id)}
    return [
        MeterHit(**dict(rows[meter_id]), exact=exact, cursor=f"{'x' if exact else 'p'}{meter_id}")
        for meter_id, exact in ranked
        if meter_id in rows
    ]


async def _candidates(connection: Connection, wanted: Query, limit: int, after: str | None) -> list[tuple[int, bool]]:
    if not wanted.grams:
        if after is not None:
            return []
        found = await connection.fetch(
            "SELECT * FROM search_meters_by_prefix($1, $2)", like_escape(wanted.whole) + "%", limit
        )
        return [(row[0], False) for row in found]
    in_exact, position = True, 0
    if after is not None:
        if after[:1] not in ("x", "p") or not after[1:].isdigit():
            raise ValueError("the cursor is none of this search")
        in_exact, position = after[0] == "x", int(after[1:])
    line = f"%{SEPARATOR}{like_escape(wanted.whole)}{SEPARATOR}%"
    terms = [f"%{like_escape(term)}%" for term in wanted.terms]
    sql = "SELECT * FROM search_meters($1, $2, $3, $4, $5, $6)"
    ranked: list[tuple[int, bool]] = []
    if in_exact:
        found = await connection.fetch(sql, wanted.exact_grams, terms, line, True, position, limit)
        ranked = [(row[0], True) for row in found]
        position = 0
    if len(ranked) < limit:
        found = await connection.fetch(sql, wanted.grams, terms, line, False, position, limit - len(ranked))
        ranked += [(row[0], False) for row in found]
    return ranked


async def refresh(connection: Connection, meter_ids: Sequence[MeterId]) -> int:
    """Write the search texts of these meters anew from meter and customer; returns how many meters there are.

    To be called in the transaction that changed a number, bar code, IMEI, SIM, name, phone or address.
    """
    rows = await connection.fetch(_SOURCE, list(meter_ids))
    texts = [
        search_text(
            fields_of(row["number"], row["bar_code"], row["imei"], row["name"], row["phone"], row["address"],
                      row["customer_address"], row["imsi"], row["iccid"])
        )
        for row in rows
    ]  # fmt: skip
    found, starts = grams_of(texts)
    values = found.tolist()
    bounds = starts.tolist()
    await connection.executemany(
        _WRITE,
        [
            (row["meter_id"], row["tenant_id"], text, sorted(set(values[bounds[i] : bounds[i + 1]])))
            for i, (row, text) in enumerate(zip(rows, texts, strict=True))
        ],
    )
    return len(rows)


async def refresh_customers(connection: Connection, customer_ids: Sequence[int]) -> int:
    """The same for all meters of these customers."""
    rows = await connection.fetch(
        "SELECT meter_id FROM meter WHERE customer_id = ANY ($1::bigint[])", list(customer_ids)
    )
    return await refresh(connection, [row[0] for row in rows])
