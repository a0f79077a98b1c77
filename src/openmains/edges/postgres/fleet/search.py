# SPDX-License-Identifier: Apache-2.0
"""Search in ``meter_search`` and keeping it true. What a gram is: ``app/fleet/search.py``; the SQL: migration 0022."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from openmains.app.fleet.search import (
    LEAST_AREA_TERM,
    SEPARATOR,
    AreaQuery,
    MeterHit,
    Query,
    area_queries,
    fields_of,
    gram_sets,
    grams_of_terms,
    like_escape,
    parse_query,
    search_text,
)
from openmains.app.reach import limits_now
from openmains.domain.ids import AreaId, MeterId, TenantId
from openmains.edges.postgres.db import Connection
from openmains.edges.postgres.queries import load

_QUERIES = load(__package__)
_PLACES = load(__package__, "places.sql")
_MOST = 200


@dataclass(frozen=True, slots=True)
class Within:
    """Filters of the list a search is made in; None: not filtered. An area includes those below it."""

    area_id: AreaId | None = None
    products: tuple[int, ...] | None = None
    status: str | None = None
    tag_id: int | None = None
    silent_us: Mapping[str, int] = field(default_factory=dict)  # by report mode: a meter not seen since then is silent


EVERYWHERE = Within()


async def search(
    connection: Connection,
    tenant_id: TenantId,
    query: str,
    limit: int = 50,
    after: str | None = None,
    within: Within = EVERYWHERE,
) -> list[MeterHit]:
    """Meters of a tenant that match all words of the query and all filters, exact ones first, then by meter id; at most
    ``limit`` (≤ 200).

    Call it in a transaction (the tenant is set in it, as ``tenant_transaction`` does). ``after`` is a hit's cursor. One
    word too short for a gram (up to three letters or digits) finds numbers, accounts and names that begin with it and has no
    further page. Raises ``ValueError`` for an empty or overlong query or a cursor that is none.
    """
    wanted = parse_query(query)
    limit = max(1, min(limit, _MOST))
    await _QUERIES["set_tenant"].execute(connection, tenant=str(tenant_id))
    ranked = await _candidates(connection, tenant_id, wanted, limit, after, within)
    hits = await _QUERIES["search_hits"].fetch(connection, meter_ids=[m for m, _ in ranked], tenant_id=tenant_id)
    rows = {row["meter_id"]: row for row in hits}
    return [
        MeterHit(**dict(rows[meter_id]), exact=exact, cursor=f"{'x' if exact else 'p'}{meter_id}")
        for meter_id, exact in ranked
        if meter_id in rows
    ]


async def _candidates(
    connection: Connection, tenant_id: TenantId, wanted: Query, limit: int, after: str | None, within: Within
) -> list[tuple[int, bool]]:
    in_exact, position = True, 0
    if after is not None:
        if after[:1] not in ("x", "p") or not after[1:].isdigit():
            raise ValueError("the cursor is none of this search")
        in_exact, position = after[0] == "x", int(after[1:])
    patterns = [f"%{like_escape(term)}%" for term in wanted.terms if len(term) >= LEAST_AREA_TERM]
    known = [
        (row["area_id"], row["parent_id"], row["code"], row["name"])
        for row in await _PLACES["areas_named"].fetch(connection, tenant_id=tenant_id, patterns=patterns)
    ]
    queries = area_queries(wanted, known)
    within = await _in_reach(connection, within)
    chosen: frozenset[int] | None = None
    if within.area_id is not None:
        chosen = frozenset(await _PLACES["branch_areas"].fetchval(connection, area_id=within.area_id))
        queries = [AreaQuery(way.terms, chosen if way.areas is None else way.areas & chosen) for way in queries]
    filters = {
        "products": None if within.products is None else list(within.products),
        "status": within.status,
        "silent_us": dict(within.silent_us),
        "tag_id": within.tag_id,
    }
    one_word = len(wanted.terms) == len(queries) == 1 and within == EVERYWHERE and limits_now().reach.is_whole
    if not wanted.grams and one_word:
        if after is not None:
            return []
        found = await _QUERIES["search_meters_by_prefix"].fetch(
            connection, prefixes=_prefixes(wanted), terms=None, after=0, most=limit, areas=None, **filters
        )
        return [(meter_id, False) for meter_id in list(dict.fromkeys(row["meter_id"] for row in found))[:limit]]
    line = f"%{SEPARATOR}{like_escape(wanted.whole)}{SEPARATOR}%"
    areas = None if chosen is None else sorted(chosen)
    ranked: list[tuple[int, bool]] = []
    if in_exact and wanted.grams:
        found = await _QUERIES["search_meters"].fetch(
            connection, grams=wanted.exact_grams, terms=[], line=line, is_exact=True, after=position, most=limit,
            areas=areas, **filters,
        )  # fmt: skip
        ranked = [(row["meter_id"], True) for row in found]
    more: set[int] = set()
    for way in queries if len(ranked) < limit else ():
        asked: dict[str, Any] = {
            "terms": [f"%{like_escape(term)}%" for term in way.terms],
            "after": 0 if in_exact else position,
            "most": limit,
            "areas": None if way.areas is None else sorted(way.areas),
            **filters,
        }
        grams = grams_of_terms(way.terms)
        if grams or way.areas is not None:
            found = await _QUERIES["search_meters"].fetch(connection, grams=grams, line=line, is_exact=False, **asked)
        else:
            found = await _QUERIES["search_meters_by_prefix"].fetch(connection, prefixes=_prefixes(wanted), **asked)
        more.update(row["meter_id"] for row in found)
    return ranked + [(meter_id, False) for meter_id in sorted(more)][: limit - len(ranked)]


async def _in_reach(connection: Connection, within: Within) -> Within:
    """The functions that find work with the owner's rights: they ask for places and bound devices themselves (migration 0148); of products
    they are told."""
    reach = limits_now().reach
    if not reach.media and not reach.products:
        return within
    rows = await _QUERIES["products_in_reach"].fetch(connection)
    seen = tuple(row["product_id"] for row in rows if within.products is None or row["product_id"] in within.products)
    return replace(within, products=seen)


def _prefixes(wanted: Query) -> list[str]:
    return [like_escape(text) + "%" for text in wanted.terms]


async def refresh(connection: Connection, meter_ids: Sequence[MeterId]) -> int:
    """Write the search texts of these meters anew from meter and customer; returns how many meters there are.

    To be called in the transaction that changed a number, bar code, IMEI, SIM, name or address.
    """
    rows = await _QUERIES["search_source"].fetch(connection, meter_ids=meter_ids)
    texts = [
        search_text(
            fields_of(row["number"], row["bar_code"], row["imei"], row["name"], row["address"],
                      row["customer_address"], row["imsi"], row["iccid"], row["customer_code"])
        )
        for row in rows
    ]  # fmt: skip
    write = _QUERIES["write_search_text"]
    await connection.executemany(
        write.sql,
        [
            write.arguments(
                {
                    "meter_id": row["meter_id"],
                    "tenant_id": row["tenant_id"],
                    "text": text,
                    "grams": grams,
                }
            )
            for row, text, grams in zip(rows, texts, gram_sets(texts), strict=True)
        ],
    )
    return len(rows)


async def renew_outdated(connection: Connection, limit: int = 2000) -> int:
    """Write texts anew that were made by an earlier rule, at most ``limit``; returns how many there were."""
    rows = await _QUERIES["outdated_search_texts"].fetch(connection, most=limit)
    return await refresh(connection, [row["meter_id"] for row in rows])


async def refresh_customers(connection: Connection, customer_ids: Sequence[int]) -> int:
    """The same for all meters of these customers."""
    rows = await _QUERIES["meters_of_customers"].fetch(connection, customer_ids=customer_ids)
    return await refresh(connection, [row["meter_id"] for row in rows])
