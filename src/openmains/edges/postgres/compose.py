# SPDX-License-Identifier: Apache-2.0
"""A query with more conditions or another order than its file says, put together from fragments named in our code.

For lists whose filters would cost the plan if each were an optional value, and that are sorted one way or the other. Values
keep their names; no value is ever part of a text.
"""

import re
from dataclasses import replace
from functools import cache

from openmains.edges.postgres.queries import Query, translate

_PLACE = re.compile(r"\$(\d+)")


@cache
def extended(query: Query, *fragments: str) -> Query:
    """``query`` followed by the fragments, such as ``AND m.area_id = :area_id`` and ``ORDER BY m.number LIMIT :most``."""
    params = list(query.params)
    text, names = translate("\n".join(fragments), query.name)
    params += [name for name in names if name not in params]
    more = _PLACE.sub(lambda place: f"${params.index(names[int(place[1]) - 1]) + 1}", text)
    return replace(query, sql=f"{query.sql}\n{more}", params=tuple(params))


def in_order(unique: str, *, is_down: bool, is_further: bool, rank: str | None = None) -> tuple[str, ...]:
    """Fragments that end a page of a list, which is ``:most`` rows: up or down a column in which no two rows are equal, or up or down ``rank``
    and within it that column, as an index has them. ``is_further``: beyond the row with ``:after`` and, where there is a rank, ``:rank``."""
    way, beyond = ("DESC", "<") if is_down else ("ASC", ">")
    if rank is None:
        past, order = f"AND {unique} {beyond} :after", f"ORDER BY {unique} {way} LIMIT :most"
    else:
        past = f"AND ({rank}, {unique}) {beyond} (:rank, :after)"
        order = f"ORDER BY {rank} {way}, {unique} {way} LIMIT :most"
    return (past, order) if is_further else (order,)
