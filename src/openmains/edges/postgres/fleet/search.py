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
from openmains.edges.postgres.queries import load

_QUERIES = load(__package__)
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
    await _QUERIES["set_tenant"].execute(connection, tenant=str(tenant_id))
    ranked = await _candidates(connection, wanted, limit, after)
    hits = await _QUERIES["search_hits"].fetch(connection, meter_ids=[m for m, _ in ranked], tenant_id=tenant_id)
    rows = {row["meter_id"]: row for row in hits}
    return [
        MeterHit(**dict(rows[meter_id]), exact=exact, cursor=f"{'x' if exact else 'p'}{meter_id}")
        for meter_id, exact in ranked
        if meter_id in rows
    ]


async def _candidates(connection: Connection, wanted: Query, limit: int, after: str | None) -> list[tuple[int, bool]]:
    if not wanted.grams:
        if after is not None:
            return []
        found = await _QUERIES["search_meters_by_prefix"].fetch(
            connection, prefix=like_escape(wanted.whole) + "%", most=limit
        )
        return [(row["meter_id"], False) for row in found]
    in_exact, position = True, 0
    if after is not None:
        if after[:1] not in ("x", "p") or not after[1:].isdigit():
            raise ValueError("the cursor is none of this search")
        in_exact, position = after[0] == "x", int(after[1:])
    line = f"%{SEPARATOR}{like_escape(wanted.whole)}{SEPARATOR}%"
    terms = [f"%{like_escape(term)}%" for term in wanted.terms]
    ranked: list[tuple[int, bool]] = []
    for is_exact, grams in ((True, wanted.exact_grams), (False, wanted.grams)):
        if (is_exact and not in_exact) or len(ranked) >= limit:
            continue
        found = await _QUERIES["search_meters"].fetch(
            connection,
            grams=grams,
            terms=terms,
            line=line,
            is_exact=is_exact,
            after=position if is_exact == in_exact else 0,
            most=limit - len(ranked),
        )
        ranked += [(row["meter_id"], is_exact) for row in found]
    return ranked


async def refresh(connection: Connection, meter_ids: Sequence[MeterId]) -> int:
    """Write the search texts of these meters anew from meter and customer; returns how many meters there are.

    To be called in the transaction that changed a number, bar code, IMEI, SIM, name, phone or address.
    """
    rows = await _QUERIES["search_source"].fetch(connection, meter_ids=meter_ids)
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
    write = _QUERIES["write_search_text"]
    await connection.executemany(
        write.sql,
        [
            write.arguments(
                {
                    "meter_id": row["meter_id"],
                    "tenant_id": row["tenant_id"],
                    "text": text,
                    "grams": sorted(set(values[bounds[i] : bounds[i + 1]])),
                }
            )
            for i, (row, text) in enumerate(zip(rows, texts, strict=True))
        ],
    )
    return len(rows)


async def refresh_customers(connection: Connection, customer_ids: Sequence[int]) -> int:
    """The same for all meters of these customers."""
    rows = await _QUERIES["meters_of_customers"].fetch(connection, customer_ids=customer_ids)
    return await refresh(connection, [row["meter_id"] for row in rows])
